"""Reading: the questions of the pages, the read API and `tactful explain`, answered over the ports.

One Reader serves one thread. It opens nothing itself and changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tactful.events.derived import EventKept, OutcomeNoted, SendMessage, decode_groups
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, decode
from tactful.kernel.state import (
    PLAN_KEY,
    PartitionState,
    PlanState,
    Profile,
    decode_partition,
    decode_plan,
    decode_profile,
)
from tactful.operations import telling
from tactful.operations.finding import candidates
from tactful.operations.places import Places, States, seen_event
from tactful.operations.stories import (
    Membership,
    Overview,
    Permission,
    PersonSeen,
    SeenEvent,
    Story,
    StoryLine,
    Waits,
)
from tactful.people import traits
from tactful.runtime.ports import Log, OutboxRow, Trail

STEPS = 200
"""Groups of a story at most, unless more are asked for."""


class Intents(Protocol):
    """What reading needs of an Outbox."""

    def row(self, intent: str) -> OutboxRow | None: ...

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]: ...

    def counts(self) -> dict[str, int]: ...


class Counted(Protocol):
    """What reading needs of a Quarantine."""

    def counts(self) -> dict[str, int]: ...


class Reader:
    """`states` are the stores by partition."""

    def __init__(self, log: Log, states: Sequence[States], trail: Trail, outbox: Intents, quarantine: Counted) -> None:
        self._log = log
        self._states = states
        self._trail = trail
        self.outbox = outbox
        self._quarantine = quarantine

    # ---- one person

    def find(self, text: str) -> Profile | None:
        """The profile of an identifier: as the log writes it ("u:42"), or a bare user id, e-mail or phone number."""
        for key in candidates(text):
            body = self._states[partition_of(key, len(self._states))].load([key]).get(key)
            if body is not None:
                return decode_profile(body)
        return None

    def story(self, text: str, steps: int = STEPS) -> Story | None:
        """The newest `steps` steps of a person; None for somebody never heard of."""
        profile = self.find(text)
        if profile is None:
            return None
        partition = partition_of(profile.key, len(self._states))
        lines, is_whole = self._lines(partition, profile, steps)
        names = self._names(partition)
        consents = {
            purpose: write
            for fragment in profile.fragments.values()
            for purpose, write in sorted(fragment.consents.items(), key=lambda item: item[1].order())
        }
        return Story(
            key=profile.key,
            partition=partition,
            traits=traits.values(fragment.traits for fragment in profile.fragments.values()),
            segments=tuple(Membership(names.get(number, "?"), at) for number, at in profile.segments.items()),
            consents=tuple(
                Permission(purpose, write.granted, write.timestamp, write.origin) for purpose, write in consents.items()
            ),
            runs=tuple(Waits(run.journey, run.started_at, run.due) for run in profile.runs if not run.intent),
            lines=tuple(lines),
            is_whole=is_whole,
        )

    def _lines(self, partition: int, profile: Profile, steps: int) -> tuple[list[StoryLine], bool]:
        """In the order of decisions; a claim stands after the position whose state it was decided on."""
        places = Places(self._log, self._trail, self._states)
        groups, is_whole = places.chain(partition, profile.tail, profile.key, steps)
        ordered: list[tuple[float, int, StoryLine]] = []
        intents: list[SendMessage] = []
        noted: set[tuple[str, str]] = set()
        for group in groups:
            for n, row in enumerate(group.rows):
                if (line := telling.tell(row, places)) is not None:
                    ordered.append((group.position, n, line))
                if isinstance(row, SendMessage):
                    intents.append(row)
                elif isinstance(row, OutcomeNoted):
                    noted.add((row.intent, row.status))
        for intent in intents:
            message = self.outbox.row(intent.intent)
            if message is None:
                continue
            claimed = telling.claim(message)
            if claimed is not None:
                ordered.append((message.position or 0, 1_000, claimed))
            if (intent.intent, message.status) not in noted:
                ordered.append((float("inf"), 0, _now(message, places)))
        ordered.sort(key=lambda item: item[:2])
        return [line for _, _, line in ordered], is_whole

    def _names(self, partition: int) -> dict[int, str]:
        plan = self._plan(partition)
        if plan is None:
            return {}
        return {
            number: name.removeprefix("segment/")
            for name, number in plan.numbers.items()
            if name.startswith("segment/")
        }

    def _plan(self, partition: int) -> PlanState | None:
        body = self._states[partition].load([PLAN_KEY]).get(PLAN_KEY)
        return decode_plan(body) if body is not None else None

    # ---- everybody

    def live(self, limit: int = 50) -> list[SeenEvent]:
        """The newest events, newest first, in order of receipt; also those that no worker has read yet."""
        events: list[SeenEvent] = []
        for partition in range(self._log.partitions):
            end = self._log.end(partition)
            for position, body in self._log.read(partition, max(0, end - 2 * limit), 2 * limit)[-2 * limit :]:
                record = decode(body)
                if isinstance(record, Event):
                    events.append(seen_event(partition, position, record))
        events.sort(key=lambda event: (event.received_at, event.partition, event.position), reverse=True)
        return events[:limit]

    def people(self, limit: int = 50) -> list[PersonSeen]:
        """Who did something last, newest first."""
        newest: dict[str, tuple[int, int, str]] = {}
        for partition in range(len(self._states)):
            blobs = self._trail.recent(partition, None, 4 * limit)
            found = 0
            for group in (group for blob in blobs for group in reversed(decode_groups(blob))):
                events = [row for row in group.rows if isinstance(row, EventKept)]
                if not events or group.key in newest:
                    continue
                newest[group.key] = (events[-1].at, partition, events[-1].name)
                found += 1
                if found == limit:
                    break
        chosen = sorted(newest.items(), key=lambda item: item[1], reverse=True)[:limit]
        names = {partition: self._names(partition) for _, (_, partition, _) in chosen}
        return [self._seen(key, at, partition, last, names[partition]) for key, (at, partition, last) in chosen]

    def _seen(self, key: str, at: int, partition: int, last: str, names: Mapping[int, str]) -> PersonSeen:
        body = self._states[partition].load([key]).get(key)
        if body is None:
            return PersonSeen(key, "", at, last, ())
        profile = decode_profile(body)
        known = traits.values(fragment.traits for fragment in profile.fragments.values())
        name = next(
            (str(known[trait]) for trait in ("name", "firstName", "first_name", "email") if known.get(trait)), ""
        )
        return PersonSeen(key, name, at, last, tuple(names.get(number, "?") for number in profile.segments))

    def overview(self) -> Overview:
        """The numbers of the whole installation."""
        checkpoints = [states.checkpoint() for states in self._states]
        partitions = [
            decode_partition(point.partition_state) if point.partition_state else PartitionState(n, len(checkpoints))
            for n, point in enumerate(checkpoints)
        ]
        ends = tuple((self._log.end(n), point.position) for n, point in enumerate(checkpoints))
        plan = self._plan(0)
        return Overview(
            events=sum(state.events for state in partitions),
            repeats=sum(state.repeats for state in partitions),
            people=sum(state.profiles for state in partitions),
            messages=self.outbox.counts(),
            quarantined=sum(number for code, number in self._quarantine.counts().items() if code != "forgotten"),
            lag=sum(max(0, end - position) for end, position in ends),
            plan=plan.plan.version if plan is not None else 0,
            ends=ends,
        )


def _now(row: OutboxRow, places: Places) -> StoryLine:
    """Where an intent stands whose outcome the log does not tell yet."""
    at = row.finished_at or row.claimed_at or row.intent.at
    what = f"the {'e-mail' if row.intent.channel == 'email' else row.intent.channel} {row.intent.message}"
    return telling.outcome(at, row.intent.intent, row.status, row.reason, row.detail, what, places)
