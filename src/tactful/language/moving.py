"""When a value changes by itself (LANGUAGE.md 9): events that enter or leave a window, sequences that have waited long
enough, clocks, and comparisons of times that move with those that stand still.

The function that is made here is never late: nothing changes before the instant that it names. It may be early; where a
part decides the whole, the others are not asked, so a person whose country excludes them is never woken by a window.
"""

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tactful.events.zones import next_local_hour, next_midnight, next_month
from tactful.language import meaning, tree
from tactful.language.emit import (
    NEVER,
    NONE,
    assign,
    both,
    call,
    either,
    either_of,
    is_not_none,
    less_than,
    name,
    negated,
    total,
    walrus,
    when,
)
from tactful.language.generate import Asking, Generator, Question
from tactful.language.tree import Node
from tactful.language.types import TIME, kind_of, slope
from tactful.values import DAY_US

MOST_GUARDS = 8
"""Counts that are asked one inside the other; Python bounds how deep its code may be."""
_TAME_US = 365_000 * DAY_US
"""What is added to now() and is shorter leads to no year beyond 9999, for the next 7,000 years."""
TRUTH = {
    "==": (False, True, False),
    "<": (True, False, False),
    "<=": (True, True, False),
    ">": (False, False, True),
    ">=": (False, True, True),
}
"""Of left and right: whether it holds where left is less, equal, greater."""

_CLOCKS = {"local_hour": next_local_hour, "local_weekday": next_midnight, "local_month": next_month}

NextChange = Callable[[Any, int], int | None]


def mover(node: Node, asking: Asking, *, is_value: bool = False) -> NextChange | None:
    """(view, now) -> first instant > now at which the value may change by itself; None where it never does. `is_value`:
    not only whether it is true."""
    return Movement(asking).function(node, is_value=is_value)


class Movement:
    """Statements that bring the local `first` down to the next change."""

    def __init__(self, asking: Asking) -> None:
        self._generator = Generator(asking)

    def function(self, node: Node, *, is_value: bool) -> NextChange | None:
        body = self.of(node)
        if is_value and slope(node):
            body = [assign("first", total(name("now"), ast.Constant(1)))]
        if not body:
            return None
        never = self._generator.code.bind(NEVER)
        found = either_of(less_than(name("first"), never), name("first"), NONE)
        return self._generator.over_person([assign("first", never), *body, ast.Return(found)])

    def of(self, node: Node) -> list[ast.stmt]:
        """Nothing where the node never changes by itself."""
        match node:
            case tree.All(parts=parts):
                return self._joined(parts, is_all=True)
            case tree.Either(parts=parts):
                return self._joined(parts, is_all=False)
            case tree.AtLeast(count=count, n=n):
                return self._at_least(count, n)
            case tree.Aggregate() | tree.Sequence() | tree.Sessions() | tree.Part():
                return self._question(node)
            case tree.Clock(function=function):
                return [self._sooner(self._call(_CLOCKS[function], self._generator.zone(), name("now")))]
            case tree.Percentile(value=value):
                return self.of(value)
            case tree.Compare():
                return self._compare(node)
            case tree.In():
                return self._in(node)
            case tree.Arithmetic():
                return [*self._parts(node), *self._bounds(node)]
            case _:
                return self._parts(node)

    def _parts(self, node: Node) -> list[ast.stmt]:
        return _once(statement for child in tree.children(node) for statement in self.of(child))

    def _call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.expr:
        return call(self._generator.code.bind(function), *arguments)

    def _sooner(self, at: ast.expr) -> ast.stmt:
        """`at` gives an instant > now, or None."""
        tests = [is_not_none(walrus("at", at)), less_than(name("at"), name("first"))]
        return when(both(tests), [assign("first", name("at"))])

    # ---- and, or -----------------------------------------------------------------------------------------------------

    def _joined(self, parts: Sequence[Node], *, is_all: bool) -> list[ast.stmt]:
        """While a part decides the whole, only that part counts."""
        still: list[Node] = []
        counts: list[tuple[tree.AtLeast, bool]] = []
        others: list[ast.stmt] = []
        for part in parts:
            if (counted := self._counted(part)) is not None and len(counts) < MOST_GUARDS:
                counts.append((counted, isinstance(part, tree.Not) is is_all))
            elif found := self.of(part):
                others += found
            else:
                still.append(part)
        body = _once(others)
        for counted, is_decided_by_holding in reversed(counts):
            body = self._guarded(counted, body, is_decided_by_holding=is_decided_by_holding)
        if not body or not still:
            return body
        conditions = [self._generator.condition(part) for part in still]
        return [when(both(conditions) if is_all else negated(either(conditions)), body)]

    def _counted(self, part: Node) -> tree.AtLeast | None:
        """A count in last=, or its opposite: while it does not hold, only an event changes that."""
        count = part.part if isinstance(part, tree.Not) else part
        if not isinstance(count, tree.AtLeast):
            return None
        asked = self._generator.asked(count.count, count.n)
        is_plain = asked.spec.kind == "newest" and asked.narrow is None and not asked.spec.is_between
        return count if is_plain and asked.spec.older_us is not None else None

    def _guarded(self, node: tree.AtLeast, body: list[ast.stmt], *, is_decided_by_holding: bool) -> list[ast.stmt]:
        """While it holds, nothing changes before it ends, or (where the whole needs more) the others count too."""
        if not body:
            return self._at_least(node.count, node.n)
        leaving = self._leaving(node.count, node.n)
        sooner = when(less_than(name("at"), name("first")), [assign("first", name("at"))])
        if is_decided_by_holding:
            return [when(leaving, [sooner], body)]
        return [when(leaving, [sooner, *body])]

    # ---- what happened -----------------------------------------------------------------------------------------------

    def _leaving(self, count: tree.Aggregate, n: int) -> ast.expr:
        """Whether a count in last= holds; `at` is then when it ends."""
        asked = self._generator.asked(count, n)
        nth, tests = self._generator.nth_newest(self._generator.state(asked), n)
        leaves = walrus("at", total(nth, self._generator.code.bind(asked.spec.older_us)))
        return both([*tests, less_than(name("now"), leaves)])

    def _at_least(self, count: tree.Aggregate, n: int) -> list[ast.stmt]:
        if self._counted(tree.AtLeast(count, n, count.span)) is None:
            return self._question(count, n)
        tests = both([self._leaving(count, n), less_than(name("at"), name("first"))])
        return [when(tests, [assign("first", name("at"))])]

    def _question(self, question: Question, n: int | None = None) -> list[ast.stmt]:
        asked = self._generator.asked(question, n)
        if asked.spec.older_us is None and asked.spec.within_us is None:
            return []
        now = name("now")
        if asked.kept is not None and asked.spec.is_between:
            # The events that are still too new stand among the kept ones alone.
            return [self._sooner(self._call(asked.kept.next_change, self._generator.held(asked), now))]
        state = self._generator.state(asked)
        if n is None:
            return [self._sooner(self._call(asked.reader.next_change, state, now))]
        return [self._sooner(self._call(asked.reader.next_at_least, state, ast.Constant(n), now))]

    # ---- times that move ---------------------------------------------------------------------------------------------

    def _compare(self, node: tree.Compare) -> list[ast.stmt]:
        found = self._parts(node)
        speed = slope(node.left) - slope(node.right)
        if speed:
            arguments = [self._raw(node.left), self._raw(node.right), ast.Constant(speed)]
            truth = self._generator.code.bind(TRUTH[node.op])
            found.append(self._sooner(self._call(crossing, *arguments, truth, name("now"))))
        return found

    def _in(self, node: tree.In) -> list[ast.stmt]:
        found = self._parts(node)
        if speed := slope(node.item):
            arguments = [self._raw(node.item), self._generator.value(node.among), ast.Constant(speed), name("now")]
            found.append(self._sooner(self._call(meeting, *arguments)))
        return found

    def _bounds(self, node: tree.Arithmetic) -> list[ast.stmt]:
        """It may become missing, or be no longer missing, where it passes the ends of time."""
        speed = slope(node)
        if not speed or _is_tame(node):
            return []
        return [self._sooner(self._call(passing, self._raw(node), ast.Constant(speed), name("now")))]

    def _raw(self, node: Node) -> ast.expr:
        """The value, as if there were no ends of time."""
        match node:
            case tree.Arithmetic(op="+" | "-" as op, left=left, right=right) if slope(node):
                sign = ast.Constant(1 if op == "+" else -1)
                return self._call(meaning.shifted, self._raw(left), self._raw(right), sign)
            case tree.Function(name="time", arguments=(argument,)) if slope(node):
                return self._raw(argument)
            case _:
                return self._generator.value(node)


