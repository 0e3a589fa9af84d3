"""As of: who was in a segment, in which version of it, and for whom an expression held, at any instant.

What had been *known at* an instant of a published segment is what the engine said then: its entries and exits are in
the table `memberships`, and they alternate, so that whoever entered more often than left was in it. An expression, and
everything that is asked as *happened by*, is worked out over the events, by the plan that was in force then: its
definitions, its time zone, its rules of consent and of traits.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.history.queries import Session
from tactful.kernel.definitions import read_published
from tactful.language.check import Checked
from tactful.language.mistakes import did_you_mean
from tactful.language.sql.seeing import Sees
from tactful.language.tree import Node
from tactful.language.types import BOOLEAN, kind_of
from tactful.operations.history.asked import checked_by
from tactful.operations.history.opened import KNOWN, Opened, PlanThen
from tactful.operations.history.terms import Terms, terms_of
from tactful.operations.history.thinned import event_names
from tactful.values import format_time

MOST = 1000
"""People in one answer, unless it is said."""
_json = msgspec.json.Decoder(dict[str, str])


class Member(Struct, frozen=True):
    person: str
    """The strongest identifier, as it was then."""
    since: int | None = None
    """When they entered, where the engine had said so."""


class Members(Struct, frozen=True):
    """Whom something held for at an instant: how many, and some of them by name, from behind `after` on."""

    at: int
    sees: Sees
    people: int
    members: tuple[Member, ...]
    plan: int
    """The version that was in force; 0: none."""
    segment: str = ""
    when: str = ""
    """The condition as it was written then."""
    version: int = 0
    """Of a segment: the version of the plan that brought the text which was in force."""
    published_at: int = 0
    """When it did."""
    unheard: tuple[tuple[str, str], ...] = ()
    """Of a condition that holds for nobody: events of its that never came, each with what was meant probably."""

    @property
    def is_early(self) -> bool:
        """The segment was not there yet: its first version was asked."""
        return self.published_at > self.at


class NotYet(UsageError):
    """There was no such segment yet. By what had happened by then its first version can be asked, or, where it
    `has_none`, a condition."""

    def __init__(self, text: str, *, has_none: bool) -> None:
        super().__init__(text)
        self.has_none = has_none


def then(opened: Opened, at_us: int) -> tuple[PlanThen | None, Terms]:
    """The plan that was in force, and what answers depend on by it; of sources' delays it is what is set now."""
    plan = opened.plan_at(at_us)
    if plan is None:
        return None, opened.terms
    known = terms_of(plan.publish, opened.terms.delays_us)
    return plan, replace(known, delay_us=opened.terms.delay_us)


def segment(
    opened: Opened, name: str, at_us: int, sees: Sees = KNOWN, *, after: str = "", limit: int = MOST
) -> Members:
    """Who was in it; by what had happened before it was first published, of its first version. Raises UsageError where
    there was no such segment then."""
    plan, terms = then(opened, at_us)
    in_force = plan.version if plan is not None else 0
    path = f"segments/{name}.yaml"
    if plan is None or path not in plan.publish.files:
        first = _first(opened, path)
        if first is None or first.published_at <= at_us or sees == KNOWN:
            raise _not_there(name, at_us, plan, first)
        plan, terms = then(opened, first.published_at)
        assert plan is not None
    version, published_at = _since(opened, path, plan)
    when = read_published(plan.publish).segments[name].when
    query = _entered(name, at_us) if sees == KNOWN else _holds(opened, when, at_us, sees, terms)
    people, members = _page(opened, query, after, limit)
    return Members(at_us, sees, people, members, in_force, name, when.text, version, published_at)


def _not_there(name: str, at_us: int, plan: PlanThen | None, first: PlanThen | None) -> UsageError:
    if first is not None and first.published_at > at_us:
        since = f"it was first published at {format_time(first.published_at)}"
        return NotYet(f"there was no segment {name!r} at {format_time(at_us)}: {since}", has_none=False)
    if plan is None:
        return NotYet(f"nothing had been published at {format_time(at_us)}, so there were no segments", has_none=True)
    known = tuple(read_published(plan.publish).segments)
    hint = did_you_mean(name, known) or f"there were: {', '.join(known) or 'none'}"
    return UsageError(f"there was no segment {name!r} at {format_time(at_us)} (plan {plan.version}); {hint}")


