"""World: a whole installation in one thread, under drawn faults, with the same outcome for the same seed.

The loops are the production ones (Work with its Workers, Deliverer); clock, bells, receivers and the event loop are
simulated, ports are in memory. Every call of a port may end the process, and something else may happen between any two.
Time passes only where nobody has anything to do. `heal` ends the faults: then everything must come to rest by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.seeds import MemorySeeds
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.errors import Fenced, TransientError
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, Publish, Score, Threshold, Unmerge, encode
from tactful.runtime.deliver import Deliverer, Lane
from tactful.runtime.ports import Bell, Bells
from tactful.runtime.work import Work
from tactful.runtime.worker import Pace, Worker
from tactful.runtime.writing import Letterhead, call_writer, mail_writer
from tactful.testing.clock import SimClock
from tactful.testing.faults import NONE, Crash, Faults, Point, guard
from tactful.testing.processes import DEATHS, DeliverProcess, Process, SimBell, SimBells, WorkProcess
from tactful.testing.receiver import Receiver, SimChannel
from tactful.values import SECOND_US

Call = Callable[[int], Event | Consent | Score | Unmerge]
"""A client's call: the record that the server makes of it when it receives it at an instant."""
RESTART_US = SECOND_US // 2
"""How long the supervisor takes to start a process anew; twice as long each time where it dies at once."""
AT_ONCE_US = 5 * SECOND_US
LONGEST_RESTART_US = 16 * SECOND_US
PATIENCE = 3_000
"""Turns of processes at one instant after which they must be busy for nothing."""
LETTERHEAD = Letterhead("Shop", "Shop <hello@shop.example>", "https://shop.example", {1: b"k" * 32})


