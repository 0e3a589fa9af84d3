"""Worker: the loop that owns a partition. Reads the log, decides, commits, passes on, lets time pass, claims.

One `turn` is: read what is new and step() through it; commit states, wake-ups, derived rows, channel numbers and the
position at once (I3); relay what was committed (relay.py), and tell other partitions; append a Tick where
something is due; claim what waits while slots are free. A crash between any two of these is healed by `start`: what was
committed is passed on again, and whoever receives it knows it by its id. The simulator runs this very class.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.errors import Fenced, TransientError, UsageError
from tactful.events.addressed import key_within
from tactful.events.derived import encode_groups
from tactful.events.records import (
    Consent,
    Enter,
    Event,
    Forwarded,
    Launch,
    Outcome,
    Publish,
    Record,
    Score,
    Seed,
    Steer,
    Threshold,
    Tick,
    Unmerge,
    decode,
    encode,
)
from tactful.kernel.adopting import revise
from tactful.kernel.counts import recount
from tactful.kernel.gate import MAILS_PER_ADDRESS
from tactful.kernel.plan import CompiledPlan, UnknownAggregate, compiled, empty_plan
from tactful.kernel.seeding import whole
from tactful.kernel.state import (
    PLAN_KEY,
    PartitionState,
    PlanState,
    Profile,
    decode_partition,
    decode_plan,
    decode_profile,
    decode_states,
)
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.runtime.claims import Claims
from tactful.runtime.keeping import Ledger, Trail
from tactful.runtime.outcomes import report
from tactful.runtime.ports import (
    Bells,
    Checkpoint,
    Clock,
    Commit,
    Log,
    Outbox,
    Outgoing,
    Quarantine,
    StateWrite,
    Store,
)
from tactful.runtime.recounting import stands
from tactful.runtime.relay import Relay
from tactful.runtime.seeds import Seeds

EVERYBODY = 2**40
_ForAll = Publish | Threshold | Launch | Steer | Seed
_log = logging.getLogger(__name__)


class Pace(Struct, frozen=True):
    """How much at a time. No decision depends on it."""

    read: int = 1000
    """Records of one read, and so of one commit."""
    slice: int = 50
    """Profiles that one Tick brings on, so that fresh events never wait long."""
    sync: int = 100
    """Commits after which the trail is made durable."""
    hot: int = 5_000
    """Decoded profiles kept at least; at most twice as many, of a few kilobytes each."""


class Worker:
    """Owns one partition until it is fenced off."""

    def __init__(
        self,
        partition: int,
        log: Log,
        store: Store,
        outbox: Outbox,
        trail: Trail,
        quarantine: Quarantine,
        ledger: Ledger,
        bells: Bells,
        clock: Clock,
        slots: Mapping[str, int],
        pace: Pace | None = None,
        *,
        mails_per_address: int = MAILS_PER_ADDRESS,
        seeds: Seeds | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self.partition = partition
        self._log = log
        self._store = store
        self._outbox = outbox
        self._trail = trail
        self._relay = Relay(partition, log, outbox, quarantine, ledger, trail)
        self._seeds = seeds
        self._bells = bells
        self._clock = clock
        self._hot: dict[str, Profile] = {}
        self._cold: dict[str, Profile] = {}
        self._loaded: dict[str, bytes | None] = {}
        self._own_tick = self._relayed = self._unsynced = 0
        self._sent: dict[int, int] = {}
        checkpoint = _take_over(store, encode_state(PartitionState(partition, log.partitions, is_counted=True)))
        self._version = checkpoint.version
        self._known_until = log.end(partition)
        self.position = checkpoint.position
        if self.position < (start := log.start(partition)):
            raise UsageError(
                f"partition {partition}: its states stand at record {self.position}, the log begins at {start + 1}; "
                "what lies between is gone. Bring store and log back from the same backup."
            )
        self.state = self._counted(decode_partition(checkpoint.partition_state))
        self.plan_state: PlanState | None = None
        self.plan: CompiledPlan = empty_plan()
        stored = store.load([PLAN_KEY]).get(PLAN_KEY)
        is_other_version = False
        if stored is not None:
            self.plan_state = decode_plan(stored)
            try:
                self.plan = compiled(self.plan_state)
            except UnknownAggregate:
                is_other_version = True
        self._claims = Claims(partition, outbox, slots, mails_per_address)
        self._turn = self._new_turn()
        if is_other_version:
            revise(self._turn, self.position)
            self.plan, self.plan_state = self._turn.plan, self._turn.plan_state
        self._wake = store.next_wake()
        self._recover()

    # ---- the loop ------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """Do what there is to do now; False where that was nothing."""
        records = self._log.read(self.partition, self.position, self._pace.read)
        if records:
            self._apply(records)
        # Not before everything that stood in the log at the start was read (a read may give less than asked for).
        is_behind = self.position < self._known_until
        # Set back, the wall clock must not hold up what the partition's clock has passed.
        now = max(self._clock.now_us(), self.state.clock)
        ticked = self._tick(now)
        decided = self._claims.decide(
            self.plan, self._whole, now, position=self.position, is_behind=is_behind, state=self.state
        )
        if decided.claimed:
            self._bells.ring("deliver")
        if decided.closed:
            self.report()
        return bool(records) or ticked or bool(decided)

    def next_wake(self) -> int | None:
        """When to take a turn even if nobody rings."""
        waking = (self._wake, self.state.ready_at, self.state.start_at, self._claims.next_waiting)
        return min((at for at in waking if at is not None), default=None)

    def report(self) -> None:
        """Put outcomes that the outbox decided on the log."""
        for partition in report(self._outbox, self._log, self._clock):
            self._bells.ring(f"work-{partition}")

    def maintain(self) -> None:
        """Housekeeping between turns. The store forgets derived rows only once the trail holds them for good."""
        self._store.maintain()
        if self._unsynced >= self._pace.sync:
            self._relayed = self._trail.sync(self.partition)
            self._unsynced = 0

    # ---- applying ------------------------------------------------------------------------------------------

    def _apply(self, records: Sequence[tuple[int, bytes]]) -> None:
        decoded = [(position, decode(body)) for position, body in records]
        self._load([key for _, record in decoded if (key := _key(record)) is not None])
        for position, record in decoded:
            if isinstance(record, Tick):
                self._commit()
                self._apply_tick(position, record)
            elif isinstance(record, _ForAll) or (isinstance(record, Forwarded) and _key(record) is None):
                self._commit()
                self._apply_plan(position, record)
                # Whatever comes next may fail: what it failed for is known then.
                self._commit()
            else:
                step(self._turn, record, position)
                self._after(position)
        self._commit()

    def _apply_tick(self, position: int, tick: Tick) -> None:
        """Who is due is asked of the store, so everything before the Tick has been committed."""
        at = max(self.state.clock, tick.received_at)
        due = self._store.due(at, tick.limit)
        cursor = self.state.sweep
        swept = self._store.keys_after(cursor, tick.limit) if cursor is not None else []
        self._load([*due, *swept])
        step(self._turn, tick, position, due, swept)
        self._after(position)

    def _apply_plan(self, position: int, record: _ForAll | Forwarded) -> None:
        """What was due before a plan is the old plan's to decide (before a threshold, the old threshold's); seldom
        many, since Ticks keep up."""
        at = max(self.state.clock, record.received_at, record.clock if isinstance(record, Forwarded) else 0)
        due = self._store.due(at, EVERYBODY)
        self._load(due)
        step(self._turn, record, position, due)
        self._after(position)

    def _after(self, position: int) -> None:
        self._turn_last = position

    def find(self, key: str) -> Profile | None:
        """The state of a person, from memory or from the store."""
        profile = self._turn.changed.get(key) or self._hot.get(key)
        if profile is not None:
            return profile
        profile = self._cold.get(key)
        if profile is None:
            if key not in self._loaded:
                self._load([key])
            body = self._loaded.get(key)
            if body is None:
                return None
            profile = decode_profile(body)
        self._hot[key] = profile
        return profile

    def _seed(self, digest: str, fragment: str) -> Mapping[int, State]:
        """Of a file that a record of the log has named."""
        assert self._seeds is not None, f"seed {digest} is not at hand"
        try:
            body = self._seeds.states(digest, fragment)
        except TransientError:
            self._bells.ring("survey")  # It counts anew what is lost.
            raise
        return decode_states(body) if body is not None else {}

    def _whole(self, key: str) -> Profile | None:
        """As `find`, for the gate, which does not settle people."""
        profile = self.find(key)
        return whole(profile, self.plan_state, self.plan.aggregates, self._seed) if profile is not None else None

    def _load(self, keys: Sequence[str]) -> None:
        """Fetch in one go what is not in memory."""
        missing = {
            key: None
            for key in keys
            if key not in self._hot and key not in self._cold and key not in self._turn.changed
        }
        if missing:
            self._loaded |= {**missing, **self._store.load(list(missing))}

    # ---- committing ----------------------------------------------------------------------------------------

    def _commit(self) -> None:
        turn, last = self._turn, self._turn_last
        if last <= self.position:
            return
        turn.count()
        states = [StateWrite(key, encode_state(profile), profile.wake_at) for key, profile in turn.changed.items()]
        if turn.is_plan_new:
            states.append(StateWrite(PLAN_KEY, encode_state(turn.plan_state), None))
        derived = encode_groups(turn.groups) if turn.groups else b""
        outgoing = [Outgoing(dst, seq, record) for dst, seq, record in turn.outgoing]
        self._store.commit(
            Commit(
                version=self._version,
                position=last,
                partition_state=encode_state(turn.state),
                states=states,
                derived=derived,
                first_position=self.position + 1,
                outgoing=outgoing,
                relayed=self._relayed,
                sent=self._sent,
            )
        )
        first = self.position + 1
        self._version += 1
        self.position = last
        self.plan, self.plan_state = turn.plan, turn.plan_state
        self._hot.update(turn.changed)
        if len(self._hot) > self._pace.hot:
            self._hot, self._cold = {}, self._hot
        self._loaded = {}
        self._turn = self._new_turn()
        self._wake = self._store.next_wake()
        self._relay.fresh(turn, first, last, derived)
        if turn.intents or turn.moved:
            self._claims.look()
        if turn.moved:
            self.report()
        if derived:
            self._bells.ring("watch")
        self._tell(outgoing)
        self._unsynced += 1
        if turn.is_plan_new:
            self._bells.ring("plan")

    def _new_turn(self) -> Turn:
        self._turn_last = self.position
        return Turn(self.state, self.plan, self.plan_state, self.find, self._seed)

    def _tell(self, outgoing: Sequence[Outgoing]) -> None:
        """Append to other partitions' logs, in channel order; a repeat is known there by its number."""
        records: dict[int, list[bytes]] = {}
        for row in outgoing:
            records.setdefault(row.dst, []).append(row.record)
        if records:
            self._log.append(records)
        for row in outgoing:
            self._sent[row.dst] = row.seq
        for dst in records:
            self._bells.ring(f"work-{dst}")

    def _recover(self) -> None:
        """Pass on again what was committed before a crash, and take the outbox over."""
        for first, last, blob in self._store.derived():
            self._relay.again(first, last, blob)
            self._unsynced += 1
        self._tell(self._store.outgoing())
        self.report()
        # Whoever was here before may have died between an effect and its ring.
        for name in (*(f"work-{partition}" for partition in range(self._log.partitions)), "deliver", "watch"):
            self._bells.ring(name)

    def _counted(self, state: PartitionState) -> PartitionState:
        """Counts are made once, for a data folder of before there were any; committed at once, so that readers have
        them."""
        if not state.is_counted:
            _log.info("partition %d: counting who is in which segment and journey, this once", self.partition)
            recount(state, stands(self._store))
            body, after = encode_state(state), self.position + 1
            self._store.commit(Commit(self._version, self.position, body, (), b"", after, (), 0, {}))
            self._version += 1
        return state

    # ---- time ----------------------------------------------------------------------------------------------

    def _tick(self, now: int) -> bool:
        """Append a Tick where something is due, unless one of ours is still to be read."""
        if self._own_tick > self.position:
            return False
        waking = (self._wake, self.state.ready_at, self.state.start_at)
        is_due = any(at is not None and at <= now for at in waking)
        if not is_due and self.state.sweep is None:
            return False
        tick: Record = Tick(now, self._pace.slice)
        self._own_tick = self._log.append({self.partition: [encode(tick)]})[self.partition]
        return True


def _key(record: Record) -> str | None:
    """The identifier that a record is addressed to; None for what concerns everybody."""
    if isinstance(record, Event | Consent | Outcome | Score | Enter | Unmerge):
        return record.key
    return key_within(record.record) if isinstance(record, Forwarded) else None


def _take_over(store: Store, new: bytes) -> Checkpoint:
    """Fence off whoever owned the partition before, by a commit that changes nothing: from here on only one of the two
    can commit, and it is the one that came last. `new` is the state of a partition that has none."""
    while True:
        found = store.checkpoint()
        state = found.partition_state or new
        with suppress(Fenced):  # The other one was quicker, once more.
            store.commit(Commit(found.version, found.position, state, (), b"", found.position + 1, (), 0, {}))
            return Checkpoint(found.version + 1, found.position, state)
