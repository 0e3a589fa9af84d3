"""Functions with the wrong name, arguments or options."""

import pytest

from tests.language.refused import Row, refused

# The text; below it a caret under the mistake; what is said; what is proposed.
REFUSED: list[Row] = [
    # functions: names
    ('cuont("A") > 1', "^", "there is no function cuont()", 'did you mean "count"?'),
    ('Count("A") > 1', "^", "there is no function Count()", 'did you mean "count"?'),
    (
        'average("A", total) > 1',
        "^",
        "there is no function average()",
        'here it is called avg(): avg("Order Completed", total) >= 80',
    ),
    (
        'exists("A")',
        "^",
        "there is no function exists()",
        'here it is called any(): any("Order Completed", last="30d")',
    ),
    (
        "today() > time(x)",
        "^",
        "there is no function today()",
        'here it is called now(): now() - time(signed_up) < "30d"',
    ),
    (
        'frobnicate("A")',
        "^",
        "there is no function frobnicate()",
        "over events there are count, any, sum, avg, min, max, distinct, first, latest, time_since, active_days",
    ),
    ('name.startswith("x")', "^", "only a function's name can be called", 'write starts_with(name, "x")'),
    (
        'latest("A").total > 3',
        "^",
        "the value of a function has no parts",
        'a value of the event stands inside: latest("A", total)',
    ),
    (
        'any("A", where=any("B"))',
        "               ^",
        "any() cannot stand inside where=",
        "where= looks at one event; combine outside, with and",
    ),
    (
        'any("A", where=now() > time(x))',
        "               ^",
        "now() cannot stand inside where=",
        "where= looks at one event; combine outside, with and",
    ),
    (
        'any("A", where=segment("x"))',
        "               ^",
        "segment() cannot stand inside where=",
        "where= looks at one event; combine outside, with and",
    ),
    (
        'event("A")',
        "^",
        "event() is only a step of a sequence",
        'elsewhere the condition goes into where=: any("...", where=...)',
    ),
    # functions: events
    ("any()", "^", "any() needs an event", 'write any("Order Completed"), or any("*") for any'),
    ("sum() > 1", "^", "sum() needs an event", 'write sum("Order Completed", total)'),
    ("any(Order)", "    ^", "an event is a text in quotes", 'write "Order"'),
    ('any("A", "B")', "         ^", "any() takes one event, or a list", 'write any(["A", "B"])'),
    ("any([])", "    ^", "the list of events is empty", 'write "*" for any event'),
    ('any(" ")', "    ^", "an event's name is empty", 'write "*" for any event'),
    ('any("$identity")', "    ^", "there is no event $identity", 'did you mean "$identify"?'),
    (
        'any("Order*")',
        "    ^",
        "there are no patterns in event names (Order*)",
        'write "*" alone for any event, or a list of names',
    ),
    # functions: values
    (
        'count("A", total) > 1',
        "           ^",
        "count() takes no value",
        'to add up write sum("A", total), to count per value same=total',
    ),
    ('sum("A") > 1', "^", "sum() needs a value of the event", 'write sum("A", total)'),
    (
        'sum("A", total, price) > 1',
        "                ^",
        "sum() takes one value",
        "a condition on the event goes into where=",
    ),
    ('sum("A", "total") > 1', "         ^", "a text in quotes is no property of the event", 'write sum("A", total)'),
    (
        'sum("A", "order total") > 1',
        "         ^",
        "a text in quotes is no property of the event",
        'write sum("A", properties["order total"])',
    ),
    (
        'sum("A", plan == "x") > 1',
        "         ^",
        "sum() takes numbers, and this is true or false",
        'to count them write where=plan == "x"',
    ),
    (
        'sum("A", lower(x)) > 1',
        "         ^",
        "sum() takes numbers, and this is a text",
        "write a property with numbers",
    ),
    (
        'min("A", time(x)) > 1',
        "         ^",
        "min() takes numbers, and this is a time",
        "for the newest or oldest write latest() or first()",
    ),
    (
        'distinct("A", time(x)) > 1',
        "              ^",
        "distinct() takes texts, numbers, true or false, and this is a time",
        "days with such an event are active_days()",
    ),
    (
        'count("A", same=time(x)) > 1',
        "                ^",
        "same= takes texts, numbers, true or false, and this is a time",
        "days with such an event are active_days()",
    ),
    (
        'count("A", same=None) > 1',
        "                ^",
        "count() of None is of nothing",
        "write a property of the event",
    ),
    (
        'latest("A", time("2025-01-01")) > "2025-01-01"',
        "            ^",
        "this says nothing of the event",
        "write a property of the event",
    ),
    (
        'latest("A", ("a", "b")) == "a"',
        "            ^",
        'a list stands only right of "in"',
        'write x in ("a", "b"), and numbers without commas: 1500',
    ),
    # functions: options
    ('any("A", lsat="7d")', "         ^", "any() has no option lsat=", 'did you mean "last="?'),
    (
        'any("A", country="DE")',
        "         ^",
        "any() has no option country=",
        'a condition on the event goes into where=: where=country == "DE"',
    ),
    ('any("A", event="B")', "         ^", "any() has no option event=", 'the event stands first: any("B")'),
    ('any("A", same=x)', "         ^", "any() has no option same=", "only count() has it: count(..., same=...)"),
    ('any("A", last="7d", last="8d")', "                    ^", "last= is given twice", "give it once"),
    (
        'any("A", last="7d", between=("9d", "8d"))',
        "                    ^",
        "last= and between= cannot be given together",
        "choose one window",
    ),
    ('any("A", **x)', "         ^", "there are no powers (**)", "write x * x"),
    ('any("A" last="7d")', "        ^", "a comma is missing before last=", 'write "A", last='),
    ('any("A", last: "7d")', "             ^", "an option is given with =", "write last="),
    (
        'any(last="7d", "A")',
        "                  ^",
        "options stand after the event",
        'write count("Order Completed", last="30d")',
    ),
    (
        'any("A", where="x > 5")',
        "               ^",
        "where= is a condition, not a text",
        "write it without the quotes: where=x > 5",
    ),
    ('any("A", "7d")', "         ^", "a window is given by name", 'write last="7d"'),
    ('count("A", x > 5) > 1', "           ^", "a condition on the event is given by name", "write where=x > 5"),
    ('sum("A", total, "7d") > 1', "                ^", "a window is given by name", 'write last="7d"'),
]


@pytest.mark.parametrize(("text", "caret", "message", "hint"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_refused_with_place_and_proposal(text: str, caret: str, message: str, hint: str) -> None:
    assert refused(text) == (caret, message, hint)