class World:
    """`owners` says which partitions each work process has; `story` is what happened, for the reader of a failure."""

    def __init__(
        self,
        seed: int,
        at_us: int,
        faults: Faults = NONE,
        owners: Sequence[Sequence[int]] = ((0, 1),),
        slots: Mapping[str, int] | None = None,
        speed: int = 1,
    ) -> None:
        self.rng = Random(seed)  # noqa: S311  (the same faults for the same seed)
        self.faults = faults
        self.clock = SimClock(at_us, speed)
        self.owners = owners
        self.slots = slots or {"email": 2, "webhook": 2}
        partitions = sum(map(len, owners))
        self.log = MemoryLog(partitions, self.clock)
        self.stores = [MemoryStore() for _ in range(partitions)]
        self.outbox = MemoryOutbox()
        self.trail = MemoryTrail()
        self.quarantine = MemoryQuarantine()
        self.ledger = MemoryLedger()
        self.seeds = MemorySeeds(self.clock)
        self.bells = SimBells()
        self.receiver = Receiver()
        self.story: list[str] = []
        self.acknowledged: list[Event | Consent | Score | Unmerge] = []
        self.pending: list[Call] = []
        self.published = 0
        self.broadcasts = 0
        self.processes: dict[str, Process] = {}
        self.seconds: list[Process] = []
        """Processes that were replaced and do not know it."""
        self._starts: dict[str, int] = {}
        """When the supervisor starts what died."""
        self._begun: dict[str, int] = {}
        self._failures: Counter[str] = Counter()
        self._started = 0
        self._is_between = False
        self._running: Process | None = None
        self.observe: Callable[[], None] = lambda: None
        """Called after every turn of a process, and when something happened between its effects."""
        for name in self.names():
            self._start(name)

    def names(self) -> list[str]:
        return [f"work-{index}" for index in range(len(self.owners))] + ["deliver"]

    def tell(self, text: str) -> None:
        self.story.append(f"{self.clock.monotonic_us / SECOND_US:12.6f} {text}")

    # ---- clients -----------------------------------------------------------------------------------------------

    def call(self, call: Call) -> None:
        """A client sends, and sends again until it hears that the call was accepted; others may overtake it."""
        self.pending.append(call)
        self._attempt(call)

    def retry_calls(self) -> None:
        """What had no answer yet is sent again, in any order."""
        for call in self.rng.sample(self.pending, len(self.pending)):
            self._attempt(call)

    def publish(self, files: Mapping[str, str], author: str, settings: Mapping[str, str] | None = None) -> None:
        record = Publish(self.clock.now_us(), dict(files), {"time_zone": "UTC", **(settings or {})}, author)
        self.tell(f"publish {author}")
        self.log.append({0: [encode(record)]})
        self.published += 1
        self.bells.ring("work-0")

    def broadcast(self, threshold: Threshold) -> None:
        """Somebody worked out a threshold anew."""
        self.tell(f"threshold {threshold.metric} {threshold.percent} {threshold.value}")
        self.log.append({0: [encode(threshold)]})
        self.broadcasts += 1
        self.bells.ring("work-0")

    def _attempt(self, call: Call) -> None:
        fate = self.rng.choice(("call", "answer", "bell")) if self.rng.random() < self.faults.lost_call else ""
        record = call(self.clock.now_us())
        names = " ".join(record.ids) if isinstance(record, Event) else record.key
        number = "" if isinstance(record, Unmerge) else record.message_id
        self.tell(f"{type(record).__name__} {names} {number} {f'loses its {fate}' if fate else ''}")
        if fate == "call":
            return
        partition = partition_of(record.key, self.log.partitions)
        self.log.append({partition: [encode(record)]})
        if fate == "bell":
            # Collect died between append and ring; it rings everybody when it starts.
            self._starts["collect"] = self.clock.monotonic_us + RESTART_US
            return
        self.bells.ring(f"work-{partition}")
        if not fate:
            self.pending.remove(call)
            self.acknowledged.append(record)

    # ---- faults ------------------------------------------------------------------------------------------------

    def _point(self, process: Process) -> Point:
        """The fault point of one process."""
        name = process.name

        def point(what: str, is_done: bool) -> None:
            faults, rng = self.faults, self.rng
            if process.died_of is not None:
                raise process.died_of
            # Others wait for the end of a transaction, and see nothing of it before.
            is_inside = what.startswith("outbox.claiming.") and not (what == "outbox.claiming.end" and is_done)
            if rng.random() < faults.between and not self._is_between and not is_inside:
                self._between()
            if rng.random() < faults.crash:
                self.tell(f"{name} dies {'after' if is_done else 'before'} {what}")
                process.died_of = Crash(what)
                raise process.died_of
            is_silent = what.startswith(("bells", "email", "webhook"))
            if not is_done and not is_silent and rng.random() < faults.fail:
                self.tell(f"{name} fails at {what}")
                raise TransientError(f"{what}: disk full")

        return point

    def _between(self) -> None:
        """The world does not stand still between two effects."""
        self._is_between = True
        self.clock.advance(self.rng.choice((0, 1, 1000)))
        if self.pending:
            self._attempt(self.rng.choice(self.pending))
        for process in (*self.processes.values(), *self.seconds):
            if process is not self._running and process.is_alive and self.rng.random() < 0.3:
                self._turn(process)
        self.observe()
        self._is_between = False

    def crash(self, name: str) -> None:
        """kill -9 while it waits."""
        self.tell(f"{name} is killed")
        self.processes[name].die()
        self._await_start(name)

    def stop(self, name: str) -> None:
        """SIGTERM; the supervisor starts it again."""
        process = self.processes[name]
        if process.is_alive:
            self.tell(f"{name} is stopped")
            self._guarded(process, process.stop)

    def close(self) -> None:
        for process in (*self.processes.values(), *self.seconds):
            process.die()

    def start_second(self, name: str) -> None:
        """A new process takes over, while the old one knows nothing of it."""
        self.tell(f"{name} has a second")
        self.seconds.append(self.processes[name])
        self._start(name)

    def cut_power(self) -> None:
        """Everything dies, and unsynced tails of store and trail are lost."""
        for partition, store in enumerate(self.stores):
            store.power_cut(self.rng.randint(0, store.unsynced()))
            self.trail.power_cut(partition, self.rng.randint(0, self.trail.unsynced(partition)))
        self.tell(f"power cut, back to {[store.checkpoint().position for store in self.stores]}")
        self.seconds.clear()
        for name in self.names():
            self.processes[name].die()
            self._await_start(name)

    def sync(self) -> None:
        """The operating system writes back what it likes."""
        store = self.rng.choice(self.stores)
        store.sync()

    def heal(self) -> None:
        """No more faults from here on."""
        self.tell("heal")
        self.faults = NONE
        for second in self.seconds:
            second.die()
        self.seconds.clear()
        soon = self.clock.monotonic_us + RESTART_US
        self._starts = {name: min(at, soon) for name, at in self._starts.items()}

    # ---- processes ---------------------------------------------------------------------------------------------

    def _await_start(self, name: str) -> None:
        """As the production supervisor does: what dies again and again is not started all the time."""
        now_us = self.clock.monotonic_us
        is_quick = now_us - self._begun[name] < AT_ONCE_US
        self._failures[name] = self._failures[name] + 1 if is_quick else 0
        self._starts[name] = now_us + min(RESTART_US << self._failures[name], LONGEST_RESTART_US)

    def _start(self, name: str) -> None:
        self._started += 1
        self._starts.pop(name, None)
        self._begun[name] = self.clock.monotonic_us
        if name == "deliver":
            number = self._started
            self.processes[name] = DeliverProcess(name, self.clock, lambda process: self._deliverer(process, number))
        else:
            self.processes[name] = WorkProcess(name, self._work)

    def _work(self, process: WorkProcess) -> Work:
        partitions = self.owners[int(process.name.removeprefix("work-"))]
        point = self._point(process)
        names = tuple(f"work-{partition}" for partition in partitions)
        bell: Bell = self.bells.give(process, names, self.clock, has_net=True)
        return Work(
            partitions,
            lambda partition: self._worker(partition, process, point),
            bell,
            self.clock,
            lambda: process.is_stopping,
        )

    def _worker(self, partition: int, process: WorkProcess, point: Point) -> Worker:
        if process in self.seconds:
            # It may believe what it believes; to begin anew takes the lock, which its successor has.
            raise Fenced(f"{process.name} was replaced")
        bells: Bells = _Ringing(self.bells)
        pace = Pace(self.rng.choice((1, 3, 1000)), self.rng.choice((1, 2, 500)), self.rng.choice((1, 3, 100)), 3)
        return Worker(
            partition,
            guard(self.log, "log", point),
            guard(self.stores[partition], "store", point),
            guard(self.outbox, "outbox", point),
            guard(self.trail, "trail", point),
            guard(self.quarantine, "quarantine", point),
            guard(self.ledger, "ledger", point),
            guard(bells, "bells", point),
            self.clock,
            self.slots,
            pace,
            seeds=guard(self.seeds, "seeds", point),
        )

    def _deliverer(self, process: DeliverProcess, number: int) -> Deliverer:
        point = self._point(process)
        outbox = guard(self.outbox, "outbox", point)
        writers = {"email": mail_writer(LETTERHEAD, outbox.template), "webhook": call_writer()}
        lanes = [
            Lane(
                SimChannel(name, self.receiver, self.rng, lambda: self.faults, self.clock.now_us, point, slots),
                writers[name],
            )
            for name, slots in self.slots.items()
        ]
        bells: Bells = _Ringing(self.bells, lambda names: self.bells.give(process, names, self.clock, has_net=False))
        return Deliverer(
            f"deliver-{number}", outbox, guard(self.log, "log", point), guard(bells, "bells", point), self.clock, lanes
        )

    def _turn(self, process: Process) -> None:
        self._guarded(process, process.run)

    def _guarded(self, process: Process, act: Callable[[], None]) -> None:
        """Let a process do something that it may not survive."""
        outer, self._running = self._running, process
        try:
            act()
        except DEATHS as death:
            process.die()
            self.tell(f"{process.name} is gone: {type(death).__name__} {death}")
        finally:
            self._running = outer
        if not process.is_alive:
            process.die()
            if process in self.seconds:
                self.seconds.remove(process)
            elif self.processes[process.name] is process:
                self._await_start(process.name)
        self.observe()

    # ---- time --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let everybody work until there is nothing to do at this instant."""
        for _ in range(PATIENCE):
            self._restart()
            now_us = self.clock.monotonic_us
            alive = [process for process in (*self.processes.values(), *self.seconds) if process.is_alive]
            ready = [process for process in alive if process.is_ready(now_us)]
            if not ready:
                return
            self._turn(self.rng.choice(ready))
        raise AssertionError("processes are busy for nothing")

    def pass_time(self, duration_us: int) -> None:
        """Let time pass, with everybody working at every instant at which somebody has something to do."""
        until = self.clock.monotonic_us + duration_us
        self.run()
        while (at := self.next_us()) is not None and at <= until:
            self.clock.advance(max(0, at - self.clock.monotonic_us))
            self.run()
        self.clock.advance(max(0, until - self.clock.monotonic_us))
        self.run()

    def next_us(self) -> int | None:
        """The next monotonic instant at which somebody does something unasked."""
        alive = [process.next_us() for process in (*self.processes.values(), *self.seconds) if process.is_alive]
        return min([*(at for at in alive if at is not None), *self._starts.values()], default=None)

    def _restart(self) -> None:
        for name, at in list(self._starts.items()):
            if at <= self.clock.monotonic_us:
                del self._starts[name]
                if name == "collect":
                    for partition in range(self.log.partitions):
                        self.bells.ring(f"work-{partition}")
                else:
                    self.tell(f"{name} starts")
                    self._start(name)


class _Ringing:
    """The port `Bells` of one process."""

    def __init__(self, bells: SimBells, give: Callable[[tuple[str, ...]], SimBell] | None = None) -> None:
        self._bells = bells
        self._give = give

    def ring(self, name: str) -> None:
        self._bells.ring(name)

    def bell(self, *names: str) -> SimBell:
        assert self._give is not None
        return self._give(names)
