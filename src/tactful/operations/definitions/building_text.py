"""The text that rows of the builder write: what somebody would have written by hand, on one line where it is short."""

import json
import re
from collections.abc import Sequence

from tactful.operations.definitions.building import NAMED, TESTS, Constant, Group, Part, Row, Step, Words

WIDEST = 100
"""Characters of a line; a longer condition has a line for each part."""


def write(group: Group) -> str:
    """The expression; "" of a group without parts."""
    parts = [_bracketed(part) for part in group.parts]
    if group.how == "none":
        return _none(group)
    if len(group.parts) == 1:
        return _part(group.parts[0])
    word = "and" if group.how == "all" else "or"
    line = f" {word} ".join(parts)
    return line if len(line) <= WIDEST and "\n" not in line else f"\n{word} ".join(parts)


def _part(part: Part) -> str:
    match part:
        case Words(text=text):
            return text
        case Group():
            return write(part)
        case Row():
            return row(part)


def _bracketed(part: Part) -> str:
    """As it stands beside others."""
    text = _part(part)
    is_whole = isinstance(part, Row) or (isinstance(part, Group) and part.how == "none")
    return text if is_whole else f"({text})"


def _none(group: Group) -> str:
    return f"not ({write(Group('any', group.parts))})"


def row(part: Row) -> str:
    """One row."""
    asked = _quantity(part)
    match part.comparison:
        case "true":
            return asked
        case "false":
            return f"not {asked}"
        case "missing":
            return f"{asked} is None"
        case "there":
            return f"{asked} is not None"
        case "in" | "not in":
            return f"{asked} {part.comparison} {_listed(part.values)}"
        case "has" | "not has":
            return f"{_first(part.values)} {part.comparison.replace('has', 'in')} {asked}"
        case "newer" | "older":
            return f"{asked} {'>' if part.comparison == 'newer' else '<'} now() - {_first(part.values)}"
        case test if test.removeprefix("not ") in TESTS:
            return f"{test}({asked}, {_first(part.values)})"
        case sign if part.is_turned:
            return f"{_first(part.values)} {sign} {asked}"
        case sign:
            return f"{asked} {sign} {_first(part.values)}"


def _quantity(part: Row) -> str:
    if part.quantity == "field":
        return part.name
    if part.quantity in NAMED:
        return f"{part.quantity}({constant(part.name)})"
    if part.quantity == "sequence":
        options = [("within", part.within), ("last", part.last)]
        given = [f"{name}={constant(value)}" for name, value in options if value]
        return f"sequence({', '.join([*map(_step, part.steps), *given])})"
    events = [_events(part.events)] if part.events else []
    of = [f"same={part.name}" if part.quantity == "count" else part.name] if part.name else []
    where = [f"where={write(part.where)}"] if part.where is not None and part.where.parts else []
    # `same` is an option, and options stand behind.
    own = of + where if part.quantity != "count" else where + of
    return f"{part.quantity}({', '.join([*events, *own, *_window(part)])})"


def _window(part: Row) -> list[str]:
    if part.last and part.until:
        return [f"between=({constant(part.last)}, {constant(part.until)})"]
    return [f"last={constant(part.last)}"] if part.last else []


def _step(step: Step) -> str:
    events = _events(step.events)
    has_where = step.where is not None and step.where.parts
    found = f"event({events}, where={write(step.where)})" if step.where is not None and has_where else events
    return f"not {found}" if step.is_absent else found


def _events(names: Sequence[str]) -> str:
    return constant(names[0]) if len(names) == 1 else f"[{', '.join(map(constant, names))}]"


def _listed(values: Sequence[Constant]) -> str:
    inside = ", ".join(map(constant, values))
    return f"({inside},)" if len(values) == 1 else f"({inside})"


def _first(values: Sequence[Constant]) -> str:
    return constant(values[0]) if values else '""'


def constant(value: Constant) -> str:
    """As the language writes it: texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\u007f", "\\u007f")
    return repr(value)


# ---- values as they are typed into a form --------------------------------------------------------------------------

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def shown(values: Sequence[Constant], *, is_list: bool = True) -> str:
    """For a form: texts without quotes where nobody could take them for something else."""
    return ", ".join(_shown(value, is_list=is_list) for value in values)


def _shown(value: Constant, *, is_list: bool) -> str:
    if not isinstance(value, str):
        return repr(value)
    is_clear = value == value.strip() and value and value.isprintable() and not value.startswith('"')
    return value if is_clear and typed(value, is_list=is_list) == (value,) else constant(value)


def typed(text: str, *, is_list: bool = True) -> tuple[Constant, ...]:
    """Values from a form: numbers, True and False, everything else a text, with or without double quotes; in a list
    with commas between them."""
    return tuple(_typed(one.strip()) for one in (_split(text) if is_list else [text]))


def _split(text: str) -> list[str]:
    """At commas, those within quotes apart."""
    found = re.findall(r'\s*(?:"(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^,]*)(?:,|$)', text)
    pieces = [one.removesuffix(",") for one in found]
    return [one for one in pieces if one.strip()] or ([""] if not text.strip() else [])


def _typed(text: str) -> Constant:
    if _QUOTED.fullmatch(text):
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            return text
    if text in ("True", "False"):
        return text == "True"
    if _NUMBER.fullmatch(text):
        return float(text) if re.search(r"[.eE]", text) else int(text)
    return text