def expression(
    opened: Opened, text: str, at_us: int, sees: Sees = KNOWN, *, after: str = "", limit: int = MOST
) -> Members:
    """For whom a condition held, with the names that the plan then gave. Raises DefinitionError for a mistake in it,
    UsageError where it is no condition."""
    plan, terms = then(opened, at_us)
    checked = checked_by(plan.publish if plan is not None else None, text)
    if kind_of(checked.tree) != BOOLEAN:
        raise UsageError(f"{text}: this is a value and no condition; compare it with something")
    people, members = _page(opened, _holds(opened, checked, at_us, sees, terms), after, limit)
    missed = () if people else tuple(unheard(opened.session, checked.tree))
    return Members(at_us, sees, people, members, plan.version if plan is not None else 0, when=text, unheard=missed)


def as_values(found: Members) -> dict[str, Any]:
    """JSON values; times as ISO 8601 with Z."""
    values: dict[str, Any] = {
        "at": format_time(found.at),
        "sees": found.sees,
        "plan": found.plan or None,
        "when": found.when,
        "people": found.people,
        "members": [_member(one) for one in found.members],
    }
    if found.segment:
        about = {"segment": found.segment, "version": found.version, "publishedAt": format_time(found.published_at)}
        return {**about, **values}
    return {**values, "neverCame": [{"event": name, "hint": hint} for name, hint in found.unheard]}


def _member(one: Member) -> dict[str, Any]:
    return {"person": one.person, "since": format_time(one.since) if one.since is not None else None}


def unheard(session: Session, tree: Node) -> Iterator[tuple[str, str]]:
    """Events of an expression that never came, where any did, each with what was meant probably."""
    if names := event_names(tree):
        came = {name for (name,) in session.rows("SELECT DISTINCT name FROM events WHERE name IS NOT NULL")}
        for name in sorted(names - came) if came else ():
            yield name, did_you_mean(name, came)


# ---- SQL -------------------------------------------------------------------------------------------------------------


def entered(at_us: int, condition: str) -> str:
    """The relation (identifier, segment, since) of who was where, as the engine had said."""
    return (
        "SELECT identifier, segment, max(CASE WHEN entered THEN w.at END) AS since FROM memberships AS w"
        f" WHERE w.at <= {at_us} AND {condition} GROUP BY identifier, segment"
        " HAVING sum(CASE WHEN entered THEN 1 ELSE -1 END) > 0"
    )


def _entered(name: str, at_us: int) -> str:
    return f"SELECT identifier AS person, since FROM ({entered(at_us, f'segment = {literal(name)}')}) AS m"


def _holds(opened: Opened, checked: Checked, at_us: int, sees: Sees, terms: Terms) -> str:
    query, _ = opened.written({"x": checked.tree}, at_us, sees, terms=terms)
    return f"SELECT person, CAST(NULL AS BIGINT) AS since FROM ({query}) AS x WHERE v0"


def _page(opened: Opened, query: str, after: str, limit: int) -> tuple[int, tuple[Member, ...]]:
    """How many there are, and those of a page by the order of their names, in one pass."""
    found = opened.session.rows(
        f"WITH m AS ({query}), page AS (SELECT person, since FROM m WHERE person > {literal(after)}"
        f" ORDER BY person LIMIT {limit})"
        " SELECT NULL AS person, count(*) AS n FROM m UNION ALL SELECT person, since FROM page"
    )
    people = next(many for person, many in found if person is None)
    members = sorted((person, since) for person, since in found if person is not None)
    return people, tuple(Member(person, since) for person, since in members)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first(opened: Opened, path: str) -> PlanThen | None:
    """The first plan that had a file."""
    rows = opened.session.rows("SELECT published_at, files FROM plans WHERE files IS NOT NULL ORDER BY version")
    plans = (opened.plan_at(published_at) for published_at, files in rows if path in _json.decode(files))
    return next((plan for plan in plans if plan is not None and path in plan.publish.files), None)


def _since(opened: Opened, path: str, plan: PlanThen) -> tuple[int, int]:
    """The version of the plan that brought the text of a file as it stands in this plan, and when."""
    rows = opened.session.rows(
        "SELECT version, published_at, files FROM plans WHERE files IS NOT NULL"
        f" AND version <= {plan.version} ORDER BY version DESC"
    )
    text, found = plan.publish.files.get(path), (plan.version, plan.published_at)
    for version, published_at, files in rows:
        texts: Mapping[str, str] = _json.decode(files)
        if texts.get(path) != text:
            break
        found = (version, published_at)
    return found
