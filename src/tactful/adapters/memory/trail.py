"""The trail in memory: groups by partition and position. A power cut takes a tail of what was not synced."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from tactful.events.derived import Group, decode_groups, encode_groups
from tactful.events.mentions import Tallies, Tally, definitions, speaks_of, told, within


class _Counted:
    """What is counted by the hour of the first so many pieces."""

    def __init__(self) -> None:
        self.tallies: Tallies = {}
        self._kinds: Counter[tuple[int, str, str]] = Counter()
        self._pieces = 0

    def go_on(self, pieces: Sequence[tuple[int, list[Group]]]) -> None:
        for _, groups in pieces[self._pieces :]:
            for key, number in sorted(told(encode_groups(groups)).items()):
                place = key if key in self.tallies else within(key, self._kinds[key[:3]])
                self._kinds[key[:3]] += place not in self.tallies
                self.tallies[place] = self.tallies.get(place, 0) + number
        self._pieces = len(pieces)


class MemoryTrail:
    """The port `Trail`; a piece is (last position, groups)."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[tuple[int, list[Group]]]] = {}
        self._synced: dict[int, int] = {}
        """By partition: how many pieces survive a power cut."""
        self._counted: dict[int, _Counted] = {}

    def append(self, partition: int, first: int, last: int, groups: bytes) -> None:
        known = self.end(partition)
        if last > known:
            new = [group for group in (decode_groups(groups) if groups else []) if group.position > known]
            self._pieces.setdefault(partition, []).append((last, new))

    def group(self, partition: int, position: int, key: str) -> bytes | None:
        for _, groups in self._pieces.get(partition, []):
            for group in groups:
                if group.position == position and group.key == key:
                    return encode_groups([group])
        return None

    def recent(self, partition: int, before: int | None, limit: int) -> list[bytes]:
        return self._about(partition, before, limit, lambda _: True)

    def by_definition(self, partition: int, definition: str, before: int | None, limit: int) -> list[bytes]:
        return self._about(partition, before, limit, lambda group: speaks_of(group, definition))

    def onward(self, partition: int, definition: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        pieces = ((last, encode_groups(groups)) for last, groups in self._pieces.get(partition, []) if last > after)
        return list(islice(((last, body) for last, body in pieces if definition in definitions(told(body))), limit))

    def tallies(self, partition: int, first_hour: int, last_hour: int, definition: str | None = None) -> list[Tally]:
        counted = self._counted.setdefault(partition, _Counted())
        counted.go_on(self._pieces.get(partition, []))
        return [
            Tally(*key, number)
            for key, number in sorted(counted.tallies.items())
            if first_hour <= key[0] <= last_hour and definition in (None, key[1])
        ]

    def sums(
        self, partition: int, edges: Sequence[int], definition: str | None = None, whats: Sequence[str] = ()
    ) -> list[Tally]:
        counted: Tallies = {}
        for hour, about, what, name, detail, number in self.tallies(partition, edges[0], edges[-1] - 1):
            kind = about.partition("/")[0] + "/"
            if definition in (None, about, kind) and (not whats or what in whats):
                key = (edges[bisect_right(edges, hour) - 1], about, what, name, detail)
                counted[key] = counted.get(key, 0) + number
        return [Tally(*key, number) for key, number in sorted(counted.items())]

    def span(
        self, partition: int, first_hour: int, last_hour: int, definition: str, whats: Sequence[str]
    ) -> tuple[int, int] | None:
        found = [
            group.position
            for _, groups in self._pieces.get(partition, [])
            for group in groups
            for hour, about, what, _, _ in told(encode_groups([group]))
            if first_hour <= hour <= last_hour and about == definition and what in whats
        ]
        return (min(found), max(found)) if found else None

    def _about(self, partition: int, before: int | None, limit: int, counts: Callable[[Group], bool]) -> list[bytes]:
        """Pieces that hold a group that counts, until `limit` of them are found."""
        found: list[bytes] = []
        number = 0
        for _, piece in reversed(self._pieces.get(partition, [])):
            if number >= limit:
                break
            groups = [group for group in piece if before is None or group.position < before]
            matching = sum(map(counts, groups))
            if matching:
                found.append(encode_groups(groups))
                number += matching
        return found

    def between(self, partition: int, first: int, last: int) -> list[bytes]:
        pieces = self._pieces.get(partition, [])
        pieces = pieces[bisect_left(pieces, first, key=lambda piece: piece[0]) :]
        asked = [[group for group in groups if first <= group.position <= last] for _, groups in pieces]
        return [encode_groups(groups) for groups in asked if groups]

    def end(self, partition: int) -> int:
        pieces = self._pieces.get(partition)
        return pieces[-1][0] if pieces else 0

    def sync(self, partition: int) -> int:
        self._synced[partition] = len(self._pieces.get(partition, []))
        return self.end(partition)

    def close(self) -> None:
        """Others may go on with it."""

    def unsynced(self, partition: int) -> int:
        """How many appends a power cut may take."""
        return len(self._pieces.get(partition, [])) - self._synced.get(partition, 0)

    def power_cut(self, partition: int, keep: int = 0) -> None:
        """Lose all appends since the last sync but the first `keep`."""
        del self._pieces.get(partition, [])[self._synced.get(partition, 0) + keep :]
        self._counted.pop(partition, None)
        self.sync(partition)
