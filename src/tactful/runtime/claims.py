"""Claims: the worker's half of the one road out (DESIGN 4).

While slots of a channel are free, intents that wait are put before the gate, on the state at the worker's position and
in one durable transaction of the outbox; each is then claimed, or closed with its reason. An intent whose person has
become another's meanwhile (IDENTITY.md 5) is passed over: it moves to where its run is now. Nothing is rendered or sent
here.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from tactful.journeys.runs import Run
from tactful.kernel.gate import MAILS_PER_ADDRESS, Claim, decide
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.messages import source
from tactful.runtime.ports import Claimed, Claiming, Outbox, Verdict, Waiting
from tactful.values import DAY_US

Find = Callable[[str], Profile | None]


class Decided(Struct):
    claimed: int = 0
    closed: int = 0


class _Settling(Struct):
    """Intents before the gate, within one transaction."""

    claiming: Claiming
    plan: CompiledPlan
    find: Find
    now: int
    position: int
    mails_per_address: int


class Claims:
    """Decides for one partition; `slots` says how many of a channel may be in flight over all partitions,
    `mails_per_address` how many mails of any kind one address may get in 24 hours."""

    def __init__(
        self, partition: int, outbox: Outbox, slots: Mapping[str, int], mails_per_address: int = MAILS_PER_ADDRESS
    ) -> None:
        self._partition = partition
        self._outbox = outbox
        self._slots = slots
        self._mails_per_address = mails_per_address
        self._token = outbox.own(partition)
        self._is_caught_up = False
        self.next_waiting: int | None = None
        """When to decide again without being rung."""
        self.look()

    def look(self) -> None:
        """Ask the outbox again when the next intent wants its claim."""
        self.next_waiting = self._outbox.next_waiting(self._partition)

    def decide(self, plan: CompiledPlan, find: Find, now: int, *, position: int, is_behind: bool) -> Decided:
        """Claim or close what waits. Before the worker has once read to the log's end nothing is claimed: after a lost
        tail the outbox knows of intents that the state does not know yet."""
        decided = Decided()
        self._is_caught_up = self._is_caught_up or not is_behind
        if not self._is_caught_up:
            return decided
        self.look()
        if self.next_waiting is None or self.next_waiting > now:
            return decided
        with self._outbox.claiming(self._partition, self._token) as claiming:
            settling = _Settling(claiming, plan, find, now, position, self._mails_per_address)
            for channel, slots in self._slots.items():
                free = slots - claiming.in_flight(channel)
                if free > 0:
                    self._decide_some(settling, channel, free, decided)
        # What still waits although it is due waits for a slot, for which the deliverer rings, or for its person, who
        # comes with a record.
        self.next_waiting = self._outbox.next_waiting(self._partition, now)
        return decided

    def _decide_some(self, settling: _Settling, channel: str, free: int, decided: Decided) -> None:
        """About as many as there are slots `free`; those passed over hold nobody up."""
        passed = 0
        while free > 0:
            limit = passed + max(free, passed)
            rows = settling.claiming.waiting(self._partition, channel, settling.now, limit)[passed:]
            is_held_up = False
            for waiting in rows:
                if free == 0:
                    break
                match _settle(settling, waiting):
                    case "claimed":
                        decided.claimed += 1
                        free -= 1
                    case "closed":
                        decided.closed += 1
                    case "passed":
                        passed += 1
                        is_held_up = True
            if not is_held_up:
                return


def _settle(settling: _Settling, waiting: Waiting) -> Literal["claimed", "closed", "passed"]:
    """Put one intent before the gate."""
    intent, claiming, now = waiting.intent, settling.claiming, settling.now
    profile = settling.find(intent.key)
    if profile is not None and _is_moving(profile, intent.intent) and now <= intent.valid_until + DAY_US:
        return "passed"
    run = _run(profile, intent.intent) if profile is not None else None
    if profile is None or run is None:
        claiming.close(Verdict(intent.intent, "refused", "the person's state no longer knows this run"), now)
        return "closed"
    verdict = decide(intent, profile, run, settling.plan, claiming, now, settling.mails_per_address)
    if not isinstance(verdict, Claim):
        claiming.close(Verdict(intent.intent, verdict.status, verdict.reason, verdict.detail), now)
        return "closed"
    template = source.source_of(verdict.message).encode() if verdict.message is not None else b""
    claimed = Claimed(
        intent=intent,
        partition=waiting.partition,
        attempt=waiting.attempt,
        claimed_at=now,
        position=settling.position,
        address=verdict.address,
        permit=verdict.permit.because,
        template=source.digest(template) if template else "",
        frozen=verdict.frozen,
    )
    claiming.claim(claimed, template)
    return "claimed"


def _run(profile: Profile, intent: str) -> Run | None:
    return next((run for run in profile.runs if run.intent == intent), None)


def _is_moving(profile: Profile, intent: str) -> bool:
    """Whether the run is, or is on its way to, somebody else: the person was tied to another, or has been untied and
    is not whole yet."""
    identity = profile.identity
    if identity is None:
        return False
    return profile.owner() is not None or identity.is_waiting or _run(profile, intent) is None
