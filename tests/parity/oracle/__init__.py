"""The naive oracle: value(text, person, T) from the sentences of LANGUAGE.md, over raw lines.

It walks Python's own syntax tree of the text, keeps no state, plans nothing and shares nothing with the package: slow,
and obvious. `value` is for one answer; `Oracle` reads a text once for many people and instants.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.parity.oracle import asking, values
from tests.parity.oracle.lines import Happening, History, World, local, read, worlds
from tests.parity.oracle.values import Moment, Span, read_duration, same

Meaning = Callable[[World, Any], Any]
"""(what the person looks like, the event where there is one) -> value."""
Test = Callable[[World, Happening], bool]


class Project(NamedTuple):
    """What an expression may name beside the language."""

    segments: Mapping[str, str] = {}
    metrics: Mapping[str, str] = {}
    collections: Mapping[str, Mapping[str, Any]] = {}
    """add, remove, clear: names; key, quantity, price: paths; fields: names."""
    retention: Mapping[str, int] = {}
    time_zone: str = "UTC"
    gap: int = 30 * 60 * 1_000_000
    rules: Mapping[str, Any] = {}
    """Of traits: first, maximum, minimum, latest time, earliest time, union, or a list of sources."""


class Oracle:
    """Answers for one project and one history."""

    def __init__(self, lines: Sequence[Mapping[str, Any]], project: Project) -> None:
        self._history: History = read(lines)
        self._project = project
        self._meanings: dict[str, Meaning] = {}

    def worlds(self, now: int) -> dict[str, World]:
        """Everybody known at the instant."""
        return worlds(self._history, now, self._project.time_zone, self._project.retention, self._project.rules)

    def ask(self, text: str, seen: World) -> Any:
        if text not in self._meanings:
            self._meanings[text] = Reader(self._project).meaning(parse(text), is_event=False)
        return values.written(self._meanings[text](seen, None))


def value(text: str, lines: Sequence[Mapping[str, Any]], project: Project, now: int) -> dict[str, Any]:
    """Of everybody known at the instant."""
    oracle = Oracle(lines, project)
    return {name: oracle.ask(text, seen) for name, seen in oracle.worlds(now).items()}


def parse(text: str) -> ast.expr:
    return ast.parse(f"({text}\n)", mode="eval").body


class Reader:
    def __init__(self, project: Project) -> None:
        self._project = project

    def meaning(self, node: ast.expr, *, is_event: bool) -> Meaning:
        """What the node means, over a person or (within where=, a value, same=) over an event."""
        match node:
            case ast.Constant(value=constant):
                return lambda seen, event: constant
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return self._list(parts, is_event)
            case ast.BoolOp(op=ast.And(), values=parts):
                every = [self.truth(part, is_event=is_event) for part in parts]
                return lambda seen, event: all(holds(seen, event) for holds in every)
            case ast.BoolOp(op=ast.Or(), values=parts):
                some = [self.truth(part, is_event=is_event) for part in parts]
                return lambda seen, event: any(holds(seen, event) for holds in some)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                holds = self.truth(part, is_event=is_event)
                return lambda seen, event: not holds(seen, event)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                operand = self.meaning(part, is_event=is_event)
                return lambda seen, event: values.negative(operand(seen, event))
            case ast.BinOp(op=op, left=left, right=right):
                return self._calculated(type(op).__name__, left, right, is_event)
            case ast.Compare(left=ast.Call(func=ast.Name(id="percentile"), args=[ast.Constant(value=name)])):
                return self._percentile(str(name), node)
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip([left, *others], ops, others, strict=False)
                tests = [self._compared(type(op).__name__, one, other, is_event) for one, op, other in pairs]
                return lambda seen, event: all(test(seen, event) for test in tests)
            case ast.Call(func=ast.Name(id=function)):
                return self._call(function, node, is_event)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._named(node, is_event)
        raise AssertionError(ast.dump(node))

    def truth(self, node: ast.expr, *, is_event: bool) -> Callable[[World, Any], bool]:
        asked = self.meaning(node, is_event=is_event)
        return lambda seen, event: asked(seen, event) is True

    def _list(self, parts: Sequence[ast.expr], is_event: bool) -> Meaning:
        items = [self.meaning(part, is_event=is_event) for part in parts]
        return lambda seen, event: [item(seen, event) for item in items]

    # ---- names -------------------------------------------------------------------------------------------------------

    def _named(self, node: ast.expr, is_event: bool) -> Meaning:
        root, path = _unfolded(node)
        if root == "context" and is_event:
            return lambda seen, event: asking.walk(event.context, path)
        if root in ("profile", "traits") and not (root == "traits" and is_event):
            return lambda seen, event: asking.walk(seen.traits, path)
        if is_event:
            inner = path if root == "properties" else [root, *path]
            return lambda seen, event: asking.walk(event.properties, inner)
        if root in self._project.collections:
            about, part, rest = self._project.collections[root], str(path[0]), path[1:]
            return lambda seen, event: asking.walk(asking.collection(seen, about, part), rest)
        return lambda seen, event: asking.walk(seen.traits, [root, *path])

    # ---- operators ---------------------------------------------------------------------------------------------------

    def _calculated(self, op: str, left: ast.expr, right: ast.expr, is_event: bool) -> Meaning:
        one, other = self.meaning(left, is_event=is_event), self.meaning(right, is_event=is_event)

        def result(seen: World, event: Any) -> Any:
            a, b = one(seen, event), other(seen, event)
            if _is_text(right) and (op in ("Add", "Sub") or (op == "Div" and values.sort_of(a) == "duration")):
                b = Span(read_duration(b))
            return values.calculate(op, _beside(a, left, b), _beside(b, right, a))

        return result

    def _compared(self, op: str, left: ast.expr, right: ast.expr, is_event: bool) -> Test:
        one = self.meaning(left, is_event=is_event)
        if op in ("In", "NotIn"):
            return self._contained(left, right, is_event, is_wanted=op == "In")
        if op in ("Is", "IsNot"):
            return lambda seen, event: (one(seen, event) is None) is (op == "Is")
        other = self.meaning(right, is_event=is_event)

        def holds(seen: World, event: Any) -> bool:
            a, b = one(seen, event), other(seen, event)
            return values.compare(op, _beside(a, left, b), _beside(b, right, a))

        return holds

    def _contained(self, left: ast.expr, right: ast.expr, is_event: bool, *, is_wanted: bool) -> Test:
        """Some element equals it; a text is no list."""
        item, among = self.meaning(left, is_event=is_event), self.meaning(right, is_event=is_event)
        written = list(right.elts) if isinstance(right, ast.Tuple | ast.List) else None

        def holds(seen: World, event: Any) -> bool:
            a, held = item(seen, event), among(seen, event)
            if not isinstance(held, list):
                return not is_wanted
            nodes: Sequence[ast.expr | None] = written or [None] * len(held)
            found = any(same(_beside(a, left, b), _beside(b, node, a)) for b, node in zip(held, nodes, strict=True))
            return found is is_wanted

        return holds

    # ---- functions ---------------------------------------------------------------------------------------------------

    def _call(self, function: str, node: ast.Call, is_event: bool) -> Meaning:
        if function in ("segment", "score", "consents"):
            return self._of_person(function, str(ast.literal_eval(node.args[0])))
        if function in _OF_VALUES:
            parts = [self.meaning(part, is_event=is_event) for part in node.args]
            of_values = _OF_VALUES[function]
            return lambda seen, event: of_values(*(part(seen, event) for part in parts))
        if function in _CLOCKS:
            clock = _CLOCKS[function]
            return lambda seen, event: clock(seen)
        options = {str(keyword.arg): keyword.value for keyword in node.keywords}
        window = _window(options)
        if function == "sequence":
            steps = [self._step(part) for part in node.args]
            within, last = (_duration(options[name]) if name in options else None for name in ("within", "last"))
            return lambda seen, event: asking.sequence(seen, steps, within, last)
        gap = self._project.gap
        match function:
            case "sessions":
                return lambda seen, event: asking.session_count(seen, gap, window)
            case "session_length":
                return lambda seen, event: asking.session_length(seen, gap)
            case "avg_session_length":
                return lambda seen, event: asking.average_session_length(seen, gap, window)
        return self._of_events(function, node, options, window)

    def _of_person(self, function: str, name: str) -> Meaning:
        match function:
            case "segment":
                return self.truth(parse(self._project.segments[name]), is_event=False)
            case "score":
                return lambda seen, event: seen.scores.get(name)
        return lambda seen, event: seen.decisions.get(name, False)

    def _percentile(self, name: str, node: ast.Compare) -> Meaning:
        op, percent = type(node.ops[0]).__name__, float(ast.literal_eval(node.comparators[0]))
        metrics = self._project.metrics
        asked = (
            self.meaning(parse(metrics[name]), is_event=False)
            if name in metrics
            else lambda seen, event: seen.scores.get(name)
        )

        def holds(seen: World, event: Any) -> bool:
            found, threshold = asked(seen, None), seen.thresholds.get((name, percent))
            if not values.is_number(found) or not values.is_number(threshold):
                return False
            return values.compare(op, found, threshold)

        return holds

    # ---- functions over events ---------------------------------------------------------------------------------------

    def _step(self, node: ast.expr) -> asking.Step:
        if isinstance(node, ast.UnaryOp):
            return asking.Step(True, self._step(node.operand).fits)
        if isinstance(node, ast.Call):
            return asking.Step(False, self._fits(node.args[0], node.keywords))
        return asking.Step(False, self._fits(node, []))

    def _fits(self, names: ast.expr, keywords: Sequence[ast.keyword]) -> Test:
        meant = _names(names)
        where = next((keyword.value for keyword in keywords if keyword.arg == "where"), None)
        holds = self.truth(where, is_event=True) if where is not None else lambda seen, event: True
        return lambda seen, call: asking.is_meant(meant, call) and holds(seen, call)

    def _of_events(
        self, function: str, node: ast.Call, options: Mapping[str, ast.expr], window: asking.Window
    ) -> Meaning:
        fits = self._fits(node.args[0], node.keywords)
        value_node = options.get("same") or (node.args[1] if len(node.args) > 1 else None)
        of_call = self.meaning(value_node, is_event=True) if value_node is not None else None
        answer = _OF_EVENTS[f"{function} {'value' if of_call else 'event'}"]

        def asked(seen: World, event: Any) -> Any:
            # Times first: the rest of the test is the dear part.
            timely = [call for call in seen.lasting if asking.is_within(call.timestamp, window, seen.now)]
            chosen = [call for call in timely if fits(seen, call)]
            return answer(chosen if of_call is None else [of_call(seen, call) for call in chosen], seen)

        return asked


def _since(calls: Sequence[Happening], seen: World) -> Any:
    return values.span(seen.now - calls[-1].timestamp) if calls else None


_OF_EVENTS: dict[str, Callable[[Any, World], Any]] = {
    "count event": lambda calls, seen: float(len(calls)),
    "count value": lambda found, seen: float(asking.most_alike(found)),
    "any event": lambda calls, seen: len(calls) > 0,
    "sum value": lambda found, seen: asking.total(found),
    "avg value": lambda found, seen: asking.average(found),
    "min value": lambda found, seen: asking.extreme(found, min),
    "max value": lambda found, seen: asking.extreme(found, max),
    "distinct value": lambda found, seen: float(len(asking.different(found))),
    "first event": lambda calls, seen: Moment(calls[0].timestamp) if calls else None,
    "latest event": lambda calls, seen: Moment(calls[-1].timestamp) if calls else None,
    "first value": lambda found, seen: found[0] if found else None,
    "latest value": lambda found, seen: found[-1] if found else None,
    "time_since event": _since,
    "active_days event": lambda calls, seen: float(asking.active_days(calls, seen)),
}
_CLOCKS: dict[str, Callable[[World], Any]] = {
    "now": lambda seen: Moment(seen.now),
    "local_hour": lambda seen: float(local(seen.now, seen.zone).hour),
    "local_weekday": lambda seen: float(local(seen.now, seen.zone).isoweekday()),
    "local_month": lambda seen: float(local(seen.now, seen.zone).month),
}


def _both_texts(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda one, other: isinstance(one, str) and isinstance(other, str) and test(one, other)


_OF_VALUES: dict[str, Callable[..., Any]] = {
    "time": values.time_of,
    "lower": values.lower,
    "len": lambda held: float(len(held)) if isinstance(held, list) else None,
    "contains": _both_texts(lambda one, other: other in one),
    "starts_with": _both_texts(lambda one, other: one.startswith(other)),
    "ends_with": _both_texts(lambda one, other: one.endswith(other)),
}


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _beside(held: Any, node: ast.expr | None, other: Any) -> Any:
    """A text next to a time is read as ISO 8601, a text constant next to a duration as one (LANGUAGE.md 3.2)."""
    if isinstance(held, str) and isinstance(other, Moment):
        return values.read_time(held)
    if isinstance(held, str) and isinstance(other, Span) and _is_text(node):
        return Span(read_duration(held))
    return held


def _unfolded(node: ast.expr) -> tuple[str, list[str | int]]:
    match node:
        case ast.Attribute(value=inner, attr=name):
            root, path = _unfolded(inner)
            return root, [*path, name]
        case ast.Subscript(value=inner, slice=ast.Constant(value=index)):
            root, path = _unfolded(inner)
            assert isinstance(index, str | int)
            return root, [*path, index]
    assert isinstance(node, ast.Name)
    return node.id, []


def _names(node: ast.expr) -> list[str]:
    named = ast.literal_eval(node)
    return [named] if isinstance(named, str) else list(named)


def _duration(node: ast.expr) -> int:
    return read_duration(str(ast.literal_eval(node)))


def _window(options: Mapping[str, ast.expr]) -> asking.Window:
    if "between" in options:
        older, newer = ast.literal_eval(options["between"])
        return read_duration(older), read_duration(newer)
    return (_duration(options["last"]) if "last" in options else None), 0
