"""Consent as of T, in SQL: what the fragments of a person have decided on a purpose.

The history has a row for each decision and fragment that it covers. Of each fragment the newest counts (of Global
Privacy Control the first): of denials, and of grants that entered at a fragment that is still the same person's.
The person permits a purpose with a grant and no denial among the fragments that have decided.

Of somebody whom a server knows, a yes that a browser said without a proof does not count, whenever it was said: where
it is the newest of its fragment and purpose, they have said nothing on it (consent/permits.py, `proved`).
"""

from sqlglot import exp

from tactful.events.sources import OWN_SOURCES
from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import CONSENTS
from tactful.language.sql.relations import FRAGMENT, ORDER, Query

_BY = ("by", "by_epoch")
_PLACE = ("purpose", "is_gpc")
_TOLD = ("score", "enter")
"""Kinds by which a server speaks of somebody without a word on who they are."""


def decision(query: Query, purpose: str, *, is_signed: bool = False) -> Sql:
    """Whether the person has granted it; null where nobody decided. A decision on "marketing" is one on
    "marketing.email" as well. `is_signed`: browsers prove whose they are, and are heard of everybody."""
    purposes = lineage(purpose)
    found = query.relation(f"decision {purposes}", lambda _: _decision(query, purposes))
    holds = column(found, "holds")
    return holds if is_signed else build.when(_is_vouched(query), column(found, "proved"), holds)


def _is_vouched(query: Query) -> Sql:
    """Whether a server ever spoke of the person (kernel/fragments.py, `is_vouched`)."""
    is_own = build.one_of(column("e", "source"), OWN_SOURCES)
    is_told = build.one_of(column("e", "kind"), _TOLD)
    is_said = build.both(column("e", "is_server"), build.negated(is_own), build.negated(is_told))
    return build.compared(">", query.events.add(build.counted(is_said)), build.whole(0))


def lineage(purpose: str) -> list[str]:
    """The purpose and those above it."""
    parts = purpose.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _decision(query: Query, purposes: list[str]) -> Select:
    told = build.struct({name: column("w", name) for name in (*ORDER, "granted", "is_hearsay")})
    by = {name: column("w", name) for name in (*FRAGMENT, *_BY, *_PLACE)}
    counting = build.when(by["is_gpc"], build.least(told), build.greatest(told))
    is_meant = build.both(query.visible("w", CONSENTS), build.one_of(column("w", "purpose"), purposes))
    each = build.select({**by, "told": counting}, (CONSENTS, "w"), is_meant, [*by.values()])
    # Of each fragment with each that decides for it, then of each purpose, and then of the fragment.
    person, decider = query.person("q"), query.person("q", "d", _BY)
    is_with = build.compared("==", person, decider) if query.has_ties else build.TRUE
    counts = build.either(is_with, build.negated(_told("granted")))
    whose = {"person": person, **{name: column("q", name) for name in (*FRAGMENT, *_PLACE)}}
    newest = build.greatest(column("q", "told"))
    of_purpose = build.select({**whose, "told": newest}, (each, "q"), counts, [*whose.values()])
    of_purpose = query.owned(query.owned(of_purpose, "q"), "q", "d", _BY)
    fragment = {name: column("q", name) for name in ("person", *FRAGMENT)}
    is_proved = build.negated(build.both(_told("granted"), _told("is_hearsay")))
    proved = build.greatest(build.when(is_proved, column("q", "told")))
    both = {"told": newest, "proved": proved}
    of_fragment = build.select({**fragment, **both}, (of_purpose, "q"), by=[*fragment.values()])
    holds = {
        name: exp.LogicalAnd(this=build.field(column("q", kept), "granted"))
        for name, kept in (("holds", "told"), ("proved", "proved"))
    }
    return build.select({"person": column("q", "person"), **holds}, (of_fragment, "q"), by=[column("q", "person")])


def _told(name: str) -> Sql:
    return build.field(column("q", "told"), name)
