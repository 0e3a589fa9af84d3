"""Everything that reads the events of one name, as one generated function.

What several conditions ask of an event is worked out once: properties, comparisons, whole conditions. What only one of
them asks stands in its place, behind what decides before it. A property that is compared with numbers is NaN where it
is none, and then no comparison holds, so its type is looked at once.
"""

import ast
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tactful.aggregates.newest import Newest
from tactful.aggregates.spec import CAP
from tactful.language import meaning, tree
from tactful.language.canonical import canonical
from tactful.language.compiled import Feed, Fold, Reader
from tactful.language.emit import (
    LOAD,
    NONE,
    assign,
    call,
    compared,
    either_of,
    fill,
    less_than,
    name,
    walrus,
    when,
)
from tactful.language.generate import Generator
from tactful.language.tree import Node
from tactful.language.types import is_condition

READ = ("states", "at", "lag", "ref", "now", "properties", "context", "also=None")
_WORDS = ("add", "remove", "clear")
_FOLDED = """
state = states.get(number)
if state is None:
    state = states[number] = new()
if fold(state, at, lag, ref, value, now) is not False:
    touched.append(number)
"""
_ALSO = """
if also is not None:
    state = also.get(number)
    if state is None:
        state = also[number] = new()
    fold(state, at, lag, ref, value, now)
"""
_NEWEST = """
state = states.get(number)
if state is None:
    states[number] = new([at], [ref])
    if least < 2:
        touched.append(number)
else:
    times = state.times
    if not times or at <= times[-1]:
        fold(state, at, lag, ref, None, now)
        touched.append(number)
    elif len(times) < keep:
        times.append(at)
        state.refs.append(ref)
        if len(times) >= least:
            touched.append(number)
    else:
        if is_told:
            touched.append(number)
        times.append(at)
        state.refs.append(ref)
        del times[0], state.refs[0]
"""
_ONE_NEWEST = """
state = states.get(number)
if state is None:
    states[number] = new([at], [ref])
    touched.append(number)
else:
    times = state.times
    if not times or at <= times[0]:
        fold(state, at, lag, ref, None, now)
        touched.append(number)
    else:
        if is_told:
            touched.append(number)
        times[0] = at
        state.refs[0] = ref
"""


_ALSO_NEWEST = """
if also is not None:
    state = also.get(number)
    if state is None:
        also[number] = new([at], [ref])
    else:
        times = state.times
        if not times or at <= times[-1]:
            fold(state, at, lag, ref, None, now)
        else:
            times.append(at)
            state.refs.append(ref)
            if len(times) > keep:
                del times[0], state.refs[0]
"""


def compile_reader(names: Sequence[str], folds: Sequence[Fold]) -> Reader:
    """`names` of the event: its own and, for track, page and screen, "*"."""
    fed = [(fold, feeds) for fold in folds if (feeds := _feeds(fold, names))]
    nodes = [node for _, feeds in fed for feed in feeds for node in (feed.where, feed.value) if node is not None]
    every = [one for node in nodes for one in tree.walk(node)]
    return Reader(
        needs_properties=any(isinstance(one, tree.Property) for one in every),
        needs_context=any(isinstance(one, tree.Context) for one in every),
        read=_Writing(nodes).function(fed),
    )


def _feeds(fold: Fold, names: Sequence[str]) -> tuple[Feed, ...]:
    return tuple(feed for feed in fold.feeds if not set(names).isdisjoint(feed.events))


