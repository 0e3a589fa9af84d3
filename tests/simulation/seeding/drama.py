"""Seeding in a whole installation: production loops and the production seeder, under crashes, power cuts, lost calls and
workers that believe they own what they lost; definitions are published at any moment, and files of seeds are lost and
counted again, the same. In the end every fragment has counted what all of its events say, and everybody is where their
condition says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.events.derived import EventKept
from tactful.events.records import Unmerge
from tactful.kernel.plan import compiled
from tactful.kernel.seeding import is_behind
from tactful.kernel.state import PlanState, Profile, decode_partition, decode_states
from tactful.kernel.turn import Turn
from tactful.operations.definitions.publish import published
from tactful.operations.history.opened import History
from tactful.operations.seeds.seed_counting import Counting, Wanted
from tactful.operations.seeds.seed_mending import Mender
from tactful.operations.seeds.seeding import Seeder
from tactful.runtime.archive import Archiver
from tactful.runtime.decided import LiveTail
from tactful.testing import World
from tactful.testing.faults import NONE, Crash, guard
from tactful.values import SECOND_US
from tests.queries import QUERIES
from tests.simulation.definitions import GRID, HOUR, MINUTE
from tests.simulation.histories import START
from tests.simulation.identity import calls
from tests.simulation.seeding.twins import ALWAYS, LATELY, POOL, differs
from tests.simulation.stage import Stage, demand


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


class Drama(Stage):
    def __init__(self, seed: int, actions: int = 40) -> None:
        super().__init__(seed, START)
        self.actions = actions
        self.lake = MemoryLake(4)
        self.talk = calls.Talk(self.rng)
        self.told: Counter[str] = Counter()
        self.gone: dict[str, Mapping[str, bytes]] = {}
        """What was in files that were lost since all was at rest."""
        self.home = Home(self.world, self.rng)
        self._begin()

    def _begin(self) -> None:
        """The process that asks the history."""
        tail = LiveTail(self.world.log, self.world.trail)
        house: Any = self.home
        history = History(self.lake, QUERIES, tail)
        self.mender, self.seeder = Mender(house, history), Seeder(house, history)

    def play(self) -> None:
        self.world.publish(ALWAYS, "first")
        self.world.run()
        for _ in range(self.actions):
            self.world.faults = self.faults
            self._act()
            if self.rng.random() < 0.1:
                self._heal()
        self._heal()
        self._check()

    # ---- what happens ------------------------------------------------------------------------------------------------

    def _act(self) -> None:
        rng, world = self.rng, self.world
        self.strike()
        for _ in range(rng.randrange(1, 6)):
            match rng.choice(("call",) * 14 + ("retry", "sync", "kill", "publish", "seed", "seed", "archive", "lose")):
                case "call":
                    self._call()
                case "publish":
                    among = rng.choice((POOL, LATELY))
                    names = [name for name in among if rng.random() < rng.choice((0.2, 0.5, 0.8))]
                    world.publish(ALWAYS | {name: POOL[name] for name in names}, "somebody")
                case "seed":
                    self._seed()
                case "lose":
                    self._lose()
                case "archive":
                    Archiver(world.log, world.trail, self.lake, world.clock).archive()
                case other:
                    self.meddle(other)
        pause = rng.choice((0, GRID, calls.pause(rng), 2 * HOUR if rng.random() < 0.1 else 0))
        # Whoever wants a file that is gone begins anew each second.
        world.pass_time(min(pause, SECOND_US) if self.gone.keys() - {*world.seeds.digests()} else pause)

    def _call(self) -> None:
        made = self.talk.next(self.world.clock.now_us())
        self.world.call(lambda received_us: calls.received(made, received_us))

    def _seed(self) -> None:
        try:
            self._mend()
            done = self.seeder.turn()
            self.told["seeded"] += len(done)
            if done and self.rng.random() < 0.4:  # Before anybody has had it, or a plan names it.
                self._gone(done[0].digest)
        except Crash:
            self.told["died"] += 1
            self._begin()
        except TransientError:
            self.told["failed"] += 1

    def _lose(self) -> None:
        """A file that the plans name is gone, whether or not everybody has had it."""
        plans = [plan for partition in range(self.world.log.partitions) if (plan := self.plan_of(partition))]
        named = sorted({one.digest for plan in plans for one in plan.seeds} & {*self.world.seeds.digests()})
        if named:
            self._gone(self.rng.choice(named))

    def _gone(self, digest: str) -> None:
        self.gone.setdefault(digest, self.world.seeds.rows(digest))
        self.world.seeds.lose(digest)
        self.told["lost"] += 1

    def _mend(self) -> None:
        try:
            self.told["counted again"] += self.mender.turn()
        finally:
            for digest in self.gone.keys() & {*self.world.seeds.digests()}:
                self._same_again(digest)

    def _heal(self) -> None:
        """Everything comes to rest, and what waits is seeded."""
        self.world.heal()
        for _ in range(20):
            if self.gone.keys() <= {*self.world.seeds.digests()}:
                break
            self.world.pass_time(SECOND_US)
            self._mend()
        self.gone.clear()
        self.calm()
        self.answer_all()
        while self.seeder.waiting():
            demand(self.seeder.turn(), "what waits can be seeded at rest", self.seeder.waiting())
            self.told["seeded at rest"] += 1
            self.world.pass_time(MINUTE)

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def _same_again(self, digest: str) -> None:
        """Who had it before and who has it now have the same, as far as any plan in force asks for it."""
        files = [
            {name: decode_states(body) for name, body in rows.items()}
            for rows in (self.gone[digest], self.world.seeds.rows(digest))
        ]
        plans = [plan for partition in range(self.world.log.partitions) if (plan := self.plan_of(partition))]
        for known, one in [(plan, one) for plan in plans for one in plan.seeds if one.digest == digest]:
            aggregates = compiled(known).aggregates
            for text, number in known.numbers.items():
                for name in files[0].keys() | files[1].keys() if number in {*one.numbers} & aggregates.keys() else ():
                    before, after = (rows.get(name, {}).get(number) for rows in files)
                    why = differs(text, aggregates[number], before, after, one.since_us)
                    demand(not why, "what was lost is counted again as it was", name, text, why)
                    self.told["counted the same"] += before is not None

    def _check(self) -> None:
        counted = self._counted()
        for partition, store in enumerate(self.world.stores):
            state, known = decode_partition(store.checkpoint().partition_state), self.plan_of(partition)
            assert known is not None
            plan = compiled(known)
            demand(state.sweep is None, "nobody is left to be settled", partition)
            for profile in self.profiles(partition).values():
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
        with History(MemoryLake(4), QUERIES, tail).open() as opened:
            query = f"SELECT {', '.join(counting.columns())} FROM events WHERE {' AND '.join(counting.conditions())}"
            found = counting.fold(opened.session.batches(query))
        rows = (row for group in self.all_groups() for row in group.rows)
        kept = {row.ref for row in rows if isinstance(row, EventKept)}
        self.told["kept"] += len(kept)
        asked = sum(not isinstance(one, Unmerge) for one in self.talk.made)
        demand(bool(kept) or not asked, "events were kept", asked)
        return found
