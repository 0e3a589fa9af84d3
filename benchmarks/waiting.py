"""Waiting: what it costs that a million people wait in a journey, and how soon those are decided who are due.

Everybody has a cart and waits in the cart reminder of examples/shop, but for a journey the same people are there once
more, without waiting. Models live by step() itself; everybody else is one of them under another key of the same length.
Then a thousand are due in one second, while all others wait on: once among a tenth of them and once among all, which
must not matter. Processor time of one worker process with all partitions, its clock set by hand; what is decided is in
the outbox, claimed. Run `python -m benchmarks waiting`; with `--people 10000000` it takes 25 GB of disk.
"""

import os
import random
import resource
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks import memory, seeding
from benchmarks.apart import fresh
from benchmarks.place import Place, alone, table
from benchmarks.seeding import SetClock
from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, pack
from tactful.kernel.counts import NOWHERE, move, stand_of
from tactful.kernel.plan import compiled
from tactful.kernel.state import PLAN_KEY, Profile, decode_partition, decode_plan, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.operations.definitions import project
from tactful.runtime.ports import Commit, StateWrite
from tactful.runtime.worker import Worker
from tactful.values import MINUTE_US, SECOND_US

PARTITIONS = 4
PEOPLE = 1_000_000
JOURNEY = "cart_reminder"
WAIT_US = 30 * MINUTE_US
"""Of the journey."""
DUE = 1_000
BEGIN_US = 1_740_823_200 * SECOND_US
"""The first of those who are due later put something into the cart; a morning."""
CROWD_US = BEGIN_US + 5 * MINUTE_US
"""Everybody else, from here on."""
SPREAD_US = 20 * MINUTE_US
NOW_US = CROWD_US + SPREAD_US
"""Nobody is due yet."""
FEW = 50_000
"""Made sooner by one process than several begin."""
MODELS, DUE_MODELS = 400, 20
SHOP = Path(__file__).parents[1] / "examples" / "shop"


def files(*, is_waiting: bool) -> dict[str, str]:
    """The example shop with one journey, or with none."""
    return {
        path: text
        for path, text in project.load(SHOP).items()
        if not path.startswith("journeys/") or (is_waiting and path == f"journeys/{JOURNEY}.yaml")
    }


# ---- people who wait -------------------------------------------------------------------------------------------------


def key(number: int) -> str:
    return f"u:user-{number:010}"


def filled(place: Place, people: int, *, is_waiting: bool) -> Path:
    """A data folder of so many people, DUE of them due together and before all others."""
    data = place.folder / f"waiting-{people}-{'with' if is_waiting else 'without'}"
    if not data.exists():
        begun = time.perf_counter()
        half = data.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        seeding.prepare(half, files(is_waiting=is_waiting), PARTITIONS, BEGIN_US - 1)
        with fresh(PARTITIONS if people > FEW else 1) as pool:
            for one in [pool.submit(_fill, half, partition, people) for partition in range(PARTITIONS)]:
                one.result()
        half.rename(data)
        print(f"({people:,} people made in {time.perf_counter() - begun:.0f} s)")
    return data


def _fill(data: Path, partition: int, people: int) -> None:
    store = SqliteStore(data / "store", partition)
    state = decode_partition(store.checkpoint().partition_state)
    plan_state = decode_plan(store.load([PLAN_KEY])[PLAN_KEY])
    turn = Turn(state, compiled(plan_state), plan_state, lambda _: None)
    due = list(_models(turn, DUE_MODELS, BEGIN_US, SECOND_US, "9"))
    crowd = list(_models(turn, MODELS, CROWD_US, SPREAD_US, "8"))
    state.clock = NOW_US
    numbers = [number for number in range(people) if partition_of(key(number), PARTITIONS) == partition]
    # Keys in no order, as people come.
    random.Random(partition).shuffle(numbers)
    state.profiles, state.events = len(numbers), 5 * len(numbers)
    for at in range(0, len(numbers), seeding.BULK):
        writes = []
        for number in numbers[at : at + seeding.BULK]:
            models = due if number < DUE else crowd
            name, body, wake_at = models[number % len(models)]
            move(state, NOWHERE, stand_of(body))
            writes.append(StateWrite(key(number), body.replace(name, f"{number:010}".encode()), wake_at))
        found = store.checkpoint()
        store.commit(
            Commit(
                version=found.version,
                position=found.position,
                partition_state=encode_state(state),
                states=writes,
                derived=b"",
                first_position=found.position + 1,
                outgoing=(),
                relayed=found.position,
                sent={},
            )
        )
        store.maintain()
    store.close()


Model = tuple[bytes, bytes, int | None]
"""How it is called in its state, the state, and when it wakes."""


