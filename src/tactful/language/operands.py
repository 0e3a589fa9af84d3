"""What two operands next to each other mean: which text is a time or a duration, and what can never fit together.

A text next to a time is a time, a text constant next to a duration or right of + and - is a duration (LANGUAGE.md 3.2).
Refused is only what is false or missing whatever the data: JSON holds neither times nor durations.
"""

from typing import Literal as OneOf

from tactful.language import known
from tactful.language.calls import Reader, duration_of
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.tree import (
    Aggregate,
    Arithmetic,
    Clock,
    Compare,
    Either,
    In,
    Instant,
    Items,
    Lasting,
    Literal,
    Node,
    Property,
    ReadTime,
    Sequence,
    Sessions,
    Span,
    Trait,
)
from tactful.language.types import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    LIST,
    MISSING,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    kind_of,
    slope,
)
from tactful.values import format_duration, parse_duration, read_time

Operator = OneOf["==", "<", "<=", ">", ">="]
Sign = OneOf["+", "-", "*", "/"]
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_TIME_FORM = 'write "2025-06-30" or "2025-06-30T12:00:00Z"'


# ---- comparisons -----------------------------------------------------------------------------------------------------


def compare(reader: Reader, op: Operator, left: Node, right: Node, span: Span, negation: str = "") -> Node:
    """The comparison, with each side read as what stands next to it asks. `negation` is "not " where != was written."""
    for side in (right, left):
        if kind_of(side) == MISSING:
            hint = f'write "is {negation}None"' if op == "==" else "compare with a value"
            raise Mistake(side.span[0], "nothing equals None, not even None", hint)
    kinds = {kind_of(left), kind_of(right)}
    if TIME in kinds:
        left, right = as_time(reader, left, right), as_time(reader, right, left)
    elif DURATION in kinds:
        left, right = _as_duration(reader, left, right), _as_duration(reader, right, left)
    else:
        _refuse_different(reader, left, right, is_equality=op == "==")
    return Compare(op, left, right, span)


def is_in(reader: Reader, item: Node, among: Node, span: Span) -> Node:
    """`in`; a list with times or durations in it becomes comparisons, since each is read by itself."""
    if isinstance(among, Items):
        kinds = {kind_of(one) for one in (item, *among.items)}
        if kinds & {TIME, DURATION} and among.items:
            parts = tuple(compare(reader, "==", item, one, span) for one in among.items)
            return parts[0] if len(parts) == 1 else Either(parts, span)
        for one in among.items:
            _refuse_different(reader, item, one, is_equality=True)
        return In(item, among, span)
    if reader.kind(item) in (LIST, OBJECT):
        raise Mistake(item.span[0], f"{reader.kind(item)} is in no list", "write one of its elements")
    if kind_of(item) == DURATION:
        raise Mistake(among.span[0], "no list of data holds durations", 'write them out: in ("1d", "2d")')
    if kind_of(item) == TIME:
        return In(item, ReadTime(among, among.span), span)
    return In(item, among, span)


def as_time(reader: Reader, node: Node, beside: Node) -> Node:
    """The node as a time, since a time stands next to it."""
    at, kind = node.span[0], reader.kind(node)
    if kind_of(node) == TIME:
        return node
    if isinstance(node, Literal) and isinstance(node.value, str):
        return _constant_time(reader, node.value, node.span, beside)
    if kind in (TEXT, ANYTHING):
        return ReadTime(node, node.span)
    hint = 'write a text such as "2025-06-30", or another time'
    if isinstance(node, Literal) and kind == NUMBER:
        hint = _since_hint(reader, beside, reader.source(node)) or "seconds since 1970 become a time with time(...)"
    elif kind == DURATION:
        hint = "compare durations with durations, and times with times"
    raise Mistake(at, f"a time is compared with {kind}", hint)


def _constant_time(reader: Reader, text: str, span: Span, beside: Node) -> Instant:
    at_us = read_time(text)
    if at_us is not None:
        return Instant(int(at_us), span)
    hint = _TIME_FORM
    if parse_duration(text):
        hint = _since_hint(reader, beside, f'"{text}"') or f'write now() - "{text}" for the moment so long ago'
    raise Mistake(span[0], f'"{text}" stands next to a time and is none', hint)


def _since_hint(reader: Reader, beside: Node, written: str) -> str:
    """latest("A") < "30d" is meant as time_since("A") > "30d"."""
    if not isinstance(beside, Aggregate) or beside.function not in ("first", "latest"):
        return ""
    source = reader.source(beside)
    asked = source.replace("latest(", "time_since(", 1) if beside.function == "latest" else f"now() - {source}"
    written = written if written.startswith('"') else f'"{written}d"'
    return f"how long ago is {asked}: compare that with {written}"


