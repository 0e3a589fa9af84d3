"""Rules of traits: whatever the order of the writes, however a person is put together, the answer is the same."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.kernel.state import encode
from tactful.language.vocabulary import TraitRule, TraitRules
from tactful.people import traits
from tactful.people.traits import MOST, TraitWrite, value, values, write
from tactful.values import parse_time

RULES = {
    "newest": TraitRule(),
    "first": TraitRule("first"),
    "maximum": TraitRule("maximum"),
    "minimum": TraitRule("minimum"),
    "latest time": TraitRule("maximum", is_time=True),
    "earliest time": TraitRule("minimum", is_time=True),
    "union": TraitRule("union"),
    "sources": TraitRule("sources", sources=("crm", "website")),
}
TIMES = ["2025-03-01", "2025-03-01T00:00:00Z", "2025-02-29", "2025-01-01T10:00:00+01:00"]
SCALARS = st.sampled_from([None, 0, 1, 1.0, True, False, "1", "", "a", 2.5, -1, "x" * 256, *TIMES])
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.just({"a": 1}), st.just([["a"], {"b": 1}]))
Said = tuple[Any, int, int, str]
"""Value, timestamp, receipt after it, source."""
SAYINGS = st.lists(
    st.tuples(VALUES, st.integers(0, 3), st.integers(0, 2), st.sampled_from(["crm", "website", "x", ""]))
)


def told(calls: Sequence[tuple[int, Said]], rule: TraitRule) -> dict[str, TraitWrite]:
    """One fragment."""
    found: dict[str, TraitWrite] = {}
    for ref, (said, at, lag, source) in calls:
        write(found, {"t": said}, at, at + lag, ref, source, rules={"t": rule})
    return found


def naive(calls: Sequence[tuple[int, Said]], name: str) -> Any:
    """What the documents say, over all writes at once (docs/definitions.md)."""
    writes = [(at, at + lag, ref, said, source) for ref, (said, at, lag, source) in calls]
    writes.sort(key=lambda one: one[:3])
    match name:
        case "newest":
            return writes[-1][3] if writes else None
        case "first":
            return next((said for *_, said, _ in writes if said is not None), None)
        case "maximum" | "minimum":
            numbers = [said for *_, said, _ in writes if type(said) in (int, float)]
            return (max if name == "maximum" else min)(numbers, default=None)  # Of equal ones the first.
        case "latest time" | "earliest time":
            times = [said for *_, said, _ in writes if isinstance(said, str) and said in TIMES and "02-29" not in said]
            return (max if name == "latest time" else min)(times, key=parse_time, default=None)  # type: ignore[arg-type]  # no None here
        case "sources":
            for source in ("crm", "website", None):
                mine = [one for one in writes if one[4] == source or (source is None and one[4] in ("x", ""))]
                if mine:
                    return mine[-1][3]
            return None
    elements: list[Any] = []
    for *_, said, _ in writes:
        for one in said if isinstance(said, list) else [said]:
            is_taken = isinstance(one, bool | int | float | str) and len(str(one)) <= 255
            if is_taken and not any(
                one == other and isinstance(one, bool) == isinstance(other, bool) for other in elements
            ):
                elements.append(one)
    return elements or None


def alike(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


@pytest.mark.parametrize("name", RULES)
@given(said=SAYINGS, random=st.randoms())
def test_neither_order_nor_repeats_nor_fragments_matter(name: str, said: list[Said], random: Random) -> None:
    calls, rule = list(enumerate(said)), RULES[name]
    meant = naive(calls, name)
    parts: list[list[tuple[int, Said]]] = [[], [], []]
    for call in calls:
        random.choice(parts).append(call)
    fragments = []
    for part in parts:
        mixed = [*part, *part]
        random.shuffle(mixed)
        fragments.append(told(mixed, rule))
    random.shuffle(fragments)
    assert alike(value("t", fragments, {"t": rule}), meant)
    assert alike(values(fragments, {"t": rule}).get("t"), meant)
    assert alike(value("t", [told(calls, rule)], {"t": rule}), meant)


@pytest.mark.parametrize("name", RULES)
@given(said=SAYINGS, more=SAYINGS)
def test_who_is_unmerged_takes_along_what_they_wrote(name: str, said: list[Said], more: list[Said]) -> None:
    rule, calls = RULES[name], list(enumerate(said))
    rest, gone = told(calls, rule), told(list(enumerate(more, 100)), rule)
    before = encode(rest)
    value("t", [rest, gone], {"t": rule})
    assert encode(rest) == before
    assert alike(value("t", [rest], {"t": rule}), naive(calls, name))


@pytest.mark.parametrize("name", RULES)
@given(said=SAYINGS)
def test_what_may_have_changed_is_told(name: str, said: list[Said]) -> None:
    rule: TraitRules = {"t": RULES[name]}
    found: dict[str, TraitWrite] = {}
    for ref, (each, at, lag, source) in enumerate(said):
        before = value("t", [found], rule)
        changed = write(found, {"t": each}, at, at + lag, ref, source, rules=rule)
        assert changed or alike(before, value("t", [found], rule)) or before == value("t", [found], rule)


@pytest.mark.parametrize("name", RULES)
@given(said=SAYINGS, old=st.sampled_from([*RULES]))
def test_a_rule_takes_over_what_another_has_kept(name: str, said: list[Said], old: str) -> None:
    """As one write: nothing is raised, and what comes later is folded in by the new rule."""
    found = told(list(enumerate(said)), RULES[old])
    for fresh in ("new", 7, "2025-06-01", ["new"], None):
        write(found, {"t": fresh}, 10, 10, 1000, "crm", rules={"t": RULES[name]})
    value("t", [found], {"t": RULES[name]})
    values([found, told(list(enumerate(said)), RULES[name])], {"t": RULES[name]})


def test_a_union_keeps_the_elements_that_were_first() -> None:
    rule = {"t": TraitRule("union")}
    found: dict[str, TraitWrite] = {}
    for number in reversed(range(3 * MOST // 2)):
        write(found, {"t": [number, -1]}, number, number, number, rules=rule)
    assert value("t", [found], rule) == [0, -1, *range(1, MOST - 1)]
    write(found, {"t": MOST + 5}, -1, 5000, 5000, rules=rule)
    assert value("t", [found], rule) == [MOST + 5, 0, -1, *range(1, MOST - 2)]


def test_a_union_that_stays_as_it_is_is_no_change() -> None:
    found: dict[str, TraitWrite] = {}
    rule = {"t": TraitRule("union")}
    assert write(found, {"t": ["a", "b"]}, 1, 1, 1, rules=rule) == ["t"]
    assert write(found, {"t": "b"}, 2, 2, 2, rules=rule) == []
    assert write(found, {"t": None}, 3, 3, 3, rules=rule) == []
    assert write(found, {"t": "b"}, 0, 4, 4, rules=rule) == ["t"]
    assert value("t", [found], rule) == ["b", "a"]


@pytest.mark.parametrize("name", ["newest", "first", "maximum", "sources"])
def test_what_a_server_says_as_well_is_no_hearsay(name: str) -> None:
    rule = {"phone": RULES[name]}
    for first, second in ((True, False), (False, True)):
        found: dict[str, TraitWrite] = {}
        write(found, {"phone": 5}, 1, 1, 1, is_browser=first, rules=rule)
        write(found, {"phone": 5}, 2, 2, 2, is_browser=second, rules=rule)
        assert traits.surest(rule["phone"], found.values()) is not None


def test_only_the_traits_with_a_rule_go_by_one() -> None:
    assert traits.NEWEST.merge == "newest"
    found: dict[str, TraitWrite] = {}
    for at, each in enumerate(({"a": 1, "b": 1}, {"a": 2, "b": 2}), 1):
        write(found, each, at, at, at, rules={"b": TraitRule("first")})
    assert values([found], {"b": TraitRule("first")}) == {"a": 2, "b": 1}
