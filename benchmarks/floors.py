"""Floors: what the parts cost by themselves, on the same records and a copy of the same store, in one pinned process.

`decode` reads the calls with msgspec; `step` decides with every record and state decoded beforehand; `commit` writes
states that were encoded beforehand through the store's own commit, a thousand records at a time, checkpoints included;
`replay` is the least that brings a store from its position to the log's end.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.server import WallClock
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.store import SqliteStore
from tactful.events.calls import Call
from tactful.events.derived import encode_groups
from tactful.events.records import Consent, Event, Outcome, Record, Tick, decode
from tactful.kernel.plan import compiled
from tactful.kernel.state import PLAN_KEY, Profile, decode_partition, decode_plan, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.runtime.ports import Commit, StateWrite

READ = 1000


class _Batch(msgspec.Struct):
    batch: list[Call]


def decoding(requests: Sequence[bytes]) -> float:
    """Seconds to decode the bodies of batch requests."""
    bodies = [request.partition(b"\r\n\r\n")[2] for request in requests]
    read = msgspec.json.Decoder(_Batch).decode
    begun = time.perf_counter()
    for body in bodies:
        read(body)
    return time.perf_counter() - begun


class Bare:
    """One partition of a data folder, without the engine around it."""

    def __init__(self, data: Path, partitions: int, partition: int) -> None:
        self.log = SqliteLog(data / "log", partitions, WallClock(), read_only=True)
        self.store = SqliteStore(data / "store", partition)
        self.partition = partition
        checkpoint = self.store.checkpoint()
        self.version, self.position = checkpoint.version, checkpoint.position
        self.state = decode_partition(checkpoint.partition_state)
        self.plan_state = decode_plan(self.store.load([PLAN_KEY])[PLAN_KEY])
        self.plan = compiled(self.plan_state)

    def turn(self, find: Callable[[str], Profile | None]) -> Turn:
        return Turn(self.state, self.plan, self.plan_state, find)

    def records(self) -> Iterator[list[tuple[int, Record]]]:
        """What the store has not seen, by reads."""
        position = self.position
        while found := self.log.read(self.partition, position, READ):
            yield [(at, decode(body)) for at, body in found]
            position = found[-1][0]

    def load(self, keys: Sequence[str]) -> dict[str, Profile]:
        return {key: decode_profile(body) for key, body in self.store.load(keys).items()}

    def commit(self, states: Sequence[StateWrite], derived: bytes, last: int) -> None:
        self.store.commit(
            Commit(
                version=self.version,
                position=last,
                partition_state=encode_state(self.state),
                states=states,
                derived=derived,
                first_position=self.position + 1,
                outgoing=(),
                relayed=self.position,
                sent={},
            )
        )
        self.version += 1
        self.position = last
        self.store.maintain()

    def close(self) -> None:
        self.store.close()
        self.log.close()


def stepping(data: Path, partitions: int) -> tuple[float, float, int]:
    """(seconds of bare step(), seconds of bare commits, events) over what the store has not seen."""
    spent_s = committed_s = 0.0
    events = 0
    for partition in range(partitions):
        bare = Bare(data, partitions, partition)
        reads = list(bare.records())
        known = bare.load(list({key for read in reads for key in _keys(read)}))
        writes: list[tuple[int, list[StateWrite]]] = []
        gc.collect()
        gc.freeze()
        for read in reads:
            turn = bare.turn(known.get)
            spent_s += _stepped(turn, read, bare)
            known.update(turn.changed)
            events += sum(isinstance(record, Event) for _, record in read)
            states = [StateWrite(key, encode_state(one), one.wake_at) for key, one in turn.changed.items()]
            writes.append((read[-1][0], states))
        begun = time.perf_counter()
        for last, states in writes:
            bare.commit(states, b"", last)
        committed_s += time.perf_counter() - begun
        bare.close()
        gc.unfreeze()
    return spent_s, committed_s, events


def _stepped(turn: Turn, read: Sequence[tuple[int, Record]], bare: Bare) -> float:
    begun = time.perf_counter()
    for position, record in read:
        if isinstance(record, Tick):
            # Who is due is known to the store only; the timers' own benchmark measures them.
            continue
        step(turn, record, position)
    return time.perf_counter() - begun


def replaying(data: Path, partitions: int) -> tuple[float, int]:
    """(seconds, records): read, decode, step() and commit, with nothing else running."""
    gc.disable()  # As in the processes of `tactful up`.
    begun = time.perf_counter()
    records = 0
    for partition in range(partitions):
        bare = Bare(data, partitions, partition)
        for read in bare.records():
            known = bare.load(list(dict.fromkeys(_keys(read))))
            turn = bare.turn(known.get)
            for position, record in read:
                if not isinstance(record, Tick):
                    step(turn, record, position)
            states = [StateWrite(key, encode_state(one), one.wake_at) for key, one in turn.changed.items()]
            bare.commit(states, encode_groups(turn.groups), read[-1][0])
            records += len(read)
        bare.close()
    return time.perf_counter() - begun, records


def _keys(read: Sequence[tuple[int, Record]]) -> list[str]:
    return [record.key for _, record in read if isinstance(record, Event | Consent | Outcome)]
