"""Runs: one person's way through a journey, and what remains of one that has ended.

A run that walks has no intent. Where it sends, what it hands over is kept as a run of its own, with the intent's id,
until the outcome is known, so that an event which comes before the claim can still stop it; the last message of a
program is the run itself. Ten million people wait: what can be had from elsewhere is left out. Pure.
"""

from msgspec import Raw, Struct

FOR_EVER = -1


class Run(Struct, array_like=True):
    """One person's way through a journey."""

    journey: str
    entry_key: str
    """The value of `key:`, or that a grouped count was about when it started; "" where there is none."""
    started_at: int
    """Timestamp of the event, or instant of the flip, that started it."""
    lag_us: int
    """How much later the record behind it was received."""
    started_ref: int
    begun: str
    """Short digest of the messageId of the starting record, as repeats are told (people/seen.py); "" where none
    started it."""
    wait_us: int
    """How long after its moment it goes on by itself; FOR_EVER: not at all."""
    event: str
    """The name of what started it; "" where the journey says it (kernel/starting.py)."""
    properties: Raw
    """Of what started it, as far as the journey's messages read them."""
    version: str
    """Of the journey when it started."""
    intent: str = ""
    """Handed to the outbox under this id; the run ends with its outcome."""
    is_held: bool = False
    exited_by: int = 0
    """Ref of the event that ended it after it was handed over and before it was claimed."""
    origin: str = ""
    """The fragment whose record started it: with that fragment it goes to another profile. "" is the profile's own."""
    hop: int = 0
    """How often its intent has changed hands (IntentMoved)."""
    stopped: str = ""
    """Why it may not leave any more, after it was handed over."""
    step: str = ""
    """The name of the step at which it waits, or which has sent the intent."""
    moved_us: int = 0
    """How long after its start the moment lies at which it came to that step (docs/journeys.md)."""
    arm: str = ""
    """`holdout` (the journey's) or `global` (the workspace's): nothing is sent; "" otherwise."""
    goals: int = 0
    """Goal events so far; of a walking run alone."""
    came: tuple[int, int, str] | None = None
    """Timestamp, ref and name of the event that it waited for, where that came while the journey was paused."""
    zone: str = ""
    """Of the person, where it waits for a local time."""
    had: tuple[str, ...] = ()
    """Steps whose message another half of the person has had since the run began."""

    def started(self) -> tuple[int, int, int]:
        """The start in event order (LANGUAGE.md 1.4)."""
        return self.started_at, self.started_at + self.lag_us, self.started_ref

    @property
    def moment(self) -> int:
        """From which the step at which it waits counts."""
        return self.started_at + self.moved_us

    @property
    def due(self) -> int:
        """When it goes on by itself; 0: never."""
        return self.moment + self.wait_us if self.wait_us != FOR_EVER else 0

    def stand(self, moment: int, due: int) -> None:
        """Wait from this moment on; `due` as above."""
        self.moved_us = moment - self.started_at
        self.wait_us = due - moment if due else FOR_EVER


class Pursuit(Struct, array_like=True):
    """A run that has ended, while its goal may still be reached."""

    journey: str
    entry_key: str
    started_at: int
    lag_us: int
    started_ref: int
    version: str
    arm: str
    origin: str
    until: int
    """Goal events happen before it."""
    goals: int = 0

    def started(self) -> tuple[int, int, int]:
        return self.started_at, self.started_at + self.lag_us, self.started_ref
