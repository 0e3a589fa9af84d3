"""Housekeeping: files merged and dealt out, events that have expired taken out, own columns brought along, what nobody
names any more removed, Delta's log kept short. A bounded piece at a time, by the instant that is given."""

import json
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from tactful.adapters.delta import layouts
from tactful.adapters.delta.compaction import is_crowded, merges
from tactful.adapters.delta.files import firsts
from tactful.adapters.delta.tables import ConflictError, File, Table
from tactful.adapters.delta.writing import Writer
from tactful.history.keeping import unexpired
from tactful.history.lake import Maintained
from tactful.language.sql.layout import EVENTS
from tactful.values import DAY_US, HOUR_US

PIECE_ROWS = 1_000_000
"""That are written anew in one call, and one file more."""
GRACE_US = DAY_US
"""A file is written anew once something in it has been over for so long: once a day at most, not with every event. What
is over counts in no answer whether it is there or not (LANGUAGE.md 1.7)."""
NAMED_US = HOUR_US
"""For so long files stay that no table names any more: somebody may be reading them."""
CHECKPOINT_EVERY = 20
"""Commits that a reader reads one by one."""
_UNNAMED = "unnamed.json"


class _Work(Struct):
    """Files that become others; `is_dealt`: by bucket."""

    files: list[File]
    is_dealt: bool = False


def maintain(writer: Writer, now_us: int, retention_us: Mapping[str, int]) -> Maintained:
    compacted = expired = rows = 0
    pen = writer.pen()
    try:
        for table in writer.tables.values():
            for work in _works(writer, table, now_us, retention_us):
                if rows >= PIECE_ROWS:
                    break
                rows += sum(one.rows for one in work.files)
                expired += _rewrite(writer, table, pen, work, now_us, retention_us)
                compacted += len(work.files)
            while rows < PIECE_ROWS and is_crowded(table.files(), writer.buckets(table).now):
                rows += _split(writer, table, pen, now_us)
                compacted += 1
    except ConflictError:
        writer.lose()
    removed = _sweep(writer, now_us)
    for table in writer.tables.values():
        table.checkpoint(CHECKPOINT_EVERY)
    return Maintained(compacted, removed, expired)


def _works(writer: Writer, table: Table, now_us: int, retention_us: Mapping[str, int]) -> Iterator[_Work]:
    """In the order of what hurts most; no file twice."""
    files, seen = table.files(), set[str]()
    for group, is_dealt in merges(files, is_dealt=table.has_buckets):
        seen |= {one.path for one in group}
        yield _Work(group, is_dealt)
    if table.name == EVENTS:
        wanted = layouts.digest(layouts.wished(table))
        for one in files:
            if one.path not in seen and (
                (one.layout != wanted and one.rows) or _is_over(table, one, now_us, retention_us)
            ):
                yield _Work([one])


def _is_over(table: Table, file: File, now_us: int, retention_us: Mapping[str, int]) -> bool:
    """Whether something in it is over, for longer than we wait."""
    if not file.rows or not retention_us or file.first_us > now_us - min(retention_us.values()) - GRACE_US:
        return False
    first = firsts(table.place.footer(table.name, file.path))
    return any(at <= now_us - retention_us[name] - GRACE_US for name, at in first.items() if name in retention_us)


def _rewrite(writer: Writer, table: Table, pen: int, work: _Work, now_us: int, retention_us: Mapping[str, int]) -> int:
    """Returns how many rows had expired."""
    held = [table.place.read(table.name, one.path) for one in work.files]
    expired = 0
    if table.name == EVENTS:
        looked_at = [unexpired(one, now_us, retention_us) for one in held]
        held, expired = [rows for rows, _ in looked_at], sum(gone for _, gone in looked_at)
    left = sum(len(one) for one in held)
    # Others that read Delta see what has changed for them: nothing, where rows only lie elsewhere.
    changes = expired > 0
    added = []
    shaped = [writer.shaped(table, one) for one in held]
    if work.is_dealt:
        added = [writer.write(table, rows, bucket=one, changes=changes) for one, rows in writer.dealt(table, shaped)]
    elif left or len(table.files()) == len(work.files):
        bucket = work.files[0].bucket
        added = [writer.write(table, writer.ordered(table, shaped), bucket=bucket, changes=changes)]
    table.commit(pen, added, work.files, at_ms=now_us // 1000, changes=changes)
    return expired


def _split(writer: Writer, table: Table, pen: int, now_us: int) -> int:
    """A bucket becomes two, a file at a time and in one commit; how many rows it has."""
    buckets = writer.buckets(table)
    files = [one for one in table.files() if one.bucket == buckets.next]
    added = []
    for one in files:
        rows = writer.shaped(table, table.place.read(table.name, one.path))
        dealt = writer.dealt(table, [rows], buckets.grown())
        added += [writer.write(table, part, bucket=number, changes=False) for number, part in dealt]
    table.commit(pen, added, files, buckets=buckets.grown().now, at_ms=now_us // 1000, changes=False)
    return sum(one.rows for one in files)


def _sweep(writer: Writer, now_us: int) -> int:
    """Remove files that nobody has named for an hour, by this clock: what crashed before its commit, and what was
    replaced. Since when, stands beside the tables; a clock that was set back begins the hour anew."""
    place = writer.events.place
    told: dict[str, int] = json.loads(place.kept(_UNNAMED) or b"{}")
    stray: dict[str, int] = {}
    removed = 0

    def looked_at(table: Table) -> tuple[str, Sequence[str]]:
        table.refresh()
        return table.name, unnamed(table)

    for name, paths in place.each(looked_at, writer.tables.values()):
        for path in paths:
            since_us = min(told.get(f"{name}/{path}", now_us), now_us)
            if now_us - since_us >= NAMED_US:
                place.delete(name, path)
                removed += 1
            else:
                stray[f"{name}/{path}"] = since_us
    if stray != told:
        place.keep(_UNNAMED, json.dumps(stray).encode())
    return removed


def unnamed(table: Table) -> Sequence[str]:
    """Files that lie there and that the table does not name."""
    named = {one.path for one in table.files()}
    return [path for path in table.place.listed(table.name) if path not in named]
