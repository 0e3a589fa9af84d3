"""The names of the language: functions, options, event names, reserved words (LANGUAGE.md 2, 4, 6 to 8)."""

import keyword
import unicodedata

FUNCTIONS = {"count": ("where", "last"), "any": ("where", "last")}
"""Functions over events that this version has, with their options."""

OPTIONS_TO_COME = frozenset({"same", "between"})
FUNCTIONS_TO_COME = frozenset(
    {
        *("sum", "avg", "min", "max", "distinct", "first", "latest", "time_since", "active_days", "event", "sequence"),
        *("sessions", "session_length", "avg_session_length", "now", "local_hour", "local_weekday", "local_month"),
        *("segment", "score", "percentile", "consents"),
        *("time", "lower", "len", "contains", "starts_with", "ends_with"),
    }
)
"""Defined in LANGUAGE.md, refused as "not available yet" by this version: never a wrong answer."""

EVERYTHING = "*"
"""Any track, page or screen."""
CALL_NAMES = frozenset({"$page", "$screen", "$identify", "$group", "$alias"})
NOT_EVERYTHING = frozenset({"$identify", "$group", "$alias"})
"""Event names that "*" does not mean."""

ROOTS = frozenset({"traits", "properties", "context", "profile"})
WORDS = frozenset({"and", "or", "not", "in", "is", "None", "True", "False"})
LOOK_ALIKES = {
    "true": "True",
    "TRUE": "True",
    "false": "False",
    "FALSE": "False",
    "null": "None",
    "NULL": "None",
    "none": "None",
    "NONE": "None",
    "nil": "None",
    "undefined": "None",
    "AND": "and",
    "And": "and",
    "OR": "or",
    "Or": "or",
    "NOT": "not",
    "Not": "not",
    "IN": "in",
    "IS": "is",
}
"""Names that mean a word of the language nearly always; such a trait is written traits["true"]."""


def is_plain(name: str) -> bool:
    """Whether the name can stand as it is. Python reads a name in its NFKC form, so another form needs brackets."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and name not in LOOK_ALIKES
        and unicodedata.normalize("NFKC", name) == name
    )
