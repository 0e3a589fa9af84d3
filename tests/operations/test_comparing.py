"""Comparing members with all others: exact where everybody was looked at, and with intervals that hold where a sample was."""

from random import Random

import pytest

from tactful.adapters.memory.store import MemoryStore
from tactful.kernel.plan import empty_plan
from tactful.kernel.state import Identity, PartitionState, encode, new_profile
from tactful.operations.segments import comparing
from tactful.operations.segments.comparing import Comparison, Fact, Person, compare, is_so, sampled
from tactful.people.traits import TraitWrite
from tactful.runtime.ports import Commit, StateWrite

NAMES = {1: "buyers", 2: "readers", 3: "nobody"}
COUNTRY, SPENT, IS_NEW = ("trait", "country"), ("metric", "spent"), ("trait", "is_new")


def person(key: int, *segments: int, **facts: Fact) -> Person:
    kinds = {"country": COUNTRY, "spent": SPENT, "is_new": IS_NEW}
    return Person(f"u:{key}", frozenset(segments), {kinds[name]: value for name, value in facts.items()})


def compared(people: list[Person], newest: list[Person] | None = None, *, is_whole: bool = True) -> Comparison:
    counts = {number: sum(number in one.segments for one in people) for number in NAMES}
    found = newest or []
    return compare(1, NAMES, people, is_whole=is_whole, newest=found, counted=counts, everybody=len(people))


def shop(seed: int, people: int, share: float = 0.3) -> list[Person]:
    """Members are more often Norwegian (60 % against 40 %), and spend more."""
    rng = Random(seed)
    found = []
    for key in range(people):
        is_member = rng.random() < share
        country = "NO" if rng.random() < (0.6 if is_member else 0.4) else rng.choice(("SE", "DK"))
        segments = (*((1,) if is_member else ()), *((2,) if rng.random() < 0.5 else ()))
        spent = rng.expovariate(0.01) * (2 if is_member else 1)
        found.append(person(key, *segments, country=country, spent=spent, is_new=rng.random() < 0.2))
    return found


def test_of_everybody_shares_are_exact() -> None:
    people = [person(key, 1, *((2,) if key < 3 else ()), country="NO") for key in range(6)]
    people += [person(key, 2, country="SE" if key % 2 else "NO") for key in range(6, 16)]
    found = compared(people)
    assert (found.members, found.others, found.everybody, found.is_whole) == (6, 10, 16, True)
    (overlap,) = found.overlaps
    assert (overlap.segment, overlap.both, overlap.share.value, overlap.of_all) == ("readers", 3, 0.5, 13 / 16)
    assert overlap.share.low == overlap.share.high
    told = {(one.name, one.said): (one.members.value, one.others.value) for one in found.differences}
    assert told == {("country", "is NO"): (1.0, 0.5), ("country", "is SE"): (0.0, 0.5)}


def test_numbers_are_compared_by_the_median_of_all() -> None:
    """One who buys for a thousand others moves nothing."""
    people = [person(key, 1, spent=1e9 if key == 0 else 10.0) for key in range(10)]
    people += [person(key, spent=10.0) for key in range(10, 20)]
    (one,) = compared(people).differences
    assert (one.said, one.members.reached, one.others.reached) == ("above 10, the median", 1, 0)
    assert [is_so(each, SPENT, one.asked) for each in people] == [True] + [False] * 19


def test_a_sample_says_how_sure_it_is() -> None:
    found = compared(shop(1, 5_000), is_whole=False)
    assert not found.is_whole and not found.is_newest
    told = {(one.name, one.said): one for one in found.differences}
    norway = told["country", "is NO"]
    assert norway.low < 0.2 < norway.high
    assert norway.high - norway.low < 0.08
    assert any(name == "spent" for name, _ in told)
    assert not any(name == "is_new" for name, _ in told), "chance alone, this time"
    assert found.differences == tuple(sorted(found.differences, key=lambda one: -min(abs(one.low), abs(one.high))))


def test_intervals_hold_what_they_say() -> None:
    """Over many samples: of a share, of a difference that there is, and of one that there is not."""
    times = 150
    shares = shown = covered = wrong = 0
    for seed in range(times):
        found = compared(shop(seed, 400), is_whole=False)
        share = next(one.share for one in found.overlaps if one.segment == "readers")
        shares += share.low <= 0.5 <= share.high
        told = {(one.name, one.said): one for one in found.differences}
        norway = told.get(("country", "is NO"))
        shown += norway is not None
        covered += norway is not None and norway.low <= 0.2 <= norway.high
        wrong += any(name == "is_new" for name, _ in told)
    assert 0.9 <= shares / times <= 0.99
    assert shown > 0.9 * times
    assert covered / shown > 0.9, "a little less than 95 %, since it is shown for being found"
    assert wrong / times < 0.09


def test_few_members_are_looked_for_by_themselves() -> None:
    people = shop(1, 2_000, share=0.0)
    people[0] = person(0, 1, country="NO")
    newest = [person(key, 1, country="NO") for key in range(5_000, 5_100)]
    found = compared(people, newest, is_whole=False)
    assert (found.members, found.is_newest) == (100, True)
    assert not compared(people, [], is_whole=False).is_newest


@pytest.mark.parametrize("people", [[], [person(1, 1)], [person(1)]])
def test_of_nobody_nothing_is_said(people: list[Person]) -> None:
    found = compared(people)
    assert (found.overlaps, found.differences, found.compared) == ((), (), 0)


@pytest.mark.parametrize(
    ("asked", "who"),
    [("above 5.0", {2}), ("above x", set()), ("NO", {1}), ("", {3}), ("True", set()), ("5.0", set())],
)
def test_who_has_it_in_common(asked: str, who: set[int]) -> None:
    fact = ("trait", "x")
    people = [Person(str(n), frozenset(), {fact: value}) for n, value in ((1, "NO"), (2, 6.0), (3, True), (4, False))]
    assert {int(one.key) for one in people if is_so(one, fact, asked)} == who
    assert not is_so(Person("5", frozenset(), {}), fact, asked)


def test_people_are_drawn_from_all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks and identifiers that wait are nobody."""
    stores = [MemoryStore(), MemoryStore()]
    for number, store in enumerate(stores):
        writes = []
        for key in range(400):
            profile = new_profile(f"u:{number}-{key}", 1)
            profile.fragments[f"{profile.key}#1"].traits["country"] = TraitWrite("NO", 1, 1, 1)
            if key % 4 == 0:
                profile.identity = Identity(owners={1: "u:x"}) if key % 8 else Identity(is_waiting=True)
            writes.append(StateWrite(profile.key, encode(profile), None))
        state = encode(PartitionState(number, 2, profiles=300))
        store.commit(Commit(0, 1, state, writes, b"", 1, (), 0, {}))
    people, is_whole = sampled(stores, empty_plan(), 1)
    assert (len(people), is_whole) == (600, True)
    assert people[0].facts[COUNTRY] == "NO"
    monkeypatch.setattr(comparing, "LOOKED_AT", 60)
    some, is_whole = sampled(stores, empty_plan(), 1)
    assert not is_whole
    assert 45 < len(some) < 75
    assert {one.key[2] for one in some} == {"0", "1"}
