"""View: what expressions see of a person. Made for one look and thrown away; what nobody asks for is not put together.

The states are those of the profile itself. Everything else is as it was when it was first asked for, so a record that
changes a trait, a score, ... is followed by a new view.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.consent.permits import granted
from tactful.consent.policy import DEFAULT, Policy
from tactful.kernel.fragments import consents, hears_browsers
from tactful.kernel.state import Fragment
from tactful.language.vocabulary import NO_RULES, TraitRules
from tactful.people import countries, scores, traits, zones

Thresholds = Mapping[str, Mapping[float, float]]


class Around(Struct, frozen=True):
    """What is the same for everybody."""

    zone: str
    """The workspace's."""
    thresholds: Callable[[], Thresholds]
    policy: Policy = DEFAULT
    traits: TraitRules = NO_RULES
    is_signed: bool = False
    """Browsers prove whose they are (`[identity] browser`)."""


class PersonView:
    """The View (language/compiled.py) of a person with these states and fragments; of nobody without any."""

    __slots__ = ("_around", "_fragments", "consents", "scores", "states", "thresholds", "traits", "zone")

    traits: Mapping[str, Any]
    scores: Mapping[str, float]
    thresholds: Thresholds
    consents: Mapping[str, bool]
    zone: str

    def __init__(self, states: Mapping[int, State], fragments: Mapping[str, Fragment], around: Around) -> None:
        self.states = states
        self._fragments = fragments
        self._around = around

    def __getattr__(self, name: str) -> Any:
        """Python calls this for a slot that is still empty, so what is asked for again costs nothing."""
        value: Any
        fragments = self._fragments.values()
        match name:
            case "traits":
                value = traits.values([one.traits for one in fragments], self._around.traits)
            case "scores":
                value = scores.values(one.scores for one in fragments)
            case "thresholds":
                value = self._around.thresholds()
            case "consents":
                around = self._around
                hears = hears_browsers(self._fragments, is_signed=around.is_signed)
                country = country_of(fragments, around.traits)
                value = granted(consents(self._fragments, hears=hears, rules=around.traits), around.policy, country)
            case "zone":
                value = zone_of(fragments, self._around.traits, self._around.zone)
            case _:
                raise AttributeError(name)
        setattr(self, name, value)
        return value

    def renew(self) -> None:
        """Traits are others now: what was put together of them is put together anew."""
        for name in ("consents", "traits", "zone"):
            with suppress(AttributeError):  # Nobody has asked for it.
                delattr(self, name)


def zone_of(fragments: Iterable[Fragment], rules: TraitRules, workspace: str) -> str:
    """IANA name of the zone whose clock is the person's."""
    kept = list(fragments)
    told = traits.value(zones.TRAIT, (one.traits for one in kept), rules)
    return zones.zone(told, (one.zone for one in kept), workspace)


def country_of(fragments: Iterable[Fragment], rules: TraitRules) -> str:
    """Where the person is (ISO 3166 alpha-2), for the rules of the region; "" where nobody knows."""
    kept = list(fragments)
    country, address = (traits.value(name, (one.traits for one in kept), rules) for name in ("country", "address"))
    return countries.country(countries.told(country, address), (one.country for one in kept))
