"""Following: the events of all partitions as they come, for a page that stays open.

Each turn reads what the logs hold behind the last one, bounded: where more came than a turn may read, it goes on at the
newest and says how many it passed over. An event is shown when the engine has kept it; what the consent of a person
keeps from being remembered is never shown. Where nothing has to be permitted, it is shown as soon as it is durable.
"""

from collections.abc import Sequence

from msgspec import Struct

from tactful.consent.policy import read
from tactful.events.addressed import event_of
from tactful.events.derived import EventKept, decode_groups, ref
from tactful.events.records import CONSENT, decode
from tactful.kernel.state import PLAN_KEY, decode_plan
from tactful.operations.places import States, seen_event
from tactful.operations.stories import SeenEvent
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log

MOST = 2_000
"""Records of one partition that one turn reads."""


class Followed(Struct, frozen=True):
    """What came since the last turn."""

    events: tuple[SeenEvent, ...]
    """By receipt, the newest last."""
    passed: int
    """Records that were not looked at, since there were too many."""


class Following:
    """`turn` is called in the thread that reads; a new one begins at the end of the logs, `behind` records back."""

    def __init__(self, log: Log, trail: Trail, states: Sequence[States], behind: int = 0) -> None:
        self._log = log
        self._trail = trail
        self._states = states
        self._after = [max(0, log.end(partition) - behind) for partition in range(log.partitions)]

    def turn(self) -> Followed:
        must_permit = self._must_permit()
        found: list[SeenEvent] = []
        passed = 0
        for partition, states in enumerate(self._states):
            read_to = states.checkpoint().position
            end = self._log.end(partition)
            until = min(end, read_to) if must_permit else end
            after = self._after[partition]
            if until - after > MOST:
                passed += until - after - MOST
                after = until - MOST
            if until <= after:
                continue
            kept = self._kept(partition, after + 1, min(until, read_to))
            for position, body in self._log.read(partition, after, until - after):
                if after < position <= until and (position > read_to or ref(partition, position) in kept):
                    event = event_of(decode(body))
                    if event is not None:
                        found.append(seen_event(partition, position, event))
            self._after[partition] = until
        found.sort(key=lambda event: (event.received_at, event.partition, event.position))
        return Followed(tuple(found), passed)

    def _must_permit(self) -> bool:
        body = self._states[0].load([PLAN_KEY]).get(PLAN_KEY) if self._states else None
        settings = decode_plan(body).plan.publish.settings if body is not None else {}
        return bool(read(settings.get(CONSENT, "")).collect)

    def _kept(self, partition: int, first: int, last: int) -> set[int]:
        """Refs of the events at positions first..last that were kept as they came."""
        if last < first:
            return set()
        # What is committed and not yet in the trail stands in the store; looked at first, it cannot slip between.
        blobs = [blob for low, high, blob in self._states[partition].derived() if high >= first and low <= last]
        blobs += self._trail.between(partition, first, last)
        groups = (group for blob in blobs if blob for group in decode_groups(blob))
        return {row.ref for group in groups for row in group.rows if isinstance(row, EventKept)}
