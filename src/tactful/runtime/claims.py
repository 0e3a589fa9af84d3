"""Claims: the worker's half of the one road out (DESIGN 4).

While slots of a channel are free, intents that wait are put before the gate, on the state at the worker's position and
in one durable transaction of the outbox, over all channels those of the highest priority first; each is then claimed,
closed with its reason, or waits on (quiet hours). An intent whose person has become another's meanwhile (IDENTITY.md 5)
is passed over: it moves to where its run is now. What a switch holds back is parked, so that nobody reads it again
until the switch is another one, or its validity is over; claims that nobody has begun by then are taken back. Nothing
is rendered or sent here.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from heapq import merge
from typing import Literal, Protocol

from msgspec import Struct

from tactful.journeys.runs import Run
from tactful.kernel.gate import EVERYTHING, MAILS_PER_ADDRESS, Claim, Later, decide, is_paused
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, Profile, Steering
from tactful.messages import source
from tactful.messages.definition import Message
from tactful.runtime.claiming import Claiming, Waiting
from tactful.runtime.ports import Claimed, Verdict
from tactful.values import DAY_US

Find = Callable[[str], Profile | None]
Fate = Literal["claimed", "closed", "moved", "passed"]

AT_ONCE = 1000
"""Intents put off or brought back in one transaction at most: other partitions want the outbox as well."""


class Claimable(Protocol):
    """What claims need of the port `Outbox`."""

    def own(self, partition: int) -> int: ...

    def next_waiting(self, partition: int, after: int = -1) -> int | None: ...

    def claiming(self, partition: int, token: int) -> AbstractContextManager[Claiming]: ...


class Decided(Struct):
    claimed: int = 0
    closed: int = 0
    moved: int = 0
    """Put off, or brought back."""

    def __bool__(self) -> bool:
        return bool(self.claimed or self.closed or self.moved)


class _Settling(Struct):
    """Intents before the gate, within one transaction."""

    claiming: Claiming
    plan: CompiledPlan
    find: Find
    now: int
    position: int
    mails_per_address: int
    state: PartitionState
    is_rendered: bool
    templates: dict[str, tuple[Message, bytes, str]]


class _Line:
    """The intents of one channel that wait, the most important first, as long as there are slots for them."""

    def __init__(self, settling: _Settling, partition: int, channel: str, free: int) -> None:
        self._settling = settling
        self._partition = partition
        self._channel = channel
        self.free = free
        self.passed = 0
        """Those at the head of the line that were looked at and wait where they are."""

    def __iter__(self) -> Iterator[tuple[int, int, str, Waiting, "_Line"]]:
        """What comes to wait elsewhere or ends leaves the line, so each look begins behind those passed over."""
        is_held_up = True
        while self.free > 0 and is_held_up:
            before, now = self.passed, self._settling.now
            limit = self.passed + max(self.free, self.passed)
            rows = self._settling.claiming.waiting(self._partition, self._channel, now, limit)[self.passed :]
            for row in rows:
                if self.free <= 0:
                    return
                yield -row.intent.priority, row.not_before, self._channel, row, self
            is_held_up = bool(rows) and self.passed > before


class Claims:
    """Decides for one partition; `slots` says how many of a channel may be in flight over all partitions,
    `mails_per_address` how many mails of any kind one address may get in 24 hours, `is_rendered` whether anybody will
    make a message of what is claimed."""

    def __init__(
        self,
        partition: int,
        outbox: Claimable,
        slots: Mapping[str, int],
        mails_per_address: int = MAILS_PER_ADDRESS,
        *,
        is_rendered: bool = True,
    ) -> None:
        self._partition = partition
        self._outbox = outbox
        self._slots = slots
        self._mails_per_address = mails_per_address
        self._is_rendered = is_rendered
        self._templates: dict[str, tuple[Message, bytes, str]] = {}
        """By name, of the messages in force: what they are made from, and its digest."""
        self._token = outbox.own(partition)
        self._is_caught_up = False
        self._switches: dict[str, Steering] | None = None
        """Under which everything stands that was claimed or parked; None: nobody knows."""
        self.next_waiting: int | None = None
        """When to decide again without being rung."""
        self.look()

    def look(self) -> None:
        """Ask the outbox again when the next intent wants its claim."""
        self.next_waiting = self._outbox.next_waiting(self._partition)

    def decide(
        self,
        plan: CompiledPlan,
        find: Find,
        now: int,
        *,
        position: int,
        is_behind: bool,
        state: PartitionState | None = None,
    ) -> Decided:
        """Claim or close what waits. Before the worker has once read to the log's end nothing is claimed: after a lost
        tail the outbox knows of intents that the state does not know yet."""
        decided = Decided()
        self._is_caught_up = self._is_caught_up or not is_behind
        if not self._is_caught_up:
            return decided
        state = state or PartitionState(self._partition, 1)
        self._turn_switches(state.steering, decided)
        self.look()
        if self.next_waiting is None or self.next_waiting > now:
            return decided
        with self._outbox.claiming(self._partition, self._token) as claiming:
            about = plan, find, now, position, self._mails_per_address, state, self._is_rendered, self._templates
            settling = _Settling(claiming, *about)
            lines = [
                _Line(settling, self._partition, channel, slots - claiming.in_flight(channel))
                for channel, slots in self._slots.items()
            ]
            in_order = lines[0] if len(lines) == 1 else merge(*lines, key=lambda one: one[:3])
            for *_, waiting, line in in_order:
                _count(line, decided, _settle(settling, waiting))
                if decided.moved >= AT_ONCE:
                    break
        # What still waits although it is due waits for a slot, for which the deliverer rings, or for its person, who
        # comes with a record.
        self.next_waiting = self._outbox.next_waiting(self._partition, now)
        return decided

    def _turn_switches(self, steering: Mapping[str, Steering], decided: Decided) -> None:
        """Bring back what was held back and is no longer; and of what is not to leave any more, take back claims that
        nobody has begun: they go before the gate again, which says the rest. A switch that was turned is seen by every
        worker for itself; one that has just begun does not know what was parked before, or claimed."""
        if self._switches == steering:
            return
        is_all_off = _is_off(EVERYTHING, steering)
        paused = [journey for journey in steering if _is_off(journey, steering)]
        stopped = [journey for journey, said in steering.items() if said.order == "stop"]
        taken, back = 0, 0
        with self._outbox.claiming(self._partition, self._token) as claiming:
            if steering:
                taken = claiming.take_back(self._partition, None if is_all_off else [*paused, *stopped], AT_ONCE)
            if not is_all_off:
                back = claiming.unpark(self._partition, paused, AT_ONCE)
        decided.moved += taken + back
        if max(taken, back) < AT_ONCE:  # Else there may be more, next time.
            self._switches = dict(steering)


def _is_off(journey: str, steering: Mapping[str, Steering]) -> bool:
    return journey in steering and steering[journey].order == "pause"


def _count(line: _Line, decided: Decided, fate: Fate) -> None:
    match fate:
        case "claimed":
            decided.claimed += 1
            line.free -= 1
        case "closed":
            decided.closed += 1
        case "moved":
            decided.moved += 1
        case "passed":
            line.passed += 1


def _settle(settling: _Settling, waiting: Waiting) -> Fate:
    """Put one intent before the gate."""
    intent, claiming, now = waiting.intent, settling.claiming, settling.now
    profile, steering = settling.find(intent.key), settling.state.steering
    if now <= intent.valid_until and (paused := is_paused(intent.journey, steering)):
        claiming.park(intent.intent, intent.valid_until + 1, paused)
        return "moved"
    if profile is not None and _is_moving(profile, intent.intent) and now <= intent.valid_until + DAY_US:
        return "passed"
    run = _run(profile, intent.intent) if profile is not None else None
    if profile is None or run is None:
        claiming.close(Verdict(intent.intent, "refused", "the person's state no longer knows this run"), now)
        return "closed"
    verdict = decide(
        intent,
        profile,
        run,
        settling.plan,
        claiming,
        now,
        settling.mails_per_address,
        steering=steering,
        thresholds=lambda: _thresholds(settling.state),
        is_rendered=settling.is_rendered,
    )
    if isinstance(verdict, Later):
        claiming.postpone(intent.intent, verdict.not_before, verdict.reason, verdict.detail)
        return "moved"
    if not isinstance(verdict, Claim):
        claiming.close(Verdict(intent.intent, verdict.status, verdict.reason, verdict.detail), now)
        return "closed"
    _claim(settling, waiting, verdict)
    return "claimed"


def _claim(settling: _Settling, waiting: Waiting, verdict: Claim) -> None:
    """Durable with the transaction; the coupon's code is the person's in the same one."""
    message, claiming = verdict.message, settling.claiming
    template, digest = _template(settling, message) if message is not None and settling.is_rendered else (b"", "")
    claimed = Claimed(
        intent=waiting.intent,
        partition=waiting.partition,
        attempt=waiting.attempt,
        claimed_at=settling.now,
        position=settling.position,
        address=verdict.address,
        permit=verdict.permit.because,
        template=digest,
        frozen=verdict.frozen,
        variant=verdict.variant,
        is_capped=verdict.is_capped,
        is_confirmation=message is not None and bool(message.confirms),
    )
    claiming.claim(claimed, template)
    if (coupon := verdict.coupon) is not None:
        claiming.give(coupon.pool, coupon.code, coupon.owner, verdict.intent, settling.now)


def _template(settling: _Settling, message: Message) -> tuple[bytes, str]:
    """What the message is made from, put together once for as long as it is the one in force."""
    known = settling.templates.get(message.name)
    if known is None or known[0] is not message:
        body = source.source_of(message).encode()
        known = settling.templates[message.name] = message, body, source.digest(body)
    return known[1:]


def _thresholds(state: PartitionState) -> dict[str, dict[float, float]]:
    return {
        metric: {percent: one.value for percent, one in by_percent.items()}
        for metric, by_percent in state.thresholds.items()
    }


def _run(profile: Profile, intent: str) -> Run | None:
    return next((run for run in profile.runs if run.intent == intent), None)


def _is_moving(profile: Profile, intent: str) -> bool:
    """Whether the run is, or is on its way to, somebody else: the person was tied to another, or has been untied and
    is not whole yet."""
    identity = profile.identity
    if identity is None:
        return False
    return profile.owner() is not None or identity.is_waiting or _run(profile, intent) is None
