"""Look at the words of an expression before Python's parser does, and refuse by name what people write by mistake.

Python would answer most of these with "invalid syntax", or worse, read them as something else: two texts side by side
become one, `=` becomes an option, a name in another Unicode form becomes another name. Pure and linear in the text.
"""

import keyword
import re
import unicodedata
from typing import NamedTuple

from tactful.language.mistakes import Mistake
from tactful.language.names import LOOK_ALIKES, OPTIONS, WORDS
from tactful.values import parse_duration

LONGEST = 4000
"""Characters of an expression."""
DEEPEST = 50
"""Levels of an expression."""

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\n]+|\#[^\n]*|\\\n)
    |(?P<text>(?P<prefix>(?i:[fbru]|rb|br|fr|rf))?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>===|!==|\*\*|//|:=|->|==|!=|<=|>=|<>|<<|>>|&&|\|\||=>|=<|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:[\\'\"nrtabfv]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(.?))", re.DOTALL)
_INSTEAD = {
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "≠": "!=",
    "=>": ">=",
    "≥": ">=",
    "=<": "<=",
    "≤": "<=",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "~": "not",
    "−": "-",
    "–": "-",
    "×": "*",
    ";": ",",
}
_QUOTES = frozenset("“”„‟‘’‚‛«»‹›`´")
_ABSENT = {
    "**": ("there are no powers (**)", "write x * x"),
    "//": ("there is no division that rounds (//)", "write x / y"),
    "%": ("there is no % in expressions", ""),
    "^": ("there is no ^ in expressions", ""),
    "@": ("there is no @ in expressions", "texts stand in quotes"),
    "<<": ("there is no << in expressions", "write < once"),
    ">>": ("there is no >> in expressions", "write > once"),
    ":=": ("nothing can be set in an expression (:=)", "compare with =="),
    "{": ("there are no curly brackets in expressions", 'a list stands in round brackets: ("DE", "AT")'),
    "}": ("there are no curly brackets in expressions", 'a list stands in round brackets: ("DE", "AT")'),
    "?": ("there is no ? in expressions", "write conditions with and, or, not"),
    "$": ("a name cannot start with $", 'event names stand in quotes: any("$identify")'),
}
_CLOSES = {"(": ")", "[": "]"}
_UNITS = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}
_INFIX = {
    "between": "5 <= {} <= 10",
    **dict.fromkeys(("contains", "includes", "like", "has", "matches"), 'contains({}, "...")'),
    **dict.fromkeys(("startswith", "starts_with", "starts", "begins"), 'starts_with({}, "...")'),
    **dict.fromkeys(("endswith", "ends_with", "ends"), 'ends_with({}, "...")'),
    **dict.fromkeys(("equals", "eq", "equal"), "{} == ..."),
    **dict.fromkeys(("exists", "isnotnull"), "{} is not None"),
    **dict.fromkeys(("gt", "above", "greater", "over"), "{} > ..."),
    **dict.fromkeys(("lt", "below", "less", "under"), "{} < ..."),
}
"""What people write between two values, and how it is said here."""


class Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def is_operand(self) -> bool:
        """Whether a value ends with it."""
        return self.kind in ("text", "number") or (
            self.text not in ("and", "or", "not", "in", "is") if self.kind == "name" else self.text in (")", "]")
        )


def scan(text: str) -> None:
    """Raise the first Mistake that the words alone show."""
    if not text.strip():
        raise Mistake(0, "the expression is empty", 'write a condition such as any("Order Completed", last="30d")')
    if len(text) > LONGEST:
        raise Mistake(
            LONGEST, f"the expression is longer than {LONGEST:,} characters", "split it into several segments"
        )
    for at, char in enumerate(text):
        if (ord(char) < 32 and char not in "\t\n") or 0xD800 <= ord(char) <= 0xDFFF:
            raise Mistake(at, f"a character that cannot stand in an expression (U+{ord(char):04X})", "remove it")
    tokens = _tokens(text)
    _check_brackets(tokens)
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        after = tokens[index + 1 : index + 2]
        _check_token(token, before, after)
        _check_neighbours(token, before, after)
    _check_equals(tokens)


