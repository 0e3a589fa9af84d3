"""Operators and functions of values in SQL: what means the same over a person and over one event (LANGUAGE.md 3).

`value` gives a Value for any node, `truth` a boolean that is never null for a condition. What looks at a person or an
event is left to the two subclasses (persons.py, events.py).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Sql
from tactful.language.sql.engines import own
from tactful.language.sql.values import (
    LONGEST_US,
    Calculated,
    Elements,
    Scalar,
    Shown,
    Value,
    within_durations,
    within_years,
)
from tactful.language.tree import (
    All,
    Arithmetic,
    Compare,
    Either,
    Function,
    In,
    Instant,
    IsMissing,
    Items,
    Lasting,
    Literal,
    Negative,
    Node,
    Not,
    ReadTime,
)
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TEXT, TIME, kind_of
from tactful.values import FIRST_US, LAST_US, SECOND_US, read_time


class Operators:
    """Values and conditions over one kind of row."""

    def leaf(self, node: Node) -> Value:
        """Of a node that looks at the row."""
        raise NotImplementedError

    def leaf_truth(self, node: Node) -> Sql | None:
        """Of a condition that looks at the row; None where it is no condition."""
        raise NotImplementedError

    # ---- conditions --------------------------------------------------------------------------------------------------

    def truth(self, node: Node) -> Sql:
        """Whether the node is True: never null."""
        match node:
            case Literal(value=value):
                return build.TRUE if value is True else build.FALSE
            case All(parts=parts):
                return build.both(*map(self.truth, parts))
            case Either(parts=parts):
                return build.either(*map(self.truth, parts))
            case Not(part=part):
                return build.negated(self.truth(part))
            case Compare(op=op, left=left, right=right):
                return compare(op, self.value(left), self.value(right))
            case In(item=item, among=Items(items=items)):
                held, others = self.value(item), [self.value(one) for one in items]
                if held.kind != ANYTHING and not isinstance(item, Literal) and len(others) > 1:
                    return _among(held, others)
                return build.either(*(compare("==", held, one) for one in others))
            case In(item=item, among=among):
                return contained(self.value(item), self.value(among))
            case IsMissing(operand=operand):
                return self.value(operand).missing()
            case Function(name=name, arguments=arguments) if kind_of(node) == BOOLEAN:
                return _text_test(name, *map(self.value, arguments))
            case _:
                found = self.leaf_truth(node)
                if found is None:
                    flag = self.value(node).flag()
                    found = build.FALSE if flag is None else build.surely(flag)
                return found

    # ---- values ------------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> Value:
        match node:
            case Literal(value=constant):
                return _constant(constant)
            case Instant(at_us=at_us):
                return Scalar(TIME, build.whole(at_us), is_sure=True)
            case Lasting(duration_us=duration_us):
                is_short = duration_us <= LONGEST_US
                return Scalar(DURATION, build.whole(duration_us) if is_short else build.typed_null("whole"))
            case Arithmetic():
                return self._calculated(node)
            case Negative(operand=operand):
                amount = self.value(operand).amount()
                return Value() if amount is None else Calculated(build.calculated("-", build.number(0), amount))
            case ReadTime(operand=operand):
                return _Read(self.value(operand))
            case Function(name=name, arguments=arguments) if kind_of(node) != BOOLEAN:
                return _FUNCTIONS[name](self.value(arguments[0]))
            case All() | Either() | Not() | Compare() | In() | IsMissing() | Function():
                return Scalar(BOOLEAN, self.truth(node), is_sure=True)
            case _:
                condition = self.leaf_truth(node)
                return self.leaf(node) if condition is None else Scalar(BOOLEAN, condition, is_sure=True)

    def _calculated(self, node: Arithmetic) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        kind = kind_of(node)
        if node.op in "*/" and DURATION in (left.kind, right.kind):
            return _scaled(node.op, left, right)
        if kind == NUMBER:
            return _of_numbers(node.op, left.amount(), right)
        one = left.lasting() if left.kind == DURATION else left.moment()
        other = right.lasting() if right.kind == DURATION else right.moment()
        if one is None or other is None:
            return Scalar(kind, build.typed_null("whole"))
        bound = within_years if kind == TIME else within_durations
        result = build.calculated(node.op, one, other)
        if isinstance(node.left, Arithmetic) or isinstance(node.right, Arithmetic):
            # A bound mentions its value twice: at every step of a long sum that would double the text.
            return Scalar(kind, build.once(result, bound(build.variable())))
        return Scalar(kind, bound(result))


def _of_numbers(op: str, left: Sql | None, right: Value) -> Value:
    amount = right.amount()
    if left is None or amount is None:
        return Value()
    if op != "/":
        return Calculated(build.calculated(op, left, amount))
    if isinstance(right, Calculated):
        # One over infinity is no number, and would become one.
        amount = build.once(amount, Calculated(build.variable()).num())
    return Calculated(build.divided(left, amount))


def _scaled(op: str, left: Value, right: Value) -> Value:
    """A duration times a number or divided by one, rounded half up in the arithmetic of doubles; of two, how many
    times the one is in the other."""
    one, other = _span_or_number(left), _span_or_number(right)
    if one is None or other is None:
        return Value() if op == "/" and left.kind == right.kind else Scalar(DURATION, build.typed_null("whole"))
    if op == "*":
        result = build.calculated("*", one, other)
    elif left.kind == right.kind:
        return Calculated(build.divided(one, other))
    else:
        result = build.divided(one, other)
    micros = build.variable()
    is_within = build.compared("<=", build.magnitude(micros), build.number(LONGEST_US))
    rounded = build.floored(build.calculated("+", micros, build.number(0.5)))
    return Scalar(DURATION, build.once(result, build.when(is_within, rounded)))


def _span_or_number(value: Value) -> Sql | None:
    lasting = value.lasting()
    return value.num() if lasting is None else build.cast(lasting, "number")


def _constant(value: bool | float | str | None) -> Value:
    if value is None:
        return Value()
    if isinstance(value, bool):
        return Scalar(BOOLEAN, build.TRUE if value else build.FALSE, is_sure=True)
    if isinstance(value, str):
        at = read_time(value)
        read = build.typed_null("whole") if at is None else build.whole(at)
        return Scalar(TEXT, build.text(value), read=read, is_sure=True)
    return Scalar(NUMBER, build.number(value), is_sure=True)


# ---- comparing -------------------------------------------------------------------------------------------------------


def compare(op: str, left: Value, right: Value) -> Sql:
    """Strictly by type: what the two have no type in common for is false."""
    pairs = [
        (left.num(), right.num()),
        (left.text(), right.text()),
        (left.moment(), right.moment()),
        (left.lasting(), right.lasting()),
    ]
    if op == "==":
        pairs.append((left.flag(), right.flag()))
    return build.either(
        *(build.surely(build.compared(op, one, other)) for one, other in pairs if one is not None and other is not None)
    )


def contained(item: Value, among: Value) -> Sql:
    """Whether some element of a list equals the item."""
    held = among.elements()
    if held is None:
        return build.FALSE
    pairs = [
        (held.nums, item.num()),
        (held.texts, item.text()),
        (held.flags, item.flag()),
        (held.times, item.moment()),
    ]
    return build.either(*(build.surely(build.has(some, one)) for some, one in pairs if one is not None))


def _among(item: Value, others: Sequence[Value]) -> Sql:
    """Whether one of them equals the item, which is written once: conditions within conditions would double it at every
    level."""
    pairs: list[tuple[build.Type, Sql | None, list[Sql | None]]] = [
        ("number", item.num(), [one.num() for one in others]),
        ("text", item.text(), [one.text() for one in others]),
        ("whole", item.moment(), [one.moment() for one in others]),
        ("whole", item.lasting(), [one.lasting() for one in others]),
        ("flag", item.flag(), [one.flag() for one in others]),
    ]
    found = []
    for kind, mine, theirs in pairs:
        some = [one for one in theirs if one is not None]
        if mine is not None and some:
            found.append(build.surely(build.has(build.array(some, kind), mine)))
    return build.either(*found)


# ---- functions of values ---------------------------------------------------------------------------------------------


class _Read(Value):
    """What stands next to a time: a text as the time that it reads as; a list, right of `in`, as those of its texts."""

    kind = TIME

    def __init__(self, of: Value) -> None:
        self._of = of

    def moment(self) -> Sql | None:
        return self._of.moment() if self._of.kind == TIME else self._of.read()

    def elements(self) -> Elements | None:
        held = self._of.elements()
        nothing = [build.no_array(kind) for kind in ("number", "text", "flag")]
        return None if held is None else Elements(nothing[0], nothing[1], nothing[2], held.times, held.size)

    def missing(self) -> Sql:
        moment = self.moment()
        return build.TRUE if moment is None else build.is_null(moment)

    def shown(self) -> Shown:
        moment = self.moment()
        return Value().shown() if moment is None else Scalar(TIME, moment).shown()


def _time(of: Value) -> Value:
    """time(x)"""
    if of.kind == TIME:
        return of
    found = [one for one in (of.read(), _of_epoch(of)) if one is not None]
    return Scalar(TIME, build.coalesced(*found) if found else build.typed_null("whole"))


def _of_epoch(of: Value) -> Sql | None:
    """A number of seconds, rounded half up to microseconds in the arithmetic of doubles."""
    seconds = of.amount()
    if seconds is None:
        return None
    micros = build.calculated("+", build.calculated("*", build.variable(), build.number(SECOND_US)), build.number(0.5))
    is_within = build.both(
        build.compared(">=", micros, build.number(FIRST_US)), build.compared("<", micros, build.number(LAST_US + 1))
    )
    return build.once(seconds, build.when(is_within, build.floored(micros)))


def _lower(of: Value) -> Value:
    text = of.text()
    if text is None:
        return Scalar(TEXT, build.typed_null("text"))
    # Engines follow different versions of Unicode, and some map one letter to two: beyond ASCII by our own table.
    letters = build.variable()
    is_ascii = build.compared("==", own("octets", letters), exp.Length(this=letters))
    upper, lower = map(build.text, _cases())
    mapped = exp.Translate(this=letters, from_=upper, to=lower)
    lowered = build.once(text, build.when(is_ascii, exp.Lower(this=letters), mapped))
    # No letter of a written time but T and Z has another case, and these are read in either.
    return Scalar(TEXT, lowered, read=of.read())


@cache
def _cases() -> tuple[str, str]:
    """Every letter with another lower case of one letter, and that."""
    pairs = ((char, "i" if char == "\u0130" else char.lower()) for char in map(chr, range(0x110000)))
    changed = [(char, small) for char, small in pairs if len(small) == 1 and small != char]
    return "".join(char for char, _ in changed), "".join(small for _, small in changed)


def _len(of: Value) -> Value:
    held = of.elements()
    return Scalar(NUMBER, build.typed_null("number") if held is None else build.cast(held.size, "number"))


_FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {"time": _time, "lower": _lower, "len": _len}
_TESTS: Mapping[str, type[exp.Expression]] = {
    "contains": exp.Contains,
    "starts_with": exp.StartsWith,
    "ends_with": exp.EndsWith,
}


def _text_test(name: str, one: Value, other: Value) -> Sql:
    text, part = one.text(), other.text()
    if text is None or part is None:
        return build.FALSE
    return build.surely(_TESTS[name](this=text, expression=part))
