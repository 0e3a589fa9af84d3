"""A definition file as its fields: known keys only, each read as what it should be, each mistake with its place.

A Document collects every mistake instead of stopping at the first, so that an author sees all of them at once; what
could not be read comes back as None (or as the default), and nobody uses it, since the file is refused as a whole.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from tactful.errors import Place, Problem
from tactful.language.calls import Scope, duration_hint, event_problem, without_covered
from tactful.language.check import Checked, Wanted, check
from tactful.language.known import unknown_event
from tactful.language.mistakes import Mistake, Remark, did_you_mean, place_at
from tactful.language.vocabulary import EMPTY, Vocabulary
from tactful.language.yaml_nodes import Mapping, Node, Sequence, Text, YamlMistake, compose, offset_in_file
from tactful.values import DAY_US, digest, parse_duration

VERSION_DIGITS = 8
PURPOSE = re.compile(r"(?=.{1,63}$)[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
"""A purpose of consent: "marketing", and below it "marketing.email"."""
PURPOSE_HINT = "write small letters, digits and _, with dots between the parts: marketing.email"


class Document:
    """One file of a project: its text, and the problems found in it so far."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.references: list[tuple[str, str, int]] = []
        """Folder and name of each definition that it names, and where it does."""
        self.purposes: list[tuple[str, int]] = []
        """Each purpose of consent that it needs, and where it says so."""

    @property
    def version(self) -> str:
        """Digest of the source, as short as it may be: every run in a journey has it (journeys/runs.py)."""
        return digest(self.text)[:VERSION_DIGITS]

    def place(self, at: int) -> Place:
        return place_at(self.file, self.text, at)

    def refuse(self, at: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, self.place(at), hint))

    def warn(self, at: int, message: str, hint: str = "") -> None:
        self.warnings.append(Problem(message, self.place(at), hint))

    def fields(self, known: Collection[str], required: Collection[str]) -> "Fields | None":
        """The fields of the file itself."""
        try:
            root = compose(self.text)
        except YamlMistake as mistake:
            self.refuse(mistake.offset, mistake.message, mistake.hint)
            return None
        if root is None or (isinstance(root, Text) and root.is_null):
            self.refuse(0, "the file is empty", f"it needs {_list(required)}")
            return None
        return self.fields_of(root, "a definition", known, required)

    def fields_of(self, node: Node, what: str, known: Collection[str], required: Collection[str]) -> "Fields | None":
        """The fields of a mapping, unknown, repeated and missing ones refused."""
        if not isinstance(node, Mapping):
            self.refuse(node.start, f"{what} is written as names with values", _as_mapping(node, what, known, required))
            return None
        found: dict[str, Node] = {}
        for key, value in node.pairs:
            if key.value in found:
                self.refuse(key.start, f'"{key.value}" is given twice', "keep one of them")
            elif key.value not in known:
                # A comma within { } ends a value: what stood behind it in an expression looks like another name.
                is_rest = any(sign in key.value for sign in "()\"'")
                quote = "a comma ends a value within { }: put the whole expression into quotes"
                hint = quote if is_rest else did_you_mean(key.value, known) or f"known are {_list(known)}"
                self.refuse(key.start, f'{what} has no "{key.value}"', hint)
            else:
                found[key.value] = value
        for name in required:
            if name not in found:
                self.refuse(node.start, f'{what} needs "{name}"', f"add a line {name}: ...")
        return Fields(self, what, found)


