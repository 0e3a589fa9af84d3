"""Which reader a file gets: by what the mapping says, else by its name, else by its first bytes."""

from collections.abc import Sequence
from pathlib import Path

from tactful.adapters.tables.arranged import Arranged
from tactful.adapters.tables.lines import opened, world
from tactful.errors import UsageError
from tactful.operations.imports.tables import FORMATS, FileFormat, Join, Table

_BY_NAME = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
}  # fmt: skip


class FileTables:
    """The port `Tables`."""

    def open(self, path: Path, format: FileFormat) -> Table:
        if not path.is_file():
            raise UsageError(f"{path} is no file")
        kind = format.format or format_of(path)
        if kind == "parquet":
            from tactful.adapters.tables.columnar import Parquet

            return Parquet(path, format)
        if kind == "excel":
            from tactful.adapters.tables.excel import Excel

            return Excel(path, format)
        if kind == "jsonl":
            from tactful.adapters.tables.jsonl import JsonLines

            return JsonLines(path, format)
        if kind == "csv":
            from tactful.adapters.tables.delimited import Delimited

            return Delimited(path, format)
        raise UsageError(f"{kind} is no format that is read; known are {', '.join(FORMATS)}")

    def arranged(self, table: Table, joins: Sequence[Join], together: Sequence[str]) -> Table:
        return Arranged(table, joins, together)


def format_of(path: Path) -> str:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    found = _BY_NAME.get(suffix.lower(), "")
    with world(path), opened(path) as file:
        start = file.read(512)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "excel"
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and found in ("", "csv", "jsonl"):
        return "jsonl"
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[") and found == "jsonl":
        raise UsageError(f"{path} is one JSON list; one object a line is read: jq -c '.[]' {path.name} > lines.jsonl")
    if not found and path.suffix:
        raise UsageError(
            f"{path} is no table by its name; what is read is CSV ({_named('csv')}), JSON Lines ({_named('jsonl')}), "
            f"Parquet ({_named('parquet')}) and Excel or OpenDocument ({_named('excel')}), the first two also gzipped. "
            f"If it is one, `format:` in the mapping says which: {', '.join(FORMATS)}"
        )
    return found or "csv"


def _named(kind: str) -> str:
    return ", ".join(suffix for suffix, one in _BY_NAME.items() if one == kind)
