"""The example shop's letters by a real SMTP server, byte by byte: what a mailbox gets is what was rendered."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtpd.controller
import dkim
import pytest
from aiosmtpd import smtp
from aiosmtpd.smtp import Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from tactful.adapters.smtp import Smtp
from tactful.app.lanes import signed
from tactful.events import records
from tactful.messages import links, mail
from tactful.messages.dkim import record
from tactful.messages.finishing import CLIPPED_BYTES
from tactful.messages.samples import default
from tactful.messages.source import MessageSource, source_of
from tactful.runtime.channels import DkimSettings, EmailSettings, Sent
from tactful.runtime.ports import Claimed
from tactful.runtime.writing import Letterhead, mail_writer
from tests.deliver.desk import KEYS, START, claimed, order
from tests.messages.letters import PERSON, SITE, definitions

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:aiosmtpd")

DOMAIN = "nordlicht.example"
LETTERHEAD = Letterhead("Nordlicht", f"Nordlicht <hello@{DOMAIN}>", f"https://t.{DOMAIN}", KEYS, site_url=SITE)
MESSAGES = definitions().messages
each = pytest.mark.parametrize("name", MESSAGES)
PARTS = {"cart_reminder": ["text/plain", "text/x-amp-html", "text/html"]}


class Mailbox:
    """What the server was handed, with its envelope."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(envelope)
        return "250 kept"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox()
    running = aiosmtpd.controller.Controller(mailbox, "127.0.0.1", port, enable_SMTPUTF8=True)
    running.start()
    yield mailbox, port
    running.stop()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dkim") / "dkim.pem"
    private = Ed25519PrivateKey.generate()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def claim_of(source: MessageSource, address: str = "ines@mail.example", **more: Any) -> Claimed:
    """As the gate has it: what the templates see is frozen."""
    fetched = {fetch.name: default(fetch) for fetch in source.fetches}
    intent = replace(order("i" * 32), message=source.name, purpose=source.purpose, key="u:ines")
    one = claimed(intent, 1, START, source, address)
    return replace(one, frozen=bytes(records.pack({**PERSON, "fetched": fetched, **more})))


def write(source: MessageSource, claim: Claimed, key: Path | None = None) -> bytes:
    settings = DkimSettings(DOMAIN, "tactful", str(key)) if key else None
    return signed(mail_writer(LETTERHEAD, lambda _: source.encode()), settings)(claim)


def sent(server: tuple[Mailbox, int], claim: Claimed, body: bytes) -> Envelope:
    """What arrived of it."""
    mailbox, port = server
    mailbox.mails.clear()

    async def hand_over() -> None:
        channel = Smtp(EmailSettings(smtp_url=f"smtp://127.0.0.1:{port}?starttls=never"))
        answer = await channel.send(claim, body)
        await channel.close()
        assert isinstance(answer, Sent), answer

    asyncio.run(hand_over())
    (one,) = mailbox.mails
    return one


