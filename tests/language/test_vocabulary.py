"""Names that a project declares: what is unknown, of another type, forgotten too soon, or leads in a circle."""

import pytest

from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.tree import Aggregate, InSegment, Percentile, Score, Sequence, Window, walk
from tactful.language.vocabulary import Collection, EventType, Vocabulary
from tactful.values import DAY_US
from tests.language.refused import refused, warned

ORDER = EventType(
    "Order Completed",
    {
        "total": "number",
        "currency": "text",
        "products": "list",
        "gift": "boolean",
        "paid_at": "time",
        "shipping": "object",
    },
    90 * DAY_US,
    choices={"currency": ("EUR", "USD"), "total": (1.0, 2.5)},
)
VIEWED = EventType("Product Viewed", {"sku": "text", "price": "number"})
LOGIN = EventType("Login", {})
PAGE = EventType("$page", {"section": "text"})
CART = Collection("cart", ("Product Added",), (), (), ("product", "sku"), fields=("name",))


def declared(*, is_strict: bool = True, seen: dict[str, int] | None = None) -> Vocabulary:
    return Vocabulary(
        events={one.name: one for one in (ORDER, VIEWED, LOGIN, PAGE)},
        traits={"country": "text", "age": "number", "tags": "list"},
        collections={"cart": CART},
        segment=lambda name: check("age > 3").tree,
        segments=("big_spenders",),
        metric=lambda name: check('sum("A", x)' if name == "spend" else "lower(x)", "value").tree,
        metrics=("spend", "text"),
        is_strict=is_strict,
        seen=seen,
    )


SHOP = declared()
SEEN = declared(seen={"Order Completed": 12_431, "Product Viewed": 5})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        # events
        ('any("order_completed")', 'no event "order_completed" is declared', 'did you mean "Order Completed"?'),
        ('any(["Login", "Purchase"])', 'no event "Purchase" is declared', "declare it: a file in events/"),
        ('sequence("Login", event("Viewed"))', 'no event "Viewed" is declared', 'did you mean "Product Viewed"?'),
        # properties
        ('sum("Product Viewed", prise) > 1', '"Product Viewed" has no property "prise"', 'did you mean "price"?'),
        ('any("Product Viewed", where=x == 1)', '"Product Viewed" has no property "x"', "declared are price, sku"),
        (
            'any("Product Viewed", where=country == "DE")',
            '"Product Viewed" has no property "country"',
            "for the person's trait write profile.country",
        ),
        (
            'any(["Product Viewed", "$page"], where=totl > 1)',
            'none of these events has a property "totl"',
            "declared are price, section, sku",
        ),
        # traits
        ('contry == "DE"', 'no trait "contry" is declared', 'did you mean "country"?'),
        ("big_spenders", 'no trait "big_spenders" is declared', 'for the segment write segment("big_spenders")'),
        (
            'any("Login", where=profile.x == 1)',
            'no trait "x" is declared',
            "declare it among the properties of $identify in events/",
        ),
        # types
        ("country == 5", "a text and a number are never equal", 'write "5" in quotes'),
        ("age > country", "a number and a text have no order", "compare values of one kind"),
        ('tags == "x"', "a list equals nothing", 'write "x" in tags'),
        ('"x" in country', '"in" looks into a list, and this is a text', 'write contains(country, "x")'),
        ('contains(tags, "x")', "contains() takes texts, and this is a list", 'write "x" in tags'),
        ("age", "a number is no condition", "compare it with something"),
        (
            "len(country) > 3",
            "len() counts the elements of a list, and this is a text",
            "how long a text is cannot be asked",
        ),
        ("country * 2 > 3", "a text cannot be calculated with", "calculate with numbers, times and durations"),
        ('sum("Product Viewed", sku) > 3', "sum() takes numbers, and this is a text", "write a property with numbers"),
        (
            'any("Order Completed", where=total > "5")',
            "a number and a text have no order",
            "write 5 without quotes",
        ),
        ('any("Order Completed", where=shipping == 1)', "an object equals nothing", "write one of its parts"),
        (
            'latest("Login") > age',
            "a time is compared with a number",
            'write a text such as "2025-06-30", or another time',
        ),
        # segments, metrics
        ('segment("big_spender")', 'there is no segment "big_spender"', 'did you mean "big_spenders"?'),
        ('segment("x")', 'there is no segment "x"', "add segments/x.yaml"),
        (
            'percentile("text") >= 80',
            "the metric text is a text, not a number",
            "only numbers are compared among people",
        ),
        # collections
        (
            "cart > 3",
            "cart alone is no value",
            "write one of cart.lines, cart.quantity, cart.value, cart.changed_at, cart.items",
        ),
        ("cart.line > 3", "the collection cart has no line", 'did you mean "lines"?'),
        ("cart.value.sum > 3", "cart.value has no parts", "what lies in it is cart.items"),
        ('"x" in cart.items.nam', "the items of cart have no nam", 'did you mean "name"?'),
        ('"x" in cart.items.color', "the items of cart have no color", "add it to fields: in collections/cart.yaml"),
        (
            'any("Login", where=cart.lines > 3)',
            "cart is a collection, which cannot stand inside where=",
            'combine outside, with and; the property is properties["cart"], the trait profile["cart"]',
        ),
        # retention
        (
            'any("Order Completed", last="91d")',
            "these events are forgotten after 90d",
            'write "90d", or less',
        ),
        (
            'any("Order Completed", between=("100d", "1d"))',
            "these events are forgotten after 90d",
            'write "90d", or less',
        ),
        ('any("*")', "some of these events are forgotten after 90d", 'give last="90d", or less'),
        (
            'any(["Order Completed", "Login"])',
            "some of these events are forgotten after 90d",
            'give last="90d", or less',
        ),
        (
            'sequence("Login", "Order Completed")',
            "some of these events are forgotten after 90d",
            'give last="90d", or less',
        ),
        (
            'sequence("Order Completed", not "Order Completed", within="90d")',
            "these events are forgotten before within= is over",
            "give a shorter within=",
        ),
        (
            "sessions() > 3",
            'visits are made of all events, and "Order Completed" is forgotten after a while',
            "leave its retention out, or count days: active_days()",
        ),
    ],
)
def test_refused(text: str, message: str, hint: str) -> None:
    assert refused(text, SHOP)[1:] == (message, hint)


