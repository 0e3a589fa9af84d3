"""E-mail by SMTP (RFC 5321), at most once.

Everything hangs on one instant: until the line with the single dot is handed to the socket, the server cannot have
accepted the mail, and whatever fails may be tried again; from then on only the server's answer tells. So the body is
written without that line and waited out of our buffers first, and each failure is judged by the phase in which it came.
The protocol itself is aiosmtplib's; connections are reused, and one that the server closed meanwhile is noticed before
the dot, hence safely tried again.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from email import message_from_bytes, policy
from functools import lru_cache
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol, normalize_message_line_endings

from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import Answer, EmailSettings, Rejected, Retry, Sent, Unknown
from tactful.runtime.ports import Claimed
from tactful.runtime.smtp_url import parse_url

# RFC 3463: the mailbox or its domain does not exist, or takes no mail.
_BAD_MAILBOX = re.compile(r"5\.1\.(?:[0-36]|10)|5\.2\.1")
_ENHANCED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")


_FROM = re.compile(rb"^From:(?:[^\r]|\r\n[ \t])*\r\n", re.MULTILINE)
_KERNEL_BYTES = 64 * 1024
LOST = "the connection failed before the mail was handed over"


class _Connection:
    """One session with the server: logged in, used for one mail at a time."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.mails = 0
        self.closing: asyncio.TimerHandle | None = None

    @property
    def protocol(self) -> SMTPProtocol:
        if self.client.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return self.client.protocol


