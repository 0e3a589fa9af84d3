"""Backfill: calls made of the rows of a file go into the log of an installation, whether it runs or stands still.

They take the road of collect: intake makes events of them or refuses them, the tracking plan is asked (for the report;
the kernel asks it again), and they are appended, marked as imported. Each append also says how far the file has come,
in the same transaction: an import that was cut off goes on behind the last row taken, and one that was finished is not
done again. The quarantine is written before, and knows what it has by file and row.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.calls import TROUBLE, Call, is_suspect
from tactful.events.identifiers import partition_of
from tactful.events.intake import VERSION, Arrival, Draft, accept_consent, draft, draft_of, encode_draft
from tactful.events.naming import Naming
from tactful.events.records import Consent, Imported, Score, decode, encode
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.kernel import verdict
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import decode_partition
from tactful.operations.imports.calls import Calls, Made, Rows
from tactful.operations.imports.lots import Lot, Lots
from tactful.operations.imports.quick import Who, resolver
from tactful.operations.imports.report import Report, trouble
from tactful.operations.imports.tables import BadRow
from tactful.operations.lines import Head, read_line
from tactful.runtime.ports import Log, Quarantined, Store
from tactful.runtime.relay import IMPORT

MANY = 1_000
"""Refused rows after which a share of them above a tenth stops the import."""
Progress = Callable[[Report, float], None]
_encode = msgspec.json.Encoder().encode
_calls = msgspec.json.Decoder(list[Call])


class Road(Protocol):
    """Where records go."""

    def append(self, records: Mapping[int, Sequence[bytes]], refused: Sequence[Quarantined]) -> None:
        """Durable on return; waits where the workers are too far behind."""
        ...

    def finish(self) -> None:
        """Return when everything has been applied."""
        ...


class Job(Struct):
    """One file with one mapping, and whom it is for."""

    file: str
    digest: str
    """Of the files and the mapping."""
    calls: Calls
    source: Source
    naming: Naming
    salt_key: bytes
    plan: CompiledPlan
    partitions: int
    is_calls: bool = False
    """Lines as they stand: they may be more than tracking calls (operations/lines.py)."""
    goes_on: bool = False
    """Also where most of it is refused."""


def backfill(
    job: Job, rows: Iterator[Rows], road: Road | None, now: Callable[[], int], report: Report, progress: Progress
) -> Report:
    """Take everything behind `report.rows`; without a road nothing is taken, and only the report is made. Raises
    UsageError where so much is refused that the mapping must be wrong."""
    before, at = report.rows, 0
    with _young_collected_by_count():
        for some in rows:
            at += some.rows
            if at <= before:
                progress(report, some.share)
                continue
            received_at = now()
            records, refused = _taken(job, some, received_at, report)
            report.rows, report.unused = at, report.unused + some.unused
            if refused and not job.goes_on and _is_hopeless(report, road):
                raise UsageError(_hopeless(report))
            if road is not None:
                records.setdefault(0, []).append(encode(Imported(received_at, job.digest, at, is_backfill=True)))
                road.append(records, refused)
            progress(report, some.share)
            gc.collect(0)
    report.is_finished = True
    if road is not None:
        done = Imported(now(), job.digest, at, finished=True, is_backfill=True)
        road.append({0: [encode(done)]}, [])
        road.finish()
    return report


@contextmanager
def _young_collected_by_count() -> Iterator[None]:
    """Rows and calls are many, and die when their batch does: looking for circles among them would cost a third of all
    time. What else there is, is looked through once a batch."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is_hopeless(report: Report, road: Road | None) -> bool:
    return road is not None and report.refused_count >= MANY and report.refused_count > report.calls // 10


def _hopeless(report: Report) -> str:
    worst = max(report.refused.items(), key=lambda one: one[1].count)
    return (
        f"{report.refused_count:,} of {report.calls:,} events were refused, most of them for {worst[0]}: "
        f"{worst[1].message}. Nothing of this part was taken. Look at the mapping; `--dry-run` shows what it does, and "
        "`--keep-going` takes what can be taken."
    )


