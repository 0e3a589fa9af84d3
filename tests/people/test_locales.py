"""The language of a person's calls: the newest that is one counts, in whatever order they come."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tactful.people.locales import LocaleSeen, newest, see, tag

CALLS = st.lists(
    st.tuples(st.sampled_from(["de-AT", "en", "no language", "de_at", "", None, 5, ["de"]]), st.integers(0, 3), st.integers(0, 2)), max_size=5
)  # fmt: skip


def folded(calls: list[tuple[object, int, int, int]]) -> LocaleSeen | None:
    seen: LocaleSeen | None = None
    for said, timestamp, received_at, ref in calls:
        seen = see(seen, said, timestamp, received_at, ref)
    return seen


@given(CALLS)
def test_the_newest_language_counts_in_any_order(calls: list[tuple[object, int, int]]) -> None:
    numbered = [(*call, ref) for ref, call in enumerate(calls)]
    last = max((call for call in numbered if tag(call[0])), key=lambda call: call[1:], default=None)
    expected = LocaleSeen(tag(last[0]), *last[1:]) if last else None
    for order in list(permutations(numbered))[:24]:
        assert folded([*order]) == expected


def test_the_halves_of_a_person_are_taken_together() -> None:
    halves = [LocaleSeen("de", 1, 1, 1), None, LocaleSeen("pt-BR", 2, 1, 2)]
    assert newest(halves) == newest(halves[::-1]) == "pt-BR"
    assert newest([None]) == newest([]) == ""


def test_the_same_language_again_is_the_same_object() -> None:
    first = see(None, "de", 1, 1, 1)
    assert see(first, "de", 2, 2, 2) is first
    assert first is not None
    assert first.order() == (2, 2, 2)
