"""Seeding in a whole installation: production loops and the production seeder, under crashes, power cuts, lost calls and
workers that believe they own what they lost; definitions are published at any moment. In the end every fragment has
counted what all of its events say, and everybody is where their condition says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.events.derived import EventKept, decode_groups
from tactful.events.records import Unmerge
from tactful.kernel.plan import compiled
from tactful.kernel.seeding import is_behind
from tactful.kernel.state import FIRST_KEY, PlanState, Profile, decode_partition, decode_profile
from tactful.kernel.turn import Turn
from tactful.operations.history import History
from tactful.operations.publish import published
from tactful.operations.seed_counting import Counting, Wanted
from tactful.operations.seeding import Seeder
from tactful.runtime.archive import Archiver
from tactful.runtime.decided import LiveTail
from tactful.testing import World, draw
from tactful.testing.faults import NONE, Crash, guard
from tests.simulation.definitions import GRID, HOUR, MINUTE
from tests.simulation.histories import START
from tests.simulation.identity import calls
from tests.simulation.identity.compare import demand
from tests.simulation.seeding.twins import ALWAYS, POOL, differs

OWNERS = (((0,),), ((0, 1),), ((0,), (1,)), ((0, 2), (1,)))


class Home:
    """As much of a house as the seeder asks for; its ports may fail, or end it."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        self._rng = rng
        self.clock = world.clock
        self.log = guard(world.log, "log", self._point)
        self.seeds = guard(world.seeds, "seeds", self._point)
        self.bells = world.bells
        self.trail = world.trail

    def _point(self, what: str, is_done: bool) -> None:
        if self._world.faults == NONE:
            return
        if self._rng.random() < 0.05:
            self._world.tell(f"seeder dies {'after' if is_done else 'before'} {what}")
            raise Crash(what)
        if not is_done and self._rng.random() < 0.05:
            raise TransientError(what)

    def plan(self, partition: int) -> PlanState | None:
        return published(self._world.stores[partition])

    def store(self, partition: int) -> Any:
        return self._world.stores[partition]

    def stores(self) -> Sequence[Any]:
        return self._world.stores