def parsed(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    assert not any(part.defects for part in mail.walk())
    return mail


def assert_short(raw: bytes) -> None:
    """RFC 2045 6.7 and RFC 5322 2.1.1; two headers are never folded, which some read by the line."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    lines = head.split(b"\r\n")
    assert max(len(line) for line in lines if not line.startswith((b"List-Unsubscribe:", b"Content-Type:"))) <= 78
    assert max(map(len, lines)) <= 998


def dns(key: Path) -> Callable[..., bytes]:
    def ask(name: bytes, timeout: int = 5) -> bytes:
        assert name == f"tactful._domainkey.{DOMAIN}.".encode()
        return record(key.read_bytes()).encode()

    return ask


@each
def test_a_letter_arrives_as_it_was_written(server: tuple[Mailbox, int], key: Path, name: str) -> None:
    source = source_of(MESSAGES[name])
    claim = claim_of(source)
    body = write(source, claim, key)
    envelope = sent(server, claim, body)
    raw = envelope.content
    assert isinstance(raw, bytes)
    assert raw == body, "no server and no sender has reflowed it"
    assert (envelope.mail_from, envelope.rcpt_tos) == (f"hello@{DOMAIN}", ["ines@mail.example"])

    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert_short(raw)
    assert len(raw) < CLIPPED_BYTES
    assert dkim.verify(raw, dnsfunc=dns(key))

    read = parsed(raw)
    assert read.get_content_type() == "multipart/alternative"
    parts = [part for part in read.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == PARTS.get(name, ["text/plain", "text/html"])
    assert {part.get_content_charset() for part in parts} == {"utf-8"}
    assert {part["Content-Transfer-Encoding"] for part in parts} == {"quoted-printable"}


@each
def test_its_headers(server: tuple[Mailbox, int], name: str) -> None:
    source = source_of(MESSAGES[name])
    claim = claim_of(source)
    mail = parsed(write(source, claim))
    assert all(len(mail.get_all(header, [])) == 1 for header in mail)
    assert mail["Message-ID"] == f"<{'i' * 32}@{DOMAIN}>"
    assert mail["Date"] == "Sat, 01 Mar 2025 08:00:00 +0000"
    assert mail["From"] == f"Nordlicht <hello@{DOMAIN}>"
    assert mail["To"] == "ines@mail.example"
    if name == "confirm":
        assert "List-Unsubscribe" not in mail
        return
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(rf"<(https://t\.{re.escape(DOMAIN)}/v1/unsubscribe/([\w-]+))>", str(mail["List-Unsubscribe"]))
    assert url is not None
    assert links.unseal(KEYS, url[2]) == links.Unsubscribe("u:ines", "email_marketing", "i" * 32)
    for part in mail.iter_parts():
        assert url[1] in part.get_content(), f"{part.get_content_type()} has the same link"


@each
def test_what_python_reads_is_what_was_rendered(name: str) -> None:
    """Also with texts that are hard to carry."""
    source = source_of(MESSAGES[name])
    hard = "Zoë 😀 =3D .\n. 中文 \u202e" + "long" * 300 + " =?utf-8?q?x?= \t end"
    claim = claim_of(source, profile={"firstName": hard})
    made: list[Any] = []

    def compose(rendered: Any, *others: Any) -> bytes:
        made.append(rendered)
        return mail.compose(rendered, *others)

    raw = mail_writer(LETTERHEAD, lambda _: source.encode(), compose)(claim)
    assert raw.isascii()
    assert_short(raw)
    read = parsed(raw)
    (rendered,) = made
    assert str(read["Subject"]) == rendered.subject
    wanted = [rendered.text, rendered.amp, rendered.html] if rendered.amp else [rendered.text, rendered.html]
    found = [part.get_content().replace("\r\n", "\n") for part in read.iter_parts()]
    assert [one.rstrip("\n") for one in found] == [one.rstrip("\n") for one in wanted]


@each
def test_the_same_claim_gives_the_same_bytes(key: Path, name: str) -> None:
    """However often it is written, by whichever process; and another claim gives another mail."""
    source = source_of(MESSAGES[name])
    claim = claim_of(source)
    assert write(source, claim, key) == write(source, claim, key)
    later = replace(claim, attempt=2, claimed_at=START + 3_600_000_000)
    again = parsed(write(source, later))
    assert again["Message-ID"] == f"<{'i' * 32}@{DOMAIN}>", "a mail that is tried again is the same mail to a mailbox"
    assert again["Date"] == "Sat, 01 Mar 2025 09:00:00 +0000"
    other = replace(claim, intent=replace(claim.intent, intent="j" * 32))
    assert parsed(write(source, other))["Message-ID"] == f"<{'j' * 32}@{DOMAIN}>"


@pytest.mark.parametrize(
    ("address", "recipient", "header"),
    [
        ("ines@bücher.example", "ines@xn--bcher-kva.example", "ines@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
    ],
)
def test_addresses_in_other_letters(server: tuple[Mailbox, int], address: str, recipient: str, header: str) -> None:
    source = source_of(MESSAGES["thank_you"])
    claim = claim_of(source, address)
    envelope = sent(server, claim, write(source, claim))
    assert envelope.rcpt_tos == [recipient]
    assert envelope.smtp_utf8 is (not address.partition("@")[0].isascii())
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=policy.SMTPUTF8)
    assert f"To: {header}\r\n".encode() in envelope.content
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]