def _taken(job: Job, some: Rows, received_at: int, report: Report) -> tuple[dict[int, list[bytes]], list[Quarantined]]:
    arrival = Arrival(job.source, received_at, naming=job.naming, salt_key=job.salt_key, is_import=True)
    part = _Part(job, arrival, report)
    for one in some.bad:
        part.refuse(one, Refusal(one.code, one.message), len(one.body))
    if some.lot is not None and job.calls.lots is not None:
        part.take_lot(job.calls.lots, some.lot)
    part.take(some.made)
    report.take(part.names, part.times)
    return {home: bodies for home, bodies in enumerate(part.homes) if bodies}, part.refused


class _Part:
    """What one append will hold."""

    def __init__(self, job: Job, arrival: Arrival, report: Report) -> None:
        self._job = job
        self._arrival = arrival
        self._report = report
        self.homes: list[list[bytes]] = [[] for _ in range(job.partitions)]
        self.refused: list[Quarantined] = []
        self.names: list[str] = []
        self.times: list[int] = []

    def refuse(self, one: BadRow, refusal: Refusal, size: int) -> None:
        self._report.refuse(one.number, refusal)
        self.refused.append(_quarantined(self._job, one, refusal, self._arrival.received_at, size))

    def take(self, made: Sequence[Made]) -> None:
        job, plan = self._job, self._job.plan
        has_tracking, most = plan.has_tracking, job.source.event_bytes
        for one, found in _drafts(job, made, self._arrival):
            if isinstance(found, Refusal):
                body = _body(one)
                self.refuse(BadRow(one.number, "", "", body), found, len(body))
                continue
            for record in found:
                body = encode_draft(record)
                if len(body) > most:
                    too_large = Refusal("event_too_large", f"the event is larger than {most:,} bytes")
                    self.refuse(BadRow(one.number, "", "", body), too_large, len(body))
                    continue
                self.names.append(_name(record))
                self.times.append(self._arrival.received_at if isinstance(record, Score) else record.timestamp)
                if has_tracking and isinstance(record, Draft):
                    _judge(plan, record, one.number, self._report)
                self.homes[partition_of(record.key, job.partitions)].append(body)

    def take_lot(self, lots: Lots, lot: Lot) -> None:
        """The same, of many rows at once; what the compiled mapping hands back comes in its place."""
        job, arrival = self._job, self._arrival
        source = job.source
        assert source.trust == "server", "whoever has the files speaks as the server does"

        def judge(row: int, kind: Any, event: str, who: Who, at: int, properties: dict[str, Any]) -> None:
            told = VERSION, source.name, source.trust, kind, event, who[0], who[1], "", at, arrival.received_at
            _judge(job.plan, Draft(*told, properties, {}, {}), lot.numbers[row], self._report)

        def hand_back(row: int, place: int) -> None:
            self.take([job.calls.made(lot, row, place)])

        who = lots.know(resolver(job.naming, job.partitions))
        dense = frozenset(place for place, looked in lot.looked.items() if looked.is_dense)
        self._report.unused += lots.compiled.function(dense)(
            zip(range(len(lot.numbers)), *lot.inputs, strict=True),
            *(arrival.received_at, lots.is_name, who, lots.doubtful(lot, job.plan, source.name), judge, hand_back),
            *(self.homes, self.names, self.times, source.event_bytes, source.name, source.trust),
        )


def _name(record: "Draft | Consent | Score") -> str:
    if isinstance(record, Draft):
        return record.name
    return f"consent {record.purpose}" if isinstance(record, Consent) else f"score {record.model}"


Read = Sequence[Draft | Consent | Score] | Refusal


