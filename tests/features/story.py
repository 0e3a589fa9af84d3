"""A history of tracking calls to be asked for features, as files that any engine can read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tactful.history.cells import zone_rows
from tactful.history.queries import Queries
from tactful.history.table import parquet, sorted_out
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.sql.layout import TABLES, Layout, layout
from tactful.operations.evaluation.evaluate_lines import Line, Question, read_lines
from tactful.operations.evaluation.evaluate_ties import history_rows
from tactful.operations.features.tables import Wanted, table
from tactful.operations.history.opened import History, Opened
from tactful.operations.history.terms import Terms
from tactful.segments.features import Feature, kind_of_feature
from tactful.values import DAY_US, parse_time
from tests.queries import QUERIES

ZONES = ("UTC", "Europe/Berlin", "America/New_York")


def instant(text: str) -> int:
    at = parse_time(text)
    assert at is not None
    return at


class Files:
    """A lake of one file a table."""

    def __init__(self, folder: Path, own: Layout) -> None:
        self.folder, self.layout = folder, own
        self.positions: Mapping[int, int] = {}
        self.since_us: int | None = None
        self.losses: Sequence[object] = ()

    def snapshot(self) -> "Files":
        return self

    def source(self, name: str) -> Sequence[Path]:
        return [self.folder / f"{name}.parquet"]


@contextmanager
def history(
    lines: Sequence[Line],
    files: Mapping[str, str] | None = None,
    terms: Terms | None = None,
    queries: Queries | None = None,
) -> Iterator[Opened]:
    found = read_project(files or {}, is_strict=False)
    own = layout((name,) for event in found.events.values() for name in event.properties)
    times = [instant(dict(line)["receivedAt"]) for line in lines if not isinstance(line, bytes)]
    rows = [*history_rows(Question({}, files or {}), read_lines(lines))]
    rows += zone_rows(ZONES, min(times) - 99 * DAY_US, max(times) + 99 * DAY_US)
    by_table = sorted_out(rows)
    with TemporaryDirectory() as folder:
        for name in TABLES:
            (Path(folder) / f"{name}.parquet").write_bytes(parquet(name, by_table[name], own))
        lake = Files(Path(folder), own)
        with History(lake, queries or QUERIES, terms=terms).open() as opened:  # type: ignore[arg-type]  # nobody writes
            yield opened


def features(texts: Mapping[str, str], files: Mapping[str, str] | None = None) -> list[Feature]:
    """By name, an expression; where nothing says its kind, a number."""
    found = read_project(files or {}, is_strict=False)
    vocabulary = vocabulary_of(found, is_strict=False)
    checked = {name: check(text, "value", vocabulary=vocabulary) for name, text in texts.items()}
    kinds = {name: kind_of_feature(one.tree, vocabulary) for name, one in checked.items()}
    return [
        Feature(name, one, "a number" if kinds[name] == "anything" else kinds[name]) for name, one in checked.items()
    ]


def rows_of(opened: Opened, wanted: Wanted) -> list[dict[str, Any]]:
    found = table(opened, wanted)
    return [row for batch in found.batches for row in batch.to_pylist()]
