"""The deliver loop: takes claims, begins them durably, writes, sends, and says what became of them.

One lane per channel, each with its own slots, so that a slow provider delays nobody else. A claim is marked as begun
(`hand_off`) before it is rendered and before a socket opens; so a process that dies leaves a begun claim behind, and
another one, as soon as it knows, holds it (e-mail: perhaps sent) or lets it wait again (webhooks: the receiver drops
repeats). Several processes may deliver side by side: each takes what nobody has begun. Verdicts of sends that end
together are written in one transaction, then put on the log, and the workers are rung, since a slot has become free.
Waits only for bells and sockets; never polls.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from msgspec import Struct

from tactful.errors import TransientError
from tactful.kernel.addresses import spelling
from tactful.messages.source import digest as digest_of
from tactful.runtime.channels import Answer, Channel, Rejected, Retry, RetryRule, Sent, Unknown
from tactful.runtime.fetching import Fetcher
from tactful.runtime.outcomes import report
from tactful.runtime.ports import Bell, Bells, Claimed, Clock, Log, Outbox, Verdict
from tactful.runtime.writing import Unwritable, Writer
from tactful.values import MINUTE_US, SECOND_US, digest

STALE_US = MINUTE_US
"""A claim that has not begun by then goes back to the gate: the permit may have been withdrawn since, or the night have
come. By the installation's clock, as what the gate looked at."""

LONGEST_WAIT_S = 60.0
"""Without a ring, in real time: so that a stop never hangs on a bell that somebody else has taken, and to look after
those who died and were not started again."""

GATHER_S = 0.025
"""How long an end may wait for others, in real time, so that they are written together: each writing waits for the
disk."""

Gone = Callable[[Sequence[str]], Sequence[str]]
"""Which of these deliverers are no more. Of a name that is gone once nothing is ever heard again."""

_log = logging.getLogger(__name__)


class Lane:
    """A channel with its writer, and the claims that are on their way through it. `fetcher` brings what a message
    asks for before it is written."""

    def __init__(
        self, channel: Channel, write: Writer, retry: RetryRule | None = None, fetcher: Fetcher | None = None
    ) -> None:
        self.channel = channel
        self.write = write
        self.fetcher = fetcher
        self.retry = retry or RetryRule()
        self.under_way: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        return self.channel.slots - len(self.under_way)


class Ended(Struct, frozen=True):
    """How a send ended, not written yet; `gone` are spellings of addresses to be suppressed."""

    verdict: Verdict
    gone: tuple[str, ...] = ()