class Smtp:
    """The channel `email`, by a mail server."""

    name = "email"
    is_repeatable = False

    def __init__(
        self,
        settings: EmailSettings,
        tls: ssl.SSLContext | None = None,
        return_path: Callable[[Claimed], str] | None = None,
    ) -> None:
        """`return_path` says to whom a claim's mail comes back if it cannot be delivered; "" (and without it): to the
        address of its From."""
        self._settings = settings
        self._return_path = return_path
        self._at = parse_url(settings.smtp_url)
        self._tls = tls or ssl.create_default_context()
        self._idle: list[_Connection] = []
        self.slots = settings.slots

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        """One mail. Never raises for what the server or the network do."""
        sender = (self._return_path(claim) if self._return_path else "") or envelope_sender(body)
        try:
            to = address(claim.address).spec
        except AddressError as error:
            return Rejected("bad address", str(error), suppress=True)
        while True:
            was_idle = bool(self._idle)
            try:
                connection = self._idle.pop() if was_idle else await self._connect()
            except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
                return Retry("the mail server cannot be used", _text(error))
            if connection.closing is not None:
                connection.closing.cancel()
            answer = await self._session(connection, sender, to, body)
            if was_idle and isinstance(answer, Retry) and answer.reason == LOST:
                # The server no longer wanted the idle connection; that is no reason to make the mail wait.
                continue
            return answer

    async def probe(self) -> str:
        """Open a session and leave: what `tactful doctor` shows. Raises OSError with what failed."""
        try:
            connection = await self._connect()
        except (aiosmtplib.SMTPException, ValueError) as error:
            raise OSError(_text(error)) from error
        is_tls = connection.client.get_transport_info("sslcontext") is not None
        seen = ["encrypted" if is_tls else "not encrypted", "logged in" if self._at.username else "no login"]
        await self._quit(connection)
        return ", ".join(seen)

    async def close(self) -> None:
        # Side by side: where the server has gone silent each waits for as long as it may.
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(self._quit, idle))

    # ---- connections ---------------------------------------------------------------------------------------

    async def _connect(self) -> _Connection:
        client = aiosmtplib.SMTP(
            hostname=self._at.host,
            port=self._at.port,
            username=self._at.username,
            password=self._at.password,
            use_tls=self._at.is_tls,
            start_tls={"required": True, "opportunistic": None, "never": False}[self._at.starttls],
            tls_context=self._tls,
            timeout=self._settings.command_timeout_s,
        )
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await client.connect()
                await _greet(client)
        except TimeoutError as error:
            client.close()
            raise aiosmtplib.SMTPConnectTimeoutError("no session within the time allowed") from error
        except BaseException:
            client.close()
            raise
        if client.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("lost as soon as it was made")
        # Waiting until a body is out of our buffers means until nothing of it is left there; and the kernel's is kept
        # small, so that little of a long mail is on its way unread when its dot is written. (One byte and not none: the
        # TLS transport compares with >= and would pause for ever.)
        cast("asyncio.WriteTransport", client.transport).set_write_buffer_limits(high=1, low=0)
        client.get_transport_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        return _Connection(client)

    def _keep(self, connection: _Connection) -> None:
        if not connection.client.is_connected:
            return
        if connection.mails >= self._settings.mails_per_connection:
            connection.client.close()
            return
        self._idle.append(connection)
        loop = asyncio.get_running_loop()
        connection.closing = loop.call_later(self._settings.idle_s, self._close_idle, connection)

    def _close_idle(self, connection: _Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        connection.client.close()

    async def _quit(self, connection: _Connection) -> None:
        if connection.closing is not None:
            connection.closing.cancel()
        try:
            async with asyncio.timeout(1.0):
                await connection.client.quit()
        except (aiosmtplib.SMTPException, OSError):
            pass
        connection.client.close()

    # ---- one mail ------------------------------------------------------------------------------------------

    async def _session(self, connection: _Connection, sender: str, to: str, body: bytes) -> Answer:
        """MAIL, RCPT, DATA, the body: all before the dot, where every failure is certain. Then the dot."""
        connection.mails += 1
        try:
            refused = await self._before_the_dot(connection, sender, to, body)
            protocol = connection.protocol
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            connection.client.close()
            return Retry(LOST, _text(error))
        except BaseException:
            connection.client.close()
            raise
        if refused is not None:
            await self._reset(connection)
            return refused
        return await self._dot(connection, protocol)

    async def _before_the_dot(self, connection: _Connection, sender: str, to: str, body: bytes) -> Answer | None:
        client, patience = connection.client, self._settings.command_timeout_s
        options = [f"SIZE={len(body)}"] if client.supports_extension("size") else []
        encoding = "ascii"
        if not (sender.isascii() and to.isascii()):
            if not client.supports_extension("smtputf8"):
                return Rejected("the mail server takes no addresses beyond ASCII (SMTPUTF8)", to)
            options.append("SMTPUTF8")
            encoding = "utf-8"
        try:
            await client.mail(sender, options=options, encoding=encoding, timeout=patience)
        except aiosmtplib.SMTPResponseException as error:
            return _refused("sender refused", error.code, error.message)
        try:
            await client.rcpt(to, encoding=encoding, timeout=patience)
        except aiosmtplib.SMTPResponseException as error:
            return _refused("recipient refused", error.code, error.message, is_recipient=True)
        code, message = await client.execute_command(b"DATA", timeout=patience)
        if code != 354:
            return _refused("mail refused", code, message)
        async with asyncio.timeout(self._settings.body_timeout_s):
            protocol = connection.protocol
            protocol.write(for_the_wire(body))
            # The drain of asyncio's StreamWriter, which aiosmtplib's protocol serves under this name.
            await protocol._drain_helper()  # noqa: SLF001 - there is no public name for it
        return None

    async def _dot(self, connection: _Connection, protocol: SMTPProtocol) -> Answer:
        try:
            protocol.write(b".\r\n")
        except aiosmtplib.SMTPException as error:
            # Raised before anything is given to the socket.
            connection.client.close()
            return Retry(LOST, _text(error))
        try:
            code, message = await protocol.read_response(timeout=self._settings.accept_timeout_s)
        except (aiosmtplib.SMTPException, OSError) as error:
            connection.client.close()
            return Unknown("the mail was handed over and no answer came", _text(error))
        except BaseException:
            connection.client.close()
            raise
        if 200 <= code < 300:
            self._keep(connection)
            return Sent(_line(code, message))
        if 400 <= code < 600:
            await self._reset(connection)
            return (
                Retry("mail refused for now", _line(code, message))
                if code == 421
                else _refused("mail refused", code, message)
            )
        connection.client.close()
        return Unknown("the mail was handed over and the answer makes no sense", _line(code, message))

    async def _reset(self, connection: _Connection) -> None:
        """After a refusal: the connection is good for the next mail, if the server says so."""
        try:
            await connection.client.rset(timeout=self._settings.command_timeout_s)
        except (aiosmtplib.SMTPException, OSError):
            connection.client.close()
            return
        self._keep(connection)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Without TLS and login nobody has yet, and what the server offers (SIZE, SMTPUTF8) would not be known."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def for_the_wire(body: bytes) -> bytes:
    """Lines that end in CR LF, the last one too, and a dot more where one stands in front (RFC 5321 4.5.2)."""
    ends = body.count(b"\r\n")
    if not body.endswith(b"\r\n") or not ends == body.count(b"\n") == body.count(b"\r"):
        body = normalize_message_line_endings(body)
    body = body.replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body


def envelope_sender(body: bytes) -> str:
    """The address of the From header, which is where bounces go as well."""
    found = _FROM.search(body)
    assert found, "a mail says whom it is from"
    return _address_of(found[0])


@lru_cache(maxsize=64)
def _address_of(header: bytes) -> str:
    return str(message_from_bytes(header, policy=policy.SMTP)["From"].addresses[0].addr_spec)


def _refused(reason: str, code: int, message: str, *, is_recipient: bool = False) -> Answer:
    """A clear no: 5xx for good, 4xx for now. What is neither, and 421 (the server goes away), ends the connection."""
    detail = _line(code, message)
    if code == 421 or not 400 <= code < 600:
        raise aiosmtplib.SMTPServerDisconnected(detail)
    if code < 500:
        return Retry(f"{reason} for now", detail)
    enhanced = _ENHANCED.search(message)
    # A policy (5.7.1 "relaying denied") is about us, and must not close the address for ever.
    is_bad = bool(_BAD_MAILBOX.fullmatch(enhanced[0])) if enhanced else code in {550, 551, 553}
    return Rejected(reason, detail, suppress=is_recipient and is_bad)


def _line(code: int, message: str) -> str:
    return f"{code} {' '.join(message.split())}"[:500]


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
