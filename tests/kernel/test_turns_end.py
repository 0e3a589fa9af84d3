"""What a turn held is gone with it: the loop of workers runs without the collector of cycles."""

import gc
from collections.abc import Callable

from tactful.events.records import Event
from tactful.kernel.turn import Turn
from tactful.testing import World
from tactful.values import MINUTE_US

START = 1_741_780_800_000_000
FILES = {"segments/lately.yaml": 'when: any("Product Added", last="10m")\n'}


def added(name: str) -> Callable[[int], Event]:
    return lambda at: Event(1, "s", "server", "track", "Product Added", "u:ada", ("u:ada",), name, at, at)


def turns() -> int:
    return sum(isinstance(one, Turn) for one in gc.get_objects())


def test_no_turn_outlives_its_commit() -> None:
    world = World(1, START)
    try:
        world.publish(FILES, "test")
        world.run()
        gc.collect()
        gc.disable()
        before = turns()  # Worlds of other tests may still stand.
        for number in range(20):
            world.call(added(f"m{number}"))
            world.pass_time(15 * MINUTE_US)
        assert turns() - before <= world.log.partitions
    finally:
        gc.enable()
        world.close()