class Deliverer:
    """`name` is this process's, never used before (a start's random number): who has begun a claim. `gone` says which
    of the others are dead; without it there are no others, so that all are. `bell` is what wakes this one."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        log: Log,
        bells: Bells,
        clock: Clock,
        lanes: Sequence[Lane],
        *,
        gone: Gone = tuple,
        bell: str = "deliver",
    ) -> None:
        self._name = name
        self._gone = gone
        self._bell = bell
        self._looked_at = 0
        self._outbox = outbox
        self._log = log
        self._bells = bells
        self._clock = clock
        self._lanes = lanes
        self._ended: list[Ended] = []
        self._rung = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._is_stopping = False

    # ---- the loop ------------------------------------------------------------------------------------------

    async def run(self, grace_s: float = 30.0) -> None:
        """Until `stop`; then lets what is under way end, for `grace_s` at most (what is left is for the next start)."""
        bell = self._bells.bell(self._bell)
        self.take_over()
        listening = asyncio.create_task(self._listen(bell))
        try:
            while not self._is_stopping:
                self._rung.clear()
                self.turn()
                await self._rung.wait()
            await self.drain(grace_s)
        finally:
            self.stop()
            await listening
            for lane in self._lanes:
                await lane.channel.close()
            for fetcher in {lane.fetcher for lane in self._lanes if lane.fetcher is not None}:
                await fetcher.close()

    def stop(self) -> None:
        self._is_stopping = True
        self._rung.set()
        # Ends the wait of the thread that listens.
        self._bells.ring(self._bell)

    async def _listen(self, bell: Bell) -> None:
        while not self._is_stopping:
            await asyncio.to_thread(bell.wait, LONGEST_WAIT_S)
            self._rung.set()

    def take_over(self) -> None:
        """At the start: what deliverers that died had begun."""
        self._look_after()
        # Whoever was here before may have died between an effect and its ring.
        self._ring_workers(range(self._log.partitions))

    def _look_after(self) -> None:
        """Hold, or have tried again, what was begun by those who are gone."""
        self._looked_at, now_us = self._clock.real_us(), self._clock.now_us()
        others = [name for name in self._outbox.deliverers() if name != self._name]
        gone = self._gone(others) if others else ()
        if not gone:
            return
        repeatable = [lane.channel.name for lane in self._lanes if lane.channel.is_repeatable]
        once = [lane.channel.name for lane in self._lanes if not lane.channel.is_repeatable]
        held = self._outbox.hold_orphans(gone, once, now_us)
        again = self._outbox.retry_orphans(gone, repeatable, now_us)
        if held:
            _log.warning("%d messages may or may not have been sent before the stop: `tactful outbox list`", len(held))
        if again:
            _log.info("%d webhooks are sent again: their deliverer is gone", len(again))
        self._ring_workers(range(self._log.partitions))

    def turn(self) -> None:
        """Write what has ended, begin what is claimed; leaves sends running. Must be called within a running loop."""
        try:
            self._settle()
            if self._clock.real_us() - self._looked_at >= int(LONGEST_WAIT_S * SECOND_US):
                self._look_after()
            for lane in self._lanes:
                self._begin(lane)
        except TransientError as error:
            # Verdicts are kept; what was not begun stays claimed.
            _log.error("%s", error)
            asyncio.get_running_loop().call_later(1.0, self._rung.set)

    async def drain(self, grace_s: float) -> None:
        """Wait for what is under way, and write how it ended."""
        tasks = {task for lane in self._lanes for task in lane.under_way}
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=grace_s)
        while tasks:
            # Again and again: asyncio.wait_for (Python 3.11) swallows a cancellation that meets the end of its wait.
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=0.1)
        self._settle()

    # ---- one claim -----------------------------------------------------------------------------------------

    def _begin(self, lane: Lane) -> None:
        if lane.free <= 0:
            return
        claims = {claim.intent.intent: claim for claim in self._outbox.claimed(lane.channel.name, lane.free)}
        if not claims:
            return
        now_us = self._clock.now_us()
        for intent in self._outbox.hand_off(list(claims), self._name):
            claim = claims[intent]
            if now_us - claim.claimed_at > STALE_US:
                self._end(Ended(Verdict(intent, "waiting", "the claim was too old to begin", not_before=now_us)))
                continue
            task = asyncio.create_task(self._deliver(lane, claim))
            lane.under_way.add(task)
            task.add_done_callback(lane.under_way.discard)

    async def _deliver(self, lane: Lane, claim: Claimed) -> None:
        sent = ""
        answer: Answer
        try:
            if lane.fetcher is not None:
                claim = await lane.fetcher.prepare(claim)
            body = lane.write(claim)
            sent = digest_of(body)
            answer = await lane.channel.send(claim, body)
        except Unwritable as error:
            answer = Rejected("cannot be rendered", str(error))
        except TransientError as error:
            answer = Retry("cannot be rendered now", str(error))
        except asyncio.CancelledError:
            answer = Unknown("stopped while it was being sent")
        except Exception as error:  # the run loop: a bug must neither stop the others nor send twice
            _log.exception("delivering %s failed", claim.intent.intent)
            what = f"{type(error).__name__}: {error}"
            answer = Unknown("the channel failed", what) if sent else Rejected("cannot be rendered", what)
        self._end(self._judge(lane, claim, answer, sent))

    def _end(self, ended: Ended) -> None:
        """To be written at once where half of what is under way has ended (or nothing else is), else soon."""
        self._ended.append(ended)
        if 2 * len(self._ended) >= sum(len(lane.under_way) for lane in self._lanes):
            self._rung.set()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._rung.set)

    def _judge(self, lane: Lane, claim: Claimed, answer: Answer, sent: str) -> Ended:
        intent = claim.intent.intent
        gone = tuple(spelling(claim.intent.channel, address) for address in answer.gone)
        match answer:
            case Sent(detail):
                return Ended(Verdict(intent, "sent", "accepted", detail, digest=sent), gone)
            case Rejected(reason, detail, suppress):
                gone = (spelling(claim.intent.channel, claim.address),) if suppress and not gone else gone
                return Ended(Verdict(intent, "rejected", reason, detail, digest=sent), gone)
            case Unknown(reason, detail) if lane.channel.is_repeatable:
                return Ended(self._again(lane, claim, Retry(reason, detail)), gone)
            case Unknown(reason, detail):
                return Ended(Verdict(intent, "held", f"outcome unknown: {reason}", detail, digest=sent), gone)
            case Retry():
                return Ended(self._again(lane, claim, answer), gone)

    def _again(self, lane: Lane, claim: Claimed, answer: Retry) -> Verdict:
        intent, now_us = claim.intent, self._clock.now_us()
        if claim.attempt >= lane.retry.attempts:
            return Verdict(intent.intent, "rejected", f"gave up after {claim.attempt} attempts", answer.detail)
        at_us = now_us + max(wait_us(lane.retry, intent.intent, claim.attempt), answer.after_us)
        # Beyond its validity the gate closes it as lapsed, at once rather than in hours.
        not_before = min(at_us, max(now_us, intent.valid_until) + 1)
        return Verdict(intent.intent, "waiting", answer.reason, answer.detail, not_before=not_before)

    # ---- how it ended --------------------------------------------------------------------------------------

    def _settle(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._ended:
            ended, now_us = list(self._ended), self._clock.now_us()
            for one in ended:
                for address in one.gone:
                    self._outbox.suppress(address, f"{one.verdict.reason}: {one.verdict.detail}", now_us)
            self._outbox.finish([one.verdict for one in ended], now_us)
            del self._ended[: len(ended)]
            # Any worker may have claims to make, now that slots are free.
            self._ring_workers(range(self._log.partitions))
            self._bells.ring("watch")
        self._ring_workers(sorted(report(self._outbox, self._log, self._clock)))

    def _ring_workers(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._bells.ring(f"work-{partition}")


def wait_us(rule: RetryRule, intent: str, attempt: int) -> int:
    """Doubling from the first wait to the longest, half of it fixed, half spread by the intent's id (no randomness)."""
    full = min(rule.first_us << min(attempt - 1, 40), rule.longest_us)
    spread = int(digest("wait", intent, str(attempt))[:8], 16) / 0xFFFFFFFF
    return max(int(full * (0.5 + spread / 2)), SECOND_US // 10)
