"""Words, signs and names that are not of the language, most of them of another one."""

import pytest

from tests.language.refused import Row, refused

# The text; below it a caret under the mistake; what is said; what is proposed.
REFUSED: list[Row] = [
    # look-alikes of another language, or of a text processor
    ('country = "DE"', "        ^", "= does not compare", "write =="),
    ('any("A", where=total = 5)', "                     ^", "= does not compare", "write =="),
    ('country === "DE"', "        ^", "=== is not a sign of the language", "write =="),
    ('country <> "DE"', "        ^", "<> is not a sign of the language", "write !="),
    ("total => 5", "      ^", "=> is not a sign of the language", "write >="),
    ("total > = 5", "      ^", "> and = stand apart", "write >= without a space"),
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
    ('x contains "a"', "  ^", "something is missing between x and contains", 'write contains(x, "...")'),
    ('x LIKE "a%"', "  ^", "something is missing between x and LIKE", 'write contains(x, "...")'),
    ("x between 5 and 10", "  ^", "something is missing between x and between", "write 5 <= x <= 10"),
    ("x equals 5", "  ^", "something is missing between x and equals", "write x == ..."),
    ("x exists", "  ^", "something is missing between x and exists", "write x is not None"),
    ('x is not in ("a",)', "     ^", "too many words", "write not in"),
    ("x not None", "  ^", '"is" is missing', "write x is not None"),
    ("now() - time(x) > 30 days", "                     ^", "something is missing between 30 and days", 'write "30d"'),
    # shapes
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
    ("a ==", "    ^", "this cannot be read", "something is missing or too much here"),
    ("a == 007", "     ^", "a number does not start with 0", "write it without, or as a text in quotes"),
    ("a == 3j", "     ^", "3j is not a number", "write a space between them, or quotes around both"),
    ("a ** 2 > 3", "  ^", "there are no powers (**)", "write x * x"),
    ('f"x{a}" == a', "^", "there are no f-texts in expressions", 'write a plain text: "..."'),
    ('rb"x" == a', "^", 'a text has no letter before its quotes (rb"...")', 'write a plain text: "..."'),
    ("x.y(1)", "^", "only a function's name can be called", 'write count("Order Completed")'),
    ("5 % 2 == 1", "  ^", "there is no % in expressions", ""),
    ("x @ y", "  ^", "there is no @ in expressions", "texts stand in quotes"),
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
    ("a[1.5] == 1", "  ^", "in square brackets stands a text or a whole number from 0", 'write ["order id"] or [0]'),
    ('"a".b == 1', "^", "this has no parts", "only a name can have them: products[0].sku"),
    ('any("A").x == 1', "^", "the value of a function has no parts", "leave it out"),
    (
        'any("A", where=traits.x == 1)',
        "               ^",
        "inside where= there are no traits, only the event",
        "write profile.x for the person's trait, or the property's name alone",
    ),
    (
        'any("A", where=traits["a b"].c == 1)',
        "               ^",
        "inside where= there are no traits, only the event",
        "write profile[\"a b\"].c for the person's trait, or the property's name alone",
    ),
    ('any("A", where=profile == 1)', "               ^", "profile alone is no value", "write profile.name"),
]


@pytest.mark.parametrize(("text", "caret", "message", "hint"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_refused_with_place_and_proposal(text: str, caret: str, message: str, hint: str) -> None:
    assert refused(text) == (caret, message, hint)
