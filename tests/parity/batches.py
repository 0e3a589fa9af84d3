"""One batch: a project, a history, expressions and instants, all from one number; and what three engines say of it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.operations.evaluation import cases, evaluate_live, evaluate_sql
from tactful.operations.evaluation.evaluate_lines import Question
from tests.parity.coverage import choose, found, sharpest
from tests.parity.expressions import Writer
from tests.parity.histories import PURPOSES, SCORES, history
from tests.parity.oracle import Oracle, Project
from tests.parity.projects import files, project
from tests.queries import QUERIES

Engine = cases.Engine
ENGINES: Mapping[str, Engine] = {
    "live": evaluate_live.answers,
    "sql": partial(evaluate_sql.answers, queries=QUERIES),
}
NOBODY = "nobody"
SESSIONS = frozenset(("sessions", "session_length", "avg_session_length"))
Meant = dict[int, dict[str, dict[str, Any]]]
"""By instant, number of the expression and person."""


class Size(NamedTuple):
    expressions: int
    people: int
    instants: int


class Batch(NamedTuple):
    project: Project
    texts: Sequence[str]
    lines: Sequence[Mapping[str, Any]]
    instants: Sequence[int]

    def question(self, asked: Mapping[str, str] | None = None) -> Question:
        """Expressions under numbers; all, unless some are chosen."""
        every = {str(number): text for number, text in enumerate(self.texts)}
        return Question(asked or every, files(self.project), self.project.time_zone, self.project.gap)


class Difference(NamedTuple):
    """What the engine says, and what the oracle does; at no instant and of nobody where it contradicts itself."""

    engine: str
    text: str
    at: int | None
    person: str | None
    found: Any
    meant: Any


def batch(seed: int, size: Size, covered: Counter[str] | None = None, about: Collection[str] = ()) -> Batch:
    """The same for the same seed (and what was covered before). Of many texts those are taken that add to what is
    covered, and that do not give everybody the same answer; `about`: plain ones with one of these constructs."""
    random = Random(seed)
    made = next(made for made in iter(lambda: project(random), None) if is_accepted(made) and _may_ask(made, about))
    writer = Writer(random, made, SCORES, PURPOSES)
    pool = accepted(made, _pool(writer, size.expressions, about))
    told = history(random, size.people, size.instants)
    oracle = Oracle(history(random, 25, 20).lines, made)
    worlds = [seen for at in told.instants[::4] for seen in oracle.worlds(at).values()]

    def variety(text: str) -> float:
        """How likely two answers differ."""
        counts = Counter(repr(oracle.ask(text, seen)) for seen in worlds)
        return 1 - sum((count / len(worlds)) ** 2 for count in counts.values()) if worlds else 0

    if about:
        texts = sharpest(pool, size.expressions, variety)
    else:
        texts = choose(pool, size.expressions, Counter() if covered is None else covered, variety)
    return Batch(made, texts, told.lines, told.instants)


def _pool(writer: Writer, count: int, about: Collection[str]) -> list[str]:
    """Many more than will be taken."""
    if not about:
        return [writer.expression() for _ in range(12 * count)]
    texts: list[str] = []
    while len(texts) < 4 * count:
        text = writer.expression()
        if not {*about}.isdisjoint(found(text)):
            texts.append(text)
    return texts


def _may_ask(project: Project, about: Collection[str]) -> bool:
    """Whether there is any text to be found: of sessions there is none where events of a name expire."""
    return not (about and project.retention and SESSIONS.issuperset(about))


def is_accepted(project: Project) -> bool:
    """Whether none of its random segments and metrics is refused."""
    try:
        read_project(files(project), gap_us=project.gap, is_strict=False)
    except DefinitionError:
        return False
    return True


def accepted(project: Project, texts: Sequence[str]) -> list[str]:
    """Each once, without those that are refused: what never holds by its types, and bounds that only data can tell."""
    read = read_project(files(project), gap_us=project.gap, is_strict=False)
    vocabulary = vocabulary_of(read, gap_us=project.gap, is_strict=False)

    def is_taken(text: str) -> bool:
        try:
            check(text, "value", vocabulary=vocabulary)
        except Mistake:
            return False
        return True

    return [text for text in dict.fromkeys(texts) if is_taken(text)]


def meant(batch: Batch) -> Meant:
    """By instant, number of the expression and person, as the oracle has it."""
    oracle = Oracle(batch.lines, batch.project)
    answers: Meant = {}
    for at in batch.instants:
        worlds = oracle.worlds(at).items()
        answers[at] = {
            str(number): {name: oracle.ask(text, seen) for name, seen in worlds}
            for number, text in enumerate(batch.texts)
        }
    return answers


def alike(one: Any, other: Any) -> bool:
    """The same JSON, numbers compared as doubles; true is no number."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def differences(batch: Batch, engines: Mapping[str, Engine] = ENGINES) -> Iterator[Difference]:
    """Everything on which an engine differs from the oracle, or from itself; what is flagged coarse is left out."""
    expected = meant(batch)
    for name, answers in engines.items():
        yield from _compared(name, answers, batch, range(len(batch.texts)), expected)


def _compared(
    name: str, answers: Engine, batch: Batch, numbers: Sequence[int], expected: Meant
) -> Iterator[Difference]:
    """Of these expressions. An engine that finds a contradiction in itself (of membership and value, for one) says it
    of all that it was asked, so halves are asked by themselves, until one expression is found that does it alone; where
    none does, the first is named."""
    asked = batch.question({str(number): batch.texts[number] for number in numbers})
    try:
        told = answers(asked, batch.lines, batch.instants)
    except AssertionError as error:
        middle = len(numbers) // 2
        for half in (numbers[:middle], numbers[middle:]) if middle else ():
            found = list(_compared(name, answers, batch, half, expected))
            yield from found
            if any(one.at is None for one in found):
                return
        yield Difference(name, batch.texts[numbers[0]], None, None, f"contradicts itself: {error}", None)
        return
    for at in batch.instants:
        for number in numbers:
            said, right = told[at][str(number)], expected[at][str(number)]
            for person in sorted({*said, *right}):
                answer = said.get(person)
                if answer is not None and answer.is_coarse:
                    continue
                one, other = NOBODY if answer is None else answer.value, right.get(person, NOBODY)
                if not alike(one, other):
                    yield Difference(name, batch.texts[number], at, person, one, other)
