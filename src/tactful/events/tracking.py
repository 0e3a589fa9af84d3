"""The tracking plan: does an event carry what events/*.yaml says of it, and can it be mended where it does not?

A Misfit says what is wrong without repeating the value, since it is kept beside the event and read by people. Missing
is what is absent or null. Only top-level properties are looked at: what stands inside an object or a list is the
client's own, but for `enum`, which holds for each element of a list. A property that nobody declared fits. Nothing is
raised, whatever a client sends; an event that fits costs a look at each declared property. Pure.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tactful.values import FIRST_US, LAST_US, SECOND_US, format_time, parse_time, read_time

MAX_WHOLE = 2**53
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


class PropertyRule(Struct, frozen=True):
    type: str = "anything"
    """`number`, `text`, `boolean`, `time`, `list`, `object` or `anything`."""
    required: bool = False
    choices: tuple[float | str, ...] = ()
    """The only values that it may have; none: any. Of anything but a number they are texts."""
    is_personal: bool = False


class EventRule(Struct, frozen=True):
    name: str
    is_server_only: bool = False
    properties: Mapping[str, PropertyRule] = {}


class Misfit(Struct, frozen=True):
    """`code` is `required`, `type` or `choice`; `field` the property; `message` a sentence for people."""

    code: str
    field: str
    message: str


def fit(rule: EventRule, properties: dict[str, Any], *, mends: bool) -> tuple[dict[str, Any], tuple[Misfit, ...]]:
    """The properties, and what does not fit. With `mends` what can be mended without a guess is, in a copy: "12.50" is
    a number, 5 a text, "true" a boolean, an `enum` value in other case the declared one; the rest stays as it is."""
    misfits: list[Misfit] = []
    mended = properties
    for name, one in rule.properties.items():
        value = properties.get(name)
        if value is None:
            if one.required:
                misfits.append(Misfit("required", name, f"{name} is missing"))
            continue
        if _FITS[one.type](value) and (not one.choices or _is_chosen(value, one.choices)):
            continue
        found = _mended(value, one) if mends else None
        if found is not None:
            mended = {**properties} if mended is properties else mended
            mended[name] = found
        else:
            misfits.append(_misfit(name, value, one))
    return mended, tuple(misfits)


def personal(rule: EventRule) -> frozenset[str]:
    """Names of the properties that hold personal data."""
    return frozenset([name for name, one in rule.properties.items() if one.is_personal])


def without_personal(rule: EventRule | None, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of somebody who is not to be known: properties that are declared, and not as personal. What
    nobody declared may be anybody's address; of an event without a rule nothing is left."""
    if rule is None:
        return {}
    kept = rule.properties
    return {name: value for name, value in properties.items() if name in kept and not kept[name].is_personal}


# ---- what fits -------------------------------------------------------------------------------------------------------


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int


def _is_time(value: object) -> bool:
    """As expressions read it (LANGUAGE.md 3.2): a text in ISO 8601, or seconds since 1970."""
    if type(value) is str:
        return read_time(value) is not None
    return (type(value) is int or type(value) is float) and FIRST_US <= value * SECOND_US <= LAST_US


_FITS: Mapping[str, Callable[[object], bool]] = {
    "number": _is_number,
    "text": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "time": _is_time,
    "list": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
    "anything": lambda value: True,
}
_NOUNS = {
    "number": "a number",
    "text": "a text",
    "boolean": "true or false",
    "time": "a time (ISO 8601, or seconds since 1970)",
    "list": "a list",
    "object": "an object",
}


def _is_chosen(value: object, choices: tuple[float | str, ...]) -> bool:
    if type(value) is list:
        return all([_is_chosen(one, choices) for one in value])
    return value in choices or _as_text(value) in choices


def _misfit(name: str, value: object, rule: PropertyRule) -> Misfit:
    if not _FITS[rule.type](value):
        return Misfit("type", name, f"{name} is not {_NOUNS[rule.type]}")
    shown = ", ".join([str(_as_text(one)) for one in rule.choices])
    return Misfit("choice", name, f"{name} is none of {shown}")


# ---- mending ---------------------------------------------------------------------------------------------------------


def _mended(value: object, rule: PropertyRule) -> object:
    """A value that fits; None where there is none to be had without a guess."""
    if not _FITS[rule.type](value):
        value = _MENDS[rule.type](value) if rule.type in _MENDS else None
    if value is None or not rule.choices or _is_chosen(value, rule.choices):
        return value
    return _chosen(value, rule.choices)


def _chosen(value: object, choices: tuple[float | str, ...]) -> object:
    """The declared value that is the same but for case and space around it, where it is one alone."""
    if type(value) is list:
        found = [one if _is_chosen(one, choices) else _chosen(one, choices) for one in value]
        return None if None in found else found
    if type(value) is not str:
        return None
    folded = value.strip().casefold()
    meant = [one for one in choices if type(one) is str and one.strip().casefold() == folded]
    return meant[0] if len(meant) == 1 else None


def _as_number(value: object) -> float | None:
    if type(value) is not str or _NUMBER.fullmatch(text := value.strip()) is None:
        return None
    number = float(text)
    return int(number) if "." not in text and abs(number) <= MAX_WHOLE else number


def _as_text(value: object) -> str | None:
    """As JSON writes it; a whole number without a point."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int and abs(value) <= MAX_WHOLE:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) <= MAX_WHOLE else repr(value)
    return None


def _as_boolean(value: object) -> bool | None:
    text = _as_text(value)
    return None if text is None else _BOOLEANS.get(text.strip().lower())


def _as_time(value: object) -> str | None:
    """ISO 8601 also has weeks and times without colons, which expressions do not read."""
    at = parse_time(value.strip()) if type(value) is str else None
    return format_time(at) if at is not None and FIRST_US <= at <= LAST_US else None


_MENDS: Mapping[str, Callable[[object], object]] = {
    "number": _as_number,
    "text": _as_text,
    "boolean": _as_boolean,
    "time": _as_time,
}