def _is_tame(node: Node) -> bool:
    """Stays between the years 1 and 9999 whatever the data: a difference of two times, now() and a usual duration."""
    match node:
        case tree.Now():
            return True
        case tree.Arithmetic(left=left, right=tree.Lasting(duration_us=duration)):
            return duration < _TAME_US and _is_tame(left)
        case tree.Arithmetic(left=left, right=right):
            return kind_of(left) == TIME and kind_of(right) == TIME
        case _:
            return False


def _once(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    return list({ast.dump(statement): statement for statement in statements}.values())


def crossing(
    left: meaning.Moving, right: meaning.Moving, speed: int, truth: tuple[bool, bool, bool], now: int
) -> int | None:
    """When `truth` (of less, equal, greater) of two values changes, of which the left gains `speed` on the right."""
    if left is None or type(left) is not type(right) or right is None:
        return None
    distance = left - right
    if distance == 0:
        return now + 1 if truth[1] is not truth[2 if speed > 0 else 0] else None
    if (distance < 0) is (speed < 0):
        return None
    before, beyond = (truth[0], truth[2]) if distance < 0 else (truth[2], truth[0])
    steps, rest = divmod(abs(distance), abs(speed))
    if not rest and truth[1] is not before:
        return now + steps
    return now + steps + 1 if beyond is not before else None


def meeting(item: meaning.Moving, among: object, speed: int, now: int) -> int | None:
    """When the item comes to equal an element, or no longer does."""
    if not isinstance(among, list):
        return None
    found = (crossing(item, one, speed, TRUTH["=="], now) for one in among)
    return min((at for at in found if at is not None), default=None)


def passing(value: meaning.Moving, speed: int, now: int) -> int | None:
    """When it passes one of the ends of time."""
    if value is None:
        return None
    kind = type(value)
    low, high = meaning.ends(kind)
    found = (crossing(value, low, speed, TRUTH[">="], now), crossing(value, high, speed, TRUTH["<="], now))
    return min((at for at in found if at is not None), default=None)
