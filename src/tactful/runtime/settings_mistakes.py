"""Mistakes in tactful.toml, in the words of whoever wrote it: which key, on which line, and what to write instead.

msgspec says what does not fit, by a path in which the names of tables are left out (`$.sources[...].trust`); here that
becomes the key as the file has it (`sources.website.trust`), and the key becomes a line. Pure.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem
from tactful.language.mistakes import did_you_mean

FILE = "tactful.toml"
KEYS = "docs/configuration.md lists every key"

Key = tuple[str, ...]
"""From the section inwards: ("identity", "browser")."""

_PATH = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAMED = re.compile(r'(?:[A-Za-z0-9_-]+|"[^"]+")(?:\.(?:[A-Za-z0-9_-]+|"[^"]+"))+')
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a section of its own",
}
"""Of what msgspec calls them."""


def dotted(key: Key) -> str:
    """As TOML writes it: `consent.purposes."marketing.email"`."""
    return ".".join(part if _BARE.fullmatch(part) else f'"{part}"' for part in key)


def error_of(message: str, hint: str, text: str) -> DefinitionError:
    """`message` begins with the key that is wrong, where it is one."""
    named = _NAMED.match(message)
    return DefinitionError(Problem(message, place(_key(named[0]) if named else (), text), hint))


def misfit(
    error: msgspec.ValidationError, tree: Mapping[str, Any], section: type[Struct], text: str
) -> DefinitionError:
    """What does not fit the types of the settings. `tree` is what was converted to `section`."""
    key, kind = _locate(error, tree, section)
    said = str(error)
    if unknown := re.search(r"unknown field `(.*?)`", said):
        names = [one.encode_name for one in msgspec.structs.fields(kind)] if _is_section(kind) else []
        key = (*key, unknown[1])
        message, hint = f"there is no {dotted(key)}", did_you_mean(unknown[1], names)
        hint = hint or did_you_mean(unknown[1], _all_keys(section))
    elif missing := re.search(r"missing required field `(.*?)`", said):
        message, hint = f"{dotted(key)} needs {missing[1]}", ""
    elif value := re.search(r"Invalid enum value '(.*?)'", said):
        choices = [str(one) for one in get_args(kind)]
        message = f'{dotted(key)} cannot be "{value[1]}"'
        hint = did_you_mean(value[1], choices) or f"write {', '.join(choices[:-1])} or {choices[-1]}"
    elif types := re.search(r"Expected `(\w+)`, got `(\w+)`", said):
        message = f"{dotted(key)} must be {_KINDS.get(types[1], types[1])}, not {_KINDS.get(types[2], types[2])}"
        hint = 'write ["...", "..."]' if types[1] == "array" else ""
    else:
        message, hint = said, ""
    return DefinitionError(Problem(message, place(key, text), hint or KEYS))


def place(key: Key, text: str) -> Place:
    """The line of a key, else the nearest section around it; the beginning of the file where there is none."""
    section: Key = ()
    best, found = 0, Place(FILE, 1, 1)
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            here = section = _key_of(stripped) or section
        else:
            name, equals, _ = stripped.partition("=")
            here = (*section, *_key(name)) if equals else ()
        if len(here) > best and here == key[: len(here)]:
            best, found = len(here), Place(FILE, number, len(line) - len(line.lstrip()) + 1, line)
    return found


def _locate(error: msgspec.ValidationError, tree: Mapping[str, Any], section: type[Struct]) -> tuple[Key, Any]:
    """The key that msgspec speaks of, and the type that it should have."""
    at = _PATH.search(str(error))
    key: list[str] = []
    node: Any = tree
    kind: Any = section
    for step in _STEP.finditer(at[1] if at else ""):
        if step[1]:
            name = step[1]
            kind = next(one.type for one in msgspec.structs.fields(kind) if one.encode_name == name)
        elif step[2] == "..." and isinstance(node, dict):
            kind = get_args(kind)[1]
            name = next(name for name, inner in node.items() if not _fits(inner, kind))
        else:
            break  # In a list: its key is near enough.
        key.append(name)
        node = node[name]
    return tuple(key), kind


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _key(written: str) -> Key:
    """Of a dotted key; () where it is none."""
    return _key_of(f"[{written.strip()}]")


def _key_of(header: str) -> Key:
    try:
        tree: Any = tomllib.loads(header)
    except tomllib.TOMLDecodeError:
        return ()
    key: list[str] = []
    while isinstance(tree, dict) and tree:
        ((name, tree),) = tree.items()
        key.append(name)
    return tuple(key)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _all_keys(section: type[Struct]) -> Iterator[str]:
    """Every key and section of the file."""
    for one in msgspec.structs.fields(section):
        yield one.encode_name
        inner: Sequence[Any] = (one.type, *get_args(one.type))
        for kind in inner:
            if _is_section(kind):
                yield from _all_keys(kind)
