"""The one function that reads all events of a name: what it shares, what it takes in, and what it tells of."""

import dis

from tactful.language.check import check
from tactful.language.compile import compile_condition
from tactful.language.compiled import Fold, Reader
from tactful.language.folds import combined
from tactful.language.reader import compile_reader
from tests.language.live import DAY, HOUR, MINUTE, Happened, Numbers, Person, after, condition


def folds(*texts: str) -> list[Fold]:
    """Of a plan with these definitions."""
    numbers = Numbers()
    return list(combined(fold for text in texts for fold in compile_condition(check(text), numbers).folds).values())


def reader(*texts: str) -> Reader:
    return compile_reader(("A", "*"), folds(*texts))


def test_a_property_is_looked_up_once() -> None:
    shared = reader('any("A", where=x == "a")', 'any("A", where=x == "b")', 'sum("A", x) > 1', 'any("A", where=y > 1)')
    assert sum(one.argval == "properties" for one in dis.get_instructions(shared.read)) == 2


def test_equal_conditions_are_asked_once() -> None:
    texts = [f'any("A", where=lower(x) == "a" and y > 1, last="{days}d")' for days in (1, 2, 3)]
    seen = []

    class Watched(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            seen.append(key)
            return super().get(key, default)

    assert reader(*texts).read({}, 5, 0, 1, 5, Watched(x="A", y=2), {}) == [1, 2, 3]
    assert seen == ["x", "y"]
    seen.clear()
    assert reader(*texts).read({}, 5, 0, 1, 5, Watched(x="B", y=2), {}) == []
    assert seen == ["x"]  # Behind what decides, nothing is looked at.


def test_a_number_is_looked_at_once_and_nothing_else_passes_for_one() -> None:
    texts = ('any("A", where=x > 1)', 'any("A", where=x <= 1)', 'any("A", where=x == 1)', 'any("A", where=not x < 5)')
    rows = (
        (2, [1]),
        (1, [2, 3]),
        (1.0, [2, 3]),
        (-1, [2]),
        (7.5, [1, 4]),
        ("1", [4]),
        (None, [4]),
        (True, [4]),
        ([1], [4]),
    )
    for value, numbers in rows:
        assert sorted(Person().take(folds(*texts), Happened(5, "A", {"x": value}))) == numbers, value


def test_needs() -> None:
    assert not reader('any("A")').needs_properties and not reader('any("A")').needs_context
    assert reader('sum("A", x) > 1').needs_properties
    assert (
        reader('any("A", where=context.x == 1)').needs_context
        and not reader('any("A", where=context.x == 1)').needs_properties
    )
    assert not compile_reader(("B",), folds('sum("A", x) > 1')).needs_properties


def test_events_of_other_names_and_too_old_ones_are_not_taken_in() -> None:
    mine = folds(
        'any("A", last="1d")', 'any(["B", "C"])', 'count("*", last="2d") > limit', 'any("A", between=("3d", "2d"))'
    )
    person = Person()
    assert person.take(mine, Happened(0, "A", received=DAY - 1)) == [1, 3, 4]
    person = Person()
    assert person.take(mine, Happened(0, "A", received=DAY)) == [3, 4]
    assert person.take(mine, Happened(0, "A", received=3 * DAY)) == []
    assert person.take(mine, Happened(0, "$identify")) == []
    assert sorted(person.states) == [3, 4]


def test_an_event_before_the_window_may_have_begun_a_session_in_it() -> None:
    asked = condition('sessions(last="1h") == 0')
    events = [Happened(20 * MINUTE, received=90 * MINUTE), Happened(40 * MINUTE, received=90 * MINUTE)]
    assert not asked.holds(after(asked, events[1:]), 90 * MINUTE)
    assert asked.holds(after(asked, events), 90 * MINUTE)
    assert Person().take(asked.folds, Happened(0, received=90 * MINUTE)) == []


def test_what_changes_no_answer_is_not_told() -> None:
    """Two are not three, and three within a day are three, whether a fourth comes or not; but when they leave is known
    of the newest."""
    asked = condition('count("A", last="1d") >= 3')
    person = Person()
    told = [person.take(asked.folds, Happened(at * HOUR), at) for at in range(1, 6)]
    assert told == [[], [], [1], [], []]
    assert asked.next_change(person, 5 * HOUR) == 27 * HOUR
    assert person.take(asked.folds, Happened(4 * HOUR, received=6 * HOUR), 7) == [1]  # Late ones are, to be sure.
    told = [person.take(asked.folds, Happened(28 * HOUR + at), 8 + at) for at in range(3)]
    assert told == [[1], [1], []]  # By then only one was left.
    assert Person().take(folds('any("A")', 'latest("A") > "2025-01-01"'), Happened(1)) == [1]


def test_events_of_one_instant_and_out_of_order_end_in_the_same_state() -> None:
    asked = condition('count("A", last="1d") >= 3 or count("A") >= 2')
    events = [(5, 3), (5, 1), (2, 2), (9, 4), (9, 7), (1, 6), (5, 5)]
    person, other = Person(), Person()
    for at, place in events:
        person.take(asked.folds, Happened(at, received=20), place)
    for at, place in sorted(events, reverse=True):
        other.take(asked.folds, Happened(at, received=20), place)
    assert person.states == other.states


def test_a_sequence_takes_the_steps_that_the_event_fits() -> None:
    asked = condition('sequence(event("A", where=x == 1), event(["A", "B"], where=x >= 1), not "C")')
    person = Person()
    assert person.take(asked.folds, Happened(1, "A", {"x": 0})) == []
    assert person.take(asked.folds, Happened(2, "B", {"x": 1})) == [1]
    assert not asked.holds(person, 5)
    person.take(asked.folds, Happened(3, "A", {"x": 1}), 3)
    person.take(asked.folds, Happened(4, "A", {"x": 2}), 4)
    assert asked.holds(person, 5)
    person.take(asked.folds, Happened(5, "C"), 5)
    assert not asked.holds(person, 5)
