"""Why a condition holds or not: every leaf with its value and the events behind it (I8).

Each leaf is compiled by itself, by the same generator as the whole, when somebody asks for the first time; so the
reasons cannot say something else than the answer. What a segment or a metric means follows its name, leaf by leaf. For
reasons only: slow.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from tactful.events.derived import Reading
from tactful.language import tree
from tactful.language.canonical import canonical
from tactful.language.check import Checked
from tactful.language.compiled import View
from tactful.language.folds import Folds, questions
from tactful.language.generate import Generator
from tactful.language.looking import Look, looks
from tactful.language.lower import lower
from tactful.language.tree import Node
from tactful.values import Duration, Time, format_duration, format_time

Because = Callable[[View, int], tuple[Reading, ...]]
REFS_SHOWN = 100
"""Events named behind a leaf, the newest; more would make reasons larger than the state."""
COARSE = " (coarse)"
"""Behind the text of what is no longer exact (LANGUAGE.md 6.2)."""
LONGEST_VALUE = 200
"""Characters of a text that are shown."""
_SHOWN = (tree.Trait, tree.Aggregate, tree.Sessions, tree.Part, tree.Clock, tree.Score)
"""What a leaf is followed by where it looks at it."""


class _Leaf(Struct, frozen=True):
    text: str
    value: Callable[[View, int], Any]
    looks: tuple[Look, ...]


def explainer(checked: Checked, folds: Folds) -> Because:
    @cache
    def leaves() -> tuple[_Leaf, ...]:
        found: dict[str, _Leaf] = {}
        for node, text in _leaves(checked.tree, checked.text):
            lowered = lower(node)
            # What cannot decide anything (`1 == 2 and any(...)`) has no state, and its leaf says nothing.
            if text not in found and all(folds.is_kept(*question) for question in questions(lowered)):
                found[text] = _compile(lowered, text, folds)
        return tuple(found.values())

    def because(view: View, now: int) -> tuple[Reading, ...]:
        found = []
        for leaf in leaves():
            text = leaf.text
            for look in leaf.looks:
                if look.is_coarse(view, now):
                    text += COARSE
                    break
            found.append(Reading(text, _shown(leaf.value(view, now)), _refs(leaf, view, now)))
        return tuple(found)

    return because


def _leaves(node: Node, text: str) -> Iterator[tuple[Node, str]]:
    """Comparisons and the like, each followed by what it looks at; `text` is the one that the node stands in, "" where
    nobody knows it."""
    is_written_as_one = isinstance(node, tree.Not) and node.part.span == node.span  # !=, not in, is not
    if isinstance(node, tree.All | tree.Either | tree.Not) and not is_written_as_one:
        for part in tree.children(node):
            yield from _leaves(part, text)
    elif not isinstance(node, tree.Literal):
        yield node, _written(node, text)
        yield from _operands(node, text)


def _operands(node: Node, text: str) -> Iterator[tuple[Node, str]]:
    match node:
        case tree.Aggregate(function="any"):
            pass
        case _ if isinstance(node, _SHOWN):
            yield node, _written(node, text)
        case tree.InSegment(tree=condition):
            yield from _leaves(condition, "")
        case tree.Percentile(value=value):
            yield from _operands(value, "")
        case tree.Compare() | tree.In() if any(isinstance(one, tree.AtLeast) for one in tree.walk(lower(node))):
            pass  # Of how many it is known only whether they are enough.
        case _:
            for child in tree.children(node):
                yield from _operands(child, text)


def _written(node: Node, text: str) -> str:
    return " ".join(text[slice(*node.span)].split()) if text else canonical(node)


def _compile(lowered: Node, text: str, folds: Folds) -> _Leaf:
    generator = Generator(folds.asked)
    value = generator.over_person([ast.Return(generator.value(lowered))])
    return _Leaf(text, value, tuple(looks(lowered, folds)))


def _refs(leaf: _Leaf, view: View, now: int) -> tuple[int, ...]:
    """Events in the windows, newest last; of several questions in the order in which they came."""
    found = [look.refs(view, now)[-REFS_SHOWN:] for look in leaf.looks]
    refs = found[0] if len(found) == 1 else sorted({ref for refs in found for ref in refs})
    return tuple(refs[-REFS_SHOWN:])


def _shown(value: Any) -> bool | float | str | None:
    """A list or an object is shown as JSON text; what is long, by its beginning."""
    match value:
        case Time():
            return format_time(value)
        case Duration():
            return format_duration(value)
        case list() | dict():
            value = msgspec.json.encode(value).decode()
        case float() if value.is_integer() and abs(value) < 2**53:
            value = int(value)
        case _:
            pass
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    assert value is None or isinstance(value, bool | int | float)
    return value
