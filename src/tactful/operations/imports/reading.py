"""A mapping file read: every mistake with its place, as in the definitions of a project.

First its head, which says how the file is to be opened; then, with the columns that are there, what is made of them. A
text is a column where there is one of that name, and else an expression over the columns of the row.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from tactful.errors import DefinitionError
from tactful.language.check import Checked, check
from tactful.language.document import Document, Fields
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.yaml_nodes import Mapping as Pairs
from tactful.language.yaml_nodes import Node, Text
from tactful.language.yaml_nodes import Sequence as Items
from tactful.operations.imports.mapping import (
    KINDS,
    TYPES,
    ColumnType,
    FileMapping,
    Head,
    JoinSpec,
    Kind,
    Rule,
    Value,
    checked_of,
    read_by,
)
from tactful.operations.imports.tables import FORMATS, Column, FileFormat
from tactful.operations.imports.texts import NUMBER_FORMATS, time_problem
from tactful.values import digest

_FILE = ("format", "encoding", "delimiter", "columns", "sheet")
_TOP = ("source", *_FILE, "join", "zone", "types", "missing", "events", "calls")
_PEOPLE = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "group_id": "groupId",
    "previous_id": "previousId",
    "email": "email",
    "phone": "phone",
}
_RULE = (
    *(
        "event",
        "type",
        "name",
        "if",
        "rows",
        "id",
        *_PEOPLE,
        "timestamp",
        "properties",
        "traits",
        "context",
        "products",
    ),
    *("consent", "granted"),
)
_VALUE = ("column", "expression", "constant", "sum", "count", "values")
_CONSTANTS: dict[str, Any] = {"true": True, "false": False}


def read_head(text: str, path: Path) -> Head:
    """Raises DefinitionError."""
    document = Document(path.name, text)
    fields = document.fields(_TOP, ())
    head = Head("", FileFormat(), ())
    if fields is not None:
        head = Head(fields.text("source", "import"), _format(fields), [*_joins(fields)])
    _finish(document)
    return head


def read_mapping(text: str, path: Path, columns: Collection[Column]) -> FileMapping:
    """`columns` are those of the file with all that is joined to it. Raises DefinitionError."""
    return _Reading(Document(path.name, text), columns).all(text, path)


def _finish(document: Document) -> None:
    if document.problems:
        raise DefinitionError(*document.problems)


def _format(fields: Fields) -> FileFormat:
    format = fields.choice("format", FORMATS, "csv") if "format" in fields else ""
    delimiter = fields.text("delimiter") if "delimiter" in fields else ""
    told = fields.text("encoding"), {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    return FileFormat(format, *told, fields.texts("columns"), fields.text("sheet"))


def _joins(fields: Fields) -> list[JoinSpec]:
    found = []
    for name, node in fields.pairs("join"):
        inner = fields.document.fields_of(node, f'"{name.value}"', ("file", "on", *_FILE), ("file", "on"))
        on = inner.pairs("on") if inner is not None and "on" in inner else []
        if inner is None:
            continue
        if len(on) != 1 or not isinstance(on[0][1], Text):
            inner.document.refuse(
                node.start, '"on" names one column of each file', "write on: {product_id: product_id}"
            )
            continue
        column, other = on[0][0].value, on[0][1].value
        found.append(JoinSpec(name.value, inner.text("file"), column, other, _format(inner)))
    return found


class _Reading:
    def __init__(self, document: Document, columns: Collection[Column]) -> None:
        self.document = document
        self.kinds = {column.name: column.kind for column in columns}
        self.names = names_of(self.kinds)

    def all(self, text: str, path: Path) -> FileMapping:
        fields = self.document.fields(_TOP, ())
        head = read_head(text, path)
        assert fields is not None
        if fields.flag("calls"):
            if "events" in fields:
                fields.refuse("calls", "with calls: true each line is a call as it stands", "leave out events:")
            _finish(self.document)
            return FileMapping(head, digest(text))
        zone = fields.text("zone")
        if problem := time_problem("", zone):
            fields.refuse("zone", problem)
        types = self._types(fields, zone)
        rules = self._rules(fields)
        for name in {rule.timestamp.column for rule in rules if rule.timestamp.column}:
            types.setdefault(name, ColumnType("time", zone=zone))
        _finish(self.document)
        missing = frozenset(fields.texts("missing"))
        return FileMapping(head, digest(text), rules, types, missing, self.names)

    # ---- columns -------------------------------------------------------------------------------------------------

    def _types(self, fields: Fields, zone: str) -> dict[str, ColumnType]:
        """Those that the file has, and what the mapping says."""
        found = {name: ColumnType("time", zone=zone) for name, kind in self.kinds.items() if kind == "time"}
        for name, node in fields.pairs("types"):
            if not self._is_column(name):
                continue
            if isinstance(node, Text):
                type, format, own = node.value, "", ""
            else:
                inner = self.document.fields_of(node, f'"{name.value}"', (*TYPES, "zone"), ())
                if inner is None:
                    continue
                type = next((one for one in TYPES if one in inner), "")
                format, own = inner.text(type) if type else "", inner.text("zone")
            if type not in TYPES:
                hint = did_you_mean(type, TYPES) or f"write {', '.join(TYPES)}"
                self.document.refuse(node.start, f'"{type}" is no type of a column', hint)
                continue
            if type == "number" and format and format not in NUMBER_FORMATS:
                self.document.refuse(node.start, f'a number is written with a point or a comma, not "{format}"')
            elif type == "time" and (problem := time_problem(format, own)):
                self.document.refuse(node.start, problem)
            else:
                found[name.value] = ColumnType(type, format, own or zone)
        return found

    def _is_column(self, name: Text) -> bool:
        if name.value in self.kinds:
            return True
        hint = did_you_mean(name.value, self.kinds) or f"there are {', '.join(self.kinds)}"
        self.document.refuse(name.start, f'the file has no column "{name.value}"', hint)
        return False

    # ---- events --------------------------------------------------------------------------------------------------

    def _rules(self, fields: Fields) -> list[Rule]:
        node = fields.nodes.get("events")
        if not isinstance(node, Items) or not node.items:
            self.document.refuse(
                node.start if node else 0, "a mapping says which events it makes", "events: a list of them"
            )
            return []
        rules = [rule for item in node.items if (rule := self._rule(item)) is not None]
        if len({rule.rows for rule in rules if rule.rows}) > 1:
            self.document.refuse(
                node.start, "all that is put together goes by the same columns", "make two mappings of it"
            )
        return rules

    def _rule(self, node: Node) -> Rule | None:
        fields = self.document.fields_of(node, "an entry of events", _RULE, ("timestamp",))
        if fields is None:
            return None
        kind = cast("Kind", "consent" if "consent" in fields else fields.choice("type", KINDS, "track"))
        if kind == "track" and "event" not in fields:
            self.document.refuse(node.start, "a track call needs the name of its event", "event: Order Completed")
        people = {call: value for name, call in _PEOPLE.items() if (value := self._value(fields, name))}
        if not people:
            self.document.refuse(node.start, "nobody is named", f"add one of {', '.join(_PEOPLE)}")
        for name in ("properties", "traits"):
            if name in fields and (kind in ("identify", "group")) is not (name == "traits"):
                other = "traits" if name == "properties" else "properties"
                fields.refuse(name, f"{kind} has {other}, no {name}", f"write {other}:")
        rows = self._columns(fields, "rows")
        if not rows and "products" in fields:
            fields.refuse(
                "products", "products are made of several rows", "say rows: which column makes them one order"
            )
        timestamp = self._value(fields, "timestamp")
        if timestamp is None:
            return None
        rule = Rule(
            kind=kind,
            event=self._name(fields, "event" if kind == "track" else "name"),
            condition=self._expression(fields, "if", "condition"),
            rows=rows,
            id=self._columns(fields, "id"),
            people=people,
            timestamp=timestamp,
            properties=self._values(fields, "traits" if kind in ("identify", "group") else "properties"),
            context=self._values(fields, "context"),
            products=self._values(fields, "products"),
            purpose=self._name(fields, "consent"),
            granted=self._value(fields, "granted"),
        )
        if kind == "consent" and rule.granted is None:
            self.document.refuse(node.start, "a decision is a yes or a no", "granted: the column that says so")
        for checked in checked_of(rule):
            self._known(checked, fields)
        return rule

    def _columns(self, fields: Fields, name: str) -> tuple[str, ...]:
        found = fields.texts(name)
        node = fields.nodes.get(name)
        items = node.items if isinstance(node, Items) else [node] if node is not None else []
        if not all([self._is_column(item) for item in items if isinstance(item, Text)]):
            return ()
        return found

    def _name(self, fields: Fields, name: str) -> Value | None:
        """A name stands for itself; one that comes from a column says so: {column: kind}."""
        node = fields.nodes.get(name)
        if isinstance(node, Text):
            return Value(constant=fields.text(name))
        return self._value(fields, name)

    def _values(self, fields: Fields, name: str) -> dict[str, Value]:
        """Names with dots are objects within objects, in the calls."""
        found = {}
        for key, node in fields.pairs(name):
            value = self._read(node, fields)
            if value is not None:
                found[key.value] = value
        return found

    def _value(self, fields: Fields, name: str) -> Value | None:
        return self._read(fields.nodes[name], fields) if name in fields else None

    def _read(self, node: Node, fields: Fields) -> Value | None:
        if isinstance(node, Text):
            if node.value in self.kinds:
                return Value(column=node.value)
            checked = self._check(node, "value")
            return Value(expression=checked) if checked is not None else None
        if not isinstance(node, Pairs):
            self.document.refuse(
                node.start, "a value is a column, an expression, or {constant: ...}", "a name alone will do"
            )
            return None
        inner = self.document.fields_of(node, "a value", _VALUE, ())
        if inner is None:
            return None
        said = [name for name in _VALUE if name in inner and name != "values"]
        if len(said) != 1:
            self.document.refuse(node.start, "a value comes from one place", f"say one of {', '.join(_VALUE[:-1])}")
            return None
        return self._of(said[0], inner)

    def _of(self, said: str, inner: Fields) -> Value | None:
        meant = {key.value: _constant(node) for key, node in inner.pairs("values")}
        node = inner.nodes[said]
        match said:
            case "column":
                is_there = isinstance(node, Text) and self._is_column(node)
                return Value(column=inner.text("column"), values=meant) if is_there else None
            case "constant":
                return Value(constant=_constant(node))
            case "count":
                return Value(is_count=True)
            case "sum":
                checked = self._expression(inner, "sum", "value")
                return Value(sum=checked) if checked is not None else None
            case _:
                checked = self._expression(inner, "expression", "value")
                return Value(expression=checked, values=meant) if checked is not None else None

    def _expression(self, fields: Fields, name: str, wanted: str) -> Checked | None:
        node = fields.nodes.get(name)
        if node is None:
            return None
        if not isinstance(node, Text):
            fields.refuse(name, f'"{name}" is an expression over the columns', "write it on one line")
            return None
        return self._check(node, wanted)

    def _check(self, node: Text, wanted: str) -> Checked | None:
        try:
            return check(node.value, cast("Any", wanted), "event")
        except Mistake as mistake:
            hint = mistake.remark.hint or did_you_mean(node.value, self.kinds)
            start = node.start + (1 if node.style in ("'", '"') else 0)
            self.document.refuse(start + mistake.remark.offset, mistake.remark.message, hint)
            return None

    def _known(self, checked: Checked, fields: Fields) -> None:
        for name in sorted(read_by(checked) - self.names.keys()):
            hint = did_you_mean(name, self.names) or f"there are {', '.join(self.names)}"
            at = self.document.text.find(checked.text)
            self.document.refuse(max(at, 0) + max(checked.text.find(name), 0), f'the file has no column "{name}"', hint)


def _constant(node: Node) -> Any:
    """A number, true or false where it is written without quotes; null is nothing."""
    if not isinstance(node, Text):
        return [_constant(item) for item in node.items] if isinstance(node, Items) else None
    if node.is_null:
        return None
    if node.style:
        return node.value
    if node.value in _CONSTANTS:
        return _CONSTANTS[node.value]
    if re.fullmatch(r"-?[0-9]{1,15}", node.value):
        return int(node.value)
    return float(node.value) if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", node.value) else node.value


def names_of(columns: Mapping[str, str] | Collection[str]) -> dict[str, str]:
    """How columns are called in expressions: as they are, with _ for what is no letter, digit or _."""
    found: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"\W", "_", column)
        name = f"_{name}" if name[:1].isdigit() else name
        found.setdefault(name, column)
    return found
