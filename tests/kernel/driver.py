"""The smallest thing that can drive step(): a dict of encoded profiles, and a log in a list.

What the driver decodes at every cut is what a store would have given back, so the cuts are part of what is tested.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tactful.events.derived import (
    BecameKnown,
    ConsentChanged,
    DeviceMoved,
    EventKept,
    EventRefused,
    FragmentsCame,
    FragmentsWent,
    Group,
    IntentMoved,
    OutcomeNoted,
    PlanAdopted,
    RecordKept,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    SendMessage,
    TieRefused,
    TraitRefused,
    encode_groups,
    place,
)
from tactful.events.records import (
    Forwarded,
    Launch,
    Plan,
    Publish,
    Record,
    Seed,
    Steer,
    Threshold,
    Tick,
    decode,
    encode,
)
from tactful.kernel.plan import CompiledPlan, compiled, empty_plan
from tactful.kernel.state import (
    PartitionState,
    PlanState,
    Profile,
    decode_partition,
    decode_plan,
    decode_profile,
)
from tactful.kernel.state import (
    encode as encode_state,
)
from tactful.kernel.step import step
from tactful.kernel.turn import Turn, no_seeds
from tests.simulation.people import Row as Told

REASONS = ("came first", "consent withdrawn", "limit", "no longer true", "too late", "restarted")


class Driver:
    """One partition. `log` holds encoded records; `groups` what was decided. One that reads a whole log again finds in
    it what it told itself."""

    def __init__(self, partition: int = 0, partitions: int = 1, *, reads_again: bool = False) -> None:
        self.reads_again = reads_again
        self.states: dict[str, bytes] = {}
        self.log: list[bytes] = []
        self.position = 0
        self.groups: list[Group] = []
        self.intents: list[SendMessage] = []
        self.outgoing: list[tuple[int, int, bytes]] = []
        self.state = PartitionState(partition, partitions)
        self.plan_state: PlanState | None = None
        self.plan: CompiledPlan = empty_plan()
        self.seed = no_seeds
        self._turn = self._new_turn()

    # ---- what a store does -------------------------------------------------------------------------------------

    def seeded(self) -> int:
        """How many seeds were taken."""
        return self.plan_state.seeded if self.plan_state is not None else 0

    def cut(self) -> None:
        """Commit: everything becomes bytes and is read again."""
        turn = self._turn
        turn.count()
        self.groups += turn.groups
        self.intents += turn.intents
        self.outgoing += [one for one in turn.outgoing if one[0] != self.state.partition]
        if not self.reads_again:
            self.log += [body for dst, _, body in turn.outgoing if dst == self.state.partition]
        self.states |= {key: encode_state(profile) for key, profile in turn.changed.items()}
        self.state = decode_partition(encode_state(turn.state))
        if turn.is_plan_new:
            self.plan_state = decode_plan(encode_state(turn.plan_state))
            self.plan = compiled(self.plan_state)
        self._turn = self._new_turn()

    def due(self, at: int, limit: int | None = None) -> list[str]:
        waking = [(profile.wake_at, key) for key, profile in self.profiles().items() if profile.wake_at is not None]
        return [key for wake, key in sorted(waking) if wake <= at][:limit]

    def profiles(self) -> dict[str, Profile]:
        return {key: decode_profile(body) for key, body in self.states.items()}

    def _new_turn(self) -> Turn:
        return Turn(self.state, self.plan, self.plan_state, self._find, self._seed)

    def _seed(self, digest: str, fragment: str) -> Mapping[int, Any]:
        return self.seed(digest, fragment)

    def _find(self, key: str) -> Profile | None:
        return decode_profile(self.states[key]) if key in self.states else None

    # ---- what a worker does ------------------------------------------------------------------------------------

    def append(self, *records: Record) -> None:
        self.log += [encode(record) for record in records]

    def read(self, cut_after: int = 1, upto: int | None = None) -> None:
        """Read the log to its end (or to a position), cutting after so many records, and wherever the store has to be asked."""
        while self.position < (len(self.log) if upto is None else upto):
            self.position += 1
            record = decode(self.log[self.position - 1])
            if isinstance(record, Tick | Publish | Plan | Threshold | Launch | Steer | Seed | Forwarded):
                self.cut()
            clock = max(self.state.clock, getattr(record, "received_at", 0))
            if isinstance(record, Tick):
                swept = self._swept(record.limit)
                step(self._turn, record, self.position, self.due(clock, record.limit), swept)
            elif isinstance(record, Publish | Plan | Threshold | Launch | Steer | Seed | Forwarded):
                step(self._turn, record, self.position, self.due(max(clock, getattr(record, "clock", 0))))
            else:
                step(self._turn, record, self.position)
            if self.position % cut_after == 0:
                self.cut()
        self.cut()

    def _swept(self, limit: int) -> Sequence[str]:
        cursor = self.state.sweep
        return () if cursor is None else sorted(key for key in self.states if key > cursor)[:limit]

    def settle(self, at: int = 0, limit: int = 2) -> None:
        """Ticks, until nothing is due and no sweep goes on."""
        self.append(Tick(at, limit))
        self.read()
        while self.due(self.state.clock) or self.state.sweep is not None:
            self.append(Tick(at, limit))
            self.read()

    # ---- what is compared --------------------------------------------------------------------------------------

    def rows(self) -> dict[str, list[Told]]:
        return told(self.groups)

    def bytes(self) -> tuple[dict[str, bytes], bytes, bytes]:
        """All that must be the same wherever the cuts were."""
        return self.states, encode_groups(self.groups), encode_state(self.state)


def told(groups: Sequence[Group]) -> dict[str, list[Told]]:
    """Derived rows in the oracle's words, by person."""
    rows: dict[str, list[Told]] = defaultdict(list)
    names = {row.intent: row for group in groups for row in group.rows if isinstance(row, SendMessage)}
    for group in groups:
        for row in group.rows:
            # Of a response the event itself is told; the others are for the history.
            if not isinstance(row, Responded | RecordKept | BecameKnown | PlanAdopted):
                rows[group.key].append(_told(row, names))
    return dict(rows)


