"""Identity in a whole installation: production loops, two workers, crashes, power cuts, lost calls; the same oracle."""

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import SendMessage
from tactful.events.records import Event, Record, Unmerge, decode
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.state import decode_partition
from tests.simulation.counting import Counting, demand_flow
from tests.simulation.definitions import DAY, GRID, HOUR, MINUTE
from tests.simulation.histories import START
from tests.simulation.identity import calls
from tests.simulation.identity.compare import compare, told
from tests.simulation.identity.oracle import Whole
from tests.simulation.identity.shop import SHOP
from tests.simulation.oracle import difference
from tests.simulation.stage import ENDED, Stage, demand

PURPOSES = {journey.name: journey.purpose for journey in SHOP.journeys}


class Scene(Struct, frozen=True):
    rounds: int = 5
    actions: int = 6
    imported: float = 0
    """The share of calls that are brought in afterwards."""


class Drama(Stage):
    def __init__(self, seed: int, scene: Scene | None = None) -> None:
        super().__init__(seed, START)
        self.scene = scene or Scene()
        self.world.observe = self.look
        self.counting = Counting()
        self.whole = Whole(self.world.log.partitions, SHOP)
        self.logs: list[list[Record]] = [[] for _ in self.whole.halves]
        self.talk = calls.Talk(self.rng)
        self.claims: set[tuple[str, str, int, int, str]] = set()
        """Intent, journey, partition, position, person."""
        self.checked: set[tuple[str, str, int, int, str]] = set()
        self.plan: CompiledPlan | None = None

    # ---- what happens ------------------------------------------------------------------------------------------

    def play(self) -> None:
        """To the end; raises where anything is wrong."""
        self.world.publish(SHOP.files(), SHOP.name)
        self.world.run()
        self._plan()
        for _ in range(self.scene.rounds):
            self.world.faults = self.faults
            for _ in range(self.scene.actions):
                self.act()
                self.look_closely()
            self.heal()
        self.end()

    def act(self) -> None:
        rng = self.rng
        self.strike()
        for _ in range(rng.randrange(1, 5)):
            thing = rng.choice(("call",) * 16 + ("retry", "sync", "release", "drop", "kill", "stop"))
            if thing == "call":
                self._call()
            else:
                self.meddle(thing)
        self.world.pass_time(rng.choice((0, GRID, calls.pause(rng), 2 * HOUR if rng.random() < 0.2 else 0)))

    def _call(self) -> None:
        """The same call each time it is sent, but for when it is received."""
        made = self.talk.next(self.world.clock.now_us())
        if self.scene.imported and not isinstance(made, Unmerge) and self.rng.random() < self.scene.imported:
            made = replace(made, is_import=True)
        self.world.call(lambda received_us: calls.received(made, received_us))

    # ---- what must always hold ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Cheap enough for after every turn."""
        self.counting.look(self.world.stores)
        self.demand_once()
        for row in self.world.outbox._table.by_intent.values():
            one = row.claimed  # As it was claimed, whoever the person has become since.
            if one is not None:
                self.claims.add((one.intent.intent, one.intent.journey, one.partition, one.position, one.intent.key))

    def look_closely(self, *, is_all: bool = False) -> None:
        """The oracle reads what the workers have read, and agrees with what they keep where it stands where they do."""
        positions = [store.checkpoint().position for store in self.world.stores]
        for partition, log in enumerate(self.logs):
            body_of = self.world.log.read(partition, len(log), max(0, positions[partition] - len(log)))
            log += [decode(body) for _, body in body_of]
        self.whole.know(row for group in self.all_groups() for row in group.rows if isinstance(row, SendMessage))
        self.whole.read(self.logs, is_all=is_all)
        profiles = [
            self.profiles(partition) if half.position == positions[partition] else None
            for partition, half in enumerate(self.whole.halves)
        ]
        compare(self.whole, profiles, self._plan())
        for claim in self.claims - self.checked:
            self._look_at_claim(claim)

    def _look_at_claim(self, claim: tuple[str, str, int, int, str]) -> None:
        """I7 by the oracle alone: did all parts of the person allow it, at the position that the claim names?"""
        _, journey, partition, position, key = claim
        half, purpose = self.whole.halves[partition], PURPOSES[journey]
        if half.position < position:
            return
        self.checked.add(claim)
        if purpose:
            demand(half.was_allowed(key, purpose, position), "I7 nothing without the consent of all parts", *claim)

    def _plan(self) -> CompiledPlan:
        if self.plan is None:
            stored = self.plan_of(0)
            assert stored is not None
            self.plan = compiled(stored)
        return self.plan

    # ---- what must hold in the end -----------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything comes to rest, and nothing waits for what is on its way."""
        self.calm()
        self.answer_all()
        self.look_closely(is_all=True)
        for partition in range(self.world.log.partitions):
            for profile in self.profiles(partition).values():
                known = profile.identity
                demand(known is None or not (known.is_waiting or known.deferred), "nobody waits at rest", profile.key)
        left = {channel: one for channel, one in self.whole.under_way.items() if one}
        demand(not left, "everything that was said was told", left)

    def end(self) -> None:
        for duration in (MINUTE, HOUR, DAY + 4 * HOUR):
            self.world.pass_time(duration)
        self.look_closely(is_all=True)
        self._nobody_is_due()
        for half in self.whole.halves:
            half.settle()
        truth = {key: rows for half in self.whole.halves for key, rows in half.stories.items()}
        surplus, missing = difference(told(self.all_groups()), truth)
        demand(not surplus and not missing, "rows are the oracle's", surplus, missing)
        self._every_message_ended()
        self._everything_acknowledged_is_applied()
        for partition, store in enumerate(self.world.stores):
            state, plan = decode_partition(store.checkpoint().partition_state), self.plan_of(partition)
            assert plan is not None
            demand_flow(self.world.trail, partition, state, plan)
            again = self.replayed(partition)
            states = store.load(sorted(again.states))
            demand(states == again.states, "I2 a replay makes the same states", partition)

    def _nobody_is_due(self) -> None:
        for partition, store in enumerate(self.world.stores):
            wake, clock = store.next_wake(), decode_partition(store.checkpoint().partition_state).clock
            demand(wake is None or wake > max(clock, self.world.clock.now_us()), "no timer is due", partition)

    def _every_message_ended(self) -> None:
        rows = {row.intent.intent: row for row in self.rows()}
        for row in rows.values():
            demand(row.status in ENDED | {"held"}, "every intent ended or is held", row)
            demand("no longer knows" not in row.reason, "every intent finds its run", row)
        for partition in range(self.world.log.partitions):
            for profile in self.profiles(partition).values():
                for run in profile.runs:
                    is_open = not run.intent or rows[run.intent].status == "held"
                    demand(is_open, "no run waits for an outcome that was told", profile.key, run)

    def _everything_acknowledged_is_applied(self) -> None:
        kept = {
            (each.event.key, each.event.message_id)
            for half in self.whole.halves
            for body in half.bodies.values()
            for each in body.kept
        }
        for record in self.world.acknowledged:
            if isinstance(record, Event):
                demand((record.key, record.message_id) in kept, "I1 what was acknowledged is applied", record)
            else:
                assert isinstance(record, Unmerge) or record.message_id
