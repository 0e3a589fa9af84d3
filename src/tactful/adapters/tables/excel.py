"""Excel and OpenDocument sheets, by calamine: what the cells show. Formulas are not worked out: their stored result
counts; cells without one, or with an error in its place, are empty, and the report says how many they are. A sheet is
held in memory; no sheet has more than a million rows."""

import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import python_calamine
from msgspec.structs import replace

from tactful.adapters.tables.delimited import named
from tactful.errors import UsageError
from tactful.operations.imports.tables import Batch, Column, FileFormat, Row

ROWS = 2000
_SAMPLE = 200
_ERROR = re.compile(rb'<c\b[^>]*\bt="e"[^>]*>')
_FORMULA = re.compile(rb"<c\b[^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")


class Excel:
    def __init__(self, path: Path, format: FileFormat) -> None:
        self.path = path
        try:
            self._book = python_calamine.load_workbook(path)
        except python_calamine.PasswordError:
            raise UsageError(f"{path} is protected by a password; save it without one") from None
        except (python_calamine.CalamineError, OSError) as error:
            raise UsageError(f"{path} cannot be read as a sheet: {error}") from None
        sheets = self._book.sheet_names
        name = format.sheet or (sheets[0] if sheets else "")
        if name not in sheets:
            raise UsageError(f"{path} has no sheet {name!r}; it has {', '.join(map(repr, sheets)) or 'none'}")
        self.format = replace(format, format="excel", sheet=name)
        self._sheet = self._book.get_sheet_by_name(name)
        header: Sequence[Any] = format.columns or next(filter(any, self._cells()), [])
        self._names, notes = named(["" if one is None else str(one) for one in header], path)
        self.notes = [
            *notes,
            *self._formulas(),
            *([f"of {len(sheets)} sheets, {name!r} is read"] if sheets[1:] else []),
        ]
        self.columns = [Column(name, kind) for name, kind in zip(self._names, self._kinds(), strict=True)]

    def _cells(self) -> Iterator[list[Any]]:
        before = self._sheet.start[0] if self._sheet.start else 0
        yield from ([] for _ in range(before))
        for row in self._sheet.to_python(skip_empty_area=True):
            yield [_value(cell) for cell in row]

    def _kinds(self) -> Sequence[str]:
        found: list[set[str]] = [set() for _ in self._names]
        for batch in self.batches(()):
            for row in batch.rows[:_SAMPLE]:
                for kinds, value in zip(found, row.values(), strict=True):
                    if value is not None:
                        kinds.add(
                            "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
                        )
            break
        return [kinds.pop() if len(kinds) == 1 else "anything" for kinds in found]

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        names, width = self._names, len(self._names)
        rows: list[Row] = []
        numbers: list[int] = []
        is_header = not self.format.columns
        total = max(self._sheet.height, 1)
        for number, cells in enumerate(self._cells(), 1):
            if not any(cell is not None for cell in cells):
                continue
            if is_header:
                is_header = False
                continue
            rows.append(dict(zip(names, [*cells, *[None] * (width - len(cells))], strict=False)))
            numbers.append(number)
            if len(rows) >= ROWS:
                yield Batch(rows, numbers, [], min(number / total, 1))
                rows, numbers = [], []
        yield Batch(rows, numbers, [], 1)

    def _formulas(self) -> list[str]:
        """Cells whose formula nobody has worked out, as other programs than Excel write them."""
        if not zipfile.is_zipfile(self.path) or self.path.suffix not in (".xlsx", ".xlsm"):
            return []
        with zipfile.ZipFile(self.path) as book:
            sheets = [book.read(one) for one in book.namelist() if one.startswith("xl/worksheets/sheet")]
        unsolved = sum(len(_FORMULA.findall(one)) for one in sheets)
        wrong = sum(len(_ERROR.findall(one)) for one in sheets)
        told = []
        if unsolved:
            hint = "open the file in Excel and save it, and they have one"
            told.append(f"{unsolved:,} cells hold a formula without a result, and count as empty: {hint}")
        if wrong:
            told.append(f"{wrong:,} cells hold an error such as #DIV/0!, and count as empty")
        return told


def _value(cell: Any) -> Any:
    """Empty cells are missing; whole numbers are whole, since Excel has no others; times are texts in ISO 8601."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1 << 53:
        return int(cell)
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell.total_seconds() if isinstance(cell, timedelta) else cell
