"""Group commit: what is acknowledged is on disk, and what cannot be is handed back with a time to come again."""

import asyncio
import threading
from collections.abc import Mapping, Sequence

import pytest

from tactful.errors import TransientError
from tactful.runtime.intake import Bounds, Busy, Intake
from tactful.runtime.ports import Quarantined
from tests.collect.edge import Edge, Reply, Running
from tests.collect.serving import WatchedLog

CALL = {"type": "track", "event": "Product Viewed", "userId": "42", "messageId": "m"}


class StubbornLog(WatchedLog):
    """Waits before each append until it may go on; fails where told to."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(edge.real_log)
        self.appends: list[int] = []
        self.is_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.error: Exception | None = None

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        self.is_begun.set()
        assert self.may_go_on.wait(10)
        self.appends.append(sum(len(bodies) for bodies in records.values()))
        if self.error:
            raise self.error
        return super().append(records)


async def begun(log: StubbornLog) -> None:
    assert await asyncio.to_thread(log.is_begun.wait, 10)


def test_nothing_is_acknowledged_before_it_is_in_the_log(edge: Edge) -> None:
    edge.log = log = StubbornLog(edge)

    async def scene(running: Running) -> None:
        first = asyncio.create_task(running.post("/v1/track", CALL))
        await begun(log)
        assert not first.done()
        assert edge.records() == []
        later = [asyncio.create_task(running.post("/v1/track", CALL)) for _ in range(10)]
        await asyncio.sleep(0)
        log.may_go_on.set()
        assert (await first).status == 200
        assert {(await each).status for each in later} == {200}

    edge.run(scene)

    assert log.appends == [1, 10]
    assert len(edge.events()) == 11


@pytest.mark.parametrize("error", [TransientError("disk full"), OSError("what nobody thought of")])
def test_a_log_that_fails_acknowledges_nothing_and_says_when_to_come_back(edge: Edge, error: Exception) -> None:
    edge.log = log = StubbornLog(edge)
    log.may_go_on.set()
    log.error = error

    async def scene(running: Running) -> list[Reply]:
        failed = await running.post("/v1/batch", {"batch": [CALL, {}]})
        log.error = None
        return [failed, await running.post("/v1/batch", {"batch": [CALL, {}]})]

    failed, healed = edge.run(scene)

    assert failed.status == 503
    assert int(failed.headers["retry-after"]) > 0
    assert failed.headers["access-control-allow-origin"] == "*"
    assert failed.body["code"]
    assert healed.status == 200
    assert len(edge.events()) == 1
    assert len(edge.refused()) == 1


def test_a_quarantine_that_fails_is_a_503_too(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(items: Sequence[Quarantined]) -> None:
        raise TransientError("disk full")

    monkeypatch.setattr(edge.quarantine, "put", put)

    assert edge.post("/v1/track", b"not json").status == 503
    assert edge.refused() == []


def test_too_many_waiting_bytes_are_a_429(edge: Edge) -> None:
    edge.bounds = Bounds(waiting_bytes=100, retry_after_s=7)
    edge.log = log = StubbornLog(edge)

    async def scene(running: Running) -> Reply:
        tasks = [asyncio.create_task(running.post("/v1/track", CALL)) for _ in range(3)]
        await begun(log)
        refused = await running.post("/v1/track", CALL)
        log.may_go_on.set()
        await asyncio.gather(*tasks)
        assert running.intake.waiting_bytes == 0
        assert (await running.post("/v1/track", CALL)).status == 200
        return refused

    refused = edge.run(scene)

    assert (refused.status, refused.headers["retry-after"], refused.body["code"]) == (429, "7", "busy")


def test_an_old_waiting_record_is_a_429(edge: Edge) -> None:
    edge.log = log = StubbornLog(edge)

    async def scene(running: Running) -> Reply:
        task = asyncio.create_task(running.post("/v1/track", CALL))
        await begun(log)
        edge.clock.now += 6_000_000
        refused = await running.post("/v1/track", CALL)
        log.may_go_on.set()
        assert (await task).status == 200
        return refused

    assert edge.run(scene).status == 429


def test_stopping_finishes_what_waits_and_takes_no_more(edge: Edge) -> None:
    edge.log = log = StubbornLog(edge)

    async def scene(running: Running) -> None:
        task = asyncio.create_task(running.post("/v1/track", CALL))
        await begun(log)
        stopping = asyncio.create_task(running.intake.stop())
        await asyncio.sleep(0)
        assert (await running.post("/v1/track", CALL)).status == 429
        log.may_go_on.set()
        await stopping
        assert (await task).status == 200
        with pytest.raises(Busy):
            running.intake.check()

    edge.run(scene)
    assert len(edge.events()) == 1


def test_the_workers_are_woken_after_the_commit(edge: Edge) -> None:
    bells = [edge.bells.bell(f"work-{partition}") for partition in range(4)]

    async def scene(running: Running) -> None:
        for bell in bells:
            bell.silence()
        assert (await running.post("/v1/track", CALL)).status == 200

    edge.run(scene)

    rung = [bell.is_rung() for bell in bells]
    assert rung.count(True) == 1
    assert edge.real_log.end(rung.index(True)) == 1


def test_a_cancelled_caller_does_not_hurt_the_others(edge: Edge) -> None:
    edge.log = log = StubbornLog(edge)

    async def scene(running: Running) -> None:
        gone = asyncio.create_task(running.post("/v1/track", CALL))
        stays = asyncio.create_task(running.post("/v1/track", CALL))
        await begun(log)
        gone.cancel()
        log.may_go_on.set()
        assert (await stays).status == 200
        assert isinstance(running.intake, Intake)

    edge.run(scene)
    assert len(edge.events()) == 2


def test_every_worker_is_woken_at_the_start(edge: Edge) -> None:
    """The process before may have died between its commit and its ring, and its workers sleep on."""
    bells = [edge.bells.bell(f"work-{partition}") for partition in range(4)]

    async def scene(running: Running) -> None:
        assert all(bell.is_rung() for bell in bells)

    edge.run(scene)
