"""Two installations that live through the same, record for record: of the one, definitions are published as time goes
by, and seeded; the other had all of them from the start. What the first says, the second says as well.

The partitions are driven by hand: any order between channels, any cut of commits, people who become one and part while
plans and seeds are on their way. What the second need not be told is a record without effect there, so that positions
are the same in both.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from tactful.adapters.memory.seeds import MemorySeeds
from tactful.aggregates.grouped import Grouped
from tactful.aggregates.sessions import Sessions
from tactful.aggregates.window import FOREVER
from tactful.events.derived import SegmentEntered, SegmentLeft
from tactful.events.identifiers import partition_of
from tactful.events.records import Imported, Publish, Record, Seed, Threshold, Tick, decode, encode
from tactful.kernel.fragments import all_states
from tactful.kernel.seeding import is_behind
from tactful.kernel.state import Profile, decode_states
from tactful.operations.seeds.seed_counting import count
from tactful.operations.seeds.seeding import wanted
from tactful.testing.clock import SimClock
from tests.kernel.driver import Driver
from tests.simulation.definitions import GRID, MINUTE
from tests.simulation.histories import START
from tests.simulation.identity import calls
from tests.simulation.seeding.past import Past
from tests.simulation.stage import demand

ALWAYS = {
    "segments/regulars.yaml": 'when: \'count("Order Completed", last="3h") >= 3\'\n',
    "collections/cart.yaml": "add: Product Added\nclear: Order Completed\nkey: price\n",
}
SEGMENTS = {
    "spenders": 'any("Order Completed", where=total >= 100, last="2h")',
    "sleeping": 'any("Order Completed") and not any("Order Completed", last="4h")',
    "browsing": '1 <= count("Product Viewed", last="1h") < 3',
    "ever": 'count("Product Viewed") >= 4 or plan in ("gold", "silver")',
    "strangers": 'not any(["Order Completed", "Product Added"])',
    "left_cart": 'sequence("Product Added", not ["Product Added", "Order Completed"], within="30m", last="5h")',
    "cooled": 'count("Product Viewed", between=("3h", "1h")) >= 2',
    "faithful": 'active_days("*", last="2d") >= 2',
    "carrying": "cart.quantity >= 2",
    "visiting": 'sessions(last="5h") >= 3',
    "drawn": 'count("Product Viewed", same=price, last="2h") >= 3',
    "like_their_plan": 'any("Product Viewed", where=price == 20 and profile.plan == "gold")',
    "returned": 'sequence("Product Viewed", "Order Completed", "Product Viewed")',
    "many": 'count("*") > 20',
}
METRICS = {
    "events": 'count("*")',
    "totals": 'sum("Order Completed", total)',
    "lately": 'avg("Order Completed", total, last="6h")',
    "kinds": 'distinct("Product Viewed", price)',
    "least": 'min("Order Completed", total)',
    "most": 'max("Order Completed", total, last="5h")',
    "began": 'first("Order Completed", total)',
    "ended": 'latest("Product Added", price)',
    "days": 'active_days("*")',
    "visits": "sessions()",
    "same": 'count("Product Viewed", same=price)',
    "cooling": 'sum("Order Completed", total, between=("5h", "1h"))',
}
POOL = {
    **{f"segments/{name}.yaml": f"when: '{text}'\n" for name, text in SEGMENTS.items()},
    **{f"metrics/{name}.yaml": f"value: '{text}'\n" for name, text in METRICS.items()},
}
_LATELY = ("spenders", "browsing", "left_cart", "cooled", "faithful", "visiting", "drawn", "lately", "most", "cooling")
LATELY = {path: text for path, text in POOL.items() if path.split("/")[1].removesuffix(".yaml") in _LATELY}
"""Where what is old enough means nothing."""
SETTINGS = {"time_zone": "UTC"}


class Twins:
    """`late` is told of definitions as time goes by, `first` of all of them at once."""

    def __init__(self, seed: int, partitions: int) -> None:
        self.rng = Random(seed)
        self.now = START
        self.seeds = MemorySeeds(SimClock(START))
        self.late, self.first = ([Driver(one, partitions) for one in range(partitions)] for _ in range(2))
        for driver in self.late:
            driver.seed = self._seed
        self.relayed = [0] * partitions
        self.files: dict[str, str] = {}
        self.pending: list[Seed] = []
        """Counted, and not on the log yet."""
        self.talk = calls.Talk(self.rng)
        self.told: Counter[str] = Counter()
        """What has happened, so that a simulation in which nothing does cannot pass."""
        self.always = frozenset[int]()
        """Aggregates that the first plan had."""
        self._publish(ALWAYS)
        self.drain()
        assert self.late[0].plan_state is not None
        self.always = frozenset(self.late[0].plan_state.begun)
        # Where nobody was, what is new is exact at once; in most shops there is somebody everywhere.
        for partition in range(partitions if seed % 4 < 3 else 0):
            key = next(one for one in calls.EVERYBODY if partition_of(one, partitions) == partition)
            self._append(partition, calls.does(key, "Product Viewed")(self.now, f"first {partition}"))
        self.drain()

    def _seed(self, digest: str, fragment: str) -> Mapping[int, Any]:
        body = self.seeds.states(digest, fragment)
        self.told["found"] += body is not None
        return decode_states(body) if body is not None else {}

    # ---- what happens ------------------------------------------------------------------------------------------------

    def act(self) -> None:
        rng = self.rng
        self.now += calls.pause(rng)
        match rng.choices(("call", "tick", "publish", "count", "seed"), (60, 10, 3, 5, 5))[0]:
            case "call":
                record = self.talk.next(self.now)
                self._append(partition_of(record.key, len(self.late)), record)
            case "tick":
                self._append(rng.randrange(len(self.late)), Tick(self.now, rng.choice((1, 2, 100))))
            case "publish":
                names = [name for name in POOL if rng.random() < rng.choice((0.2, 0.5, 0.8))]
                self._publish(ALWAYS | {name: POOL[name] for name in names})
            case "count":
                self.count()
            case "seed" if self.pending:
                self._sow()
        for _ in range(rng.randrange(4)):
            self._go_on(rng.randrange(len(self.late)))
        self.check()

    def _publish(self, files: dict[str, str]) -> None:
        self.files = files
        everything = Publish(self.now, ALWAYS | POOL, SETTINGS)
        self._append(0, Publish(self.now, files, SETTINGS), everything)

    def _append(self, partition: int, record: Record, other: Record | None = None) -> None:
        self.late[partition].append(record)
        self.first[partition].append(other or record)

    def count(self) -> None:
        """Somebody counts what all have begun to count: as of now, whatever is on its way."""
        plans = [one.plan_state for one in self.late]
        for one in wanted(plans, [each.state.clock for each in self.late]):
            digest = self.seeds.write(count(self.late[0].plan, one, Past(self.late)).rows)
            self.pending.append(Seed(self.now, digest, one.numbers, one.barriers))

    def _sow(self) -> None:
        """A seed comes to the log, perhaps twice, perhaps late."""
        seed = self.rng.choice(self.pending)
        if self.rng.random() < 0.8:
            self.pending.remove(seed)
        self._append(0, replace(seed, received_at=self.now), Imported(self.now, "nothing", 1, is_backfill=True))

    def _go_on(self, partition: int) -> None:
        cut_after = self.rng.choice((1, 2, 100))
        self._read(partition, cut_after)
        for _ in range(self.rng.randrange(6)):
            self._relay(partition)

    def _read(self, partition: int, cut_after: int = 1) -> None:
        """Partition 0 knows whether it takes a seed; where it does, the twin tells others as much that means nothing."""
        late, first = self.late[partition], self.first[partition]
        while late.position < len(late.log):
            before, upto = late.seeded(), late.position + 1
            late.read(cut_after, upto)
            if partition == 0 and late.seeded() > before:
                seed = decode(late.log[upto - 1])
                assert isinstance(seed, Seed)
                first.log[upto - 1] = encode(Threshold(seed.received_at, "nobody asks", 50, 1.0))
                self.told["seeded"] += 1
            first.read(cut_after, upto)

    def _relay(self, partition: int) -> None:
        late, first = self.late[partition], self.first[partition]
        at = self.relayed[partition]
        if at < len(late.outgoing):
            demand(late.outgoing[at][:2] == first.outgoing[at][:2], "both tell the same", partition, at)
            dst = late.outgoing[at][0]
            self.late[dst].log.append(late.outgoing[at][2])
            self.first[dst].log.append(first.outgoing[at][2])
            self.relayed[partition] += 1

    def drain(self) -> None:
        """Nothing is under way any more, and nobody is due."""
        while True:
            for partition in range(len(self.late)):
                self._read(partition)
                while self.relayed[partition] < len(self.late[partition].outgoing):
                    self._relay(partition)
            if all(one.position == len(one.log) for one in self.late):
                tired = [
                    at for at in range(len(self.late)) if self._is_due(self.late[at]) or self._is_due(self.first[at])
                ]
                if not tired:
                    return
                for partition in tired:
                    self._append(partition, Tick(self.now, 100))

    def _is_due(self, driver: Driver) -> bool:
        return bool(driver.due(max(self.now, driver.state.clock))) or driver.state.sweep is not None

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Whatever a person's fragments have counted exactly is what the twin has counted."""
        for late, first in zip(self.late, self.first, strict=True):
            twins = first.profiles()
            demand(late.states.keys() == twins.keys(), "the same people", late.state.partition)
            for key, profile in late.profiles().items():
                self._compare(late, first, profile, twins[key])

    def _compare(self, late: Driver, first: Driver, profile: Profile, twin: Profile) -> None:
        demand(profile.fragments.keys() == twin.fragments.keys(), "the same fragments", profile.key)
        assert late.plan_state is not None and first.plan_state is not None
        if profile.settled < late.state.adopted:
            return
        demand(not is_behind(late.plan_state, profile), "who is settled has every seed", profile.key)
        for mine, theirs in zip(all_states(profile), all_states(twin), strict=True):
            self._same(late, first, mine, theirs, profile.key)

    def _same(self, late: Driver, first: Driver, mine: dict[int, Any], theirs: dict[int, Any], key: str) -> None:
        known, other = late.plan_state, first.plan_state
        assert known is not None and other is not None
        clock = max(late.state.clock, first.state.clock)
        for text, number in known.numbers.items():
            if number not in known.ready or (number in known.begun and not self._is_exact(late, number)):
                continue
            aggregate = late.plan.aggregates[number]
            left = [mine.get(number), theirs.get(other.numbers[text])]
            why = differs(text, aggregate, left[0], left[1], clock)
            demand(not why, "what is exact is the twin's", key, text, why)
            self.told["compared"] += mine.get(number) is not None

    def _is_exact(self, late: Driver, number: int) -> bool:
        """Of what is not seeded: the first plan had it, or nobody was there to be counted before."""
        known = late.plan_state
        assert known is not None
        return number in self.always or known.ready[number] <= known.begun[number][1]

    def check_at_rest(self) -> None:
        """And who is in which segment, since when, and why."""
        self.drain()
        self.check()
        for late, first in zip(self.late, self.first, strict=True):
            assert late.plan_state is not None
            ready = {rule.name: rule.number for rule in late.plan.segments if rule.ready_at <= late.state.clock}
            numbers = {rule.name: rule.number for rule in first.plan.segments}
            twins = first.profiles()
            for profile in late.profiles().values():
                mine = {name for name, number in ready.items() if number in profile.segments}
                theirs = {name for name in ready if numbers[name] in twins[profile.key].segments}
                demand(mine == theirs, "in the same segments", profile.key, mine, theirs)
                self.told["members"] += len(mine)
            self._causes(late, first)

    def _causes(self, late: Driver, first: Driver) -> None:
        """Nobody enters or leaves for another reason than a plan where the twin does not as well, at the same instant:
        such a flip starts journeys."""
        theirs = defaultdict[tuple[str, str, bool], set[int]](set)
        for key, row in _flips(first):
            theirs[key, row.segment, isinstance(row, SegmentEntered)].add(row.at)
        for key, row in _flips(late):
            self.told[f"by {row.cause}"] += 1
            if row.cause not in ("publish", "merge"):
                place = key, row.segment, isinstance(row, SegmentEntered)
                demand(row.at in theirs[place], "flips are the twin's", *place, row)

    def end(self) -> None:
        """Everything that waits is counted, and becomes exact."""
        self.drain()
        self.now += MINUTE
        self.count()
        while self.pending:
            self._sow()
        self.drain()
        self.check_at_rest()
        for driver in self.late:
            assert driver.plan_state is not None
            still = wanted([driver.plan_state], [driver.state.clock])
            demand(not still, "nothing is warming", driver.state.partition, still)
        for _ in range(12):
            self.now += 3 * GRID
            self.check_at_rest()

    def check_replay(self, cut_after: int) -> None:
        """I2: the same logs, cut at other places, give the same bytes."""
        for driver in self.late:
            again = Driver(driver.state.partition, driver.state.partitions)
            again.seed, again.log = driver.seed, driver.log
            again.read(cut_after)
            demand(again.bytes() == driver.bytes(), "I2 the same logs give the same bytes", driver.state.partition)


