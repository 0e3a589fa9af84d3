"""A small installation that lives: the production workers in one thread, and a reader over what they leave behind."""

from collections.abc import Mapping
from typing import Any, Literal

from tactful.events.derived import EventKept, decode_groups
from tactful.events.identifiers import order
from tactful.events.records import EMPTY_MAP, Event, Unmerge, pack
from tactful.kernel.state import decode_profile
from tactful.operations.reading.reader import Reader
from tactful.testing.world import World
from tactful.values import SECOND_US
from tests.web.scene import NOON

PARTITIONS = 3
Kind = Literal["identify", "alias", "track"]


class Living:
    """`did` and `unmerge` append; `rest` lets everybody work."""

    def __init__(self, seed: int = 1, files: Mapping[str, str] | None = None) -> None:
        self.world = World(seed, NOON, owners=[(number,) for number in range(PARTITIONS)])
        self.world.publish(files or {}, "test")
        self.world.run()
        world = self.world
        self.reader = Reader(world.log, world.stores, world.trail, world.outbox, world.quarantine)
        self.count = 0

    def did(self, name: str, /, *ids: str, **properties: Any) -> None:
        """A server's call that names these identifiers."""
        kinds: dict[str, Kind] = {"$identify": "identify", "$alias": "alias"}
        self.count += 1
        message_id = f"m{self.count}"
        # Of two user ids the new one stands first, whichever is the stronger.
        named = ids if name == "$alias" else tuple(sorted(ids, key=order))
        kind: Kind = kinds.get(name, "track")

        def call(now: int) -> Event:
            packed = pack(properties)
            return Event(1, "shop", "server", kind, name, named[0], named, message_id, now, now, packed, EMPTY_MAP)

        self.world.call(call)

    def unmerge(self, key: str) -> None:
        self.world.call(lambda now: Unmerge(now, key, "test"))

    def rest(self, after_us: int = SECOND_US) -> None:
        for partition in range(PARTITIONS):
            self.world.bells.ring(f"work-{partition}")
        self.world.pass_time(after_us)

    def people(self) -> dict[str, list[str]]:
        """Every person's key, with all identifiers that lead to it."""
        people: dict[str, list[str]] = {}
        for store in self.world.stores:
            for key in store.keys_after("%", 10_000):
                found = self.reader.find(key)
                assert found is not None, key
                people.setdefault(found.key, []).append(key)
        return people

    def kept(self) -> list[int]:
        """The refs of all kept events, as the trail has them."""
        groups = [
            group
            for partition in range(PARTITIONS)
            for blob in self.world.trail.between(partition, 0, 1 << 60)
            for group in decode_groups(blob)
        ]
        return sorted({row.ref for group in groups for row in group.rows if isinstance(row, EventKept)})

    def is_marked(self, key: str) -> bool:
        bodies = [store.load([key]).get(key) for store in self.world.stores]
        return any(body is not None and decode_profile(body).owner() is not None for body in bodies)
