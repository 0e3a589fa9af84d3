"""The port to seeds: immutable files of aggregate states by fragment (kernel/seeding.py). Each is named by the digest
of what was written, and kept as long as a record of a log or a plan in force names it."""

from collections.abc import Collection, Iterable
from hashlib import blake2b
from typing import Protocol

Row = tuple[str, bytes]
"""A fragment ("identifier#epoch"), and its states by number as the kernel encodes them."""


class Seeds(Protocol):
    def write(self, rows: Iterable[Row], instead: str = "") -> str:
        """A new file, durable on return; returns its digest. Each fragment comes once. What is there already is written
        again, the same. `instead`: under the name of one that was lost."""
        ...

    def is_sound(self, digest: str, *, is_thorough: bool = False) -> bool:
        """Whether a file is there and of the size that it says; with `is_thorough` all of it is read."""
        ...

    def states(self, digest: str, fragment: str) -> bytes | None:
        """What a file has of a fragment. Raises TransientError where the file is not there, or cannot be read."""
        ...

    def digests(self) -> list[str]:
        """All files that are there, sorted."""
        ...

    def forget(self, keep: Collection[str], before_us: int) -> int:
        """Remove files that were written before this instant, but for those to be kept; returns how many."""
        ...

    def erase(self, identifiers: Collection[str]) -> int:
        """Take all fragments of these identifiers out of every file; returns how many rows went. Files keep their
        names, and nothing of it stays on disk once whoever reads them has looked again or ended."""
        ...

    def close(self) -> None: ...


class Digest:
    """Of rows, in whatever order they come: processes that count are not done in the same order twice."""

    def __init__(self) -> None:
        self._sum = self._many = 0

    def add(self, row: Row) -> None:
        fragment, body = row[0].encode(), row[1]
        one = blake2b(b"%d " % len(fragment) + fragment + body, digest_size=16).digest()
        self._sum += int.from_bytes(one, "big")
        self._many += 1

    def text(self) -> str:
        whole = b"%d %d" % (self._many, self._sum)
        return blake2b(whole, digest_size=16).hexdigest()
