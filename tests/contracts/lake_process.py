"""An archiver as a process of its own, to be killed: it brings what partition 0 and 1 decided to a lake, from wherever
the lake is, and says up to where after each append. What is decided at a position is the same whoever tells it."""

import itertools
import sys
from pathlib import Path

from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import Place
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import Fenced, TransientError
from tactful.history.cells import Row
from tests.contracts.lakes import event, s3_place, tables, tie, trait

HOUR_US = 3_600_000_000


def decided(partition: int, position: int) -> list[Row]:
    """Most positions have an event, some a trait or a tie, some nothing."""
    rows: list[Row] = [] if position % 5 == 0 else [event(partition, position)]
    if position % 3 == 0:
        rows.append(trait(partition, position))
    if position % 7 == 0:
        rows.append(tie(partition, position, f"a:{position}", f"u:{position % 7}"))
    return rows


def step(lake: DeltaLake | MemoryLake, size: int, last: int) -> dict[int, int]:
    """One append from where the lake is, no further than `last`; where it then is."""
    positions = lake.snapshot().positions
    begin = {partition: positions.get(partition, 0) for partition in (0, 1)}
    upto = {partition: min(at + size + partition, last) for partition, at in begin.items()}
    places = [(one, at) for one in (0, 1) for at in range(begin[one] + 1, upto[one] + 1)]
    lake.append(upto, tables(*(row for place in places for row in decided(*place))))
    return upto


def whole(last: int) -> dict[str, list[int]]:
    """What a lake has of each table when it is at `last` of both partitions."""
    rows = [row for one in (0, 1) for at in range(1, last + 1) for row in decided(one, at)]
    return {name: sorted(held.column("applied").to_pylist()) for name, held in tables(*rows).items()}


def archive(place: Place, last: int, *, is_patient: bool) -> None:
    lake = DeltaLake(place, 4)
    for turn in itertools.count():
        try:
            upto = step(lake, 1 + turn % 4, last)
            print(upto[0], upto[1], flush=True)
            if turn % 3 == 2:
                lake.maintain(turn * HOUR_US, {})
        except (Fenced, TransientError) as error:
            if not is_patient:
                raise
            print("again", type(error).__name__, error, file=sys.stderr, flush=True)
        else:
            if upto == {0: last, 1: last}:
                return


if __name__ == "__main__":
    where, end = sys.argv[1:]
    archive(s3_place(*where.split("|")) if "|" in where else Folder(Path(where)), int(end), is_patient=True)
