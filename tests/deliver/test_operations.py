"""`tactful outbox` and `tactful doctor`: values out, for the command line to show."""

import asyncio
from pathlib import Path
from typing import cast

import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tactful.adapters import reach
from tactful.adapters.smtp import Smtp
from tactful.app import examining, lanes
from tactful.app.parts import email_of
from tactful.errors import UsageError
from tactful.messages import dkim
from tactful.operations import doctor
from tactful.operations.messages import outbox
from tactful.runtime.channels import DkimSettings, EmailSettings, ProviderSettings, WebhookSettings
from tactful.runtime.ports import OutboxRow
from tactful.runtime.settings import read_settings
from tactful.runtime.settings_responses import HookSettings, PostmarkHook, TrackingSettings
from tests.deliver.desk import Desk, StillClock, order, run
from tests.deliver.faulty_api import KEY as API_KEY
from tests.deliver.faulty_api import FaultyApi, PostmarkApi
from tests.deliver.faulty_smtp import FaultySmtp


def test_what_is_held_can_be_seen_released_and_dropped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(order("i1"), order("i2"), order("i3"))
    desk.claim(limit=2)
    desk.outbox.hand_off(["i1", "i2"], "gone")
    desk.outbox.hold_orphans(["gone"], ["email"], desk.clock.now)

    def messages(status: str | None, text: str, before: int | None, limit: int) -> list[OutboxRow]:
        return desk.outbox.rows(status, text or None, before, limit)

    held = outbox.rows(messages, status="held")
    assert {(row.intent.intent, row.intent.key, row.reason) for row in held} == {
        ("i1", "u:i1", "outcome unknown"),
        ("i2", "u:i2", "outcome unknown"),
    }
    shown = outbox.as_values(outbox.show(desk.outbox, "i1"))
    assert (shown["due"], shown["notBefore"]) == ("2025-03-01T08:00:00.000Z", None)
    assert outbox.release(desk.outbox, desk.rings, desk.clock, ["i1", "i3", "no"]) == outbox.Done(("i1",), ("i3", "no"))
    assert outbox.drop(desk.outbox, desk.rings, desk.clock, ["i2", "i3"], "looked").changed == ("i2", "i3")
    assert desk.outbox.counts() == {"waiting": 1, "dropped": 2}
    assert "work-0" in desk.rings.rung
    with pytest.raises(UsageError, match="no intent"):
        outbox.show(desk.outbox, "no")
    with pytest.raises(UsageError, match="no status"):
        outbox.rows(messages, status="lost")
    desk.close()


@pytest.mark.parametrize(
    ("url", "public", "sender", "words"),
    [
        ("", "", "", []),
        ("smtp://m.example", "https://t.example", "a@b.example", []),
        ("smtp://m.example", "http://t.example", "a@b.example", ["https"]),
        ("smtp://m.example", "", "Shop", ["https", "from must be"]),
        ("smtp://u:p@m.example?starttls=never", "https://t.example", "a@b.example", ["password"]),
        ("smtp://u:p@localhost", "https://t.example", "a@b.example", []),
        ("mail.example", "https://t.example", "a@b.example", ["smtp_url"]),
    ],
)
def test_what_check_refuses(url: str, public: str, sender: str, words: list[str]) -> None:
    problems = doctor.check_channels(EmailSettings(sender=sender, smtp_url=url), public)
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


def test_the_doctor_says_who_signs_and_what_answers() -> None:
    async def scene() -> None:
        async def no_page() -> str:
            raise OSError("connection refused")

        async with FaultySmtp() as server:
            email = EmailSettings("Shop <a@shop.example>", f"smtp://127.0.0.1:{server.port}?starttls=never")
            findings = await doctor.examine(
                email, WebhookSettings(allow_private=True), "https://t.shop.example", Smtp(email).probe, no_page
            )
        said = {finding.about: finding for finding in findings}
        assert "shop.example" in said["DKIM"].text and "List-Unsubscribe-Post" in said["DKIM"].text
        assert said["mail server"] == doctor.Finding("good", "mail server", "not encrypted, no login")
        assert said["public_url"].level == "bad"
        assert "connection refused" in said["public_url"].text
        quiet = await doctor.examine(EmailSettings(), WebhookSettings(("s",)), "", None, None)
        assert [finding.about for finding in quiet] == ["mail"]

    run(scene())


@pytest.mark.parametrize(
    ("provider", "hooks", "tracking", "public", "levels"),
    [
        ("", HookSettings(), TrackingSettings(), "", []),
        ("postmark", HookSettings(), TrackingSettings(), "https://t.example", ["note"]),
        ("postmark", HookSettings(postmark=PostmarkHook("p" * 40)), TrackingSettings(), "https://t.example", []),
        ("ses", HookSettings(postmark=PostmarkHook("p" * 40)), TrackingSettings(), "https://t.example", ["note"]),
        ("", HookSettings(), TrackingSettings(clicks=True), "", ["note"]),
        ("", HookSettings(), TrackingSettings(opens=True), "https://t.example", []),
        ("mailgun", HookSettings(), TrackingSettings(opens=True), "", ["note", "bad"]),
    ],
)
def test_the_doctor_says_what_will_not_come_back(
    provider: str, hooks: HookSettings, tracking: TrackingSettings, public: str, levels: list[str]
) -> None:
    by = ProviderSettings(provider, "k") if provider else None
    findings = doctor.look_at_responses(EmailSettings("a@shop.example", provider=by), tracking, hooks, public)
    assert [finding.level for finding in findings] == levels
    assert all(f"[hooks.{provider}]" in one.text for one in findings if one.about == "responses")


KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SIGNING = DkimSettings("shop.example", "tactful", "dkim.pem")


class NameServer(asyncio.DatagramProtocol):
    """A DNS server with the records that it is given."""

    def __init__(self, **records: str) -> None:
        self.records = records

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        asked = dns.message.from_wire(data)
        answer = dns.message.make_response(asked)
        name = asked.question[0].name
        if text := self.records.get(str(name).partition(".")[0]):
            pieces = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", pieces))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), address)


@pytest.mark.parametrize(
    ("published", "level", "words"),
    [
        ({"tactful": dkim.record(KEY)}, "good", "knows the key"),
        ({"tactful": "v=DKIM1; k=ed25519; p=AAAA"}, "bad", "holds another key; it must be: v=DKIM1; k=ed25519; p="),
        ({}, "bad", "does not exist; it must be: v=DKIM1"),
    ],
)
def test_the_doctor_asks_the_dns_for_our_key(published: dict[str, str], level: str, words: str) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: NameServer(**published), ("127.0.0.1", 0))
        at = transport.get_extra_info("sockname")
        signing = doctor.Signing(SIGNING, KEY, lambda name: reach.names(name, at))
        email = EmailSettings("Shop <a@shop.example>", "smtp://127.0.0.1:1?starttls=never", dkim=SIGNING)
        findings = await doctor.examine(email, WebhookSettings(("s",)), "https://t.shop.example", None, None, signing)
        (finding,) = [finding for finding in findings if finding.about == "DKIM"]
        assert finding.level == level
        assert words in finding.text and "tactful._domainkey.shop.example" in finding.text
        transport.close()

    run(scene())


def test_a_dns_that_does_not_answer_is_a_note() -> None:
    async def silence(name: str) -> list[str]:
        raise OSError("timed out")

    async def scene() -> None:
        email = EmailSettings("a@shop.example", "smtp://127.0.0.1:1?starttls=never", dkim=SIGNING)
        signing = doctor.Signing(SIGNING, KEY, silence)
        findings = await doctor.examine(email, WebhookSettings(("s",)), "https://t.example", None, None, signing)
        assert [(one.level, one.text) for one in findings if one.about == "DKIM"] == [
            ("note", "the DNS could not be asked for tactful._domainkey.shop.example: timed out")
        ]

    run(scene())


CHANNELS = """
[workspace]
public_url = "https://t.shop.example"
[channels.email]
from = "Shop <a@shop.example>"
provider = "postmark"
api_key = "{key}"
endpoint = "{endpoint}"
[channels.sms]
url = "json://localhost/{{address}}"
[channels.chat]
url = "nowhere://localhost/{{address}}"
"""


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_the_doctor_tries_every_channel(tmp_path: Path) -> None:
    """Each with words that say what to do."""
    said: dict[str, doctor.Finding] = {}

    async def scene() -> None:
        async with FaultyApi(PostmarkApi()) as server:
            settings = read_settings(CHANNELS.format(key=API_KEY, endpoint=server.address), {})
            found = await asyncio.to_thread(examining.channels, settings, tmp_path, None, StillClock())
            said.update({finding.about: finding for finding in found})

    run(scene())
    assert said["mail by postmark"] == doctor.Finding(
        "good", "mail by postmark", "Postmark knows the key of the server 'Shop'"
    )
    assert "must be verified there" in said["DKIM"].text
    assert (said["sms"].level, said["chat"].level, said["push"].level) == ("good", "bad", "note")
    assert "[channels.chat] url" in said["chat"].text and said["push"].text == "set [channels.push] url"
    assert "first start" in said["web_push"].text


def test_a_key_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    text = '[channels.email]\nfrom = "a@shop.example"\nsmtp_url = "smtp://127.0.0.1:1?starttls=never"\n[channels.email.dkim]\nselector = "x"\n'
    settings = read_settings(text, {})
    found = examining.channels(settings, tmp_path, None, StillClock())
    assert any(one.level == "bad" and "dkim.pem: No such file" in one.text for one in found), found
    with pytest.raises(UsageError, match="No such file"):
        lanes.refuse_unusable(email_of(settings, tmp_path), StillClock())


def test_a_server_that_is_not_there_is_a_finding() -> None:
    async def scene() -> None:
        email = EmailSettings("a@shop.example", "smtp://127.0.0.1:1?starttls=never")
        with pytest.raises(OSError, match="Connect"):
            await Smtp(email).probe()

    run(scene())
