"""Survey: the loop that looks at the history for what the engine asks of it: seeds of new aggregates, thresholds.

It waits for a bell (a plan is in force somewhere) and for the instant of the next thresholds. What it found goes on the
log; so it may be killed at any moment, and a second one does nothing but work twice.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from tactful.errors import TransientError
from tactful.runtime.ports import Bell, Clock

PATIENCE_S = 60.0
"""Without a ring, a look all the same: whoever should have rung may have died."""
RETRY_S = 5.0
"""After the world failed (a disk full, S3 away), or while a trail is behind its partition."""
_logger = logging.getLogger("tactful.survey")


class Task(Protocol):
    def turn(self) -> object:
        """What there is to do now. Raises TransientError where the world fails; a task made anew goes on then."""
        ...

    def next_turn(self) -> int | None:
        """The instant of the next turn; None: when somebody rings."""
        ...


class Survey:
    """One process's loop over tasks, made anew where the world failed them."""

    def __init__(
        self, make: Callable[[], list[Task]], bell: Bell, clock: Clock, should_stop: Callable[[], bool]
    ) -> None:
        self._make = make
        self._bell = bell
        self._clock = clock
        self._should_stop = should_stop
        self._tasks: list[Task] = []

    def run(self) -> None:
        """Until told to stop."""
        while not self._should_stop():
            self._bell.wait(self.round())

    def round(self) -> float:
        """One turn of each; returns for how many seconds to wait without a ring."""
        try:
            if not self._tasks:
                self._tasks = self._make()
            for task in self._tasks:
                if self._should_stop():
                    break
                task.turn()
            waits = [self._clock.until_s(at) for task in self._tasks if (at := task.next_turn()) is not None]
        except TransientError as error:
            _logger.error("the history rests: %s", error)  # noqa: TRY400  (the text says all)
            self._tasks = []
            return RETRY_S
        return max(0.0, min([*waits, PATIENCE_S]))
