"""The report of an import: what was read, kept, mended and refused, and why; kept beside the data, and shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tactful.events.verdicts import Refusal
from tactful.values import format_time

if TYPE_CHECKING:  # Arrow is slow to import, and reports are read by whoever starts.
    from tactful.operations.imports.calls import Unread

SHOWN = 3
"""Examples of each kind of trouble."""
MOST_KINDS = 200
"""Of trouble, and of names; what else there is counts as `...`."""


class Trouble(Struct):
    """One kind of it: how often, and where for example."""

    count: int = 0
    rows: list[int] = []
    message: str = ""

    def note(self, row: int, message: str) -> None:
        self.count += 1
        if len(self.rows) < SHOWN:
            self.rows.append(row)
            self.message = self.message or message


class Report(Struct):
    """All counts are of this file and this mapping, over all the runs that it took."""

    file: str
    rows: int = 0
    unused: int = 0
    """Rows of which no event was made, as the mapping says."""
    calls: int = 0
    kept: int = 0
    """Handed over; what people have decided (consent) is asked when they are applied."""
    by_name: dict[str, int] = {}
    mended: dict[str, Trouble] = {}
    """By "event: property"."""
    flagged: dict[str, Trouble] = {}
    """Kept although they do not fit the tracking plan."""
    refused: dict[str, Trouble] = {}
    """In the quarantine, by reason and field."""
    dropped: dict[str, Trouble] = {}
    """Neither kept nor refused: the tracking plan says `drop`."""
    unread: dict[str, Trouble] = {}
    """By column: texts that are none of the column's type, and stayed texts."""
    first_at: int = 0
    last_at: int = 0
    notes: list[str] = []
    is_finished: bool = False

    def take(self, names: Sequence[str], times: Sequence[int]) -> None:
        """So many events, with the instants at which they happened."""
        self.calls += len(names)
        self.kept += len(names)
        for name, number in Counter(names).items():
            key = name if name in self.by_name or len(self.by_name) < MOST_KINDS else "..."
            self.by_name[key] = self.by_name.get(key, 0) + number
        if times:
            self.first_at = min(self.first_at or times[0], *times)
            self.last_at = max(self.last_at, *times)

    def refuse(self, row: int, refusal: Refusal) -> None:
        self.calls += 1
        key = f"{refusal.code} ({refusal.field})" if refusal.field else refusal.code
        trouble(self.refused, key).note(row, refusal.message)

    def unreadable(self, found: Mapping[str, "Unread"], name_of: Mapping[str, str]) -> None:
        for column, one in found.items():
            what = f"{one.text!r} is no {name_of.get(column, 'value')}"
            self.unread[column] = Trouble(one.count, [one.number], what)

    @property
    def refused_count(self) -> int:
        return sum(one.count for one in self.refused.values())


def trouble(kinds: dict[str, Trouble], name: str) -> Trouble:
    name = name if name in kinds or len(kinds) < MOST_KINDS else "..."
    return kinds.setdefault(name, Trouble())


def as_json(report: Report) -> bytes:
    return msgspec.json.encode(report)


def from_json(body: bytes) -> Report | None:
    """None where it was cut off while it was written, or an older version has written it."""
    try:
        return msgspec.json.decode(body, type=Report)
    except msgspec.MsgspecError:
        return None


def lines(report: Report, *, is_dry: bool) -> list[str]:
    """In words."""
    would = "would be " if is_dry else ""
    told = [f"{report.file}: {report.rows:,} rows read, {report.calls:,} events made of them"]
    if report.unused:
        told.append(f"  {report.unused:,} rows make no event, as the mapping says")
    told.append(f"  {report.kept:,} {would}taken{_span(report)}")
    told += [f"    {number:>12,}  {name}" for name, number in sorted(report.by_name.items(), key=lambda one: -one[1])]
    for title, kinds in (
        (f"{would}mended by the tracking plan", report.mended),
        ("taken although they do not fit the tracking plan", report.flagged),
        (f"{would}dropped by the tracking plan", report.dropped),
        (f"{'would be put' if is_dry else 'put'} into the quarantine", report.refused),
        ("values that are not what their column is said to hold, and stay texts", report.unread),
    ):
        if kinds:
            told.append(f"  {sum(one.count for one in kinds.values()):,} {title}")
            told += [
                f"    {one.count:>12,}  {name}: {one.message} (row {', '.join(f'{row:,}' for row in one.rows)}"
                f"{', ...' if one.count > len(one.rows) else ''})"
                for name, one in sorted(kinds.items(), key=lambda kind: -kind[1].count)
            ]
    return told + [f"  note: {note}" for note in report.notes]


def _span(report: Report) -> str:
    if not report.last_at:
        return ""
    return f", from {format_time(report.first_at)} to {format_time(report.last_at)}"
