"""Rows for the port Lake, and what stands in one."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import Place, on_s3
from tactful.adapters.memory.lake import MemoryLake
from tactful.events.derived import ref
from tactful.history.cells import EventRow, IdentityRow, Row, TraitRow, cells
from tactful.history.lake import Source
from tactful.history.table import of_rows
from tactful.language.sql.layout import EVENTS, IDENTITY, TRAITS

ROOT = Path(__file__).parents[2]
DAY_US = 86_400_000_000


def event(partition: int, position: int, key: str = "", name: str = "Viewed", **more: Any) -> EventRow:
    identifier, place = key or f"u:{position % 7}", ref(partition, position)
    at = more.pop("at", position * 1_000)
    properties = cells(more.pop("properties", {"total": position * 0.5, "sku": f"s-{position}"}))
    ids = more.pop("ids", (identifier,))
    return EventRow(
        identifier, 1, "track", name, at, at, place, f"m{place}", None, properties, cells({}), place, "web", ids=ids
    )


def trait(partition: int, position: int, key: str = "") -> TraitRow:
    place = ref(partition, position)
    written = cells({"plan": f"p-{position}"})
    return TraitRow(key or f"u:{position % 7}", 1, "plan", position, position, place, "web", written, place)


def tie(partition: int, position: int, key: str, person: str) -> IdentityRow:
    place = ref(partition, position)
    return IdentityRow(
        key, 1, person, timestamp=position, received_at=position, ref=place, applied=place, cause="", hop=0
    )


def table(name: str, rows: Sequence[Row]) -> pa.Table:
    return of_rows(name, rows)


def tables(*rows: Row) -> dict[str, pa.Table]:
    kinds: dict[str, type[Row]] = {EVENTS: EventRow, TRAITS: TraitRow, IDENTITY: IdentityRow}
    held = {name: [row for row in rows if isinstance(row, kind)] for name, kind in kinds.items()}
    return {name: table(name, some) for name, some in held.items() if some}


def loaded(source: Source, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Of each file what it has of these columns: one by one, since `own` may differ."""
    files = [ds.dataset(path) for path in source] if isinstance(source, Sequence) else [source]
    found = pa.concat_tables([one.to_table(columns=list(columns)) for one in files], promote_options="permissive")
    return [tuple(row.values()) for row in found.to_pylist()]


def refs(lake: DeltaLake | MemoryLake, name: str = EVENTS) -> list[int]:
    """Where each row was decided: every one of them once."""
    return sorted(one for (one,) in loaded(lake.snapshot().source(name), ["applied"]))


@contextmanager
def s3_server() -> Iterator[str]:
    """Moto's, as a process of its own: the address. Its buckets go with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as server:
        assert server.stderr
        try:
            for line in server.stderr:
                if b"Running on" in line:
                    break
            else:
                raise AssertionError("moto's server did not start")
            # What it says of each request is read, so that it does not wait for us.
            with subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL) as drain:
                yield f"http://127.0.0.1:{port}"
                server.kill()
                drain.wait()
        finally:
            server.kill()


def make_bucket(endpoint: str, name: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")) as answer:
        assert answer.status == 200


def s3_place(endpoint: str, location: str) -> Place:
    return on_s3(location, endpoint=endpoint, region="us-east-1", access_key="key", secret_key="secret")
