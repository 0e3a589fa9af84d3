"""Who is who in a file of history: every record goes through step(), with no definitions in the plan, and what the
engine says of it becomes rows of the history: what was kept, whose the fragments are from when on, and which of them a
decision on consent covers."""

from collections.abc import Iterable, Iterator
from itertools import islice

from tactful.consent.permits import purpose_of
from tactful.events.derived import ConsentChanged, EventKept, FragmentsCame, FragmentsWent, Group, ref
from tactful.events.records import Consent, Event, Plan, Publish, Score, Threshold
from tactful.history.cells import Fragment, IdentityRow, Row, decided, marker, rows
from tactful.kernel.definitions import Definitions
from tactful.kernel.plan import adopt
from tactful.kernel.state import PartitionState, Profile
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.language.vocabulary import NO_RULES, EventType, TraitRules
from tactful.operations.evaluate_lines import Question, plan_settings
from tactful.operations.lines import History

PARTITION = 0


def history_rows(
    question: Question, records: Iterable[tuple[int, History]], rules: TraitRules = NO_RULES
) -> Iterator[Row]:
    """What the history has of records, each with its position in the log and without repeats. `rules` of traits: what
    may be kept can depend on where the person is."""
    engine = _Engine(question, rules)
    for position, record in records:
        yield from engine.take(position, record)


class _Engine:
    """A partition that decides nothing but who is who."""

    def __init__(self, question: Question, rules: TraitRules) -> None:
        traits = {"$identify": EventType("$identify", {}, merges=rules)} if rules else {}
        settings = Plan(1, Publish(0, {}, plan_settings(question)))
        plan_state, plan = adopt(None, settings, 0, is_empty=True, definitions=Definitions({}, {}, {}, events=traits))
        self._turn = Turn(PartitionState(PARTITION, 1), plan, plan_state, lambda _: None)
        self._known: set[Fragment] = set()
        """Fragments with a row by which their person is known."""
        self._bare: dict[Fragment, str] = {}
        """Of identifiers that were persons without any fragment: un-merged, and nothing came back. Whose they are."""

    def take(self, position: int, record: History) -> Iterator[Row]:
        """The rows of the next record."""
        turn, here = self._turn, ref(PARTITION, position)
        if isinstance(record, Threshold):
            yield from rows(record, here)
            return
        many = len(turn.changed)
        step(turn, record, position)
        groups, turn.groups = turn.groups, []
        profile = turn.known(record.key)
        if profile is not None and _is_kept(record, groups, here):
            self._known.add((record.key, profile.epoch))
            yield from rows(record, here, profile.epoch)
        for group in groups:
            yield from _moved(group, record.received_at, here)
            if any(isinstance(row, ConsentChanged) for row in group.rows):
                yield from _decided(turn.changed[group.key], here)
        met = [group.key for group in groups if group.key]
        met += islice(reversed(turn.changed), len(turn.changed) - many)
        for key in met:
            yield from self._made(turn.changed[key], record.received_at, here)
        for own, before in self._bare.items():
            person = self._root(before)
            if person != before:
                self._bare[own] = person
                yield IdentityRow(*own, person, record.received_at, here)

    def _root(self, key: str) -> str:
        while (owner := self._turn.changed[key].owner()) is not None:
            key = owner
        return key

    def _made(self, profile: Profile, at: int, here: int) -> Iterator[Row]:
        """Somebody who is known only by having been tied or un-tied."""
        mine = [_fragment(name) for name in profile.fragments]
        if profile.owner() is not None or not self._known.isdisjoint(mine):
            return
        own = mine[0] if mine else (profile.key, profile.epoch)
        if not mine:
            if own in self._known:
                return
            self._bare[own] = profile.key
        self._known.add(own)
        yield marker(*own, "tie", at, here)


def _is_kept(record: History, groups: Iterable[Group], here: int) -> bool:
    """Whether the record is one by which somebody is known from here on."""
    if not isinstance(record, Event):
        return isinstance(record, Consent | Score)
    return any(isinstance(row, EventKept) and row.ref == here for group in groups for row in group.rows)


def _moved(group: Group, at: int, here: int) -> Iterator[Row]:
    """Fragments that are this person's from here on: those that came and did not go on at once."""
    came: dict[str, None] = {}
    for row in group.rows:
        if isinstance(row, FragmentsCame):
            came |= dict.fromkeys(row.fragments)
        elif isinstance(row, FragmentsWent):
            for name in row.fragments:
                came.pop(name, None)
    for name in came:
        yield IdentityRow(*_fragment(name), group.key, at, here)


def _decided(profile: Profile, here: int) -> Iterator[Row]:
    """The decisions of this record, with what they cover."""
    for covered, fragment in profile.fragments.items():
        mine = ((place, covered, write) for place, write in fragment.consents.items())
        others = ((place, by, write) for place, each in fragment.covered.items() for by, write in each.items())
        for place, by, write in (*mine, *others):
            if write.ref == here:
                yield from decided(_fragment(by), [_fragment(covered)], purpose_of(place), write)


def _fragment(name: str) -> Fragment:
    identifier, _, epoch = name.rpartition("#")
    return identifier, int(epoch)
