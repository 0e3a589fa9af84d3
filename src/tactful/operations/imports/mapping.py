"""A mapping: how the rows of a file become calls (docs/importing.md). Read from YAML by reading.py, guessed by
guess.py, applied by calls.py."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from tactful.language import tree
from tactful.language.check import Checked
from tactful.operations.imports.tables import FileFormat

Kind = Literal["track", "identify", "page", "screen", "group", "alias", "consent"]
KINDS = ("track", "identify", "page", "screen", "group", "alias", "consent")
TYPES = ("number", "text", "boolean", "time", "list")


class ColumnType(Struct, frozen=True):
    """What the texts of a column mean (texts.py)."""

    type: str
    format: str = ""
    """Of a time: a pattern, or iso, seconds, ...; of a number: point or comma; of a list: what stands between."""
    zone: str = ""
    """Of times that say none."""


class Value(Struct, frozen=True):
    """Where a value comes from: exactly one of the first five."""

    column: str = ""
    expression: Checked | None = None
    constant: Any = None
    sum: Checked | None = None
    """Of the rows that are put together."""
    is_count: bool = False
    """How many rows were put together."""
    values: Mapping[str, Any] = {}
    """What stands in the file, and what is meant; what is not here stays as it is."""


class Rule(Struct, frozen=True):
    """One entry of `events:`, which makes a call of a row, or of several."""

    kind: Kind
    event: Value | None
    """The name: of a track call; of a page or screen `name`."""
    condition: Checked | None
    rows: tuple[str, ...]
    """Columns: rows with equal values are one call."""
    id: tuple[str, ...]
    """Columns that tell one call from another; none: the place in the file does."""
    people: Mapping[str, Value]
    """userId, anonymousId, groupId, previousId, email and phone."""
    timestamp: Value
    properties: Mapping[str, Value]
    """Of identify and group: the traits."""
    context: Mapping[str, Value]
    products: Mapping[str, Value]
    """One product for each row."""
    purpose: Value | None = None
    granted: Value | None = None


class JoinSpec(Struct, frozen=True):
    name: str
    file: str
    """Beside the imported file, unless it is a path of its own."""
    column: str
    other: str
    format: FileFormat


class Head(Struct, frozen=True):
    """What has to be known to open the files."""

    source: str
    format: FileFormat
    joins: Sequence[JoinSpec]


class FileMapping(Struct, frozen=True):
    """All of it; `rules` are none where each line is a tracking call as it stands."""

    head: Head
    digest: str
    """Of its text."""
    rules: Sequence[Rule] = ()
    types: Mapping[str, ColumnType] = {}
    missing: frozenset[str] = frozenset()
    """Texts that stand for nothing, beside the empty one."""
    names: Mapping[str, str] = {}
    """The column that each name in expressions means."""

    @property
    def together(self) -> tuple[str, ...]:
        return next((rule.rows for rule in self.rules if rule.rows), ())

    @property
    def columns(self) -> set[str]:
        """All that is read."""
        found: set[str] = set()
        for rule in self.rules:
            found |= {*rule.rows, *rule.id}
            for value in values_of(rule):
                found |= {value.column} if value.column else set()
            for checked in checked_of(rule):
                found |= {self.names[name] for name in read_by(checked) if name in self.names}
        return found


def values_of(rule: Rule) -> list[Value]:
    parts = (rule.people, rule.properties, rule.context, rule.products)
    alone = (rule.event, rule.timestamp, rule.purpose, rule.granted)
    return [value for part in parts for value in part.values()] + [one for one in alone if one is not None]


def checked_of(rule: Rule) -> list[Checked]:
    found = [one for value in values_of(rule) for one in (value.expression, value.sum)]
    return [one for one in [rule.condition, *found] if one is not None]


def read_by(checked: Checked) -> set[str]:
    """The names that an expression asks for."""
    return {str(node.path[0]) for node in tree.everything(checked.tree) if isinstance(node, tree.Property)}
