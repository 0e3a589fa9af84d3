"""Opening: what the states still say of the time before the log, as rows of a lake that begins anew.

Whose is whose, the traits, decisions and scores that count, that somebody is known and where they were last, who is in
which segment, the plan and the thresholds in force: with their own times, where states know them, so that what is asked
of now is as the engine sees it. Not the events: states keep counts and sums of them, and those cannot be taken apart.

States are read as they stand, and what was decided since the log begins comes from there. So a value that is newer than
that is left out here, and who came since; what has gone over since, and which segments have flipped, is turned back.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from tactful.consent.permits import ConsentWrite, purpose_of
from tactful.events.derived import (
    REF_BITS,
    DeviceMoved,
    FragmentsCame,
    Group,
    RecordKept,
    SegmentEntered,
    SegmentLeft,
    place,
)
from tactful.history.cells import (
    EMPTY,
    ConsentRow,
    EventRow,
    IdentityRow,
    MembershipRow,
    PlanRow,
    Row,
    ScoreRow,
    ThresholdRow,
    TraitRow,
    address,
    cells,
)
from tactful.history.producer import fragment, read_groups
from tactful.history.remains import PAST
from tactful.history.table import of_rows
from tactful.kernel.fragments import name_of
from tactful.kernel.state import FIRST_KEY, Fragment, PlanState, Profile, decode_partition, decode_profile
from tactful.language.sql.layout import (
    CONSENTS,
    EVENTS,
    IDENTITY,
    MEMBERSHIPS,
    PLANS,
    SCORES,
    THRESHOLDS,
    TRAITS,
)
from tactful.people.traits import TraitWrite
from tactful.runtime.decided import READ
from tactful.runtime.house import House

PEOPLE, ROWS = 5_000, 50_000
"""Whose states, and which rows before they are columns, are in memory at once."""
CAUSE = "begin"
"""Of memberships: they were there when the lake began."""
_NAMES: Mapping[type[Row], str] = {
    EventRow: EVENTS,
    TraitRow: TRAITS,
    ScoreRow: SCORES,
    ThresholdRow: THRESHOLDS,
    ConsentRow: CONSENTS,
    IdentityRow: IDENTITY,
    PlanRow: PLANS,
    MembershipRow: MEMBERSHIPS,
}
_json = msgspec.json.Encoder()


def opening(house: House, starts: Mapping[int, int], at_us: int) -> dict[str, pa.Table]:
    """Rows by table, all of them decided at the last position of each partition that is gone from the log (`starts`);
    what has no time of its own is of the instant `at_us`, before which nothing in the log was received."""
    made: dict[str, list[pa.Table]] = {}
    since = _Since(house, starts)
    for partition, start in starts.items():
        if start:
            rows = _Partition(house, starts, partition, at_us, since).rows()
            while some := list(islice(rows, ROWS)):
                for name, columns in _tables(some).items():
                    made.setdefault(name, []).append(columns)
    return {name: pa.concat_tables(held) for name, held in made.items()}


def _tables(rows: Sequence[Row]) -> dict[str, pa.Table]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(_NAMES[type(row)], []).append(row)
    return {name: of_rows(name, some) for name, some in by_name.items()}


class _Since:
    """Whose what is, as far as that has changed since the log begins."""

    def __init__(self, house: House, starts: Mapping[int, int]) -> None:
        self.begun: set[str] = set()
        """Fragments of which there was nothing before."""
        self.came: dict[str, tuple[int, str]] = {}
        """Of each that has gone over since: how often it had then, the first time, and who gave it."""
        for partition, start in starts.items():
            for blob in _blobs(house, partition, start):
                for group in read_groups(blob):
                    if group.position > start:
                        self._hear(group)

    def _hear(self, group: Group) -> None:
        if group.key and not group.before:
            self.begun.add(name_of(group.key, 1))
        for row in group.rows:
            match row:
                case FragmentsCame(cause="new"):
                    self.begun.update(row.fragments)
                case FragmentsCame():
                    for name, hop in zip(row.fragments, row.hops, strict=True):
                        self.came[name] = min((hop, row.giver), self.came.get(name, (hop, row.giver)))
                case DeviceMoved():
                    self.begun.add(name_of(group.key, row.epoch))
                case RecordKept() if row.begun:
                    self.begun.add(name_of(group.key, row.begun))


def _blobs(house: House, partition: int, start: int) -> Iterator[bytes]:
    """Rows that were decided behind a position; some of before may come along."""
    trail = house.trail
    end = trail.end(partition)
    for first in range(start + 1, end + 1, READ):
        yield from trail.between(partition, first, min(end, first + READ - 1))
    yield from (blob for _, last, blob in house.store(partition).derived() if last > end)


class _Partition:
    def __init__(self, house: House, starts: Mapping[int, int], partition: int, at_us: int, since: _Since) -> None:
        self._house, self._starts, self._partition, self._at = house, starts, partition, at_us
        self._since = since
        self._applied = starts[partition] << REF_BITS | partition
        self._store, self._plan = house.store(partition), house.plan(partition)

    def rows(self) -> Iterator[Row]:
        yield from self._in_force()
        flips = dict(self._flips())
        keys = self._store.keys_after(FIRST_KEY, 1 << 40)
        for first in range(0, len(keys), PEOPLE):
            for body in self._store.load(keys[first : first + PEOPLE]).values():
                profile = decode_profile(body)
                if profile.owner() is None:
                    yield from self._person(profile, flips)
        for (key, segment), entered in flips.items():
            if not entered:
                yield self._member(key, segment, self._at)

    def _in_force(self) -> Iterator[Row]:
        plan, is_first = self._plan, self._partition == 0
        if plan is not None and plan.published_at < self._at:
            publish = plan.plan.publish
            texts = (_json.encode(publish.files).decode(), _json.encode(publish.settings).decode())
            times = publish.received_at, plan.published_at, self._applied, self._applied
            yield PlanRow(plan.plan.version, *times, publish.author, *(texts if is_first else (None, None)))
        if is_first:
            state = decode_partition(self._store.checkpoint().partition_state)
            for metric, by_percent in state.thresholds.items():
                for percent, one in by_percent.items():
                    if one.received_at < self._at:
                        places = one.received_at, self._applied, self._applied
                        yield ThresholdRow(metric, percent, one.value, *places)

    # ---- a person ------------------------------------------------------------------------------------------------

    def _person(self, profile: Profile, flips: dict[tuple[str, str], bool]) -> Iterator[Row]:
        for number, (name, held) in enumerate(profile.fragments.items()):
            identifier, epoch = fragment(name)
            if name in self._since.begun:
                continue
            yield from self._known(identifier, epoch, held)
            person, hop, tied = profile.key, held.hop, held.tied
            if name in self._since.came:
                hop, person = self._since.came[name]
                hop, tied = hop - 1, self._at
            if identifier != person or hop:
                whose = identifier, epoch, person, self._at, self._applied, self._applied
                yield IdentityRow(*whose, hop=hop, timestamp=tied, place=number)
            yield from self._told(identifier, epoch, held)
        for segment, since in _segments(profile, self._plan):
            entered = flips.pop((profile.key, segment), None)
            if entered is None:
                yield self._member(profile.key, segment, since)
            elif not entered:
                yield self._member(profile.key, segment, self._at)

    def _known(self, identifier: str, epoch: int, held: Fragment) -> Iterator[Row]:
        """As an event that has expired leaves behind (history/remains.py)."""
        told: list[tuple[int, int, int, dict[str, Any], str | None]] = [(self._at, self._at, self._applied, {}, None)]
        if (zone := held.zone) is not None and not self._is_logged(zone.ref):
            told.append((*zone.order(), {"timezone": zone.name}, zone.name))
        if (country := held.country) is not None and not self._is_logged(country.ref):
            told.append((*country.order(), {"location": {"country": country.code}}, None))
        for timestamp, received_at, ref, context, name in told:
            times = timestamp, received_at, ref
            yield EventRow(
                *(identifier, epoch, PAST, None, *times, "", name, EMPTY, cells(context), self._applied),
                is_server=held.is_vouched,
                ids=(identifier,),
            )

    def _told(self, identifier: str, epoch: int, held: Fragment) -> Iterator[Row]:
        for name, write in held.traits.items():
            for one in (write, write.sure):
                if one is not None and not self._is_logged(one.ref):
                    yield self._trait(identifier, epoch, name, one)
        for model, score in held.scores.items():
            if not self._is_logged(score.ref):
                yield ScoreRow(identifier, epoch, model, score.value, score.received_at, score.ref, self._applied)
        for where, decided in held.consents.items():
            yield from self._decision((identifier, epoch), (identifier, epoch), where, decided)
        for where, by_fragment in held.covered.items():
            for by, decided in by_fragment.items():
                yield from self._decision((identifier, epoch), fragment(by), where, decided)

    def _trait(self, identifier: str, epoch: int, name: str, one: TraitWrite) -> TraitRow:
        written = EMPTY if one.value is None else cells({name: one.value})
        times = one.timestamp, one.received_at, one.ref
        return TraitRow(
            *(identifier, epoch, name, *times, one.source, written, self._applied),
            is_hearsay=one.is_browser,
            address=address(name, one.value),
        )

    def _decision(
        self, whose: tuple[str, int], by: tuple[str, int], where: str, one: ConsentWrite
    ) -> Iterator[ConsentRow]:
        if self._is_logged(one.ref):
            return
        purpose, times = purpose_of(where), (one.timestamp, one.received_at, one.ref)
        yield ConsentRow(
            *(*whose, *by, purpose, one.granted, purpose != where, *times, self._applied),
            origin=one.origin,
            text_version=one.text_version,
            is_hearsay=one.is_hearsay,
            address=one.address,
        )

    def _is_logged(self, number: int) -> bool:
        """Whether the record at a ref is in the log still, and its rows come from there."""
        partition, position = place(number)
        return position > self._starts.get(partition, 0)

    # ---- segments ------------------------------------------------------------------------------------------------

    def _flips(self) -> Iterator[tuple[tuple[str, str], bool]]:
        """Of each person and segment the first flip that comes from the log, the last that is yielded: entered or
        left."""
        start = self._starts[self._partition]
        found: dict[tuple[str, str], bool] = {}
        for blob in _blobs(self._house, self._partition, start):
            for group in read_groups(blob):
                if group.position > start:
                    for row in group.rows:
                        if isinstance(row, SegmentEntered | SegmentLeft):
                            found.setdefault((group.key, row.segment), isinstance(row, SegmentEntered))
        yield from found.items()

    def _member(self, key: str, segment: str, since: int) -> MembershipRow:
        return MembershipRow(key, segment, True, since, CAUSE, self._applied)


def _segments(profile: Profile, plan: PlanState | None) -> Iterator[tuple[str, int]]:
    """Those that a person is in, and since when."""
    kind = "segment/"
    names = {} if plan is None else {number: name for name, number in plan.numbers.items() if name.startswith(kind)}
    for number, since in profile.segments.items():
        if number in names:
            yield names[number].removeprefix(kind), since
