"""The local outbox: without a mail server, mail goes to files, which the page shows as a mail client would.

DATA/mail/<intent>.eml, whole or not at all, and on the disk before it counts as sent; written twice it is the same
file, since the same claim renders to the same bytes.
"""

import asyncio
import os
from pathlib import Path

from tactful.errors import TransientError
from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import Answer, Rejected, Retry, Sent
from tactful.runtime.ports import Claimed

_ENDING = ".eml"


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


def read(folder: Path, intent: str) -> bytes | None:
    """One mail as it was composed, or None."""
    try:
        return _path(folder, intent).read_bytes()
    except OSError:
        return None


def _path(folder: Path, intent: str) -> Path:
    # Intents are digests; whatever comes in from a page must not lead out of the folder.
    name = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in intent)[:128]
    return folder / f"{name}{_ENDING}"
