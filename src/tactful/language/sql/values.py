"""A value of the language in SQL: an expression for every type that it may have, each null where it has another.

Types are strict (LANGUAGE.md 3), so nothing is ever converted: a comparison asks both sides for the same type. What no
expression stands for, the value never is. Times and durations are whole microseconds. Nothing is built before it is
asked for, so that a query reads only the cells that decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tactful.language.sql import build
from tactful.language.sql.build import Sql
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TEXT, TIME
from tactful.values import FIRST_US, LAST_US, Duration, Time

LONGEST_US = 10**18
"""A longer duration is missing."""
_LARGEST = 1.7976931348623157e308


class Elements(NamedTuple):
    """Of a list: parallel lists by type, null where the element has another (docs/history.md)."""

    nums: Sql
    texts: Sql
    flags: Sql
    times: Sql
    """What the texts read as; or, of a list of times, these."""
    size: Sql


class Shown(NamedTuple):
    """How the value gets out of the engine: columns, and what makes a value of the language of them."""

    columns: tuple[Sql, ...]
    read: Callable[[Sequence[Any]], Any]


class Value:
    """Missing, unless a kind of value says otherwise."""

    kind: str = ANYTHING

    def num(self) -> Sql | None:
        """A finite double."""

    def amount(self) -> Sql | None:
        """As num(), but where it is the result of arithmetic perhaps not finite."""
        return self.num()

    def text(self) -> Sql | None: ...

    def flag(self) -> Sql | None: ...

    def moment(self) -> Sql | None:
        """A time that is one (of kind TIME)."""

    def lasting(self) -> Sql | None:
        """A duration."""

    def read(self) -> Sql | None:
        """A text as the time that it reads as."""

    def elements(self) -> Elements | None: ...

    def missing(self) -> Sql:
        return build.TRUE

    def shown(self) -> Shown:
        return Shown((), lambda _: None)


class Scalar(Value):
    """Of one type, known before any data is seen."""

    def __init__(self, kind: str, sql: Sql, *, read: Sql | None = None, is_sure: bool = False) -> None:
        self.kind = kind
        self.sql = sql
        self._read = read
        self._is_sure = is_sure

    def num(self) -> Sql | None:
        return self.sql if self.kind == NUMBER else None

    def text(self) -> Sql | None:
        return self.sql if self.kind == TEXT else None

    def flag(self) -> Sql | None:
        return self.sql if self.kind == BOOLEAN else None

    def moment(self) -> Sql | None:
        return self.sql if self.kind == TIME else None

    def lasting(self) -> Sql | None:
        return self.sql if self.kind == DURATION else None

    def read(self) -> Sql | None:
        return self._read

    def missing(self) -> Sql:
        return build.FALSE if self._is_sure else build.is_null(self.sql)

    def shown(self) -> Shown:
        return Shown((self.sql,), _READERS[self.kind])


def _first(row: Sequence[Any]) -> Any:
    return row[0]


_READERS: dict[str, Callable[[Sequence[Any]], Any]] = {
    NUMBER: _first,
    TEXT: _first,
    BOOLEAN: _first,
    TIME: lambda row: None if row[0] is None else Time(row[0]),
    DURATION: lambda row: None if row[0] is None else Duration(row[0]),
}


class Calculated(Scalar):
    """A number that may have left the doubles; it is looked at where it is used, and not at every step."""

    def __init__(self, sql: Sql) -> None:
        super().__init__(NUMBER, sql)

    def num(self) -> Sql:
        return finite(self.sql)

    def amount(self) -> Sql:
        return self.sql

    def missing(self) -> Sql:
        return build.is_null(self.num())

    def shown(self) -> Shown:
        return Shown((self.num(),), _first)


class Wrapped(Value):
    """Another value, but for what a kind of it says otherwise."""

    def __init__(self, of: Value) -> None:
        self.kind = of.kind
        self._of = of

    def num(self) -> Sql | None:
        return self._of.num()

    def text(self) -> Sql | None:
        return self._of.text()

    def flag(self) -> Sql | None:
        return self._of.flag()

    def moment(self) -> Sql | None:
        return self._of.moment()

    def lasting(self) -> Sql | None:
        return self._of.lasting()

    def read(self) -> Sql | None:
        return self._of.read()

    def elements(self) -> Elements | None:
        return self._of.elements()

    def missing(self) -> Sql:
        return self._of.missing()

    def shown(self) -> Shown:
        return self._of.shown()


class Carried(Value):
    """A value of another row, of which only what is asked for comes along: `carry` says how each part is reached from
    here. Where that row is not there, everything is null, and the value is missing."""

    def __init__(self, of: Value, carry: Callable[[Sql], Sql]) -> None:
        self.kind = of.kind
        self._of = of
        self._carry = carry

    def _part(self, part: Sql | None) -> Sql | None:
        return None if part is None else self._carry(part)

    def num(self) -> Sql | None:
        return self._part(self._of.num())

    def text(self) -> Sql | None:
        return self._part(self._of.text())

    def flag(self) -> Sql | None:
        return self._part(self._of.flag())

    def moment(self) -> Sql | None:
        return self._part(self._of.moment())

    def lasting(self) -> Sql | None:
        return self._part(self._of.lasting())

    def read(self) -> Sql | None:
        return self._part(self._of.read())

    def elements(self) -> Elements | None:
        held = self._of.elements()
        return None if held is None else Elements(*map(self._carry, held))

    def missing(self) -> Sql:
        return build.coalesced(self._carry(self._of.missing()), build.TRUE)

    def shown(self) -> Shown:
        columns, read = self._of.shown()
        is_there = self._carry(build.TRUE)
        return Shown((is_there, *map(self._carry, columns)), lambda row: read(row[1:]) if row[0] else None)


class Nth(Value):
    """One element of a list, of which no element is a list or null."""

    def __init__(self, held: Elements, index: Sql) -> None:
        self._held = held
        self._index = index

    def num(self) -> Sql:
        return build.nth(self._held.nums, self._index)

    def text(self) -> Sql:
        return build.nth(self._held.texts, self._index)

    def flag(self) -> Sql:
        return build.nth(self._held.flags, self._index)

    def read(self) -> Sql:
        return build.nth(self._held.times, self._index)

    def missing(self) -> Sql:
        return build.coalesced(build.compared("<=", self._held.size, self._index), build.TRUE)


def of_kind(value: Value, kind: str) -> Scalar:
    """As a value of this kind alone, missing where it is of another: a text of the data as the time that it reads as
    where a time is wanted."""
    moment = value.moment()
    parts: dict[str, tuple[Sql | None, build.Type]] = {
        NUMBER: (value.num(), "number"),
        TEXT: (value.text(), "text"),
        BOOLEAN: (value.flag(), "flag"),
        TIME: (value.read() if moment is None else moment, "whole"),
        DURATION: (value.lasting(), "whole"),
    }
    part, written = parts[kind]
    return Scalar(kind, build.typed_null(written) if part is None else part)


# ---- bounds (LANGUAGE.md 3.1, docs/decisions/0007) -------------------------------------------------------------------


def finite(amount: Sql) -> Sql:
    return build.when(build.compared("<=", build.magnitude(amount), build.number(_LARGEST)), amount)


def within_years(moment: Sql) -> Sql:
    return build.when(build.between(moment, FIRST_US, LAST_US), moment)


def within_durations(lasting: Sql) -> Sql:
    return build.when(build.between(lasting, -LONGEST_US, LONGEST_US), lasting)