@dataclass(frozen=True)
class Fields:
    """The known fields of one mapping. A reader asks for each by name; an absent one gives the default."""

    document: Document
    what: str
    nodes: dict[str, Node] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def at(self, name: str) -> int:
        """Where the value of a field stands."""
        node = self.nodes[name]
        return offset_in_file(node, self.document.text, 0) if isinstance(node, Text) else node.start

    def refuse(self, name: str, message: str, hint: str = "") -> None:
        self.document.refuse(self.at(name), message, hint)

    def mapping(self, name: str, known: Collection[str], required: Collection[str] = ()) -> "Fields | None":
        return self.document.fields_of(self.nodes[name], f'"{name}"', known, required) if name in self.nodes else None

    def text(self, name: str, default: str = "") -> str:
        node = self.nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Text):
            self.refuse(name, f'"{name}" is a text', "write it on one line, or in a block below `|`")
        elif node.is_null or not node.value.strip():
            self.refuse(name, f'"{name}" is empty', "write its value, or leave the line out")
        else:
            return node.value
        return default

    def reference(self, name: str, folder: str) -> str:
        """The name of another definition; whether that is there is checked when all files are read."""
        value = self.text(name)
        if value:
            self.document.references.append((folder, value, self.at(name)))
        return value

    def purpose(self, name: str, default: str = "") -> str:
        """A purpose of consent; whether it is declared is checked when all files are read."""
        purpose = self.text(name, default)
        if purpose and not PURPOSE.fullmatch(purpose):
            self.refuse(name, f'"{purpose}" is no name of a purpose', PURPOSE_HINT)
        elif purpose:
            self.document.purposes.append((purpose, self.at(name) if name in self else 0))
        return purpose

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            hint = did_you_mean(value, choices) or f"write {' or '.join(choices)}"
            self.refuse(name, f'"{name}" cannot be "{value}"', hint)
            return default
        return value

    def duration(self, name: str, default_us: int, longest_days: int = 366) -> int:
        """Microseconds."""
        text = self.text(name)
        if not text:
            return default_us
        duration_us = parse_duration(text)
        if duration_us is None:
            self.refuse(name, f'"{text}" is no duration', duration_hint(text))
        elif duration_us > longest_days * DAY_US:
            self.refuse(name, f'"{text}" is longer than {longest_days:,} days', "write a shorter one")
        else:
            return duration_us
        return default_us

    def whole_number(self, name: str, default: int, most: int) -> int:
        """From 1."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
            self.refuse(name, f'"{name}" is a whole number from 1 to {most:,}', f"write {name}: {default}")
            return default
        return int(text)

    def flag(self, name: str) -> bool:
        """`true` or `false`; without it false."""
        return self.choice(name, ("true", "false"), "false") == "true"

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one alone."""
        node = self.nodes.get(name)
        found = []
        for item in node.items if isinstance(node, Sequence) else [node] if node is not None else []:
            if not isinstance(item, Text) or item.is_null or not item.value.strip():
                self.document.refuse(item.start, f'"{name}" is a list of texts', f"write {name}: [one, two]")
            else:
                found.append(item.value)
        return tuple(found)

    def pairs(self, name: str) -> "list[tuple[Text, Node]]":
        """Names of the author's choice, each with what stands behind it."""
        node = self.nodes.get(name)
        if node is None or (isinstance(node, Text) and node.is_null):
            return []
        if not isinstance(node, Mapping):
            self.refuse(name, f'"{name}" is written as names with values', f"write {name}: {{total: number}}")
            return []
        known = set()
        for key, _ in node.pairs:
            if key.value in known:
                self.document.refuse(key.start, f'"{key.value}" is given twice', "keep one of them")
            known.add(key.value)
        return node.pairs

    def events(self, name: str, vocabulary: Vocabulary = EMPTY) -> tuple[str, ...]:
        """One event name or a list of them, sorted; () where it is absent or wrong."""
        node = self.nodes.get(name)
        if node is None:
            return ()
        names = set()
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Text) or item.is_null:
                self.document.refuse(item.start, "an event is a text", 'write its name: "Order Completed"')
                continue
            at = offset_in_file(item, self.document.text, 0)
            problem, hint = event_problem(item.value)
            if problem:
                self.document.refuse(at, problem, hint)
            unknown, hint = unknown_event(vocabulary, item.value)
            if unknown:
                (self.document.refuse if vocabulary.is_strict else self.document.warn)(at, unknown, hint)
            names.add(item.value)
        if isinstance(node, Sequence) and not node.items:
            self.refuse(name, "the list of events is empty", "write an event's name")
        return without_covered(names)

    def expression(
        self,
        name: str,
        vocabulary: Vocabulary = EMPTY,
        *,
        wanted: Wanted = "condition",
        scope: Scope = "person",
        events: tuple[str, ...] | None = None,
        allows_clock: bool = True,
    ) -> Checked | None:
        """As check() takes them; None where it is absent or wrong."""
        node = self.nodes.get(name)
        if node is None:
            return None
        if not isinstance(node, Text):
            hint = "an expression that starts with [ or { stands in quotes, or in a block below `|`"
            self.refuse(name, f'"{name}" is an expression', hint)
            return None
        if node.is_null or not node.value.strip():
            self.refuse(name, f'"{name}" is empty', 'write a condition such as any("Order Completed", last="30d")')
            return None
        try:
            checked = check(node.value, wanted, scope, vocabulary, allows_clock=allows_clock, events=events)
        except Mistake as mistake:
            self._say(self.document.problems, node, mistake.remark)
            return None
        for remark in checked.warnings:
            self._say(self.document.warnings, node, remark)
        return checked

    def refuse_in(self, name: str, offset: int, message: str, hint: str = "") -> None:
        """At a character of an expression."""
        node = self.nodes[name]
        assert isinstance(node, Text)
        self._say(self.document.problems, node, Remark(offset, message, hint))

    def _say(self, where: list[Problem], node: Text, remark: Remark) -> None:
        at = offset_in_file(node, self.document.text, min(remark.offset, len(node.value)))
        where.append(Problem(remark.message, self.document.place(at), remark.hint))


def _as_mapping(node: Node, what: str, known: Collection[str], required: Collection[str]) -> str:
    """`start: Product Added` probably means `start: {event: Product Added}`."""
    name = what.strip('"')
    if not isinstance(node, Text) or node.is_null or name == what or not re.fullmatch(r"[\w .-]{1,60}", node.value):
        return f"it needs {_list(required or known)}"
    first, *others = required or known
    return (
        f"write {name}: {{{', '.join([f'{first}: {node.value}', *(f'{other}: ...' for other in others if required)])}}}"
    )


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
