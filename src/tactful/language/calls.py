"""What stands between the brackets of a function: options, events, durations, windows, names (LANGUAGE.md 5 to 8)."""

import ast
import re
from typing import Literal as OneOf
from typing import Protocol

from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.names import BESIDE_EVERYTHING, CALL_NAMES, EVERYTHING, FUNCTIONS, OPTIONS, SYNONYMS, Function
from tactful.language.parse import Parsed
from tactful.language.tree import Node, Window
from tactful.language.vocabulary import Vocabulary
from tactful.values import DAY_US, parse_duration

Scope = OneOf["person", "event"]
LONGEST_US = 36_525 * DAY_US
"""A hundred years: whatever is longer is a mistake, and times stay far from the edge of 64 bits."""
_CALENDAR = re.compile(r"\s*(\d+)\s*(mo|month|months|y|yr|year|years|M|Y)\s*")
_SPELT = re.compile(r"\s*(\d+)\s*(s|m|h|d|w)[a-z]*\s*", re.IGNORECASE)
_DURATION_FORM = 'write a whole number and one of s, m, h, d, w: "30d"'


class Reader(Protocol):
    """Whoever reads the arguments: check.py, seen from here."""

    parsed: Parsed
    scope: Scope
    vocabulary: Vocabulary
    events: tuple[str, ...] | None
    """In an event's scope, which events these are; None: unknown."""

    def value(self, node: ast.expr) -> Node: ...

    def condition(self, node: ast.expr) -> Node: ...

    def over(self, events: tuple[str, ...]) -> "Reader":
        """For what is asked of one of these events."""

    def kind(self, node: Node) -> str:
        """kind_of(), and beyond it what events/ declares."""

    def source(self, node: Node) -> str:
        """As it was written."""

    def warn(self, at: int, message: str, hint: str = "") -> None: ...


def function(reader: Reader, node: ast.Call) -> Function:
    """The function that is called, where it may stand."""
    at = reader.parsed.span(node.func)[0]
    if isinstance(node.func, ast.Attribute):
        raise _method(reader, node, node.func)
    if not isinstance(node.func, ast.Name):
        raise Mistake(at, "only a function's name can be called", 'write count("Order Completed")')
    name = node.func.id
    found = FUNCTIONS.get(name)
    if found is None:
        raise Mistake(at, f"there is no function {name}()", unknown_function(name))
    if reader.scope == "event" and found.group != "values":
        hint = "where= looks at one event; combine outside, with and"
        raise Mistake(at, f"{name}() cannot stand inside where=", hint)
    return found


def unknown_function(name: str) -> str:
    """What to write instead of a function that is not there."""
    meant = SYNONYMS.get(name) or SYNONYMS.get(name.lower())
    if meant:
        return f"here it is called {meant}(): {FUNCTIONS[meant].example}"
    of_events = [one.name for one in FUNCTIONS.values() if one.group == "events"]
    return did_you_mean(name, FUNCTIONS) or f"over events there are {', '.join(of_events)}"


def _method(reader: Reader, node: ast.Call, called: ast.Attribute) -> Mistake:
    at = reader.parsed.span(node)[0]
    written = reader.parsed.text[slice(*reader.parsed.span(called.value))]
    name = called.attr if called.attr in FUNCTIONS else SYNONYMS.get(called.attr, "")
    arguments = ", ".join([written, *(reader.parsed.text[slice(*reader.parsed.span(one))] for one in node.args)])
    hint = f"write {name}({arguments})" if name else 'write count("Order Completed")'
    return Mistake(at, "only a function's name can be called", hint)


def options(reader: Reader, node: ast.Call, called: Function) -> dict[str, ast.expr]:
    """What each option is given, those that the function does not have refused."""
    parsed = reader.parsed
    given: dict[str, ast.expr] = {}
    for option in node.keywords:
        at = parsed.span(option)[0]
        if option.arg is None:
            raise Mistake(at, "there is no ** before an option", "write the options one by one")
        if option.arg in given:
            raise Mistake(at, f"{option.arg}= is given twice", "give it once")
        given[option.arg] = option.value
    if "last" in given and "between" in given and "between" in called.options:
        at = max(parsed.span(option)[0] for option in node.keywords if option.arg in ("last", "between"))
        raise Mistake(at, "last= and between= cannot be given together", "choose one window")
    for option in node.keywords:
        if option.arg not in called.options:
            raise _unknown_option(reader, option, called)
    return given


def _unknown_option(reader: Reader, option: ast.keyword, called: Function) -> Mistake:
    name = option.arg or ""
    at = reader.parsed.span(option)[0]
    written = reader.parsed.text[slice(*reader.parsed.span(option.value))]
    message = f"{called.name}() has no option {name}="
    close = did_you_mean(f"{name}=", [f"{one}=" for one in called.options])
    if called.name == "sequence" and name == "where":
        hint = f'a condition stands at its step: event("...", where={written})'
    elif name == "same":
        hint = "only count() has it: count(..., same=...)"
    elif name == "between" and "last" in called.options:
        hint = "write last="
    elif name in ("event", "name") and called.arguments[:1] == ("EVENT",):
        hint = f"the event stands first: {called.name}({written})"
    elif close:
        hint = close
    elif "where" in called.options and name not in OPTIONS:
        hint = f"a condition on the event goes into where=: where={name} == {written}"
    elif called.options:
        hint = f"it has {', '.join(f'{one}=' for one in called.options)}"
    else:
        hint = f"write {called.signature}"
    return Mistake(at, message, hint)


