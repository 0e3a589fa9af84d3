"""From a lowered tree to Python code.

Two kinds of code: a condition's code is always True or False (`x` alone becomes `x is True`), a value's code may give
any value, None for missing. Comparisons of names with constants, and of what has one type and is never missing, are
written out, since they are most of what is run; the others call meaning.py.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from typing import Literal as OneOf

from msgspec import Struct

from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.events.zones import local_hour, local_month, local_weekday, zone
from tactful.language import meaning, tree
from tactful.language.canonical import canonical
from tactful.language.emit import (
    LOAD,
    Code,
    assign,
    attribute,
    both,
    call,
    compared,
    either,
    get,
    is_none,
    is_not_none,
    name,
    negated,
    walrus,
)
from tactful.language.tree import Node
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TIME, is_never_missing, kind_of
from tactful.values import Duration, Time

VIEW = ("states", "traits", "scores", "thresholds", "consents", "zone")
PERSON = ("view", "now")
EVENT = ("properties", "context")
TAKEN = ("values", "traits")
"""Arguments: of a condition over a person, of a test of an event, and over an event that was kept."""

_EXACT = 2**53
"""Below it an integer and a constant compare as their doubles do."""
Operator = OneOf["==", "<", "<=", ">", ">="]
_OPERATORS: dict[Operator, type[ast.cmpop]] = {"==": ast.Eq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE}
_MIRRORED: dict[Operator, Operator] = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CALCULATED = {"+": meaning.plus, "-": meaning.minus, "*": meaning.times, "/": meaning.divided}
_FUNCTIONS: dict[str, Callable[..., object]] = {
    "time": meaning.as_time,
    "lower": meaning.lower,
    "len": meaning.length,
    "contains": meaning.contains,
    "starts_with": meaning.starts_with,
    "ends_with": meaning.ends_with,
}
_CLOCKS = {"local_hour": local_hour, "local_weekday": local_weekday, "local_month": local_month}
_READ = {
    "count": "count",
    "sum": "sum",
    "avg": "avg",
    "min": "value",
    "max": "value",
    "distinct": "count",
    "first": "value",
    "latest": "value",
    "time_since": "since",
    "active_days": "count",
    "sessions": "count",
    "session_length": "newest_length",
    "avg_session_length": "avg_length",
}
"""The reader of a kind that gives the value of a function."""


class Asked(Struct, frozen=True):
    """Where the answer to a question over events is found."""

    number: int
    spec: AggregateSpec
    """Of what reads the state."""
    reader: Any
    """The Aggregate that reads it, of any kind."""
    narrow: Callable[[Any, Mapping[str, Any], int], Any] | None = None
    """(kept state, traits, now) -> the state to read, where the events are chosen only now."""
    kept: Aggregate[Any] | None = None
    """What holds the events then."""


Question = tree.Aggregate | tree.Sequence | tree.Sessions | tree.Part
Asking = Callable[[Question, int | None], Asked]
"""The question, and the threshold where only that is asked."""


class Generator:
    """Code for trees over one scope."""

    def __init__(
        self,
        asking: Asking | None = None,
        *,
        named: dict[str, str] | None = None,
        numeric: dict[str, str] | None = None,
    ) -> None:
        self.code = Code()
        self._asking = asking
        self._named = {} if named is None else named
        """Canonical texts of what stands in a local already."""
        self._numeric = {} if numeric is None else numeric
        """Likewise, where the local is NaN for what is no number, so that it needs no look at its type."""
        self._viewed: set[str] = set()
        self._is_person = asking is not None

    # ---- functions ---------------------------------------------------------------------------------------------------

    def over_person(self, body: Sequence[ast.stmt]) -> Callable[..., Any]:
        """A function of (view, now); what it reads of the view is looked up once."""
        looks = [assign(one, attribute(name("view"), one)) for one in VIEW if one in self._viewed]
        return self.code.function(PERSON, [*looks, *body])

    def view(self, what: str) -> ast.expr:
        self._viewed.add(what)
        return name(what)

    def zone(self) -> ast.expr:
        return self._call(zone, self.view("zone"))

    # ---- conditions --------------------------------------------------------------------------------------------------

    def condition(self, node: Node) -> ast.expr:
        if self._named and (local := self._named.get(canonical(node))) is not None and kind_of(node) == BOOLEAN:
            return name(local)
        match node:
            case tree.Literal(value=value):
                return ast.Constant(value is True)
            case tree.All(parts=parts):
                return both([self.condition(part) for part in parts])
            case tree.Either(parts=parts):
                return either([self.condition(part) for part in parts])
            case tree.Not(part=part):
                return negated(self.condition(part))
            case tree.Compare():
                return self._compare(node)
            case tree.In():
                return self._in(node)
            case tree.IsMissing(operand=operand):
                return is_none(self.value(operand))
            case tree.AtLeast(count=count, n=n):
                return self.at_least(count, n)
            case tree.Aggregate(function="any"):
                return self.at_least(node, 1)
            case tree.Sequence():
                return self._read(node, "holds")
            case tree.Percentile():
                return self._percentile(node)
            case tree.Consents(purpose=purpose):
                held = get(self.view("consents"), self.code.bind(purpose))
                return compared(held, ast.Is(), ast.Constant(True))
            case _:
                return compared(self.value(node), ast.Is(), ast.Constant(True))

    def value(self, node: Node) -> ast.expr:
        match node:
            case tree.Literal(value=value):
                return self.code.bind(value)
            case tree.Instant(at_us=at):
                return self.code.bind(Time(at))
            case tree.Lasting(duration_us=duration):
                return self.code.bind(Duration(duration))
            case tree.Items(items=items):
                return ast.List([self.value(item) for item in items], LOAD)
            case tree.Trait() | tree.Property() | tree.Context():
                return self._place(node)
            case tree.Part(path=path):
                held = self._read(node, str(path[0]))
                return self._follow(held, path[1:])
            case tree.Arithmetic(op=op, left=left, right=right):
                return self._call(_CALCULATED[op], self.value(left), self.value(right))
            case tree.Negative(operand=operand):
                return self._call(meaning.negative, self.value(operand))
            case tree.ReadTime(operand=operand):
                return self._call(meaning.read, self.value(operand))
            case tree.Function(name=of, arguments=arguments):
                return self._call(_FUNCTIONS[of], *map(self.value, arguments))
            case tree.Aggregate(function=of) if of != "any":
                return self._aggregate(node)
            case tree.Sessions(function=of):
                return self._read(node, _READ[of])
            case tree.Now():
                return self._call(Time, name("now"))
            case tree.Clock(function=of):
                return self._call(_CLOCKS[of], self.zone(), name("now"))
            case tree.Score(model=model):
                return get(self.view("scores"), self.code.bind(model))
            case _:
                return self.condition(node)

    def _call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.expr:
        return call(self.code.bind(function), *arguments)

    # ---- names -------------------------------------------------------------------------------------------------------

    def _place(self, node: tree.Trait | tree.Property | tree.Context) -> ast.expr:
        local = self._named.get(canonical(node)) if self._named else None
        if local is not None:
            return name(local)
        match node:
            case tree.Trait():
                bag = self.view("traits") if self._is_person else name("traits")
            case tree.Property():
                bag = name("properties")
            case tree.Context():
                bag = name("context")
        return self._follow(get(bag, self.code.bind(node.path[0])), node.path[1:])

    def _follow(self, value: ast.expr, path: tree.Path) -> ast.expr:
        return self._call(meaning.follow, value, self.code.bind(path)) if path else value

    # ---- what happened -----------------------------------------------------------------------------------------------

    def asked(self, node: Question, n: int | None = None) -> Asked:
        assert self._asking is not None, "the checker lets no question over events into an event"
        return self._asking(node, n)

    def held(self, asked: Asked) -> ast.expr:
        """The state that the person has."""
        return get(self.view("states"), self.code.bind(asked.number))

    def state(self, asked: Asked) -> ast.expr:
        """The state that answers."""
        if asked.narrow is None:
            return self.held(asked)
        return self._call(asked.narrow, self.held(asked), self.view("traits"), name("now"))

    def _read(self, node: Question, reader: str) -> ast.expr:
        asked = self.asked(node)
        zone = [self.view("zone")] if asked.spec.kind == "days" else []
        return self._call(getattr(asked.reader, reader), self.state(asked), name("now"), *zone)

    def _aggregate(self, node: tree.Aggregate) -> ast.expr:
        if node.function in ("first", "latest") and node.value is None:
            return self._read(node, "time")
        return self._read(node, _READ[node.function])

    def at_least(self, count: tree.Aggregate, n: int) -> ast.expr:
        asked = self.asked(count, n)
        state, spec = self.state(asked), asked.spec
        if spec.kind == "tally":
            return compared(self._call(asked.reader.count, state, name("now")), ast.GtE(), ast.Constant(n))
        if spec.kind != "newest" or spec.is_between or asked.narrow is not None:
            return self._call(asked.reader.at_least, state, ast.Constant(n), name("now"))
        held, tests = self.nth_newest(state, n)
        if spec.older_us is not None:
            begin = ast.BinOp(name("now"), ast.Sub(), self.code.bind(spec.older_us))
            tests.append(compared(held, ast.Gt(), begin))
        return both(tests)

    def nth_newest(self, state: ast.expr, n: int) -> tuple[ast.expr, list[ast.expr]]:
        """The time of the n-th newest event of a `newest` state, and what tells that it is there."""
        held, times = self.code.local(), self.code.local()
        tests = [
            is_not_none(walrus(held, state)),
            compared(
                call(self.code.bind(len), walrus(times, attribute(name(held), "times"))), ast.GtE(), ast.Constant(n)
            ),
        ]
        return ast.Subscript(name(times), ast.Constant(-n), LOAD), tests

    # ---- the person --------------------------------------------------------------------------------------------------

    def _percentile(self, node: tree.Percentile) -> ast.expr:
        test = meaning.reaches if node.op == ">=" else meaning.falls_short
        thresholds = get(self.view("thresholds"), self.code.bind(node.name))
        return self._call(test, self.value(node.value), thresholds, self.code.bind(node.percent))

    # ---- comparisons -------------------------------------------------------------------------------------------------

    def _compare(self, node: tree.Compare) -> ast.expr:
        op, left, right = node.op, node.left, node.right
        if isinstance(left, tree.Literal) and not isinstance(right, tree.Literal):
            left, op, right = right, _MIRRORED[op], left
        kinds = {kind_of(left), kind_of(right)}
        if len(kinds) == 1 and not kinds.isdisjoint((NUMBER, TIME, DURATION)):
            return self._of_one_kind(op, left, right)
        if isinstance(right, tree.Literal):
            written_out = self._with_constant(op, left, right.value)
            if written_out is not None:
                return written_out
        one, other = self.value(left), self.value(right)
        match op:
            case "==":
                return self._call(meaning.equal, one, other)
            case "<":
                return self._call(meaning.less, one, other)
            case "<=":
                return self._call(meaning.at_most, one, other)
            case ">":
                return self._call(meaning.less, other, one)
            case _:
                return self._call(meaning.at_most, other, one)

    def _of_one_kind(self, op: Operator, left: Node, right: Node) -> ast.expr:
        """Two numbers, times or durations, or missing ones."""
        tests, sides = [], []
        for side in (left, right):
            code = self.value(side)
            if not is_never_missing(side):
                held = self.code.local()
                tests.append(is_not_none(walrus(held, code)))
                code = name(held)
            sides.append(code)
        return both([*tests, compared(sides[0], _OPERATORS[op](), sides[1])])

    def _with_constant(self, op: Operator, left: Node, constant: object) -> ast.expr | None:
        """Anything compared with a constant, written out; None where only meaning.py is exact."""
        if kind_of(left) != ANYTHING:
            return None
        if isinstance(constant, bool):
            return compared(self.value(left), ast.Is(), ast.Constant(constant)) if op == "==" else None
        if isinstance(constant, str) and op == "==":
            return compared(self.value(left), ast.Eq(), self.code.bind(constant))
        if isinstance(constant, int | float):
            if abs(constant) >= _EXACT:
                return None
            if self._numeric and (numeric := self._numeric.get(canonical(left))):
                return compared(name(numeric), _OPERATORS[op](), self.code.bind(constant))
        held = self.code.local()
        kind = self._call(type, walrus(held, self.value(left)))
        if isinstance(constant, str):
            is_kind = compared(kind, ast.Is(), self.code.bind(str))
        else:
            is_kind = compared(kind, ast.In(), self.code.bind(meaning.NUMBERS))
        return both([is_kind, compared(name(held), _OPERATORS[op](), self.code.bind(constant))])

    def _in(self, node: tree.In) -> ast.expr:
        item, among = node.item, node.among
        items = among.items if isinstance(among, tree.Items) else ()
        constants = [one.value for one in items if isinstance(one, tree.Literal)]
        if isinstance(among, tree.Items) and len(constants) == len(items):
            if not all(type(one) is str for one in constants):
                return self._call(meaning.is_in, self.value(item), self.code.bind(tuple(constants)))
            held = self.code.local()
            is_text = compared(self._call(type, walrus(held, self.value(item))), ast.Is(), self.code.bind(str))
            return both([is_text, compared(name(held), ast.In(), self.code.bind(frozenset(constants)))])
        if isinstance(item, tree.Literal) and type(item.value) is str and not items:
            held = self.code.local()
            is_list = compared(self._call(type, walrus(held, self.value(among))), ast.Is(), self.code.bind(list))
            return both([is_list, compared(self.code.bind(item.value), ast.In(), name(held))])
        return self._call(meaning.is_in, self.value(item), self.value(among))
