"""Conditions and values over events that name `profile.x`, which is as of now: what they say of an event is not fixed.

What can be decided at once is; of the events that are left the properties are kept that the rest looks at, and when
somebody looks, the events are chosen and folded into a fresh state of the kind that was asked for.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tactful.aggregates.spec import CAP, Aggregate, AggregateSpec
from tactful.language import tree
from tactful.language.canonical import canonical
from tactful.language.compiled import Feed
from tactful.language.emit import NONE, both, compared, either_of, name, walrus
from tactful.language.generate import TAKEN, Generator
from tactful.language.tree import Node

_NOTHING = object()
Take = Callable[[Sequence[Any], Mapping[str, Any]], Any]
Narrow = Callable[[Any, Mapping[str, Any], int], Any]


class Keeping(Struct, frozen=True):
    spec: AggregateSpec
    """Of the state that keeps the events."""
    feeds: tuple[Feed, ...]
    take: Take
    """(what was kept of an event, traits) -> what the state asked for takes of it, or nothing."""

    def narrow(self, kept: Aggregate[Any], reader: Aggregate[Any]) -> Narrow:
        take = self.take

        def narrow(state: Any, traits: Mapping[str, Any], now: int) -> Any:
            found = None
            for at, lag, ref, values in kept.events(state, now):  # type: ignore[attr-defined]  # of this kind alone
                taken = take(values, traits)
                if taken is not _NOTHING:
                    found = reader.new() if found is None else found
                    reader.fold(found, at, lag, ref, taken, now)
            return found

        return narrow


def keeping(spec: AggregateSpec, steps: Sequence[tree.Step], value: Node | None) -> Keeping | None:
    """None where nothing names the profile. `spec` is what is asked; one step where it is no sequence."""
    if not any(_names_profile(node) for node in (*(step.where for step in steps), value)):
        return None
    fixed, moving = zip(*(_split(step.where) for step in steps), strict=True)
    looked_at = {canonical(one): one for part in (*moving, value) for one in _places(part)}
    values = [looked_at[text] for text in sorted(looked_at)]
    is_sequence = bool(spec.steps)
    state = AggregateSpec(
        "kept",
        tuple(sorted({event for step in steps for event in step.events})),
        where="" if is_sequence or fixed[0] is None else canonical(fixed[0]),
        value=", ".join(sorted(looked_at)),
        keep=CAP,
        older_us=spec.older_us,
        newer_us=spec.newer_us,
        steps=tuple(_text(step, part) for step, part in zip(steps, fixed, strict=True)) if is_sequence else (),
    )
    kept = tree.Items(tuple(values), (0, 0))
    feeds = tuple(
        Feed(step.events, part, kept, index) for index, (step, part) in enumerate(zip(steps, fixed, strict=True))
    )
    return Keeping(state, feeds, _take(values, moving, value, is_sequence=is_sequence))


def _text(step: tree.Step, fixed: Node | None) -> str:
    return f"{list(step.events)!r}" + ("" if fixed is None else f" where {canonical(fixed)}")


def _names_profile(node: Node | None) -> bool:
    return node is not None and any(isinstance(one, tree.Trait) for one in tree.walk(node))


def _places(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield from (one for one in tree.walk(node) if isinstance(one, tree.Property | tree.Context))


def _split(where: Node | None) -> tuple[Node | None, Node | None]:
    """What can be decided when the event comes, and what cannot; None where that is always true."""
    if where is None:
        return None, None
    parts = where.parts if isinstance(where, tree.All) else (where,)
    fixed = tuple(part for part in parts if not _names_profile(part))
    moving = tuple(part for part in parts if _names_profile(part))
    return _joined(fixed, where), _joined(moving, where)


def _joined(parts: tuple[Node, ...], where: Node) -> Node | None:
    if not parts:
        return None
    return tree.All(parts, where.span) if isinstance(where, tree.All) else where


def _take(values: Sequence[Node], moving: Sequence[Node | None], value: Node | None, *, is_sequence: bool) -> Take:
    """Of a sequence what was kept begins with a bit for each step that the event fits as far as is fixed."""
    places = {canonical(one): f"p{index}" for index, one in enumerate(values)}
    generator = Generator(named=places)
    held = ast.Tuple(
        [ast.Name(one, ast.Store()) for one in (*(["mask"] if is_sequence else []), *places.values())], ast.Store()
    )
    unpacked = ast.Assign([held], name("values"))
    nothing = generator.code.bind(_NOTHING)
    tests = [None if part is None else generator.condition(part) for part in moving]
    if not is_sequence:
        taken = NONE if value is None else generator.value(value)
        found = taken if tests[0] is None else either_of(tests[0], taken, nothing)
        return generator.code.function(TAKEN, [unpacked, ast.Return(found)])
    bits = [_bit(1 << index, test) for index, test in enumerate(tests)]
    mask = bits[0]
    for bit in bits[1:]:
        mask = ast.BinOp(mask, ast.BitOr(), bit)
    found = either_of(walrus("found", mask), name("found"), nothing)
    return generator.code.function(TAKEN, [unpacked, ast.Return(found)])


def _bit(bit: int, test: ast.expr | None) -> ast.expr:
    """The bit of a step, where the event fits it."""
    fits = ast.BinOp(name("mask"), ast.BitAnd(), ast.Constant(bit))
    return (
        fits
        if test is None
        else either_of(both([compared(fits, ast.NotEq(), ast.Constant(0)), test]), ast.Constant(bit), ast.Constant(0))
    )
