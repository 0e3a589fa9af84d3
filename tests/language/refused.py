"""What is said of an expression that is refused."""

import pytest

from tactful.language.check import check
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.vocabulary import EMPTY, Vocabulary

Row = tuple[str, str, str, str]
"""The text, a caret under the mistake, what is said, what is proposed."""


def refused(text: str, vocabulary: Vocabulary = EMPTY, *, allows_clock: bool = True) -> tuple[str, str, str]:
    with pytest.raises(Mistake) as caught:
        check(text, vocabulary=vocabulary, allows_clock=allows_clock)
    (problem,) = definition_error(caught.value, text).problems
    return " " * (problem.place.column - 1) + "^", problem.message, problem.hint


def warned(text: str, vocabulary: Vocabulary = EMPTY) -> list[tuple[str, str]]:
    return [(remark.message, remark.hint) for remark in check(text, vocabulary=vocabulary).warnings]
