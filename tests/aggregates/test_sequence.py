"""sequence() against a search through all choices of events, over every small history and many larger ones."""

import random
from collections.abc import Iterator
from itertools import combinations, pairwise, permutations, product
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates import sequence
from tactful.aggregates.sequence import Sequence, SequenceOf
from tactful.aggregates.spec import CAP, AggregateSpec

Names = tuple[str, ...]
"""Steps: "A", "AB" for either of them, "-A" for its absence."""


class Event(NamedTuple):
    at: int
    lag: int
    ref: int
    name: str

    @property
    def received(self) -> int:
        return self.at + self.lag


class Asked(NamedTuple):
    steps: Names
    within: int | None
    last: int | None

    def chains(self, keep: int = CAP) -> SequenceOf:
        steps = tuple(f"not {step[1:]}" if step[0] == "-" else step for step in self.steps)
        return SequenceOf(
            AggregateSpec("sequence", (), keep=keep, older_us=self.last, within_us=self.within, steps=steps)
        )

    def mask(self, event: Event) -> int:
        return sum(1 << index for index, step in enumerate(self.steps) if event.name in step)


# ---- the oracle ------------------------------------------------------------------------------------------------------


def parts(steps: Names) -> tuple[list[str], list[list[str]]]:
    """The positive steps, and what must be absent behind each."""
    positives: list[str] = []
    absences: list[list[str]] = []
    for step in steps:
        if step[0] == "-":
            absences[-1].append(step[1:])
        else:
            positives.append(step)
            absences.append([])
    return positives, absences


def chosen(asked: Asked, events: list[Event]) -> list[list[Event]]:
    """Every choice of events that (a), (c) and the first half of (d) let through (LANGUAGE.md 7)."""
    positives, absences = parts(asked.steps)
    ordered = sorted(events)
    found = []
    for choice in combinations(range(len(ordered)), len(positives)):
        chain = [ordered[index] for index in choice]
        if not all(event.name in step for event, step in zip(chain, positives, strict=True)):
            continue
        if asked.within is not None and any(event.at >= chain[0].at + asked.within for event in chain):
            continue
        stretches = [ordered[one + 1 : other] for one, other in pairwise((*choice, len(ordered)))]
        unwanted = zip(stretches, absences, strict=True)
        if any(event.name in name for stretch, names in unwanted for event in stretch for name in names):
            continue
        found.append(chain)
    return found


def truth(asked: Asked, choices: list[list[Event]], now: int) -> bool:
    ends_in_absence = asked.steps[-1][0] == "-"
    for chain in choices:
        is_in_time = asked.last is None or all(event.at > now - asked.last for event in chain)
        is_over = asked.within is None or not ends_in_absence or now >= chain[0].at + asked.within
        if is_in_time and is_over:
            return True
    return False


def change(asked: Asked, choices: list[list[Event]], now: int) -> int | None:
    """The first instant after now at which it flips. It does so only where something is W or L old."""
    was = truth(asked, choices, now)
    spans = [span for span in (asked.within, asked.last) if span is not None]
    instants = sorted({event.at + span for chain in choices for event in chain for span in spans})
    return next((at for at in instants if at > now and truth(asked, choices, at) != was), None)


def check(
    asked: Asked, chains: SequenceOf, state: Sequence, events: list[Event], now: int, *, is_capped: bool = False
) -> None:
    choices = chosen(asked, events)
    instants = [now, now + 1, *(now + span for span in (asked.within, asked.last) if span is not None)]
    for instant in instants:
        expected = truth(asked, choices, instant)
        found = chains.holds(state, instant)
        if is_capped and chains.is_coarse(state, instant):
            assert not found
            continue
        assert found == expected, (instant, state)
        if is_capped:
            continue
        assert not chains.is_coarse(state, instant)
        assert chains.next_change(state, instant) == change(asked, choices, instant), (instant, state)
        if not expected:
            assert chains.refs(state, instant) == []
        elif not state.chain:
            witness = [event for ref in chains.refs(state, instant) for event in events if event.ref == ref]
            assert witness in choices and truth(asked, [witness], instant), instant


_decoder = msgspec.msgpack.Decoder(Sequence)


def recoded(state: Sequence) -> Sequence:
    return _decoder.decode(msgspec.msgpack.encode(state))


def fold(asked: Asked, chains: SequenceOf, state: Sequence, event: Event, *, is_eager: bool) -> None:
    """Eagerly: what can go is looked for at once, not only when there is much."""
    if is_eager and not state.chain:
        state.limit = 0
    chains.fold(state, event.at, event.lag, event.ref, asked.mask(event), event.received)
    if is_eager:
        chains.let_go(state, event.received)


