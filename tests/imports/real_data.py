"""Installations into which real data sets were imported by the mappings of examples/imports, at instants of their own."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tactful.adapters.installation import Installation
from tactful.adapters.tables.opening import FileTables
from tactful.events.derived import SegmentEntered, SegmentLeft, decode_groups
from tactful.events.records import Event, decode
from tactful.events.sources import Source
from tactful.kernel.state import decode_profile
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.replay import replay
from tactful.operations.imports.replaying import write_lines
from tactful.operations.imports.report import Report
from tactful.operations.imports.running import Wanted, run
from tactful.runtime.ports import Clock
from tactful.runtime.settings import EngineSettings, Settings, SourceSettings, plan_settings
from tactful.values import parse_time

MAPPINGS = Path(__file__).parents[2] / "examples/imports"
SETTINGS = Settings(engine=EngineSettings(partitions=2), sources={"server": SourceSettings("k" * 20, "server")})


def folder(name: str) -> Path:
    """Of one data set; the test is skipped where it is not there, and fails in CI."""
    root = os.environ.get("TACTFUL_TEST_DATA", "")
    path = Path(root) / name
    if not root or not path.is_dir():
        reason = f"TACTFUL_TEST_DATA names no folder with {name} (it is {root!r})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Then(Clock):
    """Stands at the day after the data."""

    def __init__(self, at: str) -> None:
        self.at = parse_time(at) or 0

    def now_us(self) -> int:
        return self.at

    def real_us(self) -> int:
        return self.at


class Archive:
    def __init__(self, tmp_path: Path, at: str, segments: Mapping[str, str]) -> None:
        self.path = tmp_path
        self.clock = Then(at)
        self.files = {f"segments/{name}.yaml": f"when: {when}\n" for name, when in segments.items()}

    def _house(self) -> Installation:
        return Installation(self.path / "data", SETTINGS, self.clock, read_only=False)

    def _wanted(self, file: Path, mapping: str) -> Wanted:
        at = MAPPINGS / f"{mapping}.yaml"
        prepared = prepare(FileTables(), file, at.read_text(), at)
        return Wanted(prepared, SETTINGS, self.files, [Source("server", "k" * 20, "server")], goes_on=True)

    def backfill(self, file: Path, mapping: str) -> Report:
        house = self._house()
        report, _ = run(self._wanted(file, mapping), house, lambda report, share: None, is_beside=False)
        house.close()
        return report

    def replay(self, file: Path, mapping: str) -> Report:
        lines = self.path / "lines.jsonl"
        report, _ = write_lines(self._wanted(file, mapping).prepared, lines, lambda report, share: None)
        house = self._house()
        replay(house, lines, self.files, plan_settings(SETTINGS), lambda line, of: None)
        house.close()
        return report

    def events(self) -> Iterator[Event]:
        house = self._house()
        for partition in range(house.partitions):
            after = 0
            while found := house.log.read(partition, after, 5000):
                after = found[-1][0]
                for _, body in found:
                    record = decode(body)
                    if isinstance(record, Event):
                        yield record
        house.close()

    def members(self) -> dict[str, set[str]]:
        """Who is in which segment now, by the states."""
        found: dict[str, set[str]] = {path[9:-5]: set() for path in self.files}
        house = self._house()
        plan = house.plan(0)
        assert plan is not None
        names = {number: name.removeprefix("segment/") for name, number in plan.numbers.items()}
        for partition in range(house.partitions):
            store = house.store(partition)
            keys = store.keys_after("%", 1 << 30)
            for key, body in store.load(keys).items():
                for number in decode_profile(body).segments:
                    found[names[number]].add(key[2:])
        house.close()
        return found

    def flips(self) -> dict[str, list[tuple[int, str, bool]]]:
        """By segment, in the order of decisions: (instant, person, is a member from then on)."""
        found: dict[str, list[tuple[int, str, bool]]] = {path[9:-5]: [] for path in self.files}
        house = self._house()
        for partition in range(house.partitions):
            for blob in house.trail.between(partition, 1, house.trail.end(partition)):
                for group in decode_groups(blob):
                    for row in group.rows:
                        if isinstance(row, SegmentEntered | SegmentLeft):
                            found[row.segment].append((row.at, group.key[2:], isinstance(row, SegmentEntered)))
        house.close()
        return found


def members_at(flips: list[tuple[int, str, bool]], at_us: int) -> set[str]:
    state = {person: is_in for instant, person, is_in in flips if instant <= at_us}
    return {person for person, is_in in state.items() if is_in}


def counted(events: Iterator[Event]) -> Counter[str]:
    return Counter(event.name for event in events)


def one(rows: list[tuple[Any, ...]]) -> Any:
    return rows[0][0]
