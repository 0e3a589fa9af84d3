"""Stories: what happened to a person, in words, with the reasons behind each step. Values for the pages and explain.

A story is the chain of a person's derived rows, read backwards from the profile (decision 0005), with the events that
they name looked up in the log and the claims in the outbox. It is ordered as it was decided: by position, never by a
client's clock. Nothing here decides anything or writes anything.
"""

from typing import Any

from msgspec import Struct

Scalar = bool | float | str | None


class SeenEvent(Struct, frozen=True):
    """An event as it stands in the log."""

    partition: int
    position: int
    at: int
    """When it happened (its corrected timestamp)."""
    received_at: int
    kind: str
    name: str
    key: str
    source: str
    message_id: str
    properties: dict[str, Any]
    ids: tuple[str, ...] = ()
    """All identifiers that it names, strongest first."""


class Why(Struct, frozen=True):
    """One predicate behind a step: its text, the value it had, and the events that gave the value, newest last."""

    text: str
    value: Scalar
    events: tuple[SeenEvent, ...] = ()
    expired: int = 0
    """How many of the events behind it the log no longer holds."""


class StoryLine(Struct, frozen=True):
    """One step of a story."""

    at: int
    kind: str
    """event, entered, left, started, ended, intent, claim, outcome, consent; wait, came, over, branch, split, set and
    withheld of a run's steps, goal, response; tied, went and apart of identifiers; barred of what was not taken as it
    came."""
    text: str
    """The step in words, without its reasons."""
    because: str = ""
    """The reason in words, where it is one that no predicate gives (a cap, consent, a newer event)."""
    why: tuple[Why, ...] = ()
    event: SeenEvent | None = None
    intent: str = ""
    status: str = ""
    """Of an outcome: sent, refused, rejected, lapsed, held, dropped, waiting or claimed."""
    through: str = ""
    """The identifier that it came through, where that is not the one by which the person is shown."""


class Membership(Struct, frozen=True):
    segment: str
    since: int


class Permission(Struct, frozen=True):
    """Whether a purpose is allowed, and what decides that: what the person said last, or the policy."""

    purpose: str
    granted: bool
    at: int
    """0 where nobody decided."""
    origin: str
    because: str = ""
    through: str = ""
    """The identifier that decided, where that is not the profile's own."""


class Known(Struct, frozen=True):
    """An identifier of a person."""

    key: str
    since: int = 0
    """When it was tied to the person; 0 for the profile's own, and where the story does not reach back."""
    event: SeenEvent | None = None
    """The call that named it together with the person."""
    is_past: bool = False
    """A device that belongs to somebody else by now; what came through it before is still the person's."""


class Waits(Struct, frozen=True):
    """A run that waits at a step."""

    journey: str
    started_at: int
    due: int
    """When it goes on at the latest."""
    step: str = ""
    entry_key: str = ""
    arm: str = ""
    """`holdout` or `global` where nothing will be sent."""
    waits_for: str = ""
    """`Order Completed, at most 2d`; "" where the plan does not say."""


class Story(Struct, frozen=True):
    """A person, and how it came to that; lines oldest first."""

    asked: str
    """The identifier that was asked for, which may belong to the person for now."""
    key: str
    """Of the profile: which of several user ids it is says nothing."""
    user: str
    """By which the person is shown: the newest user id, or the profile's key where there is none."""
    identifiers: tuple[Known, ...]
    is_waiting: bool
    """An un-merge goes on, and not everything has come back yet."""
    partition: int
    traits: dict[str, Any]
    segments: tuple[Membership, ...]
    consents: tuple[Permission, ...]
    runs: tuple[Waits, ...]
    lines: tuple[StoryLine, ...]
    is_whole: bool
    """False where older steps were left out, or stand in no trail any more."""


class PersonSeen(Struct, frozen=True):
    """A person as a list shows it."""

    key: str
    name: str
    """E-mail or name trait, where there is one."""
    at: int
    """Of the newest thing known."""
    last: str
    """The newest step in words."""
    segments: tuple[str, ...]


class Overview(Struct, frozen=True):
    """The numbers at the top of the page."""

    events: int
    repeats: int
    refused: dict[str, int]
    """Events that were not kept as they came, by verdict."""
    people: int
    messages: dict[str, int]
    """By status of the outbox."""
    quarantined: int
    lag: int
    """Records in the log that no worker has read yet."""
    plan: int
    """Version of the plan in force; 0: nothing is published."""
    ends: tuple[tuple[int, int], ...]
    """Per partition: end of the log, position of the state."""
