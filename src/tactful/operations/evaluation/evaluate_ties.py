"""Who is who in a file of history: every record goes through step(), with no definitions in the plan, and what the
engine says of it becomes rows of the history, as the archiver makes them (history/producer.py)."""

from collections.abc import Iterable, Iterator

from tactful.events.derived import place
from tactful.events.records import Between, Plan, Publish, Record
from tactful.history.cells import Row
from tactful.history.producer import produce
from tactful.history.unfolding import unfolded
from tactful.kernel.definitions import Definitions
from tactful.kernel.plan import adopt
from tactful.kernel.state import PartitionState
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.language.vocabulary import NO_RULES, EventType, TraitRules
from tactful.operations.evaluation.evaluate_lines import Question, plan_settings
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
        self._log: dict[int, History] = {}

    def take(self, position: int, record: History) -> Iterator[Row]:
        """The rows of the next record."""
        turn = self._turn
        self._log[position] = record
        step(turn, record, position)
        groups, turn.groups = turn.groups, []
        for item in produce(PARTITION, groups, self._find):
            yield from unfolded(item)

    def _find(self, ref: int) -> Record | Between:
        """Records that wait for an un-merge come into the history with one that came later."""
        return self._log[place(ref)[1]]
