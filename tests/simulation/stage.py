"""What every drama stands on: a world whose owners, slots and faults the seed draws; trouble, rest, and what is kept.

A drama is played by `played`, so that one that fails names its seed and its faults, and tells what had happened.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

from tactful.events.derived import Group, decode_groups
from tactful.kernel.state import FIRST_KEY, PLAN_KEY, PlanState, Profile, decode_plan, decode_profile
from tactful.runtime.ports import OutboxRow
from tactful.testing import NONE, World, draw
from tests.kernel.driver import Driver
from tests.simulation.definitions import MINUTE

OWNERS = (((0,),), ((0, 1),), ((0,), (1,)), ((0, 2), (1,)))
ENDED = {"sent", "refused", "rejected", "lapsed", "dropped"}


class Broken(AssertionError):
    """An invariant does not hold: its name, and what was seen."""


def demand(is_kept: object, invariant: str, *seen: object) -> None:
    if not is_kept:
        raise Broken(f"{invariant}: {' | '.join(map(str, seen))}")


class Stage:
    """`faults` are what the seed drew; the world has none until a drama says so."""

    def __init__(self, seed: int, begin: int, owners: Sequence[Sequence[Sequence[int]]] = OWNERS) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.faults = draw(self.rng)
        slots = {"email": self.rng.choice((1, 2, 5)), "webhook": self.rng.choice((1, 3))}
        self.world = World(seed, begin, NONE, self.rng.choice(owners), slots)
        self.released: Counter[str] = Counter()
        """How often somebody let go what was held."""

    def about(self) -> str:
        """For the reader of a failure."""
        return f"seed {self.seed}, {self.faults}"

    # ---- what happens ------------------------------------------------------------------------------------------

    def strike(self) -> None:
        """What befalls machines."""
        rng, world, faults = self.rng, self.world, self.faults
        if rng.random() < faults.power_cut:
            world.cut_power()
        if rng.random() < faults.second_worker:
            world.start_second(rng.choice(world.names()[:-1]))

    def meddle(self, kind: str) -> None:
        """What befalls a process, or somebody does to the outbox."""
        rng, world = self.rng, self.world
        match kind:
            case "retry":
                world.retry_calls()
            case "sync":
                world.sync()
            case "release":
                for intent in world.outbox.release(self._some("held"), world.clock.now_us()):
                    self.released[intent] += 1
                    world.tell(f"release {intent}")
                self._ring()
            case "drop":
                world.outbox.drop(self._some("held", "waiting")[:1], "nobody wants it", world.clock.now_us())
                self._ring()
            case "kill" if self.faults.crash:
                world.crash(rng.choice(world.names()))
            case "stop":
                world.stop(rng.choice(world.names()))

    def _some(self, *statuses: str) -> list[str]:
        rows = [row.intent.intent for row in self.rows() if row.status in statuses]
        return self.rng.sample(rows, min(len(rows), 2))

    def _ring(self) -> None:
        for partition in range(self.world.log.partitions):
            self.world.bells.ring(f"work-{partition}")
        self.world.bells.ring("deliver")

    def calm(self) -> None:
        """No more faults: everything comes to rest. A deliverer that was told to stop lets its sends end, for half a
        minute."""
        self.world.run()
        self.world.heal()
        self.world.pass_time(MINUTE)

    def answer_all(self) -> None:
        """Until every client has heard that its call was accepted."""
        while self.world.pending:
            self.world.retry_calls()
            self.world.run()

    # ---- what is kept ------------------------------------------------------------------------------------------

    def rows(self) -> list[OutboxRow]:
        return self.world.outbox.rows(limit=1 << 30)

    def groups(self, partition: int) -> list[Group]:
        return [group for blob in self.world.trail.between(partition, 1, 1 << 60) for group in decode_groups(blob)]

    def all_groups(self) -> list[Group]:
        return [group for partition in range(self.world.log.partitions) for group in self.groups(partition)]

    def profiles(self, partition: int) -> dict[str, Profile]:
        store = self.world.stores[partition]
        bodies = store.load(store.keys_after(FIRST_KEY, 1 << 30))
        return {key: decode_profile(body) for key, body in bodies.items()}

    def plan_of(self, partition: int) -> PlanState | None:
        body = self.world.stores[partition].load([PLAN_KEY]).get(PLAN_KEY)
        return decode_plan(body) if body is not None else None

    # ---- what must hold ----------------------------------------------------------------------------------------

    def demand_once(self) -> None:
        """Cheap enough for after every turn."""
        for intent, times in Counter(self.world.receiver.intents("email")).items():
            demand(times <= 1 + self.released[intent], "I4 an e-mail goes at most once", intent, times)

    def replayed(self, partition: int) -> Driver:
        """I2: the log alone, read in one go, gives the same rows, and so the same intents."""
        again = Driver(partition, self.world.log.partitions)
        again.log = [body for _, body in self.world.log.read(partition, 0, 1 << 30)]
        again.read(1000)
        demand(again.groups == self.groups(partition), "I2 a replay makes the same rows", partition)
        return again


class Playable(Protocol):
    @property
    def world(self) -> World: ...
    def about(self) -> str: ...
    def play(self) -> object: ...


P = TypeVar("P", bound=Playable)


def played(drama: P) -> P:
    """To the end; what goes wrong is told with the newest of what happened."""
    try:
        drama.play()
    except BaseException as error:
        story = "\n".join(drama.world.story[-200:])
        error.add_note(f"{drama.about()}\n{story}")
        raise
    finally:
        drama.world.close()
    return drama
