"""What a sequence means, as a search through all choices of events, and how the tests drive the real one."""

from itertools import combinations, pairwise
from typing import NamedTuple

import msgspec

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
    now = event.received
    before = chains.holds(state, now), chains.next_change(state, now)
    is_told = chains.fold(state, event.at, event.lag, event.ref, asked.mask(event), now)
    assert is_told or (chains.holds(state, now), chains.next_change(state, now)) == before
    if is_eager:
        chains.let_go(state, event.received)


def happened(asked: Asked, text: str, *, keep: int = CAP, is_eager: bool = True) -> tuple[SequenceOf, Sequence, int]:
    """`A@0 B@7` is A at 0, then B at 7; an earlier time behind a later one is late."""
    chains = asked.chains(keep)
    state = chains.new()
    for name, at in (one.split("@") for one in text.split()):
        event = Event(int(at), 0, int(at) * 10, name)
        fold(asked, chains, state, event, is_eager=is_eager)
    return chains, state, int(at)
