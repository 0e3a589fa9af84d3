"""The arguments of a function over events: `f(EVENT, where=, last=)` (LANGUAGE.md 5 and 6)."""

import ast
import re

from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.names import (
    CALL_NAMES,
    EVERYTHING,
    FUNCTIONS,
    FUNCTIONS_TO_COME,
    NOT_EVERYTHING,
    OPTIONS_TO_COME,
)
from tactful.language.parse import Parsed
from tactful.language.paths import unknown_function
from tactful.values import DAY_US, parse_duration

LONGEST_WINDOW_US = 36_525 * DAY_US
"""A hundred years: whatever is longer is a mistake, and times stay far from the edge of 64 bits."""
_CALENDAR = re.compile(r"\s*(\d+)\s*(mo|month|months|y|yr|year|years|M|Y)\s*")
_SPELT = re.compile(r"\s*(\d+)\s*(s|m|h|d|w)[a-z]*\s*", re.IGNORECASE)


def function_name(parsed: Parsed, node: ast.Call, scope: str) -> str:
    at = parsed.span(node.func)[0]
    if not isinstance(node.func, ast.Name):
        raise Mistake(at, "only a function's name can be called", 'write count("Order Completed")')
    name = node.func.id
    if name in FUNCTIONS_TO_COME:
        raise Mistake(at, f"{name}() is not available yet", f"this version has {' and '.join(FUNCTIONS)}")
    if name not in FUNCTIONS:
        raise Mistake(at, f"there is no function {name}()", unknown_function(name))
    if scope == "event":
        raise Mistake(
            at, f"{name}() cannot stand inside where=", "where= looks at one event; combine outside, with and"
        )
    return name


def options(parsed: Parsed, node: ast.Call, name: str) -> dict[str, ast.expr]:
    given: dict[str, ast.expr] = {}
    for option in node.keywords:
        at = parsed.span(option)[0]
        if option.arg is None:
            raise Mistake(at, "there is no ** before an option", "write the options one by one")
        if option.arg in given:
            raise Mistake(at, f"{option.arg}= is given twice", "give it once")
        given[option.arg] = option.value
    if "last" in given and "between" in given:
        at = max(parsed.span(option)[0] for option in node.keywords if option.arg in ("last", "between"))
        raise Mistake(at, "last= and between= cannot be given together", "choose one window")
    for option in node.keywords:
        assert option.arg is not None
        if option.arg not in FUNCTIONS[name]:
            raise _unknown_option(parsed, option, name)
    return given


def _unknown_option(parsed: Parsed, option: ast.keyword, name: str) -> Mistake:
    assert option.arg is not None
    at = parsed.span(option)[0]
    if option.arg in OPTIONS_TO_COME:
        return Mistake(at, f"{option.arg}= is not available yet", "this version has where= and last=")
    written = parsed.text[slice(*parsed.span(option.value))]
    known = [f"{one}=" for one in FUNCTIONS[name]]
    close = did_you_mean(f"{option.arg}=", known)
    return Mistake(
        at,
        f"{name}() has no option {option.arg}=",
        close or f"a condition on the event goes into where=: where={option.arg} == {written}",
    )


def events(parsed: Parsed, node: ast.Call, name: str) -> tuple[str, ...]:
    """The event names, sorted, without what "*" covers already."""
    if not node.args:
        at = parsed.span(node)[0]
        raise Mistake(at, f"{name}() needs an event", f'write {name}("Order Completed"), or {name}("*") for any')
    if len(node.args) > 1:
        at = parsed.span(node.args[1])[0]
        if isinstance(node.args[1], ast.Constant):
            raise Mistake(at, f"{name}() takes one event, or a list", f'write {name}(["A", "B"])')
        raise Mistake(at, f"{name}() takes no value", "a condition on the event goes into where=")
    first = node.args[0]
    elements = first.elts if isinstance(first, ast.List | ast.Tuple) else [first]
    if not elements:
        raise Mistake(parsed.span(first)[0], "the list of events is empty", 'write "*" for any event')
    return without_covered({_event(parsed, element) for element in elements})


def without_covered(names: set[str]) -> tuple[str, ...]:
    """Sorted; "*" stands for every name but $identify, $group and $alias."""
    return tuple(sorted(names & {EVERYTHING, *NOT_EVERYTHING} if EVERYTHING in names else names))


def _event(parsed: Parsed, node: ast.expr) -> str:
    at = parsed.span(node)[0]
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        written = node.id if isinstance(node, ast.Name) else "Order Completed"
        raise Mistake(at, "an event is a text in quotes", f'write "{written}"')
    problem, hint = event_problem(node.value)
    if problem:
        raise Mistake(at, problem, hint)
    return node.value


def event_problem(name: str) -> tuple[str, str]:
    """What is wrong with the name of an event, and what to write instead; two "" where nothing is."""
    if not name.strip():
        return "an event's name is empty", 'write "*" for any event'
    if any(0xD800 <= ord(char) <= 0xDFFF for char in name):
        return "half a character (a surrogate) in an event's name", "write the whole character"
    if name.startswith("$") and name not in CALL_NAMES:
        known = sorted(CALL_NAMES)
        return f"there is no event {name}", did_you_mean(name, known) or f"with $ there are {', '.join(known)}"
    if name != EVERYTHING and "*" in name:
        return f"there are no patterns in event names ({name})", 'write "*" alone for any event, or a list of names'
    return "", ""


def window(parsed: Parsed, node: ast.expr) -> int:
    """Microseconds of last=."""
    at = parsed.span(node)[0]
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise Mistake(at, "last= is a duration in quotes", 'write last="30d" (s, m, h, d or w)')
    duration_us = parse_duration(node.value)
    if duration_us is None:
        raise Mistake(at, f'"{node.value}" is no duration', duration_hint(node.value))
    if duration_us > LONGEST_WINDOW_US:
        raise Mistake(at, f'"{node.value}" is longer than a hundred years', "without last= all time counts")
    return duration_us


def duration_hint(text: str) -> str:
    """What to write instead of a text that is no duration."""
    if match := _CALENDAR.fullmatch(text):
        days = int(match[1]) * (365 if match[2][0] in "yY" else 30)
        return f'months and years have no fixed length: write "{days}d"'
    if (match := _SPELT.fullmatch(text)) and int(match[1]):
        return f'write "{int(match[1])}{match[2].lower()}"'
    return 'write a whole number and one of s, m, h, d, w: "30d"'
