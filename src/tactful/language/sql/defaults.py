"""What is allowed where nobody has decided, in SQL: the policy of the settings (docs/consent.md), and the country of a
person as of T, which it may depend on: the trait `country`, else that of the trait `address`, else of the newest call
whose context names one."""

from msgspec import Struct

from tactful.events.normalize import COUNTRIES
from tactful.language.sql import build, consents
from tactful.language.sql.build import Sql, column
from tactful.language.sql.relations import ORDER, Query
from tactful.language.sql.traits import trait

CODES = sorted(COUNTRIES)


class Defaults(Struct, frozen=True):
    """Purposes by what allows them; one that stands nowhere needs a grant."""

    always: frozenset[str] = frozenset()
    """Whatever anybody has decided."""
    unless_denied: frozenset[str] = frozenset()
    by_country: frozenset[str] = frozenset()
    """Where nobody has decided, in these countries:"""
    countries: frozenset[str] = frozenset()
    """ISO 3166 alpha-2; "" for a country that nobody knows."""
    is_signed: bool = False
    """Browsers prove whose they are, so that they are heard of somebody whom a server knows."""


NO_DEFAULTS = Defaults()


def permitted(query: Query, purpose: str, defaults: Defaults) -> Sql:
    """Whether the person permits the purpose; never null."""
    if purpose in defaults.always:
        return build.TRUE
    decided = consents.decision(query, purpose, is_signed=defaults.is_signed)
    if purpose in defaults.unless_denied:
        return build.coalesced(decided, build.TRUE)
    if purpose in defaults.by_country and defaults.countries:
        return build.coalesced(decided, _is_in(query, defaults.countries))
    return build.surely(decided)


def _is_in(query: Query, countries: frozenset[str]) -> Sql:
    """Whether the person is in one of the countries; the shorter list is asked."""
    others = {*CODES, ""} - countries
    if not others:
        return build.TRUE
    found = build.coalesced(country(query), build.text(""))
    if len(others) < len(countries):
        return build.negated(build.one_of(found, sorted(others)))
    return build.one_of(found, sorted(countries))


def country(query: Query) -> Sql:
    """ISO 3166 alpha-2; null where nobody knows."""
    own, inner = (trait(query, path).text() for path in (("country",), ("address", "country")))
    seen = build.at(column("e", "context", "texts"), build.text("location.country"))
    newest = query.events.row([column("e", name) for name in ORDER], build.one_of(seen, CODES))(seen)
    assert own is not None
    assert inner is not None
    return build.when(build.one_of(own, CODES), own, build.when(build.one_of(inner, CODES), inner, newest))
