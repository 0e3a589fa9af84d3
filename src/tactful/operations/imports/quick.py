"""A mapping compiled: one function that makes the records of a batch, for the mappings and rows that most files have.

It is written as Python's own syntax tree (language/emit.py), in which the mapping's names and constants are bound by
name, and takes columns that were read as a whole (columns.py). A record has the bytes that intake would have given. A
row of which that is not sure (nobody is named, the time is none or absurd, a value that cannot stand in a record) is
handed back, and goes the general way, in its place: calls.py and intake define what is right, and tests compare both.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tactful.events.calls import Call
from tactful.events.coerce import MAX_KEYS
from tactful.events.identifiers import partition_of
from tactful.events.intake import EARLIEST_US, MAX_TEXT, VERSION, encode_draft
from tactful.events.naming import TOKEN, Naming, names_of
from tactful.events.normalize import normalize
from tactful.events.verdicts import Refusal
from tactful.language import tree
from tactful.language.canonical import canonical
from tactful.language.check import Checked
from tactful.language.emit import LOAD, Code, assign, call, fill, name, total, when
from tactful.language.generate import Generator
from tactful.language.lower import lower
from tactful.operations.imports.columns import is_sayable, kept_within
from tactful.operations.imports.mapping import FileMapping, Rule, Value
from tactful.operations.imports.texts import LEGIBLE, message_id

KINDS = {"track": "", "page": "$page", "screen": "$screen"}
"""That are compiled, with the names of their events; a track call has its own."""
_PEOPLE = frozenset(("userId", "anonymousId"))
_TOUCHED = frozenset(("gpc", "consent", "externalIds", "device", TOKEN, "traits"))
"""Of the context: what intake reads more out of."""
_NORMALIZED = frozenset(("currency", "country", "products", "address"))
_RESERVED = frozenset(("$identify", "$group", "$alias", "$page", "$screen", "*"))
_VARIANTS = 32
"""Functions for one mapping, by the columns in which nothing is missing; beyond, one that looks at every value."""
Who = tuple[str, tuple[str, ...], int]
"""The strongest key, all of them, and the partition."""


class Input(Struct, frozen=True):
    """A list over the rows that the function takes: a column as it is (`raw`), as texts that tell rows apart (`said`),
    as an identifier or a name (`text`), with other values in the place of its own (`meant`), or as instants (`at`)."""

    column: str
    form: str
    place: int = 0
    """Of a `meant`: which of the mapping's translations."""


class NotCompiled(Exception):
    """The mapping says more than the function can do."""


class Compiled:
    """One mapping."""

    def __init__(self, mapping: FileMapping, file: str) -> None:
        """Raises NotCompiled."""
        self.inputs: dict[Input, int] = {}
        self.translations: list[Mapping[str, Any]] = []
        self.valued: dict[int, list[tuple[str, int]]] = {}
        """By the place of a rule: the properties that are columns, with their inputs."""
        self.unknown: dict[int, frozenset[str]] = {}
        """By the place of a rule: the properties that are worked out row by row."""
        self.rules = mapping.rules
        self._names = mapping.names
        self._file = file
        self._variants: dict[frozenset[int], Callable[..., int]] = {}
        if not mapping.rules or mapping.together:
            raise NotCompiled
        for rule in mapping.rules:
            _check(rule)
        self.function(frozenset())

    def function(self, dense: frozenset[int]) -> Callable[..., int]:
        """For batches in which the inputs with these places have no missing value."""
        found = self._variants.get(dense)
        if found is None:
            if len(self._variants) >= _VARIANTS:
                return self._variants[frozenset()]
            found = self._variants[dense] = _Writer(self, dense).function()
        return found

    @property
    def file(self) -> str:
        return self._file

    def input(self, column: str, form: str, place: int = 0) -> int:
        return self.inputs.setdefault(Input(column, form, place), len(self.inputs))

    def event_input(self, place: int) -> int | None:
        """The input that names the event of a rule; None where all have one name."""
        event = self.rules[place].event
        if self.rules[place].kind != "track" or event is None or not event.column:
            return None
        return self.at(event, "text")

    def event_of(self, place: int) -> str:
        rule = self.rules[place]
        return KINDS[rule.kind] or str(rule.event.constant if rule.event is not None else "")

    def at(self, value: Value, form: str) -> int:
        """The place of the input for a column, with what its values mean."""
        if not value.values:
            return self.input(value.column, form)
        if not kept_within(value.values):
            raise NotCompiled
        known = next((at for at, one in enumerate(self.translations) if one is value.values), None)
        if known is None:
            known = len(self.translations)
            self.translations.append(value.values)
        return self.input(value.column, f"{form} meant", known)

    def column_of(self, called: str) -> str:
        if called not in self._names:
            raise NotCompiled
        return self._names[called]


