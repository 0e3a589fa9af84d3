"""One partition's store in memory. It remembers how to undo each commit since the last `sync`, so that a power cut can
take any tail of them, as the port allows."""

from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from tactful.errors import Fenced
from tactful.kernel.state import FIRST_KEY
from tactful.runtime.ports import Checkpoint, Commit, Outgoing


class _Before(NamedTuple):
    """What one commit changed, as it was."""

    head: Checkpoint
    states: dict[str, tuple[bytes, int | None] | None]
    derived: list[tuple[int, int, bytes]]
    outgoing: dict[tuple[int, int], Outgoing]


class MemoryStore:
    """The port `Store`; shared by simulated workers that both believe they own the partition."""

    def __init__(self) -> None:
        self._head = Checkpoint(0, 0, b"")
        self._states: dict[str, tuple[bytes, int | None]] = {}
        self._wakes: list[tuple[int, str]] = []
        """A heap; what a state no longer says is dropped once it comes up."""
        self._derived: list[tuple[int, int, bytes]] = []
        self._outgoing: dict[tuple[int, int], Outgoing] = {}
        self._unsynced: list[_Before] = []

    def checkpoint(self) -> Checkpoint:
        return self._head

    def load(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {key: self._states[key][0] for key in keys if key in self._states}

    def due(self, at_us: int, limit: int) -> list[str]:
        found: list[tuple[int, str]] = []
        while len(found) < limit and (first := self._first()) is not None and first[0] <= at_us:
            wake = heappop(self._wakes)
            if found[-1:] != [wake]:
                found.append(wake)
        for wake in found:
            heappush(self._wakes, wake)
        return [key for _, key in found]

    def next_wake(self) -> int | None:
        first = self._first()
        return None if first is None else first[0]

    def _first(self) -> tuple[int, str] | None:
        wakes = self._wakes
        while wakes:
            wake_at, key = wakes[0]
            if key in self._states and self._states[key][1] == wake_at:
                return wakes[0]
            heappop(wakes)
        return None

    def _put(self, key: str, state: tuple[bytes, int | None]) -> None:
        before = self._states.get(key)
        self._states[key] = state
        if state[1] is not None and (before is None or before[1] != state[1]):
            heappush(self._wakes, (state[1], key))

    def keys_after(self, cursor: str, limit: int) -> list[str]:
        return sorted(key for key in self._states if key > cursor)[:limit]

    def sample(self, share: float, seed: int) -> dict[str, bytes]:
        keys = self.keys_after(FIRST_KEY, 1 << 62)
        drawn = keys if share >= 1 else Random(seed).sample(keys, round(len(keys) * share))  # noqa: S311  (no secret)
        return self.load(drawn)

    def derived(self) -> list[tuple[int, int, bytes]]:
        return list(self._derived)

    def outgoing(self) -> list[Outgoing]:
        return [self._outgoing[place] for place in sorted(self._outgoing)]

    def commit(self, commit: Commit) -> None:
        if commit.version != self._head.version:
            raise Fenced(f"another worker has committed since version {commit.version}")
        before = {write.key: self._states.get(write.key) for write in commit.states}
        self._unsynced.append(_Before(self._head, before, list(self._derived), dict(self._outgoing)))
        self._head = Checkpoint(commit.version + 1, commit.position, commit.partition_state)
        for write in commit.states:
            if write.state is None:
                self._states.pop(write.key, None)
            else:
                self._put(write.key, (write.state, write.wake_at))
        self._derived = [one for one in self._derived if one[1] > commit.relayed]
        if commit.derived:
            self._derived.append((commit.first_position, commit.position, commit.derived))
        for dst, seq in list(self._outgoing):
            if seq <= commit.sent.get(dst, 0):
                del self._outgoing[dst, seq]
        self._outgoing.update({(one.dst, one.seq): one for one in commit.outgoing})

    def maintain(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Others may go on with it."""

    def sync(self) -> None:
        """Everything so far survives a power cut."""
        self._unsynced.clear()

    def unsynced(self) -> int:
        """How many commits a power cut may take."""
        return len(self._unsynced)

    def power_cut(self, keep: int = 0) -> None:
        """Lose all commits since the last sync but the first `keep`."""
        while len(self._unsynced) > keep:
            before = self._unsynced.pop()
            self._head, self._derived, self._outgoing = before.head, before.derived, before.outgoing
            for key, state in before.states.items():
                if state is None:
                    self._states.pop(key, None)
                else:
                    self._put(key, state)
        self.sync()
