"""What every text comes to: a tree whose canonical text means the same, or a mistake with a place."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.language.calls import Scope
from tactful.language.canonical import canonical
from tactful.language.check import check
from tactful.language.lower import lower
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.names import FUNCTIONS, OPTIONS
from tactful.language.vocabulary import Collection, Vocabulary
from tests.language.refused import refused
from tests.tries import tries

CART = Collection("cart", ("Product Added",), ("Product Removed",), ("Order Completed",), ("sku",), fields=("name",))
VIP = check('sum("Order Completed", total) > 500').tree
SPEND = check('sum("Order Completed", total, last="90d")', "value").tree
SHOP = Vocabulary(
    collections={"cart": CART},
    segment={"vip": VIP, "plain": check("is_vip").tree, "in_list": check("x in (1, 2)").tree}.get,
    segments=("in_list", "plain", "vip"),
    metric=lambda name: SPEND,
    metrics=("spend",),
)

SAME = [
    ("a < b < c", "a < b and b < c"),
    (
        'a < latest("A", x, where=1 < x < 3) < b',
        'a < latest("A", x, where=1 < x < 3) and latest("A", x, where=1 < x < 3) < b',
    ),
    ("x != 1", "not x == 1"),
    ("x not in (1, 2)", "not x in [1, 2]"),
    ("x is not None", "not x is None"),
    ("traits.x == 1", "profile.x == 1"),
    ('any(["B", "A", "A"])', 'any(("A", "B"))'),
    ('any(["*", "A", "$page"])', 'any("*")'),
    ('any("A", where=True)', 'any("A")'),
    ('any("A", last="7d")', 'any("A", last="1w")'),
    ('count("A", where=x == 1, last="1d") > 2', 'count("A", last="24h", where=properties.x == 1) > 2'),
    ('latest("A") > "2025-01-01"', 'latest("A") > time("2025-01-01T00:00:00+00:00")'),
    ("time(1735689600) > now()", 'time("2025-01-01") > now()'),
    ('latest("A", time(x)) > now()', 'time(latest("A", x)) > now()'),
    ('first("A", time(to) - time(start)) > "1h"', 'time(first("A", to)) - time(first("A", start)) > "1h"'),
    ('x in (now(), "a")', 'x == now() or x == "a"'),
    ('80 <= percentile("spend")', 'percentile("spend") >= 80.0'),
    ("x == 1.0", "x == 1"),
    ("x == -1", "x == -1.0"),
    ('not segment("in_list")', "x not in (1, 2)"),
    ('segment("vip")', 'sum("Order Completed", total) > 500'),
    ('sequence("A", not ["B"], within="60m")', 'sequence(["A"], not "B", within="1h")'),
]
DIFFERENT = [
    ('any("A", where=x == 1)', 'any("A", where=profile.x == 1)'),
    ("x == 1", 'x == "1"'),
    ("x == 1", "x == True"),
    ('any("A", last="7d")', 'any("A", between=("8d", "7d"))'),
    ('any("A")', 'any("*")'),
    ('percentile("spend") >= 80', 'percentile("churn") >= 80'),
    ("cart.lines > 1", "cart.quantity > 1"),
    ('sequence("A", "B")', 'sequence("A", "B", within="1h")'),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_meaning_has_one_canonical_text(one: str, other: str) -> None:
    assert check(one, vocabulary=SHOP).canonical == check(other, vocabulary=SHOP).canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_meanings_have_two(one: str, other: str) -> None:
    assert check(one, vocabulary=SHOP).canonical != check(other, vocabulary=SHOP).canonical


@pytest.mark.parametrize(
    "text",
    [
        *(function.example for function in FUNCTIONS.values()),
        *(one for pair in SAME for one in pair),
        'segment("plain") and segment("vip") or not segment("plain")',
        "cart.lines >= 3 and cart.value > 50 and 'shoes' in cart.items.name and cart.items[0].quantity > 1",
        'now() - cart.changed_at < "1h"',
        'any("A", where=profile.city == city and context.page["a b"] != properties["profile"][0].x)',
        'latest("A", tags) is None or "x" in latest("A", tags)',
        '-x * 2 - -3 / (y - 1) >= sum("A", price * -quantity)',
        'time(a) - "3d" > time(b) + ("1d" + "2d") and "1d" < time_since("A")',
        'now() in (time(a), "2025-01-01") and not now() in visits',
        'count("*", same=context.page.path, between=("2w", "1d")) == 3',
    ],
)
def test_a_canonical_text_means_itself(text: str) -> None:
    vocabulary = Vocabulary(
        collections=SHOP.collections,
        segment=SHOP.segment,
        segments=("in_list", "plain", "recent_buyers", "vip"),
        metric=SHOP.metric,
        metrics=("spend", "spend_90d"),
    )
    try:
        checked = check(text, "value", vocabulary=vocabulary)
    except Mistake:
        assert text.startswith("event("), "only a step stands in nothing"
        return
    assert check(checked.canonical, "value", vocabulary=vocabulary).canonical == checked.canonical


def test_the_canonical_text_changes_with_what_names_mean() -> None:
    text = 'segment("s") and percentile("m") >= 80 and cart.lines > 1 and sessions() > 2'

    def meant(**change: object) -> str:
        given: dict[str, object] = {
            "segment": lambda name: check("a == 1").tree,
            "segments": ("s",),
            "metric": lambda name: check("a", "value").tree,
            "metrics": ("m",),
            "collections": {"cart": CART},
        }
        return check(text, vocabulary=Vocabulary(**(given | change))).canonical  # type: ignore[arg-type]  # by name

    texts = {
        meant(),
        meant(segment=lambda name: check("a == 2").tree),
        meant(metric=lambda name: check("b", "value").tree),
        meant(metrics=()),
        meant(collections={"cart": Collection("cart", ("Added",), (), (), ("sku",))}),
        meant(gap_us=60_000_000),
    }
    assert len(texts) == 6
    assert meant() == meant()


# ---- lowering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lowered"),
    [
        ('any("A")', 'count("A") >= 1'),
        ('count("A", last="7d") > 2', 'count("A", last="7d") >= 3'),
        ('count("A") <= 2.5', 'not count("A") >= 3'),
        ('2 == count("A", same=x)', 'count("A", same=x) >= 2 and not count("A", same=x) >= 3'),
        ('count("A") in (1, 4)', None),
        ('count("A") >= 0', "True"),
        ('count("A") < 0', "False"),
        ('count("A") == 1.5', "False"),
        ('count("A") > 5000', 'count("A") > 5000'),
        ('time_since("A") < "7d"', 'count("A", last="7d") >= 1'),
        ('"7d" > time_since("A", last="2d")', 'count("A", last="2d") >= 1'),
        ('time_since("A", between=("9d", "2d")) < "7d"', 'count("A", between=("7d", "2d")) >= 1'),
        ('time_since("A", between=("9d", "2d")) < "2d"', "False"),
        ('time_since("A") >= "7d"', "count('A') >= 1 and (not count('A', last='1w') >= 1)"),
        ("1 + 2 * 3 == 7", "True"),
        ("x == 6 / 4", "x == 1.5"),
        ("x == 1 / 0", "False"),
        ("1 / 0 is None", "True"),
        ('"a" < "b" and x', "True and x"),
        ('not not any("A")', 'count("A") >= 1'),
        ('any("A") == True', 'count("A") >= 1'),
        ('(any("A") and any("B")) and any("C")', 'count("A") >= 1 and count("B") >= 1 and count("C") >= 1'),
        ('any("A", where=1 == 2)', "False"),
        ('sum("A", x, where=1 == 2) == 0', "True"),
        ('avg("A", x, where=1 == 2) is None', "True"),
        ('any("A", where=1 == 1)', 'count("A") >= 1'),
        ('sequence("A", event("B", where=1 == 2))', "False"),
        ('sequence("A", event("B", where=1 == 1))', 'sequence("A", "B")'),
        ('time("2025-01-02") - time("2025-01-01") == "1d"', "True"),
        ('time("2025-01-01") + "1d" == "2025-01-02"', "True"),
        ('lower("ÄB") == "äb"', "True"),
        ('now() > "2025-01-01"', 'now() > "2025-01-01"'),
    ],
)
def test_lowered(text: str, lowered: str | None) -> None:
    found = canonical(lower(check(text).tree))
    assert lowered is None or found == canonical(check(lowered).tree)


# ---- any text at all -------------------------------------------------------------------------------------------------


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
        "x and " * 600 + "x",
        "x < " * 900 + "x",
        "x != 1 or " * 390 + "x",
        "x == (" * 45 + "x" + ") == x" * 45,
        "x in (" + "now(), " * 500 + "x)",
        'latest("A", time(x)' + " + (time(x) - time(x))" * 100 + ") > now()",
        "\ud800 == 1",
        "\\\n",
        "#",
        "a == 1\x00",
    ],
)
def test_long_and_deep_texts_are_read_or_refused(text: str) -> None:
    try:
        checked = check(text)
    except Mistake:
        return
    assert checked.canonical


def test_fifty_levels_are_enough() -> None:
    assert check("not " * 49 + "x").canonical
    assert refused("not " * 50 + "x")[1] == "nested deeper than 50 levels"
    assert check("x == '" + "a" * 3993 + "'").canonical
    assert refused("x == '" + "a" * 3994 + "'")[1] == "the expression is longer than 4,000 characters"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('größe == "ä" and\n  x = 1', 2, 5, "= does not compare"),
        ('größe == "ä" and 5', 1, 18, "a number is no condition"),
        ("a\u00a0== 1", 1, 2, "a special space (U+00A0)"),
        ('a == "\\ud800"', 1, 6, "half a character (a surrogate) in a text"),
        ("a == 1\x00", 1, 7, "a character that cannot stand in an expression (U+0000)"),
        ('any("A",\r\n last="x")', 2, 7, '"x" is no duration'),
        ("", 1, 1, "the expression is empty"),
    ],
)
def test_places(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(Mistake) as caught:
        check(text)
    (problem,) = definition_error(caught.value, text).problems
    assert (problem.place.line, problem.place.column, problem.message) == (line, column, message)


def test_the_message_as_it_is_printed() -> None:
    text = 'any("A")\n  and country = "DE"'
    with pytest.raises(Mistake) as caught:
        check(text)
    assert str(definition_error(caught.value, text)) == (
        '<expression>:2:15: = does not compare\n      and country = "DE"\n                  ^\n    write =='
    )


WORDS = (
    *FUNCTIONS,
    *(f"{option}=" for option in OPTIONS),
    *(
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
        "True",
        "False",
    ),
    *(
        "x",
        "traits",
        "context",
        "profile",
        "properties",
        "cart",
        "cart.lines",
        "cart.items",
        '"7d"',
        '"A"',
        '"2025-01-01"',
    ),
    *("'", '"', "\\", "\n", "#", " ", "1", "80", "-", "+", "*", "/", "**", "0x", "1e5", "ß", "é", "if", "lambda", "f"),
    *("{", "}", ":", ":=", "@", "%", "\x0c", "\r", '"vip"', '"spend"', 'any("A")', 'latest("A")', 'time_since("A")'),
)
pieces = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
INNER = ("x", "y.z[0]", "profile.x", "context.a", "time(x)", "lower(x)", "x * 2", "time(x) - time(y)")
LEAVES = (
    *("x", "y.z", "5", "-1.5", '"a"', '"7d"', '"2025-01-01"', "True", "now()", 'latest("A")', "cart.lines", "time(x)"),
    *("cart.items.name", "cart.changed_at", 'score("m")', "local_hour()", 'segment("vip")', 'time_since("A")'),
    *(f'{name}("A", {inner})' for name in ("sum", "latest", "distinct", "first", "max") for inner in INNER),
    *(f'count("A", where={inner} == x, last="7d")' for inner in INNER),
)


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    shapes = ["({} + {})", "({} - {})", "({} * {})", "({} / {})", "({} == {})", "({} != {})", "({} < {})", "({} >= {})"]
    shapes += [
        "({} in {})",
        "({} not in ({}, x))",
        "({} < {} < 5)",
        "({} and {})",
        "({} or {})",
        "(not {} or {} is None)",
    ]
    return st.builds(str.format, st.sampled_from(shapes), parts, parts)


expressions = st.recursive(st.sampled_from(LEAVES), _larger, max_leaves=8)


@settings(max_examples=tries(1200), deadline=None)
@given(
    text=st.one_of(st.text(max_size=60), pieces, pieces.map(lambda text: text.replace(" ", "")), expressions),
    scope=st.sampled_from(["person", "event"]),
)
@example("x == 1 if", "person")
@example("1if x", "person")
@example("x.\n# a\ny", "person")
@example("'\\\n'", "person")
def test_random_texts_are_read_or_refused(text: str, scope: Scope) -> None:
    try:
        checked = check(text, "value", scope, SHOP)
    except Mistake as mistake:
        error = definition_error(mistake, text)
        assert isinstance(error, DefinitionError)
        (problem,) = error.problems
        assert 1 <= problem.place.line <= text.count("\n") + 1
        assert 1 <= problem.place.column <= len(text) + 1
        return
    again = check(checked.canonical, "value", scope, SHOP)
    assert again.canonical == checked.canonical
    assert canonical(lower(lower(checked.tree))) == canonical(lower(checked.tree))
