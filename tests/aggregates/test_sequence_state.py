"""What a sequence keeps: as much as can still matter, bounded, and said where it is not all; and how much work it is."""

from typing import Any

import msgspec
import pytest

from tactful.aggregates import sequence
from tactful.aggregates.sequence import Sequence, SequenceOf
from tests.aggregates.chains import Asked, Event, happened

LAST, ENDS, WAITS = Asked(("A", "B"), None, 20), Asked(("A", "-B"), 9, None), Asked(("A", "C", "-B"), 5, None)


@pytest.mark.parametrize(("asked", "last"), [(LAST, "C@40"), (ENDS, "B@13"), (WAITS, "B@20")], ids=str)
def test_what_is_thinned_is_coarse_only_as_long_as_it_can_matter(asked: Asked, last: str) -> None:
    views = " ".join(f"A@{at}" for at in range(12))
    chains, state, now = happened(asked, views, keep=4, is_eager=False)
    assert state.gone is not None and chains.is_coarse(state, now)
    chains, state, now = happened(asked, f"{views} {last}", keep=4, is_eager=False)
    assert not chains.is_coarse(state, now)
    assert chains.let_go(state, now) == (asked == LAST)


def test_a_late_event_breaks_the_newest_chain_and_an_older_one_holds() -> None:
    asked = Asked(("A", "-B", "C", "-D"), 3, None)
    chains, state, _ = happened(asked, "A@0 C@1 A@10 C@12 X@20")
    chains.let_go(state, 20)
    state.limit = 0
    chains.fold(state, 11, 9, 999, asked.mask(Event(11, 9, 999, "B")), 20)
    assert chains.holds(state, 20) and chains.refs(state, 20) == [0, 10]


def test_what_another_half_has_thinned_may_have_stood_between() -> None:
    asked = Asked(("A", "-B", "C"), None, None)
    chains, one, _ = happened(asked, "B@5 " + " ".join(f"A@{at}" for at in range(10, 26)), keep=16)
    _, other, _ = happened(asked, "A@4 C@6", keep=16)
    assert one.gone == 11 and chains.holds(other, 20)
    for merged in (chains.merge(one, other), chains.merge(other, one)):
        assert not chains.holds(merged, 20) and chains.is_coarse(merged, 20)


@pytest.mark.parametrize(
    ("steps", "within", "last", "names", "kept"),
    [
        ("A B", None, None, "B@1 B@2 B@3 A@4 A@5", "B@3 A@4"),
        ("A B", None, None, "A@5 A@4", "A@4"),
        ("A B C", None, None, "B@0 C@1 B@2 C@3 B@4 A@5 B@6", "B@2 C@3 B@4 A@5 B@6"),
        ("A B C", None, None, "C@0 B@1 B@2 A@4 B@5 B@6", "C@0 B@1 B@2 A@4 B@5"),
        ("A B C", None, None, "C@0 B@1 B@2 B@5 B@6 A@4", "C@0 B@1 B@2 A@4 B@5"),
        ("A B -C", None, None, "A@0 A@1 B@2 B@3 A@4 B@5 B@6", "A@0 B@6"),
        ("A B -C", None, None, "A@0 A@1 B@2 B@3 C@4 C@5 A@6", "A@0 C@5"),
        ("A B", 4, None, "A@0 A@1 A@2 A@3 A@4 A@5 A@6 A@7", "A@0 A@3 A@6 A@7"),
        ("A B", 4, None, "B@0 B@1 B@2 B@3 B@4 B@5 B@6", "B@0 B@3 B@6"),
        ("A -B", 4, None, "B@0 A@1 A@2 A@3 A@4 A@5 A@6", "A@2 A@3 A@4 A@5 A@6"),
        ("A -AB", 4, None, "A@0 A@1 A@2 B@3 A@4 A@5", "A@5"),
        ("A -AB", 4, None, "A@0 A@1 A@2 B@3 A@4 B@5", "B@5"),
        ("A B -C", 4, None, "A@0 A@1 A@2 A@3 A@4 B@5 A@6 A@7 A@8", "A@2 A@3 A@4 B@5 A@6 A@7 A@8"),
        ("A B -C", 4, None, "A@0 A@1 A@2 A@3 B@4 A@5 A@6 A@7 C@8", "A@5 A@6 A@7 C@8"),
        ("A B", None, 50, "A@0 A@1 A@2 B@3 A@4 A@5 B@6 A@7", "A@5 B@6 A@7"),
        ("A B -C", None, 50, "A@0 A@1 A@2 B@3 A@4 A@5 B@6 A@7", "A@5 B@6 A@7"),
    ],
)
def test_what_is_kept_is_what_can_matter(
    steps: str, within: int | None, last: int | None, names: str, kept: str
) -> None:
    _, state, _ = happened(Asked(tuple(steps.split()), within, last), names)
    called = {int(one.split("@")[1]): one for one in names.split()}
    assert [called[key[0]] for key in state.keys] == kept.split()


