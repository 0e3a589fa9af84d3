"""The names of the language: functions, options, event names, reserved words (LANGUAGE.md 2, 4, 6 to 8).

One table of functions is what the checker, the completion of editors and the documentation read.
"""

import keyword
import unicodedata
from typing import Literal as OneOf

from msgspec import Struct

from tactful.events import responses

Group = OneOf["events", "steps", "sessions", "person", "moment", "values"]


class Function(Struct, frozen=True):
    """A function: how it is written, and what it is for in one line."""

    name: str
    group: Group
    arguments: tuple[str, ...]
    """As they are shown; in square brackets what may be left out."""
    options: tuple[str, ...]
    gives: str
    help: str
    example: str

    @property
    def signature(self) -> str:
        """`count(EVENT, where=, same=, last= | between=)`."""
        options = [f"{option}=" for option in self.options if option != "between"]
        if "between" in self.options:
            options[options.index("last=")] = "last= | between="
        return f"{self.name}({', '.join((*self.arguments, *options))})"

    @property
    def takes_value(self) -> bool:
        return any("VALUE" in argument for argument in self.arguments)

    @property
    def needs_value(self) -> bool:
        return "VALUE" in self.arguments


WINDOWS = ("last", "between")
OPTIONS = {
    "where": 'only events for which this condition on the event holds: where=category == "shoes"',
    "last": 'only the newest time: last="30d" (s, m, h, d or w)',
    "between": 'only between two distances from now: between=("60d", "30d")',
    "same": "counts per value and takes the greatest count: same=product_id",
    "within": 'all steps in less than this time from the first one: within="2h"',
}
"""What each option is for, in one line."""


def _of_events(name: str, arguments: str, gives: str, text: str, example: str, *more: str) -> Function:
    options = ("where", *more, *WINDOWS)
    return Function(name, "events", tuple(arguments.split()), options, gives, text, example)


def _of_person(name: str, argument: str, gives: str, text: str, example: str) -> Function:
    return Function(name, "person", (argument,), (), gives, text, example)


def _of_moment(name: str, gives: str, text: str, example: str) -> Function:
    return Function(name, "moment", (), (), gives, text, example)


def _of_values(name: str, arguments: str, gives: str, text: str, example: str) -> Function:
    return Function(name, "values", tuple(arguments.split()), (), gives, text, example)


