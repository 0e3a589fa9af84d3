"""Building: a condition as rows of drop-downs: what, how, which value, in which window, of which events.

building_reading.py makes rows of a text, building_text.py a text of rows. What no row can show exactly stays text, as a
part of its own among the rows. So any expression can be opened, changed in one place and written again, and means
everywhere else what it meant.
"""

from typing import Literal

from msgspec import Struct

from tactful.language.names import FUNCTIONS

How = Literal["all", "any", "none"]
Constant = str | int | float | bool
EVENTS = tuple(name for name, function in FUNCTIONS.items() if function.group == "events")
SESSIONS = tuple(name for name, function in FUNCTIONS.items() if function.group == "sessions")
CLOCKS = ("local_hour", "local_weekday", "local_month")
NAMED = ("segment", "consents", "score", "percentile")
"""Functions of one name in quotes."""
TESTS = ("contains", "starts_with", "ends_with")
LENSES = ("len", "lower", "time")
"""Functions that a field may stand in."""
YES_OR_NO = ("any", "segment", "consents", "sequence")
"""What is true or not, and is compared with nothing."""
ORDERS = ("==", "!=", "<", "<=", ">", ">=")


class Step(Struct, frozen=True):
    """Of a sequence."""

    events: tuple[str, ...]
    is_absent: bool = False
    where: "Group | None" = None


class Row(Struct, frozen=True, kw_only=True):
    """`quantity comparison values`: count("Product Viewed", where=..., last="7d") >= 3."""

    quantity: str
    """A function's name; "field" for a trait, a part of a collection, and within `where` a property, each as it is or
    in a function: `len(interests)`."""
    events: tuple[str, ...] = ()
    name: str = ""
    """Of the field, as it is written (`products[0].sku`); of the segment, purpose, model or metric; of the property
    whose values a function of events takes."""
    comparison: str = "true"
    """A sign; "in", "not in"; "has", "not has" of a list; "newer", "older" than a duration; "missing", "there"; "true",
    "false"; a text test, with "not " before it or without."""
    values: tuple[Constant, ...] = ()
    is_turned: bool = False
    """The value stands left of the sign, which is turned as well: 9 <= local_hour() is "<=" with 9."""
    last: str = ""
    """The window: so long back."""
    until: str = ""
    """With `last`: only to so long ago (between=)."""
    where: "Group | None" = None
    steps: tuple[Step, ...] = ()
    within: str = ""
    """Of a sequence."""


class Words(Struct, frozen=True):
    """A condition that no row can show, as it was written."""

    text: str


class Group(Struct, frozen=True):
    """All, any or none of its parts hold."""

    how: How
    parts: tuple["Row | Words | Group", ...]


Part = Row | Words | Group


def words(group: Group) -> list[str]:
    """The texts of a condition that no row shows, those within `where` as well."""
    found: list[str] = []
    for part in group.parts:
        match part:
            case Words(text=text):
                found.append(text)
            case Group():
                found += words(part)
            case Row(where=where, steps=steps):
                for inner in (where, *(step.where for step in steps)):
                    found += words(inner) if inner is not None else []
    return found
