"""The lake on S3 beside the same in a folder: what each question and each piece of upkeep takes, and how many requests
it is. Two million events of 20,000 people; `--people 200000` are 20 million. Run `python -m benchmarks remote`.

S3 is moto's server on this machine, so a request costs little but what moto itself takes; what a real one adds is about
20 to 50 ms for each that waits for the one before.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import history_files, history_questions
from benchmarks.history import MEMORY
from benchmarks.history_questions import NOW_US
from benchmarks.place import Place, table
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import on_s3
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.history.table import schema
from tactful.language.check import check
from tactful.language.sql.layout import EVENTS, IDENTITY, SHARED
from tactful.operations.history.opened import History
from tactful.operations.previews.previewing_history import preview
from tactful.values import HOUR_US

SIZE, QUICK_SIZE = 2_000_000, 60_000
BUCKET_EVENTS = 312_500
APPEND = 100_000
"""Rows of one append of those that are timed."""
_SAID = re.compile(rb'"([A-Z]+) ')


class Requests:
    """What moto says of each that it has answered, counted by method."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def follow(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stderr
        for line in server.stderr:
            if said := _SAID.search(line):
                self.count[said[1].decode()] += 1


@contextmanager
def s3(requests: Requests) -> Iterator[str]:
    """The address of an empty server, with a bucket `lakes`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as server:
        try:
            assert server.stderr
            while b"Running on" not in server.stderr.readline():
                assert server.poll() is None, "moto's server did not start"
            threading.Thread(target=requests.follow, args=(server,), daemon=True).start()
            endpoint = f"http://127.0.0.1:{port}"
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/lakes", method="PUT"), timeout=10).close()
            yield endpoint
        finally:
            server.kill()


def run(here: Place) -> None:
    events = here.people * history_files.EACH or here.scaled(SIZE, QUICK_SIZE)
    folder, requests = here.folder / "remote", Requests()
    shutil.rmtree(folder, ignore_errors=True)
    buckets = max(8, events // BUCKET_EVENTS)
    with s3(requests) as endpoint:
        open_there: Callable[[], DeltaLake] = lambda: DeltaLake(  # noqa: E731  (said once)
            on_s3("s3://lakes/one", endpoint=endpoint, region="us-east-1", access_key="k", secret_key="s"),
            buckets,
        )
        here_too = _measured(lambda: DeltaLake(Folder(folder / "lake"), buckets), folder, events, buckets, Requests())
        shutil.rmtree(folder / "lake")
        there = _measured(open_there, folder, events, buckets, requests)
    rows = [(name, f"{here_too[name][0]:.2f}, {took:.2f} by {asked} requests") for name, (took, asked) in there.items()]
    table(f"the lake in a folder, and on S3: {events:,} events, {buckets} buckets; s", rows)
    shutil.rmtree(folder)


def _measured(
    make: Callable[[], DeltaLake], folder: Path, events: int, buckets: int, requests: Requests
) -> dict[str, tuple[float, int]]:
    """Of each the seconds and the requests."""
    found: dict[str, tuple[float, int]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        begun, before = time.perf_counter(), requests.count.total()
        work()
        found[name] = time.perf_counter() - begun, requests.count.total() - before

    lake = make()
    position = _fill(lake, folder, events, buckets)
    while lake.maintain(NOW_US + 2 * HOUR_US, {}).compacted:
        pass
    timed("opened", make)
    timed("a snapshot, opened before", lake.snapshot)
    history = History(lake, DuckDBQueries(MEMORY))
    condition = check('count("Product Viewed", last="30d") >= 5', "value")

    def previewed() -> None:
        with history.open() as opened:
            preview(opened, condition, NOW_US, is_brief=True)

    trees = {one.name: check(one.expression, "value").tree for one in history_questions.segments()}

    def segmented() -> None:
        with history.open() as opened:
            assert sum(1 for _ in opened.ask(trees, NOW_US)) > 0

    timed("a preview", previewed)
    timed("20 segments", segmented)
    rows = _rows(folder / "more", APPEND, position)
    timed(f"{APPEND:,} rows appended", lambda: lake.append({0: position + APPEND}, rows))
    timed("housekeeping, with nothing to do", lambda: lake.maintain(NOW_US + 2 * HOUR_US, {}))
    timed("a person erased", lambda: lake.erase(["u:1-3", "a:1-3"]))
    return found


def _fill(lake: DeltaLake, folder: Path, events: int, buckets: int) -> int:
    made = history_files.write(folder / "rows", events, buckets, NOW_US, SHARED, is_by_time=True)
    position = 0
    for ties, path in zip(made[IDENTITY], made[EVENTS], strict=True):
        tied, rows = (pq.ParquetFile(one).read().cast(schema(name)) for one, name in ((ties, IDENTITY), (path, EVENTS)))
        path.unlink()
        last = position + len(rows)
        lake.append({0: last}, {EVENTS: _placed(rows, position), IDENTITY: _placed(tied, position)})
        lake.maintain(NOW_US, {})
        position = last
    return position


def _rows(folder: Path, number: int, position: int) -> dict[str, pa.Table]:
    made = history_files.write(folder, number, 1, NOW_US, SHARED, is_by_time=True)
    return {EVENTS: _placed(pq.ParquetFile(made[EVENTS][0]).read().cast(schema(EVENTS)), position)}


def _placed(rows: pa.Table, position: int) -> pa.Table:
    applied = pa.array(np.arange(position + 1, position + len(rows) + 1, dtype=np.int64) << 10)
    return rows.set_column(rows.column_names.index("applied"), "applied", applied)


if __name__ == "__main__":
    from benchmarks.place import place

    with place(description=__doc__) as chosen:
        run(chosen)
