"""The local outbox: without a mail server, mail goes to files, which the page shows as a mail client would.

DATA/mail/<intent>.eml, whole or not at all, and on the disk before it counts as sent; written twice it is the same
file, since the same claim renders to the same bytes.
"""

import asyncio
import os
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from msgspec import Struct

from tactful.errors import TransientError
from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import Answer, Rejected, Retry, Sent
from tactful.runtime.ports import Claimed

_ENDING = ".eml"


class SpooledMail(Struct, frozen=True):
    """A mail of the local outbox, as a list shows it."""

    intent: str
    sender: str
    to: str
    subject: str
    date: str
    size: int


class SpooledBody(Struct, frozen=True):
    """A whole mail, taken apart for a reader; `headers` as they stand, in order."""

    mail: SpooledMail
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str


class Spool:
    """The channel `email` where there is no mail server."""

    name = "email"
    is_repeatable = False

    def __init__(self, folder: Path, slots: int = 8) -> None:
        self._folder = folder
        self.slots = slots

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        try:
            address(claim.address)
        except AddressError as error:
            return Rejected("bad address", str(error), suppress=True)
        try:
            path = await asyncio.to_thread(write, self._folder, claim.intent.intent, body)
        except TransientError as error:
            # The file is not under its name, so nothing was sent.
            return Retry("the local outbox cannot be written", str(error))
        return Sent(f"kept in {path.name}")

    async def close(self) -> None:
        return None


def write(folder: Path, intent: str, body: bytes) -> Path:
    """Durable on return. Raises TransientError where the disk fails."""
    path = _path(folder, intent)
    draft = path.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise TransientError(f"{path}: {error.strerror or error}") from error
    return path


def mails(folder: Path, limit: int = 100) -> list[SpooledMail]:
    """Newest first."""
    if not folder.is_dir():
        return []
    newest = sorted(folder.glob(f"*{_ENDING}"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    return [_listed(path.stem, path.read_bytes()) for path in newest[:limit]]


def read(folder: Path, intent: str) -> SpooledBody | None:
    """One mail with its parts, or None."""
    try:
        body = _path(folder, intent).read_bytes()
    except OSError:
        return None
    parsed = message_from_bytes(body, policy=policy.default)
    return SpooledBody(
        mail=_listed(intent, body),
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
    )


def raw(folder: Path, intent: str) -> bytes | None:
    """One mail as it was composed, or None."""
    try:
        return _path(folder, intent).read_bytes()
    except OSError:
        return None


def _listed(intent: str, body: bytes) -> SpooledMail:
    head = message_from_bytes(body.partition(b"\r\n\r\n")[0], policy=policy.default)
    shown = {name: str(head[name] or "") for name in ("From", "To", "Subject", "Date")}
    return SpooledMail(intent, shown["From"], shown["To"], shown["Subject"], shown["Date"], len(body))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _path(folder: Path, intent: str) -> Path:
    # Intents are digests; whatever comes in from a page must not lead out of the folder.
    name = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in intent)[:128]
    return folder / f"{name}{_ENDING}"
