"""Clocks: the only readings of time. An installation has one, which every process and command on its folder goes by.

Usually that is the world's. A folder of a developer may have one of its own instead, DATA/clock.json, that runs N times
as fast (`tactful up --dev --speed N`). It is worked out from the machine's steady time, so that all processes agree to
the microsecond without asking each other, and nobody who sets the machine's clock moves it. While no server runs it
stands, and the next start goes on from there.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from tactful.adapters.alive import Alive, gone
from tactful.adapters.secrets import write_private
from tactful.errors import UsageError
from tactful.runtime.ports import Clock
from tactful.values import HOUR_US

FASTEST = 3600
"""An hour in a second: beyond, what the machine itself needs for a decision would look like many minutes."""


def steady_us() -> int:
    """Goes on while the machine is suspended: on Linux the monotonic clock stands still then. One for all processes."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


class SystemClock(Clock):
    """Wall time that a wild jump cannot move: where it departs from monotonic time by more than an hour while the
    process runs, it is refused (and said once), and time goes on as it did (DESIGN 4)."""

    def __init__(self) -> None:
        self._offset_us = self._wall_us() - self._steady_us()
        self._is_refusing = False

    def now_us(self) -> int:
        steady, wall_us = self._steady_us() + self._offset_us, self._wall_us()
        if abs(wall_us - steady) <= HOUR_US:
            self._is_refusing = False
            return wall_us
        if not self._is_refusing:
            self._is_refusing = True
            hours = (wall_us - steady) / HOUR_US
            click.echo(f"tactful: the clock jumped by {hours:+.1f} hours; refused until a restart", err=True)
        return steady

    @staticmethod
    def _wall_us() -> int:
        return time.time_ns() // 1000

    @staticmethod
    def _steady_us() -> int:
        return steady_us()


class Anchor(Struct, frozen=True):
    """What stands in clock.json: the clock shows `at_us` where the machine's steady time is `steady_us`, and runs while
    `runner` lives (adapters/alive.py)."""

    speed: int
    at_us: int
    steady_us: int
    runner: str


class FastClock(Clock):
    """Runs `anchor.speed` times as fast as `world`, which still says how long things really take."""

    def __init__(self, anchor: Anchor, world: Clock, steady: Callable[[], int] = steady_us) -> None:
        self.speed = anchor.speed
        self._anchor = anchor
        self._world = world
        self._steady = steady

    def now_us(self) -> int:
        return self._anchor.at_us + (self._steady() - self._anchor.steady_us) * self.speed

    def real_us(self) -> int:
        return self._world.now_us()

    def anchor(self) -> Anchor:
        """The same clock, anchored at this moment."""
        steady = self._steady()
        at_us = self._anchor.at_us + (steady - self._anchor.steady_us) * self.speed
        return Anchor(self.speed, at_us, steady, self._anchor.runner)


class StoppedClock(Clock):
    """Of a fast folder without a server."""

    def __init__(self, anchor: Anchor, world: Clock) -> None:
        self.speed = anchor.speed
        self._at_us = anchor.at_us
        self._world = world

    def now_us(self) -> int:
        return self._at_us

    def real_us(self) -> int:
        return self._world.now_us()


class Clocks:
    """The clock of each folder. `world` is that of all which have none of their own."""

    def __init__(self, world: Clock, steady: Callable[[], int] = steady_us) -> None:
        self.world = world
        self._steady = steady

    def of(self, data: Path) -> Clock:
        anchor = _read(data)
        if anchor is None:
            return self.world
        if gone(data / "run", [anchor.runner]):
            return StoppedClock(anchor, self.world)
        return FastClock(anchor, self.world, self._steady)

    def refuse(self, data: Path, speed: int | None, begin_us: int | None) -> None:
        """Before anything is touched: raises UsageError where the folder does not go with what is asked for."""
        is_made, anchor = (data / "installation.json").exists(), _read(data)
        if anchor is not None and speed is None:
            raise UsageError(
                f"{data} has a clock of its own, which runs fast and is not the world's: go on with "
                f"`tactful up --dev --speed {anchor.speed}`, or name another folder with --data"
            )
        if speed is not None and anchor is None and is_made:
            raise UsageError(
                f"{data} goes by the world's clock, and what happened in it could never follow a fast one back: "
                "name a new folder with --data"
            )
        if begin_us is not None and (speed is None or is_made):
            raise UsageError("--begin says where the fast clock (--speed) of a new folder begins; nothing else has one")

    def run(self, data: Path, speed: int, begin_us: int | None, newest: Callable[[Clock], int]) -> "Running":
        """The fast clock of a folder, running from now on: from `begin_us` (the world's time) in a new folder, else on
        from where it stood. `newest` is the newest instant in the folder: a server that was killed noted no end."""
        anchor, name = _read(data), f"clock-{os.getpid()}-{secrets.token_hex(4)}"
        if anchor is None:
            at_us = self.world.now_us() if begin_us is None else begin_us
        else:
            at_us = max(anchor.at_us, newest(StoppedClock(anchor, self.world)))
        alive = Alive(data / "run", name)
        clock = FastClock(Anchor(speed, at_us, self._steady(), name), self.world, self._steady)
        return Running(data, clock, alive)


class Running:
    """A fast clock, and the file by which everybody else finds it."""

    def __init__(self, data: Path, clock: FastClock, alive: Alive) -> None:
        self.clock = clock
        self._data = data
        self._alive = alive
        self.note()

    def note(self) -> None:
        """Where the clock stands, for whoever comes after a server that was killed."""
        _write(self._data, self.clock.anchor())

    def stop(self) -> None:
        """The clock stands."""
        self.note()
        self._alive.close()


def _read(data: Path) -> Anchor | None:
    path = data / "clock.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Anchor)
    except (msgspec.MsgspecError, OSError) as error:
        raise UsageError(f"{path} is damaged ({error}). Put back a backup of it; nothing was changed.") from None


def _write(data: Path, anchor: Anchor) -> None:
    write_private(data / "clock.json", json.dumps(msgspec.to_builtins(anchor)))
