"""The country of a person: the trait, the address, the newest context; only codes count, and order does not matter."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.events.normalize import COUNTRIES, EEA
from tactful.people.countries import CountrySeen, country, see, told

CALLS = st.lists(
    st.tuples(st.sampled_from(["DE", "PT", "XX", "de", "", None, 5, ["DE"]]), st.integers(0, 3), st.integers(0, 2)), max_size=5
)  # fmt: skip


def folded(calls: list[tuple[object, int, int, int]]) -> CountrySeen | None:
    seen: CountrySeen | None = None
    for code, timestamp, received_at, ref in calls:
        seen = see(seen, code, timestamp, received_at, ref)
    return seen


@given(CALLS)
def test_the_newest_code_counts_in_any_order(calls: list[tuple[object, int, int]]) -> None:
    numbered = [(*call, ref) for ref, call in enumerate(calls)]
    codes = [call for call in numbered if isinstance(call[0], str) and call[0] in COUNTRIES]
    newest = max(codes, key=lambda call: call[1:], default=None)
    expected = CountrySeen(str(newest[0]), *newest[1:]) if newest else None
    for order in list(permutations(numbered))[:24]:
        assert folded([*order]) == expected


def test_the_halves_of_a_person_are_taken_together() -> None:
    halves = [CountrySeen("DE", 1, 1, 1), None, CountrySeen("PT", 2, 1, 2)]
    assert country("", halves) == country("", halves[::-1]) == "PT"
    assert country("FR", halves) == "FR"
    assert country("", [None]) == country("", []) == ""


@pytest.mark.parametrize(
    ("trait", "address", "code"),
    [
        ("DE", {"country": "PT"}, "DE"),
        (None, {"country": "PT"}, "PT"),
        ("Narnia", {"country": "PT"}, "PT"),
        ("de", None, ""),
        (["DE"], "PT", ""),
        (5, {"country": {}}, ""),
    ],
)
def test_what_the_traits_say(trait: object, address: object, code: str) -> None:
    assert told(trait, address) == code


def test_the_same_country_again_is_the_same_object() -> None:
    first = see(None, "DE", 1, 1, 1)
    assert see(first, "DE", 2, 2, 2) is first
    assert first is not None
    assert first.order() == (2, 2, 2)
    assert see(first, None, 3, 3, 3) is first


def test_where_people_are_asked_first() -> None:
    assert EEA <= COUNTRIES
    assert {"DE", "IS", "NO", "LI", "GB", "CH", "RE"} <= EEA
    assert not {"US", "TR", "RS", "UA", "MC", "GL"} & EEA
    assert len(EEA) == 27 + 3 + 2 + 7