_ALL = (
    _of_events(
        *("count", "EVENT", "number", "how many of these events there are"),
        'count("Product Viewed", where=category == "shoes", last="7d") >= 3',
        "same",
    ),
    _of_events("any", "EVENT", "true or false", "whether there is such an event", 'any("Order Completed", last="30d")'),
    _of_events(
        "sum", "EVENT VALUE", "number", "the sum of a value of these events", 'sum("Order Completed", total) > 500'
    ),
    _of_events(
        *("avg", "EVENT VALUE", "number", "the average of a value; missing where there is none"),
        'avg("Order Completed", total) >= 80',
    ),
    _of_events(
        *("min", "EVENT VALUE", "number", "the least number; missing where there is none"),
        'min("Product Viewed", price, last="30d") < 20',
    ),
    _of_events(
        *("max", "EVENT VALUE", "number", "the greatest number; missing where there is none"),
        'max("Order Completed", total) >= 300',
    ),
    _of_events(
        *("distinct", "EVENT VALUE", "number", "how many different values there are"),
        'distinct("Product Viewed", category, last="30d") >= 4',
    ),
    _of_events(
        *("first", "EVENT [VALUE]", "time or value", "when the oldest of these events was, or what it held"),
        'first("Order Completed") > "2025-01-01"',
    ),
    _of_events(
        *("latest", "EVENT [VALUE]", "time or value", "when the newest of these events was, or what it held"),
        'latest("Order Completed", currency) == "EUR"',
    ),
    _of_events(
        *("time_since", "EVENT", "duration", "how long the newest of these events is ago"),
        'time_since("Order Completed") >= "90d"',
    ),
    _of_events(
        *("active_days", "EVENT", "number", "on how many days, in the person's time zone, such an event was"),
        'active_days("*", last="30d") >= 10',
    ),
    Function(
        *("sequence", "steps", ("STEP", "STEP", "..."), ("within", "last"), "true or false"),
        "whether these events came one after the other; `not` before a step: it did not come there",
        'sequence("Product Viewed", "Product Added", not "Order Completed", within="2h")',
    ),
    Function(
        *("event", "steps", ("EVENT",), ("where",), "step", "a step of a sequence, with a condition on the event"),
        'sequence(event("$page", where=context.page.path == "/cart"), "Order Completed")',
    ),
    Function(
        *("sessions", "sessions", (), WINDOWS, "number", "how many visits began"),
        'sessions(last="30d") >= 5',
    ),
    Function(
        *("session_length", "sessions", (), (), "duration", "how long the newest visit is, first to last event"),
        'session_length() > "10m"',
    ),
    Function(
        *("avg_session_length", "sessions", (), WINDOWS, "duration", "how long a visit is on average"),
        'avg_session_length(last="90d") > "5m"',
    ),
    _of_moment("now", "time", "the moment at which the question is asked", 'now() - time(signed_up) < "30d"'),
    _of_moment("local_hour", "number", "the hour in the person's time zone, 0 to 23", "9 <= local_hour() < 18"),
    _of_moment(
        "local_weekday", "number", "the day of the week there, Monday 1 to Sunday 7", "local_weekday() in (6, 7)"
    ),
    _of_moment("local_month", "number", "the month there, 1 to 12", "local_month() == 12"),
    _of_person("segment", '"NAME"', "true or false", "whether the person is in a segment", 'segment("recent_buyers")'),
    _of_person("score", '"MODEL"', "number", "the newest score that a model gave", 'score("churn") > 0.8'),
    _of_person(
        *("percentile", '"METRIC"', "comparison", "where the person stands among all, by a metric or a model's score"),
        'percentile("spend_90d") >= 80',
    ),
    _of_person(
        *("consents", '"PURPOSE"', "true or false", "whether the person agreed to a purpose"),
        'consents("email_marketing")',
    ),
    _of_values(
        "time", "VALUE", "time", "a text (ISO 8601) or seconds since 1970 as a time", 'time(birthday) < "2007-01-01"'
    ),
    _of_values("lower", "TEXT", "text", "a text in small letters", 'lower(city) == "berlin"'),
    _of_values("len", "LIST", "number", "how many elements a list has", "len(interests) >= 3"),
    _of_values(
        "contains", "TEXT TEXT", "true or false", "whether a text has another in it", 'contains(lower(city), "burg")'
    ),
    _of_values(
        *("starts_with", "TEXT TEXT", "true or false", "whether a text starts with another"),
        'starts_with(phone, "+49")',
    ),
    _of_values(
        *("ends_with", "TEXT TEXT", "true or false", "whether a text ends with another"),
        'ends_with(email, "@shop.example")',
    ),
)
FUNCTIONS = {function.name: function for function in _ALL}
SYNONYMS = {
    **dict.fromkeys(("average", "mean"), "avg"),
    **dict.fromkeys(("total", "add"), "sum"),
    **dict.fromkeys(("exists", "has", "did", "happened", "ever", "has_event"), "any"),
    **dict.fromkeys(("minimum", "least"), "min"),
    **dict.fromkeys(("maximum", "greatest"), "max"),
    **dict.fromkeys(("unique", "count_distinct", "nunique", "count_unique"), "distinct"),
    **dict.fromkeys(("last", "newest", "most_recent", "last_event", "last_time", "last_seen"), "latest"),
    **dict.fromkeys(("oldest", "earliest", "first_time", "first_seen"), "first"),
    **dict.fromkeys(("days_since", "since", "elapsed", "time_from", "hours_since", "recency"), "time_since"),
    **dict.fromkeys(("days", "days_active", "active"), "active_days"),
    **dict.fromkeys(("funnel", "then", "followed_by", "steps", "path"), "sequence"),
    **dict.fromkeys(("session_count", "visits", "visit_count"), "sessions"),
    **dict.fromkeys(("today", "current_time", "utcnow", "current_timestamp"), "now"),
    **dict.fromkeys(("hour", "hour_of_day"), "local_hour"),
    **dict.fromkeys(("weekday", "day_of_week", "dayofweek"), "local_weekday"),
    **dict.fromkeys(("month",), "local_month"),
    **dict.fromkeys(("in_segment", "audience", "cohort", "is_in", "member", "member_of"), "segment"),
    **dict.fromkeys(("predict", "prediction", "model", "probability"), "score"),
    **dict.fromkeys(("quantile", "rank", "top", "ntile", "decile"), "percentile"),
    **dict.fromkeys(("consent", "opted_in", "has_consent", "subscribed"), "consents"),
    **dict.fromkeys(("date", "datetime", "timestamp", "to_time", "parse_time", "parse_date", "to_date"), "time"),
    **dict.fromkeys(("lowercase", "lcase", "casefold", "upper", "tolower", "toLowerCase"), "lower"),
    **dict.fromkeys(("length", "size"), "len"),
    **dict.fromkeys(
        ("includes", "like", "ilike", "matches", "match", "regex", "icontains", "search", "find"), "contains"
    ),
    **dict.fromkeys(("startswith", "begins_with", "startsWith"), "starts_with"),
    **dict.fromkeys(("endswith", "endsWith"), "ends_with"),
}
"""What other tools call a function that is there."""

EVERYTHING = "*"
"""Any track, page or screen."""
CALL_NAMES = frozenset({"$page", "$screen", "$identify", "$group", "$alias"})
NOT_EVERYTHING = frozenset({"$identify", "$group", "$alias"})
"""Event names that "*" does not mean."""
BESIDE_EVERYTHING = NOT_EVERYTHING | responses.NAMES
"""Event names that say more beside "*": those of messages are of calls as well, where another system sends them."""

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