def no_arguments(reader: Reader, node: ast.Call, called: Function) -> None:
    if node.args:
        at = reader.parsed.span(node.args[0])[0]
        hint = f"write {called.signature}"
        if called.group == "sessions" and called.options:
            hint = f'write {called.name}(last="30d")'
        raise Mistake(at, f"{called.name}() takes no value", hint)


def name_argument(reader: Reader, node: ast.Call, called: Function) -> tuple[str, int]:
    """The one text of segment("s"), and where it stands."""
    at = reader.parsed.span(node)[0]
    if len(node.args) != 1:
        at = reader.parsed.span(node.args[1])[0] if node.args else at
        raise Mistake(at, f"{called.name}() takes one name", f"write {called.example}")
    given = node.args[0]
    at = reader.parsed.span(given)[0]
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        written = reader.parsed.text[slice(*reader.parsed.span(given))]
        hint = f'write {called.name}("{written}")' if isinstance(given, ast.Name) else f"write {called.example}"
        raise Mistake(at, f"{called.name}() takes a name in quotes", hint)
    if not given.value.strip() or any(0xD800 <= ord(char) <= 0xDFFF for char in given.value):
        raise Mistake(at, "this is no name", f"write {called.example}")
    return given.value, at


# ---- events ----------------------------------------------------------------------------------------------------------


def events(reader: Reader, node: ast.expr) -> tuple[str, ...]:
    """One event name or a list of them; sorted, without what "*" covers already."""
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    if not elements:
        raise Mistake(reader.parsed.span(node)[0], "the list of events is empty", 'write "*" for any event')
    return without_covered({_event(reader, element) for element in elements})


def without_covered(names: set[str]) -> tuple[str, ...]:
    """Sorted; "*" stands for every name but $identify, $group and $alias, and those of messages."""
    return tuple(sorted(names & {EVERYTHING, *BESIDE_EVERYTHING} if EVERYTHING in names else names))


def _event(reader: Reader, node: ast.expr) -> str:
    at = reader.parsed.span(node)[0]
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


# ---- durations and windows -------------------------------------------------------------------------------------------


def duration(reader: Reader, node: ast.expr, option: str) -> int:
    """Microseconds of last= and within=."""
    at = reader.parsed.span(node)[0]
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        hint = f'write {option}="30d" (s, m, h, d or w)'
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0:
            hint = f'write {option}="{node.value}d" for days (s, m, h, d or w)'
        elif isinstance(node, ast.Tuple | ast.List) and option == "last":
            hint = 'two distances from now are between=("60d", "30d")'
        raise Mistake(at, f"{option}= is a duration in quotes", hint)
    return duration_of(node.value, at, f"without {option}= all time counts")


def duration_of(text: str, at: int, beyond: str = "write a shorter one") -> int:
    """Microseconds of a text that must be a duration."""
    duration_us = parse_duration(text)
    if duration_us is None:
        raise Mistake(at, f'"{text}" is no duration', duration_hint(text))
    if duration_us > LONGEST_US:
        raise Mistake(at, f'"{text}" is longer than a hundred years', beyond)
    return duration_us


def duration_hint(text: str) -> str:
    """What to write instead of a text that is no duration."""
    if match := _CALENDAR.fullmatch(text):
        days = int(match[1]) * (365 if match[2][0] in "yY" else 30)
        return f'months and years have no fixed length: write "{days}d"'
    if (match := _SPELT.fullmatch(text)) and int(match[1]):
        return f'write "{int(match[1])}{match[2].lower()}"'
    return _DURATION_FORM


def window(reader: Reader, given: dict[str, ast.expr]) -> Window | None:
    """Of last= or between=; None for all time."""
    if "last" in given:
        return Window(duration(reader, given["last"], "last"))
    return _between(reader, given["between"]) if "between" in given else None


def _between(reader: Reader, node: ast.expr) -> Window:
    at = reader.parsed.span(node)[0]
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 2:
        hint = 'write between=("60d", "30d"): from 60 to 30 days ago'
        raise Mistake(at, "between= is two durations, from the older to the newer", hint)
    far, near = node.elts
    is_zero = isinstance(near, ast.Constant) and str(near.value).rstrip("smhdw") == "0"
    older = duration(reader, far, "between")
    if is_zero:
        hint = f'write last="{_text_of(far)}"'
        raise Mistake(reader.parsed.span(near)[0], "between= ends before now", hint)
    newer = duration(reader, near, "between")
    if older == newer:
        raise Mistake(
            at, "between= from and to are the same, so that nothing lies between", "write the older one first"
        )
    if older < newer:
        hint = f'write between=("{_text_of(near)}", "{_text_of(far)}")'
        raise Mistake(at, "between= stands the wrong way round: the older one comes first", hint)
    return Window(older, newer)


def _text_of(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""
