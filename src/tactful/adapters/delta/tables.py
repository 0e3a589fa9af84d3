"""One Delta table of the lake: its files, up to where it goes, and commits of which exactly one writer's succeeds.

With every commit stands, as transactions of Delta, up to which position of each partition the table goes and the number
of the *pen*. Of two commits that begin at the same version Delta refuses the later one, since both name the pen
(PROTOCOL.md, "Transaction Identifiers"); whoever has an older pen than the table is refused by us.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    PostCommitHookProperties,
    RemoveAction,
)
from msgspec import Struct

from tactful.adapters.delta.marks import Marks, info, marks_of, transactions
from tactful.adapters.delta.places import Place, said, world
from tactful.errors import TransientError
from tactful.history.keeping import has_buckets
from tactful.history.table import schema

BUCKET = "bucket"
UNDEALT = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows that are not dealt out to buckets yet, as Hive writes a partition without a value."""
STATISTICS = ("timestamp", "received_at", "ref", "applied", "epoch", "at")
"""Columns whose least and greatest values stand in Delta's log: whole numbers that say nothing of a person."""
CONFIGURATION = {
    "delta.logRetentionDuration": "interval 1 hours",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
_SKIPPING = "delta.dataSkippingStatsColumns"
"""By it others know that of other columns nothing is said."""
_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
PLAIN = "plain"
"""The layout of a file without columns of their own."""


class ConflictError(Exception):
    """Somebody else wrote meanwhile."""


class File(Struct, frozen=True):
    path: str
    bucket: int | None
    """None: not dealt out yet, or the table has no buckets."""
    rows: int
    size: int
    first_us: int
    """The least timestamp, where the table has any."""
    spans: Mapping[str, tuple[int, int]] = {}
    """Of columns in STATISTICS the least and the greatest value."""

    @property
    def layout(self) -> str:
        """Which own columns it has (layouts.digest)."""
        return self.path.rsplit("/", 1)[-1].split("-", 1)[0]


def new_path(bucket: int | None, digest: str, *, is_dealt: bool) -> str:
    name = f"{digest}-{uuid4().hex}.parquet"
    return f"{BUCKET}={UNDEALT if bucket is None else bucket}/{name}" if is_dealt else name


def bucket_in(path: str) -> int | None:
    """Of a path that new_path made; None where the rows are not dealt out."""
    folder = path.split("/", 1)[0].removeprefix(f"{BUCKET}=")
    return int(folder) if "/" in path and folder != UNDEALT else None


class Table:
    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self.has_buckets = has_buckets(name)
        self._delta: DeltaTable | None = None
        self._files: tuple[int, list[File]] | None = None
        self._marked: tuple[int, Marks] | None = None
        self._checkpointed = 0

    def create(self, configuration: Mapping[str, str]) -> None:
        """With an empty file, where it is not there yet. Whoever comes second finds what the first has made."""
        if self._opened() is None:
            try:
                DeltaTable.create(
                    self.place.uri(self.name),
                    Schema.from_arrow(self._shape()),
                    partition_by=[BUCKET] if self.has_buckets else [],
                    configuration={**CONFIGURATION, _SKIPPING: ",".join(self._counted()), **configuration},
                    storage_options=self.place.options,
                    raise_if_key_not_exists=False,
                )
            except (OSError, DeltaError) as error:
                if self._opened() is None:
                    uri = self.place.uri(self.name)
                    raise TransientError(f"the lake could not be made ({uri}): {said(error)}") from error
            self.place.settle(self.name)
            self._opened()
        if not self.files():
            path = new_path(None, PLAIN, is_dealt=self.has_buckets)
            size = self.place.write(self.name, path, schema(self.name).empty_table(), 1)
            with suppress(ConflictError):
                self.commit(self.pen, [self._add(path, size, None, 0, {})])

    def refresh(self) -> None:
        with world(f"the lake could not be read ({self.place.uri(self.name)})"):
            self.now.update_incremental()

    @property
    def now(self) -> DeltaTable:
        assert self._delta is not None, "it was made before"
        return self._delta

    @property
    def pen(self) -> int:
        return self._said().pen

    def positions(self, then: DeltaTable | None = None) -> dict[int, int]:
        """Of all partitions up to the last that was heard of."""
        marks = self._said() if then is None or then is self.now else marks_of(self.place, self.name, then)
        return dict(marks.positions)

    def seals(self) -> dict[int, int]:
        """By partition; lakes of before there were any have none."""
        return dict(self._said().seals)

    @property
    def buckets(self) -> int:
        """How many there are; 0: as many as there were at first."""
        return self._said().buckets

    def _said(self) -> Marks:
        """What the newest version says."""
        if self._marked is None or self._marked[0] != self.now.version():
            self._marked = self.now.version(), marks_of(self.place, self.name, self.now)
        return self._marked[1]

    def files(self) -> list[File]:
        version = self.now.version()
        if self._files is None or self._files[0] != version:
            self._files = version, _files(self.now)
        return self._files[1]

    def say(self, properties: Mapping[str, str]) -> None:
        """Among the properties of the table."""
        with world(f"the lake could not be written ({self.place.uri(self.name)})"):
            self.now.alter.set_table_properties(dict(properties), raise_if_not_exists=False)
        self.refresh()
        self.place.settle(self.name)

    def damaged(self) -> list[str]:
        """Where files lie that are missing, or of another size than when they were written."""
        self.refresh()
        sizes = self.place.sizes(self.name)
        found = [one.path for one in self.files() if sizes.get(one.path) != one.size]
        if found:
            self.refresh()  # Whoever erases somebody may have been at it.
        return [f"{self.place.uri(self.name)}/{one.path}" for one in self.files() if one.path in found]

    def until(self, positions: Mapping[int, int]) -> DeltaTable:
        """The newest version that goes no further than these positions: the table may be ahead of the others, where an
        append is on its way or was cut off."""
        then = self.now
        while self.is_ahead(positions, then):
            with world(f"the lake could not be read ({self.place.uri(self.name)})"):
                then = DeltaTable(
                    self.place.uri(self.name), version=then.version() - 1, storage_options=self.place.options
                )
        return then

    def is_ahead(self, positions: Mapping[int, int], then: DeltaTable | None = None) -> bool:
        return any(at > positions.get(partition, 0) for partition, at in self.positions(then).items())

    def files_of(self, then: DeltaTable) -> list[File]:
        return self.files() if then is self.now else _files(then)

    def commit(
        self,
        pen: int,
        added: Sequence[AddAction] = (),
        removed: Iterable[File] = (),
        positions: Mapping[int, int] | None = None,
        *,
        seals: Mapping[int, int] | None = None,
        buckets: int = 0,
        at_ms: int = 0,
        changes: bool = True,
    ) -> None:
        """All of it or nothing. Raises ConflictError where somebody else wrote; TransientError where the world fails
        and nobody knows that it succeeded."""
        actions: list[Any] = [*added, *(self._remove(one, at_ms, changes) for one in removed)]
        if self.pen > pen:
            raise ConflictError(self.name)
        token, before = uuid4().hex, self.now.version()
        anew = Marks(dict(positions or {}), dict(seals or {}), pen, buckets)
        marks = self._said().and_then(anew)
        properties = CommitProperties(
            custom_metadata={"tactful": token, **info(marks)},
            max_commit_retries=0,
            app_transactions=transactions(anew),
        )
        try:
            self.now.create_write_transaction(
                actions,
                "append",
                self.now.schema(),
                [BUCKET] if self.has_buckets else [],
                commit_properties=properties,
                post_commithook_properties=_HOOKS,
            )
        except (OSError, DeltaError) as error:
            self.refresh()
            if not self._says(token):
                if self.now.version() > before:
                    raise ConflictError(self.name) from error
                raise TransientError(f"{self.place.uri(self.name)} could not be written: {said(error)}") from error
        else:
            self.refresh()
        if self.now.version() == before + 1:
            self._marked = before + 1, marks
        self.place.settle(self.name)

    def checkpoint(self, every: int) -> None:
        """Where so many commits have come since the last one; what is older than an hour in Delta's log goes then."""
        if self.now.version() < self._checkpointed + every:
            return
        with world(f"the log of {self.place.uri(self.name)} could not be shortened"):
            self.now.create_checkpoint()
            self.place.settle(self.name)
            self.now.cleanup_metadata()
        self._checkpointed = self.now.version()

    def adding(self, path: str, size: int, bucket: int | None, rows: pa.Table, *, changes: bool = True) -> AddAction:
        numbers = {
            name: (rows.column(name).to_numpy().min(), rows.column(name).to_numpy().max())
            for name in self._counted()
            if len(rows) and rows.column(name).null_count == 0
        }
        return self._add(path, size, bucket, len(rows), numbers, changes=changes)

    def _add(
        self, path: str, size: int, bucket: int | None, rows: int, numbers: Mapping[str, Any], *, changes: bool = True
    ) -> AddAction:
        statistics = {
            "numRecords": rows,
            "minValues": {name: int(least) for name, (least, _) in numbers.items()},
            "maxValues": {name: int(most) for name, (_, most) in numbers.items()},
        }
        values = {BUCKET: None if bucket is None else str(bucket)} if self.has_buckets else {}
        return AddAction(path, size, values, 0, changes, json.dumps(statistics))

    def _remove(self, file: File, at_ms: int, changes: bool) -> RemoveAction:
        values = {BUCKET: None if file.bucket is None else str(file.bucket)} if self.has_buckets else {}
        return RemoveAction(file.path, changes, at_ms, file.size, values)

    def _counted(self) -> list[str]:
        return [name for name in schema(self.name).names if name in STATISTICS]

    def _shape(self) -> pa.Schema:
        shape = schema(self.name)
        return shape.append(pa.field(BUCKET, pa.int32())) if self.has_buckets else shape

    def _opened(self) -> DeltaTable | None:
        uri, options = self.place.uri(self.name), self.place.options
        try:
            self._delta = DeltaTable(uri, storage_options=options)
        except TableNotFoundError:
            return None
        except (OSError, DeltaError) as error:
            with world(f"the lake could not be read ({uri})"):
                if not self.place.mend(self.name):
                    raise TransientError(f"the lake could not be read ({uri}): {said(error)}") from error
                self._delta = DeltaTable(uri, storage_options=options)
        return self._delta

    def _says(self, token: str) -> bool:
        """Whether a commit of ours is there though we were told that it failed: an answer can get lost."""
        with world(f"the lake could not be read ({self.place.uri(self.name)})"):
            return any(one.get("tactful") == token for one in self.now.history(limit=10))


def _files(then: DeltaTable) -> list[File]:
    found = []
    for one in pa.table(then.get_add_actions()).to_pylist():
        least, most = one.get("min") or {}, one.get("max") or {}
        spans = {name: (at, most[name]) for name, at in least.items() if at is not None and most.get(name) is not None}
        rows, size = one["num_records"] or 0, one["size_bytes"]
        first_us = spans["timestamp"][0] if "timestamp" in spans else 0
        found.append(File(one["path"], bucket_in(one["path"]), rows, size, first_us, spans))
    return found
