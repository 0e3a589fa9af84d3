"""Turn: what a worker holds and decides between two commits of a partition."""

from collections import deque
from collections.abc import Callable, Mapping

from msgspec import Raw

from tactful.aggregates.kinds import State
from tactful.events.derived import ConsentChanged, EventRefused, Group, IntentMoved, Row, SendMessage
from tactful.events.identifiers import partition_of
from tactful.events.records import Between, Event, Forwarded, Told, encode
from tactful.kernel.counts import NOWHERE, Stand, move, stand
from tactful.kernel.fragments import states
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, PlanState, Profile, new_profile
from tactful.kernel.view import Around, PersonView, Thresholds


class _Seen:
    """The thresholds of a state, worked out when they are first asked for. Knows no Turn: one that knew itself would be
    kept for ever, with all that it brought, since the loop of workers runs without the collector of cycles."""

    __slots__ = ("_found", "_state")

    def __init__(self, state: PartitionState) -> None:
        self._state = state
        self._found: Thresholds | None = None

    def __call__(self) -> Thresholds:
        if self._found is None:
            self._found = {
                metric: {percent: one.value for percent, one in by_percent.items()}
                for metric, by_percent in self._state.thresholds.items()
            }
        return self._found


def no_seeds(digest: str, fragment: str) -> Mapping[int, State]:
    """For whoever has no plan that asks for any."""
    raise AssertionError(f"seed {digest} is not at hand")


class Turn:
    """`find` gives the state of a key that was loaded, or None for somebody new; `seed` what a seed's file, named by
    its digest, has of a fragment."""

    __slots__ = (
        "_around",
        "_stood",
        "changed",
        "decisions",
        "find",
        "groups",
        "intents",
        "is_plan_new",
        "local",
        "moved",
        "outgoing",
        "plan",
        "plan_state",
        "refused",
        "seed",
        "state",
    )

    def __init__(
        self,
        state: PartitionState,
        plan: CompiledPlan,
        plan_state: PlanState | None,
        find: Callable[[str], Profile | None],
        seed: Callable[[str, str], Mapping[int, State]] = no_seeds,
    ) -> None:
        self.state = state
        self.plan = plan
        self.plan_state = plan_state
        self.find = find
        self.seed = seed
        self.is_plan_new = False
        self.groups: list[Group] = []
        self.intents: list[SendMessage] = []
        self.changed: dict[str, Profile] = {}
        self.outgoing: list[tuple[int, int, bytes]] = []
        self.decisions: list[ConsentChanged] = []
        self.refused: list[tuple[Event, EventRefused]] = []
        self.moved: list[IntentMoved] = []
        self.local: deque[Between] = deque()
        """What this partition tells itself: read within the same step."""
        self._stood: dict[str, Stand] = {}
        """What people counted for when this turn met them; those who are not there counted for nothing."""
        self._around: Around | None = None

    def known(self, key: str) -> Profile | None:
        """The state of a person, to be changed; None for somebody never heard of."""
        profile = self.changed.get(key)
        if profile is None:
            profile = self.find(key)
            if profile is not None:
                self.changed[key] = profile
                if profile.segments or profile.runs:
                    self._stood[key] = stand(profile)
        return profile

    def person(self, key: str) -> Profile:
        """The state of a person, to be changed; somebody new starts settled, and is in no segment yet."""
        profile = self.known(key)
        if profile is None:
            profile = self.changed[key] = new_profile(key, self.state.generation, self.seeded, self.plan.version)
            profile.now = self.state.clock
            self.state.profiles += 1
        return profile

    @property
    def seeded(self) -> int:
        """The ordinal of the newest seed."""
        return self.plan_state.seeded if self.plan_state is not None else 0

    def view(self, profile: Profile) -> PersonView:
        """What expressions see of the person now; after a change of anything but aggregates, take a new one."""
        if self._around is None:
            plan = self.plan
            self._around = Around(
                plan.time_zone, _Seen(self.state), plan.policy, plan.traits, is_signed=plan.identity.is_signed
            )
        return PersonView(states(profile), profile.fragments, self._around)

    def look_around(self) -> None:
        """The plan, or thresholds in the state, are others now."""
        self._around = None

    def close(self, profile: Profile, position: int, rows: list[Row]) -> None:
        """Put the rows of one person at one position at the end of that person's chain."""
        profile.now = max(profile.now, self.state.clock)
        if not rows:
            return
        index = self._index_of(profile.key, position) if profile.tail == position else None
        if index is not None:  # It came up again within one step.
            group = self.groups[index]
            self.groups[index] = Group(position, profile.key, group.before, (*group.rows, *rows))
        else:
            self.groups.append(Group(position, profile.key, profile.tail, tuple(rows)))
            profile.tail = position

    def _index_of(self, key: str, position: int) -> int | None:
        """Its group of this step. None where the state that was loaded is ahead of this turn: another worker owns the
        partition meanwhile, and what is decided here will be fenced off."""
        for index in range(len(self.groups) - 1, -1, -1):
            group = self.groups[index]
            if group.position != position:
                return None
            if group.key == key:
                return index
        return None

    def close_nobody(self, position: int, rows: list[Row]) -> None:
        """Rows about somebody who may not be remembered."""
        self.groups.append(Group(position, "", 0, tuple(rows)))

    def count(self) -> None:
        """Bring the partition's counts up to what everybody stands for now; before each commit."""
        stood = self._stood
        for key, profile in self.changed.items():
            before = stood.get(key, NOWHERE)
            if before is NOWHERE and not (profile.segments or profile.runs):
                continue
            after = stand(profile)
            if after != before:
                move(self.state, before, after)
                stood[key] = after

    def send(self, record: Between) -> None:
        """Address a record to an identifier."""
        partition = partition_of(record.key, self.state.partitions)
        if partition == self.state.partition:
            self.local.append(record)
        else:
            self.tell(partition, record)

    def tell(self, partition: int, record: Told) -> None:
        """Address a record to another partition, as the next one of that channel."""
        state = self.state
        number = state.sent[partition] = state.sent.get(partition, 0) + 1
        forwarded = Forwarded(state.clock, state.partition, number, state.clock, Raw(encode(record)))
        self.outgoing.append((partition, number, encode(forwarded)))
