"""A mistake in an expression: where in its text, what, and what to write instead.

Only offsets are known here; whoever holds the file turns them into a Place (document.py does for YAML).
"""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 200
"""A longer line is not shown below a message: its caret would stand where nobody finds it."""


class Remark(Struct, frozen=True):
    """Something to say about an expression, at a character offset of its text."""

    offset: int
    message: str
    hint: str = ""


class Mistake(Exception):
    """The expression is refused."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.remark = Remark(offset, message, hint)


def closest(word: str, known: "Iterable[str]") -> str:
    """The known word that was meant probably, whatever its case and whether with spaces or underscores; or ""."""
    alike: dict[str, str] = {}
    for one in known:
        alike.setdefault(_plain(one), one)
    close = get_close_matches(_plain(word), alike, n=1)
    return alike[close[0]] if close else ""


def _plain(word: str) -> str:
    return word.casefold().replace("_", " ").replace("-", " ")


def did_you_mean(word: str, known: "Iterable[str]") -> str:
    """`did you mean "count"?`, or "" where nothing is close."""
    meant = closest(word, known)
    return f'did you mean "{meant}"?' if meant else ""


def place_at(file: str, text: str, offset: int) -> Place:
    """Line and column (from 1) of a character offset; beyond the end is the end."""
    offset = max(0, min(offset, len(text)))
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end].replace("\t", " ")
    return Place(file, text.count("\n", 0, offset) + 1, offset - start + 1, line if len(line) <= LONGEST_SHOWN else "")


def definition_error(mistake: Mistake, text: str, file: str = "<expression>") -> DefinitionError:
    """The mistake with its place, where the expression's text is all there is (`tactful eval`)."""
    remark = mistake.remark
    return DefinitionError(Problem(remark.message, place_at(file, text, remark.offset), remark.hint))
