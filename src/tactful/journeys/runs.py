"""Runs: one person's way through a journey, and what remains of one that has ended.

A run that walks has no intent. Where it sends, what it hands over is kept as a run of its own, with the intent's id,
until the outcome is known, so that an event which comes before the claim can still stop it; the last message of a
program is the run itself. Ten million people wait: what can be had from elsewhere is left out. Pure.
"""

from msgspec import Raw, Struct

BEGUN_DIGITS = 12


class Run(Struct, array_like=True):
    """One person's way through a journey."""

    journey: str
    entry_key: str
    """The value of `key:`, or that a grouped count was about when it started; "" where there is none."""
    started_at: int
    """Timestamp of the event, or instant of the flip, that started it."""
    started_received: int
    started_ref: int
    message_id: str
    """Digest of that of the starting event, as repeats are told (people/seen.py), in BEGUN_DIGITS; "" where no record
    started it."""
    due: int
    """When it goes on by itself; 0: never."""
    event: str
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
    since: int = 0
    """Its moment when it came to that step (docs/journeys.md); 0: that of its start."""
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
        return self.started_at, self.started_received, self.started_ref

    def moment(self) -> int:
        """From which the step at which it waits counts."""
        return self.since or self.started_at


class Pursuit(Struct, array_like=True):
    """A run that has ended, while its goal may still be reached."""

    journey: str
    entry_key: str
    started_at: int
    started_received: int
    started_ref: int
    version: str
    arm: str
    origin: str
    until: int
    """Goal events happen before it."""
    goals: int = 0

    def started(self) -> tuple[int, int, int]:
        return self.started_at, self.started_received, self.started_ref
