"""Mail by providers' APIs: what arrives there, and that under every fault a mail goes at most once."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends

from tactful.adapters.mail_api import Answered as ApiAnswer
from tactful.adapters.mail_api import MailApi, Provider, after_us
from tactful.adapters.mailgun import Mailgun
from tactful.adapters.postmark import Postmark
from tactful.adapters.sendgrid import SendGrid
from tactful.adapters.ses import Ses
from tactful.errors import UsageError
from tactful.messages import fields, mail
from tactful.runtime.channels import ProviderSettings
from tactful.runtime.deliver import Lane
from tactful.runtime.writing import mail_writer
from tactful.values import HOUR_US, MINUTE_US, SECOND_US
from tests.deliver.desk import LETTERHEAD, SOURCE, START, Desk, StillClock, claimed, order, run
from tests.deliver.faulty_api import (
    KEY,
    Api,
    FaultyApi,
    MailgunApi,
    PostmarkApi,
    SendGridApi,
    SesApi,
    Told,
)


@dataclass(frozen=True)
class Case:
    name: str
    api: Callable[[], Api]
    make: Callable[[ProviderSettings], Provider]
    takes_fields: bool
    says_no: Told
    """A refusal of the mail itself."""
    is_certain_away: bool
    """Whether its 503 says that nothing was taken."""


CASES = [
    Case("postmark", PostmarkApi, Postmark, True, Told(422, '{"ErrorCode": 300, "Message": "Zero recipients"}'), True),
    Case("sendgrid", SendGridApi, SendGrid, True, Told(413, '{"errors": [{"field": null}]}'), True),
    Case("mailgun", MailgunApi, Mailgun, False, Told(400, '{"message": "Need at least one of text or html"}'), False),
    Case("ses", SesApi, Ses, False, Told(400, '{"message": "virus"}', {"x-amzn-ErrorType": "MessageRejected"}), False),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))


def channel(case: Case, server: FaultyApi, *, timeout_s: float = 30.0, key: str = KEY, slots: int = 5) -> MailApi:
    settings = ProviderSettings(
        case.name, key, key_id="AKIDTEST", region="eu-central-1", domain="shop.example", endpoint=server.address,
        timeout_s=timeout_s,
    )  # fmt: skip
    return MailApi(case.make(settings), settings, StillClock(), slots)


def lane(desk: Desk, case: Case, way: MailApi) -> Lane:
    compose = fields.compose if case.takes_fields else mail.compose
    return Lane(way, mail_writer(LETTERHEAD, desk.outbox.template, compose=compose))


@every
def test_what_arrives_is_what_was_written(case: Case, tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api()) as server:
            desk, way = Desk(tmp_path), channel(case, server)
            desk.put(*(order(f"i{number}") for number in range(7)))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            assert {desk.status(f"i{number}") for number in range(7)} == {"sent"}
            assert sorted(one.intent for one in server.taken) == [f"i{number}" for number in range(7)]
            arrived = next(one for one in server.taken if one.intent == "i3")
            assert arrived.to == "i3@people.example"
            assert "hello@shop.example" in arrived.sender
            assert arrived.subject == "Your cart, Ada"
            assert "<p>Hello Ada" in arrived.html
            assert arrived.text.startswith("Hello Ada")
            assert arrived.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            link = arrived.headers["List-Unsubscribe"].strip("<>")
            assert link.startswith("https://t.shop.example/") and link in arrived.text
            assert arrived.headers["Message-ID"] == "<i3@shop.example>"
            assert desk.row("i3").detail.startswith(("pm-", "sg-", "<mg-", "ses-"))
            assert server.connections <= way.slots, "connections are used again"
            await way.close()
            desk.close()

    run(scene())


def test_sendgrid_gets_the_amp_part_between_text_and_html_and_postmark_none() -> None:
    rendered = mail.Rendered("s", "<p>h</p>", "t", (), amp="<html amp4email></html>")
    body = fields.compose(rendered, "Shop <hello@shop.example>", "ada@x.example", "i1", 0)

    claim = claimed(order("i1"), 1, START, SOURCE)

    async def scene() -> None:
        asked = await SendGrid(ProviderSettings("sendgrid", KEY)).request(claim, body)
        parts = json.loads(asked.body)["content"]
        assert [part["type"] for part in parts] == ["text/plain", "text/x-amp-html", "text/html"]
        assert b"amp4email" not in (await Postmark(ProviderSettings("postmark", KEY)).request(claim, body)).body

    run(scene())


FAULTS: list[tuple[Told, str, int]] = [
    # what is told, where the mail stands after one attempt, how many the provider has then
    (Told(401, '{"message": "who are you?"}'), "waiting", 0),
    (Told(402, "pay first"), "waiting", 0),
    (Told(403, "no"), "waiting", 0),
    (Told(404, "nothing here"), "waiting", 0),
    (Told(429, "slow down", {"Retry-After": "7"}), "waiting", 0),
    (Told(500, "oops"), "held", 0),
    (Told(502, "<html>bad gateway</html>"), "held", 0),
    (Told(504, "too slow"), "held", 0),
    (Told(302, "", {"Location": "/elsewhere"}), "held", 0),
    (Told(what="close"), "held", 0),
    (Told(what="drop"), "held", 0),
    (Told(what="accept+drop"), "held", 1),
    (Told(what="garbage"), "held", 0),
    (Told(what="accept+garbage"), "held", 1),
    (Told(what="accept+stall"), "held", 1),
    (Told(what="stall"), "held", 0),
]


@every
@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    FAULTS,
    ids=lambda value: str(getattr(value, "what", "") or getattr(value, "status", value)),
)
def test_under_every_fault_a_mail_goes_at_most_once(
    case: Case, fault: Told, status: str, kept: int, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api(), [fault]) as server:
            desk, way = Desk(tmp_path), channel(case, server, timeout_s=0.3 if "stall" in fault.what else 30.0)
            desk.put(order("i1"))
            deliverer = desk.deliverer(lane(desk, case, way))
            await desk.deliver(deliverer)
            assert (desk.status("i1"), len(server.taken)) == (status, kept), desk.row("i1")
            if fault.status == 429:
                assert desk.row("i1").not_before >= START + 7 * SECOND_US
            await desk.deliver(deliverer, rounds=3)
            assert desk.status("i1") == ("sent" if status == "waiting" else status)
            assert len(server.taken) <= 1
            await way.close()
            desk.close()

    run(scene())


@every
def test_only_a_documented_outage_is_certain(case: Case, tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api(), [Told(503, "away")]) as server:
            desk, way = Desk(tmp_path), channel(case, server)
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            assert desk.status("i1") == ("waiting" if case.is_certain_away else "held")
            await way.close()
            desk.close()

    run(scene())


@every
def test_nobody_there_a_refused_mail_a_bad_address_a_wrong_key(case: Case, tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api(), [case.says_no]) as server:
            desk, way = Desk(tmp_path), channel(case, server)
            desk.put(order("refused"))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            assert desk.status("refused") == "rejected"
            desk.put(order("bad"))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            assert desk.status("bad") == "rejected", desk.row("bad")
            suppressed = [address for address, _, _ in desk.outbox.suppressions()]
            assert suppressed == ([] if case.name == "ses" else ["bad@people.example"]), "SES does not say which is bad"
            wrong = channel(case, server, key="another key")
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(lane(desk, case, wrong)))
            assert (desk.status("i1"), desk.row("i1").reason) == ("waiting", "the provider refuses us")
            assert desk.row("i1").not_before >= START + MINUTE_US, "not at once: somebody has to mend it"
            await wrong.close()
            await way.close()
        desk.put(order("i2"))
        gone = channel(case, server)
        await desk.deliver(desk.deliverer(lane(desk, case, gone)))
        assert (desk.status("i2"), desk.row("i2").reason) == ("waiting", "the provider cannot be reached")
        assert not server.taken
        await gone.close()
        desk.close()

    run(scene())


@every
def test_the_doctor_looks_without_sending(case: Case) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api()) as server:
            assert "know" in await channel(case, server).probe()
            with pytest.raises(OSError, match="does not take the key"):
                await channel(case, server, key="wrong").probe()
            assert not server.taken
            assert [asked.method for asked in server.asked] == ["GET", "GET"]
        with pytest.raises(OSError, match="Connect"):
            await channel(case, server).probe()

    run(scene())


@pytest.mark.parametrize(
    ("case", "answer", "words"),
    [
        (CASES[0], {"Name": "Try", "DeliveryType": "Sandbox"}, "sandbox"),
        (CASES[1], {"scopes": ["stats.read"]}, "mail.send"),
        (CASES[2], {"domain": {"state": "unverified"}}, "not active"),
        (CASES[3], {"SendingEnabled": False}, "paused"),
        (CASES[3], {"SendingEnabled": True, "ProductionAccessEnabled": False}, "sandbox"),
    ],
    ids=["postmark", "sendgrid", "mailgun", "ses-paused", "ses-sandbox"],
)
def test_the_doctor_says_what_keeps_mail_from_leaving(case: Case, answer: object, words: str) -> None:
    async def scene() -> None:
        async with FaultyApi(case.api(), [Told(200, json.dumps(answer))]) as server:
            with pytest.raises(OSError, match=words):
                await channel(case, server).probe()

    run(scene())


def test_inactive_recipients_of_postmark_are_suppressed(tmp_path: Path) -> None:
    async def scene() -> None:
        case = CASES[0]
        async with FaultyApi(case.api()) as server:
            desk, way = Desk(tmp_path), channel(case, server)
            desk.put(order("inactive"))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            assert desk.status("inactive") == "rejected"
            assert [address for address, _, _ in desk.outbox.suppressions()] == ["inactive@people.example"]
            await way.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("status", "kind", "text", "expected", "wait_us"),
    [
        (429, "TooManyRequestsException", "slow", "waiting", 0),
        (400, "ThrottlingException", "Daily message quota exceeded", "waiting", 10 * MINUTE_US),
        (400, "SendingPausedException", "paused", "waiting", MINUTE_US),
        (400, "MailFromDomainNotVerifiedException", "verify", "waiting", MINUTE_US),
        (403, "ExpiredTokenException", "expired", "waiting", MINUTE_US),
        (500, "InternalFailure", "sorry", "waiting", 0),
        (503, "ServiceUnavailable", "sorry", "waiting", 0),
        (400, "MessageRejected", "Email address is not verified", "rejected", 0),
        (503, "", "<html>a balancer speaks</html>", "held", 0),
        (400, "", "<html>a proxy speaks</html>", "held", 0),
    ],
)
def test_what_ses_says(status: int, kind: str, text: str, expected: str, wait_us: int, tmp_path: Path) -> None:
    async def scene() -> None:
        case = CASES[3]
        headers = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/"} if kind else {}
        async with FaultyApi(
            case.api(), [Told(status, json.dumps({"message": text}) if kind else text, headers)]
        ) as server:
            desk, way = Desk(tmp_path), channel(case, server)
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(lane(desk, case, way)))
            row = desk.row("i1")
            assert row.status == expected, row
            if expected == "waiting":
                assert row.not_before >= START + wait_us
            assert not server.taken
            await way.close()
            desk.close()

    run(scene())


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def desk_writes(desk: Desk) -> bytes:
    """The bytes of the mail of the one claim."""
    intent = order("i1")
    return mail_writer(LETTERHEAD, desk.outbox.template)(claimed(intent, 1, START, desk.source))


def test_ses_as_moto_speaks_it(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation of SES that is not ours; credentials as AWS's own tools find them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    verify = urllib.request.Request(
        moto,
        b"Action=VerifyDomainIdentity&Version=2010-12-01&Domain=shop.example",
        {
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20250301/eu-central-1/ses/aws4_request, SignedHeaders=host, Signature=x"
        },
    )
    urllib.request.urlopen(verify).close()

    async def scene() -> None:
        settings = ProviderSettings("ses", region="eu-central-1", endpoint=moto)
        way = MailApi(Ses(settings), settings, StillClock())
        desk = Desk(tmp_path)
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(lane(desk, CASES[3], way)))
        assert desk.status("i1") == "sent", desk.row("i1")
        (kept,) = ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages
        assert (kept.id, set(kept.destinations)) == (desk.row("i1").detail, {"i1@people.example"})
        assert kept.raw_data.encode() == desk_writes(desk)
        await way.close()
        desk.close()

    run(scene())


def test_without_credentials_ses_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="TACTFUL_EMAIL_KEY_ID"):
        Ses(ProviderSettings("ses", region="eu-central-1"))


def test_without_the_extra_ses_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "botocore.session", None)
    with pytest.raises(UsageError, match=r"tactful\[ses\]"):
        Ses(ProviderSettings("ses", region="eu-central-1"))


def test_how_long_providers_ask_to_wait() -> None:
    now_us = 1_700_000_000 * SECOND_US
    assert after_us(ApiAnswer(429, {"retry-after": "12"}, ""), now_us) == 12 * SECOND_US
    assert after_us(ApiAnswer(429, {"x-ratelimit-reset": "1700000030"}, ""), now_us) == 30 * SECOND_US
    assert after_us(ApiAnswer(429, {"x-ratelimit-reset": "1600000000"}, ""), now_us) == 0
    assert after_us(ApiAnswer(429, {"retry-after": "99999999"}, ""), now_us) == 6 * HOUR_US
    assert after_us(ApiAnswer(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, ""), now_us) == 0