def compiled(mapping: FileMapping, file: str) -> Compiled | None:
    try:
        return Compiled(mapping, file)
    except NotCompiled:
        return None


def _check(rule: Rule) -> None:
    context = {one.partition(".")[0] for one in rule.context}
    is_fine = (
        rule.kind in KINDS
        and rule.people.keys() <= _PEOPLE
        and all(one.column for one in rule.people.values())
        and bool(rule.timestamp.column)
        and not rule.timestamp.values
        and not rule.products
        and not context & _TOUCHED
        and (rule.event is None or bool(rule.event.column) or isinstance(rule.event.constant, str))
        and max(len(rule.properties), len(rule.context)) < MAX_KEYS
        and all(one.count(".") < 4 and is_sayable(one) for one in (*rule.properties, *rule.context))
    )
    if not is_fine or (rule.kind == "track" and rule.event is None):
        raise NotCompiled


def resolver(naming: Naming, partitions: int) -> Callable[[Any], Who | tuple[()]]:
    """Whom a userId and an anonymousId name; () for whatever is to be looked at with care."""

    def resolve(said: tuple[str, str]) -> Who | tuple[()]:
        if not all(map(is_sayable, said)):
            return ()
        user, anonymous = said
        who = Call(user_id=user or None, anonymous_id=anonymous or None)
        found = names_of(who, "track", None, {}, "server", naming, None)
        if isinstance(found, Refusal):
            return ()
        keys = found[0]
        return keys[0], keys, partition_of(keys[0], partitions)

    return resolve


def is_name(text: Any) -> bool:
    """Of a track call."""
    return type(text) is str and 0 < len(text) <= MAX_TEXT and text not in _RESERVED and is_sayable(text)


