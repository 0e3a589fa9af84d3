"""Thinned: a query over a copy of the history that has no more than the query reads: its columns, and some of the
people, chosen by a hash of who a fragment belongs to at the instant.

The same query can then be asked as of many instants up to that one, each in milliseconds. With a step of 1 everybody is
in it, and nothing is an estimate.
"""

from collections.abc import Collection, Iterator, Mapping

from sqlglot import exp

from tactful.history.queries import Session
from tactful.history.table import schema
from tactful.kernel.readers import ANY_EVENT
from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.engines import write
from tactful.language.sql.layout import CONSENTS, EVENTS, IDENTITY, SCORES, TRAITS, Layout
from tactful.language.sql.seeing import Sees
from tactful.language.tree import Aggregate, Clock, Consents, Node, Part, Sequence, Sessions, everything

OWNED = (EVENTS, TRAITS, SCORES, CONSENTS, IDENTITY)
"""Tables whose rows are of fragments."""
OWNERS = "p"
"""The relation in a query that says whose each fragment is (language/sql/relations.py)."""
SINCE: Mapping[Sees, tuple[str, ...]] = {"known": ("received_at",), "happened": ("timestamp", "source")}
"""Columns that say from when on an event counts: the time, and by what it may differ for equal times."""
PREFIX = "thin_"
_THEIRS = "theirs"
_MOST_DEEP = {"own": 3}
Path = tuple[str, ...]


def thinned(
    session: Session,
    query: exp.Select,
    layout: Layout,
    at_us: int,
    step: int,
    names: Collection[str] | None,
    everybody: str,
    since: tuple[str, ...] = (),
) -> exp.Select:
    """The query over the copy, which lives as long as the session, or until the next one is made. Of `step` people one
    is in it: `chosen(step)` of whom the query gives. Of events the copy has these `names`, where nothing else is read
    (None: all); and the least of `since` (of SINCE) for each fragment, without which whoever had no such event is
    nobody. `everybody`: a table of who is known at the instant, in the column `person`."""
    owners = next((one.this for one in query.find_all(exp.CTE) if one.alias == OWNERS), None)
    if owners is not None:
        _keep(session, "owners", write(owners, "duckdb").given({"t": at_us}))
    if step > 1:
        _keep(session, _THEIRS, _theirs(step, everybody, has_owners=owners is not None))
    asked = {table.name for table in query.find_all(exp.Table) if table.name in OWNED}
    for table in sorted(asked):
        alias = "e" if table == EVENTS else "w"
        join, owner = "", f"{alias}.identifier"
        if owners is not None:
            join = f" LEFT JOIN {PREFIX}owners AS o USING (identifier, epoch)"
            owner = f"coalesce(o.person, {owner})"
        # Where an identifier is none of theirs, nothing else of the row is read; whose the row is decides.
        some = f" WHERE identifier IN (FROM {PREFIX}{_THEIRS})" if step > 1 else ""
        rest = f"FROM (FROM {table}{some}) AS {alias}{join} WHERE {chosen(step, owner)}"
        if table != EVENTS:
            _keep(session, table, f"SELECT {alias}.* {rest}")
            continue
        kept = ", ".join(f"{_text(value)} AS {_quoted(name)}" for name, value in _columns(query, layout).items())
        if names is None:
            _keep(session, table, f"SELECT {kept} {rest}")
            continue
        meant = ", ".join(_text(build.text(name)) for name in sorted(names)) or "NULL"
        rows = f"SELECT {kept} {rest} AND e.name IN ({meant})"
        if since:
            first, *others = since
            least = ", ".join([f"min(e.{first}) AS {first}", *(f"e.{one}" for one in others)])
            rows += f" UNION ALL BY NAME SELECT e.identifier, e.epoch, {least} {rest} GROUP BY ALL"
        _keep(session, table, rows)
    found = query.copy()
    for one in found.find_all(exp.Table):
        if one.name in asked:
            one.set("this", exp.to_identifier(f"{PREFIX}{one.name}"))
    return found


def _theirs(step: int, everybody: str, *, has_owners: bool) -> str:
    """The identifiers of those who are chosen; in other periods they may have been somebody else's."""
    some = chosen(step, "person")
    own = f"SELECT person AS identifier FROM {everybody} WHERE {some}"
    return f"{own} UNION SELECT identifier FROM {PREFIX}owners WHERE {some}" if has_owners else own


def event_names(tree: Node) -> frozenset[str] | None:
    """Of the events that an expression reads; None where it reads all."""
    found: set[str] = set()
    for node in everything(tree):
        match node:
            case Sessions() | Clock() | Consents() | Aggregate(function="active_days"):
                return None  # By any event a zone, a country, or a session may be another.
            case Aggregate(selection=selection):
                found |= {*selection.events}
            case Sequence(steps=steps):
                found |= {name for step in steps for name in step.events}
            case Part(collection=collection):
                found |= {*collection.add, *collection.remove, *collection.clear}
    return None if ANY_EVENT in found else frozenset(found)


def chosen(step: int, person: str) -> str:
    """Whether a person is one of those in the copy, in SQL."""
    return f"hash({person}) % {step} = 0" if step > 1 else "true"


def _keep(session: Session, name: str, query: str) -> None:
    session.rows(f"CREATE OR REPLACE TEMP TABLE {PREFIX}{name} AS {query}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Sql) -> str:
    return write(value, "duckdb").given({})


def _columns(query: exp.Select, layout: Layout) -> Mapping[str, Sql]:
    """What the query reads of events: of structs the fields that it asks for."""
    known = schema(EVENTS, layout).names
    used: dict[str, set[Path]] = {name: {()} for name in ("identifier", "epoch")}
    for name, path in _used(query):
        if name in known:
            used.setdefault(name, set()).add(path)
    return {name: _struct(column("e", name), paths) for name, paths in used.items()}


def _used(query: exp.Select) -> Iterator[tuple[str, Path]]:
    aliases = {one.alias_or_name for one in query.find_all(exp.Table) if one.name == EVENTS}
    # From above, since a node that several share knows one parent alone.
    stack: list[tuple[exp.Expression, Path]] = [(query, ())]
    while stack:
        node, path = stack.pop()
        if isinstance(node, exp.Dot):
            stack.append((node.this, (node.expression.name, *path)))
        elif not isinstance(node, exp.Column):
            stack += [(each, ()) for each in node.iter_expressions()]
        elif node.table in aliases:
            yield node.name, path[: _MOST_DEEP.get(node.name, 1)]


def _struct(held: Sql, paths: set[Path]) -> Sql:
    """The same value with these fields alone."""
    if () in paths:
        return held
    inner: dict[str, set[Path]] = {}
    for first, *rest in sorted(paths):
        inner.setdefault(first, set()).add(tuple(rest))
    return build.struct({name: _struct(build.field(held.copy(), name), parts) for name, parts in inner.items()})
