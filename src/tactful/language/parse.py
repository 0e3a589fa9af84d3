"""From the text of an expression to Python's syntax tree, of which only the listed nodes are let through.

The text is parsed, never compiled or run (LANGUAGE.md 2). What comes out is at most DEEPEST levels deep, so that
everything behind may recurse.
"""

import ast
from collections.abc import Iterator
from itertools import accumulate

from tactful.language.mistakes import Mistake
from tactful.language.scan import DEEPEST, scan

_LISTED: tuple[type[ast.AST], ...] = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
    *(ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.Load),
)
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.UAdd: ("a number has no + before it", "leave the + out"),
    ast.Starred: ("there is no * before a value", "write the values one by one"),
    ast.Slice: ("a part of a list cannot be taken with :", "write one element: products[0]"),
    ast.JoinedStr: ("there are no f-texts in expressions", 'write a plain text: "..."'),
}


class Parsed:
    """The tree, and where its nodes stand in the text."""

    def __init__(self, text: str, root: ast.expr) -> None:
        self.text = text
        self.root = root
        lines = ("(" + text + "\n)").split("\n")
        self._lines = [line.encode() for line in lines]
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=-1))

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Character offsets of the node in the text (Python counts UTF-8 bytes, and the bracket put around it)."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def outer_span(self, operand: ast.expr) -> tuple[int, int]:
        """With the brackets around one operand of a comparison, which Python leaves out."""
        start, end = self.span(operand)
        before, after = self.text[:start], self.text[end:]
        opened = before[len(before.rstrip("( \t\n")) :].count("(")
        closed = after[: len(after) - len(after.lstrip(") \t\n"))].count(")")
        for _ in range(min(opened, closed)):
            start, end = self.text.rindex("(", 0, start), self.text.index(")", end) + 1
        return start, end

    def _offset(self, line: int, byte: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:byte].decode())


def parse(text: str) -> Parsed:
    """Raises Mistake for whatever LANGUAGE.md 2 does not list."""
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    scan(text)
    try:
        root = ast.parse("(" + text + "\n)", mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text, error) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise Mistake(0, "the expression is too large to be read", "split it into several segments") from None
    parsed = Parsed(text, root)
    for node, depth, above in _walk(root):
        at = parsed.span(above)[0]
        if depth > DEEPEST and isinstance(node, ast.expr):
            raise Mistake(at, f"nested deeper than {DEEPEST} levels", "split it into several segments")
        if not isinstance(node, _LISTED):
            message, hint = _REFUSED.get(type(node), (f"{type(node).__name__} is no part of the language", ""))
            raise Mistake(at, message, hint)
    return parsed


def _walk(root: ast.expr) -> Iterator[tuple[ast.AST, int, ast.expr | ast.keyword]]:
    """Every node with its depth and the nearest node that has a place; without recursion."""
    stack: list[tuple[ast.AST, int, ast.expr | ast.keyword]] = [(root, 1, root)]
    while stack:
        node, depth, above = stack.pop()
        here = node if isinstance(node, ast.expr | ast.keyword) else above
        yield node, depth, here
        deeper = depth + isinstance(node, ast.expr)
        stack += [(child, deeper, here) for child in ast.iter_child_nodes(node)]


def _unreadable(text: str, error: SyntaxError) -> Mistake:
    lines = text.split("\n")
    line = error.lineno or 1
    column = max(0, (error.offset or 1) - 1 - (line == 1))
    at = min(sum(len(one) + 1 for one in lines[: line - 1]) + column, len(text.rstrip()))
    if "leading zeros" in error.msg:
        return Mistake(at, "a number does not start with 0", "write it without, or as a text in quotes")
    if "positional argument follows" in error.msg:
        return Mistake(at, "options stand after the event", 'write count("Order Completed", last="30d")')
    if "repeated" in error.msg:
        return Mistake(at, error.msg, "give each option once")
    return Mistake(at, "this cannot be read", "something is missing or too much here")
