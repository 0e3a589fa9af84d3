"""The builder as a form: fields by the place of what they belong to (`p.0.w.1.name`), rows from fields, and what a
button does to them.

It works the same with a script and without: a button is a field `do` with a verb and a place, and the answer is the
form with its rows as they are then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tactful.language.names import FUNCTIONS
from tactful.operations.definitions.building import (
    CLOCKS,
    EVENTS,
    NAMED,
    ORDERS,
    SESSIONS,
    TESTS,
    YES_OR_NO,
    Group,
    How,
    Part,
    Row,
    Step,
    Words,
)
from tactful.operations.definitions.building_text import typed

Fields = dict[str, list[str]]
ROOT = "p"
ANOTHER = "?"
"""An event that is still to be chosen."""
QUANTITIES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "What they did",
        (
            ("any", "did"),
            ("count", "how often"),
            ("sum", "the sum of"),
            ("avg", "the average of"),
            ("min", "the least"),
            ("max", "the greatest"),
            ("distinct", "how many different"),
            ("first", "first"),
            ("latest", "last"),
            ("time_since", "time since"),
            ("active_days", "on how many days"),
            ("sequence", "one after the other"),
        ),
    ),
    (
        "Who they are",
        (
            ("field", "a trait or a collection"),
            ("segment", "is in the segment"),
            ("consents", "agreed to"),
            ("score", "the score of the model"),
            ("percentile", "the rank by the metric"),
        ),
    ),
    (
        "Visits",
        (
            ("sessions", "how many visits"),
            ("session_length", "length of the last visit"),
            ("avg_session_length", "length of a visit on average"),
        ),
    ),
    ("The clock", (("local_hour", "hour there"), ("local_weekday", "weekday there"), ("local_month", "month there"))),
)
_SIGNS = {"==": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least"}
_YES = {"true": "yes", "false": "no"}
_THERE = {"there": "is known", "missing": "is not known"}
_LISTS = {"in": "is one of", "not in": "is none of", "has": "has in it", "not has": "does not have in it"}
_AGES = {"newer": "is less long ago than", "older": "is longer ago than"}
_TESTS = {
    "contains": "contains",
    "not contains": "does not contain",
    "starts_with": "starts with",
    "not starts_with": "does not start with",
    "ends_with": "ends with",
    "not ends_with": "does not end with",
}
WITHOUT_VALUE = (*_YES, *_THERE)
_COUNTS = ("count", "distinct", "active_days", "sessions")


class Choices(Struct, frozen=True):
    """What the drop-downs offer."""

    events: Sequence[str]
    properties: Mapping[str, Sequence[str]]
    """By event."""
    traits: Sequence[str]
    segments: Sequence[str]
    purposes: Sequence[str]
    models: Sequence[str]
    metrics: Sequence[str]

    def names(self, quantity: str) -> Sequence[str]:
        """Of what a function of one name may name."""
        named = {"segment": self.segments, "consents": self.purposes, "score": self.models}
        return named.get(quantity, self.metrics)

    def of(self, events: Iterable[str]) -> list[str]:
        """Properties of any of these events."""
        return list(dict.fromkeys(name for event in events for name in self.properties.get(event, ())))


def comparisons(row: Row) -> list[tuple[str, str]]:
    """Which a row may have, each with its words."""
    if row.quantity in YES_OR_NO:
        return list(_YES.items())
    if row.quantity == "percentile":
        return [
            (sign, _SIGNS[sign]) for sign in (">=", "<", ">", "<=") if sign in (">=", "<") or sign == row.comparison
        ]
    if row.quantity == "field" or (row.quantity in ("first", "latest") and row.name):
        return [*_SIGNS.items(), *_LISTS.items(), *_TESTS.items(), *_THERE.items(), *_YES.items(), *_AGES.items()]
    ages = _AGES.items() if row.quantity in ("first", "latest") else ()
    lists = {one: _LISTS[one] for one in ("in", "not in")}.items()
    return [*_SIGNS.items(), *ages, *lists, *_THERE.items()]


def takes(quantity: str) -> str:
    """What a function of events does with a property: "needs" one, "may" have one, "" none."""
    if quantity not in EVENTS:
        return ""
    function = FUNCTIONS[quantity]
    return "needs" if function.needs_value else "may" if function.takes_value or quantity == "count" else ""


# ---- from fields to rows -------------------------------------------------------------------------------------------


def group(fields: Fields, at: str = ROOT) -> Group:
    """The rows of a form."""
    how = _one(fields, f"{at}.how")
    word: How = "any" if how == "any" else "none" if how == "none" else "all"
    return Group(word, tuple(_part(fields, f"{at}.{number}") for number in _numbers(fields, at)))


def _part(fields: Fields, at: str) -> Part:
    match _one(fields, f"{at}.type"):
        case "group":
            return group(fields, at)
        case "words":
            return Words(_one(fields, f"{at}.text").replace("\r\n", "\n").strip())
        case _:
            return _row(fields, at)


def _row(fields: Fields, at: str) -> Row:
    quantity = _one(fields, f"{at}.q") or "any"
    known = (*EVENTS, *NAMED, *SESSIONS, *CLOCKS, "field", "sequence")
    quantity = quantity if quantity in known else "any"
    comparison = _one(fields, f"{at}.cmp")
    row = Row(
        quantity=quantity,
        events=_several(fields, f"{at}.e") if quantity in EVENTS else (),
        name=_one(fields, f"{at}.name").strip() if quantity in (*EVENTS, *NAMED, "field") else "",
        last=_one(fields, f"{at}.last").strip() if quantity in (*EVENTS, *SESSIONS, "sequence") else "",
        until=_one(fields, f"{at}.until").strip() if quantity in (*EVENTS, *SESSIONS) else "",
        where=_where(fields, f"{at}.w") if quantity in EVENTS else None,
        steps=tuple(_step(fields, f"{at}.s.{number}") for number in _numbers(fields, f"{at}.s")),
        within=_one(fields, f"{at}.within").strip() if quantity == "sequence" else "",
        is_turned=_one(fields, f"{at}.turned") == "yes" and comparison in ORDERS,
    )
    if quantity != "sequence":
        row = replace(row, steps=())
    allowed = [name for name, _ in comparisons(row)]
    default = "true" if quantity in YES_OR_NO else ">="
    comparison = comparison if comparison in allowed else default if default in allowed else allowed[0]
    if comparison in WITHOUT_VALUE:
        return replace(row, comparison=comparison)
    # Whoever has just chosen to count means at least one.
    text = _one(fields, f"{at}.value") if f"{at}.value" in fields else "1" if quantity in _COUNTS else ""
    is_text = comparison.removeprefix("not ") in TESTS or comparison in _AGES
    if not text.strip():
        return replace(row, comparison=comparison)
    values = (_as_text(text),) if is_text else typed(text, is_list=comparison in ("in", "not in"))
    return replace(row, comparison=comparison, values=values)


def _as_text(text: str) -> str:
    (value,) = typed(text, is_list=False)
    return value if isinstance(value, str) else text.strip()


def _where(fields: Fields, at: str) -> Group | None:
    found = group(fields, at)
    return found if found.parts else None


def _step(fields: Fields, at: str) -> Step:
    is_absent = _one(fields, f"{at}.how") == "not"
    return Step(_several(fields, f"{at}.e"), is_absent, _where(fields, f"{at}.w"))


def _one(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[-1]


def _several(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in fields.get(name, []) if one.strip()))


def _numbers(fields: Fields, at: str) -> list[int]:
    pattern = re.compile(rf"{re.escape(at)}\.(\d{{1,4}})\.")
    return sorted({int(found.group(1)) for name in fields if (found := pattern.match(name))})


# ---- what is missing, and what a button does -----------------------------------------------------------------------


def unfinished(found: Group, before: str = "") -> list[str]:
    """What is still to be chosen, in words."""
    told: list[str] = []
    for number, part in enumerate(found.parts, 1):
        place = f"{before}{number}"
        match part:
            case Group(parts=parts):
                told += unfinished(part, f"{place}.") if parts else [f"Group {place} has no line yet: add one."]
            case Words(text=text):
                told += [] if text else [f"Line {place}: write a condition, or remove the line."]
            case Row():
                told += _missing(part, f"Line {place}")
    return told


def _missing(row: Row, line: str) -> list[str]:
    told = []
    if row.quantity in EVENTS and (not row.events or ANOTHER in row.events):
        told.append(f"{line}: choose an event.")
    if takes(row.quantity) == "needs" and not row.name:
        told.append(f"{line}: choose the property whose values are meant.")
    if row.quantity in (*NAMED, "field") and not row.name:
        told.append(f"{line}: choose a {'trait' if row.quantity == 'field' else 'name'}.")
    if row.quantity == "sequence" and (len(row.steps) < 2 or not all(step.events for step in row.steps)):
        told.append(f"{line}: choose an event for each of two steps or more.")
    if row.until and not row.last:
        told.append(f"{line}: say from how long ago on.")
    if row.comparison not in WITHOUT_VALUE and not row.values:
        told.append(f"{line}: write a value.")
    for inner in (row.where, *(step.where for step in row.steps)):
        told += [f"{line}, where: {one}" for one in unfinished(inner)] if inner is not None else []
    return told


def act(fields: Fields, do: str) -> Fields:
    """The fields after a button: "add row p", "remove p.0"."""
    verb, _, rest = do.partition(" ")
    what, _, at = rest.partition(" ")
    if verb == "remove" and re.fullmatch(r"p(\.\w+)+", rest):
        return {name: values for name, values in fields.items() if not name.startswith(f"{rest}.")}
    if verb != "add" or not re.fullmatch(r"p(\.\w+)*", at):
        return fields
    if what == "event":
        return {**fields, f"{at}.e": [*fields.get(f"{at}.e", []), ANOTHER]}
    place = f"{at}.{max(_numbers(fields, at), default=-1) + 1}"
    new: Fields = {f"{place}.type": [what if what in ("group", "words") else "row"]}
    if what == "group":
        new |= {f"{place}.how": ["any"], f"{place}.0.type": ["row"]}
    if what == "where":
        new[f"{place}.q"] = ["field"]
        new[f"{place}.cmp"] = ["=="]
    if what == "step":
        new = {f"{place}.e": [""]}
    return {**fields, **new}
