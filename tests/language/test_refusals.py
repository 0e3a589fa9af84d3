"""What is refused, by name, with the caret where the mistake is and a proposal."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.language.check import Scope, check
from tactful.language.compile import compile_condition, compile_value
from tactful.language.mistakes import Mistake, definition_error

# The text; below it a caret under the mistake; what is said; what is proposed.
REFUSED = [
    # look-alikes of another language, or of a text processor
    ('country = "DE"', "        ^", "= does not compare", "write =="),
    ('any("A", where=total = 5)', "                     ^", "= does not compare", "write =="),
    ('country === "DE"', "        ^", "=== is not a sign of the language", "write =="),
    ('country <> "DE"', "        ^", "<> is not a sign of the language", "write !="),
    ("total => 5", "      ^", "=> is not a sign of the language", "write >="),
    ("total ≥ 5", "      ^", "≥ is not a sign of the language", "write >="),
    ("a && b", "  ^", "&& is not a sign of the language", "write and"),
    ("a || b", "  ^", "|| is not a sign of the language", "write or"),
    ("!a", "^", "! is not a sign of the language", "write not"),
    ("a AND b", "  ^", "AND is not a word of the language", "write and"),
    ("a OR b", "  ^", "OR is not a word of the language", "write or"),
    ("NOT a", "^", "NOT is not a word of the language", "write not"),
    ("a == true", "     ^", "true is not a word of the language", "write True"),
    ("a is null", "     ^", "null is not a word of the language", "write None"),
    ("country == “DE”", "           ^", "“ is not a quote that is understood here", 'write straight quotes: "..."'),
    ("country == ´DE´", "           ^", "´ is not a quote that is understood here", 'write straight quotes: "..."'),
    ("a\u00a0== 1", " ^", "a special space (U+00A0)", "write an ordinary space"),
    # refused by name in LANGUAGE.md 2
    ("a == None", "     ^", "nothing equals None, not even None", 'write "is None"'),
    ("a != None", "     ^", "nothing equals None, not even None", 'write "is not None"'),
    ("None == a", "^", "nothing equals None, not even None", 'write "is None"'),
    ("a < None", "    ^", "nothing equals None, not even None", "compare with a value"),
    ('a in ("DE")', "      ^", 'a comma is missing: "in" looks into a list', 'write in ("DE",), or == "DE"'),
    ("a in 5", "     ^", '"in" looks into a list', "write in (5,)"),
    ('a in ("DE" "AT")', "           ^", "a comma is missing between two texts", 'write "DE", "AT"'),
    ("a == \"DE\" 'AT'", "          ^", "a comma is missing between two texts", "write \"DE\", 'AT'"),
    ("a ** 2 > 3", "  ^", "there are no powers (**)", "write x * x"),
    ('f"x{a}" == a', "^", "there are no f-texts in expressions", 'write a plain text: "..."'),
    ('rb"x" == a', "^", 'a text has no letter before its quotes (rb"...")', 'write a plain text: "..."'),
    ("5", "^", "a number is no condition", "compare it with something"),
    ("a and 5", "      ^", "a number is no condition", "compare it with something"),
    ('count("A")', "^", "a number is no condition", "compare it: count(...) >= 1"),
    ('not count("A")', "    ^", "a number is no condition", "compare it: count(...) >= 1"),
    (
        'plan == "a" or "b"',
        "               ^",
        "a text is no condition",
        'write the whole comparison: plan == "a" or plan == "b"',
    ),
    ("a is 5", "     ^", '"is" compares only with None', "write == for anything else"),
    # shapes
    ("", "^", "the expression is empty", 'write a condition such as any("Order Completed", last="30d")'),
    ("a) or (b", " ^", "this ) closes nothing", "remove it, or open a bracket before"),
    ("(a", "^", "this ( is never closed", "add )"),
    ("x[0)", "   ^", "this ) does not close [", "write ]"),
    ('a == "DE', "     ^", "this text is not closed", 'add " at its end, on the same line'),
    ('a == "\\d"', "      ^", "\\d means nothing in a text", "for a backslash itself write \\\\d"),
    ("a b", "  ^", "something is missing between a and b", "write an operator such as == or and, or a comma"),
    ("a if b else c", "  ^", 'there is no "if" in expressions', "write conditions with and, or, not"),
    ("[x for x in y]", "   ^", 'there is no "for" in expressions', "write conditions with and, or, not"),
    ("(lambda: 1)()", " ^", 'there is no "lambda" in expressions', "write conditions with and, or, not"),
    ("a := 1", "  ^", "nothing can be set in an expression (:=)", "compare with =="),
    ('{"a": 1}', "^", "there are no curly brackets in expressions", 'a list stands in round brackets: ("DE", "AT")'),
    ("x[0:1] == 1", "   ^", ": is not a sign of the language", "texts stand in quotes"),
    ("any(*a)", "    ^", "there is no * before a value", "write the values one by one"),
    ("+a > 1", "^", "a number has no + before it", "leave the + out"),
    ("a ==", "    ^", "this cannot be read", "something is missing or too much here"),
    ("a == 007", "     ^", "a number does not start with 0", "write it without, or as a text in quotes"),
    ("a == 1e999", "     ^", "this number is too large", "numbers are doubles, up to 1.7e308"),
    ("a == 3j", "     ^", "3j is not a number", "write a space between them, or quotes around both"),
    ('a == "\\ud800"', "     ^", "half a character (a surrogate) in a text", "write the whole character"),
    ("a == 1\x00", "      ^", "a character that cannot stand in an expression (U+0000)", "remove it"),
    ("a in ([1], 2)", "      ^", "a list cannot stand in a list", "lists equal nothing; write its elements"),
    (
        "a in (None, 2)",
        "      ^",
        "None equals nothing, so it cannot be found in a list",
        "write x is None or x in (...)",
    ),
    # names
    (
        'class == "x"',
        "^",
        '"class" cannot be used as a name here',
        'write traits["class"], or properties["class"] inside where=',
    ),
    ('a.from == "x"', "  ^", '"from" cannot be used as a name here', 'write ["from"] instead of .from'),
    ('a.None == "x"', "  ^", '"None" cannot be used as a name here', 'write ["None"] instead of .None'),
    (
        "ﬁrst == 1",
        "^",
        "ﬁrst has characters that have more than one form",
        'write traits["ﬁrst"], or properties["ﬁrst"] inside where=',
    ),
    (
        "first-name == 1",
        "     ^",
        "arithmetic is not available yet",
        'for the name first-name write traits["first-name"]',
    ),
    ("$a == 1", "^", "a name cannot start with $", 'event names stand in quotes: any("$identify")'),
    (
        "properties.x == 1",
        "^",
        "properties belongs to an event",
        'write it inside where=: any("...", where=properties.x == 1)',
    ),
    ("context.ip == 1", "^", "context belongs to an event", 'write it inside where=: any("...", where=context.x == 1)'),
    ("traits", "^", "traits alone is no value", "write traits.name"),
    ("traits[0] == 1", "^", "traits is no list", 'write traits["0"]'),
    ("a[b] == 1", "  ^", "in square brackets stands a text or a whole number from 0", 'write ["order id"] or [0]'),
    ("a[-1] == 1", "  ^", "in square brackets stands a text or a whole number from 0", 'write ["order id"] or [0]'),
    ('any("A").x == 1', "^", "the value of a function has no parts", ""),
    (
        'any("A", where=traits.x)',
        "               ^",
        "inside where= there are no traits, only the event",
        "write the property's name alone",
    ),
    (
        'any("A", where=profile.x == y)',
        "               ^",
        "profile. inside where= is not available yet",
        "write that part outside where=",
    ),
    # functions
    ('cuont("A") > 1', "^", "there is no function cuont()", 'did you mean "count"?'),
    ('Count("A") > 1', "^", "there is no function Count()", 'did you mean "count"?'),
    ('sum("A", total) > 1', "^", "sum() is not available yet", "this version has count and any"),
    ('sequence("A", "B")', "^", "sequence() is not available yet", "this version has count and any"),
    ("now() > a", "^", "now() is not available yet", "this version has count and any"),
    ('a.startswith("x")', "^", "only a function's name can be called", 'write count("Order Completed")'),
    (
        'any("A", where=any("B"))',
        "               ^",
        "any() cannot stand inside where=",
        "where= looks at one event; combine outside, with and",
    ),
    ("any()", "^", "any() needs an event", 'write any("Order Completed"), or any("*") for any'),
    ("any(Order)", "    ^", "an event is a text in quotes", 'write "Order"'),
    ('any("A", "B")', "         ^", "any() takes one event, or a list", 'write any(["A", "B"])'),
    ('count("A", total) > 1', "           ^", "count() takes no value", "a condition on the event goes into where="),
    ("any([])", "    ^", "the list of events is empty", 'write "*" for any event'),
    ('any(" ")', "    ^", "an event's name is empty", 'write "*" for any event'),
    ('any("$identity")', "    ^", "there is no event $identity", 'did you mean "$identify"?'),
    (
        'any("Order*")',
        "    ^",
        "there are no patterns in event names (Order*)",
        'write "*" alone for any event, or a list of names',
    ),
    ('any("A", lsat="7d")', "         ^", "any() has no option lsat=", 'did you mean "last="?'),
    (
        'any("A", country="DE")',
        "         ^",
        "any() has no option country=",
        'a condition on the event goes into where=: where=country == "DE"',
    ),
    ('any("A", last="7d", last="8d")', "                    ^", "last= is given twice", "give it once"),
    (
        'any("A", last="7d", between=("9d", "8d"))',
        "                    ^",
        "last= and between= cannot be given together",
        "choose one window",
    ),
    (
        'any("A", between=("9d", "8d"))',
        "         ^",
        "between= is not available yet",
        "this version has where= and last=",
    ),
    ('count("A", same=x) > 1', "           ^", "same= is not available yet", "this version has where= and last="),
    ('any("A", **x)', "         ^", "there are no powers (**)", "write x * x"),
    ('any("A", last=7)', "              ^", "last= is a duration in quotes", 'write last="30d" (s, m, h, d or w)'),
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
        'any("A", last="9999w")',
        "              ^",
        '"9999w" is longer than a hundred years',
        "without last= all time counts",
    ),
    (
        'any(last="7d", "A")',
        "                  ^",
        "options stand after the event",
        'write count("Order Completed", last="30d")',
    ),
    ('count("A") > 5000', "^", "a count is kept exactly up to 4,096", "compare with a smaller number"),
    ("a + 1 > 2", " ^", "arithmetic is not available yet", "compare with a number instead"),
    ("-a > 2", "^", "arithmetic is not available yet", "compare with a number instead"),
    ('-"a" > 2', "^", "only a number can be negative, not a text", ""),
    # several lines, and characters of several bytes before the mistake
    ('größe == "ä" and\n  x = 1', "    ^", "= does not compare", "write =="),
    ('größe == "ä" and 5', "                 ^", "a number is no condition", "compare it with something"),
]


@pytest.mark.parametrize(
    ("text", "caret", "message", "hint"), REFUSED, ids=[case[0][:30] or "empty" for case in REFUSED]
)
def test_refused_with_place_and_proposal(text: str, caret: str, message: str, hint: str) -> None:
    with pytest.raises(Mistake) as caught:
        check(text)
    (problem,) = definition_error(caught.value, text).problems
    assert (problem.message, problem.hint) == (message, hint)
    assert " " * (problem.place.column - 1) + "^" == caret


def test_the_message_as_it_is_printed() -> None:
    text = 'any("A")\n  and country = "DE"'
    with pytest.raises(Mistake) as caught:
        check(text)
    assert str(definition_error(caught.value, text)) == (
        '<expression>:2:15: = does not compare\n      and country = "DE"\n                  ^\n    write =='
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('country != "DE"', ["this includes people without country"]),
        ('country != "DE" and country is not None', []),
        ('country not in ("DE", "AT")', ["this includes people without country"]),
        ('any("A", where=x != 1)', []),
        ('signed_up > "2025-03-01"', ["this looks like a date and is compared as a text, letter by letter"]),
        ('count("A") >= 0', ["this is always true"]),
        ('count("A") < 0 or any("B")', ["this is always false"]),
        ('count("A") == 1.5', ["this is always false"]),
        ('count("A") == "3"', ["this is always false"]),
        ('count("A") is None', ["this is always false"]),
        ('not any("A", where=1 == 2)', ["this is always false"]),
        ("x < True", ["this is always false"]),
        ("True", []),
        ('1 <= count("A") <= 3 and x', []),
    ],
)
def test_warnings(text: str, said: list[str]) -> None:
    assert [remark.message for remark in check(text).warnings] == said


@pytest.mark.parametrize(
    "text",
    [
        "x" + ".x" * 60,
        "(" * 51 + "x" + ")" * 51,
        "not " * 60 + "x",
        "-" * 3000 + "1 == x",
        "not " * 900 + "x",
        "x" + "[0]" * 900,
        "x == " + "9" * 3900,
        "x" * 5000,
        "x and " * 700 + "x",
        "x < " * 900 + "x",
        "\ud800 == 1",
        "a\n\n\n#",
        "\\\n",
        "#",
    ],
)
def test_long_and_deep_texts_are_read_or_refused(text: str) -> None:
    try:
        checked = check(text)
    except Mistake:
        return
    compile_condition(checked, hash).holds({}, {"x": 1}, 0)


def test_fifty_levels_are_enough() -> None:
    assert check("not " * 49 + "x").canonical
    with pytest.raises(Mistake, match="deeper than 50"):
        check("not " * 50 + "x")
    assert check("x == '" + "a" * 3993 + "'").canonical
    with pytest.raises(Mistake, match="longer than 4,000"):
        check("x == '" + "a" * 3994 + "'")


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "count",
                "any",
                "(",
                ")",
                "[",
                "]",
                ",",
                ".",
                "=",
                "==",
                "!=",
                "<",
                "<=",
                "in",
                "not",
                "and",
                "or",
                "is",
                "None",
            ),
            *(
                "True",
                "x",
                "traits",
                "context",
                "properties",
                "where=",
                "last=",
                '"7d"',
                '"A"',
                "'",
                '"',
                "\\",
                "\n",
                "#",
                " ",
            ),
            *(
                "1",
                "-",
                "+",
                "*",
                "/",
                "**",
                "0x",
                "1e5",
                "ß",
                "é",
                "if",
                "lambda",
                "f",
                "{",
                "}",
                ":",
                ":=",
                "@",
                "\x0c",
                "\r",
            ),
        ]
    ),
    max_size=25,
).map(" ".join)


@settings(max_examples=1500, deadline=None)
@given(
    text=st.one_of(st.text(max_size=60), pieces, pieces.map(lambda text: text.replace(" ", ""))),
    scope=st.sampled_from(["person", "event"]),
)
@example("x == 1 if", "person")
@example("1if x", "person")
@example("x.\n# a\ny", "person")
@example("'\\\n'", "person")
def test_random_texts_are_read_or_refused(text: str, scope: Scope) -> None:
    try:
        checked = check(text, "value", scope)
    except Mistake as mistake:
        error = definition_error(mistake, text)
        assert isinstance(error, DefinitionError)
        (problem,) = error.problems
        assert 1 <= problem.place.line <= text.count("\n") + 1
        assert 1 <= problem.place.column <= len(text) + 1
        return
    assert check(checked.canonical, "value", scope).canonical == checked.canonical
    if scope == "person":
        compile_value(checked, lambda spec: hash(spec.canonical())).value({}, {}, 0)
