"""Random expressions over all constructs of LANGUAGE.md, well typed as far as types are known.

What was used least is likeliest next, so that a few hundred texts hold every construct, every option and nearly every
construct within another; coverage.py counts them.
"""

import ast
import json
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.parity.durations import Production, Text, ratios, scaled, still
from tests.parity.oracle import Project, parse
from tests.parity.words import (
    DURATIONS,
    EQUALITY,
    EVENTS,
    KINDS,
    NUMBERS,
    ORDER,
    PROPERTIES,
    RARE_EVENTS,
    TEXTS,
    TIMES,
    TRAITS,
)


def quoted(text: str) -> Text:
    return json.dumps(text, ensure_ascii=False)


class Writer:
    """Writes texts for one project; every choice comes from `random`."""

    def __init__(
        self,
        random: Random,
        project: Project,
        scores: Sequence[str],
        purposes: Sequence[str],
        *,
        has_clock: bool = True,
    ) -> None:
        self._random = random
        self._project = project
        self._scores = scores
        self._purposes = purposes
        self._has_clock = has_clock
        self._used: Counter[str] = Counter()

    def expression(self) -> Text:
        """A condition, or (one in three) a value of any kind."""
        depth = self._random.choice((1, 2, 2, 3))
        if self._random.random() < 0.65:
            return self.condition("person", depth)
        kind = self._random.choice(("number", "number", "text", "time", "duration", "list"))
        return self.value("person", kind, depth, is_constant=False)

    # ---- choosing ----------------------------------------------------------------------------------------------------

    def _pick(self, place: str, productions: Sequence[Production], depth: int) -> Text:
        weights = [weight / (1 + self._used[f"{place} {label}"]) ** 0.7 for label, weight, _ in productions]
        label, _, write = self._random.choices(productions, weights)[0]
        self._used[f"{place} {label}"] += 1
        return write(depth - 1)

    def _one(self, among: Sequence[str]) -> str:
        return self._random.choice(among)

    def _now_and_then(self, chance: float) -> bool:
        return self._random.random() < chance

    # ---- conditions --------------------------------------------------------------------------------------------------

    def condition(self, scope: str, depth: int) -> Text:
        productions: list[Production] = [
            ("numbers", 2, lambda deep: self._compare(scope, "number", deep)),
            ("texts", 1, lambda deep: self._compare(scope, "text", deep)),
            ("times", 1, lambda deep: self._compare(scope, "time", deep)),
            ("durations", 1, lambda deep: self._compare(scope, "duration", deep)),
            ("anything", 1, lambda deep: f"({self._any(scope)} {self._one(EQUALITY)} {self._any(scope)})"),
            ("boolean", 1, lambda deep: self._boolean(scope)),
            ("in", 1.5, lambda deep: self._in(scope, deep)),
            ("missing", 1, lambda deep: self._missing(scope, deep)),
            ("text test", 1, lambda deep: self._text_test(scope, deep)),
            ("name", 0.5, lambda deep: self.name(scope, "boolean")),
        ]
        if depth > 0:
            productions += [
                ("not", 1, lambda deep: f"(not {self.condition(scope, deep)})"),
                ("and", 1, lambda deep: self._joined("and", scope, deep)),
                ("or", 1, lambda deep: self._joined("or", scope, deep)),
            ]
        if scope == "person":
            productions += [
                ("any", 1.5, lambda deep: f"any({self._selection(deep)})"),
                ("sequence", 2.5, self._sequence),
                ("consents", 0.4, lambda deep: f"consents({quoted(self._one(self._purposes))})"),
                ("percentile", 0.4, lambda deep: self._percentile()),
            ]
            if self._project.segments:
                segments = sorted(self._project.segments)
                productions.append(("segment", 0.5, lambda deep: f"segment({quoted(self._one(segments))})"))
        return self._pick(f"{scope} condition", productions, depth)

    def _joined(self, word: str, scope: str, depth: int) -> Text:
        parts = [self.condition(scope, depth) for _ in range(self._random.choice((2, 2, 3)))]
        return "(" + f" {word} ".join(parts) + ")"

    def _compare(self, scope: str, kind: str, depth: int) -> Text:
        ops = (*EQUALITY, *ORDER)
        left = self.value(scope, kind, depth, is_constant=False)
        if kind in ("number", "time", "duration") and self._now_and_then(0.12):
            low, high = self._other_side(scope, kind, depth), self._other_side(scope, kind, depth)
            return f"({low} {self._one(('<', '<='))} {left} {self._one(('<', '<=', '!='))} {high})"
        right = self._other_side(scope, kind, depth)
        if self._now_and_then(0.2):
            left, right = right, left
        return f"({left} {self._one(ops)} {right})"

    def _other_side(self, scope: str, kind: str, depth: int) -> Text:
        if self._now_and_then(0.55):
            return self.constant(kind)
        return self.value(scope, kind, depth, is_constant=False)

    def _boolean(self, scope: str) -> Text:
        return f"({self.name(scope, 'boolean')} {self._one(EQUALITY)} {self._one(('True', 'False'))})"

    def _any(self, scope: str) -> Text:
        return self.name(scope, self._one(KINDS))

    def _in(self, scope: str, depth: int) -> Text:
        word = self._one(("in", "not in"))
        if self._now_and_then(0.5):
            item = self.constant(self._one(("number", "text")))
            if self._now_and_then(0.4):
                item = self.value(scope, self._one(("number", "text", "text", "time")), depth, is_constant=False)
            return f"({item} {word} {self.value(scope, 'list', depth)})"
        kind = self._one(("number", "text", "text", "time", "duration"))
        items = [self._other_side(scope, kind, depth) for _ in range(self._random.choice((1, 2, 3)))]
        listed = ", ".join(items)
        listed = f"[{listed}]" if self._now_and_then(0.3) else f"({listed},)"
        return f"({self.value(scope, kind, depth, is_constant=False)} {word} {listed})"

    def _missing(self, scope: str, depth: int) -> Text:
        kind = self._one(("number", "text", "time", "duration", "list"))
        asked = self._any(scope) if self._now_and_then(0.4) else self.value(scope, kind, depth, is_constant=False)
        return f"({asked} {self._one(('is', 'is not'))} None)"

    def _text_test(self, scope: str, depth: int) -> Text:
        function = self._one(("contains", "starts_with", "ends_with"))
        inner = self.value(scope, "text", depth, is_constant=False)
        return f"{function}({inner}, {self._other_side(scope, 'text', depth)})"

    # ---- values ------------------------------------------------------------------------------------------------------

    def constant(self, kind: str) -> Text:
        match kind:
            case "number":
                return self._one(NUMBERS)
            case "text":
                return quoted(self._one(TEXTS))
            case "time":
                return quoted(self._one(TIMES))
            case "duration":
                return quoted(self._one(DURATIONS))
        raise AssertionError(kind)

    def name(self, scope: str, kind: str) -> Text:
        """A name that mostly holds a value of the kind; now and then one that does not."""
        if kind == "duration" or self._now_and_then(0.1):
            kind = self._one(KINDS)
        if scope == "event":
            if self._now_and_then(0.15):
                return f"profile.{self._one([path for path in TRAITS[kind] if 'traits' not in path])}"
            return self._one(PROPERTIES[kind])
        named = self._one(TRAITS[kind])
        if self._now_and_then(0.15) and not named.startswith("traits"):
            return f"profile.{named}"
        return named

    def value(self, scope: str, kind: str, depth: int, *, is_constant: bool = True) -> Text:
        write = {"number": self._number, "text": self._text, "time": self._time, "duration": self._duration}
        if kind == "list":
            return self._list(scope, depth)
        if is_constant and kind in ("number", "text") and self._now_and_then(0.15):
            return self.constant(kind)
        return write[kind](scope, depth)

    def _parts(self, kind: str) -> list[Production]:
        return [
            (f"{name} {kind}", 0.6, lambda deep, name=name: f"{name}.{self._one(self._part(name, kind))}")  # type: ignore[misc]  # bound here
            for name in sorted(self._project.collections)
        ]

    def _part(self, collection: str, kind: str) -> Sequence[str]:
        about = self._project.collections[collection]
        inner = [about["key"][-1], "quantity", *about["fields"]]
        items = [f"items.{name}" for name in inner] if kind == "list" else [f"items[0].{name}" for name in inner]
        own = {"number": ("lines", "quantity", "value"), "time": ("changed_at",), "list": ("items", "items")}
        return [*own.get(kind, ()), *(items if kind != "time" else ())]

    def _number(self, scope: str, depth: int) -> Text:
        productions: list[Production] = [
            ("name", 1.5, lambda deep: self.name(scope, "number")),
            ("len", 1, lambda deep: f"len({self._list(scope, deep)})"),
        ]
        if depth > 0:
            productions += [
                (op, 0.7, lambda deep, op=op: self._calculated(op, scope, deep))  # type: ignore[misc]  # bound here
                for op in ("+", "-", "*", "/")
            ]
            productions += [
                ("minus", 0.5, lambda deep: f"(-{self.value(scope, 'number', deep, is_constant=False)})"),
                *ratios(still(self.name, self._selection, scope)),
            ]
        if scope == "person":
            productions += [
                ("count", 1.5, lambda deep: f"count({self._selection(deep)})"),
                ("same", 1.2, lambda deep: f"count({self._selection(deep, same=True)})"),
                *(
                    (name, 1.0, lambda deep, name=name: f"{name}({self._selection(deep, value='number')})")
                    for name in ("sum", "avg", "min", "max")
                ),
                ("distinct", 1, lambda deep: f"distinct({self._selection(deep, value=self._scalar())})"),
                ("active_days", 1, lambda deep: f"active_days({self._selection(deep)})"),
                ("first", 0.5, lambda deep: f"first({self._selection(deep, value='number')})"),
                ("latest", 0.5, lambda deep: f"latest({self._selection(deep, value='number')})"),
                ("score", 0.4, lambda deep: f"score({quoted(self._one(self._scores))})"),
                *self._parts("number"),
            ]
        if scope == "person" and not self._project.retention:
            productions.append(("sessions", 0.7, lambda deep: f"sessions({self._window()})"))
        if scope == "person" and self._has_clock:
            clocks = ("local_hour()", "local_weekday()", "local_month()")
            productions.append(("clock", 0.7, lambda deep: self._one(clocks)))
        return self._pick(f"{scope} number", productions, depth)

    def _scalar(self) -> str:
        return self._one(("number", "text", "list"))

    def _calculated(self, op: str, scope: str, depth: int) -> Text:
        left = self.value(scope, "number", depth)
        right = self.value(scope, "number", depth, is_constant=left not in NUMBERS)
        return f"({left} {op} {right})"

    def _text(self, scope: str, depth: int) -> Text:
        productions: list[Production] = [("name", 1.5, lambda deep: self.name(scope, "text"))]
        if depth > 0:
            productions.append(("lower", 1, lambda deep: f"lower({self._text(scope, deep)})"))
        if scope == "person":
            productions += [
                (name, 0.7, lambda deep, name=name: f"{name}({self._selection(deep, value='text')})")  # type: ignore[misc]  # bound here
                for name in ("first", "latest")
            ]
            productions += self._parts("text")
        return self._pick(f"{scope} text", productions, depth)

    def _time(self, scope: str, depth: int) -> Text:
        inner = ("time", "time", "number", "text")
        productions: list[Production] = [
            ("time", 1, lambda deep: f"time({self.name(scope, self._one(inner))})"),
            ("constant", 0.2, lambda deep: f"time({self.constant('time')})"),
        ]
        if depth > 0:
            productions += [
                ("plus", 0.6, lambda deep: f"({self._time(scope, deep)} + {self._length(scope, deep)})"),
                ("minus", 0.6, lambda deep: f"({self._time(scope, deep)} - {self._length(scope, deep)})"),
            ]
        if scope == "person":
            productions += [
                ("first", 1, lambda deep: f"first({self._selection(deep)})"),
                ("latest", 1, lambda deep: f"latest({self._selection(deep)})"),
                ("first of", 0.4, lambda deep: f"first({self._selection(deep, value='time')})"),
                ("latest of", 0.4, lambda deep: f"latest({self._selection(deep, value='time')})"),
                *self._parts("time"),
            ]
        if scope == "person" and self._has_clock:
            productions.append(("now", 0.7, lambda deep: "now()"))
        return self._pick(f"{scope} time", productions, depth)

    def _length(self, scope: str, depth: int) -> Text:
        """A duration right of + or -, mostly a constant."""
        return self.constant("duration") if self._now_and_then(0.75) else self._duration(scope, depth)

    def _duration(self, scope: str, depth: int) -> Text:
        productions: list[Production] = [
            ("difference", 1.2, lambda deep: f"({self._time(scope, deep)} - {self._time(scope, deep)})"),
        ]
        if depth > 0:
            productions += [
                ("plus", 0.4, lambda deep: f"({self._duration(scope, deep)} + {self._length(scope, deep)})"),
                ("minus", 0.4, lambda deep: f"({self._duration(scope, deep)} - {self._length(scope, deep)})"),
                *scaled(still(self.name, self._selection, scope), self.value, scope),
            ]
        if scope == "person":
            productions += [
                ("time_since", 1.5, lambda deep: f"time_since({self._selection(deep)})"),
            ]
        if scope == "person" and not self._project.retention:
            productions += [
                ("session_length", 0.6, lambda deep: "session_length()"),
                ("average", 0.8, lambda deep: f"avg_session_length({self._window()})"),
            ]
        if scope == "person" and self._has_clock:
            productions.append(("to trait", 0.5, lambda deep: f"(now() - {self.name(scope, 'time')})"))
        return self._pick(f"{scope} duration", productions, depth)

    def _list(self, scope: str, depth: int) -> Text:
        productions: list[Production] = [("name", 2, lambda deep: self.name(scope, "list"))]
        if scope == "person":
            productions += [
                ("latest", 0.3, lambda deep: f"latest({self._selection(deep, value='list')})"),
                ("first", 0.3, lambda deep: f"first({self._selection(deep, value='list')})"),
                *self._parts("list"),
            ]
        return self._pick(f"{scope} list", productions, depth)

    # ---- functions over events ---------------------------------------------------------------------------------------

    def _names(self) -> tuple[Text, list[str]]:
        chance = self._random.random()
        if chance < 0.12:
            return '"*"', ["*"]
        if chance < 0.3:
            chosen = self._random.sample(sorted({*EVENTS, *RARE_EVENTS}), self._random.choice((2, 2, 3)))
            return json.dumps(chosen), chosen
        chosen = [self._one(RARE_EVENTS if chance > 0.95 else EVENTS)]
        return json.dumps(chosen[0]), chosen

    def _bound(self, names: Sequence[str]) -> int | None:
        """The least retention among the events; None where nothing bounds them."""
        bounds = self._project.retention
        meant = bounds.values() if "*" in names else [bounds[name] for name in names if name in bounds]
        return min(meant, default=None)

    def _window(self, *names: str, is_needed: bool = False) -> Text:
        """`last=`, `between=`, or nothing where that is allowed."""
        bound = self._bound(names)
        fitting = [text for text in DURATIONS if bound is None or micros(text) <= bound]
        is_needed = is_needed or (bound is not None and names not in {(name,) for name in self._project.retention})
        chance = self._random.random()
        if chance < 0.4 and not is_needed:
            return ""
        if chance < 0.75 or len(fitting) < 2:
            return f'last="{self._one(fitting)}"'
        older, newer = sorted(self._random.sample(fitting, 2), key=micros, reverse=True)
        return f'last="{older}"' if micros(older) == micros(newer) else f'between=("{older}", "{newer}")'

    def _selection(self, depth: int, *, value: str = "", same: bool = False) -> Text:
        written, names = self._names()
        parts = [written]
        if value:
            parts.append(self._of_event(value, depth))
        if same:
            parts.append(f"same={self._of_event(self._scalar(), depth)}")
        if self._now_and_then(0.4):
            parts.append(f"where={self.condition('event', min(depth, 1))}")
        return ", ".join([*parts, *filter(None, [self._window(*names)])])

    def _of_event(self, kind: str, depth: int) -> Text:
        """A value that says something of the event."""
        while True:
            text = self.value("event", kind, min(depth, 1), is_constant=False)
            roots = {node.id for node in ast.walk(parse(text)) if isinstance(node, ast.Name)}
            if roots - {"profile", "time", "len", "lower"}:
                return text

    def _sequence(self, depth: int) -> Text:
        shape = self._one(("pp", "pn", "ppn", "pnp", "ppp", "pnnp", "pnpn", "pnn"))
        steps, names = [], list[str]()
        for letter in shape:
            written, chosen = self._names()
            names += chosen
            if self._now_and_then(0.25):
                written = f"event({written}, where={self.condition('event', min(depth, 0))})"
            steps.append(f"not {written}" if letter == "n" else written)
        bound = self._bound(names)
        fitting = [text for text in DURATIONS if bound is None or micros(text) <= bound]
        within = self._one(DURATIONS) if self._now_and_then(0.6) else ""
        is_last = self._now_and_then(0.4) or bound is not None
        if within and is_last and shape.endswith("n"):
            fitting = [text for text in fitting if micros(text) > micros(within)]
        last = self._one(fitting) if is_last and fitting else ""
        within = within if last or bound is None else ""
        last = last or (DURATIONS[0] if bound is not None else "")
        options = [f'{name}="{text}"' for name, text in (("within", within), ("last", last)) if text]
        return f"sequence({', '.join([*steps, *options])})"

    def _percentile(self) -> Text:
        named = self._one([*sorted(self._project.metrics), *self._scores])
        return f"(percentile({quoted(named)}) {self._one(('>=', '<'))} {self._one(('20', '50', '80', '99.5'))})"


def micros(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[text[-1]] * 1_000_000
