"""The ports for what is kept for readers and never read back by the engine: the trail and the ledger (see ports.py)."""

from collections.abc import Sequence
from typing import Protocol

from tactful.consent.ledger import Entry
from tactful.events.mentions import Tally


class Trail(Protocol):
    """Derived rows for readers, all partitions."""

    def append(self, partition: int, first: int, last: int, groups: bytes) -> None:
        """Derived rows of positions first..last; what lies at or below the highest position known changes nothing."""
        ...

    def group(self, partition: int, position: int, key: str) -> bytes | None:
        """encode_groups() of that one group; follow `before` from there."""
        ...

    def recent(self, partition: int, before: int | None, limit: int) -> list[bytes]:
        """Blobs, newest first, of about `limit` groups below position `before`."""
        ...

    def by_definition(self, partition: int, definition: str, before: int | None, limit: int) -> list[bytes]:
        """Blobs that hold rows of a definition ("segment/x", "journey/y"), newest first."""
        ...

    def onward(self, partition: int, definition: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """(last position, blob) of the next `limit` blobs behind position `after` that hold rows of a definition,
        oldest first, as they were written; go on after the last of them."""
        ...

    def between(self, partition: int, first: int, last: int) -> list[bytes]:
        """Blobs that hold the groups of positions first..last (and perhaps some around), oldest first."""
        ...

    def tallies(self, partition: int, first_hour: int, last_hour: int, definition: str | None = None) -> list[Tally]:
        """What happened by hour, of a definition or (None) of all, in hours first..last; by hour and then as they sort.
        Added to with the rows themselves: what is appended again changes nothing."""
        ...

    def sums(
        self, partition: int, edges: Sequence[int], definition: str | None = None, whats: Sequence[str] = ()
    ) -> list[Tally]:
        """The same, added up within stretches of hours: [edges[0], edges[1]), [edges[1], edges[2]) and so on,
        ascending; the hour of a Tally is the first of its stretch. Of one definition, of all of a kind ("segment/"), or
        of all; `whats` (Tally.what) says which are wanted, () all."""
        ...

    def span(
        self, partition: int, first_hour: int, last_hour: int, definition: str, whats: Sequence[str]
    ) -> tuple[int, int] | None:
        """(first, last) position between which stands all that is counted of a definition in these hours under one of
        `whats` (Tally.what), among others; None where nothing is."""
        ...

    def end(self, partition: int) -> int: ...

    def sync(self, partition: int) -> int:
        """Make durable what was appended; returns end(). A power cut may take a tail of what was not synced, so the
        store may forget derived blobs (`Commit.relayed`) only up to a position that this has returned."""
        ...

    def close(self) -> None: ...


class Ledger(Protocol):
    """Every decision of consent, in a hash chain by partition (consent/ledger.py)."""

    def append(self, partition: int, entries: Sequence[Entry]) -> None:
        """Durable on return. Entries known already change nothing. Raises UsageError, and changes nothing, where one is
        missing before these, or where one of them is known as another."""
        ...

    def end(self, partition: int) -> int:
        """The number of the last entry; 0: none."""
        ...

    def entries(self, partition: int, first: int, last: int) -> list[Entry]:
        """Those with numbers first..last, in order."""
        ...

    def of(self, keys: Sequence[str]) -> list[tuple[int, Entry]]:
        """(partition, entry) of what these identifiers decided, in the order in which the engine took it in; nothing of
        people who were erased."""
        ...

    def forget(self, keys: Sequence[str]) -> int:
        """Take the openings of these identifiers away, for good; the chain stays whole. Returns how many there were."""
        ...

    def close(self) -> None: ...