class _Writing:
    def __init__(self, nodes: Iterable[Node]) -> None:
        self._named: dict[str, str] = {}
        self._numeric: dict[str, str] = {}
        self._generator = Generator(named=self._named, numeric=self._numeric)
        self._code = self._generator.code
        self._head = self._shared(tuple({canonical(node): node for node in nodes}.values()))

    def function(self, fed: Sequence[tuple[Fold, tuple[Feed, ...]]]) -> Callable[..., Any]:
        body = [assign("touched", ast.List([], LOAD)), *self._head]
        if any(_horizon(fold) is not None for fold, _ in fed):
            body.append(assign("age", ast.BinOp(name("now"), ast.Sub(), name("at"))))
        body += self._grouped(fed)
        return self._code.function(READ, [*body, ast.Return(name("touched"))])

    # ---- what several ask --------------------------------------------------------------------------------------------

    def _shared(self, nodes: Sequence[Node]) -> list[ast.stmt]:
        """Locals for what is looked at more than once; `nodes` are different."""
        leaves = Counter(text for node in nodes for text in {canonical(leaf): leaf for leaf in _leaves(node)})
        by_text = {canonical(leaf): leaf for node in nodes for leaf in _leaves(node)}
        places = Counter(canonical(place) for leaf in by_text.values() for place in _places(leaf))
        numbers = Counter(canonical(place) for leaf in by_text.values() if (place := _number_of(leaf)) is not None)
        known = {canonical(place): place for leaf in by_text.values() for place in _places(leaf)}
        head = [self._place(text, place) for text, place in known.items() if places[text] > 1]
        head += [self._number(text, known[text]) for text, count in numbers.items() if count > 1]
        for text, leaf in by_text.items():
            if leaves[text] > 1 and is_condition(leaf):
                local = self._code.local()
                head.append(assign(local, self._generator.condition(leaf)))
                self._named[text] = local
        return head

    def _place(self, text: str, place: Node) -> ast.stmt:
        code = self._generator.value(place)
        self._named[text] = self._code.local()
        return assign(self._named[text], code)

    def _number(self, text: str, place: Node) -> ast.stmt:
        held = self._generator.value(place)
        kind = call(self._code.bind(type), held)
        is_number = compared(kind, ast.In(), self._code.bind(meaning.NUMBERS))
        self._numeric[text] = self._code.local()
        return assign(self._numeric[text], either_of(is_number, held, self._code.bind(math.nan)))

    # ---- folds -------------------------------------------------------------------------------------------------------

    def _grouped(self, fed: Sequence[tuple[Fold, tuple[Feed, ...]]]) -> list[ast.stmt]:
        """Folds with one condition stand behind it together."""
        groups: dict[str, tuple[Node | None, list[ast.stmt]]] = {}
        for fold, feeds in fed:
            if fold.spec.steps and fold.spec.kind != "collection":
                groups[f"sequence {fold.number}"] = (None, self._sequence(fold, feeds))
                continue
            for feed in feeds:
                text = "" if feed.where is None else canonical(feed.where)
                groups.setdefault(text, (feed.where, []))[1].extend(self._fold(fold, self._value(fold, feed)))
        found: list[ast.stmt] = []
        for where, statements in groups.values():
            found += statements if where is None else [when(self._generator.condition(where), statements)]
        return found

    def _value(self, fold: Fold, feed: Feed) -> ast.expr:
        if fold.spec.kind != "collection":
            return NONE if feed.value is None else self._generator.value(feed.value)
        word = ast.Constant(_WORDS[feed.step])
        if feed.value is None:
            return ast.Tuple([word, NONE, NONE, NONE, ast.Dict([], [])], LOAD)
        assert isinstance(feed.value, tree.Items)
        operands, fields = feed.value.items[:3], feed.value.items[3:]
        names = tuple(field.path[0] for field in fields if isinstance(field, tree.Property))
        values = [self._generator.value(field) for field in fields]
        shown = call(self._code.bind(_there), self._code.bind(names), *values)
        return ast.Tuple([word, *map(self._generator.value, operands), shown], LOAD)

    def _sequence(self, fold: Fold, feeds: Sequence[Feed]) -> list[ast.stmt]:
        """One bit for each step that the event fits; where events are kept, that stands before what is kept."""
        mask: ast.expr = ast.Constant(sum(1 << feed.step for feed in feeds if feed.where is None))
        for feed in feeds:
            if feed.where is not None:
                fits = either_of(self._generator.condition(feed.where), ast.Constant(1 << feed.step), ast.Constant(0))
                mask = ast.BinOp(mask, ast.BitOr(), fits)
        value = name("mask")
        if fold.spec.kind == "kept":
            assert isinstance(feeds[0].value, tree.Items)
            value = ast.List([value, *map(self._generator.value, feeds[0].value.items)], LOAD)
        return [when(walrus("mask", mask), self._fold(fold, value))]

    def _fold(self, fold: Fold, value: ast.expr) -> list[ast.stmt]:
        spec, bind = fold.spec, self._code.bind
        parts = {"number": bind(fold.number), "value": value}
        whole = {**parts, "new": bind(fold.aggregate.new), "fold": bind(fold.aggregate.fold)}
        is_newest = spec.kind == "newest" and spec.keep < CAP and not spec.is_between
        statements = self._newest(fold, parts) if is_newest else fill(_FOLDED, **whole) + fill(_ALSO, **whole)
        horizon = _horizon(fold)
        return statements if horizon is None else [when(less_than(name("age"), self._code.bind(horizon)), statements)]

    def _newest(self, fold: Fold, parts: Mapping[str, ast.expr]) -> list[ast.stmt]:
        """The kind that is asked for most, written out for events that come in order. Where only a threshold is asked,
        and as many were in the window before, one more is not told."""
        spec, bind = fold.spec, self._code.bind
        is_told: ast.expr = ast.Constant(value=True)
        if fold.least and spec.older_us is None:
            is_told = ast.Constant(value=False)
        elif fold.least:
            begin = ast.BinOp(name("now"), ast.Sub(), bind(spec.older_us))
            is_told = compared(ast.Subscript(name("times"), ast.Constant(0), LOAD), ast.LtE(), begin)
        text = _ONE_NEWEST if spec.keep == 1 else _NEWEST
        bound = {"new": bind(Newest), "fold": bind(fold.aggregate.fold), "len": bind(len)}
        more = {**parts, **bound, "keep": ast.Constant(spec.keep)}
        return fill(text, **more, least=ast.Constant(fold.least), is_told=is_told) + fill(_ALSO_NEWEST, **more)


def _there(names: Sequence[str], *values: object) -> dict[str, object]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _horizon(fold: Fold) -> int | None:
    """Events of this age are too old for every window. A session that begins in it may have begun before it, so the
    events just before decide as well."""
    older_us = fold.spec.older_us
    return older_us if older_us is None else older_us + fold.spec.gap_us


def _leaves(node: Node) -> Iterator[Node]:
    """What and, or, not put together; a value is one leaf."""
    if isinstance(node, tree.All | tree.Either | tree.Not):
        for child in tree.children(node):
            yield from _leaves(child)
    else:
        yield node


def _places(node: Node) -> Iterator[Node]:
    return (one for one in tree.walk(node) if isinstance(one, tree.Property | tree.Context))


def _number_of(leaf: Node) -> Node | None:
    """The property that a comparison with a number looks at."""
    if not isinstance(leaf, tree.Compare):
        return None
    for side, other in ((leaf.left, leaf.right), (leaf.right, leaf.left)):
        if isinstance(other, tree.Literal) and type(other.value) in meaning.NUMBERS:
            return side if isinstance(side, tree.Property | tree.Context) else None
    return None
