"""A data folder with a million people of twenty events each, made in a minute and not in an hour.

A few hundred people live through sixty days of events by step() itself. Everybody else is a copy of one of them, moved
a little in time, brought up to the present by step(), and written through the store's own commit. The log then holds
only the published project, as after years of which the log has expired.
"""

import os
import random
import sys
from pathlib import Path

import msgspec

from benchmarks.apart import fresh
from benchmarks.load import NAMES, PROFILES, WEIGHTS
from tactful.adapters.installation import FORMAT
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.aggregates.newest import Newest
from tactful.consent.permits import ConsentWrite
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, Outcome, Publish, Tick, encode, pack
from tactful.kernel.counts import NOWHERE, move, stand
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.state import (
    PLAN_KEY,
    PartitionState,
    PlanState,
    Profile,
    decode_partition,
    decode_plan,
    decode_profile,
)
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.people.traits import TraitWrite
from tactful.runtime.ports import Clock, Commit, StateWrite
from tactful.runtime.worker import Worker
from tactful.values import DAY_US

EVENTS = 20
MODELS = 400
PAST_US = 60 * DAY_US
APART_US = 6 * 3_600_000_000
BULK = 20_000


class SetClock(Clock):
    """Says what it is told."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us


def seed(
    data: Path, files: dict[str, str], partitions: int, now_us: int, profiles: int = PROFILES, events: int = EVENTS
) -> None:
    """Make the data folder; as many processes as partitions."""
    prepare(data, files, partitions, now_us - PAST_US)
    with fresh(partitions) as pool:
        filling = [pool.submit(_fill, data, partitions, one, now_us, profiles, events) for one in range(partitions)]
        for one in filling:
            one.result()


def prepare(data: Path, files: dict[str, str], partitions: int, at_us: int) -> None:
    """A data folder in which nothing but a project was published."""
    data.mkdir(parents=True)
    (data / "installation.json").write_text(msgspec.json.encode({"format": FORMAT, "partitions": partitions}).decode())
    clock = SetClock(at_us)
    log = SqliteLog(data / "log", partitions, clock)
    outbox = SqliteOutbox(data / "outbox.db")
    trail = SqliteTrail(data / "trail")
    log.append({0: [encode(Publish(at_us, files, {"time_zone": "UTC"}))]})
    for partition in range(partitions):
        store = SqliteStore(data / "store", partition)
        worker = Worker(
            partition, log, store, outbox, trail, MemoryQuarantine(), MemoryLedger(), MemoryBells(), clock, {}
        )
        while worker.turn():
            pass
        store.close()
    for each in (log, outbox, trail):
        each.close()


def _fill(data: Path, partitions: int, partition: int, now_us: int, profiles: int, events: int) -> None:
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[partition % len(os.sched_getaffinity(0))]})
    store = SqliteStore(data / "store", partition)
    state = decode_partition(store.checkpoint().partition_state)
    plan_state = decode_plan(store.load([PLAN_KEY])[PLAN_KEY])
    plan = compiled(plan_state)
    models = _models(state, plan, plan_state, now_us, events)
    draw = random.Random(partition)
    keys = [
        key for number in range(1, profiles + 1) if partition_of(key := f"u:user-{number}", partitions) == partition
    ]
    # Keys in no order, as people come, so that ids say nothing about how active somebody is.
    draw.shuffle(keys)
    state.events, state.profiles, state.clock = len(keys) * events, len(keys), now_us
    for at in range(0, len(keys), BULK):
        people = [_moved(draw.choice(models), key, draw.randrange(APART_US)) for key in keys[at : at + BULK]]
        _present(state, plan, plan_state, people)
        states = [StateWrite(person.key, encode_state(person), person.wake_at) for person in people]
        checkpoint = store.checkpoint()
        store.commit(
            Commit(
                version=checkpoint.version,
                position=checkpoint.position,
                partition_state=encode_state(state),
                states=states,
                derived=b"",
                first_position=checkpoint.position + 1,
                outgoing=(),
                relayed=checkpoint.position,
                sent={},
            )
        )
        store.maintain()
    store.close()


def _models(state: PartitionState, plan: CompiledPlan, plan_state: PlanState, now_us: int, events: int) -> list[bytes]:
    """States of people who lived through step(); their last event lies up to sixty days back."""
    own = msgspec.structs.replace(state)
    draw = random.Random(11)
    turn = Turn(own, plan, plan_state, lambda _: None)
    begin = now_us - PAST_US + 1
    instants = sorted((draw.randrange(begin, now_us - APART_US), n % MODELS) for n in range(MODELS * events))
    for position, (at, number) in enumerate(instants, start=10):
        _pass(turn, at, position)
        step(turn, _event(draw, f"u:model-{number}", at), position)
    _pass(turn, now_us - APART_US, len(instants) + 10)
    return [encode_state(profile) for profile in turn.changed.values()]


def _event(draw: random.Random, key: str, at: int) -> Event:
    name = draw.choices(NAMES, WEIGHTS)[0]
    properties = pack({"price": draw.randint(1, 200), "name": "Kettle"})
    return Event(
        1,
        "bench",
        "server",
        "page" if name == "$page" else "track",
        name,
        key,
        (key,),
        f"{draw.getrandbits(64):x}",
        at,
        at,
        properties,
    )


def _pass(turn: Turn, at: int, position: int) -> None:
    """Timers fire and messages are sent, as if the worker and a mail server were there."""
    due = [key for key, profile in turn.changed.items() if profile.wake_at is not None and profile.wake_at <= at]
    if due:
        step(turn, Tick(at, len(due)), position, due)
    for intent in turn.intents:
        step(turn, Outcome(at, intent.key, intent.intent, "sent", "accepted"), position)
    turn.intents.clear()
    turn.groups.clear()


def _moved(model: bytes, key: str, later_us: int) -> Profile:
    """The same life, somewhat later, under another key; with an address and consent to mail."""
    profile = decode_profile(model)
    (fragment,) = profile.fragments.values()
    profile.key = sys.intern(key)
    profile.fragments = {f"{key}#1": fragment}
    for newest in fragment.aggregates.values():
        assert isinstance(newest, Newest), "the shop of the benchmarks only counts"
        newest.times = [at + later_us for at in newest.times]
    profile.segments = {number: at + later_us for number, at in profile.segments.items()}
    for name, sent in profile.sent.items():
        profile.sent[name] = [(at + later_us, intent, key, step) for at, intent, key, step in sent]
    profile.runs = []
    profile.now += later_us
    profile.wakes = {number: at + later_us for number, at in profile.wakes.items()}
    profile.wake_at = profile.wake_at + later_us if profile.wake_at is not None else None
    at = profile.now
    fragment.traits["email"] = TraitWrite(f"{key[2:]}@mail.example", at, at, 1)
    fragment.consents["email_marketing"] = ConsentWrite(True, at, at, 1, "2025-03", "api")
    return profile


def _present(state: PartitionState, plan: CompiledPlan, plan_state: PlanState, people: list[Profile]) -> None:
    """What came due since then has come; and they are counted."""
    turn = Turn(msgspec.structs.replace(state), plan, plan_state, {person.key: person for person in people}.get)
    due = [person.key for person in people if person.wake_at is not None and person.wake_at <= state.clock]
    step(turn, Tick(state.clock, len(due)), 1, due)
    for person in people:
        person.runs = []
        person.tail = 1
        move(state, NOWHERE, stand(person))
