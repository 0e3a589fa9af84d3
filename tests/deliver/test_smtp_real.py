"""A real mail server (aiosmtpd) with STARTTLS by a certificate of our own, and a login."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tactful.adapters.smtp import Smtp
from tactful.messages import links
from tactful.runtime.channels import EmailSettings
from tests.deliver.desk import KEYS, Desk, order, run

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:aiosmtpd")


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.was_tls: list[bool] = []

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(envelope)
        self.was_tls.append(session.ssl is not None)
        return "250 kept"


def login(*asked: Any) -> AuthResult:
    data = asked[-1]
    is_good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop@x", b"s3cret/")
    return AuthResult(success=is_good, handled=False)


async def serve(mailbox: Mailbox, pem: Path) -> asyncio.Server:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: smtp.SMTP(
            mailbox, tls_context=tls, require_starttls=True, auth_required=True, authenticator=login, loop=loop
        ),
        "127.0.0.1",
        0,
    )


@pytest.mark.parametrize("start", [run, asyncio.run])  # the loop of `tactful deliver`, and the plain one
@pytest.mark.parametrize(
    ("password", "knows_certificate", "status"),
    [("s3cret%2F", True, "sent"), ("wrong", True, "waiting"), ("s3cret%2F", False, "waiting")],
)
def test_starttls_and_login(
    tmp_path: Path, password: str, knows_certificate: bool, status: str, start: Callable[[Any], None]
) -> None:
    async def scene() -> None:
        pem = certificate(tmp_path)
        mailbox = Mailbox()
        server = await serve(mailbox, pem)
        port = server.sockets[0].getsockname()[1]
        desk = Desk(tmp_path)
        trust = ssl.create_default_context(cafile=str(pem) if knows_certificate else None)
        channel = Smtp(EmailSettings(smtp_url=f"smtp://shop%40x:{password}@127.0.0.1:{port}?starttls=required"), trust)
        for number in range(2):
            desk.put(order(f"i{number}"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
        await channel.close()
        server.close()
        await server.wait_closed()
        assert [desk.status("i0"), desk.status("i1")] == [status] * 2
        assert mailbox.was_tls == [True] * (2 if status == "sent" else 0)
        assert desk.row("i0").reason
        desk.close()
        if status == "sent":
            read(mailbox.mails[0])

    start(scene())


def read(envelope: Envelope) -> None:
    """What arrived, read by the standard library."""
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.mail_from == "hello@shop.example"
    assert envelope.rcpt_tos == ["i0@people.example"]
    assert str(mail["From"]) == "Shop <hello@shop.example>"
    assert str(mail["Subject"]) == "Your cart, Ada"
    assert str(mail["Date"]) == "Sat, 01 Mar 2025 08:00:00 +0000"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(mail["List-Unsubscribe"])
    assert url.startswith("<https://t.shop.example/v1/unsubscribe/") and url.endswith(">")
    wanted = links.unseal(KEYS, url[1:-1].rpartition("/")[2])
    assert wanted == links.Unsubscribe("u:i0", "email_marketing", "i0")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_a_server_without_tls_is_not_trusted_with_a_password(tmp_path: Path) -> None:
    async def scene() -> None:
        mailbox = Mailbox()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: smtp.SMTP(mailbox, loop=loop), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        desk = Desk(tmp_path)
        channel = Smtp(EmailSettings(smtp_url=f"smtp://u:p@127.0.0.1:{port}?starttls=required"))
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(desk.lane(channel)))
        assert desk.status("i1") == "waiting"
        assert mailbox.mails == []
        server.close()
        desk.close()

    run(scene())
