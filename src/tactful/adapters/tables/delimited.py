"""CSV, and what else has one delimiter between its values: by Python's csv module, which streams and goes on behind a
line that it cannot read. Every value is the text that stands there; "" is a missing one."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from tactful.adapters.tables.lines import Lines, TooLong, encoding_of, is_text, raw
from tactful.errors import UsageError
from tactful.operations.imports.tables import LONGEST_ROW, BadRow, Batch, Column, FileFormat

ROWS = 2000
DELIMITERS = ",;\t|"
_SAMPLE = 50


class Delimited:
    def __init__(self, path: Path, format: FileFormat) -> None:
        self.path = path
        encoding = format.encoding or encoding_of(path)
        csv.field_size_limit(LONGEST_ROW)
        delimiter = format.delimiter or _delimiter(path, encoding)
        if len(delimiter) != 1:
            raise UsageError(f'the delimiter of {path.name} is one character, such as ";", and not {delimiter!r}')
        self.format = replace(format, format="csv", encoding=encoding, delimiter=delimiter)
        self._names, self.notes = named(format.columns or self._header(), path)
        self.columns = [Column(name, "text") for name in self._names]

    def _header(self) -> Sequence[str]:
        lines = Lines(self.path, self.format.encoding)
        try:
            return next((row for row in csv.reader(lines, delimiter=self.format.delimiter) if any(row)), [])
        except (csv.Error, TooLong) as error:
            raise UsageError(f"{self.path}: the first line is no line of names: {error}") from None
        finally:
            lines.close()

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        lines = Lines(self.path, self.format.encoding)
        try:
            yield from self._batches(lines)
        finally:
            lines.close()

    def _batches(self, lines: Lines) -> Iterator[Batch]:
        reader = csv.reader(lines, delimiter=self.format.delimiter)
        names, width = self._names, len(self._names)
        is_header = not self.format.columns
        has_bytes = self.format.encoding.startswith("utf-8")
        batch = Batch([], [], [], 0)
        while True:
            number = lines.number + 1
            try:
                values = next(reader)
            except StopIteration:
                break
            except TooLong as error:
                message = f"the line is longer than {LONGEST_ROW:,} characters"
                batch.bad.append(BadRow(lines.number, "row_too_long", message, raw(str(error))))
                continue
            except csv.Error as error:
                message = f"the row cannot be read as CSV: {error} (a quote that is not closed?)"
                batch.bad.append(BadRow(number, "row_unreadable", message, b""))
                continue
            if not any(values):
                continue
            if is_header:
                is_header = False
                continue
            if len(values) != width:
                batch.bad.append(_misfit(number, values, width, self.format.delimiter))
            elif has_bytes and not is_text("".join(values)):
                body = raw(self.format.delimiter.join(values))
                batch.bad.append(BadRow(number, "not_utf8", "the row has bytes that are no UTF-8", body))
            else:
                batch.rows.append(dict(zip(names, values, strict=True)))
                batch.numbers.append(number)
            if len(batch.rows) + len(batch.bad) >= ROWS:
                batch.share = lines.share
                yield batch
                batch = Batch([], [], [], 0)
        batch.share = 1
        yield batch


def _misfit(number: int, values: Sequence[str], width: int, delimiter: str) -> BadRow:
    code = "row_short" if len(values) < width else "row_long"
    return BadRow(number, code, f"the row has {len(values)} values, and not {width}", raw(delimiter.join(values)))


def _delimiter(path: Path, encoding: str) -> str:
    """The one by which most of the first lines have the same number of values, more than one; the comma, where none
    has."""
    lines = Lines(path, encoding)
    sample: list[str] = []
    try:
        while len(sample) < _SAMPLE:
            sample.append(next(lines))
    except (StopIteration, TooLong):
        pass
    finally:
        lines.close()
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
        except csv.Error:
            continue
        width, times = max(widths.items(), key=lambda one: (one[0] > 1, one[1]), default=(0, 0))
        if width > 1 and (times, width) > most:
            best, most = delimiter, (times, width)
    return best


def named(names: Sequence[str], path: Path) -> tuple[list[str], list[str]]:
    """Names of columns, each another one, and what was done for that."""
    if not any(name.strip() for name in names):
        raise UsageError(f"{path} has no line of names; say `columns: [one, two]` in the mapping")
    found: list[str] = []
    notes: list[str] = []
    for place, name in enumerate(names, 1):
        stripped = name.strip().replace("\n", " ") or f"column {place}"
        told, again = stripped, 2
        while told in found:
            told, again = f"{stripped} ({again})", again + 1
        if told != name.strip():
            notes.append(f"column {place} is called {told!r}, since {_why(name)}")
        found.append(told)
    return found, notes


def _why(name: str) -> str:
    return "another one has its name" if name.strip() else "it has no name"
