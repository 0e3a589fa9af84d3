"""The two engines as an installation has them: several partitions with production workers, and a history of lake and
tail. Expressions are metrics of the plan, and segments where they may be; the archiver runs now and then, housekeeping
with it, and the log is trimmed behind the lake. So what SQL says rests on what the archiver made of derived rows.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random

import yaml

from tactful.events.records import Publish, Tick, encode
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.kernel.plan import compiled
from tactful.kernel.state import FIRST_KEY, decode_partition, decode_profile
from tactful.kernel.turn import Turn
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.tree import Node
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
from tactful.operations.evaluation.evaluate_live import answers_of
from tactful.operations.history.opened import Opened
from tactful.operations.lines import History
from tactful.operations.plain import plain
from tactful.runtime.settings import Settings
from tactful.values import HOUR_US, format_time
from tests.histories import Life

ASKED = "asked"
"""Before the number of what a question asks for, among the definitions of the plan."""
AT_ONCE = 50
Positions = Mapping[int, int]


def house(question: Question, lines: Sequence[Line], instants: Sequence[int]) -> Answers:
    """What the states of the people say."""
    return Level(question, lines, instants).live


def lake(question: Question, lines: Sequence[Line], instants: Sequence[int]) -> Answers:
    """What lake and tail say at each instant; and that they say the same of it when all is over, as of the instant
    and as of what had been decided by then."""
    lived = Level(question, lines, instants)
    lived.demand_the_same_afterwards()
    return lived.then


class Lived:
    """`live` and `then`: by state and by SQL, each at its instant."""

    def __init__(
        self,
        question: Question,
        lines: Sequence[Line],
        instants: Sequence[int],
        seed: int = 0,
        archives: float = 0.01,
    ) -> None:
        """`archives`: how likely the archiver comes by after a record, and ten times that before an instant."""
        self.question = question
        read = read_lines(lines, naming_of(question), with_repeats=True)
        records = [self._told(record) for _, record in read]
        self.names = people(enumerate(records))
        self.random = Random(len(lines) + seed)
        self.live: Answers = {}
        self.then: Answers = {}
        self.positions: dict[int, Positions] = {}
        moments = sorted(set(instants))
        begin = min([*(record.received_at for record in records[:1]), *moments], default=0) - 1
        self.life = Life(Settings(), self.random.choice((1, 2, 3, 5)), begin)
        self.life.take(Publish(begin, self._files(), plan_settings(question)))
        for at in moments:
            while records and records[0].received_at <= at:
                self._take(records.pop(0))
                if self.random.random() < archives:
                    self.archive()
            self.life.until(at)
            if self.random.random() < 10 * archives:
                self.archive()
            self.live[at] = self._of_states(at)
            with self.life.history().open() as opened:
                self.positions[at] = dict(opened.positions)
                self.then[at] = self._of_history(opened, at)

    def _told(self, record: History) -> History:
        """Who says what a line says."""
        return record

    def _take(self, record: History) -> None:
        self.life.until(record.received_at)
        self.life.take(record)

    def archive(self) -> None:
        """And sometimes forget what the lake has."""
        archiver = self.life.archive()
        if self.random.random() < 0.5:
            before = self.life.clock.now_us() - self.random.choice((0, HOUR_US))
            self.life.house.log.trim(before, archiver.positions)

    def demand_the_same_afterwards(self) -> None:
        """Of every instant; where a name has a retention, what was then is gone."""
        if self._retains:
            return
        self.archive()
        with self.life.history().open() as opened:
            for at, said in self.then.items():
                again = self._of_history(opened, at)
                assert again == said, f"another answer afterwards about {format_time(at)}: {first(again, said)}"
                positions = self._of_history(opened, at, self.positions[at])
                assert positions == said, f"as of positions, about {format_time(at)}: {first(positions, said)}"

    # ---- what is asked ---------------------------------------------------------------------------------------------

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        gap = self.question.gap_us
        return vocabulary_of(
            read_project(self.question.files, gap_us=gap, is_strict=False), gap_us=gap, is_strict=False
        )

    @cached_property
    def _trees(self) -> dict[str, Node]:
        asked = self.question.expressions.items()
        return {name: check(text, "value", vocabulary=self._vocabulary).tree for name, text in asked}

    @property
    def _retains(self) -> bool:
        return any("retention" in text for text in self.question.files.values())

    def _files(self) -> dict[str, str]:
        """The project, with what is asked for as a metric each, and as a segment where that may be."""
        files = dict(self.question.files)
        for name, text in self.question.expressions.items():
            files[f"metrics/{ASKED}{name}.yaml"] = yaml.safe_dump({"value": text}, allow_unicode=True)
            try:
                check(text, vocabulary=self._vocabulary, allows_clock=False)
            except Mistake:
                continue
            files[f"segments/{ASKED}{name}.yaml"] = yaml.safe_dump({"when": text}, allow_unicode=True)
        return files

    # ---- who answers -----------------------------------------------------------------------------------------------

    def _of_history(self, opened: Opened, at: int, positions: Positions | None = None) -> dict[str, dict[str, Answer]]:
        found: dict[str, dict[str, Answer]] = {name: {} for name in self._trees}
        every = list(self._trees.items())
        for begin in range(0, len(every), AT_ONCE):
            part = dict(every[begin : begin + AT_ONCE])
            for person, values in opened.ask(part, at, positions=positions):
                for name, value in values.items():
                    found[name][self.names[person]] = Answer(plain(value))
        return found

    def _of_states(self, at: int) -> dict[str, dict[str, Answer]]:
        found: dict[str, dict[str, Answer]] = {name: {} for name in self._trees}
        house = self.life.house
        for partition, store in enumerate(house.stores()):
            stored = house.plan(partition)
            assert stored is not None
            plan = compiled(stored)
            state = decode_partition(store.checkpoint().partition_state)
            turn = Turn(state, plan, stored, lambda _: None)
            numbers = {rule.name: rule.number for rule in plan.segments}
            for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
                profile = decode_profile(body)
                if profile.owner() is not None:
                    continue
                assert profile.identity is None or not profile.identity.is_waiting, "everybody is at rest"
                for name, answer in answers_of(profile, turn, [ASKED + name for name in self._trees], numbers, at):
                    found[name.removeprefix(ASKED)][self.names[key]] = answer
        return found


class Level(Lived):
    """Ordered as one file is. What happened and was received at one instant is ordered by position, so partitions are
    brought to one before each further record of an instant."""

    def _take(self, record: History) -> None:
        if record.received_at == self.life.clock.now_us():
            log = self.life.house.log
            ends = [log.end(partition) for partition in range(log.partitions)]
            tick = encode(Tick(record.received_at, 1))
            log.append({partition: [tick] * (max(ends) - end) for partition, end in enumerate(ends)})
        super()._take(record)


def first(one: dict[str, dict[str, Answer]], other: dict[str, dict[str, Answer]]) -> object:
    """Where two answers differ."""
    for name, by_person in other.items():
        for person in sorted({*by_person, *one[name]}):
            if repr(one[name].get(person)) != repr(by_person.get(person)):
                return name, person, one[name].get(person), by_person.get(person)
    return None
