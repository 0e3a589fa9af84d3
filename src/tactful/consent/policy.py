"""What may be done before anybody was asked, and what an event's own context says of consent.

The policy is the section [consent] of tactful.toml, told with every plan. A purpose has a basis: what a contract or the
law demands is always allowed; a legitimate interest until somebody objects; everything else by consent, which counts as
given before anybody was asked only where people opt out. Purposes that nobody declared need consent everywhere. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from tactful.events.normalize import EEA

Basis = Literal["consent", "legitimate_interest", "contract", "legal_obligation"]
Region = Literal["opt-in", "opt-out"]
Otherwise = Literal["anonymous", "count", "drop"]
Said = tuple[str, bool, str]
"""Purpose, granted, origin."""

CATEGORIES, GPC = "categories", "gpc"
"""Origins of what an event's context says."""


class Purpose(Struct, frozen=True, rename={"has_gpc": "gpc"}):
    basis: Basis = "consent"
    categories: tuple[str, ...] = ()
    """Names of it in `context.consent.categoryPreferences`."""
    has_gpc: bool = False
    """Whether Global Privacy Control objects to it."""


class Policy(Struct, frozen=True):
    region: Region = "opt-in"
    opt_in: frozenset[str] = frozenset()
    opt_out: frozenset[str] = frozenset()
    """Countries, ISO 3166 alpha-2."""
    collect: str = ""
    """The purpose that keeping a person's events needs; "": none."""
    otherwise: Otherwise = "count"
    purposes: Mapping[str, Purpose] = field(default_factory=dict)

    def is_always_allowed(self, purpose: str) -> bool:
        """A contract or the law demands it: whoever denies it is heard, and it is done all the same."""
        declared = self.purposes.get(purpose)
        return declared is not None and declared.basis in ("contract", "legal_obligation")

    def by_default(self, purpose: str, country: str) -> str | None:
        """Why it is allowed where nobody has decided, or None. `country` is "" where it is unknown."""
        declared = self.purposes.get(purpose)
        if declared is None:
            return None
        if declared.basis != "consent":
            return declared.basis.replace("_", " ")
        if self.asks_first(country):
            return None
        return f"opt-out region {country}".rstrip()

    def awaited(self) -> str:
        """The purpose that somebody has to permit before events are kept, where nothing is known of them; "": none."""
        return self.collect if self.collect and self.by_default(self.collect, "") is None else ""

    def asks_first(self, country: str) -> bool:
        """Whether people there are asked before anything that needs their consent: the lists of the settings before
        the law as we know it, and that before the region that is taken for everybody else."""
        if country in self.opt_in:
            return True
        if country in self.opt_out:
            return False
        return country in EEA or self.region == "opt-in"


DEFAULT = Policy()
"""Of a project without [consent]: nothing is needed to collect, and every purpose needs a yes."""

_policies = msgspec.json.Decoder(Policy)


def read(text: str) -> Policy:
    """From the plan's setting CONSENT, the section as JSON; "" is DEFAULT."""
    return _policies.decode(text) if text else DEFAULT


def told(policy: Policy, context: Mapping[str, Any], *, has_gpc: bool) -> list[Said]:
    """What the context of an event says of consent. A purpose with several categories is denied where one of those
    that the context names is false, and granted where all of them are true; not where Global Privacy Control objects in
    the same call, since a banner's answer may be its preset."""
    said: list[Said] = []
    if has_gpc:
        said += [(name, False, GPC) for name, purpose in policy.purposes.items() if purpose.has_gpc]
    consent = context.get("consent")
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if isinstance(preferences, dict):
        objected = {name for name, _, _ in said}
        said += [one for one in _by_categories(policy, preferences) if not (one[1] and one[0] in objected)]
    return said


def _by_categories(policy: Policy, preferences: Mapping[str, Any]) -> Iterator[Said]:
    for name, purpose in policy.purposes.items():
        answers = [answer for category in purpose.categories if isinstance(answer := preferences.get(category), bool)]
        if answers:
            yield (name, all(answers), CATEGORIES)
