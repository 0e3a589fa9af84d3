"""Runs: one person's way through a journey.

A run waits until it is due, ends when an unwelcome event comes first, and otherwise becomes an intent. It stays, handed
over, until the outcome is known, so that an event which comes before the claim can still stop it. Pure.
"""

from msgspec import Raw, Struct


class Run(Struct, array_like=True):
    """One person's way through a journey."""

    journey: str
    entry_key: str
    """The value that a grouped count was about when it started; "" where there is none."""
    started_at: int
    """Timestamp of the event, or instant of the flip, that started it."""
    started_received: int
    started_ref: int
    message_id: str
    """Of the starting event, as repeats are told (people/seen.py); "" where a timer started it."""
    due: int
    event: str
    properties: Raw
    version: str
    """Of the journey when it started."""
    intent: str = ""
    """Handed to the outbox under this id; the run ends with its outcome."""
    is_held: bool = False
    exited_by: int = 0
    """Ref of the event that ended it after it was handed over and before it was claimed."""
    origin: str = ""
    """The fragment whose record started it: with that fragment it goes to another profile."""
    hop: int = 0
    """How often its intent has changed hands (IntentMoved)."""
    stopped: str = ""
    """Why it may not leave any more, after it was handed over."""

    def started(self) -> tuple[int, int, int]:
        """The start in event order (LANGUAGE.md 1.4)."""
        return (self.started_at, self.started_received, self.started_ref)
