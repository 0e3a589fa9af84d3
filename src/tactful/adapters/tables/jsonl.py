"""JSON Lines: one object a line."""

from collections.abc import Collection, Iterator
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
        for batch in self.batches(()):
            for row in batch.rows[:_SAMPLE]:
                for name, value in row.items():
                    kinds.setdefault(name, set()).update([_KINDS[type(value)]] if value is not None else [])
            break
        if not kinds:
            raise UsageError(f"{path} has no JSON objects, one a line")
        self.columns = [Column(name, found.pop() if len(found) == 1 else "anything") for name, found in kinds.items()]

    def batches(self, wanted: Collection[str]) -> Iterator[Batch]:
        lines = Lines(self.path, self.format.encoding)
        batch = Batch([], [], [], 0)
        try:
            while True:
                try:
                    line = next(lines)
                except StopIteration:
                    break
                except TooLong as error:
                    message = f"the line is longer than {LONGEST_ROW:,} characters"
                    batch.bad.append(BadRow(lines.number, "row_too_long", message, raw(str(error))))
                    continue
                if not line.strip():
                    continue
                row = _read(line, lines.number)
                if isinstance(row, BadRow):
                    batch.bad.append(row)
                else:
                    batch.rows.append(row)
                    batch.numbers.append(lines.number)
                if len(batch.rows) + len(batch.bad) >= ROWS:
                    batch.share = lines.share
                    yield batch
                    batch = Batch([], [], [], 0)
        finally:
            lines.close()
        batch.share = 1
        yield batch


def _read(line: str, number: int) -> Row | BadRow:
    body = raw(line.rstrip("\r\n"))
    if not is_text(line):
        return BadRow(number, "not_utf8", "the line has bytes that are no UTF-8", body)
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        return BadRow(number, "not_json", f"the line is no JSON object: {error}", body)
