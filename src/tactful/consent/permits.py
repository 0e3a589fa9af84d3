"""May we? Only a Permit answers yes, and only this module makes one.

A person permits a purpose when at least one fragment grants it and none of those that have decided denies it
(IDENTITY.md 5); where nobody has decided, the policy answers. A decision on "marketing" is one on "marketing.email" as
well: of a purpose and what stands above it the newest decision counts. Pure.

Every decision but one is the newest of its kind. Global Privacy Control comes with every call of a browser, so only the
first in event order counts, for what the person says later counts more; it has a place of its own beside the purpose.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from tactful.consent.policy import DEFAULT, GPC, Policy
from tactful.values import format_time

_BY_GPC = "\0gpc"
"""After the purpose: the place of its first decision by Global Privacy Control. No purpose has a NUL, which is refused
wherever a record comes in."""


class ConsentWrite(Struct, array_like=True, frozen=True):
    granted: bool
    timestamp: int
    received_at: int
    ref: int
    text_version: str = ""
    origin: str = "api"
    is_hearsay: bool = False
    """A browser said so without a token, so that anybody may have."""
    address: str = ""
    """Of a confirmation, the mailbox whose reader has agreed."""

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)

    def is_elsewhere(self, mailbox: str | None) -> bool:
        """The reader of another address has agreed."""
        return self.granted and self.address not in ("", mailbox)


Decisions = Mapping[str, ConsentWrite]
"""Of one fragment, by the place of each (`places`)."""


class Permit(Struct, frozen=True):
    """A yes, with the words that explain it."""

    purpose: str
    because: str


def permit(purpose: str, consents: Iterable[Decisions], policy: Policy = DEFAULT, country: str = "") -> Permit | None:
    """The permit for a purpose by the effective decisions of each fragment, or None. A purpose of "" needs none."""
    if not purpose:
        return Permit("", "needs no consent")
    writes = [] if policy.is_always_allowed(purpose) else _writes(purpose, consents)
    if not writes:
        because = policy.by_default(purpose, country)
        return Permit(purpose, f"{purpose}: {because}") if because is not None else None
    if any(not write.granted for write in writes):
        return None
    newest = max(writes, key=ConsentWrite.order)
    text = f", text {newest.text_version}" if newest.text_version else ""
    return Permit(purpose, f"{purpose} granted at {format_time(newest.timestamp)}{text}")


class Granted(Mapping[str, bool]):
    """Yes or no by purpose, as `permit` says it; None where nobody decided on one that is not declared."""

    __slots__ = ("_consents", "_country", "_policy")

    def __init__(self, consents: Iterable[Decisions], policy: Policy = DEFAULT, country: str = "") -> None:
        self._consents = tuple(consents)
        self._policy = policy
        self._country = country

    def get(self, purpose: str, default: bool | None = None) -> bool | None:  # type: ignore[override]  # no other type of default is asked for
        writes = [] if self._policy.is_always_allowed(purpose) else _writes(purpose, self._consents)
        if writes:
            return all(write.granted for write in writes)
        if purpose in self._policy.purposes:
            return self._policy.by_default(purpose, self._country) is not None
        return default

    def __getitem__(self, purpose: str) -> bool:
        answer = self.get(purpose)
        if answer is None:
            raise KeyError(purpose)
        return answer

    def __iter__(self) -> Iterator[str]:
        decided = (purpose_of(place) for decisions in self._consents for place in decisions)
        return iter(dict.fromkeys((*decided, *self._policy.purposes)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def granted(consents: Iterable[Decisions], policy: Policy = DEFAULT, country: str = "") -> Mapping[str, bool]:
    """Yes or no by purpose: those that were decided, those that are declared, and what stands below them."""
    return Granted(consents, policy, country)


def _writes(purpose: str, consents: Iterable[Decisions]) -> list[ConsentWrite]:
    """What counts of each fragment that has decided."""
    among = places(purpose)
    writes: list[ConsentWrite] = []
    for decisions in consents:
        found = [write for place in among if (write := decisions.get(place)) is not None]
        if found:
            writes.append(found[0] if len(found) == 1 else max(found, key=ConsentWrite.order))
    return writes


@lru_cache(1024)
def lineage(purpose: str) -> tuple[str, ...]:
    """The purpose and those above it: "marketing.email", "marketing". A decision on any of them is one on it."""
    parts = purpose.split(".")
    return tuple(".".join(parts[:length]) for length in range(len(parts), 0, -1))


@lru_cache(1024)
def places(purpose: str) -> tuple[str, ...]:
    """Where the decisions stand that speak of a purpose."""
    return tuple(place for one in lineage(purpose) for place in (one, one + _BY_GPC))


def purpose_of(place: str) -> str:
    """What the decision at a place is about."""
    return place.removesuffix(_BY_GPC)


# ---- what is kept ----------------------------------------------------------------------------------------------------


def record(decisions: MutableMapping[str, ConsentWrite], purpose: str, write: ConsentWrite) -> bool:
    """Fold one decision in: the last in event order is kept (of Global Privacy Control the first), whenever it arrives.
    True where it was."""
    is_gpc = write.origin == GPC
    place = purpose + _BY_GPC if is_gpc else purpose
    before = decisions.get(place)
    if before is not None and (before.order() <= write.order() if is_gpc else before.order() >= write.order()):
        return False
    decisions[place] = write
    return True


def proved(decisions: Decisions) -> Decisions:
    """Without the agreement that anybody may have given in somebody's name; a no counts from whomever it comes."""
    if not any(write.granted and write.is_hearsay for write in decisions.values()):
        return decisions
    return {place: write for place, write in decisions.items() if not (write.granted and write.is_hearsay)}


