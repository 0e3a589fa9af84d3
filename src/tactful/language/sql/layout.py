"""How values lie in the history (docs/history.md): what a path is called there, and which column holds it.

Written by history/cells.py, read by the SQL of this package; nothing here knows an engine or a file format.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from tactful.language.tree import Path

Engine = Literal["duckdb", "spark"]
"""Whose SQL is written."""
CALLS = ("track", "page", "screen")
"""The kinds that "*" means."""
TOLD = ("score", "enter")
"""The kinds that nobody does: a server speaks of somebody without a word on who they are."""
EVENTS, TRAITS, SCORES, THRESHOLDS, CONSENTS, IDENTITY, ZONES, PLANS, MEMBERSHIPS, STEERING = TABLES = (
    "events",
    "traits",
    "scores",
    "thresholds",
    "consents",
    "identity",
    "zones",
    "plans",
    "memberships",
    "steering",
)
FLAT = "[]"
"""Behind the key of a list that holds null or lists: the same list without."""


class Layout(Struct, frozen=True):
    """Of one set of files: which properties have a column of their own (keys) as well; all stand in the maps."""

    own: tuple[str, ...] = ()


SHARED = Layout()
"""None has a column of its own."""


def layout(paths: Iterable[Path]) -> Layout:
    """Own columns for these properties. Engines do not tell columns apart by case: of `Total` and `total` one stays in
    the maps, which is slower and means the same."""
    own: dict[str, str] = {}
    for path in sorted(map(key, paths)):
        own.setdefault(path.casefold(), path)
    return Layout(tuple(own.values()))


def key(path: Path) -> str:
    """What a path of names is called in maps: `address.city`."""
    return ".".join(escaped(str(step)) for step in path)


def escaped(name: str) -> str:
    """A name in which a dot or a bracket is no step."""
    if "." in name or "[" in name or "\\" in name:
        return name.replace("\\", "\\\\").replace(".", "\\.").replace("[", "\\[")
    return name