def test_what_was_seen_is_proposed() -> None:
    assert refused('any("order completd")', SEEN)[2] == 'did you mean "Order Completed"? seen 12,431 times in 7 days'
    undeclared = Vocabulary(seen={"Order Completed": 12_431, "Order Cancelled": 3})
    assert warned('any("Order Complete")', undeclared) == [
        ('no event "Order Complete" came in 7 days', 'did you mean "Order Completed"? seen 12,431 times in 7 days')
    ]
    assert warned('any("Order Completed") and any("$identify") and any("*")', undeclared) == []


def test_without_strictness_unknown_names_are_warnings() -> None:
    lenient = declared(is_strict=False)
    text = 'any("Purchase", where=x == 1) and contry == "DE" and any("Product Viewed", where=colour == 1)'
    assert [message for message, _ in warned(text, lenient)] == [
        'no event "Purchase" is declared',
        'no trait "contry" is declared',
        '"Product Viewed" has no property "colour"',
    ]
    assert refused("country == 5", lenient)[1] == "a text and a number are never equal"


@pytest.mark.parametrize(
    "text",
    [
        'any("Login", where=anything == 1)',
        'any("$page", where=title == "Home" and section == "x")',
        'any("$group", where=name == "x")',
        'any(["Login", "Product Viewed"], where=colour == 1)',
        'any("Order Completed", where=time(paid_at) > "2025-01-01" and paid_at == "x" and gift)',
        'any("Order Completed", where=shipping.city == "x" and "a" in products.sku)',
        '"a" in cart.items.sku and cart.items[0].quantity > 1 and len(cart.items) > 2',
        "age in (1, 2)",
    ],
)
def test_what_may_be_is_not_refused(text: str) -> None:
    assert warned(text, SHOP) == []