def _models(turn: Turn, number: int, begin: int, spread: int, first: str) -> Iterator[Model]:
    """People who put something into the cart one after the other; none of those who are held out and get nothing."""
    found = index = 0
    while found < number:
        name = f"{first}{index:09}"
        profile = _lived(turn, name, begin + found * spread // number)
        index += 1
        if all(not run.arm for run in profile.runs):
            found += 1
            yield name.encode(), encode_state(profile), profile.wake_at


def _lived(turn: Turn, name: str, at: int) -> Profile:
    """Somebody with an address, who agreed to get mail and looked at two things, and puts one of them into the cart."""
    who = f"u:user-{name}"
    lamp = {"product_id": "L-204", "name": "Lamp Fjord", "category": "Lamps", "price": 89.5, "quantity": 1}
    traits = {"email": f"{name}@mail.example", "firstName": "Ada"}
    told: tuple[tuple[Literal["identify", "track"], str, dict[str, Any]], ...] = (
        ("identify", "$identify", traits),
        ("track", "Product Viewed", {"product_id": "T-117", "name": "Throw Skerry", "price": 49}),
        ("track", "Product Viewed", lamp),
        ("track", "Product Added", lamp),
    )
    consent = Consent(1, "bench", "server", who, f"{name}-yes", "email_marketing", True, at, at)
    step(turn, consent, turn.state.events + 1)
    for number, (kind, event, said) in enumerate(told):
        record = Event(1, "bench", "server", kind, event, who, (who,), f"{name}-{number}", at, at, pack(said))
        step(turn, record, turn.state.events + 1)
    return decode_profile(encode_state(turn.changed[who]))


# ---- those who are due -----------------------------------------------------------------------------------------------


class Decided(msgspec.Struct):
    people: int
    claimed: int
    busy_s: float
    """Of the processor, for all of them."""
    wall_s: float
    finding_us: float
    """Asking the store who is due, of fifty people; the median."""
    resident: int
    """Bytes, at most."""
    before: int
    """Bytes before anybody was due."""


def decided(data: Path) -> Decided:
    """Let a second pass in which DUE people are due, in a worker process."""
    clock = SetClock(NOW_US)
    log, outbox = SqliteLog(data / "log", PARTITIONS, clock), SqliteOutbox(data / "outbox.db")
    trail = SqliteTrail(data / "trail")
    stores = [SqliteStore(data / "store", partition) for partition in range(PARTITIONS)]
    ports = MemoryQuarantine(), MemoryLedger(), MemoryBells()
    workers = [
        Worker(one, log, store, outbox, trail, *ports, clock, {"email": 10 * DUE}) for one, store in enumerate(stores)
    ]
    while any([worker.turn() for worker in workers]):
        pass
    before = _resident()
    clock.at_us = BEGIN_US + WAIT_US + SECOND_US
    assert clock.at_us < CROWD_US + WAIT_US
    finding = [_finding_us(store, clock.at_us) for _ in range(25) for store in stores]
    busy, begun = time.process_time(), time.perf_counter()
    while any([worker.turn() for worker in workers]):
        pass
    busy, wall = time.process_time() - busy, time.perf_counter() - begun
    people = sum(worker.state.profiles for worker in workers)
    claimed = outbox.counts().get("claimed", 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for store in stores:
        store.close()
    log.close()
    outbox.close()
    trail.close()
    return Decided(people, claimed, busy, wall, statistics.median(finding), peak, before)


def _finding_us(store: SqliteStore, until: int) -> float:
    begun = time.thread_time()
    store.due(until, 50)
    return (time.thread_time() - begun) * 1e6


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# ---- what is printed -------------------------------------------------------------------------------------------------


def run(place: Place) -> None:
    people = place.people or place.scaled(PEOPLE, 20_000)
    with_run = filled(place, people, is_waiting=True)
    without = filled(place, people, is_waiting=False)
    at_rest = {name: memory.stored(data)[1:] for name, data in (("with", with_run), ("without", without))}
    if not place.is_kept:
        shutil.rmtree(without)
    table(
        f"waiting: {people:,} people who wait in {JOURNEY}, bytes each",
        [
            ("of the state, above the same people without the run", f"{_above(at_rest, 0)} (goal: at most 150)"),
            ("on disk, with the wake-up and its index", _above(at_rest, 1)),
            ("of the whole state, with and without", _both(at_rest, 0)),
            ("on disk, with and without", _both(at_rest, 1)),
        ],
        "a page of the database takes a whole number of states: on disk a state grows by nothing, or by much",
    )
    few = filled(place, max(people // 10, DUE), is_waiting=True)
    found = {size: [_round(place, data) for _ in range(place.rounds)] for size, data in ((0, few), (1, with_run))}
    table(
        f"waiting: {DUE:,} are due in one second, decided by one worker process",
        [row for rounds in found.values() for row in _rows(rounds)],
        f"median of {place.rounds}; to be read against each other: the rest that waits on must not matter",
    )


def _round(place: Place, data: Path) -> Decided:
    with place.copy(data) as mine:
        return alone(place.core, decided, mine)


def _rows(rounds: list[Decided]) -> Iterator[tuple[str, str]]:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in rounds))

    among = f"among {rounds[0].people:,}:"
    assert rounds[0].claimed == DUE, f"{rounds[0].claimed} of {DUE} were claimed"
    yield f"{among} decided and claimed, ms of the processor", f"{middle('busy_s') * 1e3:,.0f}"
    yield f"{among} the same by the clock, ms", f"{middle('wall_s') * 1e3:,.0f}"
    yield f"{among} finding fifty who are due, us", f"{middle('finding_us'):,.0f}"
    yield f"{among} memory of the worker, MB (before)", f"{middle('resident') / 1e6:.0f} ({middle('before') / 1e6:.0f})"


def _above(at_rest: Mapping[str, tuple[float, float]], index: int) -> str:
    return f"{at_rest['with'][index] - at_rest['without'][index]:,.0f}"


def _both(at_rest: Mapping[str, tuple[float, float]], index: int) -> str:
    return f"{at_rest['with'][index]:,.0f}, {at_rest['without'][index]:,.0f}"
