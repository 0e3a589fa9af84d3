"""The identity drama with an archiver beside: it dies before and after every call of a port, another one takes over
while it goes on, and the world fails under it. Whenever everything has come to rest, what states say of people is what
lake and tail say, and nothing stands in the lake twice."""

from collections import Counter
from random import Random

from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.events.derived import place
from tactful.kernel.definitions import read_published
from tactful.kernel.plan import compiled
from tactful.kernel.state import PLAN_KEY, PlanState, decode_partition, decode_plan
from tactful.kernel.turn import Turn
from tactful.language.sql.layout import EVENTS
from tactful.operations.history.opened import History
from tactful.operations.history.terms import terms_of
from tactful.runtime.archive import Archiver, Pace
from tactful.runtime.decided import LiveTail
from tactful.testing.faults import Crash, guard
from tests.queries import QUERIES
from tests.simulation.identity.drama import Drama, Scene
from tests.simulation.stage import demand


class Archived(Drama):
    """A drama in which nothing is lost on the way to the lake."""

    def __init__(self, seed: int, scene: Scene | None = None) -> None:
        super().__init__(seed, scene)
        self.lake = MemoryLake(buckets=3)
        self.chance = Random(seed)  # That of the drama stays what it is without a lake.
        self.archivers: list[Archiver] = []
        self.tail = LiveTail(self.world.log, self.world.trail)

    def act(self) -> None:
        super().act()
        if self.chance.random() < 0.5:
            self._archive()

    def heal(self) -> None:
        super().heal()
        if self.chance.random() < 0.5:
            self.archivers = [self._archiver(is_fit=True)]
            self.archivers[0].archive()
        self.look_at_history()

    # ---- the archiver ----------------------------------------------------------------------------------------------

    def _archive(self) -> None:
        mine = None
        try:
            if not self.archivers or self.chance.random() < 0.2:
                self.archivers = [*self.archivers[-1:], self._archiver()]
            mine = self.chance.choice(self.archivers)
            mine.append()
        except (Crash, TransientError):
            if mine is not None:
                self.archivers.remove(mine)

    def _archiver(self, *, is_fit: bool = False) -> Archiver:
        world, chance, faults = self.world, self.chance, self.faults

        def point(what: str, is_done: bool) -> None:
            if is_fit or not (faults.crash or faults.fail):
                return
            if chance.random() < 0.03:
                raise Crash(what)
            if not is_done and chance.random() < 0.03:
                raise TransientError(what)

        ports = guard(world.log, "log", point), guard(world.trail, "trail", point), guard(self.lake, "lake", point)
        pace = Pace(rows=chance.choice((1, 7, 1000)), read=chance.choice((1, 5, 1000)))
        return Archiver(*ports, world.clock, pace=pace)

    # ---- what must hold --------------------------------------------------------------------------------------------

    def look_at_history(self) -> None:
        """I5: what states say is what lake and tail say."""
        world = self.world
        publish = self._stored(0).plan.publish
        definitions = read_published(publish)
        trees = {f"metric/{name}": one.value.tree for name, one in definitions.metrics.items()}
        trees |= {f"segment/{name}": one.when.tree for name, one in definitions.segments.items()}
        states = [decode_partition(store.checkpoint().partition_state) for store in world.stores]
        at = max([world.clock.now_us(), *(state.clock for state in states)])
        history = History(self.lake, QUERIES, self.tail, terms_of(publish))
        with history.open() as opened:
            found = dict(opened.ask(trees, at))
            twice = Counter(row[0] for row in opened.session.rows(f"SELECT ref FROM {EVENTS} WHERE name IS NOT NULL"))
            torn = opened.session.rows(
                "SELECT identifier, epoch, received_at, hop, list(person) FROM identity"
                " GROUP BY identifier, epoch, received_at, hop HAVING count(DISTINCT person) > 1"
            )
            demand(not torn, "of whose a fragment is the newest row says it, by (received_at, hop) alone", torn)
            demand(
                opened.positions == {one.partition: world.trail.end(one.partition) for one in states}, "all is there"
            )
        demand(max(twice.values(), default=1) == 1, "nothing is there twice", [place(ref) for ref in twice])
        people = set()
        for partition, state in enumerate(states):
            stored = self._stored(partition)
            turn = Turn(state, compiled(stored), stored, lambda _: None)
            for key, profile in self.profiles(partition).items():
                if profile.owner() is None:
                    people.add(key)
                    demand(key in found, "whoever is known live is known to the history", key)
                    view = turn.view(profile)
                    for name in definitions.metrics:
                        valued = turn.plan.metrics[name].valued
                        values = valued.value(view, at), found[key][f"metric/{name}"]
                        is_same = valued.is_coarse(view, at) or _alike(*values)
                        demand(is_same, "I5 a metric is live what it is over the history", key, name, *values)
                    for rule in turn.plan.segments:
                        holds, said = rule.condition.holds(view, at), found[key][f"segment/{rule.name}"]
                        demand(
                            holds is (said is True), "I5 a segment is live what it is over the history", key, rule.name
                        )
        demand(people == found.keys(), "nobody else is known to the history", found.keys() - people)

    def _stored(self, partition: int) -> PlanState:
        return decode_plan(self.world.stores[partition].load([PLAN_KEY])[PLAN_KEY])


def _alike(one: object, other: object) -> bool:
    return one == other and (one is None) == (other is None)
