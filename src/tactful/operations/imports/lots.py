"""Lots: batches whose columns were read as a whole, ready for the compiled mapping (quick.py)."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct

from tactful.events.tracking import EventRule
from tactful.kernel import verdict
from tactful.kernel.plan import CompiledPlan
from tactful.operations.imports.columns import MOST, Looked, Memo, Typed, instants, look
from tactful.operations.imports.mapping import FileMapping
from tactful.operations.imports.quick import Compiled, Input, Who, compiled, is_name
from tactful.operations.imports.tables import Batch
from tactful.operations.imports.texts import reader, said
from tactful.values import parse_time

_FITTING: Mapping[str, frozenset[type]] = {
    "number": frozenset((int, float)),
    "text": frozenset((str,)),
    "boolean": frozenset((bool,)),
}
_NONE = frozenset((type(None),))


class Lot(Struct):
    """Some rows, and the inputs of the function over them."""

    numbers: list[int]
    columns: dict[str, Sequence[Any]]
    """As they were read; those that are `pending` as they stood in the file."""
    pending: frozenset[str]
    inputs: list[Sequence[Any]]
    looked: dict[int, Looked]
    """What is known of the inputs that are properties."""
    unread: dict[str, list[tuple[int, Any]]]


class Lots:
    """One mapping. Remembers what texts mean, and whom identifiers name."""

    def __init__(self, mapping: FileMapping, file: str, made: Compiled) -> None:
        self.compiled = made
        self.file = file
        self.is_name = Memo(is_name)
        self.who: Memo | None = None
        self._types = mapping.types
        self._missing = mapping.missing
        self._typed = {name: Typed(name, reader(type), mapping.missing) for name, type in mapping.types.items()}
        self._columns = sorted(mapping.columns | mapping.types.keys())
        self._said, self._text, self._times = Memo(said), Memo(_text), Memo(_instant)
        self._meant = [Memo(_translator(values)) for values in made.translations]
        other = {one.column for one in made.inputs if one.form != "at"}
        self._alone = {one.column for one in made.inputs if one.form == "at"} - other
        """Columns that are nothing but the time."""

    def of(self, batch: Batch) -> Lot | None:
        """None where the rows are of a kind that the general way takes."""
        if not batch.numbers:
            return None
        raw = batch.columns if batch.columns is not None else _in_columns(batch, self._columns)
        nothing = [None] * len(batch.numbers)
        lot = Lot(batch.numbers, {}, frozenset(), [], {}, {})
        times: dict[str, Sequence[int]] = {}
        for name in self._columns:
            values = raw.get(name, nothing)
            if name in self._alone and (found := instants(self._types.get(name), values, self._missing)) is not None:
                times[name] = found
            elif name in self._typed:
                values = self._typed[name].of(values, _noting(lot.unread.setdefault(name, [])))
            elif self._missing:
                values = [None if type(one) is str and one in self._missing else one for one in values]
            lot.columns[name] = values
        lot.pending = frozenset(times)
        for place, one in enumerate(self.compiled.inputs):
            lot.inputs.append(times[one.column] if one.form == "at" and one.column in times else self._input(one, lot))
            if one.form.startswith("raw") and one.form != "raw read":
                found_of = lot.looked[place] = look(lot.inputs[place])
                if not found_of.is_plain:
                    return None
        return lot

    def _input(self, one: Input, lot: Lot) -> Sequence[Any]:
        if one.form == "number":
            return list(map(str, lot.numbers))
        values = lot.columns[one.column]
        if one.form.endswith("meant"):
            values = _mapped(self._meant[one.place], values)
        match one.form.partition(" ")[0]:
            case "said":
                return _mapped(self._said, values)
            case "text":
                return _mapped(self._text, values)
            case "at":
                return _mapped(self._times, values)
            case _:
                return values

    def know(self, resolve: Callable[[Any], "Who | tuple[()]"]) -> Memo:
        """Whom identifiers name; of one workspace."""
        if self.who is None:
            self.who = Memo(resolve)
        if len(self.who) > MOST:
            self.who.clear()
        return self.who

    def doubtful(self, lot: Lot, plan: CompiledPlan, source: str) -> set[tuple[int, str]]:
        """Rules and events that the tracking plan may find fault with: each of their rows is to be judged."""
        found: set[tuple[int, str]] = set()
        if not plan.has_tracking:
            return found
        keeps = plan.sources.get(source, verdict.KEEP) == verdict.KEEP
        for place, rule in enumerate(self.compiled.rules):
            at = self.compiled.event_input(place)
            events = {self.compiled.event_of(place)} if at is None else set(lot.inputs[at])
            known = {name: lot.looked[number] for name, number in self.compiled.valued[place]}
            for event in events:
                if not self.is_name[event] and rule.kind == "track":
                    continue
                planned = plan.reader(rule.kind, event).rule
                if planned is None:
                    fits = keeps or rule.kind != "track"
                else:
                    fits = _fits(planned, known, self.compiled.unknown[place])
                if not fits:
                    found.add((place, event))
        return found


def lots_of(mapping: FileMapping, file: str) -> Lots | None:
    made = compiled(mapping, file)
    return None if made is None else Lots(mapping, file, made)


def _fits(rule: EventRule, known: Mapping[str, Looked], unknown: frozenset[str]) -> bool:
    """Whether whatever stands in the columns fits, as tracking.fit would find row by row."""
    for name, one in rule.properties.items():
        looked = known.get(name)
        if name in unknown or (looked is None and one.required):
            return False
        if looked is None:
            continue
        if one.choices or (one.required and not looked.is_dense):
            return False
        if one.type != "anything" and not looked.types - _NONE <= _FITTING.get(one.type, frozenset()):
            return False
    return True


def _mapped(memo: Memo, values: Sequence[Any]) -> Sequence[Any]:
    """1, 1.0 and True are one key of a dict, and three values."""
    types = set(map(type, values)) - _NONE
    return memo.of(values) if types <= {str} else [memo.function(value) for value in values]


def _text(value: Any) -> str:
    return value if type(value) is str else said(value)


def _instant(value: Any) -> int:
    """0 for what is no time: no event is as old as that."""
    return parse_time(_text(value)) or 0


def _translator(values: Mapping[str, Any]) -> Callable[[Any], Any]:
    return lambda found: values.get(said(found), found) if isinstance(found, str | int | float) else found


def _noting(into: list[tuple[int, Any]]) -> Callable[[int, Any], None]:
    return lambda place, value: into.append((place, value))


def _in_columns(batch: Batch, columns: Sequence[str]) -> dict[str, Sequence[Any]]:
    rows = batch.rows
    if len(columns) > 1:
        try:
            picked = zip(*map(itemgetter(*columns), rows), strict=True)
            return dict(zip(columns, picked, strict=True))
        except KeyError:  # Rows of JSON have the fields that they have.
            pass
    return {name: [row.get(name) for row in rows] for name in columns}