# ---- every small history ---------------------------------------------------------------------------------------------

GRID = (0, 1, 3)
SHORT, LONG = 2, 3
OPTIONS = ((None, None), (SHORT, None), (None, LONG), (SHORT, LONG))


def patterns(size: int) -> Iterator[Names]:
    """Of every two that differ only in how events are called, one."""
    seen = set()
    for names in product("ABC", repeat=size):
        for absences in product(("", "-"), repeat=size - 1):
            steps = tuple(sign + name for sign, name in zip(("", *absences), names, strict=True))
            alike = (
                tuple(step.translate(str.maketrans("ABC", "".join(other))) for step in steps)
                for other in permutations("ABC")
            )
            first = min(alike)
            if first not in seen:
                seen.add(first)
                yield first


def asked_of(size: int) -> list[Asked]:
    return [Asked(steps, within, last) for steps in patterns(size) for within, last in OPTIONS]


HAPPENED = tuple(product("ABC", GRID))


def arrived(history: tuple[tuple[str, int], ...]) -> list[Event]:
    """In the order of arrival, each as soon as the times allow."""
    events, now = [], 0
    for ref, (name, at) in enumerate(history):
        now = max(now, at)
        events.append(Event(at, now - at, ref, name))
    return events


class Walk:
    """One question along the histories of a tree, each prefix once, in four ways: folded, folded with all that can go
    let go at once, and as the merge of two halves kept in these two ways."""

    def __init__(self, asked: Asked, keep: int = CAP) -> None:
        self.asked, self.chains, self.is_capped = asked, asked.chains(keep), keep < CAP

    def start(self) -> tuple[Sequence, ...]:
        return tuple(self.chains.new() for _ in range(4))

    def step(self, states: tuple[Sequence, ...], events: list[Event]) -> tuple[Sequence, ...]:
        event = events[-1]
        lazy, eager, *halves = (recoded(state) for state in states)
        fold(self.asked, self.chains, lazy, event, is_eager=False)
        fold(self.asked, self.chains, eager, event, is_eager=True)
        fold(self.asked, self.chains, halves[event.ref % 2], event, is_eager=event.ref % 4 < 2)
        for state in (lazy, eager, self.chains.merge(*halves)):
            check(self.asked, self.chains, state, events, event.received, is_capped=self.is_capped)
        return lazy, eager, *halves

    def all(self, depth: int) -> None:
        self._all(self.start(), (), depth)

    def _all(self, states: tuple[Sequence, ...], history: tuple[tuple[str, int], ...], depth: int) -> None:
        for one in HAPPENED:
            longer = (*history, one)
            after = self.step(states, arrived(longer))
            if depth > 1:
                self._all(after, longer, depth - 1)

    def one(self, history: tuple[tuple[str, int], ...]) -> None:
        states = self.start()
        events = arrived(history)
        for size in range(1, len(events) + 1):
            states = self.step(states, events[:size])


@pytest.mark.parametrize("size", [2, 3])
def test_every_history_of_few_events(size: int) -> None:
    for asked in asked_of(size):
        Walk(asked).all(3)


def drawn(number: int, size: int) -> tuple[random.Random, Asked, tuple[tuple[str, int], ...]]:
    """A question, and a history of events that it is about, at few times."""
    choose = random.Random(number)
    positive = choose.choices(["A", "B", "C", "AB", "ABC"], (4, 4, 4, 1, 1), k=4)
    steps = positive[:1] + [choose.choice(("", "", "-")) + step for step in positive[1 : choose.randint(2, 4)]]
    within, last = choose.choice((None, 1, 2, 3, 4, 5)), choose.choice((None, 2, 4, 6, 8, 12))
    times = range(choose.choice((3, 6, 10)))
    history = [(choose.choice(choose.choice(steps).strip("-")), choose.choice(times)) for _ in range(size)]
    if choose.random() < 0.6:  # Mostly as asked for, and some come late.
        positives, _ = parts(tuple(steps))
        history = [
            (choose.choice(positives[index % len(positives)]) if choose.random() < 0.7 else name, at)
            for index, (name, at) in enumerate(sorted(history, key=lambda one: one[1]))
        ]
        for _ in range(choose.randint(0, 2)):
            history.append(history.pop(choose.randrange(size)))
    return choose, Asked(tuple(steps), within, last), tuple(history)


def walk(numbers: range, size: int) -> None:
    for number in numbers:
        choose, asked, history = drawn(number, size)
        Walk(asked, choose.choice((CAP, CAP, 2, 3, 4, 6))).one(history)


