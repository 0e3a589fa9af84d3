"""Claims: the worker's half of the one road out (DESIGN 4).

While slots of a channel are free, intents that wait are put before the gate, on the state at the worker's position and
in one durable transaction of the outbox; each is then claimed, or closed with its reason. Nothing is rendered or sent
here.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tactful.kernel.gate import Claim, decide
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.messages import source
from tactful.runtime.ports import Claimed, Claiming, Outbox, Verdict, Waiting


class Decided(Struct):
    claimed: int = 0
    closed: int = 0


class Claims:
    """Decides for one partition; `slots` says how many of a channel may be in flight over all partitions."""

    def __init__(self, partition: int, outbox: Outbox, slots: Mapping[str, int]) -> None:
        self._partition = partition
        self._outbox = outbox
        self._slots = slots
        self._token = outbox.own(partition)
        self._is_caught_up = False
        self.next_waiting: int | None = None
        """When to decide again without being rung."""
        self.look()

    def look(self) -> None:
        """Ask the outbox again when the next intent wants its claim."""
        self.next_waiting = self._outbox.next_waiting(self._partition)

    def decide(
        self, plan: CompiledPlan, find: Callable[[str], Profile | None], now: int, *, position: int, is_behind: bool
    ) -> Decided:
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
            for channel, slots in self._slots.items():
                free = slots - claiming.in_flight(channel)
                if free <= 0:
                    continue
                for waiting in claiming.waiting(self._partition, channel, now, free):
                    if _settle(claiming, waiting, plan, find(waiting.intent.key), now, position):
                        decided.claimed += 1
                    else:
                        decided.closed += 1
        # What still waits although it is due waits for a slot: the deliverer rings when one is free.
        self.next_waiting = self._outbox.next_waiting(self._partition, now)
        return decided


def _settle(
    claiming: Claiming, waiting: Waiting, plan: CompiledPlan, profile: Profile | None, now: int, position: int
) -> bool:
    """Put one intent before the gate; True where it was claimed."""
    intent = waiting.intent
    run = next((run for run in profile.runs if run.intent == intent.intent), None) if profile is not None else None
    if profile is None or run is None:
        claiming.close(Verdict(intent.intent, "refused", "the person's state no longer knows this run"), now)
        return False
    verdict = decide(intent, profile, run, plan, claiming, now)
    if not isinstance(verdict, Claim):
        claiming.close(Verdict(intent.intent, verdict.status, verdict.reason, verdict.detail), now)
        return False
    template = source.source_of(verdict.message).encode() if verdict.message is not None else b""
    claimed = Claimed(
        intent=intent,
        partition=waiting.partition,
        attempt=waiting.attempt,
        claimed_at=now,
        position=position,
        address=verdict.address,
        permit=verdict.permit.because,
        template=source.digest(template) if template else "",
        frozen=verdict.frozen,
    )
    claiming.claim(claimed, template)
    return True
