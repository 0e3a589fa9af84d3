"""Narration: the groups of a person, in the order of decisions, as the lines of a story."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec.structs import replace

from tactful.events.derived import (
    EventKept,
    FragmentsCame,
    FragmentsWent,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    SendMessage,
)
from tactful.kernel.fragments import entry_of
from tactful.kernel.state import Profile
from tactful.operations.people import persons, telling, telling_runs
from tactful.operations.people.chains import Step
from tactful.operations.places import Places
from tactful.operations.stories import Known, SeenEvent, StoryLine
from tactful.runtime.ports import OutboxRow

USER = "u:"
HANDED_OVER = ("Email Sent", "Message Sent")
"""Responses that say no more than the outcome of a message."""


class Rows(Protocol):
    """What narrating needs of an Outbox."""

    def row(self, intent: str) -> OutboxRow | None: ...


class Narration:
    """`user` is the identifier by which the person is shown, `own` the profile's; `known` is filled while telling."""

    def __init__(self, places: Places, outbox: Rows, user: str, own: str) -> None:
        self._places = places
        self._outbox = outbox
        self._user = user
        self._own = own
        self._naming: dict[str, SeenEvent] = {}
        """By identifier, the newest event that names it and another one."""
        self._sending: set[tuple[str, str, int]] = set()
        """Runs that have handed a message over: journey, key and moment."""
        self.known: dict[str, Known] = {}
        """By identifier, since when the person is known through it."""

    def tell(self, steps: Iterable[Step]) -> list[StoryLine]:
        """Oldest first, as the steps come in; a claim stands after the position whose state it was decided on."""
        ordered: list[tuple[float, int, StoryLine]] = []
        intents: list[tuple[int, SendMessage]] = []
        noted: set[tuple[str, str]] = set()
        places: list[tuple[int, int]] = []
        for number, step in enumerate(steps):
            places.append((step.partition, step.group.position))
            answered = {row.name for row in step.group.rows if isinstance(row, Responded)}
            for n, row in enumerate(step.group.rows):
                if isinstance(row, EventKept) and row.name in answered:
                    continue  # Its line is that of the response.
                if (line := self._line(row, step.group.key)) is not None:
                    ordered.append((number, n, line))
                if isinstance(row, SendMessage):
                    intents.append((number, row))
                    self._sending.add((row.journey, row.entry_key, row.started_at))
                elif isinstance(row, OutcomeNoted):
                    noted.add((row.intent, row.status))
        for number, intent in intents:
            ordered += self._of_outbox(intent, number, places, noted)
        ordered.sort(key=lambda item: item[:2])
        return [line for _, _, line in ordered]

    def _line(self, row: Row, key: str) -> StoryLine | None:
        line = telling.tell(row, self._places)
        if line is None or (isinstance(row, Responded) and row.name in HANDED_OVER):
            return None  # The outcome tells that already.
        entry = entry_of(row.fragment) if isinstance(row, EventKept) and row.fragment else key
        if isinstance(row, FragmentsWent) and row.cause == "merge" and key != self._own:
            return None  # Its owner's line tells the same.
        if isinstance(row, FragmentsCame):
            line = self._tied(row, line)
        elif isinstance(row, RunEnded) and (row.journey, row.entry_key, row.started_at) in self._sending:
            line = telling_runs.ended_after_sending(row, line)
        elif isinstance(row, EventKept) and line.event is not None and len(line.event.ids) > 1:
            self._naming |= dict.fromkeys(line.event.ids, line.event)
        return replace(line, through=entry) if entry != self._user else line

    def _tied(self, row: FragmentsCame, line: StoryLine) -> StoryLine:
        event = self._naming.get(row.giver) if row.cause != "unmerge" else None
        for fragment in row.fragments:
            self.known[entry_of(fragment)] = Known(entry_of(fragment), row.at, event)
        return replace(line, event=event)

    def _of_outbox(
        self, intent: SendMessage, decided: int, places: list[tuple[int, int]], noted: set[tuple[str, str]]
    ) -> Iterator[tuple[float, int, StoryLine]]:
        """What the outbox knows of an intent beside what the log tells."""
        row = self._outbox.row(intent.intent)
        if row is None:
            return
        claimed = telling.claim(row)
        if claimed is not None:
            before = [
                number
                for number, (partition, position) in enumerate(places)
                if number > decided and partition == row.partition and position <= (row.position or 0)
            ]
            yield (max(before, default=decided), 1_000, claimed)
        if (intent.intent, row.status) not in noted:
            yield (float("inf"), 0, _now(row, self._places))


def shown(profile: Profile, newest: Iterable[Step]) -> str:
    """By which identifier the person is shown: the user id of the newest event that came with one; `newest` first."""
    users = {key for key in persons.identifiers(profile) if key.startswith(USER)}
    if len(users) < 2:
        return next(iter(users), profile.key)
    for step in newest:
        for row in reversed(step.group.rows):
            if isinstance(row, EventKept):
                entry = entry_of(row.fragment) if row.fragment else step.group.key
                if entry in users:
                    return entry
    return profile.key


def _now(row: OutboxRow, places: Places) -> StoryLine:
    """Where an intent stands whose outcome the log does not tell yet."""
    at = row.finished_at or row.claimed_at or row.intent.at
    what = f"the {'e-mail' if row.intent.channel == 'email' else row.intent.channel} {row.intent.message}"
    return telling.outcome(at, row.intent.intent, row.status, row.reason, row.detail, what, places)
