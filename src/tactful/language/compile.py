"""From a checked expression to what the engine runs: a condition over a person, a test of one event, or a value."""

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tactful.aggregates.spec import AggregateSpec
from tactful.language import tree
from tactful.language.because import explainer
from tactful.language.canonical import canonical
from tactful.language.check import Checked
from tactful.language.compiled import Condition, EventTest, EventValue, Reads, Valued, View
from tactful.language.folds import Folds, NumberOf
from tactful.language.generate import EVENT, Generator
from tactful.language.looking import looks
from tactful.language.lower import lower
from tactful.language.moving import mover
from tactful.language.tree import Node

Key = str | float | bool | None


def compile_condition(checked: Checked, number: NumberOf) -> Condition:
    """`number` gives each aggregate its number, the same for the same spec. The partitions of a process number alike,
    so that each condition of a plan is made once."""
    return _condition(checked, _numbers(checked, number))


def compile_value(checked: Checked, number: NumberOf) -> Valued:
    return _value(checked, _numbers(checked, number))


Numbers = tuple[tuple[AggregateSpec, int], ...]


def _numbers(checked: Checked, number: NumberOf) -> Numbers:
    """Of every aggregate that is asked for."""
    return tuple((fold.spec, fold.number) for fold in Folds(lower(checked.tree), number).all)


@lru_cache(maxsize=4096)
def _condition(checked: Checked, numbers: Numbers) -> Condition:
    lowered = lower(checked.tree)
    folds = Folds(lowered, dict(numbers).__getitem__)
    generator = Generator(folds.asked)
    holds = generator.over_person([ast.Return(generator.condition(lowered))])
    next_change = mover(lowered, folds.asked)
    return Condition(
        text=checked.canonical,
        said=canonical(checked.tree),
        folds=folds.all,
        reads=reads(lowered),
        holds=holds,
        next_change=next_change or _never,
        because=explainer(checked, folds),
        key=_key(lowered, folds),
        is_still=next_change is None,
    )


@lru_cache(maxsize=4096)
def _value(checked: Checked, numbers: Numbers) -> Valued:
    lowered = lower(checked.tree)
    folds = Folds(lowered, dict(numbers).__getitem__)
    generator = Generator(folds.asked)
    return Valued(
        text=checked.canonical,
        folds=folds.all,
        reads=reads(lowered),
        value=generator.over_person([ast.Return(generator.value(lowered))]),
        next_change=mover(lowered, folds.asked, is_value=True) or _never,
        is_coarse=_coarse(lowered, folds),
    )


@lru_cache(maxsize=4096)
def compile_test(checked: Checked) -> EventTest:
    """Of an expression checked with scope="event"."""
    lowered = lower(checked.tree)
    generator = Generator()
    return EventTest(
        text=checked.canonical,
        reads_context=_reads_context(lowered),
        holds=generator.code.function(EVENT, [ast.Return(generator.condition(lowered))]),
    )


@lru_cache(maxsize=4096)
def compile_event_value(checked: Checked) -> EventValue:
    """Of a value checked with scope="event"."""
    lowered = lower(checked.tree)
    generator = Generator()
    return EventValue(
        text=checked.canonical,
        reads_context=_reads_context(lowered),
        value=generator.code.function(EVENT, [ast.Return(generator.value(lowered))]),
    )


def forget() -> None:
    """What was compiled before is compiled anew: for whoever has changed the compiler itself."""
    for known in (_condition, _value, compile_test, compile_event_value):
        known.cache_clear()


def _reads_context(lowered: Node) -> bool:
    return any(isinstance(node, tree.Context) for node in tree.walk(lowered))


def _never(view: View, now: int) -> None:
    return None


def reads(lowered: Node) -> Reads:
    """What is looked at beside aggregates."""
    nodes = list(tree.everything(lowered))
    is_local = any(isinstance(one, tree.Clock) or _is_dated(one) for one in nodes)
    return Reads(
        traits=frozenset(one.name for one in nodes if isinstance(one, tree.Trait)),
        scores=frozenset(one.model for one in nodes if isinstance(one, tree.Score)),
        thresholds=frozenset(one.name for one in nodes if isinstance(one, tree.Percentile)),
        purposes=frozenset(one.purpose for one in nodes if isinstance(one, tree.Consents)),
        zone=is_local,
    )


def _is_dated(node: Node) -> bool:
    return isinstance(node, tree.Aggregate) and node.function == "active_days"


def _coarse(lowered: Node, folds: Folds) -> Callable[[View, int], bool]:
    asked = tuple(looks(lowered, folds))

    def is_coarse(view: View, now: int) -> bool:
        return any(one.is_coarse(view, now) for one in asked)

    return is_coarse


def _key(lowered: Node, folds: Folds) -> Callable[[View, int], Key]:
    grouped = tuple(look for look in looks(lowered, folds) if look.asked.spec.kind == "grouped")

    def key(view: View, now: int) -> Key:
        for look in grouped:
            reader: Any = look.asked.reader
            state = look.state(view, now)
            if reader.at_least(state, look.n or 1, now):
                found: Key = reader.key(state, now)
                return found
        return None

    return key
