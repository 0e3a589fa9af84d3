"""The log is trimmed behind the lake, never ahead of it: whatever fails between the two, lake and log together have
every row, each once."""

from collections.abc import Callable, Mapping
from random import Random

import pyarrow as pa
import pytest

from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.operations.history import retention
from tactful.operations.history.retention import trim
from tactful.runtime.archive import Archiver, Pace
from tactful.values import HOUR_US, MINUTE_US, format_time
from tests.histories import Life, lived
from tests.history.test_archive import FILES, held, lines

Patch = pytest.MonkeyPatch


class Away(TransientError):
    """Of this lake."""


class Failing(MemoryLake):
    """Appends fail, some of them after they were made."""

    def __init__(self, random: Random) -> None:
        super().__init__(buckets=4)
        self.random: Random | None = random
        """None: it is there again."""

    def append(
        self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int] | None = None
    ) -> None:
        luck = self.random.random() if self.random is not None else 1.0
        if luck < 0.3:
            raise Away("the lake is away")
        super().append(upto, tables, seals)
        if luck < 0.5:
            raise Away("the lake is away, and nobody knows what became of it")


def days(number: int = 60) -> list[dict[str, object]]:
    """Calls that come in over weeks."""
    begin = lived(FILES, []).clock.now_us()
    return [
        {**line, "messageId": f"m{place}", "receivedAt": format_time(begin + place * 7 * HOUR_US)}
        for place, line in enumerate(lines(number))
    ]


def archived(life: Life, seed: int) -> MemoryLake:
    """What a lake has in the end that was archived, and the log trimmed, after each call."""
    random = Random(seed)
    house, lake, mine = life.house, Failing(random), None
    pace = Pace(rows=3, read=3, every_us=HOUR_US, rest_us=MINUTE_US)

    def trimmed(positions: Mapping[int, int]) -> None:
        trim(house.log, house.stores(), house.trail, life.clock, 1, positions)

    for line in days():
        life.live([line])
        for _ in range(random.randrange(4)):
            life.until(life.clock.now_us() + random.choice((0, MINUTE_US, HOUR_US)))
            try:
                mine = mine or Archiver(house.log, house.trail, lake, life.clock, archived=trimmed, pace=pace)
                mine.turn()
            except Away:
                mine = None
    lake.random = None
    Archiver(house.log, house.trail, lake, life.clock).archive()
    return lake


def agree(seed: int) -> bool:
    """Whether it is what a lake has that is made of a log of which nothing has gone."""
    life = lived(FILES, [])
    found = held(archived(life, seed))
    assert all(life.house.log.start(one) for one in range(2)), "nothing was trimmed"
    kept, whole = lived(FILES, days()), MemoryLake(buckets=4)
    kept.until(life.clock.now_us())
    Archiver(kept.house.log, kept.house.trail, whole, kept.clock).archive()
    return found == held(whole)


@pytest.mark.parametrize("seed", range(3))
def test_lake_and_log_have_everything(seed: int) -> None:
    assert agree(seed)


# ---- planted ---------------------------------------------------------------------------------------------------------


def it_goes_by_what_was_read(patch: Patch) -> None:
    patch.setattr(retention, "_through", lambda store, trail, partition, archived: store.checkpoint().position)


def it_is_trimmed_up_to_where_there_are_rows(patch: Patch) -> None:
    keep = Archiver.keep_house

    def early(self: Archiver) -> bool:
        self._archived(self._ends())
        return keep(self)

    patch.setattr(Archiver, "keep_house", early)


def it_is_trimmed_before_the_append_is_made(patch: Patch) -> None:
    append = Archiver.append

    def early(self: Archiver, ends: Mapping[int, int] | None = None) -> None:
        self._archived(ends or self._ends())
        append(self, ends)

    patch.setattr(Archiver, "append", early)


@pytest.mark.parametrize(
    "plant",
    [it_goes_by_what_was_read, it_is_trimmed_up_to_where_there_are_rows, it_is_trimmed_before_the_append_is_made],
)
def test_what_is_planted_is_found(monkeypatch: Patch, plant: Callable[[Patch], None]) -> None:
    plant(monkeypatch)
    with pytest.raises(TransientError, match="gone from the log"):
        agree(0)
