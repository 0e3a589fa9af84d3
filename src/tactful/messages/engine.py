"""The engine behind templates: python-liquid with an allowance, and with blocks.

python-liquid's own limits count nested loops and written bytes, but not what one filter makes of one value nor what one
range literal unrolls to; so every iteration, filter call, capture, block and range is charged here, before the work is
done, to one allowance per rendering. Ends by counting, never by a clock, so that it ends the same way everywhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import cache
from io import StringIO
from types import MappingProxyType
from typing import Any, TextIO

import liquid
from liquid.ast import Node
from liquid.builtin.expressions import KeywordArgument, StringLiteral, parse_primitive
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow
from liquid.exceptions import LiquidSyntaxError, OutputStreamLimitError, ResourceLimitError
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate
from liquid.token import TOKEN_TAG

from tactful.messages import amounts, filters
from tactful.messages.corrections import StrictCase, correct

OUTPUT_BYTES = 1024 * 1024
RANGE_ITEMS = 10_000
ITERATIONS = 10_000
"""Rounds of all loops of one rendering together."""
WORK = 20_000_000
"""Characters gone over by one rendering: a round of a loop costs the length of the template, a filter what it reads
and writes, a block its length."""
_NO_FILES = ("include", "render")


class OutOfWork(ResourceLimitError):
    """The rendering wanted more than its allowance."""


class _Buffer(LimitedStringIO):
    """A captured text: charged to the allowance as it is written."""

    def __init__(self, context: "Context") -> None:
        super().__init__(limit=OUTPUT_BYTES, newline="")
        self._context = context

    def write(self, text: str, /) -> int:
        self._context.charge(len(text))
        return super().write(text)


class Marked(LimitedStringIO):
    """The text of a whole rendering, and where values stand in it."""

    def __init__(self) -> None:
        super().__init__(limit=OUTPUT_BYTES, newline="")
        self.places: list[tuple[int, int]] = []


class _Shown(OutputNode):
    """`{{ ... }}`, whose place is noted."""

    __slots__ = ()

    def render_to_output(self, context: liquid.RenderContext, buffer: TextIO) -> int:
        text = to_liquid_string(self.expression.evaluate(context), context.autoescape)
        if text and type(buffer) is Marked:
            begin = buffer.tell()
            buffer.places.append((begin, begin + len(text)))
        return buffer.write(text)


class _Allowance:
    """What one rendering has used, its blocks included."""

    __slots__ = ("rounds", "work")

    def __init__(self) -> None:
        self.work = 0
        self.rounds = 0


class Context(liquid.RenderContext):
    """A render context with an allowance."""

    __slots__ = ("_cost_of_a_round", "allowance", "blocks")

    def __init__(self, template: BoundTemplate, *, parent_context: "Context | None" = None, **kwargs: Any) -> None:
        super().__init__(template, parent_context=parent_context, **kwargs)
        assert isinstance(template, Bound)
        self.allowance: _Allowance = parent_context.allowance if parent_context is not None else _Allowance()
        self.blocks: Mapping[str, Bound] = parent_context.blocks if parent_context is not None else template.blocks
        self._cost_of_a_round = len(template.source)

    def charge(self, work: int) -> None:
        self.allowance.work += work
        if self.allowance.work > WORK:
            raise OutOfWork("the template does too much work (loops, blocks, or filters on long values)", token=None)

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: ForLoop | TableRow) -> Iterator[liquid.RenderContext]:
        self.allowance.rounds += forloop.length
        if self.allowance.rounds > ITERATIONS:
            raise OutOfWork(f"the template loops more than {ITERATIONS} times", token=None)
        self.charge(forloop.length * self._cost_of_a_round)
        with super().loop(namespace, forloop) as context:
            yield context

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return _Buffer(self)

    def filter(self, name: str, token: liquid.Token | None) -> Callable[..., object]:
        call = super().filter(name, token)

        def charged(value: object, *args: object, **kwargs: object) -> object:
            self.charge(filters.cost(name, value, *args, *kwargs.values()))
            result = call(value, *args, **kwargs)
            size = filters.size(result)
            if size > OUTPUT_BYTES:
                raise OutputStreamLimitError(f"the filter '{name}' makes a value that is too large", token=token)
            self.charge(size)
            return result

        return charged


class Bound(BoundTemplate):
    """A parsed template with its source; `with_blocks` is one that can be rendered."""

    context_class = Context
    source = ""
    parameters: tuple[tuple[str, str | None], ...] = ()
    """Of a block: each with its default."""
    blocks: Mapping[str, "Bound"] = MappingProxyType({})

    def with_blocks(self, blocks: Mapping[str, "Bound"]) -> "Bound":
        bound = copy(self)
        bound.blocks = blocks
        return bound

    def _get_buffer(self) -> StringIO:
        # python-liquid's would make "\n" of "\r".
        return Marked()

    def marked(self, values: Mapping[str, object]) -> tuple[str, list[tuple[int, int]]]:
        """The text, and where values stand in it."""
        buffer = Marked()
        self.render_with_context(self.context_class(self, globals=self.make_globals(dict(values))), buffer)
        return buffer.getvalue(), buffer.places

    def block_nodes(self) -> list["BlockNode"]:
        return [one for one in _parts(self) if isinstance(one, BlockNode)]


class BlockNode(Node):
    """`{% block "NAME", parameter: value %}`: what the block has for this part, with these parameters."""

    __slots__ = ("args", "name")
    tag = "block"

    def __init__(self, token: liquid.Token, name: str, args: list[KeywordArgument]) -> None:
        super().__init__(token)
        self.name = name
        self.args = args
        self.blank = False

    def render_to_output(self, context: liquid.RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        block = context.blocks[self.name]
        context.charge(len(block.source))
        given = {arg.name: arg.value.evaluate(context) for arg in self.args}
        namespace = {name: default for name, default in block.parameters if default is not None} | given
        inner = context.copy(namespace, carry_loop_iterations=True, template=block)
        try:
            block.render_with_context(inner, buffer, partial=True, block_scope=True)
        except liquid.exceptions.LiquidError as error:
            if error.template_name is None:
                error.template_name = self.name
            raise
        return 1

    def expressions(self) -> Iterable[Expression]:
        return [arg.value for arg in self.args]


class BlockTag(liquid.Tag):
    block = False

    def parse(self, stream: liquid.TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        name = parse_primitive(self.env, tokens)
        if not isinstance(name, StringLiteral):
            raise LiquidSyntaxError('a block is called by its name: {% block "header" %}', token=name.token)
        return BlockNode(token, name.value, KeywordArgument.parse(self.env, tokens))


class Environment(liquid.Environment):
    """Limits are class attributes in python-liquid."""

    template_class = Bound
    output_stream_limit = OUTPUT_BYTES
    loop_iteration_limit = ITERATIONS
    local_namespace_limit = 4 * OUTPUT_BYTES
    context_depth_limit = 30
    block_nesting_limit = 30

    def from_string(self, source: str, *args: Any, **kwargs: Any) -> Bound:
        bound = super().from_string(source, *args, **kwargs)
        assert isinstance(bound, Bound)
        bound.source = source
        _go_over(bound)
        return bound


@cache
def environment(*, html: bool) -> Environment:
    environment = Environment(autoescape=html)
    for tag in _NO_FILES:
        del environment.tags[tag]
    del environment.filters["safe"]
    environment.add_filter("date", filters.date)
    for name in ("money", "number", "percent", "local_date"):
        environment.add_filter(name, getattr(amounts, name))
    environment.tags["block"] = BlockTag(environment)
    environment.tags["case"] = StrictCase(environment)
    return environment


class _CappedRange(RangeLiteral):
    """`(1..n)` that refuses to be long wherever it stands: a filter or `contains` would unroll it."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > RANGE_ITEMS:
            raise OutOfWork(f"a range has more than {RANGE_ITEMS} items", token=self.token)
        return made


