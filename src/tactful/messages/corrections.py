"""Where python-liquid reads Liquid otherwise than the language says (golden-liquid has the cases).

What is false, nil or not there is blank; and behind the values of `when` nothing else may stand, or a condition that
was meant to count would be passed over.
"""

from liquid import RenderContext, TokenStream
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank
from liquid.builtin.tags.case_tag import CaseTag
from liquid.exceptions import LiquidSyntaxError
from liquid.expression import Expression
from liquid.token import TOKEN_EOF
from liquid.undefined import is_undefined


class TrueBlank(Blank):
    """`blank`, equal to everything that has nothing to show."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is None or other is False or is_undefined(other) or super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as of any that is equal to what it is not


class _Same(EqExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        left, right = self.left.evaluate(context), self.right.evaluate(context)
        return left == right if isinstance(left, Blank) else right == left


class _Other(NeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        left, right = self.left.evaluate(context), self.right.evaluate(context)
        return left != right if isinstance(left, Blank) else right != left


def correct(thing: object) -> None:
    """Make one node or expression of a parsed template what it should be; python-liquid's parser offers no hook."""
    if type(thing) is Blank:
        thing.__class__ = TrueBlank
    if isinstance(thing, EqExpression | NeExpression) and isinstance(thing.left, Blank) | isinstance(
        thing.right, Blank
    ):
        thing.__class__ = _Same if isinstance(thing, EqExpression) else _Other


class StrictCase(CaseTag):
    """`case`, whose `when` is refused where it cannot be read to its end."""

    def _parse_when_expression(self, stream: TokenStream) -> list[Expression]:
        expressions = super()._parse_when_expression(stream)
        if stream.current.kind != TOKEN_EOF:
            raise LiquidSyntaxError("values of when are separated by commas or `or`", token=stream.current)
        return expressions
