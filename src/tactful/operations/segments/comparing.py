"""Comparing: how the members of a segment differ from everybody else, and which other segments they are in.

Everybody is looked at where there are few people; otherwise a sample of all, drawn by chance, and where too few members
are among it, those who came last. What a sample says has an interval of 95 % (operations/lift.py), and all of it says
how many were looked at. Numbers are compared by how many lie above the median of all, which one customer who buys for a
thousand others does not move.

Only readers ask; nothing is kept but the answer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple, TypeGuard

from msgspec import Struct

from tactful.kernel.fragments import states as states_of
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, Profile, decode_profile
from tactful.kernel.view import Around, PersonView
from tactful.operations.lift import Interval, Rate, compare_rates, wilson
from tactful.operations.places import People, state_of
from tactful.people import seen
from tactful.values import DAY_US, SECOND_US

LOOKED_AT = 5_000
"""People of a sample."""
FEW_MEMBERS = 200
"""With fewer among the sample, members are looked for by themselves."""
NEWEST = 1_000
"""So many of them."""
MOST_VALUES = 30
"""Of one trait that are compared, the most frequent."""
FEWEST = 5
"""People with a value, for it to be compared."""
SHOWN = 20
ABOVE = "above "
PERSONAL = frozenset(
    {"email", "phone", "name", "firstName", "first_name", "lastName", "last_name", "address", "avatar"}
)
"""Traits by which people are known; nobody has one in common with others."""
Fact = bool | float | str


class Person(Struct, frozen=True):
    """As much of somebody as is compared."""

    key: str
    segments: frozenset[int]
    facts: dict[tuple[str, str], Fact]
    """By kind and name: ("trait", "country"), ("metric", "spent"), ("", "active in 7 days"), ..."""


class Overlap(Struct, frozen=True):
    """Another segment: how many of the members are in it too."""

    segment: str
    both: int
    """Of all members; about so many where a sample was looked at."""
    share: Interval
    """Of the members."""
    of_all: float
    """The share of everybody who is in the other one."""


class Difference(Struct, frozen=True):
    """One thing that is another among members than among all others."""

    kind: str
    """`trait`, `metric`, `consent`, or "" of what everybody has."""
    name: str
    said: str
    """`is Norway`, `above 3`, ...; "" where it is true or not."""
    asked: str
    """The same for `is_so`."""
    members: Rate
    others: Rate
    low: float
    """Of the difference of the two shares."""
    high: float

    @property
    def size(self) -> float:
        return self.members.value - self.others.value


class Comparison(Struct, frozen=True):
    members: int
    """Who were looked at."""
    others: int
    everybody: int
    """People that there are."""
    is_whole: bool
    """Everybody was looked at: there is no uncertainty."""
    is_newest: bool
    """The members are those who came last, and not drawn by chance."""
    overlaps: tuple[Overlap, ...]
    differences: tuple[Difference, ...]
    compared: int
    """How many things were."""


def sampled(states: Sequence[People], plan: CompiledPlan, now_us: int, seed: int = 1) -> tuple[list[Person], bool]:
    """People of all partitions, and whether that is everybody."""
    kept = [state_of(store) for store in states]
    people = sum(state.profiles for state in kept)
    share = min(1.0, LOOKED_AT / people) if people else 1.0
    around = around_of(plan, kept[0]) if kept else None
    found: list[Person] = []
    for number, store in enumerate(states):
        for body in store.sample(share, seed + number).values():
            profile = decode_profile(body)
            if around is not None and _is_person(profile):
                found.append(person_of(profile, plan, around, now_us))
    return found, share >= 1.0


def around_of(plan: CompiledPlan, state: PartitionState) -> Around:
    """What expressions see beside a person."""
    thresholds = {
        metric: {percent: one.value for percent, one in by_percent.items()}
        for metric, by_percent in state.thresholds.items()
    }
    return Around(plan.time_zone, lambda: thresholds, plan.policy, plan.traits, is_signed=plan.identity.is_signed)


def _is_person(profile: Profile) -> bool:
    """Marks and identifiers that wait are nobody."""
    return profile.owner() is None and not (profile.identity is not None and profile.identity.is_waiting)


def person_of(profile: Profile, plan: CompiledPlan, around: Around, now_us: int) -> Person:
    view = PersonView(states_of(profile), profile.fragments, around)
    return Person(profile.key, frozenset(profile.segments), dict(_facts(profile, view, plan, now_us)))


def _facts(
    profile: Profile, view: PersonView, plan: CompiledPlan, now_us: int
) -> Iterable[tuple[tuple[str, str], Fact]]:
    for name, value in view.traits.items():
        if isinstance(value, bool | int | float | str) and name not in PERSONAL and value != "":
            yield ("trait", name), value if isinstance(value, bool | str) else float(value)
    yield ("", "has an e-mail address"), bool(view.traits.get("email"))
    yield ("", "known by name"), profile.key[0] not in "ad"
    for name, rule in plan.metrics.items():
        if rule.ready_at <= now_us and isinstance(value := rule.valued.value(view, now_us), bool | int | float | str):
            yield ("metric", name), value if isinstance(value, bool | str) else float(value)
    for purpose, is_allowed in view.consents.items():
        yield ("consent", purpose), is_allowed
    yield ("", "time zone"), view.zone
    newest = int.from_bytes(profile.seen[-4:], "big") * SECOND_US if len(profile.seen) >= seen.ENTRY else 0
    for days in (1, 7, 30):
        yield ("", f"active in {days} {'day' if days == 1 else 'days'}"), newest > now_us - days * DAY_US


# ---- comparing -------------------------------------------------------------------------------------------------------


def compare(
    number: int,
    names: Mapping[int, str],
    people: Sequence[Person],
    *,
    is_whole: bool,
    newest: Sequence[Person] = (),
    counted: Mapping[int, int],
    everybody: int,
) -> Comparison:
    """`people` are everybody or a sample, `newest` members who came last, for where that has too few of them; `counted`
    how many are in each segment, `names` those of the plan."""
    members = [one for one in people if number in one.segments]
    others = [one for one in people if number not in one.segments]
    is_newest = not is_whole and len(members) < FEW_MEMBERS and len(newest) > len(members)
    if is_newest:
        members = list(newest)
    overlaps = [
        _overlap(other, name, members, people, is_whole=is_whole, of=counted.get(number, 0))
        for other, name in names.items()
        if other != number
    ]
    rates = list(_rates(members, others))
    differences = [one for one in (_difference(each, is_whole=is_whole) for each in rates) if one is not None]
    return Comparison(
        len(members),
        len(others),
        everybody,
        is_whole,
        is_newest,
        tuple(sorted((one for one in overlaps if one.both), key=lambda one: (-one.share.value, one.segment))),
        tuple(sorted(differences, key=_certain, reverse=True)[:SHOWN]),
        len(rates),
    )


def _overlap(
    other: int, name: str, members: Sequence[Person], people: Sequence[Person], *, is_whole: bool, of: int
) -> Overlap:
    rate = Rate(sum(other in one.segments for one in members), len(members))
    base = Rate(sum(other in one.segments for one in people), len(people))
    share = Interval(rate.value, rate.value, rate.value) if is_whole else wilson(rate)
    return Overlap(name, rate.reached if is_whole else round(rate.value * of), share, base.value)


def _certain(one: Difference) -> float:
    """How large the difference is at the least."""
    return 0.0 if one.low < 0 < one.high else min(abs(one.low), abs(one.high))


def _difference(one: "_Compared", *, is_whole: bool) -> Difference | None:
    """None where there is none, or too few people to say so."""
    told = *one.fact, one.said, one.asked, one.members, one.others
    if is_whole:
        size = one.members.value - one.others.value
        return Difference(*told, size, size) if abs(size) >= 0.01 else None
    found = compare_rates(one.members, one.others).difference
    if found is None or found.low <= 0 <= found.high:
        return None
    return Difference(*told, found.low, found.high)


class _Compared(NamedTuple):
    """One thing, and of how many of both groups it is true."""

    fact: tuple[str, str]
    said: str
    asked: str
    members: Rate
    others: Rate


def _rates(members: Sequence[Person], others: Sequence[Person]) -> Iterator[_Compared]:
    """Everything that can be compared."""
    if not members or not others:
        return
    for fact in sorted({fact for one in (*members, *others) for fact in one.facts}):
        here, there = _values(members, fact), _values(others, fact)
        numbers = [value for value in (*here, *there) if _is_number(value)]
        if len(numbers) >= FEWEST:
            middle = median(numbers)
            rates = [Rate(sum(value > middle for value in some), len(some)) for some in map(_numbers, (here, there))]
            if all(rate.people for rate in rates) and any(rate.reached for rate in rates):
                yield _Compared(fact, f"above {middle:,.6g}, the median", f"{ABOVE}{middle!r}", *rates)
        common = Counter(value for value in (*here, *there) if not _is_number(value) and value is not False)
        for value, times in common.most_common(MOST_VALUES):
            if times >= FEWEST:
                both = Rate(here.count(value), len(members)), Rate(there.count(value), len(others))
                yield _Compared(
                    fact, "" if value is True else f"is {value}", "" if value is True else str(value), *both
                )


def is_so(person: Person, fact: tuple[str, str], asked: str) -> bool:
    """Whether what a Difference says is true of somebody; `asked` is its own, or what an address says."""
    value = person.facts.get(fact)
    if _is_number(value):
        try:
            return asked.startswith(ABOVE) and value > float(asked.removeprefix(ABOVE))
        except ValueError:
            return False
    return value is True if asked == "" else value == asked


def _values(people: Iterable[Person], fact: tuple[str, str]) -> list[Fact]:
    return [one.facts[fact] for one in people if fact in one.facts]


def _numbers(values: Iterable[Fact]) -> list[float]:
    return [value for value in values if _is_number(value)]


def _is_number(value: Fact | None) -> TypeGuard[float]:
    return isinstance(value, float)