def agreed_at(mailbox: str | None, decisions: Mapping[str, ConsentWrite]) -> dict[str, ConsentWrite]:
    """Without what readers of other addresses than the person's agreed to."""
    return {key: write for key, write in decisions.items() if not write.is_elsewhere(mailbox)}


def says_again(decisions: Decisions, purpose: str, write: ConsentWrite) -> bool:
    """Whether a fragment that hears the same with every call has heard this before."""
    if write.origin == GPC:
        first = decisions.get(purpose + _BY_GPC)
        return first is not None and first.order() <= write.order()
    before = decisions.get(purpose)
    return before is not None and before.granted == write.granted


def cover(
    covered: MutableMapping[str, dict[str, ConsentWrite]], purpose: str, fragment: str, write: ConsentWrite
) -> bool:
    """The same for a decision that entered at another fragment of the person."""
    place = purpose + _BY_GPC if write.origin == GPC else purpose
    by_fragment = covered.setdefault(place, {})
    one = {place: by_fragment[fragment]} if fragment in by_fragment else {}
    is_kept = record(one, purpose, write)
    by_fragment[fragment] = one[place]
    return is_kept


def effective(own: Decisions, covered: Mapping[str, Mapping[str, ConsentWrite]], with_: Collection[str]) -> Decisions:
    """What a fragment has decided: the newest of what entered at it and of what covers it. A grant that entered at a
    fragment that is no longer with it (`with_`: names of those that are the person's now) does not; a deny does."""
    if not covered:
        return own
    decisions = dict(own)
    for place, by_fragment in covered.items():
        for fragment, write in by_fragment.items():
            if write.granted and fragment not in with_:
                continue
            before = decisions.get(place)
            if before is None or before.order() < write.order():
                decisions[place] = write
    return decisions


class Decided(Protocol):
    """A fragment, as far as it has decided: what entered at it, and what covers it."""

    @property
    def consents(self) -> Decisions: ...
    @property
    def covered(self) -> Mapping[str, Mapping[str, ConsentWrite]]: ...


def allows(
    purpose: str,
    fragments: Mapping[str, Decided],
    policy: Policy,
    country: Callable[[], str],
    hears: Callable[[], bool] = lambda: True,
) -> bool:
    """Whether there is a `permit` by these fragments: asked for every event, so nothing is put together that does not
    decide. Where it does not hear browsers, by what was `proved`."""
    if policy.is_always_allowed(purpose):
        return True
    is_decided = False
    among = places(purpose)
    for part in fragments.values():
        newest: ConsentWrite | None = None
        covered = part.covered
        for place in among:
            write = part.consents.get(place)
            if covered and place in covered:
                for fragment, other in covered[place].items():
                    counts = not other.granted or fragment in fragments
                    if counts and (write is None or write.order() < other.order()):
                        write = other
            if write is None or (write.granted and write.is_hearsay and not hears()):
                continue
            if newest is None or newest.order() < write.order():
                newest = write
        if newest is not None:
            if not newest.granted:
                return False
            is_decided = True
    return is_decided or policy.by_default(purpose, country()) is not None


def decided(decisions: Decisions) -> dict[str, ConsentWrite]:
    """By purpose, what counts of a fragment's decisions: for those who show them."""
    newest: dict[str, ConsentWrite] = {}
    for place, write in decisions.items():
        purpose = purpose_of(place)
        before = newest.get(purpose)
        if before is None or before.order() < write.order():
            newest[purpose] = write
    return newest
