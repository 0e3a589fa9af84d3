"""Another version of this program on the same folder: states survive, or are refused in words; nothing crashes."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tactful.adapters.installation import FORMAT, Installation
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.errors import UsageError
from tactful.events.records import Event, Publish, encode, pack
from tactful.kernel.state import PLAN_KEY, decode_partition, decode_plan, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.runtime.ports import Commit, StateWrite
from tactful.runtime.settings import Settings
from tactful.runtime.worker import Worker
from tactful.testing.clock import SimClock
from tactful.values import HOUR_US

START = 1_741_000_000_000_000


def test_a_plan_that_another_version_numbered_is_taken_over() -> None:
    clock, log, store = SimClock(START), MemoryLog(1, SimClock(START)), MemoryStore()

    def turn() -> None:
        worker = Worker(
            0, log, store, MemoryOutbox(), MemoryTrail(), MemoryQuarantine(), MemoryLedger(), MemoryBells(), clock, {}
        )
        while worker.turn():
            worker.maintain()

    def come(at: int) -> None:
        event = Event(1, "shop", "server", "track", "A", "u:1", ("u:1",), f"m{at}", START + at, START + at, pack({}))
        log.append({0: [encode(event)]})

    segment = {"segments/often.yaml": 'when: \'count("A", last="2h") >= 2\'\n'}
    log.append({0: [encode(Publish(START, segment, {}))]})
    come(1)
    turn()
    plan = decode_plan(store.load([PLAN_KEY])[PLAN_KEY])
    renamed = {f"yesterday's {text}" if "newest" in text else text: number for text, number in plan.numbers.items()}
    head = store.checkpoint()
    older = [StateWrite(PLAN_KEY, encode_state(replace(plan, numbers=renamed)), None)]
    store.commit(Commit(head.version, head.position, head.partition_state, older, b"", head.position + 1, (), 0, {}))

    clock.advance(2)
    turn()
    plan = decode_plan(store.load([PLAN_KEY])[PLAN_KEY])
    assert plan.numbers.items() > renamed.items(), "a number is never given again"
    assert not decode_profile(store.load(["u:1"])["u:1"]).fragments["u:1#1"].aggregates, "counted under another name"
    clock.advance(2 * HOUR_US)
    come(2 * HOUR_US + 1)
    come(2 * HOUR_US + 2)
    turn()
    assert decode_profile(store.load(["u:1"])["u:1"]).segments, "warm after the window, and exact from there on"


@pytest.mark.parametrize(("found", "said"), [(FORMAT - 1, "an older version"), (FORMAT + 1, "a newer version")])
def test_a_folder_of_another_format_is_refused(tmp_path: Path, found: int, said: str) -> None:
    (tmp_path / "installation.json").write_text(f'{{"format": {found}, "partitions": 4}}')
    with pytest.raises(UsageError, match=said):
        Installation(tmp_path, Settings(), SimClock(0), read_only=True)


def test_a_folder_of_before_there_were_counts_is_counted_when_it_is_opened() -> None:
    clock, log, store = SimClock(START), MemoryLog(1, SimClock(START)), MemoryStore()

    def turn() -> None:
        worker = Worker(
            0, log, store, MemoryOutbox(), MemoryTrail(), MemoryQuarantine(), MemoryLedger(), MemoryBells(), clock, {}
        )
        while worker.turn():
            worker.maintain()

    log.append({0: [encode(Publish(START, {"segments/came.yaml": "when: 'any(\"A\")'\n"}, {}))]})
    for number in range(3):
        key = f"u:{number}"
        event = Event(1, "shop", "server", "track", "A", key, (key,), f"m{number}", START, START, pack({}))
        log.append({0: [encode(event)]})
    turn()
    head = store.checkpoint()
    kept = decode_partition(head.partition_state)
    (number,) = kept.members
    assert (kept.members, kept.is_counted) == ({number: 3}, True)
    before = encode_state(replace(kept, members={}, inside={}, is_counted=False))
    store.commit(Commit(head.version, head.position, before, (), b"", head.position + 1, (), 0, {}))
    turn()
    again = decode_partition(store.checkpoint().partition_state)
    assert (again.members, again.is_counted) == ({number: 3}, True), "also where nothing new has come"
