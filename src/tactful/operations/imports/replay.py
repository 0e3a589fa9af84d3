"""Replay: a file of history goes through the whole engine in log time, into an empty installation (DESIGN 5).

One JSON object a line, with `receivedAt`: tracking calls as clients send them, scores, consents, thresholds (lines.py).
The production workers run in this process under a clock that the file moves; Ticks stand in between where something is
due. Every chunk is one append, with a record that says which line it ends with, so a replay that was cut off goes on
after the last line taken, and one that was finished is not done again. Intents are made and none is handed over.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from mmap import ACCESS_READ, mmap
from pathlib import Path

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.identifiers import partition_of
from tactful.events.records import Imported, Threshold, encode
from tactful.events.verdicts import Refusal
from tactful.operations.definitions.publish import publication
from tactful.operations.lines import SOURCE, read_line
from tactful.runtime.house import House
from tactful.runtime.ports import Clock, Quarantined
from tactful.runtime.settings import naming_of
from tactful.runtime.worker import Worker
from tactful.values import DAY_US, format_time, parse_time

CHUNK = 1000
"""Lines of one append at most; a chunk also ends with the day, so that time passes in steps of a day at most."""


class Replayed(Struct):
    """What a replay did: lines of the file, taken before, kept now, refused (they are in the quarantine)."""

    lines: int
    before: int
    kept: int = 0
    refused: int = 0


class _Head(Struct, rename="camel"):
    received_at: str = ""


class _Line(Struct, frozen=True, order=True):
    received_at: int
    number: int
    start: int
    end: int


class _FileClock(Clock):
    """The file's time."""

    def __init__(self) -> None:
        self.at_us = 0

    def now_us(self) -> int:
        return self.at_us


def replay(
    house: House,
    path: Path,
    files: Mapping[str, str],
    settings: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> Replayed:
    """Run the file through the engine; `progress(line, of)` is called after each chunk. Raises UsageError where the
    file or the installation is not fit for it."""
    if path.stat().st_size == 0:
        raise UsageError(f"{path} has no lines")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as body:
        return _replay(house, path, body, files, settings, progress)


def _replay(
    house: House,
    path: Path,
    body: mmap,
    files: Mapping[str, str],
    settings: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> Replayed:
    lines = sorted(_lines(body, path))
    if not lines:
        raise UsageError(f"{path} has no lines")
    digest = blake2b(body, digest_size=16).hexdigest()
    clock = _FileClock()
    workers = [house.worker(partition, clock) for partition in range(house.log.partitions)]
    _pump(workers)
    taken, is_finished = _progress(workers, digest)
    done = Replayed(len(lines), min(taken, len(lines)))
    if is_finished:
        return done
    if taken == 0:
        _begin(house, workers, clock, lines[0].received_at, digest, files, settings)
    at = taken
    for chunk in _chunks(lines[taken:]):
        clock.at_us = chunk[0].received_at
        _pump(workers)
        at += len(chunk)
        _append(house, chunk, body, digest, at, done)
        _pump(workers)
        progress(at, len(lines))
    clock.at_us = lines[-1].received_at
    _tell_all(house, Imported(clock.at_us, digest, at, finished=True))
    _pump(workers)
    return done


def _lines(body: mmap, path: Path) -> Iterator[_Line]:
    """Where each line stands, and when it was received."""
    decoder = msgspec.json.Decoder(_Head)
    start, number = 0, -1
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        line, number = body[start:end], number + 1
        if line.strip():
            try:
                received_at = parse_time(decoder.decode(line).received_at)
            except msgspec.DecodeError as error:
                raise UsageError(f"{path}:{number + 1}: this line is no JSON object: {error}") from None
            if received_at is None:
                raise UsageError(f'{path}:{number + 1}: a replay needs "receivedAt" as ISO 8601 in every line')
            yield _Line(received_at, number, start, end)
        start = end + 1


def _chunks(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    chunk: list[_Line] = []
    for line in lines:
        if chunk and (len(chunk) >= CHUNK or line.received_at // DAY_US != chunk[0].received_at // DAY_US):
            yield chunk
            chunk = []
        chunk.append(line)
    if chunk:
        yield chunk


def _progress(workers: Sequence[Worker], digest: str) -> tuple[int, bool]:
    """How many lines of this file have been taken, and whether that was all; refuses an installation in use."""
    known = [worker.state.imports.get(digest) for worker in workers]
    if all(entry is not None for entry in known):
        return min(entry[0] for entry in known if entry), all(entry[1] for entry in known if entry)
    if any(worker.state.events or worker.state.imports for worker in workers):
        raise UsageError("a replay needs an empty installation: name a new folder with --data")
    return 0, False


def _begin(
    house: House,
    workers: Sequence[Worker],
    clock: _FileClock,
    first: int,
    digest: str,
    files: Mapping[str, str],
    settings: Mapping[str, str],
) -> None:
    """The plan stands before the first event, at the file's time."""
    ahead = max(worker.state.clock for worker in workers)
    if ahead > first:
        raise UsageError(
            f"this installation already stands at {format_time(ahead)}, after the first line ({format_time(first)}): "
            "name a new folder with --data"
        )
    clock.at_us = first
    record = publication(files, settings, first, "import")
    _tell_all(house, Imported(first, digest, 0))
    house.log.append({0: [record]})
    _pump(workers)


def _append(house: House, chunk: Sequence[_Line], body: mmap, digest: str, at: int, done: Replayed) -> None:
    """One atomic append: the chunk's events by partition, and in every partition how far the file has come."""
    partitions, naming = house.log.partitions, naming_of(house.settings.identity)
    last = encode(Imported(chunk[-1].received_at, digest, at))
    records: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
    refused = []
    for line in chunk:
        text = body[line.start : line.end]
        record = read_line(text, line.received_at, line.number, f"{digest}:{line.number}", naming)
        if isinstance(record, Refusal):
            message = f"line {line.number + 1}: {record.message}"
            refused.append(
                Quarantined(0, line.received_at, SOURCE.name, record.code, record.field, message, text, len(text))
            )
            continue
        home = 0 if isinstance(record, Threshold) else partition_of(record.key, partitions)
        records[home].append(encode(record))
    if refused:
        house.quarantine.put(refused)
    house.log.append({partition: [*bodies, last] for partition, bodies in records.items()})
    done.kept += len(chunk) - len(refused)
    done.refused += len(refused)


def _tell_all(house: House, imported: Imported) -> None:
    house.log.append({partition: [encode(imported)] for partition in range(house.log.partitions)})


def _pump(workers: Sequence[Worker]) -> None:
    """Until nobody has anything left to do at this instant."""
    while any([worker.turn() for worker in workers]):
        for worker in workers:
            worker.maintain()
