"""Fragments: what a person's state is made of, and how it goes from one profile to another (IDENTITY.md 3).

A fragment is what reached the person through one identifier in one period of ownership. Merging puts fragments in,
un-merging takes them out; nothing is ever taken apart. Where there is more than one, the profile keeps their aggregates
merged beside them (`view`), which every event is folded into as well.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import Aggregate
from tactful.consent.permits import ConsentWrite, agreed_at, effective, proved
from tactful.events.records import Edge
from tactful.journeys.rules import Sent
from tactful.journeys.runs import Pursuit, Run
from tactful.kernel.addresses import recipient
from tactful.kernel.state import Fragment, Profile
from tactful.kernel.state import encode as encode_state
from tactful.language.vocabulary import NO_RULES, TraitRules


class Journeys(Struct, array_like=True):
    """What goes with a person of journeys; fields as in Profile."""

    runs: list[Run]
    sent: dict[str, list[Sent]]
    pursuits: list[Pursuit]
    entered: dict[str, dict[str, int]]


class Bundle(Struct, array_like=True):
    """What a Give carries."""

    fragments: dict[str, Fragment]
    journeys: Journeys
    partition: int
    """Of the giver, and the position of its newest group there: where its story goes on."""
    tail: int
    now: int
    """The instant up to which the giver has decided."""


_bundle = msgspec.msgpack.Decoder(Bundle)
_states = msgspec.msgpack.Decoder(dict[int, State])


def pack(bundle: Bundle) -> Raw:
    return Raw(encode_state(bundle))


def unpack(bundle: Raw) -> Bundle:
    return _bundle.decode(bundle)


def name_of(key: str, epoch: int) -> str:
    """How a fragment is called."""
    return f"{key}#{epoch}"


def entry_of(fragment: str) -> str:
    """The identifier through which its records came."""
    return fragment.rpartition("#")[0]


def epoch_of(fragment: str) -> int:
    """The period of ownership in which they did."""
    return int(fragment.rpartition("#")[2])


def fragment(profile: Profile, name: str, path: Iterable[Edge] = (), seeded: int = 0, since: int = 0) -> Fragment:
    """The fragment of this name, which may be the first that is heard of it: no seed up to `seeded` knows it, and no
    plan before the version `since`. A person's own fragments stand before those that came from elsewhere, and these in
    the order in which they came (kernel/addresses.py goes by it)."""
    found = profile.fragments.get(name)
    if found is None:
        others = list(profile.fragments)
        found = profile.fragments[name] = Fragment(list(path), {}, {}, {}, seeded=seeded, since=since)
        if profile.view is None and len(others) == 1:
            profile.view = _copy(profile.fragments[others[0]].aggregates)
        if entry_of(name) == profile.key:
            for other in others:
                if entry_of(other) != profile.key:
                    profile.fragments[other] = profile.fragments.pop(other)
    return found


def states(profile: Profile) -> dict[int, State]:
    """The aggregates of the person."""
    if profile.view is not None:
        return profile.view
    for one in profile.fragments.values():
        return one.aggregates
    return {}


def all_states(profile: Profile) -> list[dict[int, State]]:
    """Every map of aggregates that is kept of the person."""
    kept = [one.aggregates for one in profile.fragments.values()]
    return kept if profile.view is None else [*kept, profile.view]


def merge(profile: Profile, aggregates: Mapping[int, Aggregate[Any]]) -> None:
    """The view anew, after fragments came or went; by the aggregates of the plan."""
    if len(profile.fragments) < 2:
        profile.view = None
        return
    merged: dict[int, State] = {}
    for one in profile.fragments.values():
        for number, state in one.aggregates.items():
            aggregate = aggregates.get(number)
            if aggregate is not None:
                merged[number] = aggregate.merge(merged[number], state) if number in merged else state
    profile.view = _copy(merged)


def _copy(aggregates: Mapping[int, State]) -> dict[int, State]:
    """States that share nothing with these."""
    return _states.decode(encode_state(aggregates))


def consents(
    fragments: Mapping[str, Fragment], *, hears: bool, rules: TraitRules = NO_RULES
) -> list[Mapping[str, ConsentWrite]]:
    """Of each fragment, the decisions that count for it now; `hears_browsers`. By the rules of traits it is known where
    mail to the person goes."""
    names = fragments.keys()
    if hears:
        return [effective(one.consents, one.covered, names) for one in fragments.values()]
    if not any(one.confirmed for one in fragments.values()):
        return [proved(effective(one.consents, one.covered, names)) for one in fragments.values()]
    to = recipient(fragments, rules)
    mailbox = to.address if to is not None else None
    found: list[Mapping[str, ConsentWrite]] = []
    for one in fragments.values():
        covered = {place: agreed_at(mailbox, by) for place, by in one.covered.items()}
        found.append(proved(effective(agreed_at(mailbox, one.consents), covered, names)))
    return found


def hears_browsers(fragments: Mapping[str, Fragment], *, is_signed: bool) -> bool:
    """Whether a yes counts that anybody may have said: not of somebody whom a server knows, where any browser may say
    that it is theirs."""
    return is_signed or not any(one.is_vouched for one in fragments.values())


def crossed(fragments: Mapping[str, Fragment], edge: Edge) -> None:
    """Every one of them has gone over one edge more."""
    for one in fragments.values():
        one.path = [*one.path, edge]


def arrived(fragments: Mapping[str, Fragment], timestamp: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """They are somebody's again: how often each has gone over by now, and when what brought it happened."""
    for one in fragments.values():
        one.hop += 1
        one.tied = max(one.tied, timestamp)
    return tuple(one.hop for one in fragments.values()), tuple(one.tied for one in fragments.values())


def returning(fragments: Mapping[str, Fragment], edge: Edge) -> dict[str, Fragment]:
    """Those that came over this edge."""
    return {name: one for name, one in fragments.items() if edge in one.path}


def cut(fragments: Mapping[str, Fragment], edge: Edge) -> None:
    """They go back to where this edge began."""
    for one in fragments.values():
        one.path = one.path[: one.path.index(edge)]


def is_vouched(profile: Profile) -> bool:
    """Whether a server ever spoke of the person."""
    return any(one.is_vouched for one in profile.fragments.values())