def test_a_value_that_is_not_declared() -> None:
    assert warned('any("Order Completed", where=currency == "EURO")', SHOP) == [
        ('currency is declared as one of "EUR", "USD"', 'did you mean "EUR"?')
    ]
    assert warned('any("Order Completed", where=total in (1, 3))', SHOP) == [("total is declared as one of 1, 2.5", "")]


def test_retention_is_a_window() -> None:
    def window(text: str) -> Window | None:
        (found,) = [node for node in walk(check(text, vocabulary=SHOP).tree) if isinstance(node, Aggregate)]
        return found.selection.window

    assert window('any("Order Completed")') == Window(90 * DAY_US)
    assert window('latest("Order Completed", total) > 1') == Window(90 * DAY_US)
    assert window('any("Order Completed", last="90d")') == Window(90 * DAY_US)
    assert window('any("Login")') is None
    assert window('any(["Login", "Order Completed"], last="7d")') == Window(7 * DAY_US)
    sequence = check('sequence("Order Completed", "Order Completed")', vocabulary=SHOP).tree
    assert isinstance(sequence, Sequence) and sequence.last_us == 90 * DAY_US


def test_segments_and_metrics_are_what_they_mean() -> None:
    found = check('segment("big_spenders")', vocabulary=SHOP).tree
    assert isinstance(found, InSegment) and found.tree == check("age > 3").tree
    metric, model = (check(f'percentile("{name}") < 5', vocabulary=SHOP).tree for name in ("spend", "churn"))
    assert isinstance(metric, Percentile) and isinstance(metric.value, Aggregate)
    assert isinstance(model, Percentile) and isinstance(model.value, Score)
    assert warned('percentile("spent") >= 80', SHOP) == [
        ('there is no metric "spent"; it is taken as the name of a model', 'did you mean "spend"?')
    ]


def test_a_circle_is_told_where_it_closes() -> None:
    def circle(name: str) -> None:
        raise Mistake(0, "a circle", "write one without the other")

    vocabulary = Vocabulary(segment=circle, segments=("a",), metric=circle, metrics=("m",))
    assert refused('x and segment("a")', vocabulary) == ("              ^", "a circle", "write one without the other")
    assert refused('percentile("m") >= 5', vocabulary)[0] == "           ^"


# ---- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "caret", "message"),
    [
        (
            "x and local_hour() > 5",
            "      ^",
            "local_hour() changes for everybody at once, so it cannot be in a segment",
        ),
        ("local_weekday() == age", "^", "local_weekday() changes for everybody at once, so it cannot be in a segment"),
        ('now() > "2025-01-01"', "^", "now() alone changes for everybody at once, so it cannot be in a segment"),
        (
            '(now() > "2025-01-01") == x',
            " ^",
            "now() alone changes for everybody at once, so it cannot be in a segment",
        ),
        ("now() is None", "^", "now() alone changes for everybody at once, so it cannot be in a segment"),
        ('percentile("m") >= 5', "^", "this reads the clock, which changes for everybody at once"),
    ],
)
def test_what_the_clock_alone_decides_is_refused_in_segments(text: str, caret: str, message: str) -> None:
    vocabulary = Vocabulary(metric=lambda name: check("local_hour()", "value").tree, metrics=("m",))
    assert refused(text, vocabulary, allows_clock=False)[:2] == (caret, message)
    assert check(text, vocabulary=vocabulary).canonical


@pytest.mark.parametrize(
    "text",
    [
        'now() - time(signed_up) < "30d"',
        'now() > latest("A") + "3d"',
        'now() in (time(x), latest("A"))',
        "time(x) < now() < time(y)",
        'time_since("A") > "3d"',
    ],
)
def test_now_may_be_compared_with_times_of_the_person(text: str) -> None:
    assert check(text, allows_clock=False).canonical


def test_too_large_with_what_it_names() -> None:
    large = check(" and ".join(f"x{number} == 1" for number in range(250))).tree
    vocabulary = Vocabulary(segment=lambda name: large, segments=("s",))
    text = " or ".join(['segment("s")'] * 20)
    assert refused(text, vocabulary)[1] == "with the segments and metrics that it names, the expression is too large"
