"""S3 that answers badly: a proxy in front of moto's server refuses, or forgets to say what it has done."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tactful.adapters.delta import places
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.errors import Fenced, TransientError
from tactful.events.derived import ref
from tactful.language.sql.layout import EVENTS, SHARED, Layout
from tests.contracts.lake_process import step
from tests.contracts.lakes import ROOT, event, make_bucket, refs, s3_place, s3_server, tables
from tests.contracts.test_lake_faults import is_whole


class Proxy:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self.endpoint = f"http://127.0.0.1:{int(self._out.readline())}"

    def fails(self, method: str, part: str, share: float, times: int, kind: str) -> None:
        """See s3_proxy.py."""
        print(method, part, share, times, kind, file=self._in, flush=True)
        assert self._out.readline() == "done\n"

    def heals(self) -> None:
        self.fails("none", "-", 0, 0, "-")

    def halt(self) -> None:
        """Whoever connects waits."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def proxied(endpoint: str) -> Iterator[Proxy]:
    command = [sys.executable, "-m", "tests.contracts.s3_proxy", endpoint]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Proxy(process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with s3_server() as endpoint:
        make_bucket(endpoint, "lakes")
        with proxied(endpoint) as made:
            yield made


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "RETRY_S", 1)
    monkeypatch.setattr(places, "REQUEST_S", 5)


def open_at(proxy: Proxy, prefix: str) -> DeltaLake:
    proxy.heals()
    return DeltaLake(s3_place(proxy.endpoint, f"s3://lakes/{prefix}"), 4)


def test_it_is_asked_where_it_lies(proxy: Proxy) -> None:
    """In files that have several columns of their own: those can be asked of once all have the same."""
    lake = open_at(proxy, "asked")
    for n, own in enumerate([("sku",), ("sku", "total"), ("color", "total")], 1):
        lake.wish(Layout(own))
        lake.append({0: n}, tables(event(0, n)))
    snapshot = open_at(proxy, "asked").snapshot()
    question = "SELECT sum(properties.nums['total']), count(*), max(applied) FROM events"
    assert snapshot.layout == SHARED
    with DuckDBQueries().open({EVENTS: snapshot.source(EVENTS)}) as session:
        assert list(map(tuple, session.rows(question))) == [(3.0, 3, ref(0, 3))]


@pytest.mark.long
def test_a_commit_whose_answer_got_lost_is_one_commit(proxy: Proxy) -> None:
    lake = open_at(proxy, "lost")
    step(lake, 3, 99)
    proxy.fails("PUT", f"{EVENTS}/_delta_log", 1, 2, "lost")
    upto = step(lake, 3, 99)
    assert dict(lake.snapshot().positions) == upto
    is_whole(lake)


@pytest.mark.long
def test_whatever_s3_answers_nothing_is_lost_and_nothing_there_twice(proxy: Proxy) -> None:
    said = {0: 0, 1: 0}
    again = 0
    lake = open_at(proxy, "any")
    for turn in range(14):
        proxy.fails("any", "lakes", 0.5 if turn % 3 == 1 else 0.15, 10_000, "either")
        try:
            said = step(lake, 1 + turn % 4, 99)
            if turn % 4 == 3:
                lake.maintain(turn * 3_600_000_000, {})
        except (TransientError, Fenced):
            again += 1
        proxy.heals()
        positions = lake.snapshot().positions
        assert all(positions.get(one, 0) >= at for one, at in said.items())
        is_whole(lake)
    assert again, "something failed for good"
    step(lake, 5, 99)
    is_whole(open_at(proxy, "any"))


@pytest.mark.long
def test_s3_that_is_gone_is_said(proxy: Proxy) -> None:
    lake = open_at(proxy, "gone")
    step(lake, 3, 99)
    proxy.fails("any", "lakes", 1, 10_000, "503")
    with pytest.raises(TransientError, match="s3://lakes/gone"):
        lake.snapshot()
    with pytest.raises(TransientError):
        lake.append({0: 50, 1: 50}, {})
    proxy.heals()
    step(lake, 3, 99)
    assert len(refs(lake)) > 5
    is_whole(lake)
