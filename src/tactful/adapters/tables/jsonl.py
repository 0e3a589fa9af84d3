"""JSON Lines: one object a line."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tactful.adapters.tables.lines import Lines, TooLong, encoding_of, is_text, raw
from tactful.errors import UsageError
from tactful.operations.imports.tables import LONGEST_ROW, BadRow, Batch, Column, FileFormat, Row

ROWS = 2000
_SAMPLE = 200
_decoder = msgspec.json.Decoder(dict[str, object])
_KINDS = {str: "text", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}


class JsonLines:
    """Its columns are the fields of the first lines."""

    def __init__(self, path: Path, format: FileFormat) -> None:
        self.path = path
        self.format = replace(format, format="jsonl", encoding=format.encoding or encoding_of(path, "utf-8"))
        self.notes: list[str] = []
        kinds: dict[str, set[str]] = {}
        seen = 0
        for batch in self.batches(()):
            for row in batch.rows[:_SAMPLE]:
                for name, value in row.items():
                    kinds.setdefault(name, set()).update([_KINDS[type(value)]] if value is not None else [])
            seen += len(batch.rows) + len(batch.bad)
            if kinds or seen >= ROWS:
                break
        if not kinds:
            raise UsageError(f"{path} has no JSON objects, one a line")
        self.columns = [Column(name, found.pop() if len(found) == 1 else "anything") for name, found in kinds.items()]

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        lines = Lines(self.path, self.format.encoding)
        try:
            while True:
                first = lines.number + 1
                try:
                    piece = lines.piece(ROWS)
                except TooLong as error:
                    message = f"the line is longer than {LONGEST_ROW:,} characters"
                    bad = [BadRow(lines.number, "row_too_long", message, raw(str(error)))]
                    yield Batch([], [], bad, lines.share)
                    continue
                if not piece:
                    break
                batch = _batch(piece, first, is_text=lines.is_text)
                batch.share = lines.share
                yield batch
        finally:
            lines.close()
        yield Batch([], [], [], 1)


def _batch(lines: Sequence[str], first: int, *, is_text: bool) -> Batch:
    """All of them at once, where each is one object; else one by one."""
    if is_text:
        try:
            rows = _decoder.decode_lines("".join(lines))
        except (msgspec.MsgspecError, RecursionError):
            rows = []
        if len(rows) == len(lines):
            return Batch(rows, list(range(first, first + len(rows))), [], 0)
    batch = Batch([], [], [], 0)
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        row = _read(line, number)
        if isinstance(row, BadRow):
            batch.bad.append(row)
        else:
            batch.given.append(row)
            batch.numbers.append(number)
    return batch


def _read(line: str, number: int) -> Row | BadRow:
    body = raw(line.rstrip("\r\n"))
    if not is_text(line):
        return BadRow(number, "not_utf8", "the line has bytes that are no UTF-8", body)
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        return BadRow(number, "not_json", f"the line is no JSON object: {error}", body)
