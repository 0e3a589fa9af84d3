"""Traits: of several writes one counts, the last in event order, or what the trait's rule says (LANGUAGE.md 4).

A fragment keeps one write of each trait. Every rule is a fold of two writes into one that is commutative, associative
and idempotent, over the writes of a fragment and then over the fragments: lateness and repetition do not matter, nor
how a person is put together, and whoever is un-merged takes along what they wrote. `null` clears, where the newest
counts (also of a source); under the other rules it says nothing. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tactful.language.vocabulary import NO_RULES, TraitRule, TraitRules
from tactful.values import read_time

MOST = 1000
"""Elements of a union: the first that were written."""
LONGEST = 255
"""Bytes (UTF-8) of a text that a union takes in."""
NEWEST = TraitRule()
ADDRESSES = frozenset({"email", "phone", "push_tokens", "web_push", "chat"})
"""Traits that messages go to: it is kept in mind what servers said of them (`TraitWrite.sure`)."""
First = tuple[int, int, int, int]
"""When an element was first written: event order, and its place in the list."""


class TraitWrite(Struct, array_like=True, frozen=True):
    """The write that counts. None is a cleared trait, kept as a tombstone."""

    value: Any
    timestamp: int
    received_at: int
    ref: int
    source: str = ""
    is_browser: bool = False
    """Said by a browser, so that anybody may have said it."""
    firsts: list[First] | None = None
    """Of several writes as a union: beside each element of `value`, in ascending order."""
    sure: "TraitWrite | None" = None
    """Of an address that a browser said: what counts of those that servers said, however early or late."""

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


Written = Mapping[str, TraitWrite]
"""Of one fragment, by trait."""


def write(
    traits: dict[str, TraitWrite],
    values: Mapping[str, Any],
    timestamp: int,
    received_at: int,
    ref: int,
    source: str = "",
    *,
    is_browser: bool = False,
    rules: TraitRules = NO_RULES,
) -> list[str]:
    """Fold the traits of one identify call in; returns the names of those that may have another value now."""
    changed = []
    for name, value in values.items():
        rule = rules.get(name, NEWEST)
        if rule is not NEWEST and not _counts(rule, value):
            continue
        before = traits.get(name)
        written = TraitWrite(value, timestamp, received_at, ref, source, is_browser)
        if rule.merge == "union":
            written = _union(written, written)
        if before is None:
            traits[name] = written
            changed.append(name)
            continue
        kept = traits[name] = fold(rule, before, written)
        is_same = _is_same(before.value, value)
        if kept is not before and not is_same and (kept.firsts is None or kept.firsts != before.firsts):
            changed.append(name)
        if name in ADDRESSES and kept.is_browser:
            traits[name] = replace(kept, sure=surest(rule, [before, written]))
    return changed


def value(name: str, fragments: Iterable[Written], rules: TraitRules = NO_RULES) -> object:
    """One trait of the person; None where it is missing."""
    writes = [written for traits in fragments if (written := traits.get(name)) is not None]
    return shown(rules.get(name, NEWEST), writes) if writes else None


def values(fragments: Iterable[Written], rules: TraitRules = NO_RULES) -> dict[str, Any]:
    """The traits that the person has."""
    parts = list(fragments)
    kept: dict[str, TraitWrite] = {}
    for traits in parts:
        for name, written in traits.items():
            before = kept.get(name)
            if before is None or before.order() < written.order():
                kept[name] = written
    found = {name: written.value for name, written in kept.items() if written.value is not None}
    if rules:
        found |= {name: value(name, parts, rules) for name in kept if name in rules}
        found = {name: held for name, held in found.items() if held is not None}
    return found


def surest(rule: TraitRule, writes: Iterable[TraitWrite]) -> TraitWrite | None:
    """What counts of the writes of servers alone."""
    told = [sure for one in writes if (sure := one.sure if one.is_browser else one) is not None]
    return reduce(lambda one, other: fold(rule, one, other), told) if told else None


# ---- rules -----------------------------------------------------------------------------------------------------------


def fold(rule: TraitRule, one: TraitWrite, other: TraitWrite) -> TraitWrite:
    """What counts of two writes."""
    if rule.merge == "union":
        return _union(one, other)
    if rule.merge == "newest":
        return other if one.order() < other.order() else one
    return other if _rank(rule, one) < _rank(rule, other) else one


def shown(rule: TraitRule, writes: Sequence[TraitWrite]) -> Any:
    """The value that some writes give, at least one. None also for what was kept under another rule, and counts under
    this one as nothing."""
    kept = writes[0] if len(writes) == 1 else reduce(lambda one, other: fold(rule, one, other), writes)
    if rule.merge == "union" and kept.firsts is None:
        kept = _union(kept, kept)
    return kept.value if _counts(rule, kept.value) else None


def _counts(rule: TraitRule, value: Any) -> bool:
    """Whether this is a write at all."""
    match rule.merge:
        case "first":
            return value is not None
        case "maximum" | "minimum":
            return _amount(rule, value) is not None
        case "union":
            return any(True for _ in _elements(value))
        case _:
            return True


def _rank(rule: TraitRule, write: TraitWrite) -> tuple[float, ...]:
    """The greatest counts. Of what is equal it is the first written; nothing is below everything."""
    timestamp, received_at, ref = write.order()
    if rule.merge == "sources":
        place = rule.sources.index(write.source) if write.source in rule.sources else len(rule.sources)
        return (-place, timestamp, received_at, ref)
    earlier = (-timestamp, -received_at, -ref)
    if rule.merge == "first":
        return (write.value is not None, *earlier)
    amount = _amount(rule, write.value)
    if amount is None:
        return (False, 0, *earlier)
    return (True, amount if rule.merge == "maximum" else -amount, *earlier)


def _amount(rule: TraitRule, value: Any) -> float | None:
    if rule.is_time:
        return read_time(value) if type(value) is str else None
    return value if type(value) is float or type(value) is int else None


def _is_same(one: object, other: object) -> bool:
    """Surely the same value of the language; not told of lists and objects, in which 1 and True may differ."""
    return type(one) is type(other) and not isinstance(one, list | dict) and one == other


# ---- unions ----------------------------------------------------------------------------------------------------------


def _union(one: TraitWrite, other: TraitWrite) -> TraitWrite:
    """The elements of both, each where it was first written. Those beyond MOST are forgotten for good: as many were
    written before them, and no later write makes those fewer."""
    firsts: dict[object, tuple[First, Any]] = {}
    for first, element in chain(_members(one), _members(other)):
        same = (type(element) is bool, element)  # 1 and 1.0 are one element, 1 and True are two.
        if same not in firsts or first < firsts[same][0]:
            firsts[same] = (first, element)
    kept = sorted(firsts.values(), key=lambda pair: pair[0])[:MOST]
    newest = max(one, other, key=TraitWrite.order)
    is_browser = one.is_browser and other.is_browser
    elements, at = [element for _, element in kept], [first for first, _ in kept]
    return replace(newest, value=elements, is_browser=is_browser, firsts=at)


def _members(write: TraitWrite) -> Iterator[tuple[First, Any]]:
    """A write of before the rule is one of all that it holds."""
    if write.firsts is not None:
        return zip(write.firsts, write.value, strict=True)
    return (((*write.order(), place), element) for place, element in _elements(write.value))


def _elements(value: Any) -> Iterator[tuple[int, Any]]:
    """Scalars, of a list each with its place; what else there is says nothing."""
    for place, element in enumerate(value) if type(value) is list else [(0, value)]:
        kind = type(element)
        if kind is bool or kind is int or kind is float or (kind is str and len(element.encode()) <= LONGEST):
            yield place, element
