"""Why a condition holds or not: every leaf with its value and the events behind it (I8).

Each leaf is compiled by itself, by the same generator as the whole, when somebody asks for the first time; so the
reasons cannot say something else than the answer. For reasons only: slow.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from tactful.aggregates.newest import Newest
from tactful.aggregates.newest import count as count_in_window
from tactful.events.derived import Reading
from tactful.language.check import Checked
from tactful.language.generate import Generator
from tactful.language.lower import lower
from tactful.language.tree import All, AtLeast, Count, Either, Literal, Node, Not, Trait, children

Because = Callable[[Mapping[int, Newest], Mapping[str, Any], int], tuple[Reading, ...]]
REFS_SHOWN = 100
"""Events named behind a leaf, the newest; more would make reasons larger than the state."""
COARSE = " (coarse: at least)"
"""Behind the text of a count that is no longer exact (LANGUAGE.md 6.2)."""
LONGEST_VALUE = 200
"""Characters of a text that are shown."""


class _Leaf(Struct, frozen=True):
    text: str
    value: Callable[[Mapping[int, Newest], Mapping[str, Any], int], Any]
    counted: tuple[tuple[int, int | None], ...]
    """Number and window of each aggregate behind it."""
    free: tuple[tuple[int, int | None], ...]
    """Of those, the ones whose count itself is asked for: it may be coarse."""


def explainer(checked: Checked, number_of: Callable[[Count], int], is_kept: Callable[[Count], bool]) -> Because:
    """`is_kept` is false for counts that cannot decide anything (`1 == 2 and any(...)`); their leaves say nothing."""

    @cache
    def leaves() -> tuple[_Leaf, ...]:
        found = {node.span: node for node in _leaves(checked.tree) if all(map(is_kept, _counts(lower(node))))}
        return tuple(_compile(node, checked.text, number_of) for node in found.values())

    def because(newest: Mapping[int, Newest], traits: Mapping[str, Any], now: int) -> tuple[Reading, ...]:
        return tuple(
            Reading(
                leaf.text + (COARSE if _is_coarse(leaf, newest, now) else ""),
                _shown(leaf.value(newest, traits, now)),
                _refs(leaf, newest, now),
            )
            for leaf in leaves()
        )

    return because


def _leaves(node: Node) -> Iterator[Node]:
    """Comparisons and the like, each followed by the traits and free counts that it compares."""
    is_written_as_one = isinstance(node, Not) and node.part.span == node.span  # !=, not in, is not
    if isinstance(node, All | Either | Not) and not is_written_as_one:
        for part in children(node):
            yield from _leaves(part)
    elif not isinstance(node, Literal):
        yield node
        yield from _operands(lower(node))


def _operands(node: Node) -> Iterator[Node]:
    if isinstance(node, Trait | Count):
        yield node
    elif not isinstance(node, AtLeast):
        for child in children(node):
            yield from _operands(child)


def _compile(node: Node, text: str, number_of: Callable[[Count], int]) -> _Leaf:
    lowered = lower(node)
    generator = Generator(number_of)
    value = generator.function(("newest", "traits", "now"), generator.value(lowered))
    counted = dict.fromkeys((number_of(count), count.window_us) for count in _counts(lowered))
    free = [(number_of(one), one.window_us) for one in _operands(lowered) if isinstance(one, Count)]
    return _Leaf(" ".join(text[slice(*node.span)].split()), value, tuple(counted), tuple(free))


def _counts(node: Node) -> Iterator[Count]:
    if isinstance(node, Count):
        yield node
    for child in children(node):
        yield from _counts(child)


def _refs(leaf: _Leaf, newest: Mapping[int, Newest], now: int) -> tuple[int, ...]:
    """Events in the windows, newest last."""
    if len(leaf.counted) == 1:
        number, window_us = leaf.counted[0]
        only = newest.get(number)
        counted = min(count_in_window(only, window_us, now), REFS_SHOWN)
        # An aggregate keeps its events in this very order.
        return tuple(only.refs[-counted:]) if only is not None and counted else ()
    found: dict[int, int] = {}
    for number, window_us in leaf.counted:
        state = newest.get(number)
        shown = min(count_in_window(state, window_us, now), REFS_SHOWN)
        if state is not None and shown:
            found.update(zip(state.refs[-shown:], state.times[-shown:], strict=True))
    return tuple(sorted(found, key=lambda ref: (found[ref], ref))[-REFS_SHOWN:])


def _is_coarse(leaf: _Leaf, newest: Mapping[int, Newest], now: int) -> bool:
    """Whether events that are forgotten may still be in a window: all that are kept are."""
    states = ((newest.get(number), window_us) for number, window_us in leaf.free)
    return any(
        state is not None and state.is_coarse and count_in_window(state, window_us, now) == len(state.times)
        for state, window_us in states
    )


def _shown(value: Any) -> bool | float | str | None:
    """A list or an object is shown as JSON text; what is long, by its beginning."""
    if isinstance(value, list | dict):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    assert value is None or isinstance(value, bool | int | float)
    return value
