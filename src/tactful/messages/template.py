"""Templates: Liquid, as python-liquid speaks it, made safe to run for every person of a list (engine.py).

A template may be wrong or endless; it must end in a clear error, quickly, and by counting rather than by a clock, so
that it ends the same way everywhere.

No files (`include`, `render`), no clock ("now" is the instant passed in), no `safe`: values are people's data. What
messages share are blocks (blocks.py).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from liquid.exceptions import LiquidError, ResourceLimitError

from tactful.messages.blocks import Block
from tactful.messages.engine import Bound, environment
from tactful.messages.texts import ESCAPED
from tactful.values import format_time

SOURCE_CHARS = 256 * 1024
Places = list[tuple[int, int]]
_BLANK_RUN = re.compile(r"\s{200}")

# What python-liquid lets through from below: our limits raise LiquidError, these are numbers and types that do not fit.
_FAILURES = (LiquidError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class TemplateError(Exception):
    """A template that cannot be parsed or rendered; the text names the line."""


class Piece(NamedTuple):
    """What a block has for one part of a message."""

    name: str
    text: str
    parameters: tuple[tuple[str, str | None], ...] = ()
    """Each with its default; None: it has to be given."""


class Template:
    """A parsed template; safe to keep and to render many times."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound

    def render(self, values: Mapping[str, Any], now_us: int) -> str:
        """The text for one person. Raises TemplateError. What is not there is empty."""
        return self.marked(values, now_us)[0]

    def marked(self, values: Mapping[str, Any], now_us: int) -> tuple[str, Places]:
        """The text, and where values stand in it. Raises TemplateError."""
        now = format_time(now_us)
        try:
            return self._bound.marked({**values, "now": now, "today": now})
        except _FAILURES as failure:
            raise TemplateError(_explain(failure)) from failure

    def foreign(self, names: Collection[str]) -> tuple[str, int] | None:
        """The first value from outside that is none of `names` or in them, as it is written, and its line; also of its
        blocks, of which the line is that of the block."""
        for bound in (self._bound, *self._bound.blocks.values()):
            own = {name for name, _ in bound.parameters}
            used = bound.analyze().globals.items()
            found = [(one.span.index, str(one)) for name, ones in used if name not in {*names, *own} for one in ones]
            if found:
                at, written = min(found)
                return written, bound.source.count("\n", 0, at) + 1
        return None


@lru_cache(maxsize=512)
def parse(text: str, *, html: bool, pieces: tuple[Piece, ...] = ()) -> Template:
    """Parse once; in an HTML part every value is escaped. `pieces` are the blocks that it may use. Raises
    TemplateError."""
    bound = _parse(text, html=html)
    blocks = {}
    for piece in pieces:
        try:
            block = _parse(piece.text, html=html)
        except TemplateError as error:
            raise TemplateError(f'block "{piece.name}": {error}') from error
        blocks[piece.name] = block.with_blocks({})
        blocks[piece.name].parameters = piece.parameters
    for within, one in (("", bound), *blocks.items()):
        _check_calls(within, one, blocks)
    return Template(bound.with_blocks(blocks))


@lru_cache(maxsize=1024)
def _parse(text: str, *, html: bool) -> Bound:
    _refuse_what_is_slow_to_read(text)
    try:
        return environment(html=html).from_string(text)
    except _FAILURES as failure:
        raise TemplateError(_explain(failure)) from failure


def _check_calls(within: str, bound: Bound, blocks: Mapping[str, Bound]) -> None:
    """Every block that is called is there, and has the parameters that it is called with."""
    for node in bound.block_nodes():
        line = bound.source.count("\n", 0, node.token.start_index) + 1
        where = f'block "{within}": line {line}' if within else f"line {line}"
        block = blocks.get(node.name)
        if block is None:
            raise TemplateError(f'{where}: there is no block "{node.name}"')
        given = {arg.name for arg in node.args}
        known = dict(block.parameters)
        if unknown := sorted(given - known.keys()):
            raise TemplateError(f'{where}: the block "{node.name}" has no parameter {unknown[0]}')
        if missing := [name for name, default in block.parameters if default is None and name not in given]:
            raise TemplateError(f'{where}: the block "{node.name}" needs {missing[0]}:')


def pieces_of(blocks: Iterable[Block], part: str) -> tuple[Piece, ...]:
    """What blocks have for one part of a message."""
    return tuple(Piece(block.name, text, block.parameters) for block in blocks if (text := block.of(part)))


def check_template(
    text: str,
    names: Collection[str] | None = None,
    *,
    part: str = "html",
    blocks: tuple[Block, ...] = (),
) -> str | None:
    """What is wrong with a template, with its line, or None. `names` are all that it may name; None: any.

    Renders it once for nobody, so that a limit that it breaks for everybody shows; other mistakes of that rendering may
    come from the missing values alone (a division by what is empty) and do not count.
    """
    try:
        template = parse(text, html=part in ESCAPED, pieces=pieces_of(blocks, part))
    except TemplateError as error:
        return str(error)
    if names is not None and (foreign := template.foreign(names)):
        return f"line {foreign[1]}: {foreign[0]} is not to be had here"
    try:
        template.render({}, 0)
    except TemplateError as error:
        return str(error) if isinstance(error.__cause__, ResourceLimitError) else None
    return None


def _refuse_what_is_slow_to_read(text: str) -> None:
    # The lexer's expressions take quadratic time over blanks inside a tag; nobody needs hundreds of them there.
    if len(text) > SOURCE_CHARS:
        raise TemplateError(f"the template has {len(text)} characters; at most {SOURCE_CHARS} are allowed")
    at = 0
    while (start := text.find("{", at)) >= 0:
        closing = {"{": "}}", "%": "%}"}.get(text[start + 1 : start + 2])
        if closing is None:
            at = start + 1
            continue
        end = text.find(closing, start + 2)
        end = len(text) if end < 0 else end
        if _BLANK_RUN.search(text, start, end):
            line = text.count("\n", 0, start) + 1
            raise TemplateError(f"line {line}: more than 200 blanks in a row inside a tag")
        at = end


def _explain(failure: BaseException) -> str:
    if isinstance(failure, LiquidError):
        what = str(failure.message)
        if what == "unexpected liquid parsing error" and failure.__cause__ is not None:
            what = _explain(failure.__cause__)
        where = _place(failure)
        what = f"line {where}: {what}" if where else what
        return f'block "{failure.template_name}": {what}' if failure.template_name else what
    if isinstance(failure, RecursionError):
        return "the template is nested too deeply"
    return str(failure) or type(failure).__name__


def _place(failure: LiquidError) -> int | None:
    try:
        context = failure.context()
    except ValueError:
        return None
    return context[0] if context else None
