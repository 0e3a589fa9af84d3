"""Restarts go by the world's clock, however fast the installation's runs; house keeping goes by the installation's."""

from collections.abc import Iterator
from pathlib import Path
from signal import Signals
from types import SimpleNamespace

import pytest

from tactful.adapters import supervisor
from tactful.adapters.supervisor import Lock, Supervisor
from tactful.testing.clock import SimClock
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

MONDAY = 1_741_000_000_000_000


class Process:
    """Stands for a child: ends when it is told to."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def send(self, number: Signals) -> None:
        self.code = -number

    def wait(self, seconds: float) -> bool:
        return self.code is not None


class House:
    """A supervisor with one child; `starts` are the real seconds at which it was started."""

    def __init__(self, clock: SimClock, lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = clock
        self.processes: list[Process] = []
        self.starts: list[float] = []
        self.waits: list[float] = []
        monkeypatch.setattr(supervisor, "select", SimpleNamespace(select=self._select))
        self.supervisor = Supervisor(self._begin, clock)
        self.supervisor.start("work", ["work"])

    def _begin(self, _: object) -> Process:
        self.starts.append(self.clock.monotonic_us / SECOND_US)
        self.processes.append(Process())
        return self.processes[-1]

    def _select(self, _reading: object, _writing: object, _failing: object, seconds: float) -> None:
        """Nothing happens until the time is up."""
        self.waits.append(seconds)
        self.clock.advance(round(seconds * SECOND_US))

    def die(self) -> None:
        self.processes[-1].code = 1

    def stop(self) -> None:
        self.supervisor._stop()
        self.die()


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Lock]:
    held = Lock(tmp_path)
    yield held
    held.release()


@pytest.mark.parametrize("speed", [1, 60, 3600])
def test_what_dies_at_once_is_started_again_ever_later_in_real_time(
    speed: int, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(SimClock(MONDAY, speed), lock, monkeypatch)
    for starts in range(2, 10):
        house.die()
        while len(house.starts) < starts:
            house.supervisor.look_after()
            house.clock.advance(SECOND_US // 2)
        house.clock.monotonic_us = round(house.starts[-1] * SECOND_US)
    pauses = [later - earlier for earlier, later in zip(house.starts, house.starts[1:], strict=False)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("speed", [1, 60])
def test_what_lived_a_while_of_the_world_is_started_again_at_once(
    speed: int, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(SimClock(MONDAY, speed), lock, monkeypatch)
    house.clock.advance(4 * SECOND_US)
    house.die()
    house.supervisor.look_after()
    assert house.starts == [0], "four seconds are not a while, also where the installation's clock shows four minutes"
    house.clock.advance(SECOND_US)
    house.supervisor.look_after()
    assert house.starts == [0, 5]
    house.clock.advance(6 * SECOND_US)
    house.die()
    house.supervisor.look_after()
    assert house.starts == [0, 5, 11]


@pytest.mark.parametrize("by", [-40 * MINUTE_US, 40 * MINUTE_US])
def test_a_clock_that_somebody_sets_keeps_nothing_from_being_started(
    by: int, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(SimClock(MONDAY), lock, monkeypatch)
    house.die()
    house.supervisor.look_after()
    house.clock.jump(by)
    assert house.supervisor._patience_s() <= 60
    house.clock.advance(2 * SECOND_US)
    house.supervisor.look_after()
    assert len(house.starts) == 2


@pytest.mark.parametrize("speed", [1, 60])
def test_house_is_kept_once_an_hour_of_the_installation(
    speed: int, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(SimClock(MONDAY, speed), lock, monkeypatch)
    hours: list[int] = []

    def keep() -> None:
        hours.append(house.clock.now_us() - MONDAY)
        if len(hours) == 3:
            house.stop()

    house.supervisor.watch(keep)
    assert hours == [HOUR_US, 2 * HOUR_US, 3 * HOUR_US]
    assert house.waits == [3600 / speed] * 3
