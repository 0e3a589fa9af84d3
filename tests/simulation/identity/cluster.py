"""Partitions that speak to each other, each driven by hand: any order between channels, repeats, any cut of commits."""

from random import Random

from tactful.events.derived import Group, IntentMoved
from tactful.events.identifiers import partition_of
from tactful.events.records import Outcome, Publish, Record, Tick, decode
from tactful.kernel.state import Profile
from tests.kernel.driver import Driver
from tests.simulation.counting import demand_counts
from tests.simulation.definitions import MINUTE
from tests.simulation.histories import START
from tests.simulation.identity import calls
from tests.simulation.identity.compare import compare, told
from tests.simulation.identity.oracle import Whole
from tests.simulation.identity.shop import SETTINGS, SHOP
from tests.simulation.oracle import difference
from tests.simulation.stage import demand

ENDED = ("sent", "refused", "rejected", "lapsed", "dropped")
MOST_UNDER_WAY = 30 * MINUTE
"""Longer, and what one half was sent may be forgotten before the other half's run, invalid by then, comes."""


class Cluster:
    """`logs` are what happened, by partition; each driver reads its own whenever it is told to."""

    def __init__(self, seed: int, partitions: int) -> None:
        self.rng = Random(seed)
        self.now = START
        self.drivers = [Driver(partition, partitions) for partition in range(partitions)]
        self.relayed = [0] * partitions
        self.whole = Whole(partitions, SHOP)
        self.talk = calls.Talk(self.rng)
        self.drained = START
        self.post: dict[str, tuple[str, int, str]] = {}
        """The outbox: of each intent whose it is, by how many hops, and what became of it."""
        self.drivers[0].append(Publish(START, SHOP.files(), SETTINGS, SHOP.name))
        self.rest()

    # ---- what happens ------------------------------------------------------------------------------------------

    def act(self) -> None:
        """Something happens, and perhaps some partition reads on."""
        rng, passes = self.rng, calls.pause(self.rng)
        if self.now + passes > self.drained + MOST_UNDER_WAY:
            self.drain()
        self.now += passes
        what = rng.random()
        if what < 0.72:
            self.append(self.talk.next(self.now - rng.choice((0, 0, 0, 1)), begins=what < 0.08))
        elif what < 0.8 and self.talk.made:
            again = rng.choice(self.talk.made[-30:])
            if calls.at_most_in_log(again):
                self.append(calls.received(again, self.now))
        elif what < 0.88:
            self._tell_outcome()
        else:
            rng.choice(self.drivers).append(Tick(self.now, rng.choice((1, 2, 100))))
        for _ in range(rng.randrange(4)):
            self.go_on(rng.randrange(len(self.drivers)))
        self.check()

    def _tell_outcome(self) -> None:
        """A message was sent, or was not; told where the outbox believes the person to be."""
        self._follow()
        waiting = [one for one, (_, _, status) in self.post.items() if status not in ENDED]
        if waiting:
            intent = self.rng.choice(sorted(waiting))
            key, hop, _ = self.post[intent]
            self.post[intent] = (key, hop, self.rng.choice((*ENDED, "held")))
            self._report(intent)

    def _report(self, intent: str) -> None:
        key, _, status = self.post[intent]
        self.append(Outcome(self.now, key, intent, status, "because"))

    def _follow(self) -> None:
        """The outbox learns of intents, and whose they are now; of two the higher hop is right. What had ended is told
        again where it is now."""
        for driver in self.drivers:
            for intent in driver.intents:
                self.post.setdefault(intent.intent, (intent.key, 0, ""))
        for row in [row for group in self.groups() for row in group.rows if isinstance(row, IntentMoved)]:
            key, hop, status = self.post[row.intent]
            if row.hop > hop:
                self.post[row.intent] = (row.key or key, row.hop, status)
                if row.key and status:
                    self._report(row.intent)

    def append(self, record: calls.Call | Outcome) -> None:
        self.drivers[partition_of(record.key, len(self.drivers))].append(record)

    def go_on(self, partition: int) -> None:
        """One partition reads to the end of its log, and passes on some of what it told others."""
        rng, driver = self.rng, self.drivers[partition]
        driver.read(rng.choice((1, 2, 100)))
        for _ in range(rng.randrange(6)):
            self._relay(partition)
        if driver.outgoing[: self.relayed[partition]] and rng.random() < 0.1:
            # A zombie tells again from somewhere before.
            for dst, _, body in driver.outgoing[max(0, self.relayed[partition] - rng.randrange(1, 4)) :][:3]:
                if self.relayed[partition] == len(driver.outgoing):
                    self.drivers[dst].log.append(body)

    def _relay(self, partition: int) -> None:
        driver = self.drivers[partition]
        if self.relayed[partition] < len(driver.outgoing):
            dst, _, body = driver.outgoing[self.relayed[partition]]
            self.drivers[dst].log.append(body)
            self.relayed[partition] += 1

    def drain(self) -> None:
        """Nothing is under way any more."""
        while True:
            for partition, driver in enumerate(self.drivers):
                driver.read()
                while self.relayed[partition] < len(driver.outgoing):
                    self._relay(partition)
            if all(driver.position == len(driver.log) for driver in self.drivers):
                break
        self.drained = self.now

    def rest(self) -> None:
        """Nobody is due either."""
        self.drain()
        self._follow()
        self.drain()
        while tired := [one for one in self.drivers if self._is_due(one)]:
            for driver in tired:
                driver.append(Tick(self.now, 100))
            self.drain()

    def _is_due(self, driver: Driver) -> bool:
        return bool(driver.due(max(self.now, driver.state.clock))) or driver.state.sweep is not None

    # ---- what must hold ----------------------------------------------------------------------------------------

    def records(self) -> list[list[Record]]:
        """As far as they were read."""
        return [[decode(body) for body in driver.log[: driver.position]] for driver in self.drivers]

    def profiles(self) -> list[dict[str, Profile]]:
        return [driver.profiles() for driver in self.drivers]

    def groups(self) -> list[Group]:
        return [group for driver in self.drivers for group in driver.groups]

    def check(self) -> None:
        self.whole.know(intent for driver in self.drivers for intent in driver.intents)
        self.whole.read(self.records())
        compare(self.whole, self.profiles(), self.drivers[0].plan)
        for driver in self.drivers:
            demand_counts(driver.state, driver.states.values())

    def check_at_rest(self) -> None:
        self.rest()
        self.check()
        for profile in (one for known in self.profiles() for one in known.values()):
            demand(profile.identity is None or not profile.identity.is_waiting, "nobody waits at rest", profile.key)
            demand(profile.identity is None or not profile.identity.deferred, "nothing is deferred", profile.key)
            for run in profile.runs:
                status = self.post[run.intent][2] if run.intent in self.post else ""
                demand(status not in ENDED, "no run waits for an outcome that was told", profile.key, run, status)
        left = {channel: one for channel, one in self.whole.under_way.items() if one}
        demand(not left, "everything that was said was told", left)
        for half in self.whole.halves:
            half.settle()
        surplus, missing = difference(
            told(self.groups()), {key: rows for half in self.whole.halves for key, rows in half.stories.items()}
        )
        demand(not surplus and not missing, "rows are the oracle's", surplus, missing)
        intents = [intent.intent for driver in self.drivers for intent in driver.intents]
        demand(len(intents) == len(set(intents)), "no message twice")
        twice = self.whole.sent_twice()
        demand(not twice, "no message to a half that got it from another", twice)

    def check_replay(self, cut_after: int) -> None:
        """I2: the same logs, cut at other places, give the same bytes."""
        for driver in self.drivers:
            again = Driver(driver.state.partition, driver.state.partitions)
            again.log = driver.log
            again.read(cut_after)
            demand(again.bytes() == driver.bytes(), "I2 the same logs give the same bytes", driver.state.partition)
            demand(again.outgoing == driver.outgoing, "I2 and tell others the same", driver.state.partition)