class Drama:
    def __init__(self, seed: int, actions: int = 40) -> None:
        self.rng = Random(seed)
        self.actions = actions
        self.faults = draw(self.rng)
        self.world = World(seed, START, NONE, self.rng.choice(OWNERS))
        self.lake = MemoryLake(4)
        self.made: list[calls.Call] = []
        self.planned: list[calls.Later] = []
        self.told: Counter[str] = Counter()
        self.home = Home(self.world, self.rng)
        self.seeder = self._new_seeder()

    def _new_seeder(self) -> Seeder:
        tail = LiveTail(self.world.log, self.world.trail)
        house: Any = self.home
        return Seeder(house, History(self.lake, DuckDBQueries(), tail))

    def play(self) -> None:
        try:
            self.world.publish(ALWAYS, "first")
            self.world.run()
            for _ in range(self.actions):
                self.world.faults = self.faults
                self._act()
                if self.rng.random() < 0.1:
                    self._heal()
            self._heal()
            self._check()
        finally:
            self.world.close()

    # ---- what happens ------------------------------------------------------------------------------------------------

    def _act(self) -> None:
        rng, world, faults = self.rng, self.world, self.faults
        if rng.random() < faults.power_cut:
            world.cut_power()
        if rng.random() < faults.second_worker:
            world.start_second(rng.choice(world.names()[:-1]))
        for _ in range(rng.randrange(1, 6)):
            match rng.choice(("call",) * 14 + ("retry", "sync", "kill", "publish", "seed", "seed", "archive")):
                case "call":
                    self._call()
                case "retry":
                    world.retry_calls()
                case "sync":
                    world.sync()
                case "kill" if faults.crash:
                    world.crash(rng.choice(world.names()))
                case "publish":
                    names = [name for name in POOL if rng.random() < rng.choice((0.2, 0.5, 0.8))]
                    world.publish(ALWAYS | {name: POOL[name] for name in names}, "somebody")
                case "seed":
                    self._seed()
                case "archive":
                    Archiver(world.log, world.trail, self.lake, world.clock).archive()
        world.pass_time(rng.choice((0, GRID, calls.pause(rng), 2 * HOUR if rng.random() < 0.1 else 0)))

    def _call(self) -> None:
        now_us, message_id = self.world.clock.now_us(), f"m{len(self.made)}"
        if not self.planned and self.rng.random() < 0.1:
            self.planned = calls.plot(self.rng)
        if self.planned and self.rng.random() < 0.7:
            made = self.planned.pop(0)(now_us, message_id)
        else:
            made = calls.call(self.rng, now_us, message_id, calls.named(self.made[-4:]))
        self.made.append(made)
        self.world.call(lambda received_us: calls.received(made, received_us))

    def _seed(self) -> None:
        try:
            self.told["seeded"] += len(self.seeder.turn())
        except Crash:
            self.told["died"] += 1
            self.seeder = self._new_seeder()
        except TransientError:
            self.told["failed"] += 1

    def _heal(self) -> None:
        """No more faults: everything comes to rest, and what waits is seeded."""
        world = self.world
        world.run()
        world.heal()
        world.pass_time(MINUTE)
        while world.pending:
            world.retry_calls()
            world.run()
        while self.seeder.waiting():
            demand(self.seeder.turn(), "what waits can be seeded at rest", self.seeder.waiting())
            self.told["seeded at rest"] += 1
            world.pass_time(MINUTE)

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        counted = self._counted()
        for partition, store in enumerate(self.world.stores):
            state, known = decode_partition(store.checkpoint().partition_state), published(store)
            assert known is not None
            plan = compiled(known)
            demand(state.sweep is None, "nobody is left to be settled", partition)
            for body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).values():
                profile = decode_profile(body)
                demand(not is_behind(known, profile), "everybody has every seed", profile.key)
                self._compare(known, plan.aggregates, profile, counted, state.clock)
                view = Turn(state, plan, known, lambda _: None).view(profile)
                for rule in plan.segments if profile.owner() is None else ():
                    is_in = rule.number in profile.segments
                    holds = rule.ready_at <= state.clock and rule.condition.holds(view, state.clock)
                    demand(is_in == holds, "everybody is where their condition says", profile.key, rule.name)
                    self.told["members"] += is_in

    def _compare(
        self,
        known: PlanState,
        aggregates: Mapping[int, Any],
        profile: Profile,
        counted: Mapping[str, Mapping[int, Any]],
        clock: int,
    ) -> None:
        for name, one in profile.fragments.items():
            for text, number in known.numbers.items():
                if number in known.ready and known.ready[number] <= clock:
                    mine, theirs = one.aggregates.get(number), counted.get(name, {}).get(number)
                    why = differs(text, aggregates[number], mine, theirs, clock)
                    demand(not why, "what is exact is what all events say", name, text, why)
                    self.told["compared"] += mine is not None

    def _counted(self) -> dict[str, dict[int, Any]]:
        """Every event that anybody kept, folded once more, from nothing."""
        world = self.world
        known = self.home.plan(0)
        assert known is not None
        ends = tuple(world.log.end(partition) for partition in range(world.log.partitions))
        counting = Counting(compiled(known), Wanted(tuple(known.ready), ends, 0))
        tail = LiveTail(world.log, world.trail)
        with History(MemoryLake(4), DuckDBQueries(), tail).open() as opened:
            query = f"SELECT {', '.join(counting.columns())} FROM events WHERE {' AND '.join(counting.conditions())}"
            found = counting.fold(opened.session.batches(query))
        kept = {row.ref for row in self._rows() if isinstance(row, EventKept)}
        self.told["kept"] += len(kept)
        asked = sum(not isinstance(one, Unmerge) for one in self.made)
        demand(bool(kept) or not asked, "events were kept", asked)
        return found

    def _rows(self) -> list[Any]:
        trail, partitions = self.world.trail, range(self.world.log.partitions)
        blobs = [blob for one in partitions for blob in trail.between(one, 1, 1 << 60)]
        return [row for blob in blobs for group in decode_groups(blob) for row in group.rows]
