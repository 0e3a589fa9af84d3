"""When the answer changes by itself: to the microsecond for each construct, and never unannounced."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.language import moving
from tactful.language.vocabulary import Vocabulary
from tactful.values import FIRST_US, LAST_US, Duration, Time, read_time
from tests.language.live import DAY, HOUR, MINUTE, SECOND, SHOP, Happened, Person, after, condition, valued
from tests.tries import tries

T0 = 1_740_787_200_000_000  # 2025-03-01
AT_NOON = [Happened(T0 + 12 * HOUR, "A", {"x": 3, "t": "2025-03-05"})]

EDGES: list[tuple[str, Sequence[Happened], dict[str, Any], int, list[int]]] = [
    # text, events, traits, asked at, the instants at which it changes from then on
    ('any("A", last="1d")', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('any("A", between=("2d", "1d"))', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR, T0 + 60 * HOUR]),
    ('time_since("A") >= "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('time_since("A") > "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR + 1]),
    ('time_since("A") < "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('time_since("A") <= "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR + 1]),
    ('time_since("A") == "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR, T0 + 36 * HOUR + 1]),
    ('time_since("A", last="2d") > "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR + 1, T0 + 60 * HOUR]),
    ('now() - latest("A") > "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR + 1]),
    ('now() < "2025-03-02"', [], {}, T0, [T0 + DAY]),
    ('now() <= "2025-03-02"', [], {}, T0, [T0 + DAY + 1]),
    ('"2025-03-02" < now() < "2025-03-03"', [], {}, T0, [T0 + DAY + 1, T0 + 2 * DAY]),
    ('time(x) + "1d" <= now()', [], {"x": "2025-03-01"}, T0, [T0 + DAY]),
    ('now() - time(x) >= "3d"', [], {"x": "2025-03-01T00:00:00.25"}, T0, [T0 + 3 * DAY + SECOND // 4]),
    ('now() + (now() - time(x)) > "2025-03-03"', [], {"x": "2025-03-01"}, T0, [T0 + DAY + 1]),
    ('time_since("A") + time_since("A") > "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 24 * HOUR + 1]),
    ('time_since("A") - time_since("A") == "1d"', AT_NOON, {}, T0 + 12 * HOUR, []),
    ('now() in ("2025-03-02", x)', [], {"x": "2025-03-04"}, T0, [T0 + DAY, T0 + DAY + 1, T0 + 3 * DAY, T0 + 3 * DAY + 1]),
    ("now() in x", [], {"x": ["2025-03-02", 5]}, T0, [T0 + DAY, T0 + DAY + 1]),
    ('latest("A", time(t)) > now() + "1d"', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 3 * DAY]),
    ('latest("A", last="1d") is None', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ("now() + (time(x) - time(y)) is None", [], {"x": "9999-12-31T23:59:59.999999", "y": "2025-03-02"}, T0, [T0 + DAY + 1]),
    ("local_hour() == 1", [], {}, T0, [T0 + HOUR, T0 + 2 * HOUR]),
    ("local_weekday() > 6", [], {}, T0, [T0 + DAY, T0 + 2 * DAY]),
    ("local_month() == 4", [], {}, T0, [T0 + 31 * DAY]),
    ('sum("A", x, last="1d") > 2', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('count("A", same=x, last="1d") >= 1', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('count("A", where=x > profile.y, last="1d") >= 1', AT_NOON, {"y": 2}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('sequence("A", not event("A", where=x > profile.y), within="1h")', AT_NOON, {"y": 5}, T0 + 12 * HOUR, [T0 + 13 * HOUR]),
    ('sequence("A", not "B", within="1h", last="2h")', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 13 * HOUR, T0 + 14 * HOUR]),
    ('sessions(last="1d") == 0', AT_NOON, {}, T0 + 12 * HOUR, [T0 + 36 * HOUR]),
    ('(time_since("A") > "1d") == (now() > "2025-03-05")', AT_NOON, {}, T0 + 13 * HOUR, [T0 + 36 * HOUR + 1, T0 + 4 * DAY + 1]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "events", "traits", "now", "edges"), EDGES, ids=[row[0] for row in EDGES])
def test_the_instants_of_change(
    text: str, events: Sequence[Happened], traits: dict[str, Any], now: int, edges: list[int]
) -> None:
    asked = condition(text)
    person = after(asked, events, **traits)
    holds = asked.holds(person, now)
    for edge in edges:
        for _ in range(100):  # It may be early, and is asked again then; a clock is each hour.
            following = asked.next_change(person, now)
            assert following is not None and now < following <= edge
            assert asked.holds(person, following - 1) is holds
            now = following
            if now == edge:
                break
        assert now == edge
        assert asked.holds(person, now) is not holds
        holds = not holds


def test_the_hours_that_clocks_skip_and_repeat() -> None:
    asked = condition("local_hour() == 2")
    spring, autumn = read_time("2025-03-30T00:30Z"), read_time("2025-10-25T23:30Z")
    assert spring is not None and autumn is not None
    person = Person("Europe/Berlin")
    assert asked.next_change(person, int(spring)) == spring + 30 * MINUTE
    assert not asked.holds(person, spring + 30 * MINUTE)  # Three o'clock follows one.
    assert asked.next_change(person, int(autumn)) == autumn + 30 * MINUTE
    assert asked.holds(person, autumn + 30 * MINUTE) and asked.holds(person, autumn + 89 * MINUTE)


def test_what_never_changes_by_itself_says_so() -> None:
    for text in (
        'any("A")',
        'x == 1 and sum("A", y) > 5',
        'sequence("A", "B")',
        'sequence("A", not "B")',
        'time(x) > "2025-01-01"',
        'session_length() > "1h"',
    ):
        asked = condition(text)
        assert asked.is_still, text
        assert asked.next_change(Person(), 0) is None
    assert not condition('any("A", last="1d")').is_still


def test_a_part_that_decides_alone_is_the_only_one_that_counts() -> None:
    person = after(condition('any("A", last="1d")'), [Happened(0)], country="AT")
    rows = {
        'country == "DE" and any("A", last="1d")': None,
        'country == "AT" and any("A", last="1d")': DAY,
        'country == "AT" or any("A", last="1d")': None,
        'not country == "DE" or any("A", last="1d")': None,
        'any("A", last="1d") and now() < "1970-01-01T05:00"': 5 * HOUR,
        'any("A", last="1d") or now() < "1970-01-01T05:00"': DAY,
        'not any("A", last="1d") and now() < "1970-01-01T05:00"': DAY,
        'not any("A", last="1d") or now() < "1970-01-01T05:00"': 5 * HOUR,
    }
    assert {text: condition(text).next_change(person, 1) for text in rows} == rows
    nobody = Person()
    assert condition('any("A", last="1d") and now() < "1970-01-01T05:00"').next_change(nobody, 1) is None
    assert condition('not any("A", last="1d") or now() < "1970-01-01T05:00"').next_change(nobody, 1) is None
    assert condition('not any("A", last="1d") and now() < "1970-01-01T05:00"').next_change(nobody, 1) == 5 * HOUR


def test_values_that_move_are_others_at_once() -> None:
    person = after(valued('time_since("A")'), [Happened(0)])
    assert valued("now()").next_change(person, 5) == 6
    assert valued('time_since("A")').next_change(person, 5) == 6
    assert valued('now() - time_since("A")').next_change(person, 5) is None
    assert valued('count("A", last="1d")').next_change(person, 5) == DAY


@given(
    left=st.integers(-30, 30),
    right=st.integers(-30, 30),
    speed=st.sampled_from((-3, -2, -1, 1, 2, 3)),
    op=st.sampled_from(("==", "<", "<=", ">", ">=")),
)
def test_crossing_is_the_first_instant_at_which_the_comparison_differs(
    left: int, right: int, speed: int, op: str
) -> None:
    truth = {"==": int.__eq__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}[op]
    held = [truth(left + speed * steps, right) for steps in range(100)]
    expected = next((1000 + steps for steps, now in enumerate(held) if now is not held[0]), None)
    assert moving.crossing(Time(left), Time(right), speed, moving.TRUTH[op], 1000) == expected
    assert moving.crossing(Duration(left), Time(right), speed, moving.TRUTH[op], 1000) is None


def test_the_ends_of_time() -> None:
    assert moving.passing(Time(LAST_US - 5), 1, 100) == 106
    assert moving.passing(Time(FIRST_US - 5), 1, 100) == 105
    assert moving.passing(Duration(10**18), 2, 100) == 101
    assert moving.passing(Duration(10**18), -1, 100) == 100 + 2 * 10**18 + 1
    assert moving.passing(None, 1, 100) is None


QUICK = Vocabulary(collections=SHOP.collections, gap_us=SECOND)
WINDOWS = st.sampled_from(("1s", "2s", "3s"))
NAMES = st.sampled_from(("A", "A", "A", "B"))
OPS = st.sampled_from(("<", "<=", "=="))
COUNTS = st.builds('count("{}", last="{}") >= {}'.format, NAMES, WINDOWS, st.integers(1, 3))
ATOMS = {
    "count": COUNTS,
    "all time": st.builds('count("{}") >= {}'.format, NAMES, st.integers(1, 4)),
    "between": st.builds('any("{}", between=("3s", "1s"))'.format, NAMES),
    "time_since": st.builds('time_since("{}") > "{}"'.format, NAMES, WINDOWS),
    "same": st.builds('count("{}", same=x, last="{}") >= 2'.format, NAMES, WINDOWS),
    "sum": st.builds('sum("{}", x, last="{}") > 2'.format, NAMES, WINDOWS),
    "distinct": st.builds('distinct("{}", x, last="{}") == 2'.format, NAMES, WINDOWS),
    "max": st.builds('max("{}", x, last="{}") == 1'.format, NAMES, WINDOWS),
    "active_days": st.builds('active_days("{}", last="{}") == 1'.format, NAMES, WINDOWS),
    "first": st.builds('first("{}", x, last="{}") == 1'.format, NAMES, WINDOWS),
    "latest": st.builds('latest("{}", x) + min("{}", x) > 2'.format, NAMES, NAMES),
    "now": st.builds('now() - latest("{}") {} "{}"'.format, NAMES, OPS, WINDOWS),
    "sequence": st.builds('sequence("A", "{}", within="{}", last="{}")'.format, NAMES, WINDOWS, WINDOWS),
    "absence": st.builds('sequence("A", not "{}", within="{}")'.format, NAMES, WINDOWS),
    "between steps": st.builds(
        'sequence(event("A", where=x == 1), not "B", event("A", where=x == 2), last="{}")'.format, WINDOWS
    ),
    "cart": st.sampled_from(("cart.quantity > 2", "cart.lines == 1", 'now() - cart.changed_at < "2s"')),
    "sessions": st.builds('sessions(last="{}") == 1'.format, WINDOWS),
}


def conditions(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(atoms, atoms, atoms, COUNTS, st.just("x == 1")),
        lambda parts: st.one_of(
            parts.map("not ({})".format),
            st.lists(parts, min_size=2, max_size=3).map(lambda some: f"({' and '.join(some)})"),
            st.lists(parts, min_size=2, max_size=3).map(lambda some: f"({' or '.join(some)})"),
        ),
        max_leaves=3,
    )


EVENTS = st.lists(
    st.builds(
        lambda at, late, name, x: Happened(at * SECOND // 4, name, {"x": x, "sku": x}, (at + late) * SECOND // 4),
        st.integers(0, 24),
        st.sampled_from((0, 0, 1, 2, 5)),
        NAMES,
        st.integers(1, 2),
    ),
    min_size=2,
    max_size=10,
)


@pytest.mark.parametrize("kind", ATOMS)
@settings(max_examples=tries(150), deadline=None)
@given(data=st.data(), events=EVENTS, x=st.integers(0, 1))
def test_who_looks_only_when_told_is_never_wrong(
    kind: str, data: st.DataObject, events: list[Happened], x: int
) -> None:
    """Told by the reader of events, by next_change of instants; compared with a look at each instant."""
    text = data.draw(conditions(ATOMS[kind]))
    asked = condition(text, QUICK)
    events.sort(key=lambda event: event.received or 0)
    person = Person(x=x)
    holds, wake = asked.holds(person, 0), asked.next_change(person, 0)
    for at in (quarter * SECOND // 4 + step for quarter in range(50) for step in (0, 1)):
        while wake is not None and wake <= at:
            instant = wake
            holds, wake = asked.holds(person, instant), asked.next_change(person, instant)
            assert wake is None or wake > instant
        for place, event in enumerate(events, 1):
            if event.received == at and person.take(asked.folds, event, place):
                holds, following = asked.holds(person, at), asked.next_change(person, at)
                wake = min((one for one in (wake, following) if one is not None), default=None)
        assert holds is asked.holds(person, at), at
