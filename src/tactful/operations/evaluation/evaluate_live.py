"""The live engine's answers about a file of history: every line goes through step(), as in a worker.

The expressions are metrics of the plan, and those that may be a segment are segments too: who is in one at an instant
must be those for whom the expression is true, or nothing may be believed. States live in dictionaries, as bytes; every
few records they are written and read again, and time passes, so that nothing rests on what only memory holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from tactful.events.records import Plan, Publish, Record, Threshold, Tick
from tactful.kernel.definitions import Definitions, read_project, vocabulary_of
from tactful.kernel.plan import adopt, compiled
from tactful.kernel.state import PartitionState, Profile, decode_partition, decode_plan, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.language.check import Checked, check
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.vocabulary import Vocabulary
from tactful.operations.evaluation.evaluate_lines import (
    Answer,
    Answers,
    Line,
    Question,
    naming_of,
    people,
    plan_settings,
    read_lines,
)
from tactful.operations.plain import plain
from tactful.segments.definition import Segment
from tactful.segments.metrics import Metric
from tactful.values import format_time

SLICE = 1000
"""People of one Tick."""


def answers(question: Question, lines: Sequence[Line], instants: Sequence[int], *, cut_after: int = 7) -> Answers:
    """What the expressions are for everybody known at each instant. `cut_after` so many records, states become bytes.

    Raises DefinitionError for a mistake in the project or in an expression, UsageError for a line, AssertionError where
    the engine contradicts itself.
    """
    records = read_lines(lines, naming_of(question), with_repeats=True)
    names = people(records)
    begin = min([*(record.received_at for _, record in records[:1]), *instants], default=0) - 1
    partition = _Partition(question, begin, cut_after)
    found: Answers = {}
    place = 0
    for at in sorted(set(instants)):
        while place < len(records) and records[place][1].received_at <= at:
            partition.take(records[place][1])
            place += 1
        partition.pass_time(at)
        found[at] = partition.answers(at, names)
    return found


class _Partition:
    """A partition with nothing around it."""

    def __init__(self, question: Question, at: int, cut_after: int) -> None:
        self._definitions = _definitions(question)
        plan = Plan(1, Publish(at, dict(question.files), plan_settings(question)))
        self._state = PartitionState(0, 1, clock=at)
        plan_state, _ = adopt(None, plan, at, is_empty=True, definitions=self._definitions)
        self._plan_state = decode_plan(encode_state(plan_state))
        self._plan = compiled(self._plan_state, self._definitions)
        self._people: dict[str, bytes] = {}
        self._wakes: dict[str, int] = {}
        self._cut_after = cut_after
        self._position = self._taken = 0
        self._turn = self._new_turn()

    def take(self, record: Record) -> None:
        """The next record. A threshold finds everybody settled, as with a worker that keeps up."""
        self._taken += 1
        if self._taken % self._cut_after == 0:
            self.pass_time(self._state.clock)
        due: Sequence[str] = ()
        if isinstance(record, Threshold):
            self.pass_time(self._state.clock)
            due = self._due(max(self._state.clock, record.received_at))
        self._step(record, due)

    def pass_time(self, at: int) -> None:
        """Commit; then Ticks until nobody is due and nobody is to be looked at anew."""
        self._cut()
        while True:
            due = self._due(at)[:SLICE]
            cursor = self._state.sweep
            swept = sorted(key for key in self._people if key > cursor)[:SLICE] if cursor is not None else []
            if at == self._state.clock and not due and cursor is None:
                return
            self._step(Tick(at, SLICE), due, swept)
            self._cut()

    def _step(self, record: Record, due: Sequence[str], swept: Sequence[str] = ()) -> None:
        """Every record has a position of its own in the log, ticks too."""
        self._position += 1
        step(self._turn, record, self._position, due, swept)

    def answers(self, at: int, names: Mapping[str, str]) -> dict[str, dict[str, Answer]]:
        found: dict[str, dict[str, Answer]] = {expression: {} for expression in self._plan.metrics}
        numbers = {rule.name: rule.number for rule in self._plan.segments}
        for key in sorted(self._people):
            profile = decode_profile(self._people[key])
            if profile.owner() is not None:
                continue  # A mark: the person is its owner.
            for expression, answer in answers_of(profile, self._turn, found, numbers, at):
                found[expression][names[key]] = answer
        return found

    # ---- what a store does -----------------------------------------------------------------------------------------

    def _cut(self) -> None:
        """Everything becomes bytes and is read again."""
        for key, profile in self._turn.changed.items():
            self._people[key] = encode_state(profile)
            self._wakes.pop(key, None)
            if profile.wake_at is not None:
                self._wakes[key] = profile.wake_at
        self._state = decode_partition(encode_state(self._state))
        self._turn = self._new_turn()

    def _due(self, at: int) -> list[str]:
        return [key for wake, key in sorted((wake, key) for key, wake in self._wakes.items()) if wake <= at]

    def _find(self, key: str) -> Profile | None:
        return decode_profile(self._people[key]) if key in self._people else None

    def _new_turn(self) -> Turn:
        return Turn(self._state, self._plan, self._plan_state, self._find)


def answers_of(
    profile: Profile, turn: Turn, metrics: Iterable[str], numbers: Mapping[str, int], at: int
) -> Iterator[tuple[str, Answer]]:
    """What these metrics of the plan are for a person at an instant. `numbers` are those of segments, by name.

    Raises AssertionError where a segment of the same name says something else.
    """
    view = turn.view(profile)
    for name in metrics:
        valued, number = turn.plan.metrics[name].valued, numbers.get(name)
        answer = Answer(plain(valued.value(view, at)), valued.is_coarse(view, at))
        if number is not None and (number in profile.segments) != (answer.value is True) and not answer.is_coarse:
            raise AssertionError(
                f"{valued.text!r} is {answer.value} for {profile.key} at {format_time(at)}, and as a segment it "
                f"{'has' if number in profile.segments else 'does not have'} this person"
            )
        yield name, answer


def _definitions(question: Question) -> Definitions:
    """The expressions alone; what they name in the project is part of what they mean."""
    project = read_project(question.files, gap_us=question.gap_us, is_strict=False)
    vocabulary = vocabulary_of(project, gap_us=question.gap_us, is_strict=False)
    asked = {name: _checked(text, vocabulary) for name, text in question.expressions.items()}
    metrics = {name: Metric(name, "", checked, "") for name, checked in asked.items()}
    conditions = {name: _as_segment(text, vocabulary) for name, text in question.expressions.items()}
    segments = {name: Segment(name, "", one, "") for name, one in conditions.items() if one is not None}
    return replace(project, segments=segments, metrics=metrics, journeys={}, messages={})


def _checked(text: str, vocabulary: Vocabulary) -> Checked:
    try:
        return check(text, "value", vocabulary=vocabulary)
    except Mistake as mistake:
        raise definition_error(mistake, text) from None


def _as_segment(text: str, vocabulary: Vocabulary) -> Checked | None:
    """None for a value that is no condition, and for a condition that only the clock moves."""
    try:
        return check(text, vocabulary=vocabulary, allows_clock=False)
    except Mistake:
        return None
