"""Who may be tied to whom: the rules of `[identity]`, as decisions without any state of their own (IDENTITY.md 2, 9).

A taker is always stronger than what it takes, in one fixed order of all identifiers, so no circle of owners can exist.
Pure.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct

from tactful.events.identifiers import PRIORITY, order, rank

HOUR_US = 3_600_000_000
_LETTERS = {"user": "u", "external": "x", "email": "e", "phone": "p", "anonymous": "a", "device": "d"}
_LEAVES = "ad"
"""Kinds that may go from one owner to another; all others keep their first, since they own what is below them."""


class Rules(Struct, frozen=True):
    """What `[identity]` says, by letters of kinds."""

    is_signed: bool = False
    priority: str = PRIORITY
    ties: frozenset[str] = frozenset("xepad")
    most: Mapping[str, int] = MappingProxyType({"u": 8, "x": 8, "e": 5, "p": 3, "a": 50, "d": 50})
    moves_per_hour: int = 20
    shared: frozenset[str] = frozenset()

    def order(self, key: str) -> tuple[int, str]:
        """The stronger comes first."""
        return order(key, self.priority)

    def may_tie(self, one: str, other: str, kind: str) -> bool:
        """Whether a call of this kind that names both, the stronger first, ties them."""
        if one[0] in _LEAVES:  # What moves may own nothing: it would have to move along, and leave its past behind.
            return False
        if one[0] == other[0] and one[0] in "uep":
            return one[0] == "u" and kind == "alias"
        return other[0] in self.ties and self.order(one) < self.order(other)

    def is_shared(self, key: str) -> bool:
        """Whether it is declared as nobody's own."""
        return key in self.shared or (key[0] in _LEAVES and key[2:] in self.shared)

    def over(self, key: str, ties: Mapping[str, bool]) -> str:
        """Why an identifier with these ties may have no further one to `key`; "" where it may."""
        if ties.get(key):
            return ""
        kind = key[0]
        alike = _LEAVES if kind in _LEAVES else "ux" if kind in "ux" else kind
        count = sum(is_taken and one[0] in alike for one, is_taken in ties.items())
        return f"more than {self.most[kind]} of its kind" if count >= self.most[kind] else ""

    def may_move(self, key: str, owner: str, by: str) -> bool:
        """Whether what belongs to `owner` may go to `by`."""
        return key[0] in _LEAVES and rank(by[0], self.priority) <= rank(owner[0], self.priority)


DEFAULT = Rules()


class _Section(Struct):
    browser: str = "open"
    ties: list[str] = []
    priority: list[str] = []
    shared: list[str] = []
    users: int = 8
    emails: int = 5
    phones: int = 3
    devices: int = 50
    moves_per_hour: int = 20


def read(text: str) -> Rules:
    """From the section as a plan has it (JSON); "" for the default."""
    if not text:
        return DEFAULT
    section = msgspec.json.decode(text, type=_Section)
    return Rules(
        is_signed=section.browser == "signed",
        priority=letters(section.priority) or PRIORITY,
        ties=frozenset(letters(section.ties)),
        most={
            **dict.fromkeys("ux", section.users),
            "e": section.emails,
            "p": section.phones,
            **dict.fromkeys("ad", section.devices),
        },
        moves_per_hour=section.moves_per_hour,
        shared=frozenset(section.shared),
    )


def letters(kinds: Iterable[str]) -> str:
    """Kinds of identifiers as the letters of their keys."""
    return "".join(_LETTERS[kind] for kind in kinds)


def moved(moves: list[int], at: int) -> list[int]:
    """The moves of the last hour, with one more."""
    return [*(one for one in moves if one > at - HOUR_US), at]
