"""Seeds in memory, durable at once."""

from collections.abc import Collection, Iterable

from tactful.errors import TransientError
from tactful.kernel.fragments import entry_of
from tactful.runtime.ports import Clock
from tactful.runtime.seeds import Digest, Row


class MemorySeeds:
    """The port `Seeds`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, tuple[int, dict[str, bytes]]] = {}

    def write(self, rows: Iterable[Row], instead: str = "") -> str:
        found, digest = dict[str, bytes](), Digest()
        for row in rows:
            digest.add(row)
            found[row[0]] = row[1]
        name = instead or digest.text()
        self._files[name] = self._clock.now_us(), found
        return name

    def is_sound(self, digest: str, *, is_thorough: bool = False) -> bool:
        return digest in self._files

    def states(self, digest: str, fragment: str) -> bytes | None:
        if digest not in self._files:
            raise TransientError(f"the seed {digest} is not there")
        return self._files[digest][1].get(fragment)

    def digests(self) -> list[str]:
        return sorted(self._files)

    def forget(self, keep: Collection[str], before_us: int) -> int:
        gone = [digest for digest, (at, _) in self._files.items() if at < before_us and digest not in keep]
        for digest in gone:
            del self._files[digest]
        return len(gone)

    def erase(self, identifiers: Collection[str]) -> int:
        gone = 0
        for _, rows in self._files.values():
            for fragment in [one for one in rows if entry_of(one) in identifiers]:
                del rows[fragment]
                gone += 1
        return gone

    def rows(self, digest: str) -> dict[str, bytes]:
        """All of a file, for whoever compares."""
        return self._files[digest][1]

    def lose(self, digest: str) -> None:
        """As a disk may."""
        del self._files[digest]

    def close(self) -> None:
        """Others may go on with it."""
