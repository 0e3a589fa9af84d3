"""Lists that come in and go out as files: CSV (with a line of headings, or without) or JSON Lines, one thing a line.

Read line by line, however long the file is and whatever bytes it holds: what cannot be read is a bad line with its
number and its reason, and the others count. What is written is CSV that no spreadsheet takes for a formula.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO, TypeVar

from msgspec import Struct

LINE_BYTES = 64 * 1024
MOST_SHOWN = 20
"""Bad lines that are kept with their reasons; all are counted."""
SLICE = 10_000
"""Lines of one transaction."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of one (OWASP, CSV injection)."""

T = TypeVar("T")


class Line(Struct, frozen=True):
    """One line by the names of its columns; of a missing one "". `message` says what is wrong with it."""

    number: int
    values: dict[str, str]
    message: str = ""


class Told(Struct):
    """What became of a list."""

    lines: int = 0
    new: int = 0
    known: int = 0
    """They change nothing."""
    bad: int = 0
    shown: list[Line] = []
    """The first of the bad ones."""

    def refuse(self, line: Line, message: str) -> None:
        self.bad += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(Line(line.number, {}, message))


def read(file: BinaryIO, columns: Sequence[str]) -> Iterator[Line]:
    """Every line that is not empty. A first line that names a column is the headings; without one they stand in the
    order of `columns`. Names are compared without case, blanks and underscores."""
    spelled = {_spelled(name): name for name in columns}
    names: list[str] = list(columns)
    delimiter, is_first = ",", True
    for number, text, problem in _texts(file):
        if problem:
            yield Line(number, {}, problem)
            continue
        if text.startswith("{"):
            yield _object(number, text, spelled)
            continue
        if is_first:
            delimiter = next((sign for sign in ",;\t" if sign in text), ",")
        cells = _cells(text, delimiter)
        if isinstance(cells, str):
            yield Line(number, {}, cells)
        elif is_first and _spelled(cells[0]) in spelled:
            names = [spelled.get(_spelled(cell), "") for cell in cells]
        elif len(cells) > len(names):
            yield Line(number, {}, f"there are {len(cells)} columns, and {len(names)} at most: {', '.join(columns)}")
        else:
            yield Line(number, {name: _plain(cell) for name, cell in zip(names, cells, strict=False) if name})
        is_first = False


def sliced(lines: Iterable[Line], told: Told, take: Callable[[Line], T | str]) -> Iterator[list[T]]:
    """What `take` makes of the lines, so many at once; a text is what is wrong with one."""
    left = iter(lines)
    while some := list(islice(left, SLICE)):
        found: list[T] = []
        for line in some:
            told.lines += 1
            taken = line.message or take(line)
            if isinstance(taken, str):
                told.refuse(line, taken)
            else:
                found.append(taken)
        yield found


def _texts(file: BinaryIO) -> Iterator[tuple[int, str, str]]:
    """Number, text without white space around it, and what is wrong."""
    number = 0
    while body := file.readline(LINE_BYTES):
        number += 1
        if not body.endswith(b"\n") and len(body) == LINE_BYTES:
            while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, "", f"the line is longer than {LINE_BYTES:,} bytes"
            continue
        try:
            text = body.decode("utf-8-sig" if number == 1 else "utf-8").strip(" \r\n")
        except UnicodeDecodeError:
            yield number, "", "the line is not UTF-8"
            continue
        if text:
            yield number, text, ""


def _object(number: int, text: str, spelled: dict[str, str]) -> Line:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Line(number, {}, "the line begins like a JSON object and is none")
    said = {spelled[_spelled(name)]: value for name, value in values.items() if _spelled(name) in spelled}
    if any(isinstance(value, list | dict) for value in said.values()):
        return Line(number, {}, "a value is a list or an object")
    return Line(number, {name: _text(value) for name, value in said.items() if value is not None})


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value).strip()


def _cells(text: str, delimiter: str) -> list[str] | str:
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        return f"the line is no CSV: {error}"
    return [cell.strip() for cell in cells]


def _plain(cell: str) -> str:
    """Without the mark that `written` puts before what looks like a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULAS else cell


def _spelled(name: str) -> str:
    return name.replace("_", "").replace(" ", "").casefold()


# ---- out -------------------------------------------------------------------------------------------------------------


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of CSV, the headings first (RFC 4180); what a spreadsheet would compute has an apostrophe before it."""
    yield _line(columns)
    for row in rows:
        yield _line([f"'{cell}" if cell.startswith(_FORMULAS) else cell for cell in row])


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