class _Writer:
    """Writes the function. Its arguments: the places of the rows with all inputs; when they arrived; what is bound to
    the batch. It gives the number of rows that made no call."""

    ARGUMENTS = (
        *("rows", "received_at", "is_good", "who", "doubtful", "judge", "hand_back", "homes", "names", "times", "most"),
        *("source", "trust"),
    )

    def __init__(self, compiled: Compiled, dense: frozenset[int]) -> None:
        self._of = compiled
        self._dense = dense
        self._code = Code()

    def function(self) -> Callable[..., int]:
        body: list[ast.stmt] = [assign("made", ast.Constant(False))]
        for place, rule in enumerate(self._of.rules):
            body += self._rule(place, rule)
        body += fill("if not made:\n    unused += 1")
        begin, walk = fill("unused = 0\nfor row in rows:\n    pass")
        assert isinstance(walk, ast.For)
        places = [f"v{place}" for place in range(len(self._of.inputs))]
        walk.target = ast.Tuple([ast.Name(one, ast.Store()) for one in ("row", *places)], ast.Store())
        walk.body = body
        return self._code.function(self.ARGUMENTS, [begin, walk, ast.Return(name("unused"))])

    def _local(self, column: str, form: str, place: int = 0) -> ast.expr:
        return name(f"v{self._of.input(column, form, place)}")

    # ---- one rule ------------------------------------------------------------------------------------------------

    def _rule(self, place: int, rule: Rule) -> list[ast.stmt]:
        bind = self._code.bind
        self._of.valued[place], self._trouble = [], False
        self._unknown: set[str] = set()
        properties = self._object("properties", rule.properties, place)
        self._of.unknown[place] = frozenset(self._unknown)
        body = [*self._who(rule), *self._id(place, rule), *self._event(rule)]
        make = [
            *properties,
            *self._titled(rule),
            *(self._object("context", rule.context, None) if rule.context else [assign("context", bind({}))]),
            *self._normalized(rule),
            *fill(
                "body = encode((1, version, source, trust, kind, event, found[0], found[1], message, at, received_at,"
                " properties, context, nothing, False, salt, True))",
                encode=bind(encode_draft), version=bind(VERSION), kind=bind(rule.kind), nothing=bind(_NOTHING),
                salt=bind(b""),
            ),
        ]  # fmt: skip
        keep = fill(
            "homes[found[2]].append(body)\nnames.append(event)\ntimes.append(at)\n"
            "if doubtful and (place, event) in doubtful:\n"
            "    judge(row, kind, event, found, at, properties)",
            place=bind(place), kind=bind(rule.kind),
        )  # fmt: skip
        back = fill("hand_back(row, place)", place=bind(place))
        fits = fill("len_(body) <= most", len_=bind(len))[0]
        assert isinstance(fits, ast.Expr)
        test: ast.expr = fits.value
        if self._trouble:
            make.insert(0, assign("trouble", ast.Constant(False)))
            test = ast.BoolOp(ast.And(), [ast.UnaryOp(ast.Not(), name("trouble")), test])
        good = "found and earliest <= at <= received_at" if rule.kind != "track" else (
            "found and is_good[event] and earliest <= at <= received_at"
        )  # fmt: skip
        taken = fill(good, earliest=bind(EARLIEST_US))[0]
        assert isinstance(taken, ast.Expr)
        body += [when(taken.value, [*make, when(test, keep, back)], back)]
        body = [assign("made", ast.Constant(True)), *body]
        return [when(self._condition(rule.condition), body)] if rule.condition is not None else body

    def _who(self, rule: Rule) -> list[ast.stmt]:
        said = []
        for one in ("userId", "anonymousId"):
            value = rule.people.get(one)
            said.append(ast.Constant("") if value is None else self._value_of(value, "text"))
        return [
            assign("found", ast.Subscript(name("who"), ast.Tuple(said, LOAD), LOAD)),
            assign("at", self._local(rule.timestamp.column, "at")),
        ]

    def _id(self, place: int, rule: Rule) -> list[ast.stmt]:
        """As calls.message_id."""
        bind, columns = self._code.bind, rule.id
        first = rule.event.constant if rule.event is not None else ""
        about: ast.expr = bind(f"{rule.kind} {first} {place} ")
        if columns:
            for number, column in enumerate(columns):
                about = total(about, bind("\x1f")) if number else about
                about = total(about, self._local(column, "said"))
        else:
            about = total(total(about, bind(f"{self._of.file} ")), self._local("", "number"))
        return fill(
            "about_ = about\nmessage = prefix + about_ if len_(about_) <= legible and about_.isprintable() "
            "else hashed(about_)",
            about=about, prefix=bind("import "), legible=bind(LEGIBLE), hashed=bind(message_id), len_=bind(len),
        )  # fmt: skip

    def _event(self, rule: Rule) -> list[ast.stmt]:
        if rule.kind != "track":
            return [assign("event", self._code.bind(KINDS[rule.kind]))]
        assert rule.event is not None
        if rule.event.column:
            return [assign("event", self._value_of(rule.event, "text"))]
        return [assign("event", self._code.bind(rule.event.constant))]

    def _titled(self, rule: Rule) -> list[ast.stmt]:
        """The name of a page stands among its properties."""
        if rule.kind == "track" or rule.event is None:
            return []
        title = self._value_of(rule.event, "text") if rule.event.column else self._code.bind(rule.event.constant)
        if not rule.event.column and not is_sayable(rule.event.constant):
            raise NotCompiled
        self._unknown.add("name")
        test = fill(
            "if title:\n    if not is_good[title]:\n        trouble = True\n    properties[key] = title",
            title=title, key=self._code.bind("name"),
        )  # fmt: skip
        self._trouble = True
        return test

    def _normalized(self, rule: Rule) -> list[ast.stmt]:
        tops = {one.partition(".")[0] for one in rule.properties}
        found = tops & _NORMALIZED
        if not found and "location" not in {one.partition(".")[0] for one in rule.context}:
            return []
        self._unknown |= found
        return [ast.Expr(call(self._code.bind(normalize), name("properties"), name("context")))]

    # ---- objects -------------------------------------------------------------------------------------------------

    def _object(self, local: str, said: Mapping[str, Value], place: int | None, depth: int = 0) -> list[ast.stmt]:
        """In the order of calls._Fields: plain columns, then what is more, then objects within."""
        plain = {one: value for one, value in said.items() if "." not in one and value.column and not value.values}
        others = {one: value for one, value in said.items() if "." not in one and one not in plain}
        within: dict[str, dict[str, Value]] = {}
        for one, value in said.items():
            if "." in one:
                first, _, rest = one.partition(".")
                within.setdefault(first, {})[rest] = value
        if within.keys() & (plain.keys() | others.keys()):
            raise NotCompiled
        display: tuple[list[ast.expr | None], list[ast.expr]] = ([], [])
        body: list[ast.stmt] = [assign(local, ast.Dict(*display))]
        for one, value in {**plain, **others}.items():
            key = self._code.bind(one)
            if value.column:
                self._put_column(body, display, local, key, one, value, place)
            elif value.expression is not None:
                self._unknown.update([one] if place is not None else [])
                self._put_expression(body, local, key, value)
            elif value.sum is not None or value.is_count or not is_sayable(value.constant):
                raise NotCompiled
            elif value.constant is not None and value.constant != "":
                self._unknown.update([one] if place is not None else [])
                body.append(self._set(local, key, self._code.bind(value.constant)))
        for one, inner in within.items():
            under = f"{local}_{depth}_{len(body)}"
            self._unknown.update([one] if place is not None else [])
            body += self._object(under, inner, None, depth + 1)
            body.append(when(name(under), [self._set(local, self._code.bind(one), name(under))]))
        return body

    def _put_column(
        self,
        body: list[ast.stmt],
        display: tuple[list[ast.expr | None], list[ast.expr]],
        local: str,
        key: ast.expr,
        one: str,
        value: Value,
        place: int | None,
    ) -> None:
        held = self._value_of(value, "raw")
        at = self._of.at(value, "raw")
        if place is not None:
            self._of.valued[place].append((one, at))
        if at not in self._dense:
            test = fill("held is not None and held != ''", held=held)[0]
            assert isinstance(test, ast.Expr)
            body.append(when(test.value, [self._set(local, key, held)]))
        elif len(body) == 1:
            display[0].append(key)
            display[1].append(held)
        else:
            body.append(self._set(local, key, held))

    def _put_expression(self, body: list[ast.stmt], local: str, key: ast.expr, value: Value) -> None:
        assert value.expression is not None
        if value.values:
            raise NotCompiled
        self._trouble = True
        body += fill(
            "result = worked_out\nif result is not None and result != '':\n"
            "    if not is_sayable_(result):\n        trouble = True\n    put",
            worked_out=self._expression(value.expression, is_test=False), is_sayable_=self._code.bind(is_sayable),
        )  # fmt: skip
        last = body[-1]
        assert isinstance(last, ast.If)
        last.body[-1] = self._set(local, key, name("result"))

    def _set(self, local: str, key: ast.expr, value: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Subscript(name(local), key, ast.Store())], value)

    def _value_of(self, value: Value, form: str) -> ast.expr:
        return name(f"v{self._of.at(value, form)}")

    # ---- expressions ---------------------------------------------------------------------------------------------

    def _condition(self, checked: Checked) -> ast.expr:
        return self._expression(checked, is_test=True)

    def _expression(self, checked: Checked, *, is_test: bool) -> ast.expr:
        lowered = lower(checked.tree)
        named = {}
        for node in tree.everything(lowered):
            if isinstance(node, tree.Context | tree.Trait) or (isinstance(node, tree.Property) and len(node.path) > 1):
                raise NotCompiled
            if isinstance(node, tree.Property):
                column = self._of.column_of(str(node.path[0]))
                named[canonical(node)] = f"v{self._of.input(column, 'raw read')}"
        generator = Generator(named=named)
        generator.code = self._code
        return generator.condition(lowered) if is_test else generator.value(lowered)


_NOTHING: Mapping[str, Any] = {}
