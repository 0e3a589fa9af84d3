"""Blocks: pieces that several messages share, blocks/NAME.yaml, used by `{% block "header", title: "Sale" %}`.

description: The head of every mail    # optional
parameters: {title: "", link: null}    # optional; each with what it is without being given; null: it must be given
mjml: <mj-section>...</mj-section>     # what stands in a message's mjml; html, text and amp likewise
text: "{{ title }}"

A block sees what the message sees, and its parameters by their names. What it assigns is gone behind it. A message is
frozen together with the blocks that it uses. Which those are is told from the text of the tags, without parsing Liquid:
the process that decides has to know it and renders nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from tactful.language.document import Document, Fields
from tactful.language.mistakes import did_you_mean
from tactful.language.yaml_nodes import Text

DEEPEST = 8
"""Blocks within blocks."""
PARTS = ("html", "mjml", "text", "amp")
_INSTEAD: Mapping[str, tuple[str, ...]] = {"html": ("html",), "mjml": ("mjml", "html"), "amp": ("amp", "html")}
"""Of which part of a block a part of a message is made; all others of the text."""
_USE = re.compile(r"""\bblock\s+(?:"([^"\n]*)"|'([^'\n]*)')""")
_PARAMETER = re.compile(r"[a-z_][a-z0-9_]{0,63}")


class Block(Struct, frozen=True, array_like=True):
    """A piece of several messages; at least one of its texts is there."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()
    """Each with its default; None: it has to be given."""
    html: str = ""
    mjml: str = ""
    text: str = ""
    amp: str = ""

    def of(self, part: str) -> str:
        """What stands in this part of a message; "" where nothing can."""
        for one in _INSTEAD.get(part, ("text",)):
            if found := str(getattr(self, one)):
                return found
        return ""


class TemplateCheck(Protocol):
    """Says what is wrong with a template's text, with the line in it; None where nothing is."""

    def __call__(
        self,
        text: str,
        names: tuple[str, ...] | None = None,
        *,
        part: str = "html",
        blocks: tuple[Block, ...] = (),
    ) -> str | None:
        """`names` are all that it may name (None: any), `part` is the field where it stands, `blocks` are those that it
        may use."""
        ...


def read_block(name: str, document: Document, check_template: TemplateCheck | None = None) -> Block | None:
    """The block; None where the document now has problems. Blocks that it uses itself are looked at by `used`."""
    fields = document.fields(known=("description", "parameters", *PARTS), required=())
    if fields is None:
        return None
    fields.text("description")
    block = Block(name, tuple(_parameters(fields)), **{part: fields.text(part) for part in PARTS})
    if not any(part in fields for part in PARTS):
        document.refuse(0, "the block is empty", f"write one of {', '.join(PARTS)}")
    for part in PARTS:
        # Those that it uses are checked with the message that uses all of them.
        if check_template is not None and part in fields and not list(uses(fields.text(part))):
            problem = check_template(fields.text(part), part=part)
            if problem:
                fields.refuse(part, f"the template cannot be used: {problem}")
    return None if document.problems else block


def _parameters(fields: Fields) -> Iterator[tuple[str, str | None]]:
    for key, node in fields.pairs("parameters"):
        if not _PARAMETER.fullmatch(key.value):
            hint = "small letters, digits and _, a letter first"
            fields.document.refuse(key.start, f'"{key.value}" cannot be the name of a parameter', hint)
        elif not isinstance(node, Text):
            fields.document.refuse(key.start, f'the default of "{key.value}" is a text', 'write "" for an empty one')
        else:
            yield key.value, None if node.is_null else node.value


def uses(text: str) -> Iterator[tuple[str, int]]:
    """Names of the blocks that a template uses, each with the character where its tag begins."""
    for at, tag in tags(text):
        for use in _USE.finditer(tag) if text[at + 1] == "%" else ():
            yield use[1] if use[1] is not None else use[2], at


def tags(text: str) -> Iterator[tuple[int, str]]:
    """What stands within each tag and output of a template, and the character where that begins."""
    at, missing = 0, ""
    while (start := text.find("{", at)) >= 0:
        at = start + 1
        closing = {"{": "}}", "%": "%}"}.get(text[at : at + 1])
        # One that is not to be found once is not to be found again.
        if closing is None or closing == missing:
            continue
        end = text.find(closing, at + 1)
        if end < 0:
            missing = closing
        else:
            yield start, text[at + 1 : end]
            at = end + 2


Refuse = Callable[[int, str, str], None]
"""Takes the character of the template, what is wrong, and a hint."""


def used(text: str, part: str, blocks: Mapping[str, Block], refuse: Refuse | None = None) -> dict[str, Block]:
    """All blocks that a template uses in this part, also through each other. What is wrong (a block that is not there,
    that has nothing for this part, or that goes round in a circle) is refused where the template begins it."""
    found: dict[str, Block] = {}
    for name, at in uses(text):
        problem = _walk((name,), part, blocks, found)
        if problem and refuse is not None:
            refuse(at, *problem)
    return found


def _walk(
    path: tuple[str, ...], part: str, blocks: Mapping[str, Block], found: dict[str, Block]
) -> tuple[str, str] | None:
    name = path[-1]
    block = blocks.get(name)
    if block is None:
        return f'there is no block "{name}"{_by(path)}', did_you_mean(name, list(blocks)) or f"add blocks/{name}.yaml"
    if name in path[:-1]:
        circle = " → ".join(path[path.index(name) :])
        return f"blocks go round in a circle: {circle}", "write one of them without the other"
    if len(path) > DEEPEST:
        return f"blocks stand in each other more than {DEEPEST} deep: {' → '.join(path)}", "put two of them into one"
    text = block.of(part)
    if not text:
        wanted = part if part in _INSTEAD else "text"
        return f'the block "{name}" has no {wanted}:{_by(path)}', f"add {wanted}: to blocks/{name}.yaml"
    if name in found:
        # Looked at already, from a place that was no deeper: circles through it have been seen, depth is bounded below.
        return None
    found[name] = block
    for inner, _ in uses(text):
        problem = _walk((*path, inner), part, blocks, found)
        if problem:
            return problem
    return None


def _by(path: tuple[str, ...]) -> str:
    return f" (through {' → '.join(path[:-1])})" if len(path) > 1 else ""
