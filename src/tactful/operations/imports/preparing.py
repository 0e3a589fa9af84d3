"""From the name of a file to what can be taken: the file opened, its mapping read, what it joins joined."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from tactful.errors import TransientError
from tactful.operations.imports.calls import Calls, Made, Rows
from tactful.operations.imports.mapping import FileMapping
from tactful.operations.imports.reading import read_head, read_mapping
from tactful.operations.imports.tables import Column, Join, Table, Tables

_PIECE = 1 << 20


class Prepared(Struct):
    path: Path
    mapping: FileMapping
    table: Table
    files: list[Path]

    @property
    def digest(self) -> str:
        """Of the files, and of the mapping."""
        digest = blake2b(digest_size=16)
        for path in self.files:
            try:
                with path.open("rb") as file:
                    while piece := file.read(_PIECE):
                        digest.update(piece)
            except OSError as error:
                raise TransientError(f"{path} could not be read: {error.strerror}") from None
        return f"{digest.hexdigest()}:{self.mapping.digest}"

    def calls(self) -> Calls:
        return Calls(self.mapping, self.path.name)

    def rows(self, calls: Calls, *, in_lots: bool = False) -> Iterator[Rows]:
        """`in_lots`: for taking.py, which makes records of them."""
        return calls.of(self.table.batches(self.mapping.columns), in_lots=in_lots)

    def first(self, most: int = 3) -> list[Made]:
        """The first calls, to be looked at."""
        found: list[Made] = []
        for some in self.rows(self.calls()):
            found += some.made
            if len(found) >= most:
                break
        return found[:most]


def prepare(tables: Tables, path: Path, text: str, at: Path) -> Prepared:
    """`text` is the mapping, which stands at `at`. Raises DefinitionError for it, UsageError for the files."""
    head = read_head(text, at)
    table = tables.open(path, head.format)
    joins = [
        Join(one.name, tables.open(path.parent / one.file, one.format), one.column, one.other) for one in head.joins
    ]
    columns = [
        *table.columns,
        *(Column(f"{join.name}.{column.name}", column.kind) for join in joins for column in join.table.columns),
    ]
    mapping = read_mapping(text, at, columns)
    files = [path, *(join.table.path for join in joins)]
    if joins or mapping.together:
        table = tables.arranged(table, joins, mapping.together)
    return Prepared(path, mapping, table, files)
