"""Tables: files of other systems as rows, whatever their format. The port; its adapters stand in adapters/tables/.

A row is what stood in the file: texts of a CSV file, the values of the other formats, where times are texts in ISO 8601
and whole numbers are whole. What is no row (a line that is too long, half of one, bytes that are no text) is told as
such with its place, and the rows behind it are read. Memory is bounded by the batch, never by the file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

LONGEST_ROW = 1 << 20
"""Characters; what is longer is no row of a table, but a mistake in the quotes or another file."""
FORMATS = ("csv", "jsonl", "parquet", "excel")
Row = dict[str, Any]


class FileFormat(Struct, frozen=True):
    """How a file is to be read; "" is found out."""

    format: str = ""
    encoding: str = ""
    """Of CSV and JSON Lines: utf-8, utf-16, cp1252, ..."""
    delimiter: str = ""
    columns: tuple[str, ...] = ()
    """Of a CSV file or a sheet without a line of names."""
    sheet: str = ""
    """Of Excel; "" is the first."""


class BadRow(Struct, frozen=True):
    """What could not be read as a row: where, why (a word, and a sentence), and what stood there."""

    number: int
    code: str
    message: str
    body: bytes


class Batch(Struct):
    """Some rows in the order of the file; `numbers` says for each where it stands (the line of a text, the row of a
    sheet as it is shown there, else counted from 1). They were read as rows, or as columns of equal length."""

    given: list[Row]
    numbers: list[int]
    bad: list[BadRow]
    share: float
    """How much of the file has been read with it, from 0 to 1."""
    columns: Mapping[str, Sequence[Any]] | None = None

    @property
    def rows(self) -> list[Row]:
        if self.columns is not None and not self.given:
            names = list(self.columns)
            self.given = [dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]
            self.given = self.given or [{} for _ in self.numbers]
        return self.given


class Column(Struct, frozen=True):
    name: str
    kind: str
    """text, number, boolean, time, list, object or anything (LANGUAGE.md), as far as the file says."""


class Table(Protocol):
    @property
    def path(self) -> Path: ...

    @property
    def format(self) -> FileFormat:
        """With everything found out."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """No two of one name."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What is worth knowing of the file: columns that had to be renamed, formulas without a result."""
        ...

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        """All of it from the beginning, with at least the columns wanted. Raises TransientError where the file can no
        longer be read."""
        ...


class Join(Struct, frozen=True):
    """Rows of another table, one for each value of `other`, whose columns are called NAME.column beside a row whose
    `column` has that value."""

    name: str
    table: Table
    column: str
    other: str


class Tables(Protocol):
    def open(self, path: Path, format: FileFormat) -> Table:
        """UsageError where the file is no table."""
        ...

    def arranged(self, table: Table, joins: Sequence[Join], together: Sequence[str]) -> Table:
        """The rows with what is joined to them, those with equal values of `together` behind each other, at the place
        of the first; rows without a value stay where they are. The same files give the same order. What does not fit
        into memory goes to the disk for a while. UsageError where a row of a joined table is not alone."""
        ...


def missing(row: Mapping[str, Any], column: str) -> bool:
    value = row.get(column)
    return value is None or value == ""
