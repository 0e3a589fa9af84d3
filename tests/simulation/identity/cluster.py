"""Partitions that speak to each other, each driven by hand: any order between channels, repeats, any cut of commits."""

from random import Random

from tactful.events.derived import Group
from tactful.events.identifiers import partition_of
from tactful.events.records import Publish, Record, Tick, decode
from tactful.kernel.state import Profile
from tests.kernel.driver import Driver
from tests.simulation.histories import START, pause
from tests.simulation.identity import calls
from tests.simulation.identity.compare import compare, demand, told
from tests.simulation.identity.oracle import Whole
from tests.simulation.identity.shop import SETTINGS, SHOP
from tests.simulation.oracle import difference


class Cluster:
    """`logs` are what happened, by partition; each driver reads its own whenever it is told to."""

    def __init__(self, seed: int, partitions: int) -> None:
        self.rng = Random(seed)
        self.now = START
        self.drivers = [Driver(partition, partitions) for partition in range(partitions)]
        self.relayed = [0] * partitions
        self.whole = Whole(partitions, SHOP)
        self.made: list[calls.Call] = []
        self.drivers[0].append(Publish(START, SHOP.files(), SETTINGS, SHOP.name))
        self.rest()

    # ---- what happens ------------------------------------------------------------------------------------------

    def act(self) -> None:
        """Something happens, and perhaps some partition reads on."""
        rng = self.rng
        self.now += pause(rng)
        what = rng.random()
        if what < 0.72:
            self.call(calls.call(rng, self.now - rng.choice((0, 0, 0, 1)), f"m{len(self.made)}"))
        elif what < 0.8 and self.made:
            again = rng.choice(self.made[-30:])
            if calls.at_most_in_log(again):
                self.append(calls.received(again, self.now))
        else:
            rng.choice(self.drivers).append(Tick(self.now, rng.choice((1, 2, 100))))
        for _ in range(rng.randrange(4)):
            self.go_on(rng.randrange(len(self.drivers)))
        self.check()

    def call(self, record: calls.Call) -> None:
        self.made.append(record)
        self.append(record)

    def append(self, record: calls.Call) -> None:
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

    def rest(self) -> None:
        """Nothing is under way any more, nobody is due."""
        while True:
            for driver in self.drivers:
                if driver.due(max(self.now, driver.state.clock)) or driver.state.sweep is not None:
                    driver.append(Tick(self.now, 100))
                driver.read()
            for partition, driver in enumerate(self.drivers):
                while self.relayed[partition] < len(driver.outgoing):
                    self._relay(partition)
            is_read = all(driver.position == len(driver.log) for driver in self.drivers)
            if is_read and not any(driver.due(max(self.now, driver.state.clock)) for driver in self.drivers):
                break

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

    def check_at_rest(self) -> None:
        self.rest()
        self.check()
        for profile in (one for known in self.profiles() for one in known.values()):
            demand(profile.identity is None or not profile.identity.is_waiting, "nobody waits at rest", profile.key)
            demand(profile.identity is None or not profile.identity.deferred, "nothing is deferred", profile.key)
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

    def check_replay(self, cut_after: int) -> None:
        """I2: the same logs, cut at other places, give the same bytes."""
        for driver in self.drivers:
            again = Driver(driver.state.partition, driver.state.partitions)
            again.log = driver.log
            again.read(cut_after)
            demand(again.bytes() == driver.bytes(), "I2 the same logs give the same bytes", driver.state.partition)
            demand(again.outgoing == driver.outgoing, "I2 and tell others the same", driver.state.partition)
