"""Persons: from what somebody typed to the profile that answers for it, by the marks that identifiers leave.

An identifier that belongs to somebody holds nothing but marks, so a reader goes on until it is where nothing points any
further (IDENTITY.md 5). Nothing is remembered between two questions: ties come and go.
"""

from collections.abc import Sequence

from msgspec import Struct

from tactful.consent.permits import ConsentWrite, decided, granted, permit
from tactful.consent.policy import DEFAULT, Policy, read
from tactful.events.identifiers import partition_of
from tactful.events.records import CONSENT, IDENTITY
from tactful.kernel.fragments import consents, entry_of, hears_browsers
from tactful.kernel.state import PlanState, Profile, decode_profile
from tactful.operations.people.finding import candidates
from tactful.operations.places import States
from tactful.operations.stories import Permission
from tactful.people import countries, identity, traits

HOPS = 16
"""Marks that are followed at most: four of the protocol, the others for a chain of aliases."""


class Found(Struct, frozen=True):
    """Who answers for an identifier."""

    asked: str
    """The key that was meant."""
    profile: Profile
    """Of the person; with `asked` as its key where nothing was followed."""
    marked: Profile | None = None
    """Of the identifier itself where it belongs to somebody."""


def find(text: str, states: Sequence[States]) -> Found | None:
    """The person of an identifier: as the log writes it ("u:42"), or a bare user id, e-mail or phone number."""
    for key in candidates(text):
        first = load(key, states)
        if first is None:
            continue
        profile, hops = first, 0
        while (owner := profile.owner()) is not None:
            behind = load(owner, states) if hops < HOPS else None
            if behind is None:
                return None  # Forgotten, or the marks are on the move just now: a mark itself never answers.
            profile, hops = behind, hops + 1
        return Found(key, profile, first if hops else None)
    return None


def load(key: str, states: Sequence[States]) -> Profile | None:
    """The row of an identifier at its home."""
    body = states[partition_of(key, len(states))].load([key]).get(key)
    return decode_profile(body) if body is not None else None


def identifiers(profile: Profile) -> list[str]:
    """Through which the person is known, its own key first."""
    return list(dict.fromkeys([profile.key, *(entry_of(name) for name in profile.fragments)]))


def values(profile: Profile, plan: PlanState | None) -> dict[str, object]:
    """The traits of all its fragments."""
    rules = plan.traits if plan is not None else {}
    return traits.values((fragment.traits for fragment in profile.fragments.values()), rules)


def permissions(profile: Profile, plan: PlanState | None) -> tuple[Permission, ...]:
    """Every purpose that was decided or is declared, and why it is allowed or not."""
    policy = read(plan.plan.publish.settings.get(CONSENT, "")) if plan is not None else DEFAULT
    rules = identity.read(plan.plan.publish.settings.get(IDENTITY, "")) if plan is not None else identity.DEFAULT
    hears = hears_browsers(profile.fragments, is_signed=rules.is_signed)
    decisions = consents(profile.fragments, hears=hears, rules=plan.traits if plan is not None else {})
    writes = [decided(each) for each in decisions]
    known = values(profile, plan)
    told = countries.told(known.get("country"), known.get("address"))
    country = countries.country(told, [fragment.country for fragment in profile.fragments.values()])
    found = []
    for purpose in granted(decisions, policy, country):
        allowed = permit(purpose, decisions, policy, country)
        said = [
            (entry_of(name), each[purpose])
            for name, each in zip(profile.fragments, writes, strict=True)
            if purpose in each
        ]
        found.append(_permission(purpose, allowed.because if allowed else "", said, profile.key, policy))
    return tuple(found)


def _permission(
    purpose: str, because: str, said: Sequence[tuple[str, ConsentWrite]], key: str, policy: Policy
) -> Permission:
    """`because` is that of the permit, "" where there is none: then the decision that forbids it, if there is one."""
    denials = [one for one in said if not one[1].granted]
    counts = denials if denials and not because else said
    if not counts:
        refusal = "nobody was asked, and people there are asked first" if purpose in policy.purposes else ""
        return Permission(purpose, bool(because), 0, "policy", because or refusal)
    entry, newest = max(counts, key=lambda one: one[1].order())
    through = entry if entry != key else ""
    return Permission(purpose, bool(because), newest.timestamp, newest.origin, because, through)
