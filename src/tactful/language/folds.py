"""From the questions of a lowered tree to the states that answer them: which kind, what feeds it, how much it keeps.

Questions that look at the same events in the same window share one state, as large as the largest threshold needs; one
spec is one state in the whole plan, since the numbers are the caller's. Where a condition on events names `profile.x`,
which is as of now (LANGUAGE.md 4), the events themselves are kept, with what the condition looks at, and folded when
somebody looks.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from tactful.aggregates import kinds
from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.language import tree
from tactful.language.canonical import canonical
from tactful.language.compiled import Feed, Fold
from tactful.language.generate import Asked, Question
from tactful.language.keeping import Keeping, keeping
from tactful.language.tree import Node
from tactful.language.vocabulary import Collection

NumberOf = Callable[[AggregateSpec], int]
LONGEST_STORY = 16
"""A count of all time that is compared with more than this keeps a number instead of so many events."""
_KINDS = {
    "any": "newest",
    "count": "newest",
    "time_since": "newest",
    "sum": "total",
    "avg": "total",
    "min": "least",
    "max": "greatest",
    "distinct": "distinct",
    "first": "earliest",
    "latest": "latest",
    "active_days": "days",
}
_OPERATIONS = ("add", "remove", "clear")


class Want(Struct, frozen=True):
    """What one question needs."""

    spec: AggregateSpec
    feeds: tuple[Feed, ...]
    keeping: Keeping | None = None

    @property
    def state(self) -> AggregateSpec:
        return self.keeping.spec if self.keeping is not None else self.spec


class Folds:
    """The states behind one tree; `number` gives each its number, the same for the same spec."""

    def __init__(self, lowered: Node, number: NumberOf) -> None:
        wants: dict[AggregateSpec, Want] = {}
        least: dict[AggregateSpec, int] = {}
        for question, n in questions(lowered):
            found = want(question, n)
            key = _without_size(found.state)
            asked = 0 if n is None or found.keeping is not None else n
            least[key] = min(asked, least.get(key, asked))
            before = wants.get(key)
            if before is None or before.state.keep < found.state.keep:
                wants[key] = found
        self._folds: dict[AggregateSpec, Fold] = {}
        for key, found in wants.items():
            spec = found.state
            self._folds[key] = Fold(number(spec), spec, kinds.build(spec), found.feeds, least[key])
        self.all = tuple(self._folds.values())
        self._asked: dict[AggregateSpec, Asked] = {}

    def is_kept(self, question: Question, n: int | None = None) -> bool:
        """False for what cannot decide anything: `1 == 2 and any(...)`."""
        return _without_size(want(question, n).state) in self._folds

    def asked(self, question: Question, n: int | None = None) -> Asked:
        found = want(question, n)
        fold = self._folds[_without_size(found.state)]
        if found.keeping is None:
            return Asked(fold.number, fold.spec, fold.aggregate)
        known = self._asked.get(found.spec)
        if known is None:
            reader = kinds.build(found.spec)
            narrow = found.keeping.narrow(fold.aggregate, reader)
            known = self._asked[found.spec] = Asked(fold.number, found.spec, reader, narrow, fold.aggregate)
        return known


def combined(folds: Iterable[Fold]) -> dict[int, Fold]:
    """Those of several definitions by number."""
    found: dict[int, Fold] = {}
    for fold in folds:
        if fold.number not in found or fold.least < found[fold.number].least:
            found[fold.number] = fold
    return found


def _without_size(spec: AggregateSpec) -> AggregateSpec:
    return replace(spec, keep=1)


def questions(node: Node) -> Iterator[tuple[Question, int | None]]:
    """Every question over events, also of what is named, with the threshold where only that is asked."""
    match node:
        case tree.AtLeast(count=count, n=n):
            yield count, n
        case tree.Aggregate() | tree.Sequence() | tree.Sessions() | tree.Part():
            yield node, None
        case _:
            for part in (*tree.children(node), *tree.referred(node)):
                yield from questions(part)


def want(question: Question, n: int | None) -> Want:
    match question:
        case tree.Sequence():
            return _sequence(question)
        case tree.Sessions(gap_us=gap_us, window=window):
            spec = _windowed(AggregateSpec("sessions", ("*",), gap_us=gap_us), window)
            return Want(spec, (Feed(("*",), None, None),))
        case tree.Part(collection=collection):
            return _collection(collection)
        case _:
            return _aggregate(question, n)


def _windowed(spec: AggregateSpec, window: tree.Window | None) -> AggregateSpec:
    return spec if window is None else replace(spec, older_us=window.older_us, newer_us=window.newer_us)


def _aggregate(question: tree.Aggregate, n: int | None) -> Want:
    where, value = question.selection.where, question.value
    spec = _windowed(
        AggregateSpec(
            kind=_kind(question, n),
            events=question.selection.events,
            where=_text(where),
            value=_text(value),
            keep=_keep(question, n),
        ),
        question.selection.window,
    )
    found = keeping(spec, (tree.Step(spec.events, where, is_absent=False),), value)
    if found is not None:
        return Want(spec, found.feeds, found)
    return Want(spec, (Feed(spec.events, where, value),))


def _kind(question: tree.Aggregate, n: int | None) -> str:
    function, window = question.function, question.selection.window
    if function == "count" and question.value is not None:
        return "grouped"
    if function == "count" and window is None and (n is None or n > LONGEST_STORY):
        return "tally"
    return "newest" if function == "latest" and question.value is None else _KINDS[function]


def _keep(question: tree.Aggregate, n: int | None) -> int:
    """How many items decide. Between two instants, what is too new now is wanted later."""
    window = question.selection.window
    if window is not None and window.newer_us:
        return CAP
    match question.function:
        case "any" | "latest" | "time_since":
            return 1
        case "first":
            return 1 if window is None else CAP
        case "count" if n is not None and not (window is None and question.value is None and n > LONGEST_STORY):
            return n
        case _:
            return CAP


def _text(node: Node | None) -> str:
    return "" if node is None else canonical(node)


def _sequence(question: tree.Sequence) -> Want:
    spec = AggregateSpec(
        "sequence",
        (),
        older_us=question.last_us,
        within_us=question.within_us,
        steps=tuple(_step(step) for step in question.steps),
    )
    found = keeping(spec, question.steps, None)
    if found is not None:
        return Want(spec, found.feeds, found)
    return Want(spec, tuple(Feed(one.events, one.where, None, index) for index, one in enumerate(question.steps)))


def _step(step: tree.Step) -> str:
    text = f"{list(step.events)!r}" + ("" if step.where is None else f" where {canonical(step.where)}")
    return f"not {text}" if step.is_absent else text


def _collection(collection: Collection) -> Want:
    paths = (collection.key, collection.quantity, collection.price, *((field,) for field in collection.fields))
    looked_at = tree.Items(tuple(tree.Property(path, (0, 0)) for path in paths), (0, 0))
    operations = tuple(zip(_OPERATIONS, (collection.add, collection.remove, collection.clear), strict=True))
    spec = AggregateSpec(
        "collection",
        (),
        value=canonical(looked_at),
        keep=collection.limit,
        steps=(*(f"{word} {list(events)!r}" for word, events in operations), _last_name(collection.key)),
    )
    feeds = (
        Feed(events, None, None if word == "clear" else looked_at, index)
        for index, (word, events) in enumerate(operations)
    )
    return Want(spec, tuple(feed for feed in feeds if feed.events))


def _last_name(path: tree.Path) -> str:
    return next(step for step in reversed(path) if isinstance(step, str))
