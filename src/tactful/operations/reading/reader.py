"""Reading: the questions of the pages, the read API and `tactful explain`, answered over the ports.

One Reader serves one thread. It opens nothing itself and changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.derived import EventKept, decode_groups
from tactful.events.identifiers import partition_of
from tactful.events.mentions import Tally
from tactful.events.records import TIME_ZONE
from tactful.kernel.plan import CompiledPlan, compiled, empty_plan
from tactful.kernel.state import (
    PLAN_KEY,
    PartitionState,
    PlanState,
    Profile,
    decode_partition,
    decode_plan,
)
from tactful.operations.journeys import steering
from tactful.operations.journeys.feeds import END, Feed, feed
from tactful.operations.people import consenting, persons
from tactful.operations.people.chains import Walk, marked
from tactful.operations.people.journeying import RunStory, journeys_of, runs_of, waiting
from tactful.operations.people.narration import HANDED_OVER, Narration, shown
from tactful.operations.people.persons import Found
from tactful.operations.people.unmerging import Tie, tie
from tactful.operations.places import Counted, Intents, People, Places, state_of
from tactful.operations.reading.following import Following
from tactful.operations.stories import (
    Known,
    Membership,
    Overview,
    PersonSeen,
    SeenEvent,
    Story,
    StoryLine,
)
from tactful.operations.upkeep import hours
from tactful.operations.upkeep.health import PartitionHealth, partitions
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log, OutboxRow

if TYPE_CHECKING:
    from tactful.operations.history.opened import History
    from tactful.operations.journeys.measuring import Report
    from tactful.operations.reading.matching import Matching

STEPS = 200
"""Groups of a story at most, unless more are asked for."""
WALKED = 10_000
"""Groups that are looked through for the runs of one journey."""


class Reader:
    """`states` are the stores by partition."""

    def __init__(
        self,
        log: Log,
        states: Sequence[People],
        trail: Trail,
        outbox: Intents,
        quarantine: Counted,
        history: "Callable[[], History] | None" = None,
    ) -> None:
        """`history` opens the lake, when it is first asked."""
        self._log = log
        self._open_history = history
        self._asked: History | None = None
        self._is_broken_off = False
        self._states = states
        self._trail = trail
        self.outbox = outbox
        self._quarantine = quarantine
        self._known_plan: tuple[tuple[int, Mapping[int, int]], CompiledPlan] | None = None
        self._matching: Matching | None = None

    def history(self) -> "History":
        """All that was ever kept, for SQL, as of now. Raises UsageError where nobody said how it is opened."""
        if self._open_history is None:
            raise UsageError("there is no history here")
        self._asked = self._open_history()
        if self._is_broken_off:
            self._asked.break_off()
        return self._asked

    def begin(self) -> None:
        """Another question: what was broken off is none of its business."""
        self._asked, self._is_broken_off = None, False

    def break_off(self) -> None:
        """From any thread: what is being asked of the history ends soon, with TransientError."""
        self._is_broken_off = True
        if (asked := self._asked) is not None:
            asked.break_off()

    # ---- one person

    def find(self, text: str) -> Profile | None:
        """The profile that answers for an identifier: as the log writes it ("u:42"), or a bare user id, e-mail or phone
        number. Never one that belongs to another."""
        found = persons.find(text, self._states)
        return found.profile if found is not None else None

    def story(self, text: str, steps: int = STEPS) -> Story | None:
        """The newest `steps` steps of a person; None for somebody never heard of."""
        found = persons.find(text, self._states)
        if found is None:
            return None
        profile = found.profile
        partition = self._home(profile.key)
        places = self._places(profile)
        walk = Walk(places, profile, partition)
        newest = list(islice(walk, steps))
        user = shown(profile, newest if steps else Walk(places, profile, partition))
        if found.marked is not None:
            newest = [*marked(places, found.marked, self._home(found.asked), steps), *newest]
            newest.sort(key=lambda step: step.decided_at, reverse=True)  # Stable: each chain keeps its order.
        narration = Narration(places, self.outbox, user, profile.key)
        lines = narration.tell(reversed(newest))
        plan = self._plan(partition)
        names = _names(plan)
        return Story(
            asked=found.asked,
            key=profile.key,
            user=user,
            identifiers=self._identifiers(found, narration.known),
            is_waiting=profile.identity is not None and profile.identity.is_waiting,
            partition=partition,
            traits=persons.values(profile, plan),
            segments=tuple(Membership(names.get(number, "?"), at) for number, at in profile.segments.items()),
            consents=persons.permissions(profile, plan),
            runs=waiting(profile, self.compiled()),
            lines=tuple(lines),
            is_whole=walk.is_whole,
        )

    def runs(self, text: str, journey: str, steps: int = WALKED) -> tuple[str, tuple[RunStory, ...]] | None:
        """By which identifier a person is shown, and the person's runs through a journey, as far as the newest `steps`
        steps reach; None for somebody never heard of. Raises UsageError for a journey that nobody knows."""
        found = persons.find(text, self._states)
        if found is None:
            return None
        profile, partition = found.profile, self._home(found.profile.key)
        places = self._places(profile)
        newest = list(islice(Walk(places, profile, partition), steps))
        rows = [row for step in reversed(newest) for row in step.group.rows]
        plan = self.compiled()
        if journey not in plan.journeys and journey not in (known := journeys_of(rows, profile)):
            named = ", ".join(sorted({*plan.journeys, *known})) or "none at all"
            raise UsageError(f"there is no journey {journey!r}; there are: {named}")
        said = steering.told(journey, self.partition_state(partition))
        found_runs = runs_of(rows, journey, profile, plan, self.outbox, places)
        runs = tuple(replace(run, steered=said) if run.state == "waiting" else run for run in found_runs)
        return shown(profile, newest), runs

    def responses(self, row: OutboxRow) -> tuple[StoryLine, ...]:
        """What came back from a message of the outbox after it was handed over, as far as the trail reaches."""
        try:
            found = self.runs(row.intent.key, row.intent.journey)
        except UsageError:
            return ()
        runs = found[1] if found is not None else ()
        messages = (message for run in runs for message in run.messages)
        told = next((one.responses for one in messages if one.intent == row.intent.intent), ())
        return tuple(line for line in told if not line.text.startswith(HANDED_OVER))

    def compiled(self) -> CompiledPlan:
        """The plan in force, compiled once per version."""
        plan = self._plan(0)
        if plan is None:
            return empty_plan()
        known = plan.plan.version, plan.ready  # A seed makes ready what a plan of the same version was not.
        if self._known_plan is None or self._known_plan[0] != known:
            self._known_plan = known, compiled(plan)
        return self._known_plan[1]

    def _places(self, profile: Profile) -> Places:
        """What the log no longer has of the person is looked for in the history, where there is one."""

        def recall() -> Mapping[int, SeenEvent]:
            from tactful.operations.history.recalled import events_of  # Arrow is slow to import.

            return events_of(self.history(), persons.identifiers(profile))

        return Places(self._log, self._trail, self._states, recall if self._open_history is not None else None)

    def _identifiers(self, found: Found, known: Mapping[str, Known]) -> tuple[Known, ...]:
        own, row = found.profile.key, found.profile.identity
        # A device that came from somebody else brings nothing along, so that no fragment tells of it yet.
        named = [key for key, is_taken in row.ties.items() if is_taken] if row is not None else []
        silent = [key for key in named if self._owner(key) == own]
        keys = dict.fromkeys([*persons.identifiers(found.profile), found.asked, *silent])
        owners = {key: own if key in (own, found.asked) else self._owner(key) for key in keys}
        return tuple(replace(known.get(key, Known(key)), is_past=owners[key] != own) for key in keys)

    def _owner(self, key: str) -> str | None:
        profile = self.find(key)
        return profile.key if profile is not None else None

    def tie(self, text: str) -> Tie:
        """What an un-merge of this identifier would undo. Raises UsageError where it belongs to nobody."""
        return tie(text, self._states)

    def messages(
        self, status: str | None = None, text: str = "", before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        """Rows of the outbox, newest first; with `text` those of a person, through whatever identifier."""
        if not text:
            return self.outbox.rows(status, None, before, limit)
        found = persons.find(text, self._states)
        keys = dict.fromkeys([*persons.identifiers(found.profile), found.asked] if found is not None else [text])
        rows = [row for key in keys for row in self.outbox.rows(status, key, before, limit)]
        return sorted(rows, key=lambda row: row.intent.due, reverse=True)[:limit]

    def _home(self, key: str) -> int:
        return partition_of(key, len(self._states))

    def _plan(self, partition: int) -> PlanState | None:
        body = self._states[partition].load([PLAN_KEY]).get(PLAN_KEY)
        return decode_plan(body) if body is not None else None

    # ---- everybody

    def plan_state(self) -> PlanState:
        """The plan in force as it stands in the state. Raises UsageError before the first."""
        plan = self._plan(0)
        if plan is None:
            raise UsageError("nothing is published yet: tactful publish")
        return plan

    @property
    def trail(self) -> Trail:
        return self._trail

    def published(self) -> PlanState | None:
        """The same; None before the first."""
        return self._plan(0)

    @property
    def log(self) -> Log:
        """For who looks at the newest records."""
        return self._log

    def people_states(self) -> list[People]:
        """The stores by partition."""
        return list(self._states)

    def partition_state(self, partition: int = 0) -> PartitionState:
        """What a partition knows of itself."""
        return state_of(self._states[partition])

    def partitions(self) -> list[PartitionState]:
        """What every partition knows of itself, in their order."""
        return [state_of(states) for states in self._states]

    def tallies(self, from_us: int, until_us: int, definition: str | None = None) -> list[Tally]:
        """What happened in each hour of [from_us, until_us), of a definition or of all (hours.py)."""
        return hours.tallies(self._trail, len(self._states), from_us, until_us, definition)

    def sums(self, edges_us: Sequence[int], definition: str | None = None, whats: Sequence[str] = ()) -> list[Tally]:
        """What happened between each two of these instants, of a definition, a kind of them, or of all (hours.py)."""
        return hours.sums(self._trail, len(self._states), edges_us, definition, whats)

    def health(self, now_us: int) -> list[PartitionHealth]:
        """Whether the partitions keep up, in their order."""
        return partitions(self._log, self._states, now_us)

    def unkept(self) -> str:
        """Why somebody who has sent events may be nobody here; "" where consent has kept none out."""
        return consenting.unkept(consenting.refused(self.partitions()), self.compiled().policy)

    def members(self) -> dict[str, int]:
        """How many people are in each segment of the plan."""
        counted: Counter[int] = Counter()
        for state in self.partitions():
            counted.update(state.members)
        return {rule.name: counted[rule.number] for rule in self.compiled().segments}

    def matching(self) -> "Matching":
        """How many people a condition holds for, by live state; it remembers whom it has looked at."""
        if self._matching is None:
            from tactful.operations.reading.matching import Matching  # Wanted by who writes conditions only.

            self._matching = Matching(self._states)
        return self._matching

    def journeys(self, *, counts: bool = True, name: str = "") -> steering.Journeys:
        """How all journeys stand, or the one named; `counts` says who is inside."""
        return steering.journeys(self.compiled(), self._states, self.outbox, counts=counts, name=name)

    def measure(self, journey: str, from_us: int, until_us: int) -> "Report":
        """What a journey did (measuring.py), for runs whose moment lies in [from_us, until_us)."""
        from tactful.operations.journeys.measuring import measure  # Slow to import, and wanted here only.

        plan = self._plan(0)
        zone = plan.plan.publish.settings.get(TIME_ZONE, "UTC") if plan is not None else "UTC"
        return measure(self._trail, len(self._states), journey, from_us=from_us, until_us=until_us, zone=zone)

    def feed(self, journey: str, after: str) -> Feed:
        """What the trail says of a journey since `after` (feeds.py). Raises UsageError for a journey that is neither
        published nor in the trail, and for an `after` that is no place in it."""
        plan = self._plan(0)
        files = plan.plan.publish.files if plan is not None else {}

        def owner(key: str) -> str:
            return self._owner(key) or key

        found = feed(self._trail, len(self._states), journey, after, files, owner)
        if not found.definition and not found.rows and after in ("", END):
            raise UsageError(f"there is no journey {journey!r}")
        return found

    def live(self, limit: int = 50) -> list[SeenEvent]:
        """The newest events, newest first, in order of receipt; also those that no worker has read yet, unless whether
        they may be kept is still to be decided. What was not kept as it came is not among them: of what was only
        counted or dropped no row tells, so that what is shown are those of which one tells."""
        events = self.following(2 * limit).turn().events
        return list(reversed(events))[:limit]

    def following(self, behind: int = 0) -> Following:
        """The events to come, and those of the last `behind` records of each partition."""
        return Following(self._log, self._trail, self._states, behind)

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
        people: dict[str, PersonSeen] = {}
        plans: dict[int, PlanState | None] = {}
        for key, (at, _, last) in sorted(newest.items(), key=lambda item: item[1], reverse=True):
            person = persons.find(key, self._states)
            profile = person.profile if person is not None else None
            owner = profile.key if profile is not None else key
            if owner not in people:  # Who became one with somebody is listed with what the person did last.
                home = self._home(owner)
                if home not in plans:
                    plans[home] = self._plan(home)
                people[owner] = _seen(owner, profile, at, last, plans[home])
            if len(people) == limit:
                break
        return list(people.values())

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
            refused=dict(sorted(consenting.refused(partitions).items())),
            people=sum(state.profiles for state in partitions),
            messages=self.outbox.counts(),
            quarantined=sum(number for code, number in self._quarantine.counts().items() if code != "forgotten"),
            lag=sum(max(0, end - position) for end, position in ends),
            plan=plan.plan.version if plan is not None else 0,
            ends=ends,
        )


def _names(plan: PlanState | None) -> dict[int, str]:
    """Of segments, by number."""
    numbers = plan.numbers if plan is not None else {}
    return {number: name.removeprefix("segment/") for name, number in numbers.items() if name.startswith("segment/")}


def _seen(key: str, profile: Profile | None, at: int, last: str, plan: PlanState | None) -> PersonSeen:
    if profile is None:
        return PersonSeen(key, "", at, last, ())
    known, names = persons.values(profile, plan), _names(plan) if profile.segments else {}
    name = next((str(known[trait]) for trait in ("name", "firstName", "first_name", "email") if known.get(trait)), "")
    return PersonSeen(key, name, at, last, tuple(names.get(number, "?") for number in profile.segments))