# ---- how much, how fast ----------------------------------------------------------------------------------------------

SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3600 * 10**6, 86_400 * 10**6
BEGIN = 1_750_000_000 * SECOND


def followed(asked: Asked, names: str, count: int, every: int) -> tuple[SequenceOf, Sequence, int]:
    """A person who does this again and again."""
    chains = asked.chains()
    state = chains.new()
    for index in range(count):
        event = Event(BEGIN + index * every, 40_000, (10**9 + index) << 10, names[index % len(names)])
        chains.fold(state, event.at, event.lag, event.ref, asked.mask(event), event.received)
        chains.let_go(state, event.received)
        chains.holds(state, event.received)
        chains.next_change(state, event.received)
    return chains, state, event.received


def size_of(state: Sequence) -> int:
    return len(msgspec.msgpack.encode(state))


def test_bytes() -> None:
    happened = Asked(("A", "B"), 2 * HOUR, None)
    assert size_of(followed(happened, "AB", 2, MINUTE)[1]) <= 30
    assert size_of(followed(Asked(("A", "B"), None, None), "A", 1000, MINUTE)[1]) <= 50
    cart = Asked(("A", "-AB"), 30 * MINUTE, None)
    assert size_of(followed(cart, "A", 1000, MINUTE)[1]) <= 45
    some = followed(Asked(("A", "-B", "C"), None, 30 * DAY), "A", 100, MINUTE)[1]
    assert size_of(some) <= 17 + 35 * 100
    assert followed(happened, "A", 2000, SECOND)[1].keys[2:][16:] == [], "one per `within` is enough, and 16 more"


@pytest.mark.parametrize(
    "asked",
    [
        Asked(("A", "B"), 2 * HOUR, None),
        Asked(("B", "A"), None, None),
        Asked(("A", "B", "C"), HOUR, None),
        Asked(("A", "B", "C"), None, None),
        Asked(("A", "-B"), 30 * MINUTE, None),
        Asked(("A", "B", "-C"), 2 * HOUR, None),
        Asked(("A", "B", "-C"), 2 * HOUR, 7 * DAY),
        Asked(("A", "B", "-AB"), None, 7 * DAY),
        Asked(("A", "-B", "A"), 2 * HOUR, None),
        Asked(("A", "-B", "C"), None, 7 * DAY),
        Asked(("A", "-B", "A", "-B"), HOUR, 7 * DAY),
    ],
    ids=str,
)
@pytest.mark.parametrize("names", ["A", "B", "AB", "AAB", "BCA"])
def test_a_bot_stays_bounded_and_is_not_run_through(asked: Asked, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    real = SequenceOf._run

    def counted(self: SequenceOf, keys: Any) -> Any:
        nonlocal seen
        seen += len(keys)
        return real(self, keys)

    monkeypatch.setattr(SequenceOf, "_run", counted)
    monkeypatch.setattr(sequence, "CAP", 512)
    count = 5000
    chains, state, now = followed(asked, names, count, 2 * SECOND)
    assert len(state.keys) <= 512
    assert sum(map(len, state.starts)) <= 512 * len(chains.positives)
    assert seen <= 10 * count, "amortized, a few keys are looked at for each event"
    assert chains.holds(state, now) in (True, False)