def _as_duration(reader: Reader, node: Node, beside: Node) -> Node:
    at, kind = node.span[0], reader.kind(node)
    if kind_of(node) == DURATION:
        return node
    if isinstance(node, Literal) and isinstance(node.value, str):
        if read_time(node.value) is not None and parse_duration(node.value) is None:
            hint = "compare a time with it: latest(...), first(...), time(...)"
            if isinstance(beside, Aggregate):
                hint = f"when it was is {reader.source(beside).replace('time_since(', 'latest(', 1)}"
            raise Mistake(at, f'"{node.value}" is a time, and next to it stands a duration', hint)
        return Lasting(duration_of(node.value, at), node.span)
    hint = 'write a text such as "90d"'
    if isinstance(node, Literal) and kind == NUMBER:
        unit = "m" if isinstance(beside, Sessions) else "d"
        is_whole = type(node.value) is int and node.value > 0
        hint = f'write "{node.value}{unit}"' if is_whole else f'write a whole number as a text: "90{unit}"'
    elif kind == ANYTHING:
        kind = "a value of the data"
        hint = 'no trait or property is a duration; compare with a text such as "90d"'
    raise Mistake(at, f"a duration is compared with {kind}", hint)


def _refuse_different(reader: Reader, left: Node, right: Node, *, is_equality: bool) -> None:
    """Two kinds that are known and never equal, or have no order; two constants are left to the warnings."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        return
    one, other = reader.kind(left), reader.kind(right)
    for side, beside in ((left, right), (right, left)):
        kind = reader.kind(side)
        if kind in (LIST, OBJECT):
            hint = (
                f"write {reader.source(beside)} in {reader.source(side)}" if kind == LIST else "write one of its parts"
            )
            raise Mistake(side.span[0], f"{kind} equals nothing", hint)
    kinds = {one, other}
    for side, beside in ((left, right), (right, left)):
        if isinstance(side, Property) and isinstance(beside, Literal):
            known.choice(reader, side, beside)
    if ANYTHING not in kinds and len(kinds) == 2:
        at = (left if isinstance(left, Literal) else right).span[0]
        never = "are never equal" if is_equality else "have no order"
        raise Mistake(at, f"{one} and {other} {never}", _difference_hint(reader, left, right))
    if BOOLEAN in kinds and not is_equality:
        side = left if one == BOOLEAN else right
        raise Mistake(side.span[0], "true and false have no order", "compare with == True, or count something")


def _difference_hint(reader: Reader, left: Node, right: Node) -> str:
    for side, beside in ((left, right), (right, left)):
        if isinstance(beside, Literal) and isinstance(side, Clock) and isinstance(beside.value, str):
            return _clock_hint(side, beside.value)
        if isinstance(side, Aggregate | Sequence) and kind_of(side) == BOOLEAN and reader.kind(beside) == NUMBER:
            counted = reader.source(side).replace("any(", "count(", 1)
            return (
                f"how many is {counted}" if isinstance(side, Aggregate) else "whether it happened needs no comparison"
            )
        if isinstance(side, Arithmetic) and side.op == "-" and (name := _with_hyphen(side)):
            root = "traits" if reader.scope == "person" else "properties"
            return f'for the name {name} write {root}["{name}"]'
    for side in (left, right):
        if isinstance(side, Literal) and isinstance(side.value, str) and _is_number(side.value):
            return f"write {side.value} without quotes"
        if isinstance(side, Literal) and reader.kind(side) == NUMBER:
            return f'write "{reader.source(side)}" in quotes'
    return "compare values of one kind"


def _with_hyphen(node: Arithmetic) -> str:
    """`first-name` is read as a difference."""
    match node.left, node.right:
        case (Trait(path=(str(one),)), Trait(path=(str(other),))):
            return f"{one}-{other}"
        case (Property(path=(str(one),)), Property(path=(str(other),))):
            return f"{one}-{other}"
        case _:
            return ""


def _clock_hint(clock: Clock, text: str) -> str:
    names = {"local_weekday": _WEEKDAYS, "local_month": _MONTHS}.get(clock.function, ())
    for number, name in enumerate(names, 1):
        if len(text) >= 3 and name.lower().startswith(text.lower()):
            return f"{name} is {number}"
    if _is_number(text):
        return f"write {text} without quotes"
    if names:
        return f"{names[0]} is 1, {names[-1]} is {len(names)}. {did_you_mean(text, names)}".rstrip()
    return "hours are 0 to 23"


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).removeprefix("-").isdigit()


# ---- arithmetic ------------------------------------------------------------------------------------------------------


def calculate(reader: Reader, op: Sign, left: Node, right: Node, span: Span) -> Node:
    """`left op right`, with texts read as times and durations where they are."""
    left, right = _read(reader, op, left, right)
    kinds = (kind_of(left), kind_of(right))
    for side in (left, right):
        if reader.kind(side) in (TEXT, BOOLEAN, LIST, OBJECT, MISSING) and not isinstance(side, ReadTime):
            raise Mistake(side.span[0], f"{reader.kind(side)} cannot be calculated with", _value_hint(reader, side, op))
    is_fine = (
        (kinds in ((TIME, DURATION), (DURATION, DURATION)) and op in "+-")
        or (kinds == (TIME, TIME) and op == "-")
        or not set(kinds) & {TIME, DURATION}
        or (_scales(op, kinds) and not slope(left) and not slope(right))
    )
    if not is_fine:
        raise _unfit(reader, op, left, right)
    return Arithmetic(op, left, right, span)


def _scales(op: Sign, kinds: tuple[str, str]) -> bool:
    """A duration times a number, or divided by a number or a duration."""
    one, other = kinds
    if op == "*":
        return DURATION in kinds and TIME not in kinds and one != other
    return op == "/" and one == DURATION and other != TIME


def _read(reader: Reader, op: Sign, left: Node, right: Node) -> tuple[Node, Node]:
    takes_duration = op in "+-" or (op == "/" and kind_of(left) == DURATION)
    if takes_duration and isinstance(right, Literal) and isinstance(right.value, str):
        right = _right_constant(reader, op, left, right.value, right.span)
    if op in "+-" and isinstance(left, Literal) and isinstance(left.value, str):
        left = _left_constant(reader, op, left.value, left.span, right)
    if op == "-" and kind_of(left) == TIME and reader.kind(right) in (TEXT, ANYTHING):
        right = ReadTime(right, right.span)
    elif op == "-" and kind_of(right) == TIME and reader.kind(left) in (TEXT, ANYTHING):
        left = ReadTime(left, left.span)
    return left, right


def _right_constant(reader: Reader, op: Sign, left: Node, text: str, span: Span) -> Lasting:
    if parse_duration(text) is None and read_time(text) is not None:
        hint = "only a duration can be added to a time"
        if op == "-":
            source = reader.source(left)
            hint = f'write {source if kind_of(left) == TIME else f"time({source})"} - time("{text}")'
        raise Mistake(span[0], f'right of {op} a text is a duration, and "{text}" is a time', hint)
    return Lasting(duration_of(text, span[0]), span)


def _left_constant(reader: Reader, op: Sign, text: str, span: Span, right: Node) -> Node:
    kind, source = kind_of(right), reader.source(right)
    if kind == TIME and op == "-":
        return _constant_time(reader, text, span, right)
    if kind == TIME and parse_duration(text) is not None:
        raise Mistake(span[0], "a duration is added to a time, not a time to it", f'write {source} + "{text}"')
    if kind == DURATION and read_time(text) is not None and parse_duration(text) is None:
        raise Mistake(span[0], f'"{text}" is a text here', f'write time("{text}") {op} {source}')
    if kind == DURATION:
        return Lasting(duration_of(text, span[0]), span)
    return Literal(text, span)


def _value_hint(reader: Reader, node: Node, op: Sign) -> str:
    if isinstance(node, Literal) and isinstance(node.value, str):
        return (
            f"write {node.value} without quotes" if _is_number(node.value) else "texts cannot be joined or multiplied"
        )
    if reader.kind(node) == LIST:
        return f"how many elements it has is len({reader.source(node)})"
    return "calculate with numbers, times and durations"


def _unfit(reader: Reader, op: Sign, left: Node, right: Node) -> Mistake:
    kinds = (kind_of(left), kind_of(right))
    one, other = reader.source(left), reader.source(right)
    at = right.span[0]
    if op in "*/":
        side = next(side for side in (left, right) if kind_of(side) in (TIME, DURATION))
        if _scales(op, kinds):
            side = left if slope(left) else right
            hint = f"compare {reader.source(side)} with a duration, which may be multiplied or divided"
            return Mistake(side.span[0], "what grows with time cannot be multiplied or divided", hint)
        hint = "a duration is multiplied with a number, or divided by one"
        if kind_of(side) == TIME:
            hint = "times are compared, or taken apart with -"
        return Mistake(side.span[0], f"{kind_of(side)} cannot be multiplied or divided", hint)
    if TIME in kinds and NUMBER in kinds:
        number = right if kinds[1] == NUMBER else left
        hint = f'write "{number.value}d"' if isinstance(number, Literal) else 'durations are texts: "5d"'
        return Mistake(number.span[0], "a number is no duration", hint)
    if kinds == (DURATION, TIME):
        hint = f"write {other} + {_duration_source(left, one)}" if op == "+" else ""
        return Mistake(left.span[0], "a time cannot be added to a duration, or taken from it", hint)
    if op == "+" and TIME in kinds and DURATION not in kinds:
        return Mistake(at, "two times cannot be added", f"the time between them is {one} - {other}")
    if kinds[1] == DURATION and kinds[0] == ANYTHING:
        return Mistake(left.span[0], "no value of the data is a time by itself", f"write time({one}) {op} {other}")
    one, other = ("a value of the data" if kind == ANYTHING else kind for kind in kinds)
    return Mistake(at, f"{one} {op} {other} has no meaning", 'a duration goes with a time, or with another: "5d"')


def _duration_source(node: Node, source: str) -> str:
    return f'"{format_duration(node.duration_us)}"' if isinstance(node, Lasting) else source