def test_histories_of_seven_events() -> None:
    walk(range(6000), 7)


@pytest.mark.long
def test_many_more_histories() -> None:
    for asked in asked_of(2):
        Walk(asked).all(4)
    for asked in asked_of(4):
        Walk(asked).all(3)
    walk(range(-60_000, 0), 8)


# ---- larger ones -----------------------------------------------------------------------------------------------------

STEPS = st.sampled_from(["A", "B", "C", "AB", "BC", "-A", "-B", "-C", "-AB"])
ASKED = st.builds(
    lambda first, others, within, last: Asked((first, *others), within, last),
    st.sampled_from(["A", "B", "AB"]),
    st.lists(STEPS, min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(1, 12)),
    st.one_of(st.none(), st.integers(1, 25)),
)


@st.composite
def histories(draw: st.DrawFn, max_size: int) -> list[Event]:
    """In the order of arrival; many come at once, or much later."""
    lag = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 40))
    some = draw(st.lists(st.tuples(st.integers(0, 40), lag, st.sampled_from("AABBC")), max_size=max_size))
    refs = draw(st.permutations(range(len(some))))
    events = [Event(at, lag, ref, name) for (at, lag, name), ref in zip(some, refs, strict=True)]
    return sorted(events, key=lambda event: event.received)


@settings(max_examples=500, deadline=None)
@given(ASKED, histories(16), st.data())
def test_any_order_any_split_any_instant(asked: Asked, events: list[Event], data: st.DataObject) -> None:
    chains = asked.chains()
    choose = data.draw(st.randoms(use_true_random=False))
    fragments = [chains.new() for _ in range(3)]
    known: list[Event] = []
    for index, event in enumerate(events):
        until = events[index + 1].received if index + 1 < len(events) else event.received + 60
        known.append(event)
        own = choose.randrange(3)
        fold(asked, chains, fragments[own], event, is_eager=choose.random() < 0.5)
        fragments[own] = recoded(fragments[own])
        instant = choose.randint(event.received, until)
        if choose.random() < 0.3 and chains.let_go(fragments[own], instant):
            fragments[own] = chains.new()
        if instant < until or index + 1 == len(events):
            one, other, third = choose.sample(fragments, 3)
            before = msgspec.msgpack.encode(fragments)
            whole = chains.merge(chains.merge(one, other), third)
            assert msgspec.msgpack.encode(fragments) == before
            check(asked, chains, whole, known, instant)
    assert chains.holds(None, 0) is False and chains.next_change(None, 0) is None and chains.refs(None, 0) == []


@settings(max_examples=300, deadline=None)
@given(ASKED, histories(24), st.data())
def test_a_run_over_what_is_held_gives_the_same(asked: Asked, events: list[Event], data: st.DataObject) -> None:
    """Which is why one more event in order is a few operations, and one out of order no more than a run."""
    chains, state = asked.chains(), asked.chains().new()
    for event in events:
        fold(asked, chains, state, event, is_eager=data.draw(st.booleans()))
        if not state.chain:
            again = msgspec.structs.replace(state, starts=chains._run(state.keys))
            for instant in (event.received, event.received + 5):
                assert chains.holds(state, instant) == chains.holds(again, instant)
                assert chains.next_change(state, instant) == chains.next_change(again, instant)


@settings(max_examples=300, deadline=None)
@given(ASKED, histories(24), st.integers(2, 10), st.data())
def test_beyond_the_cap_only_false_is_coarse(asked: Asked, events: list[Event], cap: int, data: st.DataObject) -> None:
    chains = asked.chains(cap)
    halves = [chains.new(), chains.new()]
    known: list[Event] = []
    for event in events:
        known.append(event)
        fold(asked, chains, halves[data.draw(st.integers(0, 1))], event, is_eager=data.draw(st.booleans()))
        assert all(len(half.keys) <= cap for half in halves)
        whole = chains.merge(*halves)
        assert len(whole.keys) <= cap
        check(asked, chains, whole, known, event.received, is_capped=True)


def happened(asked: Asked, text: str, *, keep: int = CAP, is_eager: bool = True) -> tuple[SequenceOf, Sequence, int]:
    """ "A0 B7" is A at 0, then B at 7; an earlier time behind a later one is late."""
    chains = asked.chains(keep)
    state = chains.new()
    for name, at in (one.split("@") for one in text.split()):
        event = Event(int(at), 0, int(at) * 10, name)
        fold(asked, chains, state, event, is_eager=is_eager)
    return chains, state, int(at)


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
