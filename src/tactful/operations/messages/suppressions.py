"""Suppressions: addresses to which nothing goes, whoever they belong to; as lists that come in and go out."""

from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from tactful.errors import UsageError
from tactful.kernel.addresses import readable
from tactful.operations.lists import Line, Told, read, sliced
from tactful.runtime.ports import Outbox
from tactful.values import format_time

COLUMNS = ("address", "reason")
EXPORTED = ("address", "reason", "since")
IMPORTED = "imported"
REASON_CHARS = 500


class Suppression(Struct, frozen=True):
    address: str
    reason: str
    since: str = ""


def listed(outbox: Outbox) -> list[Suppression]:
    """The oldest first."""
    return [Suppression(address, reason, format_time(at_us)) for address, reason, at_us in outbox.suppressions()]


def load(outbox: Outbox, file: BinaryIO, now_us: int, *, is_dry: bool = False) -> Told:
    """E-mail addresses, phone numbers with a country code, tokens of devices, endpoints of web push. Those that are
    suppressed already keep their reason. `is_dry` changes nothing, and counts what would be new."""
    told = Told()
    known = {address for address, _, _ in outbox.suppressions()} if is_dry else set()
    for some in sliced(read(file, (*COLUMNS, "since")), told, _suppression):
        if is_dry:
            before = len(known)
            known.update(one.address for one in some)
            new = len(known) - before
        else:
            new = outbox.suppress_all([(one.address, one.reason) for one in some], now_us)
        told.new += new
        told.known += len(some) - new
    return told


def remove(outbox: Outbox, said: str) -> str:
    """It may be written to again; the address as it stood there. UsageError where it did not."""
    address = readable(said)
    if address is None or not outbox.release_address(address):
        raise UsageError(f"{said} is not suppressed; `tactful suppressions list` shows what is")
    return address


def exported(outbox: Outbox) -> Iterator[tuple[str, ...]]:
    return ((one.address, one.reason, one.since) for one in listed(outbox))


def _suppression(line: Line) -> Suppression | str:
    said = line.values.get("address", "")
    address = readable(said)
    if address is None:
        return f"{said[:80]!r} is no e-mail address, no phone number with its country code, and no token of a device"
    reason = " ".join(line.values.get("reason", "").split())[:REASON_CHARS]
    return Suppression(address, reason or IMPORTED)
