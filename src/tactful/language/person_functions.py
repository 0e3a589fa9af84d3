"""Functions over the person, the moment and values, from a call to its node (LANGUAGE.md 6.3 and 8)."""

import ast

from tactful.language import calls, known
from tactful.language.calls import Reader
from tactful.language.meaning import as_time
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.names import Function
from tactful.language.operands import Operator
from tactful.language.tree import (
    All,
    Clock,
    Consents,
    InSegment,
    Instant,
    Literal,
    Node,
    Now,
    Percentile,
    Score,
    Sessions,
    Span,
)
from tactful.language.tree import Function as ValueFunction
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
    is_condition,
    kind_of,
)
from tactful.values import read_time

MIRRORED: dict[Operator, Operator] = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def sessions(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    given = calls.options(reader, node, called)
    calls.no_arguments(reader, node, called)
    forgotten = known.forgotten(reader.vocabulary)
    if forgotten:
        # A session would begin later and later, as what it began with is forgotten.
        message = f'visits are made of all events, and "{forgotten}" is forgotten after a while'
        raise Mistake(span[0], message, "leave its retention out, or count days: active_days()")
    window = calls.window(reader, given)
    return Sessions(called.name, reader.vocabulary.gap_us, window, span)  # type: ignore[arg-type]  # of the table


def moment(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    calls.options(reader, node, called)
    calls.no_arguments(reader, node, called)
    return Now(span) if called.name == "now" else Clock(called.name, span)  # type: ignore[arg-type]  # of the table


def person(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    calls.options(reader, node, called)
    name, at = calls.name_argument(reader, node, called)
    match called.name:
        case "segment":
            return _segment(reader, name, at, span)
        case "score":
            return Score(name, span)
        case "consents":
            known.purpose(reader, name, at)
            return Consents(name, span)
        case _:
            hint = f'write percentile("{name}") >= 80 for the top 20 %, < 20 for the lowest'
            raise Mistake(span[0], "a percentile is compared with a number", hint)


def _segment(reader: Reader, name: str, at: int, span: Span) -> Node:
    vocabulary = reader.vocabulary
    if vocabulary.segments is None or vocabulary.segment is None:
        raise Mistake(at, "no segments are known here", "write its condition in its place, or give the project")
    if name not in vocabulary.segments:
        hint = did_you_mean(name, vocabulary.segments) or f"add segments/{name}.yaml"
        raise Mistake(at, f'there is no segment "{name}"', hint)
    try:
        tree = vocabulary.segment(name)
    except Mistake as mistake:
        raise Mistake(at, mistake.remark.message, mistake.remark.hint) from None
    # A segment with mistakes of its own is told where it stands, and the project refused.
    tree = tree if tree is not None else Literal(value=False, span=span)
    return InSegment(name, tree if is_condition(tree) else All((tree,), tree.span), span)


# ---- percentile ------------------------------------------------------------------------------------------------------


def is_percentile(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "percentile"


def percentile(reader: Reader, op: ast.cmpop, left: ast.expr, right: ast.expr, span: Span) -> Node:
    """Of `percentile("m") >= p` and `< p`, either way round."""
    signs: dict[type[ast.cmpop], Operator] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
    sign = signs.get(type(op))
    call, other = (left, right) if is_percentile(left) else (right, left)
    if sign is not None and call is right:
        sign = MIRRORED[sign]
    assert isinstance(call, ast.Call)
    called = calls.function(reader, call)
    calls.options(reader, call, called)
    name, at = calls.name_argument(reader, call, called)
    if sign != ">=" and sign != "<":  # noqa: PLR1714 - mypy narrows a type by comparisons, not by `in`
        hint = f'write percentile("{name}") >= 80 for the top 20 %, < 20 for the lowest'
        raise Mistake(reader.parsed.span(call)[0], "a percentile is compared only with >= and <", hint)
    percent = reader.value(other) if not is_percentile(other) else None
    is_number = isinstance(percent, Literal) and kind_of(percent) == NUMBER
    if not isinstance(percent, Literal) or not is_number or not 0 <= float(percent.value or 0) <= 100:
        at = reader.parsed.span(other)[0]
        hint = f'write percentile("{name}") >= 80 for the top 20 %'
        raise Mistake(at, "a percentile is compared with a number from 0 to 100", hint)
    if 0 < float(percent.value or 0) < 1:
        hint = f'write percentile("{name}") {sign} {float(percent.value or 0) * 100:g}'
        reader.warn(percent.span[0], "percentiles go from 0 to 100", hint)
    return Percentile(name, _metric(reader, name, at), sign, float(percent.value or 0), span)


def _metric(reader: Reader, name: str, at: int) -> Node:
    """The value of a metric of metrics/, else the score of a model: both have one name space."""
    vocabulary = reader.vocabulary
    if name not in vocabulary.metrics or vocabulary.metric is None:
        if hint := did_you_mean(name, vocabulary.metrics):
            reader.warn(at, f'there is no metric "{name}"; it is taken as the name of a model', hint)
        return Score(name, (at, at))
    try:
        value = vocabulary.metric(name)
    except Mistake as mistake:
        raise Mistake(at, mistake.remark.message, mistake.remark.hint) from None
    if value is not None and kind_of(value) not in (NUMBER, ANYTHING):
        hint = "only numbers are compared among people"
        raise Mistake(at, f"the metric {name} is {kind_of(value)}, not a number", hint)
    return value if value is not None else Score(name, (at, at))


# ---- functions of values ---------------------------------------------------------------------------------------------


def of_values(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    calls.options(reader, node, called)
    if len(node.args) != len(called.arguments):
        at = (
            reader.parsed.span(node.args[len(called.arguments)])[0]
            if len(node.args) > len(called.arguments)
            else span[0]
        )
        how_many = "one value" if len(called.arguments) == 1 else "two texts: in which to look, and what for"
        raise Mistake(at, f"{called.name}() takes {how_many}", f"write {called.example}")
    arguments = tuple(reader.value(argument) for argument in node.args)
    if called.name == "time":
        return _time(reader, arguments[0], span)
    for argument in arguments:
        _check_argument(reader, called, argument, arguments)
    return ValueFunction(called.name, arguments, span)  # type: ignore[arg-type]  # of the table


def _time(reader: Reader, argument: Node, span: Span) -> Node:
    at, kind = argument.span[0], reader.kind(argument)
    if isinstance(argument, Literal) and isinstance(argument.value, str):
        at_us = read_time(argument.value)
        if at_us is None:
            raise Mistake(at, f'"{argument.value}" is no time', 'write "2025-06-30" or "2025-06-30T12:00:00Z"')
        return Instant(int(at_us), span)
    if kind in (TIME, DURATION, BOOLEAN, LIST, OBJECT, MISSING):
        hint = "it is one already" if kind == TIME else 'write a text such as "2025-06-30", or seconds since 1970'
        raise Mistake(at, f"time() reads a text or a number, and this is {kind}", hint)
    if isinstance(argument, Literal):
        found = as_time(argument.value)
        if found is None:
            raise Mistake(at, "this lies outside of the years 1 to 9999", "seconds since 1970, not milliseconds")
        return Instant(int(found), span)
    return ValueFunction("time", (argument,), span)


def _check_argument(reader: Reader, called: Function, argument: Node, arguments: tuple[Node, ...]) -> None:
    kind, at, source = reader.kind(argument), argument.span[0], reader.source(argument)
    if called.name == "len":
        if kind not in (LIST, ANYTHING):
            hint = "how long a text is cannot be asked" if kind == TEXT else f"write {called.example}"
            raise Mistake(at, f"len() counts the elements of a list, and this is {kind}", hint)
        return
    if kind in (TEXT, ANYTHING):
        return
    hint = f"write {called.example}"
    if called.name == "contains" and kind == LIST:
        hint = f"write {reader.source(arguments[1])} in {source}"
    elif kind == NUMBER and isinstance(argument, Literal):
        hint = f'write "{source}" in quotes'
    raise Mistake(at, f"{called.name}() takes texts, and this is {kind}", hint)