def _go_over(bound: BoundTemplate) -> None:
    """Cap every range and refuse every unknown filter, also where this rendering would not come by."""
    for thing in _parts(bound):
        if type(thing) is RangeLiteral:
            thing.__class__ = _CappedRange
        elif type(thing) is OutputNode:
            thing.__class__ = _Shown
        correct(thing)
        if isinstance(thing, Filter):
            thing.validate_filter_arguments(bound.env)


def _parts(bound: BoundTemplate) -> Iterator[object]:
    # python-liquid's parser makes its own RangeLiteral and offers no hook; every node and expression is visited by
    # looking at all that it holds, so that no place where a range can stand is forgotten.
    todo: list[object] = list(bound.nodes)
    while todo:
        thing = todo.pop()
        yield thing
        if isinstance(thing, list | tuple):
            todo.extend(thing)
        elif isinstance(thing, dict):
            todo.extend(thing.values())
        elif isinstance(thing, Node | Expression | KeywordArgument) or type(thing).__module__.startswith(
            "liquid.builtin.expressions"
        ):
            todo.extend(_held(thing))


def _held(thing: object) -> Iterator[object]:
    for kind in type(thing).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name != "token":
                yield getattr(thing, name, None)
    yield from getattr(thing, "__dict__", {}).values()
