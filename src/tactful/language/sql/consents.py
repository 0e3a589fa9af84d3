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
from tactful.language.sql.addresses import mailboxes
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import CONSENTS, TOLD
from tactful.language.sql.relations import FRAGMENT, ORDER, Query

_BY = ("by", "by_epoch")
_PLACE = ("purpose", "is_gpc")


def decision(query: Query, purpose: str, *, is_signed: bool = False) -> Sql:
    """Whether the person has granted it; null where nobody decided. A decision on "marketing" is one on
    "marketing.email" as well. `is_signed`: browsers prove whose they are, and are heard of everybody."""
    purposes = lineage(purpose)
    if is_signed:
        return column(query.relation(f"decision {purposes}", lambda _: _decision(query, purposes, "")), "holds")
    to = mailboxes(query)
    found = query.relation(f"decision {purposes}", lambda _: _decision(query, purposes, to))
    return build.when(_is_vouched(query), column(found, "proved"), column(found, "holds"))


def _is_vouched(query: Query) -> Sql:
    """Whether a server ever spoke of the person (kernel/fragments.py, `is_vouched`)."""
    is_own = build.one_of(column("e", "source"), OWN_SOURCES)
    is_told = build.one_of(column("e", "kind"), TOLD)
    is_said = build.both(column("e", "is_server"), build.negated(is_own), build.negated(is_told))
    return build.compared(">", query.events.add(build.counted(is_said)), build.whole(0))


def lineage(purpose: str) -> list[str]:
    """The purpose and those above it."""
    parts = purpose.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _decision(query: Query, purposes: list[str], to: str) -> Select:
    """The relation (person, holds, proved); the last where the relation `to` says where mail to them goes."""
    told = build.struct({name: column("w", name) for name in (*ORDER, "granted", "is_hearsay", "address")})
    by = {name: column("w", name) for name in (*FRAGMENT, *_BY, *_PLACE)}
    counting = build.when(by["is_gpc"], build.least(told), build.greatest(told))
    is_meant = build.both(query.visible("w", CONSENTS), build.one_of(column("w", "purpose"), purposes))
    each = build.select({**by, "told": counting}, (CONSENTS, "w"), is_meant, [*by.values()])
    # Of each fragment with each that decides for it, then of each purpose, and then of the fragment.
    person, decider = query.person("q"), query.person("q", "d", _BY)
    is_with = build.compared("==", person, decider) if query.has_ties else build.TRUE
    counts = build.either(is_with, build.negated(_told("granted")))
    whose = {"person": person, **{name: column("q", name) for name in (*FRAGMENT, *_PLACE)}}
    newest = {"told": build.greatest(column("q", "told"))}
    if to:
        is_theirs = build.surely(build.compared("==", _told("address"), column(to, "address")))
        agrees = build.either(is_theirs, build.one_of(_told("address"), [""]), build.negated(_told("granted")))
        newest["proved"] = build.greatest(build.when(agrees, column("q", "told")))
    of_purpose = build.select({**whose, **newest}, (each, "q"), counts, [*whose.values()])
    of_purpose = query.owned(query.owned(of_purpose, "q"), "q", "d", _BY)
    if to:
        build.joined_by(of_purpose, to, build.compared("==", person, column(to, "person")))
    fragment = {name: column("q", name) for name in ("person", *FRAGMENT)}
    if to:
        is_proved = build.negated(build.both(_told("granted", "proved"), _told("is_hearsay", "proved")))
        newest["proved"] = build.greatest(build.when(is_proved, column("q", "proved")))
    of_fragment = build.select({**fragment, **newest}, (of_purpose, "q"), by=[*fragment.values()])
    holds = {
        "holds" if name == "told" else name: exp.LogicalAnd(this=build.field(column("q", name), "granted"))
        for name in newest
    }
    return build.select({"person": column("q", "person"), **holds}, (of_fragment, "q"), by=[column("q", "person")])


def _told(name: str, of: str = "told") -> Sql:
    return build.field(column("q", of), name)