def _tokens(text: str) -> list[Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        kind = "text" if match["text"] is not None else kind
        if kind == "space":
            continue
        if kind == "text":
            _check_text(match["text"], match["prefix"], match.start())
        tokens.append(Token(kind, match.group(), match.start()))
    return tokens


def _check_text(text: str, prefix: str | None, at: int) -> None:
    if prefix and "f" in prefix.lower():
        raise Mistake(at, "there are no f-texts in expressions", 'write a plain text: "..."')
    if prefix:
        raise Mistake(at, f'a text has no letter before its quotes ({prefix}"...")', 'write a plain text: "..."')
    for match in _ESCAPE.finditer(text):
        if match[1] is not None:
            hint = f"for a backslash itself write \\\\{match[1]}"
            raise Mistake(at + match.start(), f"\\{match[1]} means nothing in a text", hint)


def _check_brackets(tokens: list[Token]) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in _CLOSES:
            opened.append(token)
            if len(opened) > DEEPEST:
                raise Mistake(token.at, f"nested deeper than {DEEPEST} levels", "split it into several segments")
        elif token.text in (")", "]"):
            if not opened:
                raise Mistake(token.at, f"this {token.text} closes nothing", "remove it, or open a bracket before")
            last = opened.pop()
            if _CLOSES[last.text] != token.text:
                raise Mistake(token.at, f"this {token.text} does not close {last.text}", f"write {_CLOSES[last.text]}")
    if opened:
        raise Mistake(opened[-1].at, f"this {opened[-1].text} is never closed", f"add {_CLOSES[opened[-1].text]}")


def _check_token(token: Token, before: Token | None, after: list[Token]) -> None:
    word = token.text
    is_step = before is not None and before.text == "."
    if token.kind == "sign":
        _check_sign(token, before, after)
    elif token.kind == "name" and word not in WORDS:
        if word in LOOK_ALIKES and not is_step:
            raise Mistake(token.at, f"{word} is not a word of the language", f"write {LOOK_ALIKES[word]}")
        if word in WORDS or keyword.iskeyword(word):
            _refuse_keyword(token, is_step)
        if not word.isidentifier() or unicodedata.normalize("NFKC", word) != word:
            raise Mistake(
                token.at, f"{word} has characters that have more than one form", f"write {_quoted(word, is_step)}"
            )
    elif is_step and token.kind == "name":
        _refuse_keyword(token, is_step)


def _check_sign(token: Token, before: Token | None, after: list[Token]) -> None:
    sign = token.text
    if sign in ('"', "'"):
        raise Mistake(token.at, "this text is not closed", f"add {sign} at its end, on the same line")
    if sign in _QUOTES:
        raise Mistake(token.at, f"{sign} is not a quote that is understood here", 'write straight quotes: "..."')
    if sign in _INSTEAD:
        raise Mistake(token.at, f"{sign} is not a sign of the language", f"write {_INSTEAD[sign]}")
    if sign == ":" and before is not None and before.text in OPTIONS:
        raise Mistake(token.at, "an option is given with =", f"write {before.text}=")
    if sign == "%" and before is not None and before.kind == "number" and not (after and after[0].is_operand):
        raise Mistake(token.at, "there is no % in expressions", f"write the number alone: {before.text}")
    if sign in _ABSENT:
        raise Mistake(token.at, *_ABSENT[sign])
    if sign.isspace():
        raise Mistake(token.at, f"a special space (U+{ord(sign):04X})", "write an ordinary space")
    if sign not in ("==", "!=", "<=", ">=") and sign not in "+-*/<>=()[].,":
        raise Mistake(token.at, f"{sign} is not a sign of the language", "texts stand in quotes")


def _refuse_keyword(token: Token, is_step: bool) -> None:
    if token.text in ("if", "else", "for", "lambda", "while") and not is_step:
        raise Mistake(token.at, f'there is no "{token.text}" in expressions', "write conditions with and, or, not")
    hint = f"write {_quoted(token.text, is_step)}"
    raise Mistake(token.at, f'"{token.text}" cannot be used as a name here', hint)


def _quoted(word: str, is_step: bool) -> str:
    if is_step:
        return f'["{word}"] instead of .{word}'
    return f'traits["{word}"], or properties["{word}"] inside where='


def _check_neighbours(token: Token, before: Token | None, after: list[Token]) -> None:
    if before is None:
        return
    if (before.text, token.text) in (("not", "in"), ("is", "not")) and after and after[0].text in ("in", "not"):
        raise Mistake(token.at, "too many words", "write not in" if after[0].text == "in" else "write is not")
    if not before.is_operand:
        return
    if token.text == "not" and after and after[0].text == "None":
        raise Mistake(token.at, '"is" is missing', f"write {before.text} is not None")
    both = (before.kind, token.kind)
    if both == ("text", "text"):
        raise Mistake(token.at, "a comma is missing between two texts", f"write {before.text}, {token.text}")
    if both == ("number", "name") and before.at + len(before.text) == token.at:
        joined = before.text + token.text
        hint = f'write "{joined}"' if parse_duration(joined) else "write a space between them, or quotes around both"
        raise Mistake(before.at, f"{joined} is not a number", hint)
    if token.kind in ("text", "number", "name") and token.text not in WORDS - {"None", "True", "False"}:
        if token.kind == "name" and after and after[0].text == "=":
            raise Mistake(token.at, f"a comma is missing before {token.text}=", f"write {before.text}, {token.text}=")
        message = f"something is missing between {before.text} and {token.text}"
        raise Mistake(token.at, message, _between_hint(before, token))


def _between_hint(before: Token, token: Token) -> str:
    word = token.text.lower()
    if before.kind == "number" and token.kind == "name" and word.rstrip("s") in _UNITS:
        return f'write "{before.text}{_UNITS[word.rstrip("s")]}"'
    if token.kind == "name" and word in _INFIX:
        return f"write {_INFIX[word].format(before.text)}"
    return "write an operator such as == or and, or a comma"


def _check_equals(tokens: list[Token]) -> None:
    """`=` is only for an option of a function: after a name that follows the bracket or a comma of a call."""
    calls: list[bool] = []
    for index, token in enumerate(tokens):
        if token.text in ("(", "[") and token.kind == "sign":
            calls.append(token.text == "(" and index > 0 and tokens[index - 1].kind == "name")
        elif token.text in (")", "]") and token.kind == "sign":
            calls.pop()
        elif token.text == "=" and token.kind == "sign":
            is_option = (
                index > 1
                and tokens[index - 1].kind == "name"
                and tokens[index - 2].text in ("(", ",")
                and calls[-1:] == [True]
            )
            previous = tokens[index - 1] if index else None
            if previous is not None and previous.text in ("<", ">", "="):
                hint = f"write {previous.text}= without a space"
                raise Mistake(previous.at, f"{previous.text} and = stand apart", hint)
            if not is_option:
                raise Mistake(token.at, "= does not compare", "write ==")