def differs(text: str, aggregate: Any, one: Any, other: Any, clock: int) -> str:
    """What is different between two states of an aggregate, as far as it may matter from `clock` on."""
    left = [None if each is None or aggregate.let_go(each, clock) else each for each in (one, other)]
    if text.startswith("sequence"):  # It may hold more events than matter; what it says counts.
        said = [[aggregate.holds(each, clock + ahead * GRID) for ahead in range(32)] for each in left]
    else:
        said = [_plain(each, clock - getattr(aggregate, "older", FOREVER)) for each in left]
    return "" if said[0] == said[1] else f"{left[0]} | {left[1]}"


def _plain(state: Any, begin: int) -> Any:
    """Of groups that are equally large any may be the largest; how far back a session goes that began before the window
    matters to nobody."""
    if isinstance(state, Sessions):
        return [one for one in zip(state.begins, state.ends, strict=True) if one[0] > begin] or None
    if isinstance(state, Grouped) and state.top is not None:
        return state.groups, state.total, len(state.groups[state.top].times), state.gone
    return state


def _flips(driver: Driver) -> list[tuple[str, SegmentEntered | SegmentLeft]]:
    rows = ((group.key, row) for group in driver.groups for row in group.rows)
    return [(key, row) for key, row in rows if isinstance(row, SegmentEntered | SegmentLeft)]
