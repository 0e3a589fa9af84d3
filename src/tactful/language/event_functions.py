"""Functions over events, from a call to its node: count, any, sum ... and sequence (LANGUAGE.md 6 and 7)."""

import ast

from tactful.language import calls, known
from tactful.language.calls import Reader
from tactful.language.mistakes import Mistake
from tactful.language.names import FUNCTIONS, Function
from tactful.language.tree import (
    Aggregate,
    Arithmetic,
    Context,
    Literal,
    Negative,
    Node,
    Property,
    ReadTime,
    Selection,
    Sequence,
    Step,
    children,
    walk,
)
from tactful.language.tree import Function as ValueFunction
from tactful.language.types import (
    BOOLEAN,
    DURATION,
    MISSING,
    OBJECT,
    TEXT,
    TIME,
    kind_of,
)
from tactful.values import parse_duration

_ADDED = ("sum", "avg", "min", "max")
MOST_STEPS = 64
"""A state says which steps an event matches as bits of one number, and its encoding has no larger ones."""


# ---- f(EVENT, [VALUE], where=, last= | between=) ---------------------------------------------------------------------


def aggregate(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    given = calls.options(reader, node, called)
    events = _events(reader, node, called)
    inner = reader.over(events)
    value_node = _value_node(reader, node, called, given)
    where = _where(inner, given)
    window = calls.window(reader, given)
    at_window = next((reader.parsed.span(given[name])[0] for name in ("last", "between") if name in given), span[0])
    window = known.kept(reader.vocabulary, events, window, span[0], at_window)
    selection = Selection(events, where, window)
    if value_node is None:
        return Aggregate(called.name, selection, None, span)  # type: ignore[arg-type]  # the table has these names only
    value = inner.value(value_node)
    _check_value(inner, called, value)
    if kind_of(value) in (TIME, DURATION):
        return _of_parts(inner, value, selection, called)
    return Aggregate(called.name, selection, value, span)  # type: ignore[arg-type]  # likewise


def _events(reader: Reader, node: ast.Call, called: Function) -> tuple[str, ...]:
    if not node.args:
        name = called.name
        example = f'{name}("Order Completed", total)' if called.needs_value else f'{name}("Order Completed")'
        hint = f"write {example}" + ("" if called.needs_value else f', or {name}("*") for any')
        raise Mistake(reader.parsed.span(node)[0], f"{name}() needs an event", hint)
    events = calls.events(reader, node.args[0])
    first = node.args[0]
    for element in first.elts if isinstance(first, ast.List | ast.Tuple) else [first]:
        if isinstance(element, ast.Constant):
            known.event(reader, str(element.value), reader.parsed.span(element)[0])
    return events


def _value_node(reader: Reader, node: ast.Call, called: Function, given: dict[str, ast.expr]) -> ast.expr | None:
    name, event = called.name, reader.parsed.text[slice(*reader.parsed.span(node.args[0]))]
    most = 2 if called.takes_value else 1
    if len(node.args) > most:
        at = reader.parsed.span(node.args[most])[0]
        raise _too_many(reader, node, called, at)
    if len(node.args) == 2:
        second = node.args[1]
        if isinstance(second, ast.Constant) and isinstance(second.value, str):
            at = reader.parsed.span(second)[0]
            if parse_duration(second.value):
                raise Mistake(at, "a window is given by name", f'write last="{second.value}"')
            hint = (
                f"write {name}({event}, {second.value})"
                if second.value.isidentifier()
                else f'write {name}({event}, properties["{second.value}"])'
            )
            raise Mistake(at, "a text in quotes is no property of the event", hint)
        return second
    if called.needs_value:
        at = reader.parsed.span(node)[0]
        raise Mistake(at, f"{name}() needs a value of the event", f"write {name}({event}, total)")
    return given.get("same")


def _too_many(reader: Reader, node: ast.Call, called: Function, at: int) -> Mistake:
    name, parsed = called.name, reader.parsed
    extra = node.args[2 if called.takes_value else 1]
    written = parsed.text[slice(*parsed.span(extra))]
    event = parsed.text[slice(*parsed.span(node.args[0]))]
    if isinstance(extra, ast.Constant) and isinstance(extra.value, str):
        if parse_duration(extra.value):
            return Mistake(at, "a window is given by name", f"write last={written}")
        names = ", ".join(parsed.text[slice(*parsed.span(one))] for one in node.args)
        return Mistake(at, f"{name}() takes one event, or a list", f"write {name}([{names}])")
    if isinstance(extra, ast.Compare | ast.BoolOp | ast.UnaryOp):
        return Mistake(at, "a condition on the event is given by name", f"write where={written}")
    if name == "count":
        hint = f"to add up write sum({event}, {written}), to count per value same={written}"
    else:
        hint = "a condition on the event goes into where="
    return Mistake(at, f"{name}() takes no value" if not called.takes_value else f"{name}() takes one value", hint)


def _where(inner: Reader, given: dict[str, ast.expr]) -> Node | None:
    if "where" not in given:
        return None
    node = given["where"]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        at = inner.parsed.span(node)[0]
        raise Mistake(at, "where= is a condition, not a text", f"write it without the quotes: where={node.value}")
    found = inner.condition(node)
    return None if isinstance(found, Literal) and found.value is True else found


def _check_value(inner: Reader, called: Function, value: Node) -> None:
    name, kind, at = called.name, inner.kind(value), value.span[0]
    source = inner.source(value)
    if kind == MISSING:
        raise Mistake(at, f"{name}() of None is of nothing", "write a property of the event")
    if name in _ADDED and kind in (TEXT, BOOLEAN, TIME, DURATION, OBJECT):
        hints = {
            TIME: "for the newest or oldest write latest() or first()",
            BOOLEAN: f"to count them write where={source}",
        }
        hint = hints.get(kind, "write a property with numbers")
        raise Mistake(at, f"{name}() takes numbers, and this is {kind}", hint)
    if name in ("count", "distinct") and kind in (TIME, DURATION, OBJECT):
        what = "same=" if name == "count" else "distinct()"
        hint = "days with such an event are active_days()" if kind == TIME else "write one of its parts"
        raise Mistake(at, f"{what} takes texts, numbers, true or false, and this is {kind}", hint)


def _of_parts(inner: Reader, value: Node, selection: Selection, called: Function) -> Node:
    """latest(E, time(x)) is time(latest(E, x)): one event answers both, and a state holds no times."""
    if not any(isinstance(node, Property | Context) for node in walk(value)):
        raise Mistake(value.span[0], "this says nothing of the event", "write a property of the event")

    def outside(node: Node) -> Node:
        match node:
            case Property() | Context():
                return Aggregate(called.name, selection, node, node.span)  # type: ignore[arg-type]  # first or latest
            case Arithmetic(op=op, left=left, right=right, span=span):
                return Arithmetic(op, outside(left), outside(right), span)
            case ValueFunction(name=name, arguments=arguments, span=span):
                return ValueFunction(name, tuple(map(outside, arguments)), span)
            case ReadTime(operand=operand, span=span):
                return ReadTime(outside(operand), span)
            case Negative(operand=operand, span=span):
                return Negative(outside(operand), span)
            case _:
                assert not children(node), "times and durations are made of these alone"
                return node

    return outside(value)


# ---- sequence(STEP, STEP, ..., within=, last=) -----------------------------------------------------------------------


def sequence(reader: Reader, node: ast.Call, called: Function) -> Node:
    span = reader.parsed.span(node)
    given = calls.options(reader, node, called)
    if len(node.args) < 2:
        hint = f"write {called.example}"
        if node.args and isinstance(node.args[0], ast.List | ast.Tuple):
            hint = "a list is one step, any of its events; write the steps one by one"
        raise Mistake(span[0], "a sequence has two steps or more", hint)
    if len(node.args) > MOST_STEPS:
        at = reader.parsed.span(node.args[MOST_STEPS])[0]
        raise Mistake(at, f"a sequence has {MOST_STEPS} steps at most", "ask in two sequences, with and between them")
    steps = tuple(_step(reader, argument) for argument in node.args)
    if steps[0].is_absent:
        at = reader.parsed.span(node.args[0])[0]
        raise Mistake(at, "the first step of a sequence must have happened", "write `not` only before a later step")
    within_us = calls.duration(reader, given["within"], "within") if "within" in given else None
    window = calls.window(reader, given)
    events = sorted({name for step in steps for name in step.events})
    at_last = reader.parsed.span(given["last"])[0] if "last" in given else span[0]
    window = known.kept(reader.vocabulary, events, window, span[0], at_last)
    last_us = window.older_us if window is not None else None
    if steps[-1].is_absent and within_us is not None and last_us is not None and last_us <= within_us:
        message = "what did not come within= is known only when that is over, and then last= is over too"
        hint = "give a last= that is longer than within=, or none"
        if "last" not in given:
            message, hint = "these events are forgotten before within= is over", "give a shorter within="
        raise Mistake(at_last, message, hint)
    return Sequence(steps, within_us, last_us, span)


def _step(reader: Reader, node: ast.expr) -> Step:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        step = _step(reader, node.operand)
        if step.is_absent:
            raise Mistake(
                reader.parsed.span(node)[0], "`not` stands twice before a step", "write it once, or not at all"
            )
        return Step(step.events, step.where, is_absent=True)
    at = reader.parsed.span(node)[0]
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name != "event":
            hint = 'write the event: "Order Completed", or event("Order Completed", where=...)'
            raise Mistake(at, "a step of a sequence is an event", hint)
        return _event_step(reader, node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and parse_duration(node.value):
        raise Mistake(
            at, "a step of a sequence is an event", f'for the time between the steps write within="{node.value}"'
        )
    events = calls.events(reader, node)
    for element in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
        if isinstance(element, ast.Constant):
            known.event(reader, str(element.value), reader.parsed.span(element)[0])
    return Step(events, None, is_absent=False)


def _event_step(reader: Reader, node: ast.Call) -> Step:
    called = FUNCTIONS["event"]
    given = calls.options(reader, node, called)
    events = _events(reader, node, called)
    _value_node(reader, node, called, given)
    return Step(events, _where(reader.over(events), given), is_absent=False)
