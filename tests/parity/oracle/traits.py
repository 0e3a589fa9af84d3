"""The traits of a person (docs/definitions.md, `merge`): all that was ever written, looked at anew each time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.parity.oracle.values import elements, is_number, is_scalar, read_time, sort_of

MOST, LONGEST = 1000, 255
Rules = Mapping[str, Any]
"""By trait: first, maximum, minimum, latest time, earliest time, union, or a list of sources."""


class Write(NamedTuple):
    """One call, with all that it says."""

    values: Mapping[str, Any]
    source: str


def traits(calls: Sequence[Write], rules: Rules) -> dict[str, Any]:
    """The calls in event order."""
    found = {}
    for name in dict.fromkeys(name for call in calls for name in call.values):
        mine = [(call.values[name], call.source) for call in calls if name in call.values]
        found[name] = _by_rule(rules.get(name, "newest"), mine)
    return found


def _by_rule(rule: Any, writes: Sequence[tuple[Any, str]]) -> Any:
    written = [value for value, _ in writes]
    match rule:
        case "newest":
            return written[-1]
        case "first":
            return next((value for value in written if value is not None), None)
        case "maximum" | "minimum":
            numbers = [value for value in written if is_number(value)]
            return (max if rule == "maximum" else min)(numbers, default=None)  # Of equal ones the first.
        case "latest time" | "earliest time":
            times = [value for value in written if isinstance(value, str) and read_time(value) is not None]
            return (max if rule == "latest time" else min)(times, key=read_time, default=None)  # type: ignore[arg-type]  # each reads
        case "union":
            return _union(written) or None
    of_each = [[value for value, source in writes if source == one] for one in rule]
    others = [value for value, source in writes if source not in rule]
    return next(values[-1] for values in (*of_each, others) if values)


def _union(written: Sequence[Any]) -> list[Any]:
    found: dict[tuple[str, Any], Any] = {}
    """By what makes two the same (values.same)."""
    for value in written:
        for one in elements(value):
            is_long = isinstance(one, str) and len(one.encode()) > LONGEST
            if is_scalar(one) and not is_long:
                found.setdefault((sort_of(one), float(one) if is_number(one) else one), one)
    return [*found.values()][:MOST]