def _drafts(job: Job, made: Sequence[Made], arrival: Arrival) -> Iterator[tuple[Made, Read]]:
    """Ordinary calls are read at once, as the batch of a client is; with the first that is not, each by itself."""
    try:
        body = _encode([one.call for one in made])
        calls = None if is_suspect(body) else _calls.decode(body)
    except TROUBLE:
        calls = None
    except (TypeError, UnicodeEncodeError):
        calls = None
    if calls is None:
        for one in made:
            yield one, _read(job, one, arrival)
        return
    for one, call in zip(made, calls, strict=True):
        drafted = draft(call, arrival)
        yield one, _read(job, one, arrival) if isinstance(drafted, Refusal) else (drafted,)


def _read(job: Job, made: Made, arrival: Arrival) -> Read:
    try:
        body = made.body
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        return Refusal("not_sayable", f"the row cannot be said in JSON: {error}")
    if made.call.get("type") == "consent" and not job.is_calls:
        return accept_consent(body, arrival)
    drafted = draft_of(body, arrival, made.number)
    if job.is_calls and isinstance(drafted, Refusal) and drafted.code == "unknown_type":
        return _other(made, arrival)
    return drafted if isinstance(drafted, Refusal) else (drafted,)


def _body(made: Made) -> bytes:
    try:
        return made.body
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError):
        return repr(made.call).encode("utf-8", "surrogateescape")


def _other(made: Made, arrival: Arrival) -> Read:
    """A line that is no tracking call."""
    said = msgspec.json.decode(made.body, type=Head)
    if said.type == "consent":
        return accept_consent(made.body, arrival)
    found = read_line(made.body, arrival.received_at, made.number, str(said.message_id), arrival.naming)
    if isinstance(found, Score):
        return (replace(found, is_import=True),)
    if isinstance(found, Refusal):
        return found
    message = f"a line of type {said.type} stands in a replay only (`tactful import --replay`)"
    return Refusal("not_for_backfill", message, "type")


def _judge(plan: CompiledPlan, event: Draft, row: int, report: Report) -> None:
    """What the tracking plan will say, for the report. What it refuses is handed over none the less: the kernel puts it
    into the quarantine, with everything that is known there."""
    said = event.properties
    judged = verdict.judge_said(plan, event, plan.reader(event.kind, event.name), lambda: said)
    if judged.properties is said and not judged.flags:
        return
    if judged.verdict != verdict.KEEP:
        kinds = report.refused if judged.verdict == verdict.QUARANTINE else report.dropped
        trouble(kinds, f"{judged.code} ({judged.field})").note(row, judged.message)
        report.kept -= 1
        return
    for flag in judged.flags:
        trouble(report.flagged, f"{event.name}: {flag}").note(row, flag)
    if judged.properties is None:
        return
    for name, value in judged.properties.items():
        if said.get(name) is not value and said.get(name) != value:
            trouble(report.mended, f"{event.name}: {name}").note(row, f"{said.get(name)!r} became {value!r}")


def _quarantined(job: Job, one: BadRow, refusal: Refusal, received_at: int, size: int) -> Quarantined:
    message = f"{job.file}, row {one.number:,}: {refusal.message}"
    told = refusal.code, refusal.field, message
    call = f"{IMPORT}{job.digest}:{one.number}:{refusal.code}"
    return Quarantined(0, received_at, job.source.name, *told, one.body, size, call=call)


def taken_before(log: Log, store: Store, digest: str) -> tuple[int, bool, str]:
    """How many rows of these files with this mapping are in the log, whether that was all, and the digest of another
    import of the same files ("" where there is none). Of partition 0: what its state knows, and what stands behind."""
    checkpoint = store.checkpoint()
    known = dict(decode_partition(checkpoint.partition_state).imports) if checkpoint.partition_state else {}
    after = checkpoint.position
    while records := log.read(0, after, 1000):
        for _, body in records:
            record = decode(body)
            if isinstance(record, Imported):
                known[record.digest] = (record.line, record.finished)
        after = records[-1][0]
    files = digest.partition(":")[0]
    other = next((one for one in known if one != digest and one.partition(":")[0] == files), "")
    return (*known.get(digest, (0, False)), other)
