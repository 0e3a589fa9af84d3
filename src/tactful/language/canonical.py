"""The text that every way to write one meaning shares: by it two definitions find out that they ask the same.

Names stand in full (`profile.x`, `properties.x`), since the same text must mean the same over a person and over an
event. A segment is written as what it means; what a metric, a collection or the gap between sessions means stands
behind the text as a comment, so that the text of a definition changes when the meaning of a name in it does.
"""

import ast
from collections.abc import Mapping

from tactful.language.names import is_plain
from tactful.language.tree import (
    Aggregate,
    All,
    Arithmetic,
    AtLeast,
    Clock,
    Compare,
    Consents,
    Context,
    Either,
    Function,
    In,
    InSegment,
    Instant,
    IsMissing,
    Items,
    Lasting,
    Literal,
    Negative,
    Node,
    Not,
    Now,
    Part,
    Path,
    Percentile,
    Property,
    ReadTime,
    Score,
    Sequence,
    Sessions,
    Step,
    Trait,
    Window,
    everything,
)
from tactful.language.vocabulary import DEFAULT_GAP_US, Collection
from tactful.values import SECOND_US, format_duration, format_time

_SIGNS: Mapping[str, ast.cmpop] = {"==": ast.Eq(), "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE()}
_OPERATORS: Mapping[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}


def canonical(node: Node) -> str:
    """Of one expression; of a condition that lower.py made too, which is then no text to be parsed."""
    return ast.unparse(_render(node))


def in_full(node: Node) -> str:
    """The canonical text, and behind it what its names mean."""
    notes: dict[str, None] = {}
    for one in everything(node):
        match one:
            case Percentile(name=name, value=value) if value != Score(name, value.span):
                notes[f"{name}: {canonical(value)}"] = None
            case Part(collection=collection):
                notes[_note_of(collection)] = None
            case Sessions(gap_us=gap_us) if gap_us != DEFAULT_GAP_US:
                notes[f"gap: {_duration(gap_us)}"] = None
            case _:
                pass
    return canonical(node) + "".join(f"  # {note}" for note in sorted(notes))


def _note_of(collection: Collection) -> str:
    events = f"{list(collection.add)!r} {list(collection.remove)!r} {list(collection.clear)!r}"
    paths = f"{collection.key!r} {collection.quantity!r} {collection.price!r} {collection.fields!r}"
    return f"{collection.name}: {events} {paths} {collection.limit}"


def _render(node: Node) -> ast.expr:
    match node:
        case Literal(value=value):
            return ast.Constant(value)
        case Instant(at_us=at_us):
            return _call("time", ast.Constant(format_time(at_us)))
        case Lasting(duration_us=duration_us):
            return ast.Constant(_duration(duration_us))
        case Items(items=items):
            return ast.Tuple([_render(item) for item in items], ast.Load())
        case Trait(path=path):
            return _steps("profile", path)
        case Property(path=path):
            return _steps("properties", path)
        case Context(path=path):
            return _steps("context", path)
        case Part(collection=collection, path=path):
            return _steps(collection.name, path)
        case Arithmetic(op=op, left=left, right=right):
            return ast.BinOp(_render(left), _OPERATORS[op], _render(right))
        case Negative(operand=operand):
            return ast.UnaryOp(ast.USub(), _render(operand))
        case ReadTime(operand=operand):
            return _render(operand)
        case Function(name=name, arguments=arguments):
            return _call(name, *map(_render, arguments))
        case Compare() | In() | IsMissing() | All() | Either() | Not() | AtLeast():
            return _condition(node)
        case _:
            return _asked(node)


def _asked(node: Node) -> ast.expr:
    """Functions over events and over the person."""
    match node:
        case Aggregate():
            return _aggregate(node)
        case Sequence(steps=steps, within_us=within_us, last_us=last_us):
            options = [("within", within_us), ("last", last_us)]
            return _call(
                "sequence",
                *map(_step, steps),
                options=[ast.keyword(name, ast.Constant(_duration(us))) for name, us in options if us is not None],
            )
        case Sessions(function=function, window=window):
            return _call(function, options=_window(window))
        case Now():
            return _call("now")
        case Clock(function=function):
            return _call(function)
        case InSegment(tree=tree):
            return _render(tree)
        case Score(model=model):
            return _call("score", ast.Constant(model))
        case Percentile(name=name, op=op, percent=percent):
            number = int(percent) if percent.is_integer() else percent
            return ast.Compare(_call("percentile", ast.Constant(name)), [_SIGNS[op]], [ast.Constant(number)])
        case Consents(purpose=purpose):
            return _call("consents", ast.Constant(purpose))
        case _:
            raise AssertionError(node)


def _condition(node: Node) -> ast.expr:
    match node:
        case AtLeast(count=count, n=n):
            return ast.Compare(_render(count), [ast.GtE()], [ast.Constant(n)])
        case Compare(op=op, left=left, right=right):
            return ast.Compare(_render(left), [_SIGNS[op]], [_render(right)])
        case In(item=item, among=among):
            return ast.Compare(_render(item), [ast.In()], [_render(among)])
        case IsMissing(operand=operand):
            return ast.Compare(_render(operand), [ast.Is()], [ast.Constant(None)])
        case All(parts=(part,)):
            # What one part alone gives, taken as true or false.
            return ast.BoolOp(ast.And(), [ast.Constant(True), _render(part)])
        case All(parts=parts):
            return ast.BoolOp(ast.And(), [_render(part) for part in parts])
        case Either(parts=(part,)):
            return ast.BoolOp(ast.Or(), [ast.Constant(False), _render(part)])
        case Either(parts=parts):
            return ast.BoolOp(ast.Or(), [_render(part) for part in parts])
        case Not(part=InSegment(tree=tree)):
            return _condition(Not(tree, node.span))
        case Not(part=Compare(op="==", left=left, right=right)):
            return ast.Compare(_render(left), [ast.NotEq()], [_render(right)])
        case Not(part=In(item=item, among=among)):
            return ast.Compare(_render(item), [ast.NotIn()], [_render(among)])
        case Not(part=IsMissing(operand=operand)):
            return ast.Compare(_render(operand), [ast.IsNot()], [ast.Constant(None)])
        case Not(part=part):
            return ast.UnaryOp(ast.Not(), _render(part))
        case _:
            raise AssertionError(node)


def _aggregate(node: Aggregate) -> ast.expr:
    selection, options = node.selection, []
    arguments = [_events(selection.events)]
    if selection.where is not None:
        options.append(ast.keyword("where", _render(selection.where)))
    if node.value is not None and node.function == "count":
        options.append(ast.keyword("same", _render(node.value)))
    elif node.value is not None:
        arguments.append(_render(node.value))
    return _call(node.function, *arguments, options=options + _window(selection.window))


def _step(step: Step) -> ast.expr:
    events = _events(step.events)
    found = (
        events if step.where is None else _call("event", events, options=[ast.keyword("where", _render(step.where))])
    )
    return ast.UnaryOp(ast.Not(), found) if step.is_absent else found


def _events(events: tuple[str, ...]) -> ast.expr:
    names: list[ast.expr] = [ast.Constant(event) for event in events]
    return names[0] if len(names) == 1 else ast.List(names, ast.Load())


def _window(window: Window | None) -> list[ast.keyword]:
    if window is None:
        return []
    older, newer = _duration(window.older_us), _duration(window.newer_us)
    if not window.newer_us:
        return [ast.keyword("last", ast.Constant(older))]
    return [ast.keyword("between", ast.Tuple([ast.Constant(older), ast.Constant(newer)], ast.Load()))]


def _duration(us: int) -> str:
    """No text has a part of a second; what was folded may, and is written so that no two are the same."""
    return format_duration(us) if us > 0 and us % SECOND_US == 0 else f"{us}us"


def _call(name: str, *arguments: ast.expr, options: list[ast.keyword] | None = None) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), options or [])


def _steps(root: str, path: Path) -> ast.expr:
    value: ast.expr = ast.Name(root, ast.Load())
    for step in path:
        if isinstance(step, str) and is_plain(step):
            value = ast.Attribute(value, step, ast.Load())
        else:
            value = ast.Subscript(value, ast.Constant(step), ast.Load())
    return value
