"""CSV, and what else has one delimiter between its values: by Python's csv module, which streams and goes on behind a
line that it cannot read. Every value is the text that stands there; "" is a missing one."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from tactful.adapters.tables.lines import Lines, TooLong, encoding_of, is_text, raw
from tactful.errors import UsageError
from tactful.operations.imports.tables import LONGEST_ROW, BadRow, Batch, Column, FileFormat

ROWS = 2000
DELIMITERS = ",;\t|"
_SAMPLE = 50
Part = tuple[list[list[str]], list[int], list[BadRow], float]
"""Rows as they were read, their numbers, what could not be read, and how much of the file that was."""


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
            return next((row for row in csv.reader(iter(lines), delimiter=self.format.delimiter) if any(row)), [])
        except (csv.Error, TooLong) as error:
            raise UsageError(f"{self.path}: the first line is no line of names: {error}") from None
        finally:
            lines.close()

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        lines = Lines(self.path, self.format.encoding)
        places = [place for place, name in enumerate(self._names) if not wanted or name in wanted]
        try:
            for rows, numbers, bad, share in self._parts(lines):
                values = list(zip(*rows, strict=True)) or [()] * len(self._names)
                yield Batch([], numbers, bad, share, {self._names[place]: values[place] for place in places})
        finally:
            lines.close()

    def _parts(self, lines: Lines) -> Iterator[Part]:
        reader = csv.reader(iter(lines), delimiter=self.format.delimiter)
        rows: list[list[str]] = []
        numbers: list[int] = []
        bad: list[BadRow] = []
        is_header, is_over = not self.format.columns, False
        while not is_over:
            try:
                while len(rows) + len(bad) < ROWS:
                    number = lines.number + 1
                    values = next(reader)
                    if not any(values):
                        continue
                    if is_header:
                        is_header = False
                    elif (found := self._misfit(number, values, lines)) is not None:
                        bad.append(found)
                    else:
                        rows.append(values)
                        numbers.append(number)
            except StopIteration:
                is_over = True
            except TooLong as error:
                message = f"the line is longer than {LONGEST_ROW:,} characters"
                bad.append(BadRow(lines.number, "row_too_long", message, raw(str(error))))
                reader = csv.reader(iter(lines), delimiter=self.format.delimiter)
            except csv.Error as error:
                message = f"the row cannot be read as CSV: {error} (a quote that is not closed?)"
                bad.append(BadRow(number, "row_unreadable", message, b""))
            if is_over or len(rows) + len(bad) >= ROWS:
                yield rows, numbers, bad, 1 if is_over else lines.share
                rows, numbers, bad = [], [], []

    def _misfit(self, number: int, values: Sequence[str], lines: Lines) -> BadRow | None:
        width, delimiter = len(self._names), self.format.delimiter
        if len(values) != width:
            code = "row_short" if len(values) < width else "row_long"
            message = f"the row has {len(values)} values, and not {width}"
            return BadRow(number, code, message, raw(delimiter.join(values)))
        if not lines.is_text and not is_text("".join(values)):
            return BadRow(number, "not_utf8", "the row has bytes that are no UTF-8", raw(delimiter.join(values)))
        return None


def _delimiter(path: Path, encoding: str) -> str:
    """The one by which most of the first lines have the same number of values, more than one; the comma, where none
    has."""
    lines = Lines(path, encoding)
    sample: list[str] = []
    try:
        sample += islice(lines, _SAMPLE)
    except TooLong:
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
