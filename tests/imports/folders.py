"""A data folder with a project, a file and its mapping, into which the file is taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tactful.adapters.installation import Installation
from tactful.adapters.tables.opening import FileTables
from tactful.events.derived import decode_groups
from tactful.events.records import Event, decode
from tactful.events.sources import Source
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.report import Report
from tactful.operations.imports.running import Wanted, run
from tactful.runtime.ports import Clock
from tactful.runtime.settings import EngineSettings, Settings, SourceSettings
from tactful.values import parse_time

NOW = parse_time("2024-06-01T12:00:00Z") or 0
FILES = {
    "events/order.yaml": "name: Order Completed\nproperties:\n  total: {type: number, required: true}\n"
    "  state: {type: text, enum: [New, Old]}\n",
    "segments/buyers.yaml": 'when: count("Order Completed") >= 2\n',
    "segments/lately.yaml": 'when: any("Order Completed", last="90d")\n',
    "segments/willing.yaml": 'when: consents("news")\n',
    "journeys/thanks.yaml": "start: {event: Order Completed}\nsend: {webhook: https://x.example/}\n",
    "journeys/welcome.yaml": "start: {segment: buyers}\nsend: {webhook: https://x.example/}\n",
}
MAPPING = """source: server
types: {total: number}
events:
  - {event: Order Completed, user_id: user, timestamp: at, properties: {total: total, state: state}}
"""


class Wall(Clock):
    def __init__(self) -> None:
        self.at = NOW

    def now_us(self) -> int:
        self.at += 1000
        return self.at

    def real_us(self) -> int:
        return self.at


def settings(unplanned: Any = "keep") -> Settings:
    sources = {"server": SourceSettings("k" * 20, "server", unplanned=unplanned)}
    return Settings(engine=EngineSettings(partitions=3), sources=sources)


def sources() -> list[Source]:
    return [Source("server", "k" * 20, "server")]


class Folder:
    """A data folder with a project, a file and its mapping."""

    def __init__(self, tmp_path: Path, unplanned: Any = "keep") -> None:
        self.path = tmp_path
        self.settings = settings(unplanned)
        self.file = tmp_path / "orders.csv"
        self.mapping = MAPPING
        self.is_beside = False
        self.clock = Wall()

    def orders(self, number: int, people: int = 7, first: int = 0) -> None:
        rows = [
            f"{place % people + 1},2024-{place % 5 + 1:02}-{place % 27 + 1:02}T10:00:00Z,{place}.50,New"
            for place in range(first, first + number)
        ]
        self.file.write_text("user,at,total,state\n" + "".join(f"{row}\n" for row in rows))

    def open(self) -> Installation:
        return Installation(self.path / "data", self.settings, self.clock, read_only=False)

    def wanted(self, **more: Any) -> Wanted:
        prepared = prepare(FileTables(), self.file, self.mapping, self.path / "orders.yaml")
        return Wanted(prepared, self.settings, FILES, sources(), b"salt", **more)

    def take(self, house: Installation | None = None, **more: Any) -> tuple[Report, bool]:
        opened = house or self.open()
        try:
            return run(self.wanted(**more), opened, lambda report, share: None, is_beside=False)
        finally:
            opened.close()


def records(folder: Folder) -> list[Any]:
    house = folder.open()
    found = [decode(body) for partition in range(house.partitions) for _, body in house.log.read(partition, 0, 1 << 30)]
    house.close()
    return found


def ids(folder: Folder) -> list[str]:
    return sorted(one.message_id for one in records(folder) if isinstance(one, Event))


def rows_of(folder: Folder) -> Iterator[Any]:
    house = folder.open()
    for partition in range(house.partitions):
        for body in house.trail.between(partition, 1, 1 << 40):
            for group in decode_groups(body):
                yield from group.rows
    house.close()
