"""Decisions on consent as lists: what people have decided elsewhere comes in, what they decided here goes out.

Each line becomes a Consent record with a messageId made of what it says, so that a list may be mended and given once
more. It is a server's word (whoever may write the data folder): it counts for whomever it names.
"""

from collections.abc import Iterator, Sequence
from secrets import token_bytes
from typing import BinaryIO

from msgspec import Struct

from tactful.events.identifiers import MAX_LENGTH, email_key, order, partition_of, phone_key, user_key
from tactful.events.intake import MAX_TEXT, VERSION
from tactful.events.records import Consent, encode
from tactful.language.document import PURPOSE, PURPOSE_HINT
from tactful.operations.lists import Line, Told, read, sliced
from tactful.runtime.keeping import Ledger
from tactful.runtime.ports import Bells, Log
from tactful.values import digest, format_time, read_time

SOURCE = "import"
COLUMNS = ("identifier", "purpose", "granted", "timestamp", "text_version")
NAMED = ("user_id", "email", "phone", "anonymous_id")
"""Columns that may name somebody instead of `identifier`, the strongest first."""
EXPORTED = (*COLUMNS, "source", "origin", "recorded_at")
SALT_BYTES = 16
PAGE = 10_000
_ANSWERS = dict.fromkeys(("true", "yes", "1", "granted", "y", "t"), True)
_ANSWERS |= dict.fromkeys(("false", "no", "0", "denied", "withdrawn", "n", "f"), False)


class _Decision(Struct, frozen=True):
    key: str
    purpose: str
    granted: bool
    timestamp: int
    text_version: str

    def record(self, now_us: int) -> Consent:
        said = digest(SOURCE, self.key, self.purpose, str(self.granted), str(self.timestamp), self.text_version)
        return Consent(
            VERSION,
            SOURCE,
            "server",
            self.key,
            f"{SOURCE}:{said}",
            self.purpose,
            self.granted,
            self.timestamp,
            now_us,
            self.text_version,
            salt=token_bytes(SALT_BYTES),
        )


def load(
    log: Log,
    bells: Bells,
    file: BinaryIO,
    now_us: int,
    *,
    at_us: int | None = None,
    purposes: Sequence[str] = (),
    is_dry: bool = False,
) -> Told:
    """Append them, and ring the workers. `at_us` is when those were made that do not say so; `purposes` are those that
    are declared, if any are. What a file says twice is counted as known; what was told before, the engine knows."""
    told, seen = Told(), set[bytes]()
    for some in sliced(read(file, (*COLUMNS, *NAMED)), told, lambda line: _decision(line, now_us, at_us, purposes)):
        by_partition: dict[int, list[bytes]] = {}
        for one in some:
            record = one.record(now_us)
            known = bytes.fromhex(record.message_id.rpartition(":")[2])
            if known in seen:
                told.known += 1
                continue
            seen.add(known)
            told.new += 1
            by_partition.setdefault(partition_of(record.key, log.partitions), []).append(encode(record))
        if by_partition and not is_dry:
            log.append(by_partition)
            for partition in by_partition:
                bells.ring(f"work-{partition}")
    return told


def _decision(line: Line, now_us: int, at_us: int | None, purposes: Sequence[str]) -> _Decision | str:
    said = line.values
    key = _key(said)
    if key is None:
        names = ", ".join((COLUMNS[0], *NAMED))
        return f"nobody is named: give one of {names} (an identifier is u:42, e:ada@shop.example, ...)"
    purpose, granted = said.get("purpose", ""), _ANSWERS.get(said.get("granted", "").casefold())
    if not PURPOSE.fullmatch(purpose):
        return f'"{purpose[:80]}" is no name of a purpose; {PURPOSE_HINT}'
    if purposes and purpose not in purposes:
        return f'no purpose "{purpose}" is declared in tactful.toml'
    if granted is None:
        return f'granted is "{said.get("granted", "")[:80]}", and must be yes or no (true or false)'
    when = said.get("timestamp", "")
    at = read_time(when) if when else at_us
    if at is None:
        return (
            f"{when[:80]!r} is no time such as 2025-03-01T08:00:00Z" if when else "no timestamp; or name one with --at"
        )
    if at > now_us:
        return f"{when or format_time(at)} is still to come"
    text_version = said.get("text_version", "")
    if len(text_version) > MAX_TEXT or not text_version.isprintable():
        return f"text_version has at most {MAX_TEXT} printable characters"
    return _Decision(key, purpose, granted, int(at), text_version)


def _key(said: dict[str, str]) -> str | None:
    """As the engine writes it; of several the strongest."""
    keys = [
        user_key(said.get("user_id")),
        email_key(said.get("email")),
        phone_key(said.get("phone")),
        f"a:{said['anonymous_id']}" if said.get("anonymous_id") else None,
    ]
    kind, _, value = said.get("identifier", "").partition(":")
    match kind:
        case "e":
            keys.append(email_key(value))
        case "p":
            keys.append(phone_key(value))
        case "u" | "a" | "d" | "x" if value.strip():
            keys.append(f"{kind}:{value.strip()}")
        case _:
            pass
    found = [key for key in keys if key is not None and len(key) <= MAX_LENGTH and key.isprintable()]
    return min(found, key=order, default=None)


def exported(ledger: Ledger, partitions: int) -> Iterator[tuple[str, ...]]:
    """Every decision in the order in which the engine took it in, but those of people who were erased."""
    for partition in range(partitions):
        end = ledger.end(partition)
        for first in range(1, end + 1, PAGE):
            for one in ledger.entries(partition, first, min(first + PAGE - 1, end)):
                if (said := one.opening) is not None:
                    answer, recorded = "yes" if said.granted else "no", format_time(said.at)
                    shown = said.key, said.purpose, answer, format_time(said.timestamp), said.text_version
                    yield (*shown, said.source, said.origin, recorded)
