"""Charts: what is drawn says what it is, links to what is behind it, and survives every number."""

import math
import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tactful.values import DAY_US, HOUR_US, MINUTE_US, parse_time
from tactful.web.console.axes import between, brief, figure, moments, scale
from tactful.web.console.charts import Bar, Series, Stage, columns, funnel, histogram, interval, lines, spark

LISBON = ZoneInfo("Europe/Lisbon")
NOON = parse_time("2025-03-29T12:00:00Z") or 0
TAGS = re.compile(r"<(/?)([a-z]+)[^>]*?(/?)>")


def is_whole(markup: Markup) -> bool:
    """Every element is closed by its own end."""
    open_: list[str] = []
    for end, name, is_empty in TAGS.findall(str(markup)):
        if end:
            if not open_ or open_.pop() != name:
                return False
        elif not is_empty:
            open_.append(name)
    return not open_


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_an_axis_holds_its_highest_value_with_few_round_numbers(highest: float) -> None:
    top, ticks = scale(highest)
    assert top >= highest * 0.999999
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert all(later > earlier for earlier, later in pairwise(ticks))


def test_a_single_moment_is_a_dot() -> None:
    drawn = str(lines([Series("this", [(NOON, 3.0)]), Series("without", [(NOON, 0.0)], "warn")], "A day", "", LISBON))
    assert 'class="line  alone" points="0.0,0.0 0.0,0.0"' in drawn
    assert 'class="line warn alone" points="0.0,168.0 0.0,168.0"' in drawn


def test_on_a_narrow_window_every_second_moment_is_left_out() -> None:
    week = [Series("people", [(at * DAY_US, 1.0) for at in range(7)])]
    assert str(lines(week, "A week", "people", ZoneInfo("UTC"))).count('class="below odd"') == 3
    assert 'class="below odd"' not in lines([Series("people", [(0, 1.0), (DAY_US, 2.0)])], "A day", "", ZoneInfo("UTC"))


@pytest.mark.parametrize("odd", [0, -3, math.nan, math.inf])
def test_an_axis_of_nothing_is_one(odd: float) -> None:
    assert scale(odd) == (1.0, [0.0, 1.0])


def test_round_numbers_lie_within() -> None:
    assert between(-1.2, 4.1) == [0, 2, 4]
    assert between(3, 3) == [3]


@pytest.mark.parametrize(
    ("value", "read"), [(0, "0"), (12500, "12,500"), (0.0341, "0.0341"), (2.5, "2.50"), (-3, "-3")]
)
def test_numbers_are_written_as_they_are_read(value: float, read: str) -> None:
    assert figure(value) == read


@pytest.mark.parametrize(
    ("value", "read"), [(500, "500"), (1500, "1,500"), (20_000, "20k"), (3_000_000, "3M"), (0.5, "0.5")]
)
def test_numbers_at_an_axis_are_brief(value: float, read: str) -> None:
    assert brief(value) == read


@given(st.integers(1, 800 * DAY_US), st.integers(0, 10**15))
def test_moments_are_few_and_lie_within(span: int, from_us: int) -> None:
    found = moments(from_us, from_us + span, LISBON)
    assert len(found) <= 9
    assert all(from_us <= at <= from_us + span for at, _ in found)


def test_days_begin_at_midnight_also_when_the_clocks_change() -> None:
    """In the night to 30 March 2025 Lisbon's day has 23 hours."""
    found = moments(NOON, NOON + 4 * DAY_US, LISBON)
    assert [text for _, text in found] == ["30 Mar", "31 Mar", "1 Apr", "2 Apr"]
    assert found[1][0] - found[0][0] == 23 * HOUR_US


def test_hours_stand_at_hours_of_the_wall() -> None:
    assert [text for _, text in moments(NOON, NOON + 5 * HOUR_US, LISBON)] == [
        "12:00",
        "13:00",
        "14:00",
        "15:00",
        "16:00",
        "17:00",
    ]


NAMES = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.floats(min_value=0, max_value=1e12)


@given(st.lists(st.builds(Bar, NAMES, NUMBERS, st.sampled_from(["", "/x?a=1&b=2"])), max_size=40), NAMES)
def test_any_bars_make_a_whole_picture(bars: list[Bar], title: str) -> None:
    for drawn in (columns(bars, title, "people"), histogram(bars, title)):
        assert is_whole(drawn)
        assert "nan" not in str(drawn).replace(str(Markup.escape(title)), "")


@given(st.lists(st.tuples(st.integers(0, 10**15), NUMBERS), max_size=30), NAMES)
def test_any_lines_make_a_whole_picture(points: list[tuple[int, float]], name: str) -> None:
    assert is_whole(lines([Series(name, sorted(points)), Series("other", [])], "Size", "people", LISBON))


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_any_interval_is_drawn(estimate: float, below: float, above: float) -> None:
    assert is_whole(interval(estimate, estimate - below, estimate + above, "Lift", "%"))


def test_what_stands_in_a_picture_is_text() -> None:
    nasty = "<script>x</script>"
    drawn = [
        columns([Bar(nasty, 1, f'"{nasty}')], nasty, nasty),
        lines([Series(nasty, [(0, 1), (DAY_US, 2)]), Series("b", [])], nasty, nasty, LISBON),
        funnel([Stage(nasty, 3, f'"{nasty}', nasty)], nasty),
        interval(1, 0, 2, nasty, nasty),
        spark([1, 2], nasty),
    ]
    for each in drawn:
        assert "<script" not in each


def test_bars_say_their_value_and_lead_on() -> None:
    drawn = str(columns([Bar("Mon", 12, "/segments/x/people?day=1"), Bar("Tue", 3)], "Entered", "people"))
    assert 'href="/segments/x/people?day=1" aria-label="Mon: 12 people"' in drawn
    assert "<title>Tue: 3 people</title>" in drawn
    assert '<th scope="row">Mon</th><td class="number"><a href="/segments/x/people?day=1">12</a></td>' in drawn
    assert 'role="group"' in drawn  # What can be reached by keys stands in no image.
    assert 'role="img"' in str(columns([Bar("Tue", 3)], "Entered"))


def test_a_funnel_says_each_share_of_the_step_before() -> None:
    drawn = str(
        funnel([Stage("Started", 200, "/a"), Stage("Sent", 50, note="after 30 min"), Stage("Bought", 0)], "Way")
    )
    assert "25%" in drawn
    assert "0%" in drawn
    assert "after 30 min" in drawn
    assert '<a href="/a">200</a>' in drawn


def test_an_effect_that_is_sure_has_a_tone() -> None:
    assert "point good" in interval(2, 1, 3, "Lift")
    assert "point bad" in interval(-2, -3, -1, "Lift")
    assert "point still" in interval(0.5, -1, 2, "Lift")


def test_nothing_to_draw_is_said() -> None:
    for drawn in (columns([], "A"), lines([], "A", "", LISBON), funnel([], "A")):
        assert "Nothing to draw yet" in drawn
    assert spark([3]) == ""


def test_a_line_is_a_table_too() -> None:
    drawn = str(
        lines([Series("in", [(NOON, 5), (NOON + MINUTE_US, 7)]), Series("out", [(NOON, 1)])], "Size", "", LISBON)
    )
    assert '<th scope="row">29 Mar 2025, 12:00:00</th><td class="number">5</td><td class="number">1</td>' in drawn
    assert '<th scope="row">29 Mar 2025, 12:01:00</th><td class="number">7</td><td class="number"></td>' in drawn
