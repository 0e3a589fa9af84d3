"""Terms: what an answer of the history depends on beside the expression, as one plan says it.

The workspace's time zone, what is permitted where nobody has decided, which of several writes of a trait counts, and
how late each source's events may be.
"""

from collections.abc import Mapping

from msgspec import Struct

from tactful.consent import policy as consent
from tactful.events.normalize import COUNTRIES
from tactful.events.records import CONSENT, IDENTITY, TIME_ZONE, Publish
from tactful.kernel.definitions import read_published
from tactful.language.sql.defaults import NO_DEFAULTS, Defaults
from tactful.language.vocabulary import NO_RULES, EventType, TraitRules
from tactful.people import identity as people


class Terms(Struct, frozen=True):
    time_zone: str = "UTC"
    defaults: Defaults = NO_DEFAULTS
    rules: TraitRules = NO_RULES
    """Of traits."""
    delays_us: Mapping[str, int] = {}
    """By source: how long after it happened an event counts as known, where "happened by" is asked."""
    delay_us: int = 0
    """Of all other sources."""


def terms_of(publish: Publish, delays_us: Mapping[str, int] | None = None) -> Terms:
    """Of a plan."""
    return Terms(
        publish.settings.get(TIME_ZONE, "UTC"),
        defaults(publish.settings.get(CONSENT, ""), publish.settings.get(IDENTITY, "")),
        rules(read_published(publish).events),
        delays_us or {},
    )


def rules(events: Mapping[str, EventType]) -> TraitRules:
    """Of traits, in what events/ declares."""
    identify = events.get("$identify")
    return identify.merges if identify is not None else NO_RULES


def defaults(section: str, identity: str = "") -> Defaults:
    """What the plan's setting CONSENT permits before anybody has decided, and by its setting IDENTITY whether what a
    browser says of somebody known counts."""
    policy = consent.read(section)
    by_basis: dict[str, set[str]] = {}
    for name, purpose in policy.purposes.items():
        by_basis.setdefault(purpose.basis, set()).add(name)
    return Defaults(
        always=frozenset(name for name in policy.purposes if policy.is_always_allowed(name)),
        unless_denied=frozenset(by_basis.get("legitimate_interest", ())),
        by_country=frozenset(by_basis.get("consent", ())),
        countries=frozenset(one for one in ("", *COUNTRIES) if not policy.asks_first(one)),
        is_signed=people.read(identity).is_signed,
    )
