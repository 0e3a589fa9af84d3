"""The notation of examples, in docs/ and in the tests of the shop: a history on top, below it what expressions say.

    ada  2025-03-01 10:00  Order Completed  total=40 received 2025-03-01 12:00
    ada  2025-03-01 10:00  $identify        context.timezone="Europe/Lisbon" plan="paid"
    ada  2025-03-01 10:00  consent email_marketing  yes
    ada  2025-03-01 10:00  score will_return  0.8
    -    2025-03-01 10:00  threshold spend_90d 80  250

    at 2025-03-02 10:00
    sum("Order Completed", total)  →  40

Columns stand apart by two blanks or more. With more than one person the right side names all
who are known by then: ada 40, bob missing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tactful.events.responses import NAMES
from tactful.values import format_time, parse_duration, parse_time

_TIME = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?"
_LINE = re.compile(rf"(\S+)\s+({_TIME})\s+(\S+(?: \S+)*)(?:\s{{2,}}(\S.*))?")
_RECEIVED = re.compile(rf"(?:^|\s+)received ({_TIME})$")
_KEY = re.compile(r"\s*([\w.]+)=")
_ARROW = "→"
_json = json.JSONDecoder()


class Said(NamedTuple):
    """What an expression is to each person, as JSON."""

    text: str
    values: dict[str, Any]


class Example(NamedTuple):
    lines: list[dict[str, Any]]
    """As `tactful eval --events` reads them."""
    checks: list[tuple[int, list[Said]]]
    """By instant (microseconds)."""


def read_example(text: str) -> Example:
    history, *groups = re.split(r"^at ", text, flags=re.MULTILINE)
    lines = [_line(line, number) for number, line in enumerate(history.split("\n")) if line.strip()]
    people = list(dict.fromkeys(line["userId"] for line in lines if "userId" in line))
    checks = []
    for group in groups:
        at, _, body = group.partition("\n")
        checks.append((_instant(at.strip()), list(_said(body, people))))
    return Example(lines, checks)


def _instant(text: str) -> int:
    at = parse_time(text)
    assert at is not None, text
    return at


def _line(line: str, number: int) -> dict[str, Any]:
    match = _LINE.fullmatch(line.strip())
    assert match is not None, f"no line of a history: {line}"
    who, at, event, rest = match[1], format_time(_instant(match[2])), match[3], match[4] or ""
    if received := _RECEIVED.search(f" {rest}" if rest else f" {event}"):
        rest, event = (rest[: -len(received[0].strip())].strip(), event) if rest else ("", event)
    about: dict[str, Any] = {"receivedAt": format_time(_instant(received[1])) if received else at}
    kind, *words = event.split(" ")
    if kind in ("score", "consent", "threshold") and words:
        return about | _told(kind, words, who, rest)
    about |= {"messageId": f"m{number}", "userId": who, "timestamp": at}
    values, context = _values(rest)
    if context:
        about["context"] = context
    if event == "$identify":
        return about | {"type": "identify", "traits": values}
    if event.startswith("$"):
        return about | {"type": event[1:], "traits" if event == "$group" else "properties": values}
    return about | {"type": "message" if event in NAMES else "track", "event": event, "properties": values}


def _told(kind: str, words: list[str], who: str, rest: str) -> dict[str, Any]:
    if kind == "score":
        return {"type": kind, "model": words[0], "userId": who, "value": json.loads(rest)}
    if kind == "consent":
        return {"type": kind, "purpose": words[0], "userId": who, "granted": {"yes": True, "no": False}[rest]}
    return {"type": kind, "metric": words[0], "percent": json.loads(words[1]), "value": json.loads(rest)}


def _values(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Properties (or traits) and context of `key=JSON key=JSON`; `properties={...}` is all of them."""
    values: dict[str, Any] = {}
    context: dict[str, Any] = {}
    at = 0
    while match := _KEY.match(text, at):
        value, at = _json.raw_decode(text, match.end())
        first, *path = match[1].split(".")
        if first == "context":
            inner = context
            for step in path[:-1]:
                inner = inner.setdefault(step, {})
            inner[path[-1]] = value
        elif first == "properties":
            values |= value
        else:
            values[match[1]] = value
    assert not text[at:].strip(), f"not understood: {text[at:]}"
    return values, context


def _said(body: str, people: list[str]) -> Iterator[Said]:
    expression = ""
    for line in body.split("\n"):
        before, arrow, after = line.partition(_ARROW)
        expression = f"{expression}\n{before}".strip()
        if arrow:
            yield Said(expression, _by_person(after.strip(), people))
            expression = ""
    assert not expression, f"without a value: {expression}"


def _by_person(text: str, people: list[str]) -> dict[str, Any]:
    if len(people) == 1:
        return {people[0]: _value(text)}
    parts = dict(part.split(" ", 1) for part in text.split(", "))
    assert parts.keys() <= set(people), f"{text}: somebody is in no line"
    return {person: _value(value.strip()) for person, value in parts.items()}


def _value(text: str) -> Any:
    if text == "missing":
        return None
    if re.fullmatch(_TIME, text):
        return format_time(_instant(text))
    duration_us = parse_duration(text)
    return json.loads(text) if duration_us is None else duration_us / 1_000_000


def same(one: Any, other: Any) -> bool:
    """Equal as values of the language: 1 is 1.0, and true is no number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{person: (expected, found)} where they are not the same; nobody is left out."""
    people = sorted(expected.keys() | found.keys())
    return {
        person: (expected.get(person, "nobody"), found.get(person, "nobody"))
        for person in people
        if (person in expected) != (person in found) or not same(expected[person], found[person])
    }
