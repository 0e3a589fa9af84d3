"""Measuring: a report of one journey from a trail on disk, beside other rows that nobody asks for.

Floor: the same pieces read, inflated and decoded by what counts, and nothing else. The resident memory is the growth of
a fresh process's peak. Run `python -m benchmarks measuring`.
"""

import random
import resource
import shutil
import time
from pathlib import Path

from benchmarks.place import Place, alone, table
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.events.derived import (
    EventKept,
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    Row,
    RunStarted,
    SendMessage,
    StepTaken,
    encode_groups,
)
from tactful.events.records import EMPTY_MAP
from tactful.operations.journeys.measuring import measure
from tactful.operations.journeys.tallies import PAGE, _groups
from tactful.values import DAY_US, HOUR_US, SECOND_US

PIECE = 1_000
"""Groups of one piece, as of a worker that is busy."""
PARTITIONS = 4
START = 1_741_000_000_000_000


def rows_of(number: int, rng: random.Random) -> list[Row]:
    """One run of the journey."""
    at = START + number * 50_000
    arm = "holdout" if rng.random() < 0.1 else ""
    rows: list[Row] = [RunStarted(at, "cart", "", at + HOUR_US, (), "v1", arm, at)]
    rows.append(StepTaken(at, "cart", "", at, "1", "wait", "", at + HOUR_US))
    if not arm:
        intent, due = f"intent-{number:032}", at + HOUR_US
        message = ("email", "cart_reminder", "email_marketing", due, due + DAY_US, 1, at, 1, "Product Added", EMPTY_MAP)
        rows.append(SendMessage(due, intent, f"u:{number}", "cart", "", *message, version="v1", step="2"))
        rows.append(OutcomeNoted(due + rng.randrange(SECOND_US), intent, "cart", "sent", "", ""))
        if rng.random() < 0.4:
            rows.append(Responded(due + HOUR_US, "cart", intent, "Email Opened", "", rng.random() < 0.5))
    if rng.random() < 0.2:
        value = rng.lognormvariate(3, 1)
        rows.append(GoalReached(at + 2 * HOUR_US, "cart", "", at, "v1", arm, number << 10, 1, value))
    return rows


def fill(folder: Path, wanted: int) -> int:
    """A trail with so many rows of the journey, each among three groups of other people; returns how many."""
    trail, rng, rows, number = SqliteTrail(folder), random.Random(3), 0, 0
    positions = [0] * PARTITIONS
    while rows < wanted:
        partition = (number // (PIECE // 4)) % PARTITIONS
        groups, first = [], positions[partition] + 1
        for _ in range(PIECE // 4):
            mine = rows_of(number, rng)
            rows += len(mine)
            for key, kept in ((f"u:{number}", tuple(mine)), *((f"a:{number}{n}", _others(number)) for n in range(3))):
                positions[partition] += 1
                groups.append(Group(positions[partition], key, 0, kept))
            number += 1
        trail.append(partition, first, positions[partition], encode_groups(groups))
    trail.close()
    return rows


def _others(number: int) -> tuple[Row, ...]:
    return (EventKept(START + number, "Product Viewed", number),)


def floor(folder: Path) -> tuple[float, float]:
    """Seconds to read, inflate and decode."""
    trail, begun, before = SqliteTrail(folder, read_only=True), time.perf_counter(), _peak()
    for partition in range(PARTITIONS):
        after = 0
        while pieces := trail.onward(partition, "journey/cart", after, PAGE):
            for after, body in pieces:  # noqa: B007  (the last one's is where to go on)
                _groups.decode(body)
    return time.perf_counter() - begun, _peak() - before


def measured(folder: Path) -> tuple[float, float]:
    """Seconds, and megabytes by which the peak has grown."""
    trail, before = SqliteTrail(folder, read_only=True), _peak()
    begun = time.perf_counter()
    report = measure(trail, PARTITIONS, "cart")
    assert report.total.groups["holdout"].people > 0
    return time.perf_counter() - begun, _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(place: Place) -> None:
    folder = place.folder / "trail-measured"
    for wanted in (place.scaled(100_000, 2_000), place.scaled(1_000_000, 4_000)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        rows = fill(folder, wanted)
        stored = sum(path.stat().st_size for path in folder.glob("*.db"))
        bare, _ = alone(place.core, floor, folder)
        seconds, grown = alone(place.core, measured, folder)
        table(
            f"measuring: a report over {rows:,} rows of a journey",
            [
                ("seconds", f"{seconds:.2f}"),
                ("of the floor", f"{seconds / bare:.2f}"),
                ("rows/s", f"{rows / seconds:,.0f}"),
                ("peak memory above the process, MB", f"{grown:.0f}"),
                ("the trail on disk, MB", f"{stored / 1e6:.0f}"),
            ],
        )
    shutil.rmtree(folder, ignore_errors=True)
