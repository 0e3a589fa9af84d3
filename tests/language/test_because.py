"""Reasons: each leaf with its value and the events behind it (I8)."""

from tactful.aggregates.spec import CAP
from tactful.events.derived import Group, Reading, SegmentEntered, decode_groups, encode_groups
from tactful.language.check import check
from tactful.language.vocabulary import Vocabulary
from tests.language.live import DAY, HOUR, SHOP, Happened, Person, after, condition

SEGMENTS = Vocabulary(
    segments=("buyers",),
    segment=lambda name: check('any("Order", last="1d") and country != "DE"').tree,
    metrics=("spend",),
    metric=lambda name: check('sum("Order", total) + 1', wanted="value").tree,
)


def told(text: str, person: Person, now: int, vocabulary: Vocabulary = SHOP) -> list[tuple[str, object]]:
    return [(one.text, one.value) for one in condition(text, vocabulary).because(person, now)]


def test_values_and_events() -> None:
    asked = condition('count("A", last="1d") >= 2 and (country == "DE" or n > count("B", last="2d")) and not any("C")')
    person = after(asked, [Happened(10, "A"), Happened(20, "A"), Happened(1, "B"), Happened(30, "A")], n=2)
    assert asked.because(person, 25 + DAY) == (
        Reading('count("A", last="1d") >= 2', value=False, refs=(4,)),
        Reading('country == "DE"', value=False),
        Reading("country", None),
        Reading('n > count("B", last="2d")', value=True, refs=(3,)),
        Reading("n", 2),
        Reading('count("B", last="2d")', 1, (3,)),
        Reading('any("C")', value=False),
    )


def test_what_was_written() -> None:
    person = Person(plan="a")
    assert told('country != "DE" and not plan in ("a",) and x is not None', person, 0) == [
        ('country != "DE"', True),
        ("country", None),
        ('plan in ("a",)', True),
        ("plan", "a"),
        ("x is not None", False),
        ("x", None),
    ]
    assert told('1 == 2 and any("A")', person, 0) == [("1 == 2", False)]


def test_each_construct_shows_what_it_looks_at() -> None:
    text = (
        'now() - latest("A", where=x == 1) > "1h" and cart.value > 5 and local_hour() < 5 and score("m") >= 0.5 '
        'and avg_session_length(last="7d") >= "1m" and consents("mail") and len(tags) > 1 and time_since("A") > "90m" '
        'and sequence("A", "B") and count("A", same=x) >= 1'
    )
    asked = condition(text, SHOP)
    person = after(asked, [Happened(0, "A", {"x": 1}), Happened(HOUR // 4, "B")], tags=["a", "b"])
    person.scores = {"m": 0.75}
    assert [(one.text, one.value, one.refs) for one in asked.because(person, 2 * HOUR)] == [
        ('now() - latest("A", where=x == 1) > "1h"', True, (1,)),
        ('latest("A", where=x == 1)', "1970-01-01T00:00:00.000Z", (1,)),
        ("cart.value > 5", False, ()),
        ("cart.value", 0, ()),
        ("local_hour() < 5", True, ()),
        ("local_hour()", 2, ()),
        ('score("m") >= 0.5', True, ()),
        ('score("m")', 0.75, ()),
        ('avg_session_length(last="7d") >= "1m"', True, ()),
        ('avg_session_length(last="7d")', "15m", ()),
        ('consents("mail")', False, ()),
        ("len(tags) > 1", True, ()),
        ("tags", '["a","b"]', ()),
        ('time_since("A") > "90m"', True, (1,)),
        ('sequence("A", "B")', True, (1, 2)),
        ('count("A", same=x) >= 1', True, ()),
    ]


def test_segments_and_metrics_tell_what_they_mean() -> None:
    asked = condition('segment("buyers") and percentile("spend") >= 80', SEGMENTS)
    person = after(asked, [Happened(1, "Order", {"total": 30})], country="AT")
    person.thresholds = {"spend": {80.0: 40}}
    assert [(one.text, one.value, one.refs) for one in asked.because(person, 5)] == [
        ('segment("buyers")', True, (1,)),
        ("any('Order', last='1d')", True, (1,)),
        ("profile.country != 'DE'", True, ()),
        ("profile.country", "AT", ()),
        ('percentile("spend") >= 80', False, ()),
        ("sum('Order', properties.total)", 30, ()),
    ]


def test_what_is_coarse_says_so() -> None:
    asked = condition('count("A", last="1d") > limit and any("A", last="1d")')
    person = after(asked, [Happened(at) for at in range(CAP + 600)])
    assert [one.text for one in asked.because(person, CAP)] == [
        'count("A", last="1d") > limit (coarse)',
        'count("A", last="1d") (coarse)',
        "limit",
        'any("A", last="1d") (coarse)',
    ]
    assert asked.because(person, 2 * DAY)[0].text == 'count("A", last="1d") > limit'


def test_large_values_are_shown_short() -> None:
    asked = condition("x == 1")
    for value in ("a" * 5000, ["a" * 5000], {"a": "b" * 5000}):
        (_, shown) = asked.because(Person(x=value), 0)
        assert isinstance(shown.value, str) and len(shown.value) < 300
        group = Group(1, "u:1", 0, (SegmentEntered(1, "s", "event", (shown,)),))
        assert decode_groups(encode_groups([group])) == [group]
    assert asked.because(Person(x=[1, "ä"]), 0)[1] == Reading("x", '[1,"ä"]')
