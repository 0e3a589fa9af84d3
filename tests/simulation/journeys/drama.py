"""A drawn history in the production loops, under drawn faults: crashes, power cuts, second workers, jumping clocks, slow
and unwilling receivers. When everything has settled, each partition's rows and answers are the oracle's."""

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from tactful.events.derived import Group, SendMessage, decode_groups
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Enter, Event, Launch, Publish, Steer, Unmerge, decode, encode
from tactful.kernel.state import PLAN_KEY, decode_partition, decode_plan
from tactful.testing import World, draw
from tests.kernel.driver import Driver
from tests.simulation.counting import Counting
from tests.simulation.journeys import histories
from tests.simulation.journeys.gating import NOTHING, Recorder, Sending, wrong
from tests.simulation.journeys.oracle import Oracle, difference
from tests.simulation.journeys.reading import DAY
from tests.simulation.journeys.telling import chance, name_of, told

HOUR = 3_600_000_000
OWNERS = (((0,),), ((0, 1),), ((0,), (1,)), ((0, 2), (1,)))
OFTEN = ("kill", "stop", "sync", "retry", "retry")


class Drama:
    """`ties`: people have several identifiers, and everything is one partition, where a tie is made in one step."""

    def __init__(self, seed: int, *, ties: bool = False, sending: Sending = NOTHING, settings: str = "") -> None:
        self.rng = Random(seed)
        self.faults = draw(self.rng)
        scene = histories.Scene(records=40, ties=ties, sending=settings, people=histories.PEOPLE)
        self.history = histories.draw(seed, scene)
        owners = OWNERS[0] if ties else self.rng.choice(OWNERS)
        slots = {"email": self.rng.choice((1, 2, 5)), "webhook": self.rng.choice((1, 3))}
        begin = self.history.records[0].received_at
        self.world = World(seed, begin, self.faults, owners, slots)
        counting = Counting()
        self.world.observe = lambda: counting.look(self.world.stores)
        self.recorder = Recorder(self.world.outbox, lambda one: self.world.stores[one].checkpoint().position)
        self.sending = sending
        self.told = 0
        """Orders that partition 0 tells the others."""

    # ---- what happens --------------------------------------------------------------------------------------------

    def play(self) -> "Drama":
        try:
            before = self.history.records[0].received_at
            for record in self.history.records:
                self._wait(record.received_at - before)
                before = record.received_at
                self._happen(record)
            self._heal()
            self.world.pass_time(HOUR)
            self.world.pass_time(4 * DAY)
            self.check()
        finally:
            self.world.close()
        return self

    def _wait(self, duration: int) -> None:
        """Faults strike on the way."""
        rng, world, faults = self.rng, self.world, self.faults
        if rng.random() < faults.power_cut:
            world.cut_power()
        if rng.random() < faults.second_worker:
            world.start_second(rng.choice(world.names()[:-1]))
        if rng.random() < 0.2:
            self._one_fault(rng.choice(OFTEN))
        world.pass_time(duration)

    def _one_fault(self, kind: str) -> None:
        world, rng = self.world, self.rng
        match kind:
            case "kill" if self.faults.crash:
                world.crash(rng.choice(world.names()))
            case "stop":
                world.stop(rng.choice(world.names()))
            case "sync":
                world.sync()
            case "retry":
                world.retry_calls()

    def _happen(self, record: histories.Told) -> None:
        match record:
            case Event() | Consent() | Unmerge():
                self.world.call(self._received(record))
            case Enter():
                self._append(record.key, replace(record, received_at=self.world.clock.now_us()))
            case Publish() | Steer() | Launch():
                self._settle()
                at = self.world.clock.now_us()
                if isinstance(record, Launch):
                    record = replace(record, version=self._version(record.journey))
                self._append("", replace(record, received_at=at))
                self.told += 1
                self._settle()

    def _received(self, record: Event | Consent | Unmerge) -> Callable[[int], Event | Consent | Unmerge]:
        if isinstance(record, Unmerge):
            return lambda at: replace(record, received_at=at)
        late = record.received_at - record.timestamp
        begun = self.world.clock.now_us() - late
        return lambda at: replace(record, received_at=at, timestamp=min(begun, at))

    def _append(self, key: str, record: histories.Told) -> None:
        world = self.world
        partition = partition_of(key, world.log.partitions) if key else 0
        world.tell(f"{type(record).__name__} {record}"[:120])
        world.log.append({partition: [encode(record)]})
        world.bells.ring(f"work-{partition}")

    def _version(self, journey: str) -> str:
        stored = self.world.stores[0].load([PLAN_KEY]).get(PLAN_KEY)
        if stored is None:
            return ""
        text = decode_plan(stored).plan.publish.files.get(f"journeys/{journey}.yaml", "")
        from tactful.language.document import Document

        return Document("", text).version

    def _settle(self) -> None:
        """Orders are told one after the other: what everybody would have heard of an order that was replaced before
        they did, nobody knows."""
        world, faults = self.world, self.world.faults
        for _ in range(200):
            world.run()
            if self._is_settled():
                return
            world.faults = type(faults)()
            world.pass_time(1_000_000)
        raise AssertionError("orders are not heard of")

    def _is_settled(self) -> bool:
        for partition, store in enumerate(self.world.stores):
            head = store.checkpoint()
            if head.position != self.world.log.end(partition):
                return False
            if not head.partition_state:
                continue
            state = decode_partition(head.partition_state)
            if state.sweep is not None or (partition and state.received.get(0, 0) < self.told):
                return False
        self.world.faults = self.faults
        return True

    def _heal(self) -> None:
        world = self.world
        world.run()
        world.heal()
        world.pass_time(60_000_000)
        while world.pending:
            world.retry_calls()
            world.run()

    # ---- what must hold ------------------------------------------------------------------------------------------

    def groups(self, partition: int) -> list[Group]:
        return [group for blob in self.world.trail.between(partition, 1, 1 << 60) for group in decode_groups(blob)]

    def check(self) -> None:
        for partition in range(self.world.log.partitions):
            differences = self.differences(partition)
            assert not differences, "\n".join(differences[:12])
            self._replay(partition)
        rows = self.world.outbox.rows(limit=1 << 30)
        intents = [row.intent for group in self._all_groups() for row in _sends(group)]
        assert len(set(intents)) == len(intents), "an intent was made twice"
        assert {row.intent.intent for row in rows} == set(intents), "the outbox has them all"

    def _all_groups(self) -> list[Group]:
        return [group for partition in range(self.world.log.partitions) for group in self.groups(partition)]

    def differences(self, partition: int) -> list[str]:
        groups = self.groups(partition)
        names = {row.intent: name_of(row) for group in self._all_groups() for row in _sends(group)}
        oracle = Oracle(chance(groups), names)
        answers: list[str] = []
        for place, body in self.world.log.read(partition, 0, 1 << 30):
            oracle.read(place, decode(body))
            mine = (one for one in self.recorder.asked if (one.partition, one.position) == (partition, place))
            answers += wrong(oracle, mine, self.sending)
        return difference(told(groups), oracle.stories) + answers

    def _replay(self, partition: int) -> None:
        """The log alone, read in one go, gives the same rows, and so the same intents."""
        again = Driver(partition, self.world.log.partitions)
        again.log = [body for _, body in self.world.log.read(partition, 0, 1 << 30)]
        again.read(1000)
        assert again.groups == self.groups(partition), "a replay makes other rows"


def _sends(group: Group) -> list[SendMessage]:
    return [row for row in group.rows if isinstance(row, SendMessage)]
