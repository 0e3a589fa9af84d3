"""What goes wrong while a lake is written: nothing is lost, nothing is there twice, and it goes on."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tactful.adapters.delta import housekeeping
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import said
from tactful.adapters.delta.tables import Table
from tactful.errors import TransientError
from tactful.language.sql.layout import EVENTS, IDENTITY, TRAITS
from tests.contracts.lake_process import step, whole
from tests.contracts.lakes import ROOT, refs

SEED = 20250914
TELLING = {(2, False), (6, True), (10, True), (11, False), (11, True), (12, False)}
"""Commits of the pen, of other tables, of `events`: those of which the default run looks at each kind."""
PARTS = (EVENTS, TRAITS, IDENTITY)


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def archiver(where: object, last: int) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    command = [sys.executable, "-m", "tests.contracts.lake_process", str(where), str(last)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        try:
            yield started, started.stdout
        finally:
            started.kill()


def open_at(folder: Path) -> DeltaLake:
    return DeltaLake(Folder(folder), 4)


def is_whole(lake: DeltaLake) -> None:
    """Exactly what its positions say is in it."""
    positions = lake.snapshot().positions
    last = max(positions.values(), default=0)
    everything = whole(last) if last else {}
    for name in PARTS:
        wanted = [one for one in everything.get(name, []) if one >> 10 <= positions.get(one & 1023, 0)]
        assert refs(lake, name) == wanted, name


def finish(lake: DeltaLake, last: int) -> None:
    while step(lake, 7, last) != {0: last, 1: last}:
        pass
    is_whole(lake)


def four_steps(lake: DeltaLake) -> None:
    for _ in range(4):
        step(lake, 3, 99)


def dying(monkeypatch: pytest.MonkeyPatch, after: int, *, is_done: bool) -> None:
    """At the commit of this number, before it or when it is done and nobody was told."""
    real, count = Table.commit, iter(range(1, 10_000))

    def commit(table: Table, *arguments: Any, **more: Any) -> None:
        number = next(count)
        if number == after and not is_done:
            raise Crash
        real(table, *arguments, **more)
        if number == after:
            raise Crash

    monkeypatch.setattr(Table, "commit", commit)


@pytest.mark.parametrize(
    ("after", "is_done"),
    [
        pytest.param(after, is_done, marks=[] if (after, is_done) in TELLING else pytest.mark.long)
        for after in range(1, 21)
        for is_done in (False, True)
    ],
)
def test_it_may_die_at_any_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, is_done: bool) -> None:
    """Between two tables, in taking the pen, in housekeeping: the next goes on with other sizes of appends."""
    lake = open_at(tmp_path)
    step(lake, 4, 99)
    step(lake, 5, 99)
    with monkeypatch.context() as patch:
        dying(patch, after, is_done=is_done)
        new = open_at(tmp_path)
        with pytest.raises(Crash):
            four_steps(new)
    is_whole(lake)
    new = open_at(tmp_path)
    is_whole(new)
    new.maintain(0, {})
    is_whole(new)
    finish(new, 40)
    is_whole(lake)


def test_who_lost_the_pen_commits_nothing_however_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archiver is held up between two tables; another takes over; then the first one goes on."""
    slow, other = open_at(tmp_path), open_at(tmp_path)
    step(slow, 6, 99)
    real = Table.commit
    held: list[Callable[[], None]] = []

    def commit(table: Table, *arguments: Any, **more: Any) -> None:
        if table.place is slow._place and table.name in (TRAITS, EVENTS):
            held.append(lambda: real(table, *arguments, **more))
            raise TransientError("held up")
        real(table, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "commit", commit)
        with pytest.raises(TransientError):
            step(slow, 6, 99)
    # It takes the pen, and has nothing to add.
    other.append(dict(other.snapshot().positions), {})
    for late in held:
        with pytest.raises(Exception, match="traits"):
            late()
    is_whole(other)
    finish(slow, 30)
    finish(other, 40)


