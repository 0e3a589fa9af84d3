"""Traits as of T: of each the write that is last in event order (LANGUAGE.md 4)."""

from tactful.language.sql import build, cells
from tactful.language.sql.build import column
from tactful.language.sql.relations import ORDER, Query
from tactful.language.sql.values import Carried, Value
from tactful.language.tree import Path


def trait(query: Query, path: Path) -> Value:
    """Of the person; in a row of events too, where `has_profile` says so."""
    written = cells.read(cells.Source(column("w", "traits")), path)
    is_mine = build.compared("==", column("w", "name"), build.text(str(path[0])))
    return Carried(written, query.traits.row([column("w", name) for name in ORDER], is_mine))
