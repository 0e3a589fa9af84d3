"""From rows to tracking calls, as a client would have sent them: JSON, with a messageId that is the same whenever the
same file is read with the same mapping.

What the mapping says is made into functions once, and applied to row after row. Nothing is judged here but what cannot
become a call at all: that is for intake and tracking plan, as with every other client (taking.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct

from tactful.language.compile import compile_event_value, compile_test
from tactful.operations.imports.lots import Lot, lots_of
from tactful.operations.imports.mapping import FileMapping, Rule, Value, checked_of, read_by
from tactful.operations.imports.tables import BadRow, Batch, Row
from tactful.operations.imports.texts import UNREAD, Reader, message_id, reader, said

Get = Callable[[Sequence[Row]], Any]
"""A value of the rows of one call: of one row, or of those that are put together."""
_encode = msgspec.json.Encoder().encode
_NOTHING: Mapping[str, Any] = {}
_TRUE = frozenset(("true", "yes", "y", "1", "t", "on", "granted", "subscribed", "opted in"))
_FALSE = frozenset(("false", "no", "n", "0", "f", "off", "denied", "unsubscribed", "opted out"))


class Made(Struct, frozen=True):
    """One call, and the row that it comes from (of several, the first)."""

    number: int
    call: dict[str, Any]

    @property
    def body(self) -> bytes:
        """Its JSON. Raises UnicodeEncodeError where it holds half characters, which JSON cannot say."""
        return _encode(self.call)


class Unread(Struct):
    """Values of a column that could not be read as its type: how many, and one with its place."""

    count: int
    number: int
    text: str


class Rows(Struct):
    """What became of some rows of the file: `rows` of them were read, `unused` of them made no call. A `lot` is yet to
    be made into records (quick.py)."""

    rows: int
    made: list[Made]
    bad: list[BadRow]
    unused: int
    share: float
    lot: Lot | None = None


class Calls:
    """Applies one mapping to one file. `file` goes into messageIds, so that two files give different ones."""

    def __init__(self, mapping: FileMapping, file: str) -> None:
        self._mapping = mapping
        self._file = file
        self._readers: list[tuple[str, Reader]] = [(name, reader(type)) for name, type in mapping.types.items()]
        self._missing = mapping.missing
        used = {name for rule in mapping.rules for checked in checked_of(rule) for name in read_by(checked)}
        self._also = [(name, column) for name, column in mapping.names.items() if name != column and name in used]
        self._makers = [_Maker(rule, file) for rule in mapping.rules]
        self._has_groups = bool(mapping.together)
        self.unread: dict[str, Unread] = {}
        self.lots = lots_of(mapping, file)
        """None where the mapping says more than can be done with whole batches."""

    def of(self, batches: Iterator[Batch], *, in_lots: bool = False) -> Iterator[Rows]:
        """Rows in the order of the file; a batch may end earlier or later than that which was read, since rows that are
        put together stay together."""
        if not self._mapping.rules:
            for batch in batches:
                made = [self._as_it_stands(row, number) for number, row in zip(batch.numbers, batch.rows, strict=True)]
                yield Rows(len(batch.rows) + len(batch.bad), made, batch.bad, 0, batch.share)
        elif not self._has_groups:
            for batch in batches:
                yield (self._lot(batch) if in_lots else None) or self._single(batch)
        else:
            yield from self._grouped(batches)

    def _as_it_stands(self, row: Row, number: int) -> Made:
        if not row.get("messageId"):
            row["messageId"] = message_id(f"{self._file} {number}")
        return Made(number, row)

    def _lot(self, batch: Batch) -> Rows | None:
        lot = self.lots.of(batch) if self.lots is not None else None
        if lot is None:
            return None
        for name, places in lot.unread.items():
            for place, value in places:
                self._note(name, batch.numbers[place], value)
        return Rows(len(batch.numbers) + len(batch.bad), [], batch.bad, 0, batch.share, lot)

    def made(self, lot: Lot, at: int, place: int) -> Made:
        """The call that a rule makes of one row of a lot."""
        row = {name: values[at] for name, values in lot.columns.items()}
        for name, read in self._readers:
            if name in lot.pending and row.get(name) is not None:
                row[name] = read(row[name])
        for name, column in self._also:
            row[name] = row.get(column)
        number = lot.numbers[at]
        return Made(number, self._makers[place].call([row], number, place))

    def _single(self, batch: Batch) -> Rows:
        made: list[Made] = []
        unused = 0
        for number, row in zip(batch.numbers, batch.rows, strict=True):
            self._convert(row, number)
            before = len(made)
            for place, maker in enumerate(self._makers):
                if maker.takes(row):
                    made.append(Made(number, maker.call([row], number, place)))
            unused += len(made) == before
        return Rows(len(batch.rows) + len(batch.bad), made, batch.bad, unused, batch.share)

    def _grouped(self, batches: Iterator[Batch]) -> Iterator[Rows]:
        """The rows of a group lie behind each other; the last one of a batch may go on in the next."""
        together = self._mapping.together
        held: list[tuple[int, Row]] = []
        for batch in batches:
            for number, row in zip(batch.numbers, batch.rows, strict=True):
                self._convert(row, number)
            rows = [*held, *zip(batch.numbers, batch.rows, strict=True)]
            last = _key(rows[-1][1], together) if rows and batch.share < 1 else None
            cut = len(rows)
            while last is not None and cut and _key(rows[cut - 1][1], together) == last:
                cut -= 1
            held = rows[cut:]
            yield self._groups(rows[:cut], batch)
        if held:
            yield self._groups(held, Batch([], [], [], 1))

    def _groups(self, rows: Sequence[tuple[int, Row]], batch: Batch) -> Rows:
        together = self._mapping.together
        made: list[Made] = []
        unused = 0
        for key, found in groupby(rows, lambda one: _key(one[1], together)):
            group = list(found)
            parts = [group] if key is not None else [[one] for one in group]
            for part in parts:
                taken: set[int] = set()
                for place, maker in enumerate(self._makers):
                    mine = [one for one in part if maker.takes(one[1])]
                    if maker.rule.rows and key is None:
                        continue
                    for lot in [mine] if maker.rule.rows else [[one] for one in mine]:
                        if lot:
                            taken |= {number for number, _ in lot}
                            number = lot[0][0]
                            made.append(Made(number, maker.call([row for _, row in lot], number, place)))
                unused += sum(number not in taken for number, _ in part)
        return Rows(len(rows) + len(batch.bad), made, batch.bad, unused, batch.share)

    def _convert(self, row: Row, number: int) -> None:
        """The texts of typed columns become what they mean; nothing is left where nothing stood."""
        for name, read in self._readers:
            value = row.get(name)
            if value is None or value == "" or (self._missing and value in self._missing):
                row[name] = None
                continue
            found = read(value)
            if found is not UNREAD:
                row[name] = found
            else:
                self._note(name, number, value)
        if self._missing:
            for name, value in row.items():
                if type(value) is str and value in self._missing:
                    row[name] = None
        for name, column in self._also:
            row[name] = row.get(column)

    def _note(self, name: str, number: int, value: Any) -> None:
        if name in self.unread:
            self.unread[name].count += 1
        else:
            self.unread[name] = Unread(1, number, str(value)[:100])


def _key(row: Row, together: Sequence[str]) -> tuple[str, ...] | None:
    """None where a column has no value: such a row stands alone, and is no order."""
    found = tuple(said(row.get(column)) for column in together)
    return None if "" in found else found


class _Maker:
    """One entry of `events:`."""

    def __init__(self, rule: Rule, file: str) -> None:
        self.rule = rule
        self._file = file
        test = compile_test(rule.condition).holds if rule.condition is not None else None
        self._test = test
        self._event = _get(rule.event) if rule.event is not None else None
        self._people = [(name, _get(value)) for name, value in rule.people.items() if name not in ("email", "phone")]
        self._addresses = [(name, _get(value)) for name, value in rule.people.items() if name in ("email", "phone")]
        self._at = _get(rule.timestamp)
        self._properties = _Fields(rule.properties)
        self._context = _Fields(rule.context)
        self._products = _Fields(rule.products)
        self._purpose = _get(rule.purpose) if rule.purpose is not None else None
        self._granted = _get(rule.granted) if rule.granted is not None else None

    def takes(self, row: Row) -> bool:
        return self._test is None or self._test(row, _NOTHING)

    def call(self, rows: Sequence[Row], number: int, place: int) -> dict[str, Any]:
        kind = self.rule.kind
        call: dict[str, Any] = {"type": kind, "messageId": self._id(rows[0], number, place)}
        if self._event is not None:
            name = self._event(rows)
            call["event" if kind == "track" else "name"] = name if name is None or type(name) is str else said(name)
        for field, get in self._people:
            value = get(rows)
            if value := value if type(value) is str else said(value):
                call[field] = value
        at = self._at(rows)
        call["timestamp"] = (at if type(at) is str else said(at)) or "missing"
        if kind == "consent":
            return self._decision(call, rows)
        values = self._properties.of(rows)
        if self.rule.products:
            values["products"] = [self._products.of([row]) for row in rows]
        addresses = {field: value for field, get in self._addresses if (value := said(get(rows)))}
        if kind in ("identify", "group"):
            call["traits"] = {**addresses, **values}
        else:
            call["properties"] = values
            if addresses:
                call["traits"] = addresses
        if self.rule.context:
            call["context"] = self._context.of(rows)
        return call

    def _decision(self, call: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
        assert self._purpose is not None
        assert self._granted is not None
        for field, get in self._addresses:
            if value := said(get(rows)):
                call[field] = value
        granted = self._granted(rows)
        if isinstance(granted, str | int | float) and not isinstance(granted, bool):
            text = said(granted).lower()
            granted = True if text in _TRUE else False if text in _FALSE else granted
        return call | {"purpose": said(self._purpose(rows)), "granted": granted}

    def _id(self, row: Row, number: int, place: int) -> str:
        columns = self.rule.id or self.rule.rows
        if columns:
            told = [said(row.get(column)) for column in columns]
            about = told[0] if len(told) == 1 else "\x1f".join(told)
        else:
            about = f"{self._file} {number}"
        name = self.rule.event.constant if self.rule.event is not None else ""
        return message_id(f"{self.rule.kind} {name} {place} {about}")


class _Fields:
    """Names with values, of which most are columns as they stand; a name with dots is an object within an object."""

    def __init__(self, told: Mapping[str, Value]) -> None:
        plain = {name: one.column for name, one in told.items() if one.column and not one.values and "." not in name}
        self._names, self._columns = tuple(plain), tuple(plain.values())
        self._pick: Callable[[Row], Sequence[Any]] = (
            itemgetter(*self._columns) if len(plain) > 1 else lambda row: [row[column] for column in self._columns]
        )
        within: dict[str, dict[str, Value]] = {}
        for name, one in told.items():
            if "." in name:
                first, _, rest = name.partition(".")
                within.setdefault(first, {})[rest] = one
        self._objects = [(name, _Fields(inner)) for name, inner in within.items()]
        self._others = [(name, _get(one)) for name, one in told.items() if name not in plain and "." not in name]

    def of(self, rows: Sequence[Row]) -> dict[str, Any]:
        if len(rows) == 1:
            try:
                picked = self._pick(rows[0])
            except KeyError:  # Rows of JSON have the fields that they have.
                picked = [rows[0].get(column) for column in self._columns]
        else:
            picked = [_first(rows, column) for column in self._columns]
        found = zip(self._names, picked, strict=True)
        values = {name: value for name, value in found if value is not None and value != ""}
        for name, get in self._others:
            value = get(rows)
            if value is not None and value != "":
                values[name] = value
        for name, fields in self._objects:
            if inner := fields.of(rows):
                values[name] = inner
        return values


def _first(rows: Sequence[Row], column: str) -> Any:
    for row in rows:
        found = row.get(column)
        if found is not None and found != "":
            return found
    return None


# ---- values ----------------------------------------------------------------------------------------------------------


def _get(value: Value) -> Get:
    """Of several rows, the first value that there is."""
    if value.is_count:
        return len
    if value.sum is not None:
        return _summed(compile_event_value(value.sum).value)
    if value.column:
        return _meant(_of_column(value.column), value.values)
    if value.expression is not None:
        return _meant(_of_expression(compile_event_value(value.expression).value), value.values)
    constant = value.constant
    return lambda rows: constant


def _of_column(column: str) -> Get:
    def get(rows: Sequence[Row]) -> Any:
        found = rows[0].get(column)
        return _first(rows, column) if found is None and len(rows) > 1 else found

    return get


def _of_expression(evaluate: Callable[[Any, Any], Any]) -> Get:
    def get(rows: Sequence[Row]) -> Any:
        for row in rows:
            found = evaluate(row, _NOTHING)
            if found is not None:
                return found
        return None

    return get


def _summed(evaluate: Callable[[Any, Any], Any]) -> Get:
    """Rounded to a millionth, since sums of prices are decimal; missing values are left out."""

    def get(rows: Sequence[Row]) -> Any:
        found = [one for row in rows if isinstance(one := evaluate(row, _NOTHING), int | float)]
        return round(sum(found), 6) if found else None

    return get


def _meant(get: Get, values: Mapping[str, Any]) -> Get:
    if not values:
        return get

    def meant(rows: Sequence[Row]) -> Any:
        found = get(rows)
        return values.get(said(found), found) if isinstance(found, str | int | float) else found

    return meant
