"""What a profile looked like at any instant: whose an identifier was, and all that was known of that person.

Only rows that entered at the person's identifiers are read, which stand close together in the lake. Segments are what
the engine had said; traits, metrics, collections and consents are worked out as expressions are, by the plan that was
in force.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tactful.consent import policy
from tactful.events.records import CONSENT
from tactful.kernel.definitions import Definitions, read_published
from tactful.language.sql.layout import CONSENTS, EVENTS, TRAITS
from tactful.language.sql.seeing import Sees
from tactful.language.tree import Consents, Node, Part, Span, Trait
from tactful.operations.history.asof import entered, literal, then
from tactful.operations.history.opened import KNOWN, Opened, PlanThen
from tactful.operations.history.terms import Terms
from tactful.operations.people.finding import candidates
from tactful.operations.plain import plain
from tactful.values import format_time

NOWHERE: Span = (0, 0)
PARTS = ("lines", "quantity", "value", "changed_at", "items")


class Decision(Struct, frozen=True):
    """Whether a purpose was allowed, and what the person had said of it last; `at` None where they had not."""

    purpose: str
    granted: bool
    at: int | None = None
    origin: str = ""


class ProfileThen(Struct, frozen=True):
    """`values` as JSON has them."""

    asked: str
    at: int
    sees: Sees
    person: str
    identifiers: tuple[str, ...]
    plan: int
    """The version that was in force; 0: none."""
    events: int
    first_at: int | None
    last_at: int | None
    """Of the events, when they happened."""
    traits: Mapping[str, Any]
    segments: Mapping[str, int | None]
    """By name, since when; None where that is worked out."""
    metrics: Mapping[str, Any]
    collections: Mapping[str, Mapping[str, Any]]
    consents: tuple[Decision, ...]


def profile(opened: Opened, text: str, at_us: int, sees: Sees = KNOWN) -> ProfileThen | None:
    """Of whoever an identifier belonged to; None where nobody was known by it."""
    plan, terms = then(opened, at_us)
    rows = _Rows(opened, at_us, sees, terms)
    found = next(((key, person) for key in candidates(text) if (person := rows.person(key))), None)
    if found is None:
        return None
    key, person = found
    fragments = rows.fragments(person)
    among, theirs = sorted({identifier for identifier, _ in fragments}), _theirs(fragments)
    definitions = read_published(plan.publish) if plan is not None else Definitions({}, {}, {})
    names, decided = rows.traits(theirs), rows.decided(theirs)
    purposes = sorted({*decided, *_purposes(plan)})
    nodes = dict(_nodes(definitions, names, purposes, with_segments=sees != KNOWN))
    answers = opened.ask(nodes, at_us, sees, terms=terms, among=among) if nodes else ()
    values = next((values for one, values in answers if one == person), dict.fromkeys(nodes))
    events, first_at, last_at = rows.events(theirs)
    if sees == KNOWN:
        now_in = opened.session.rows(entered(at_us, f"identifier = {literal(person)}"))
        segments = {name: since for _, name, since in now_in if name in definitions.segments}
    else:
        segments = {name: None for name in definitions.segments if values[f"segment {name}"]}
    return ProfileThen(
        key,
        at_us,
        sees,
        person,
        (person, *(one for one in among if one != person)),
        plan.version if plan is not None else 0,
        events,
        first_at,
        last_at,
        {name: plain(value) for name in names if (value := values[f"trait {name}"]) is not None},
        segments,
        {name: plain(values[f"metric {name}"]) for name in definitions.metrics},
        {
            name: {part: plain(values[f"collection {name} {part}"]) for part in PARTS}
            for name in definitions.collections
        },
        tuple(Decision(one, bool(values[f"consent {one}"]), *decided.get(one, (None, ""))) for one in purposes),
    )


def as_values(found: ProfileThen) -> dict[str, Any]:
    """JSON values; times as ISO 8601 with Z."""
    return {
        "asked": found.asked,
        "at": format_time(found.at),
        "sees": found.sees,
        "person": found.person,
        "identifiers": list(found.identifiers),
        "plan": found.plan or None,
        "events": found.events,
        "firstAt": _time(found.first_at),
        "lastAt": _time(found.last_at),
        "traits": dict(found.traits),
        "segments": [{"segment": name, "since": _time(since)} for name, since in sorted(found.segments.items())],
        "metrics": dict(found.metrics),
        "collections": {name: dict(parts) for name, parts in found.collections.items()},
        "consents": [
            {"purpose": one.purpose, "granted": one.granted, "at": _time(one.at), "origin": one.origin or None}
            for one in found.consents
        ],
    }


def _time(at: int | None) -> str | None:
    return format_time(at) if at is not None else None


# ---- what is asked ---------------------------------------------------------------------------------------------------


def _nodes(
    definitions: Definitions, traits: list[str], purposes: list[str], *, with_segments: bool
) -> Iterator[tuple[str, Node]]:
    for name in traits:
        yield f"trait {name}", Trait((name,), NOWHERE)
    for name, metric in definitions.metrics.items():
        yield f"metric {name}", metric.value.tree
    for name, collection in definitions.collections.items():
        for part in PARTS:
            yield f"collection {name} {part}", Part(collection, (part,), NOWHERE)
    for purpose in purposes:
        yield f"consent {purpose}", Consents(purpose, NOWHERE)
    if with_segments:
        for name, segment in definitions.segments.items():
            yield f"segment {name}", segment.when.tree


def _purposes(plan: PlanThen | None) -> list[str]:
    return [*policy.read(plan.publish.settings.get(CONSENT, "")).purposes] if plan is not None else []


# ---- SQL -------------------------------------------------------------------------------------------------------------

Fragment = tuple[str, int]


class _Rows:
    """Those that count, by hand."""

    def __init__(self, opened: Opened, at_us: int, sees: Sees, terms: Terms) -> None:
        self.ask = opened.session.rows
        self._visible = {table: opened.visible(table, at_us, sees, terms) for table in (EVENTS, TRAITS, CONSENTS)}
        self._whose = opened.whose(at_us, sees, terms)

    def of(self, table: str, condition: str) -> str:
        return f"FROM {table} AS w WHERE {self._visible[table]} AND {condition}"

    def whose(self, condition: str) -> str:
        """The relation (identifier, epoch, person) of fragments that came to somebody."""
        return f"SELECT identifier, epoch, person FROM ({self._whose}) AS w WHERE person IS NOT NULL AND {condition}"

    def person(self, key: str) -> str | None:
        """Whose an identifier was: its newest period of ownership decides."""
        mine = f"identifier = {literal(key)}"
        found: dict[int, str] = {epoch: key for (epoch,) in self.ask(f"SELECT DISTINCT epoch {self.of(EVENTS, mine)}")}
        found |= {epoch: person for _, epoch, person in self.ask(self.whose(mine))}
        return found[max(found)] if found else None

    def fragments(self, person: str) -> list[Fragment]:
        """All that were theirs, and not somebody else's by then."""
        mine = f"identifier = {literal(person)}"
        ever = f"(identifier IN (SELECT identifier FROM identity WHERE person = {literal(person)}) OR {mine})"
        whose = {(identifier, epoch): owner for identifier, epoch, owner in self.ask(self.whose(ever))}
        own = {
            (identifier, epoch) for identifier, epoch in self.ask(f"SELECT identifier, epoch {self.of(EVENTS, mine)}")
        }
        came = {fragment for fragment, owner in whose.items() if owner == person}
        return sorted(came | {one for one in own if whose.get(one, person) == person})

    def events(self, theirs: str) -> tuple[int, int | None, int | None]:
        """How many, and when the first and the last of them happened."""
        calls = self.of(EVENTS, f"name IS NOT NULL AND {theirs}")
        ((many, first_at, last_at),) = self.ask(f"SELECT count(*), min(timestamp), max(timestamp) {calls}")
        return many, first_at, last_at

    def traits(self, theirs: str) -> list[str]:
        """The names of all that were ever written."""
        return sorted(name for (name,) in self.ask(f"SELECT DISTINCT name {self.of(TRAITS, theirs)}"))

    def decided(self, theirs: str) -> dict[str, tuple[int, str]]:
        """By purpose, when they last said something of it, and how."""
        newest = "max_by(origin, (timestamp, received_at, ref))"
        found = self.of(CONSENTS, theirs)
        rows = self.ask(f"SELECT purpose, max(timestamp), {newest} {found} GROUP BY purpose")
        return {purpose: (at, origin or "") for purpose, at, origin in rows}


def _theirs(fragments: Sequence[Fragment]) -> str:
    """SQL: a row is of one of these. By the identifier first, since files are in its order."""
    names = ", ".join(sorted({literal(identifier) for identifier, _ in fragments}))
    pairs = " OR ".join(f"(identifier = {literal(one)} AND epoch = {epoch})" for one, epoch in fragments)
    return f"identifier IN ({names}) AND ({pairs})"
