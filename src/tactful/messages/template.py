"""Templates: Liquid, as python-liquid speaks it, made safe to run for every person of a list.

A template may be wrong or endless; it must end in a clear error, quickly, and by counting rather than by a clock, so
that it ends the same way everywhere. python-liquid's own limits count nested loops and written bytes, but not what one
filter makes of one value nor what one range literal unrolls to; so every iteration, filter call, capture and range is
charged here, before the work is done, to one allowance per rendering.

No files (`include`, `render`), no clock ("now" is the instant passed in), no `safe`: values are people's data.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from io import StringIO
from typing import Any, TextIO

import liquid
from liquid.ast import Node
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow
from liquid.exceptions import LiquidError, OutputStreamLimitError, ResourceLimitError
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.template import BoundTemplate

from tactful.messages import filters
from tactful.values import format_time

SOURCE_CHARS = 256 * 1024
OUTPUT_BYTES = 1024 * 1024
RANGE_ITEMS = 10_000
ITERATIONS = 10_000
"""Rounds of all loops of one rendering together."""
WORK = 20_000_000
"""Characters gone over by one rendering: a round of a loop costs the length of the template, a filter what it reads
and writes."""

_NO_FILES = ("include", "render")
_BLANK_RUN = re.compile(r"\s{200}")

# What python-liquid lets through from below: our limits raise LiquidError, these are numbers and types that do not fit.
_FAILURES = (LiquidError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class TemplateError(Exception):
    """A template that cannot be parsed or rendered; the text names the line."""


class Template:
    """A parsed template; safe to keep and to render many times."""

    def __init__(self, bound: "_Bound") -> None:
        self._bound = bound

    def render(self, values: Mapping[str, Any], now_us: int) -> str:
        """The text for one person. Raises TemplateError. What is not there is empty."""
        try:
            text: str = self._bound.render({**values, "now": format_time(now_us), "today": format_time(now_us)})
        except _FAILURES as failure:
            raise TemplateError(_explain(failure)) from failure
        return text

    def foreign(self, names: Collection[str]) -> tuple[str, int] | None:
        """The first value from outside that is none of `names` or in them, as it is written, and its line."""
        used = self._bound.analyze().globals.items()
        found = [(one.span.index, str(one)) for name, ones in used if name not in names for one in ones]
        if not found:
            return None
        at, written = min(found)
        return written, self._bound.source.count("\n", 0, at) + 1


@lru_cache(maxsize=512)
def parse(text: str, *, html: bool) -> Template:
    """Parse once; in an HTML part every value is escaped. Raises TemplateError."""
    _refuse_what_is_slow_to_read(text)
    try:
        bound = _environment(html=html).from_string(text)
        _go_over(bound)
    except _FAILURES as failure:
        raise TemplateError(_explain(failure)) from failure
    return Template(bound)


def check_template(text: str, names: Collection[str] | None = None) -> str | None:
    """What is wrong with a template, with its line, or None. `names` are all that it may name; None: any.

    Renders it once for nobody, so that a limit that it breaks for everybody shows; other mistakes of that rendering may
    come from the missing values alone (a division by what is empty) and do not count.
    """
    try:
        template = parse(text, html=True)
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
        return f"line {where}: {what}" if where else what
    if isinstance(failure, RecursionError):
        return "the template is nested too deeply"
    return str(failure) or type(failure).__name__


def _place(failure: LiquidError) -> int | None:
    try:
        context = failure.context()
    except ValueError:
        return None
    return context[0] if context else None


class _OutOfWork(ResourceLimitError):
    """The rendering wanted more than its allowance."""


class _Buffer(LimitedStringIO):
    """A captured text: charged to the allowance as it is written."""

    def __init__(self, context: "_Context") -> None:
        super().__init__(limit=OUTPUT_BYTES)
        self._context = context

    def write(self, text: str, /) -> int:
        self._context.charge(len(text))
        return super().write(text)


class _Context(liquid.RenderContext):
    """A render context with an allowance."""

    __slots__ = ("_cost_of_a_round", "_rounds", "_work")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._work = 0
        self._rounds = 0
        bound: Any = self.template
        self._cost_of_a_round = len(bound.source)

    def charge(self, work: int) -> None:
        self._work += work
        if self._work > WORK:
            raise _OutOfWork("the template does too much work (loops, or filters on long values)", token=None)

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: ForLoop | TableRow) -> Iterator[liquid.RenderContext]:
        self._rounds += forloop.length
        if self._rounds > ITERATIONS:
            raise _OutOfWork(f"the template loops more than {ITERATIONS} times", token=None)
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


class _Bound(BoundTemplate):
    context_class = _Context
    source = ""


class _Environment(liquid.Environment):
    """Limits are class attributes in python-liquid."""

    template_class = _Bound
    output_stream_limit = OUTPUT_BYTES
    loop_iteration_limit = ITERATIONS
    local_namespace_limit = 4 * OUTPUT_BYTES
    context_depth_limit = 30
    block_nesting_limit = 30

    def from_string(self, source: str, *args: Any, **kwargs: Any) -> _Bound:
        bound = super().from_string(source, *args, **kwargs)
        assert isinstance(bound, _Bound)
        bound.source = source
        return bound


@cache
def _environment(*, html: bool) -> _Environment:
    environment = _Environment(autoescape=html)
    for tag in _NO_FILES:
        del environment.tags[tag]
    del environment.filters["safe"]
    environment.add_filter("date", filters.date)
    return environment


class _CappedRange(RangeLiteral):
    """`(1..n)` that refuses to be long wherever it stands: a filter or `contains` would unroll it."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > RANGE_ITEMS:
            raise _OutOfWork(f"a range has more than {RANGE_ITEMS} items", token=self.token)
        return made


def _go_over(bound: BoundTemplate) -> None:
    """Cap every range and refuse every unknown filter, also where this rendering would not come by."""
    # python-liquid's parser makes its own RangeLiteral and offers no hook; every node and expression is visited by
    # looking at all that it holds, so that no place where a range can stand is forgotten.
    todo: list[object] = list(bound.nodes)
    while todo:
        thing = todo.pop()
        if type(thing) is RangeLiteral:
            thing.__class__ = _CappedRange
        if isinstance(thing, Filter):
            thing.validate_filter_arguments(bound.env)
        if isinstance(thing, list | tuple):
            todo.extend(thing)
        elif isinstance(thing, dict):
            todo.extend(thing.values())
        elif isinstance(thing, Node | Expression) or type(thing).__module__.startswith("liquid.builtin.expressions"):
            todo.extend(_held(thing))


def _held(thing: object) -> Iterator[object]:
    for kind in type(thing).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name != "token":
                yield getattr(thing, name, None)
    yield from getattr(thing, "__dict__", {}).values()