def _told(row: Row, intents: dict[str, SendMessage]) -> Told:
    match row:
        case EventKept():
            return (row.at, "kept", row.name, place(row.ref)[1])
        case SegmentEntered():
            return (row.at, "entered", row.segment, row.cause)
        case SegmentLeft():
            return (row.at, "left", row.segment, row.cause)
        case RunStarted():
            return (row.at, "started", row.journey, row.due, row.entry_key)
        case RunEnded():
            reason = next((word for word in REASONS if word in row.reason), "unpublished")
            return (row.at, "ended", row.journey, reason)
        case SendMessage():
            sent = (row.channel, row.message, row.valid_until, row.entry_key)
            return (row.at, "send", row.journey, row.started_at, *sent)
        case OutcomeNoted():
            intent = intents.get(row.intent)
            return (row.at, "outcome", row.journey, intent and intent.started_at, row.status)
        case ConsentChanged():
            return (row.at, "consent", row.purpose, row.granted)
        case FragmentsCame() | FragmentsWent() | TieRefused() | DeviceMoved():
            return _identity_told(row)
        case EventRefused():
            return (row.at, "event refused", row.name, row.verdict, row.code)
        case TraitRefused():
            return (row.at, "trait refused", row.name)
        case IntentMoved():
            return (row.at, "moved", row.intent, row.key)
        case _:
            return (row.at, type(row).__name__)


def _identity_told(row: FragmentsCame | FragmentsWent | TieRefused | DeviceMoved) -> Told:
    match row:
        case FragmentsCame():
            return (row.at, "came", row.cause, row.giver, *row.fragments)
        case FragmentsWent():
            return (row.at, "went", row.cause, row.to, *row.fragments)
        case TieRefused():
            return (row.at, "apart", row.identifier, row.by)
        case DeviceMoved():
            return (row.at, "device", row.epoch, row.to)
