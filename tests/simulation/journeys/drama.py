"""A drawn history in the production loops, under drawn faults: crashes, power cuts, second workers, jumping clocks, slow
and unwilling receivers. When everything has settled, each partition's rows and answers are the oracle's."""

from collections.abc import Callable

from msgspec.structs import replace

from tactful.events.derived import Group, SendMessage
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Enter, Event, Launch, Publish, Steer, Unmerge, decode, encode
from tactful.kernel.state import decode_partition
from tactful.language.document import Document
from tests.simulation.counting import Counting
from tests.simulation.journeys import histories
from tests.simulation.journeys.gating import NOTHING, Recorder, Sending, wrong
from tests.simulation.journeys.oracle import Oracle, difference
from tests.simulation.journeys.reading import DAY
from tests.simulation.journeys.telling import chance, name_of, told
from tests.simulation.stage import OWNERS, Stage

HOUR = 3_600_000_000
OFTEN = ("kill", "stop", "sync", "retry", "retry")


class Drama(Stage):
    """`ties`: people have several identifiers, and everything is one partition, where a tie is made in one step."""

    def __init__(self, seed: int, *, ties: bool = False, sending: Sending = NOTHING, settings: str = "") -> None:
        scene = histories.Scene(records=40, ties=ties, sending=settings, people=histories.PEOPLE)
        self.history = histories.draw(seed, scene)
        super().__init__(seed, self.history.records[0].received_at, OWNERS[:1] if ties else OWNERS)
        self.world.faults = self.faults
        counting = Counting()
        self.world.observe = lambda: counting.look(self.world.stores)
        self.recorder = Recorder(self.world.outbox, lambda one: self.world.stores[one].checkpoint().position)
        self.sending = sending
        self.told = 0
        """Orders that partition 0 tells the others."""

    # ---- what happens --------------------------------------------------------------------------------------------

    def about(self) -> str:
        texts = "\n".join(f"--- {name}\n{text}" for name, text in self.history.texts.items())
        return f"{super().about()}\n{texts}"

    def play(self) -> None:
        before = self.history.records[0].received_at
        for record in self.history.records:
            self._wait(record.received_at - before)
            before = record.received_at
            self._happen(record)
        self.calm()
        self.answer_all()
        self.world.pass_time(HOUR)
        self.world.pass_time(4 * DAY)
        self.check()

    def _wait(self, duration: int) -> None:
        """Faults strike on the way."""
        self.strike()
        if self.rng.random() < 0.2:
            self.meddle(self.rng.choice(OFTEN))
        self.world.pass_time(duration)

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
        stored = self.plan_of(0)
        return Document("", stored.plan.publish.files.get(f"journeys/{journey}.yaml", "")).version if stored else ""

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

    # ---- what must hold ------------------------------------------------------------------------------------------

    def check(self) -> None:
        for partition in range(self.world.log.partitions):
            differences = self.differences(partition)
            assert not differences, "\n".join(differences[:12])
            self.replayed(partition)
        rows = self.rows()
        intents = [row.intent for group in self.all_groups() for row in _sends(group)]
        assert len(set(intents)) == len(intents), "an intent was made twice"
        assert {row.intent.intent for row in rows} == set(intents), "the outbox has them all"

    def differences(self, partition: int) -> list[str]:
        groups = self.groups(partition)
        names = {row.intent: name_of(row) for group in self.all_groups() for row in _sends(group)}
        oracle = Oracle(chance(groups), names)
        answers: list[str] = []
        for place, body in self.world.log.read(partition, 0, 1 << 30):
            oracle.read(place, decode(body))
            mine = (one for one in self.recorder.asked if (one.partition, one.position) == (partition, place))
            answers += wrong(oracle, mine, self.sending)
        return difference(told(groups), oracle.stories) + answers


def _sends(group: Group) -> list[SendMessage]:
    return [row for row in group.rows if isinstance(row, SendMessage)]
