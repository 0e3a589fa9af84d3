"""Backtest: a year of a shop through the kernel, beside bare step() over the same events in memory.

Visits of some ten events, by people of whom few come often; 20 segments and 5 journeys (shop.py), one of them tested.
The floor calls step() with one record after the other, and tells it at once that each message was sent, without which
runs would wait for ever and be looked at again and again. It does nothing else: no gate, no reading, no counting, and
nobody is woken who does not come again. So there are two more: one that wakes whoever is due, as the engine does and a
backtest; and one by the plan that a backtest plays, which leaves out the segments by which no journey begins. Run
`python -m benchmarks backtesting`; two million events with `--people 50000`.
"""

import gc
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from heapq import heappop, heappush
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow.parquet as pq

from benchmarks import shop
from benchmarks.place import Place, alone, cores_of_machine, median, table
from benchmarks.resident import Resident
from benchmarks.server import pin
from tactful.adapters.crew import Processes
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.events.derived import ref
from tactful.events.records import Consent, Event, Outcome, Plan, Publish, Tick, pack
from tactful.history.cells import EMPTY, EventRow, KeptEvent
from tactful.history.columns import Batch
from tactful.history.table import schema
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.state import PartitionState, PlanState
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.language.sql.layout import SHARED, TABLES
from tactful.operations.backtesting.crew import Alone, Crew
from tactful.operations.backtesting.running import Told, Version, Wanted, backtest
from tactful.operations.backtesting.stages import stage
from tactful.operations.history.opened import Opened
from tactful.operations.history.terms import Terms
from tactful.values import DAY_US, SECOND_US

EVENTS, QUICK_EVENTS = 200_000, 4_000
EACH, VISIT = 40, 10
"""Events of a person, on average, and of a visit."""
GROUPS = 1_000
START = 1_735_689_600 * SECOND_US
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Cart Viewed", "Products Searched", "$page")
WEIGHTS = (50, 10, 3, 5, 7, 25)
JOURNEY = "remind_1"


# ---- what happened ---------------------------------------------------------------------------------------------------


