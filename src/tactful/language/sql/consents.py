"""Consent as of T, in SQL: what the fragments of a person have decided on a purpose.

The history has a row for each decision and fragment that it covers. Of each fragment the newest counts (of Global
Privacy Control the first): of denials, and of grants that entered at a fragment that is still the same person's.
The person permits a purpose with a grant and no denial among the fragments that have decided.
"""

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import CONSENTS
from tactful.language.sql.relations import FRAGMENT, ORDER, Query

_BY = ("by", "by_epoch")


def decision(query: Query, purpose: str) -> Sql:
    """Whether the person has granted it; null where nobody decided. A decision on "marketing" is one on
    "marketing.email" as well."""
    purposes = lineage(purpose)
    return column(query.relation(f"decision {purposes}", lambda _: _decision(query, purposes)), "holds")


def lineage(purpose: str) -> list[str]:
    """The purpose and those above it."""
    parts = purpose.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _decision(query: Query, purposes: list[str]) -> Select:
    told = build.struct({name: column("w", name) for name in (*ORDER, "granted")})
    by = {name: column("w", name) for name in (*FRAGMENT, *_BY, "purpose", "is_gpc")}
    counting = build.when(by["is_gpc"], build.least(told), build.greatest(told))
    is_meant = build.both(query.visible("w", CONSENTS), build.one_of(column("w", "purpose"), purposes))
    each = build.select({**by, "told": counting}, (CONSENTS, "w"), is_meant, [*by.values()])
    # Of each fragment with each that decides for it, and then of the fragment.
    person, decider = query.person("q"), query.person("q", "d", _BY)
    is_with = build.compared("==", person, decider) if query.has_ties else build.TRUE
    counts = build.either(is_with, build.negated(build.field(column("q", "told"), "granted")))
    fragment = {name: column("q", name) for name in FRAGMENT}
    newest = build.greatest(column("q", "told"))
    whose = {"person": person, **fragment}
    of_fragment = build.select({**whose, "told": newest}, (each, "q"), counts, [*whose.values()])
    of_fragment = query.owned(query.owned(of_fragment, "q"), "q", "d", _BY)
    granted = exp.LogicalAnd(this=build.field(column("q", "told"), "granted"))
    return build.select(
        {"person": column("q", "person"), "holds": granted}, (of_fragment, "q"), by=[column("q", "person")]
    )
