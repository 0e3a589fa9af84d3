"""The quarantine, looked at and worked off: show what was refused, try it again, throw it away.

A call is tried again as it came, with the time at which it was received, against today's settings; a whole batch that
could not be read is taken apart as if it had just arrived. What is taken is in the log before it leaves the quarantine,
so a stop in between only leaves a repeat, which the kernel drops by its messageId.
"""

from collections.abc import Iterator, Sequence

import msgspec

from tactful.errors import UsageError
from tactful.events.coerce import read_json
from tactful.events.frames import Frame, read_frame
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival, accept, accept_consent
from tactful.events.naming import DEFAULT, Naming, Proof
from tactful.events.records import Record, encode
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.operations.lines import SOURCE
from tactful.runtime.ports import Bells, Log, Quarantine, Quarantined
from tactful.runtime.relay import IMPORT
from tactful.values import parse_time


class Retried(msgspec.Struct, frozen=True):
    """What became of one refused call: taken (`records` went to the log), or why not."""

    id: int
    records: int
    refusal: Refusal | None

    def __str__(self) -> str:
        if self.refusal is None:
            return f"{self.id}: taken"
        where = f" (field {self.refusal.field})" if self.refusal.field else ""
        return f"{self.id}: still refused, {self.refusal.code}{where}: {self.refusal.message}"


def show(quarantine: Quarantine, number: int) -> Quarantined:
    """One refused call; UsageError where there is none of this number."""
    row = quarantine.row(number)
    if row is None:
        raise UsageError(f"there is no call {number} in the quarantine; `tactful quarantine list` shows what is there")
    return row


def replay(
    quarantine: Quarantine,
    log: Log,
    bells: Bells,
    sources: Sequence[Source],
    numbers: Sequence[int],
    naming: Naming = DEFAULT,
    salt_key: bytes = b"",
) -> Iterator[Retried]:
    """Try each call again; what is taken now goes to the log and then leaves the quarantine. `salt_key`: secret, for
    the ledger of consent."""
    by_name = {source.name: source for source in sources}
    for number in numbers:
        row = show(quarantine, number)
        arrival = None
        is_import = row.call.startswith(IMPORT)
        if source := by_name.get(row.source) or (SOURCE if is_import and row.source == SOURCE.name else None):
            if is_import:
                source = msgspec.structs.replace(source, trust="server")
            arrival = Arrival(
                source, row.received_at, naming=naming, proof=_proof(row), salt_key=salt_key, is_import=is_import
            )
        records = _retry(row, arrival)
        if isinstance(records, Refusal):
            yield Retried(number, 0, records)
            continue
        groups: dict[int, list[bytes]] = {}
        for record, key in records:
            groups.setdefault(partition_of(key, log.partitions), []).append(encode(record))
        if groups:
            log.append(groups)
        for partition in groups:
            bells.ring(f"work-{partition}")
        quarantine.remove([number])
        yield Retried(number, len(records), None)


def drop(quarantine: Quarantine, numbers: Sequence[int]) -> int:
    """Throw calls away; returns how many were there."""
    return quarantine.remove(numbers)


def _retry(row: Quarantined, arrival: Arrival | None) -> list[tuple[Record, str]] | Refusal:
    if arrival is None:
        return Refusal("unknown_source", f"the settings have no source {row.source} any more")
    if row.size > len(row.body):
        return Refusal("cut", f"only the first {len(row.body)} of its {row.size} bytes were kept")
    values = read_json(row.body)
    if isinstance(values, dict) and "batch" in values:
        return _retry_batch(row, arrival)
    if isinstance(values, dict) and values.get("type") == "consent":
        consents = accept_consent(row.body, arrival)
        return consents if isinstance(consents, Refusal) else [(one, one.key) for one in consents]
    event = accept(row.body, arrival, row.id)
    return event if isinstance(event, Refusal) else [(event, event.key)]


def _proof(row: Quarantined) -> Proof | None:
    """What a token vouched for when the call came; the token itself was not kept."""
    user = next((key for key in row.vouched if key.startswith("u:")), None)
    return Proof(user, tuple(key for key in row.vouched if key != user)) if user else None


def _retry_batch(row: Quarantined, arrival: Arrival) -> list[tuple[Record, str]] | Refusal:
    """All of a batch or, with the first mistake, none: it stays together until somebody has mended it."""
    frame = read_frame(row.body)
    if not isinstance(frame, Frame):
        return frame
    sent_at = parse_time(frame.sent_at) if isinstance(frame.sent_at, str) else None
    context = frame.context if isinstance(frame.context, dict) else None
    arrival = msgspec.structs.replace(arrival, sent_at=sent_at, context=context)
    records: list[tuple[Record, str]] = []
    for place, piece in enumerate(frame.batch):
        event = accept(piece, arrival, place)
        if isinstance(event, Refusal):
            return event
        records.append((event, event.key))
    return records