def test_a_killed_archiver_loses_nothing_that_it_said(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    said = (0, 0)
    for _ in range(3):
        with archiver(tmp_path, 4_000) as (started, lines):
            for _ in range(draw.randrange(2, 14)):
                said = tuple(map(int, lines.readline().split()))  # type: ignore[assignment]  # two numbers
            started.kill()
            for line in lines:
                if line.endswith("\n"):
                    said = tuple(map(int, line.split()))  # type: ignore[assignment]  # likewise
        lake = open_at(tmp_path)
        positions = lake.snapshot().positions
        assert (positions[0] >= said[0], positions[1] >= said[1]) == (True, True)
        is_whole(lake)
    finish(lake, max(said) + 20)


def test_two_archivers_at_once_bring_everything_once(tmp_path: Path) -> None:
    last = 20
    with archiver(tmp_path, last) as (one, _), archiver(tmp_path, last) as (other, _):
        assert (one.wait(), other.wait()) == (0, 0)
    lake = open_at(tmp_path)
    assert dict(lake.snapshot().positions) == {0: last, 1: last}
    is_whole(lake)


@pytest.mark.parametrize("torn", ["commit", "empty commit", "checkpoint", "data"])
def test_what_a_power_cut_left_half_written_is_put_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: str
) -> None:
    monkeypatch.setattr(housekeeping, "CHECKPOINT_EVERY", 5)
    lake = open_at(tmp_path)
    for _ in range(6):
        step(lake, 2, 99)
        lake.maintain(0, {})
    is_whole(lake)
    log = tmp_path / EVENTS / "_delta_log"
    newest = max(log.glob("*.json"))
    if torn == "checkpoint":
        checkpoint = max(log.glob("*.checkpoint.parquet"))
        checkpoint.write_bytes(checkpoint.read_bytes()[:700])
    elif torn == "data":
        whole_file = next((tmp_path / EVENTS).rglob("plain-*.parquet"))
        (whole_file.parent / "plain-0.parquet").write_bytes(whole_file.read_bytes()[:100])
    else:
        # What was flushed stands; what comes after it was told to nobody.
        after = log / f"{int(newest.stem) + 1:020}.json"
        after.write_bytes(b"" if torn == "empty commit" else newest.read_bytes()[:-30])
    again = open_at(tmp_path)
    is_whole(again)
    finish(again, 50)
    again.maintain(0, {})
    is_whole(open_at(tmp_path))


def test_a_tree_of_causes_is_said_in_one_line() -> None:
    assert said(OSError("Kernel error\n  \u21b3 GET http://s3/_log\n    \u21b3 503  - slow\n\n")) == (
        "Kernel error: GET http://s3/_log: 503 - slow"
    )


def test_colours_of_a_terminal_are_not_said() -> None:
    assert said(OSError("S3 error \x1b[31m:\x1b[0m 503")) == "S3 error : 503"


@pytest.mark.parametrize(
    ("text", "todo"),
    [
        ("PUT http://169.254.169.254/latest/api/token: 403 Forbidden", "TACTFUL_HISTORY_ACCESS_KEY"),
        ("GET http://s3: HTTP error: client error (Connect): tcp connect error", "[history] endpoint"),
        ("AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 6", "[history] endpoint"),
        ("404 Not Found: <Error><Code>NoSuchBucket</Code>", "Make the bucket"),
        ("403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>", "keys"),
        ("AWS Error ACCESS_DENIED during HeadObject operation", "keys"),
    ],
)
def test_what_can_be_done_about_s3_is_said_with_it(text: str, todo: str) -> None:
    found = said(OSError(text))
    assert found.startswith(text) and todo in found.removeprefix(text)


def test_a_disk_that_is_full_is_said_and_nothing_is_half(tmp_path: Path) -> None:
    """A file system of its own, as small as the files that it has to take."""
    small = tmp_path / "small"
    small.mkdir()
    script = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from pathlib import Path
from tactful.errors import TransientError
from tests.contracts.test_lake_faults import open_at, step, is_whole
lake = open_at(Path({str(small)!r}))
step(lake, 9, 999)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, resource.RLIM_INFINITY))
for _ in range(3):
    try:
        step(lake, 300, 999)
    except TransientError as error:
        print("said", error)
    else:
        raise SystemExit("it was not refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
is_whole(lake)
step(lake, 300, 999)
is_whole(lake)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("said") == 3
    is_whole(open_at(small))
