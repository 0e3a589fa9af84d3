"""YAML as nodes that know where they stand: texts, lists and mappings, nothing else.

Every scalar is the text that was written (a segment called `on` is no boolean, a version `1.10` no number); whoever
reads a field knows what it should be. Built from the parser's events without recursion. Anchors, aliases and tags are
refused: definitions are read by people, and a few aliases can stand for gigabytes.
"""

from collections.abc import Iterator

import yaml
from msgspec import Struct

DEEPEST = 20
LARGEST = 512 * 1024
"""Characters of a file."""
_NULLS = ("", "~", "null", "Null", "NULL")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlMistake(Exception):
    """The file cannot be read as YAML, from a character offset on."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.hint = hint


class Text(Struct, frozen=True):
    value: str
    style: str
    """`"`, `'`, `|`, `>`, or "" for a plain one."""
    start: int
    end: int

    @property
    def is_null(self) -> bool:
        return not self.style and self.value in _NULLS


class Sequence(Struct, frozen=True):
    items: list["Node"]
    start: int


class Mapping(Struct, frozen=True):
    pairs: list[tuple[Text, "Node"]]
    start: int


Node = Text | Sequence | Mapping


def compose(text: str) -> Node | None:
    """The nodes of one YAML document; None where it is empty. Raises YamlMistake."""
    if len(text) > LARGEST:
        raise YamlMistake(0, f"the file is larger than {LARGEST // 1024} KiB", "split it")
    for at, char in enumerate(text):
        if 0xD800 <= ord(char) <= 0xDFFF:
            raise YamlMistake(at, "not valid YAML: half a character (a surrogate)", "write the whole character")
    try:
        return _build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error) from None
    except yaml.reader.ReaderError as error:
        at = error.position if isinstance(error.position, int) else 0
        raise YamlMistake(
            min(at, len(text)), "not valid YAML: a character that cannot stand there", "remove it"
        ) from None


def _unreadable(error: yaml.MarkedYAMLError) -> YamlMistake:
    mark = error.problem_mark or error.context_mark
    message = f"not valid YAML: {error.problem or error.context}"
    hint = ""
    if "mapping values are not allowed" in message or "block end" in message or "block mapping" in message:
        hint = "a text with a colon or quotes in it stands in a block of its own, indented below `|`"
    if "\\t" in message or "tab" in message:
        hint = "indent with spaces"
    return YamlMistake(mark.index if mark else 0, message, hint)


def _build(events: Iterator[yaml.Event]) -> Node | None:
    """Put nodes into their parents; a parent without a pending key takes a scalar as the next key."""
    root: Node | None = None
    parents: list[Sequence | Mapping] = []
    keys: list[Text | None] = []
    for event in events:
        match event:
            case yaml.DocumentStartEvent() if root is not None:
                raise YamlMistake(_start(event), "a second document (---) in one file", "one definition a file")
            case yaml.AliasEvent():
                raise YamlMistake(_start(event), "aliases (*name) are not allowed", "write the value out")
            case yaml.CollectionEndEvent():
                parents.pop()
                keys.pop()
                continue
            case yaml.NodeEvent():
                node = _node(event)
            case _:
                continue
        if not parents:
            root = node
        elif not _put(parents[-1], keys, node):
            raise YamlMistake(node.start, "a key must be a text", "write name: value")
        if not isinstance(node, Text):
            parents.append(node)
            keys.append(None)
            if len(parents) > DEEPEST:
                raise YamlMistake(node.start, f"nested deeper than {DEEPEST} levels")
    return root


def _start(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.index


def _end(event: yaml.Event) -> int:
    assert event.end_mark is not None
    return event.end_mark.index


def _put(parent: Sequence | Mapping, keys: list[Text | None], node: Node) -> bool:
    if isinstance(parent, Sequence):
        parent.items.append(node)
    elif (key := keys[-1]) is not None:
        parent.pairs.append((key, node))
        keys[-1] = None
    elif isinstance(node, Text):
        keys[-1] = node
    else:
        return False
    return True


def _node(event: yaml.NodeEvent) -> Node:
    start = _start(event)
    if event.anchor is not None:
        raise YamlMistake(start, "anchors (&name) are not allowed", "write the value where it is needed")
    assert isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent)
    if event.tag is not None:
        raise YamlMistake(start, f"tags ({event.tag}) are not allowed", "a text that starts with ! stands in quotes")
    if isinstance(event, yaml.ScalarEvent):
        style = event.style or ""
        return Text(event.value, "" if style == ":" else style, start, _end(event))
    return Sequence([], start) if isinstance(event, yaml.SequenceStartEvent) else Mapping([], start)


def offset_in_file(text: Text, source: str, offset: int) -> int:
    """Where a character of the value stands in the file, whatever the style: folded, indented, quoted or escaped."""
    at = _first(text, source)
    index = 0
    while index < offset and at < text.end:
        at, index = _advance(text, source, at, index)
    return _skip_space(text, source, at, index)


def _first(text: Text, source: str) -> int:
    """After the quote, or on the first line of the block."""
    if text.style in ('"', "'"):
        return text.start + 1
    return source.find("\n", text.start) + 1 if text.style in ("|", ">") else text.start


def _advance(text: Text, source: str, at: int, index: int) -> tuple[int, int]:
    """Past the character at `index` of the value; a run of white space with a line break counts as one piece."""
    at = _skip_space(text, source, at, index)
    end = _run_end(source, at)
    if text.value[index].isspace() and "\n" in source[at:end]:
        return end, _run_end(text.value, index)
    if text.style == '"' and source[at] == "\\":
        return at + {"x": 4, "u": 6, "U": 10}.get(source[at + 1], 2), index + 1
    if text.style == "'" and source.startswith("''", at):
        return at + 2, index + 1
    return at + 1, index + 1


def _skip_space(text: Text, source: str, at: int, index: int) -> int:
    """Past the indentation of a block, and past a line break that was escaped away."""
    while text.style == '"' and source.startswith("\\\n", at):
        at = _run_end(source, at + 1)
    value = text.value
    if index < len(value) and not value[index].isspace():
        return _run_end(source, at)
    return at


def _run_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
