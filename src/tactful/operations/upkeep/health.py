"""Health: does every partition keep up, and what is wrong enough that somebody should look.

A partition is behind where its log is longer than what it has read, or where a person's time has come and no Tick has
brought them there yet. Pure but for the ports that are read.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from tactful.kernel.state import PLAN_KEY, PartitionState, decode_partition, decode_plan
from tactful.operations.doctor import Finding
from tactful.operations.places import States
from tactful.runtime.machine import Machine
from tactful.runtime.ports import Log
from tactful.values import MINUTE_US, SECOND_US

LATE_US = 30 * SECOND_US
"""Behind by more than this is worth a look."""
SCARCE = 0.1
"""Of the disk that is free; below it somebody should make room."""
Level = Literal["note", "warn", "bad"]


class Waking(States, Protocol):
    """What is read of a Store."""

    def next_wake(self) -> int | None: ...


class PartitionHealth(Struct, frozen=True):
    partition: int
    end: int
    """Of the log."""
    position: int
    """Up to where it was read."""
    clock: int
    """The partition's, in microseconds; 0: it has read nothing yet."""
    people: int
    late_us: int
    """How long the person who has waited longest for their instant waits already; 0: nobody does."""
    next_wake: int | None
    is_sweeping: bool
    """Not everybody is settled under the newest definitions yet."""
    plan: int
    """The version in force there; 0: none."""

    @property
    def lag(self) -> int:
        return max(0, self.end - self.position)


class Concern(Struct, frozen=True):
    """Something that somebody should look at, in a sentence, with the page that shows it."""

    level: Level
    text: str
    href: str


def partitions(log: Log, stores: Sequence[Waking], now_us: int) -> list[PartitionHealth]:
    """In their order."""
    return [_partition(log, store, number, len(stores), now_us) for number, store in enumerate(stores)]


def _partition(log: Log, store: Waking, number: int, partitions: int, now_us: int) -> PartitionHealth:
    # The state first: what is appended meanwhile is lag, never less than none.
    point = store.checkpoint()
    state = decode_partition(point.partition_state) if point.partition_state else PartitionState(number, partitions)
    body = store.load([PLAN_KEY]).get(PLAN_KEY)
    wake = store.next_wake()
    return PartitionHealth(
        partition=number,
        end=log.end(number),
        position=point.position,
        clock=state.clock,
        people=state.profiles,
        late_us=max(0, now_us - wake) if wake is not None else 0,
        next_wake=wake,
        is_sweeping=state.sweep is not None,
        plan=decode_plan(body).plan.version if body is not None else 0,
    )


def concerns(
    health: Sequence[PartitionHealth],
    messages: Mapping[str, int],
    quarantined: int,
    machine: Machine | None,
    findings: Sequence[Finding],
) -> list[Concern]:
    """The gravest first."""
    found = [*_behind(health), *_stuck(messages, quarantined)]
    if machine is not None and machine.disk_bytes and machine.free_bytes < SCARCE * machine.disk_bytes:
        found.append(Concern("bad", f"The disk is nearly full: {machine.free_bytes >> 20:,} MiB are free", "/health"))
    found += [Concern("bad", f"{one.about}: {one.text}", "/health#findings") for one in findings if one.level == "bad"]
    return sorted(found, key=lambda one: ("bad", "warn", "note").index(one.level))


def _behind(health: Sequence[PartitionHealth]) -> list[Concern]:
    lag, late_us = sum(one.lag for one in health), max((one.late_us for one in health), default=0)
    if late_us > LATE_US:
        minutes = late_us // MINUTE_US
        since = f"{minutes:,} minutes" if minutes > 1 else f"{late_us // SECOND_US} seconds"
        text = f"Decisions are {since} behind" + (f", and {lag:,} records wait to be read" if lag else "")
        return [Concern("bad", text, "/health")]
    if lag > 10_000:
        return [Concern("warn", f"{lag:,} records wait to be read", "/health")]
    return []


def _stuck(messages: Mapping[str, int], quarantined: int) -> list[Concern]:
    found = []
    if held := messages.get("held", 0):
        what = (
            "1 message is held: nobody knows whether it arrived"
            if held == 1
            else (f"{held:,} messages are held: nobody knows whether they arrived")
        )
        found.append(Concern("warn", what, "/outbox?status=held"))
    if quarantined:
        what = "1 event" if quarantined == 1 else f"{quarantined:,} events"
        found.append(
            Concern("warn", f"{what} could not be taken as {'it' if quarantined == 1 else 'they'} came", "/quarantine")
        )
    return found
