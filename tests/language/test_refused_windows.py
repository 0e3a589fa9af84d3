"""Windows, sequences, sessions and what is asked of the person, said wrongly."""

import pytest

from tests.language.refused import Row, refused

# The text; below it a caret under the mistake; what is said; what is proposed.
REFUSED: list[Row] = [
    # windows
    (
        'any("A", last=7)',
        "              ^",
        "last= is a duration in quotes",
        'write last="7d" for days (s, m, h, d or w)',
    ),
    ('any("A", last=7d)', "              ^", "7d is not a number", 'write "7d"'),
    (
        'any("A", last="2 months")',
        "              ^",
        '"2 months" is no duration',
        'months and years have no fixed length: write "60d"',
    ),
    ('any("A", last="7 days")', "              ^", '"7 days" is no duration', 'write "7d"'),
    (
        'any("A", last="soon")',
        "              ^",
        '"soon" is no duration',
        'write a whole number and one of s, m, h, d, w: "30d"',
    ),
    (
        'any("A", last="0d")',
        "              ^",
        '"0d" is no duration',
        'write a whole number and one of s, m, h, d, w: "30d"',
    ),
    (
        'any("A", last="9999w")',
        "              ^",
        '"9999w" is longer than a hundred years',
        "without last= all time counts",
    ),
    (
        'any("A", last=("9d", "8d"))',
        "              ^",
        "last= is a duration in quotes",
        'two distances from now are between=("60d", "30d")',
    ),
    (
        'any("A", between="9d")',
        "                 ^",
        "between= is two durations, from the older to the newer",
        'write between=("60d", "30d"): from 60 to 30 days ago',
    ),
    (
        'any("A", between=("9d", "8d", "7d"))',
        "                 ^",
        "between= is two durations, from the older to the newer",
        'write between=("60d", "30d"): from 60 to 30 days ago',
    ),
    (
        'any("A", between=("8d", "9d"))',
        "                 ^",
        "between= stands the wrong way round: the older one comes first",
        'write between=("9d", "8d")',
    ),
    (
        'any("A", between=("9d", "9d"))',
        "                 ^",
        "between= from and to are the same, so that nothing lies between",
        "write the older one first",
    ),
    ('any("A", between=("9d", "0d"))', "                        ^", "between= ends before now", 'write last="9d"'),
    (
        'count("A", last="7d") > 5000',
        "^",
        "a count in a window is kept exactly up to 4,096",
        "compare with a smaller number",
    ),
    (
        'count("A", same=x) > 5000',
        "^",
        "a count per value is kept exactly up to 4,096",
        "compare with a smaller number",
    ),
    # sequences
    (
        'sequence("A")',
        "^",
        "a sequence has two steps or more",
        'write sequence("Product Viewed", "Product Added", not "Order Completed", within="2h")',
    ),
    (
        'sequence(["A", "B"])',
        "^",
        "a sequence has two steps or more",
        "a list is one step, any of its events; write the steps one by one",
    ),
    (
        'sequence("A", "B", "2h")',
        "                   ^",
        "a step of a sequence is an event",
        'for the time between the steps write within="2h"',
    ),
    (
        'sequence("A", any("B"))',
        "              ^",
        "a step of a sequence is an event",
        'write the event: "Order Completed", or event("Order Completed", where=...)',
    ),
    (
        "sequence(" + ", ".join(['"A"'] * 65) + ")",
        " " * (9 + 64 * 5) + "^",
        "a sequence has 64 steps at most",
        "ask in two sequences, with and between them",
    ),
    ('sequence("A", x == 1)', "              ^", "an event is a text in quotes", 'write "Order Completed"'),
    (
        'sequence(not "A", "B")',
        "         ^",
        "the first step of a sequence must have happened",
        "write `not` only before a later step",
    ),
    (
        'sequence("A", not not "B")',
        "              ^",
        "`not` stands twice before a step",
        "write it once, or not at all",
    ),
    (
        'sequence("A", "B", where=x == 1)',
        "                   ^",
        "sequence() has no option where=",
        'a condition stands at its step: event("...", where=x == 1)',
    ),
    (
        'sequence("A", "B", between=("2d", "1d"))',
        "                   ^",
        "sequence() has no option between=",
        "write last=",
    ),
    (
        'sequence("A", not "B", within="2h", last="2h")',
        "                                         ^",
        "what did not come within= is known only when that is over, and then last= is over too",
        "give a last= that is longer than within=, or none",
    ),
    (
        'sequence("A", event("B", last="2h"))',
        "                         ^",
        "event() has no option last=",
        "it has where=",
    ),
    (
        'sequence("A", event("B", x == 1))',
        "                         ^",
        "a condition on the event is given by name",
        "write where=x == 1",
    ),
    # sessions, the person, the moment
    ('sessions("30d") > 5', "         ^", "sessions() takes no value", 'write sessions(last="30d")'),
    ('sessions(gap="30m") > 5', "         ^", "sessions() has no option gap=", "it has last=, between="),
    (
        'session_length(last="30d") > "5m"',
        "               ^",
        "session_length() has no option last=",
        "write session_length()",
    ),
    ('now("x") > time(y)', "    ^", "now() takes no value", "write now()"),
    (
        'segment("x")',
        "        ^",
        "no segments are known here",
        "write its condition in its place, or give the project",
    ),
    ("segment(x)", "        ^", "segment() takes a name in quotes", 'write segment("x")'),
    ("score() > 1", "^", "score() takes one name", 'write score("churn") > 0.8'),
    ('score("a", "b") > 1', "           ^", "score() takes one name", 'write score("churn") > 0.8'),
    ('consents("")', "         ^", "this is no name", 'write consents("email_marketing")'),
    (
        'percentile("m")',
        "^",
        "a percentile is compared with a number",
        'write percentile("m") >= 80 for the top 20 %, < 20 for the lowest',
    ),
    (
        'percentile("m") > 80',
        "^",
        "a percentile is compared only with >= and <",
        'write percentile("m") >= 80 for the top 20 %, < 20 for the lowest',
    ),
    (
        'percentile("m") == 80',
        "^",
        "a percentile is compared only with >= and <",
        'write percentile("m") >= 80 for the top 20 %, < 20 for the lowest',
    ),
    (
        'percentile("m") >= x',
        "                   ^",
        "a percentile is compared with a number from 0 to 100",
        'write percentile("m") >= 80 for the top 20 %',
    ),
    (
        'percentile("m") >= 101',
        "                   ^",
        "a percentile is compared with a number from 0 to 100",
        'write percentile("m") >= 80 for the top 20 %',
    ),
    ('percentile("m") >= 80%', "                     ^", "there is no % in expressions", "write the number alone: 80"),
    (
        '80 < percentile("m")',
        "     ^",
        "a percentile is compared only with >= and <",
        'write percentile("m") >= 80 for the top 20 %, < 20 for the lowest',
    ),
    # functions of values
    ("len(x, y) > 3", "       ^", "len() takes one value", "write len(interests) >= 3"),
    (
        'len("abc") > 3',
        "    ^",
        "len() counts the elements of a list, and this is a text",
        "how long a text is cannot be asked",
    ),
    ("len(now()) > 3", "    ^", "len() counts the elements of a list, and this is a time", "write len(interests) >= 3"),
    ('lower(5) == "a"', "      ^", "lower() takes texts, and this is a number", 'write "5" in quotes'),
    (
        "contains(x)",
        "^",
        "contains() takes two texts: in which to look, and what for",
        'write contains(lower(city), "burg")',
    ),
    ("contains(x, 5)", "            ^", "contains() takes texts, and this is a number", 'write "5" in quotes'),
    (
        'starts_with(count("A"), "x")',
        "            ^",
        "starts_with() takes texts, and this is a number",
        'write starts_with(phone, "+49")',
    ),
    ('time("yesterday") > now()', "     ^", '"yesterday" is no time', 'write "2025-06-30" or "2025-06-30T12:00:00Z"'),
    (
        "time(1e15) > now()",
        "     ^",
        "this lies outside of the years 1 to 9999",
        "seconds since 1970, not milliseconds",
    ),
    ("time(now()) > now()", "     ^", "time() reads a text or a number, and this is a time", "it is one already"),
    (
        "time(True) > now()",
        "     ^",
        "time() reads a text or a number, and this is true or false",
        'write a text such as "2025-06-30", or seconds since 1970',
    ),
]


@pytest.mark.parametrize(("text", "caret", "message", "hint"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_refused_with_place_and_proposal(text: str, caret: str, message: str, hint: str) -> None:
    assert refused(text) == (caret, message, hint)
