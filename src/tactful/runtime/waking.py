"""Time and bells: what loops wait for.

Times are microseconds since 1970. Only app/ builds what reads them from the machine.
"""

from typing import Protocol

from tactful.values import SECOND_US


class Clock(Protocol):
    """Built in app/ and passed in; nothing else reads time. What is decided, and when, goes by `now_us`, which may run
    `speed` times as fast as the world; how long the machine itself may take for something goes by `real_us`."""

    speed: int = 1

    def now_us(self) -> int:
        """The instant in the installation."""
        ...

    def real_us(self) -> int:
        """The instant in the world: for patience with disks, networks, processes and people who sign in."""
        return self.now_us()

    def until_s(self, at_us: int) -> float:
        """How many real seconds until `now_us` is this instant; 0 where it was."""
        return max(0, at_us - self.now_us()) / self.speed / SECOND_US


class Bell(Protocol):
    """Wakes one loop; ringing is never lost while the loop is awake, and never blocks the ringer."""

    def wait(self, timeout_s: float | None) -> None:
        """Return when somebody rang since the last wait, or when the time is up."""
        ...


class Bells(Protocol):
    def ring(self, name: str) -> None:
        """Wake the loop of this name, if there is one: `work-<partition>`, `deliver`, `watch` (pages)."""
        ...

    def bell(self, *names: str) -> Bell:
        """A bell that answers to these names; the process that asks last has them."""
        ...
