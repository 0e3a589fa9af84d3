"""A history that was lived through by tracking calls, opened for questions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tactful.adapters.memory.lake import MemoryLake
from tactful.history.cells import zone_rows
from tactful.history.table import parquet, sorted_out
from tactful.language.sql.layout import TABLES, layout
from tactful.operations.evaluation.evaluate_lines import Question, naming_of, read_lines
from tactful.operations.evaluation.evaluate_ties import history_rows
from tactful.operations.history.opened import History, Opened
from tactful.operations.history.terms import Terms
from tactful.runtime.decided import LiveTail
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Log
from tactful.values import DAY_US, SECOND_US, format_time, parse_time
from tests.queries import QUERIES

_BEGIN = parse_time("2026-01-01T00:00:00Z")
assert _BEGIN is not None
BEGIN_US = _BEGIN
END_US = BEGIN_US + 20 * DAY_US


def wandering(people: int, calls: int, seed: int = 5) -> list[bytes]:
    """Views, orders and sign-ins of three weeks; who comes without a name and says it later is one person."""
    random = Random(seed)
    times = sorted(random.randrange(BEGIN_US, END_US, SECOND_US) for _ in range(calls))
    return [_line(random, random.randrange(people), at) for at in times]


def _line(random: Random, number: int, at_us: int) -> bytes:
    user, device = {"userId": f"u{number}"}, {"anonymousId": f"a{number}"}
    who = random.choice([user, device, {**user, **device}])
    call: dict[str, Any] = {"receivedAt": format_time(at_us), **who}
    if random.random() < 0.15:
        traits = {"country": random.choice(["DE", "AT"]), "age": random.randrange(20, 60), "vip": number % 2 == 0}
        call |= {"type": "identify", "traits": traits}
    else:
        name = random.choice(["Product Viewed", "Product Viewed", "Order Completed"])
        properties = {"category": random.choice(["shoes", "hats"]), "total": random.randrange(1, 200) / 2}
        call |= {"type": "track", "event": name, "properties": properties}
    return json.dumps(call).encode()


def history_of(log: Log, trail: Trail) -> History:
    """Of an installation without a lake."""
    return History(MemoryLake(), QUERIES, LiveTail(log, trail))


@contextmanager
def opened(lines: Sequence[bytes], files: Mapping[str, str] | None = None) -> Iterator[Opened]:
    question = Question({}, files or {})
    rows = [*history_rows(question, read_lines(lines, naming_of(question)))]
    rows += zone_rows({"UTC"}, BEGIN_US - DAY_US, END_US + DAY_US)
    own = layout([("total",)])
    with TemporaryDirectory() as folder:
        by_table = sorted_out(rows)
        paths = {name: [Path(folder) / f"{name}.parquet"] for name in TABLES}
        for name, (path,) in paths.items():
            path.write_bytes(parquet(name, by_table[name], own))
        with QUERIES.open(paths) as session:
            yield Opened(session, QUERIES, own, {}, Terms())
