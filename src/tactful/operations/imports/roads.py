"""Roads into the log: beside a server whose workers apply what is appended, and into a folder that stands still, where
they do so in this process. Neither runs ahead of them without bound: events of today wait behind those that were
imported, and what waits has to be kept."""

from collections.abc import Mapping, Sequence

from tactful.errors import TransientError
from tactful.operations.imports.taking import Road
from tactful.runtime.house import House
from tactful.runtime.ports import Bell, Quarantined
from tactful.runtime.worker import Worker
from tactful.values import SECOND_US

MOST_BEHIND = 20_000
"""Records of one partition that may wait to be applied."""
STUCK_US = 120 * SECOND_US
"""Without any progress: then there is nobody who applies them."""
_LOOK_S = 0.1


class Beside(Road):
    """A server runs on the folder."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._most = MOST_BEHIND
        self._bell: Bell = house.bells.bell("import")

    def append(self, records: Mapping[int, Sequence[bytes]], refused: Sequence[Quarantined]) -> None:
        if refused:
            self._house.quarantine.put(refused)
        self._house.log.append(records)
        self._ring(records)
        self._wait(self._most)

    def finish(self) -> None:
        self._wait(0)

    def _ring(self, partitions: Mapping[int, object] | Sequence[int]) -> None:
        for partition in partitions:
            self._house.bells.ring(f"work-{partition}")

    def _wait(self, most: int) -> None:
        house = self._house
        ends = [house.log.end(partition) for partition in range(house.log.partitions)]
        moved_at, last = house.clock.real_us(), -1
        while True:
            at = [house.store(partition).checkpoint().position for partition in range(house.log.partitions)]
            behind = [partition for partition, end in enumerate(ends) if end - at[partition] > most]
            if not behind:
                return
            if sum(at) != last:
                moved_at, last = house.clock.real_us(), sum(at)
            elif house.clock.real_us() - moved_at > STUCK_US:
                raise TransientError(
                    "nothing was applied for two minutes: does the server still run? What was taken is in the log; "
                    "give the same command again to go on"
                )
            self._ring(behind)
            self._bell.wait(_LOOK_S)


class Alone(Road):
    """Nobody else runs on the folder."""

    def __init__(self, house: House, workers: Sequence[Worker]) -> None:
        self._house = house
        self._workers = workers
        self._most = MOST_BEHIND

    def append(self, records: Mapping[int, Sequence[bytes]], refused: Sequence[Quarantined]) -> None:
        if refused:
            self._house.quarantine.put(refused)
        self._house.log.append(records)
        while any(self._house.log.end(one.partition) - one.position > self._most for one in self._workers):
            self._turn()

    def finish(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        is_busy = any([worker.turn() for worker in self._workers])
        for worker in self._workers:
            worker.maintain()
        return is_busy
