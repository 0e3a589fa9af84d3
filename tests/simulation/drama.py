"""One simulated history: what happens is drawn by the seed, invariants are looked at after every turn of a process."""

from collections.abc import Callable
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import SendMessage, place
from tactful.events.records import Consent, Event, Outcome, Record, Score, decode
from tactful.kernel.state import PLAN_KEY, PartitionState, decode_partition, decode_plan, decode_profile
from tactful.runtime.ports import OutboxRow
from tests.kernel.driver import told
from tests.simulation import histories
from tests.simulation.counting import Counting, demand_flow
from tests.simulation.oracle import Oracle, difference
from tests.simulation.people import Row
from tests.simulation.shop import DAY, GRID, HOUR, MINUTE, SHOPS
from tests.simulation.stage import ENDED, Stage, demand

_MAKE: dict[str, Callable[[Random, str, int, str], Event | Consent | Score]] = {
    "event": histories.event,
    "consent": histories.consent,
    "score": histories.score,
}
SECOND_US = 1_000_000


class Scene(Struct, frozen=True):
    rounds: int = 8
    """Faults, then none until everything rests, and so on."""
    actions: int = 8
    people: int = 4
    imported: float = 0
    """The share of calls that are brought in afterwards."""


class Drama(Stage):
    def __init__(self, seed: int, scene: Scene | None = None) -> None:
        super().__init__(seed, histories.START)
        self.scene = scene or Scene()
        self.world.faults = self.faults
        self.world.observe = self.look
        self.counting = Counting()
        self.people = [f"u:{number}" for number in range(self.scene.people)]
        partitions = self.world.log.partitions
        self.oracles = [Oracle(partition, is_alone=partitions == 1) for partition in range(partitions)]
        self.records: list[list[Record]] = [[] for _ in self.oracles]
        self.calls = 0
        self.claims: set[tuple[str, int, int]] = set()
        self.clocks: dict[tuple[int, int], int] = {}
        """By partition and position, what the engine said."""

    # ---- what happens ------------------------------------------------------------------------------------------

    def play(self) -> None:
        """To the end; raises where anything is wrong."""
        self.world.publish(SHOPS["first"].files(), "first")
        for _ in range(self.scene.rounds):
            self.world.faults = self.faults
            for _ in range(self.scene.actions):
                self.act()
                self.look_closely()
            self.heal()
        self.end()

    def act(self) -> None:
        rng, world, faults = self.rng, self.world, self.faults
        self.strike()
        if rng.random() < faults.clock_jump:
            world.clock.jump(rng.choice((-40 * MINUTE, -SECOND_US, SECOND_US, 40 * MINUTE)))
        for _ in range(rng.randrange(1, 5)):
            self._one_thing()
        world.pass_time(rng.choices((0, GRID, histories.pause(rng), 5 * HOUR), (6, 4, 4, 1))[0])

    def _one_thing(self) -> None:
        rng, world = self.rng, self.world
        things = ("event",) * 14 + ("consent",) * 3 + ("score", "threshold")
        others = ("retry", "sync", "release", "drop", "kill", "stop", "publish")
        match rng.choice((*things, *others)):
            case "event" | "consent" | "score" as kind:
                self._call(rng.choice(self.people), kind)
            case "threshold" if self._is_settled():
                world.broadcast(histories.threshold(rng, world.clock.now_us()))
            case "publish" if rng.random() < 0.7 and self._is_settled():
                name = rng.choice(("first", "second"))
                world.publish(SHOPS[name].files(), name)
            case "release" if rng.random() >= 0.5:
                pass
            case other:
                self.meddle(other)

    def _call(self, key: str, kind: str) -> None:
        """The same call each time it is sent, but for when it is received."""
        self.calls += 1
        seed, message_id = self.rng.random(), f"m{self.calls}"
        happened_us = self.world.clock.now_us()
        is_import = seed < self.scene.imported

        def call(received_us: int) -> Event | Consent | Score:
            made = histories.received(_MAKE[kind](Random(seed), key, happened_us, message_id), received_us)
            return replace(made, is_import=True) if is_import else made

        self.world.call(call)

    def _is_settled(self) -> bool:
        """Publishing again (or another threshold) before everybody is settled is not compared: what a plan said that
        was replaced before somebody met it, nobody knows."""
        world = self.world
        for partition, store in enumerate(world.stores):
            head = store.checkpoint()
            plan = store.load([PLAN_KEY]).get(PLAN_KEY)
            version = decode_plan(plan).plan.version if plan is not None else 0
            is_read = head.position == world.log.end(partition) and version == world.published
            if not is_read:
                return False
            state = decode_partition(head.partition_state)
            is_told = partition == 0 or state.received.get(0) == world.published + world.broadcasts
            is_warm = state.ready_at is None or state.ready_at > world.clock.now_us()
            if not is_told or not is_warm or state.sweep is not None:
                return False
        return True

    # ---- what must always hold ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Cheap enough for after every turn."""
        self.counting.look(self.world.stores)
        self.demand_once()
        for row in self.rows():
            if row.claimed_at is not None and row.position is not None:
                claim = (row.intent.intent, row.position, row.claimed_at)
                if claim not in self.claims:
                    self.claims.add(claim)
                    self._look_at_claim(row, row.position, row.claimed_at)
        for partition, store in enumerate(self.world.stores):
            head = store.checkpoint()
            if head.partition_state:
                self.clocks[partition, head.position] = decode_partition(head.partition_state).clock

    def _look_at_claim(self, row: OutboxRow, position: int, at: int) -> None:
        """I7 by the log alone: was it allowed, at the position that the claim names?"""
        self._read()
        intent, prefix = row.intent, self.records[row.partition][:position]
        journey = next(one for shop in SHOPS.values() for one in shop.journeys if one.name == intent.journey)
        if journey.purpose:
            decided = [
                (each.timestamp, each.received_at, place_, each.granted)
                for place_, each in enumerate(prefix)
                if isinstance(each, Consent) and each.key == intent.key and each.purpose == journey.purpose
            ]
            demand(decided and max(_first_of_each(decided, prefix))[3], "I7 nothing without a permit", intent, position)
        start = place(intent.started_ref)[1] or position
        unwelcome = [
            each
            for each in prefix[start:]
            if isinstance(each, Event)
            and each.key == intent.key
            and each.name in journey.unless
            and each.timestamp > intent.started_at
        ]
        is_first = [each for each in unwelcome if not _is_repeat(each, prefix)]
        demand(not is_first, "I7 nothing after an event that ends the run", intent.intent, position)
        demand(at <= intent.valid_until, "I7 nothing beyond its validity", intent.intent)
        bad = {address for address, _, since in self.world.outbox.suppressions() if since < at}
        demand(row.address not in bad, "I7 nothing to a suppressed address", row.address)
        if journey.limit is not None:
            most, per = journey.limit
            same = [one for one in self.rows() if one.intent.journey == intent.journey and one.intent.key == intent.key]
            counted = [
                one
                for one in same
                if one.status in ("claimed", "sent", "held") and at - per < (one.claimed_at or 0) <= at
            ]
            demand(len(counted) <= most, "I7 a limit counts at the claim", intent.journey, len(counted))

    def _read(self) -> None:
        for partition, records in enumerate(self.records):
            records += [decode(body) for _, body in self.world.log.read(partition, len(records), 1 << 30)]

    def look_closely(self) -> None:
        """The trail says nothing that the oracle does not."""
        self._read()
        for partition, oracle in enumerate(self.oracles):
            for row in self.rows():
                intent = row.intent
                started = place(intent.started_ref)[1]
                oracle.intents[intent.intent] = (intent.key, intent.journey, intent.started_at, started)
            while oracle.position < len(self.records[partition]):
                oracle.read(oracle.position + 1, self.records[partition][oracle.position])
            oracle.settle()
            surplus, _ = self.compare(partition)
            demand(not surplus, "I3 I6 rows are the oracle's", partition, surplus)
            for (where, position), clock in self.clocks.items():
                if where == partition and position:
                    demand(clock == oracle.clocks[position], "time never goes back", partition, position)
        self.clocks.clear()

    def compare(self, partition: int) -> tuple[list[Row], list[Row]]:
        ours = told(self.groups(partition))
        return difference(ours, {key: person.rows for key, person in self.oracles[partition].people.items()})

    # ---- what must hold in the end -----------------------------------------------------------------------------

    def heal(self) -> None:
        """The last things happen while faults may still strike; then there are none."""
        for _ in range(self.rng.randrange(6)):
            self._one_thing()
        self.calm()
        self._nobody_sleeps_on_work()
        self.answer_all()

    def end(self) -> None:
        world = self.world
        for duration in (MINUTE, HOUR, DAY + 4 * HOUR):
            world.pass_time(duration)
            self._nobody_sleeps_on_work()
        self.look_closely()
        self._all_is_said_and_done()
        for partition in range(world.log.partitions):
            self._replay(partition)

    def _nobody_sleeps_on_work(self) -> None:
        """At rest, nothing waits that could go on: no wake-up was lost."""
        world = self.world
        now = world.clock.now_us()
        for partition, store in enumerate(world.stores):
            head = store.checkpoint()
            demand(head.position == world.log.end(partition), "no lost wake-up: records unread", partition)
            clock = max(now, decode_partition(head.partition_state).clock)
            wake = store.next_wake()
            demand(wake is None or wake > clock, "no lost wake-up: a person is due", partition)
        for channel, slots in world.slots.items():
            rows = [row for row in self.rows() if row.intent.channel == channel]
            in_flight = [row for row in rows if row.status == "claimed"]
            waiting = [row for row in rows if row.status == "waiting" and row.not_before <= now]
            idle = [row.intent.intent for row in in_flight if row.intent.intent not in world.receiver.talking]
            demand(not idle, "no lost wake-up: claims not begun", channel, idle)
            demand(not waiting or len(in_flight) >= slots, "no lost wake-up: intents wait", channel, len(waiting))

    def _all_is_said_and_done(self) -> None:
        world = self.world
        rows = {row.intent.intent: row for row in self.rows()}
        open_rows = [row for row in rows.values() if row.status not in ENDED | {"held"}]
        demand(not open_rows, "every intent ended or is held", open_rows)
        demand(not world.outbox.unreported(1), "every outcome stands in the log")
        unknown = [row for row in rows.values() if "no longer knows" in row.reason]
        demand(not unknown, "nothing is claimed before the log was read", unknown)
        for partition, store in enumerate(world.stores):
            plan = decode_plan(store.load([PLAN_KEY])[PLAN_KEY])
            demand_flow(world.trail, partition, decode_partition(store.checkpoint().partition_state), plan)
            version = plan.plan.version
            demand(version == world.published, "every partition has the plan", partition, version, world.published)
        known = [_thresholds(decode_partition(store.checkpoint().partition_state)) for store in world.stores]
        demand(all(each == known[0] for each in known), "every partition has the thresholds", known)
        told_of = {
            (record.intent, record.status) for log in self.records for record in log if isinstance(record, Outcome)
        }
        for intent, row in rows.items():
            demand((intent, row.status) in told_of, "every outcome stands in the log", intent, row.status)
        intents = {row.intent for oracle in self.oracles for row in self._intents(oracle.partition)}
        demand(intents == set(rows), "I3: outbox and trail have the same intents", intents ^ set(rows))
        accepted = set(world.receiver.intents("email")) | set(world.receiver.intents("webhook"))
        for intent, row in rows.items():
            if row.status == "sent":
                demand(intent in accepted, "what is sent was accepted", intent)
        for partition in range(world.log.partitions):
            surplus, missing = self.compare(partition)
            demand(not surplus and not missing, "I1 I3 the trail is the oracle's", surplus, missing)
        kept = {
            (person.key, each.event.message_id)
            for o in self.oracles
            for person in o.people.values()
            for each in person.kept
        }
        for record in world.acknowledged:
            if isinstance(record, Event):
                demand((record.key, record.message_id) in kept, "I1 what was acknowledged is applied", record)

    def _intents(self, partition: int) -> list[SendMessage]:
        return [row for group in self.groups(partition) for row in group.rows if isinstance(row, SendMessage)]

    def _replay(self, partition: int) -> None:
        """And the same states and counts."""
        world, again = self.world, self.replayed(partition)
        demand(again.position == world.stores[partition].checkpoint().position, "I2 everything was read")
        states = world.stores[partition].load(sorted(again.states))
        for key, body in again.states.items():
            demand(
                states.get(key) == body, "I2 a replay makes the same states", key, decode_profile(body), states.get(key)
            )
        counts, kept = again.state, decode_partition(world.stores[partition].checkpoint().partition_state)
        same = (counts.members, counts.inside) == (kept.members, kept.inside)
        demand(same, "I2 a replay counts the same", partition)


def _thresholds(state: PartitionState) -> set[tuple[str, float, float, int]]:
    thresholds = state.thresholds.items()
    return {(name, at, one.value, one.received_at) for name, each in thresholds for at, one in each.items()}


def _is_repeat(event: Event, prefix: list[Record]) -> bool:
    same = [
        each
        for each in prefix
        if isinstance(each, Event | Consent) and (each.key, each.message_id) == (event.key, event.message_id)
    ]
    return same[0] is not event


def _first_of_each(decided: list[tuple[int, int, int, bool]], prefix: list[Record]) -> list[tuple[int, int, int, bool]]:
    """Without repeats of a messageId."""
    first: dict[str, tuple[int, int, int, bool]] = {}
    for one in decided:
        record = prefix[one[2]]
        assert isinstance(record, Consent)
        first.setdefault(record.message_id, one)
    return list(first.values())
