"""Traits: the last write in event order wins (LANGUAGE.md 4), so lateness and repetition do not matter. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class TraitWrite(Struct, array_like=True, frozen=True):
    """The write that won: the last in event order (LANGUAGE.md 1.4). None is a cleared trait, kept as a tombstone."""

    value: object
    timestamp: int
    received_at: int
    ref: int
    source: str = ""
    is_browser: bool = False
    """Said by a browser, so that anybody may have said it."""

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


def write(
    traits: dict[str, TraitWrite],
    values: Mapping[str, Any],
    timestamp: int,
    received_at: int,
    ref: int,
    source: str = "",
    *,
    is_browser: bool = False,
) -> list[str]:
    """Fold the traits of one identify call in; returns the names of those that may have another value now. None
    clears. What a server has said as well is no browser's, in whichever order the two arrive."""
    changed = []
    for name, value in values.items():
        before = traits.get(name)
        written = TraitWrite(value, timestamp, received_at, ref, source, is_browser)
        if before is None:
            traits[name] = written
            changed.append(name)
            continue
        is_same = _is_same(before.value, value)
        if is_same and before.is_browser is not is_browser:
            before = replace(before, is_browser=False)
            written = replace(written, is_browser=False)
        newest = written if before.order() < written.order() else before
        traits[name] = newest
        if newest is written and not is_same:
            changed.append(name)
    return changed


def _is_same(one: object, other: object) -> bool:
    """Surely the same value of the language; not told of lists and objects, in which 1 and True may differ."""
    return type(one) is type(other) and not isinstance(one, list | dict) and one == other


def value(name: str, fragments: Iterable[Mapping[str, TraitWrite]]) -> object:
    """One trait of the person; None where it is missing."""
    writes = [written for traits in fragments if (written := traits.get(name)) is not None]
    return max(writes, key=TraitWrite.order).value if writes else None


def values(fragments: Iterable[Mapping[str, TraitWrite]]) -> dict[str, Any]:
    """The traits that the person has; of several fragments the last write of each."""
    newest: dict[str, TraitWrite] = {}
    for traits in fragments:
        for name, written in traits.items():
            before = newest.get(name)
            if before is None or before.order() < written.order():
                newest[name] = written
    return {name: written.value for name, written in newest.items() if written.value is not None}