def records(events: int, part: int = 0) -> list[Event | Consent]:
    """The same for the same number, in order; whoever comes first says who they are and agrees to mail. Each part is of
    people of its own."""
    draw = random.Random(part)
    people = max(events // EACH, 1)
    context = pack({"library": {"name": "bench", "version": "1"}, "timezone": "Europe/Berlin", "locale": "de-DE"})
    moments: list[tuple[int, str]] = []
    for _ in range(events // VISIT):
        at, who = START + draw.randrange(365 * DAY_US), f"u:{part}-{int(people ** draw.random())}"
        for _ in range(VISIT):
            moments.append((at, who))
            at += draw.randrange(5 * SECOND_US, 180 * SECOND_US)
    found: list[Event | Consent] = []
    known: set[str] = set()
    for number, (at, who) in enumerate(sorted(moments)):
        if who not in known:
            known.add(who)
            traits = pack({"email": f"{who[2:]}@shop.example", "firstName": "Ada"})
            order = f"i{number}", at, at
            found.append(Event(1, "bench", "server", "identify", "$identify", who, (who,), *order, traits, context))
            found.append(Consent(1, "bench", "server", who, f"c{number}", "email_marketing", True, at, at))
        name, product = draw.choices(NAMES, WEIGHTS)[0], draw.randrange(10_000)
        said = {"product_id": f"SKU-{product}", "name": f"Kettle No. {product}", "category": "kettles", "quantity": 1}
        properties = pack({**said, "price": round(draw.uniform(1, 200), 2), "currency": "EUR", "brand": "Acme"})
        kind: Literal["page", "track"] = "page" if name == "$page" else "track"
        found.append(Event(1, "bench", "server", kind, name, who, (who,), f"{number}", at, at, properties, context))
    return found


def write(folder: Path, events: int) -> None:
    """The same as files of a history, of as many parts as there are."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(len(cores_of_machine()), get_context("spawn")) as pool:
        list(pool.map(partial(_write, folder, min(events, EVENTS)), range(-(-events // EVENTS))))
    (folder / "done").touch()


def _write(folder: Path, events: int, part: int) -> None:
    batch = Batch()
    for position, one in enumerate(records(events, part), 2 * part * EVENTS + 1):
        here = ref(0, position)
        batch.take([KeptEvent(one, 1, here, here) if isinstance(one, Event) else _row(one, here)])
    made = batch.tables()
    for name in TABLES:
        rows = made[name].cast(schema(name)) if name in made else schema(name).empty_table()
        pq.write_table(rows, folder / f"{name}-{part:03}.parquet", compression="zstd")


def _row(one: Consent, here: int) -> EventRow:
    said = {name: getattr(one, name) for name in ("purpose", "granted", "origin", "text_version", "address")}
    times = one.timestamp, one.received_at, here
    row = EventRow(one.key, 1, "consent", None, *times, one.message_id, None, EMPTY, EMPTY, here)
    row.source, row.is_server, row.ids, row.extra = one.source, True, (one.key,), json.dumps(said)
    return row


# ---- measured --------------------------------------------------------------------------------------------------------


Floor = Literal["published", "woken", "lean"]
"""Bare step() by the plan as it is published; the same, with everybody woken who is due by themselves; by the plan as a
backtest has it, without the segments that move nobody."""


def stepping(events: int, floor: Floor) -> float:
    """Seconds of the processor."""
    publish = Publish(START - 1, shop.project(), {"time_zone": "UTC"})
    plan_state, plan = adopt(None, Plan(1, publish), START - 1, is_empty=True)
    if floor == "lean":
        plan = stage(shop.project(), {"time_zone": "UTC"}, JOURNEY, START - 1).plan
    life = records(events)
    gc.collect()
    gc.disable()
    begun = time.process_time()
    bare = _Bare(plan, plan_state)
    for record in life:
        if floor == "woken":
            bare.wake(record.received_at)
        bare.step(record, record.key)
    return time.process_time() - begun


class _Bare:
    """step() alone; states stay in memory. At once it is told that each message was sent."""

    def __init__(self, plan: CompiledPlan, plan_state: PlanState) -> None:
        self._turn = Turn(PartitionState(0, 1, clock=START - 1), plan, plan_state, lambda _: None)
        self._position = 0
        self._wakes: list[tuple[int, str]] = []

    def step(self, record: Event | Consent | Outcome | Tick, key: str, due: Sequence[str] = ()) -> None:
        turn = self._turn
        self._position += 1
        step(turn, record, self._position, due)
        while turn.intents:
            intents, turn.intents = turn.intents, []
            for one in intents:
                self._position += 1
                step(turn, Outcome(record.received_at, one.key, one.intent, "sent", ""), self._position)
        if len(turn.groups) > GROUPS:  # As after a commit.
            turn.groups = []
        wake = turn.changed[key].wake_at
        if wake is not None:
            heappush(self._wakes, (wake, key))

    def wake(self, until: int) -> None:
        """Everybody who is due before, each at their own instant."""
        wakes, people = self._wakes, self._turn.changed
        while wakes and wakes[0][0] < until:
            at, key = heappop(wakes)
            if people[key].wake_at == at:
                self.step(Tick(at, 1), key, [key])


class Tested(NamedTuple):
    """A whole backtest."""

    lasted_s: float
    dealt_s: float
    """Of these, until all was dealt out."""
    busy_s: float
    """Of the processor, in this process."""
    megabytes: float
    """Of all processes at once."""
    rows: int
    messages: int


def testing(folder: Path, crew: Crew) -> Tested:
    with Resident() as memory:
        found = _tested(folder, crew)
    return found._replace(megabytes=memory.megabytes)


def _tested(folder: Path, crew: Crew) -> Tested:
    """With nobody who looks at the memory meanwhile, which takes time of its own."""
    gc.disable()
    begun, busy = time.perf_counter(), time.process_time()
    dealt = [0.0]

    def progress(told: Told) -> None:
        if told.what == "read":
            dealt[0] = time.perf_counter() - begun

    queries = DuckDBQueries()
    files = {name: sorted(folder.glob(f"{name}-*.parquet")) for name in TABLES}
    with queries.open(files) as session:
        opened = Opened(session, queries, SHARED, {}, Terms())
        version = Version("this", shop.project(), {"time_zone": "UTC"})
        wanted = Wanted(JOURNEY, (version,), START, START + 366 * DAY_US)
        found = backtest(opened, wanted, crew, progress)
    gc.enable()
    lasted, spent = time.perf_counter() - begun, time.process_time() - busy
    return Tested(lasted, dealt[0], spent, 0.0, found.rows, found.tallies[0].messages)


def _alone(folder: Path) -> Tested:
    return _tested(folder, Alone())


def run(place: Place) -> None:
    events = place.scaled(EVENTS, QUICK_EVENTS)
    folder = _written(place, events)
    floors: dict[Floor, list[float]] = {"published": [], "woken": [], "lean": []}
    singles = []
    for number in range(place.rounds):
        for floor, found in floors.items():
            found.append(alone(place.core, stepping, events, floor))
        singles.append(alone(place.core, _alone, folder))
        print(f"  round {number + 1}: {floors['published'][-1] / singles[-1].busy_s:.2f} of bare step() on one core")
    pin(cores_of_machine())
    cores = len(cores_of_machine())
    rows, messages = singles[0].rows, singles[0].messages
    single = median(one.busy_s for one in singles)
    bare, woken, lean = (median(found) for found in floors.values())
    table(
        f"backtest: {rows:,} records of a year, {messages:,} messages of the journey, one core",
        [
            ("records a second of one core, bare step() in memory", f"{rows / bare:,.0f}"),
            ("  that wakes whoever is due", f"{rows / woken:,.0f}"),
            ("  without the segments that move nobody", f"{rows / lean:,.0f}"),
            ("records a second of one core, the whole backtest", f"{rows / single:,.0f}"),
            ("of bare step()", f"{bare / single:.2f}"),
            ("  that wakes whoever is due", f"{woken / single:.2f}"),
            ("  without the segments that move nobody", f"{lean / single:.2f}"),
        ],
    )
    large = _written(place, place.people * EACH or events)
    tested = [testing(large, Processes(cores)) for _ in range(place.rounds)]
    lasted = median(one.lasted_s for one in tested)
    table(
        f"backtest: {tested[0].rows:,} records of a year, {cores} processes",
        [
            ("s", f"{lasted:.1f}"),
            ("  of these, until all was dealt out", f"{median(one.dealt_s for one in tested):.1f}"),
            ("records/s", f"{tested[0].rows / lasted:,.0f}"),
            (f"of {cores} times one core", f"{tested[0].rows / lasted / cores * single / rows:.2f}"),
            ("memory of all processes at most, MB", f"{max(one.megabytes for one in tested):,.0f}"),
        ],
    )


def _written(place: Place, events: int) -> Path:
    folder = place.folder / f"backtesting-{events}"
    write(folder, events)
    return folder
