"""What the engine keeps and says, against what the oracle believes. At rest, or after any record of any partition."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from tactful.consent.permits import granted, permit
from tactful.events.derived import (
    BecameKnown,
    ConsentChanged,
    DeviceMoved,
    EventKept,
    FragmentsCame,
    FragmentsWent,
    Group,
    IntentMoved,
    OutcomeNoted,
    PlanAdopted,
    RecordKept,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    SendMessage,
    TieRefused,
)
from tactful.kernel import fragments
from tactful.kernel.fragments import states
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Fragment, Identity, Profile
from tactful.kernel.view import Around, PersonView
from tactful.people import scores, traits
from tests.simulation.identity.oracle import PURPOSES, Half, Whole
from tests.simulation.identity.parts import Body, strength
from tests.simulation.people import Kept, Person
from tests.simulation.people import Row as Told
from tests.simulation.stage import demand

WORDS = (
    "came first",
    "limit",
    "no longer true",
    "too late",
    "restarted",
    "merged",
    "already sent",
    "consent withdrawn",
)


# ---- rows ------------------------------------------------------------------------------------------------------------


def told(groups: Iterable[Group]) -> dict[str, list[Told]]:
    """Derived rows in the oracle's words, by identifier."""
    rows: dict[str, list[Told]] = defaultdict(list)
    for group in groups:
        for row in group.rows:
            words = _told(row)
            if words is not None:
                rows[group.key].append(words)
    return rows


def _told(row: Row) -> Told | None:
    match row:
        case EventKept():
            return (row.at, "kept", row.name, row.ref, row.fragment)
        case SegmentEntered():
            return (row.at, "entered", row.segment, row.cause)
        case SegmentLeft():
            return (row.at, "left", row.segment, row.cause)
        case RunStarted():
            return (row.at, "started", row.journey, row.due, row.entry_key)
        case RunEnded():
            return (row.at, "ended", row.journey, next((word for word in WORDS if word in row.reason), row.reason))
        case SendMessage():
            sent = (row.channel, row.message, row.valid_until, row.entry_key)
            return (row.at, "send", row.journey, row.started_at, *sent)
        case ConsentChanged():
            return (row.at, "consent", row.purpose, row.granted, row.key)
        case FragmentsCame():
            if row.cause == "new":
                return None
            return (row.at, "came", row.cause, row.giver, *sorted(row.fragments))
        case FragmentsWent():
            return (row.at, "went", row.cause, row.to, *sorted(row.fragments))
        case TieRefused():
            return (row.at, "refused", row.identifier, row.by)
        case DeviceMoved():
            return (row.at, "moved", row.epoch, row.to)
        case OutcomeNoted():
            return (row.at, "outcome", row.journey, row.status)
        case IntentMoved() | Responded() | RecordKept() | BecameKnown() | PlanAdopted():
            return None  # Of what came back from a message the event itself is told.
        case _:
            return (row.at, type(row).__name__)


# ---- states ----------------------------------------------------------------------------------------------------------


def compare(whole: Whole, profiles: Sequence[Mapping[str, Profile] | None], plan: CompiledPlan) -> None:
    """Every identifier of every partition, but for those (None) which stand elsewhere than the oracle."""
    for half, known in zip(whole.halves, profiles, strict=True):
        if known is None:
            continue
        for key, profile in known.items():
            _identity(half, profile)
            if profile.owner() is not None:
                _is_nobody(profile)
                demand(key not in half.bodies, "whose it is", key, profile.owner())
            elif key in half.bodies:
                _person(half, profile, half.bodies[key], plan)
            else:
                demand(not any(one.aggregates or one.traits for one in profile.fragments.values()), "more", profile)
        missing = [key for key, body in half.bodies.items() if body.kept and key not in known]
        demand(not missing, "somebody is missing", missing)


def _identity(half: Half, profile: Profile) -> None:
    one, found = half.identifier(profile.key), profile.identity or Identity()
    demand(profile.owner() == one.owner, "whose it is", profile.key, profile.owner(), one.owner)
    demand(profile.epoch == one.epoch, "period of ownership", profile.key, profile.epoch, one.epoch)
    demand(found.is_waiting == one.is_waiting, "waiting", profile.key, found.is_waiting)
    demand(len(found.deferred) == len(one.deferred), "deferred", profile.key, len(found.deferred), len(one.deferred))
    demand(found.is_shared == one.is_shared, "shared", profile.key, found.is_shared)
    demand(set(found.apart) == one.apart, "kept apart", profile.key, found.apart, one.apart)
    demand(found.ties == one.ties, "ties", profile.key, found.ties, one.ties)
    for owner in found.owners.values():
        demand(strength(owner) < strength(profile.key), "marks go down the order", profile.key, owner)


def _is_nobody(profile: Profile) -> None:
    rest = (profile.fragments, profile.runs, profile.segments, profile.sent, profile.view, profile.wakes)
    demand(not any(rest) and profile.wake_at is None, "an owned identifier keeps no state", profile)


def _person(half: Half, profile: Profile, body: Body, plan: CompiledPlan) -> None:
    key = profile.key
    ours = {name: [tuple(edge) for edge in one.path] for name, one in profile.fragments.items()}
    truth = {name: one.path for name, one in body.fragments.items()}
    demand(ours.keys() == truth.keys(), "a fragment is where it belongs", key, sorted(ours), sorted(truth))
    for name, path in ours.items():
        demand(path == truth[name], "a fragment knows its path", key, name, path, truth[name])
        alone = Person(key, {}, kept=body.fragments[name].kept, said=body.fragments[name].said)
        fragment = profile.fragments[name]
        _values(key, name, {name: fragment}, fragment.aggregates, alone, plan, half.clock)
    _values(key, "together", profile.fragments, states(profile), body, plan, half.clock)
    _consents(profile, body)
    is_late = profile.wake_at is not None and profile.wake_at <= half.clock
    view = PersonView(states(profile), profile.fragments, Around("UTC", dict))
    for rule in plan.segments:
        segment = next(one for one in half.whole.shop.segments if one.name == rule.name)
        holds = segment.holds(body, half.clock)
        demand(rule.condition.holds(view, half.clock) == holds, "aggregates of all fragments", key, rule.name, holds)
        is_in = rule.number in profile.segments
        demand(is_late or is_in == holds, "segments of all fragments", key, rule.name, is_in, half.clock)


def _values(
    key: str,
    what: str,
    fragments: Mapping[str, Fragment],
    aggregates: Mapping[int, object],
    person: Person,
    plan: CompiledPlan,
    at: int,
) -> None:
    view = PersonView(aggregates, fragments, Around("UTC", dict))  # type: ignore[arg-type]  # states, as they are kept
    for name, rule in plan.metrics.items():
        if name != "spend":
            value, wanted = rule.valued.value(view, at), METRICS[name](person.kept)
            demand((value or 0) == wanted, "every event is in one fragment", key, what, name, value, wanted)
    ours = dict(traits.values(one.traits for one in fragments.values()))
    demand(ours == person.traits(), "traits of all fragments", key, what, ours, person.traits())
    said = scores.values(one.scores for one in fragments.values())
    demand(said.get("churn") == person.score("churn"), "scores of all fragments", key, what, said)


def _numbers(kept: Iterable[Kept], name: str, of: str) -> list[int]:
    values = [each.properties.get(of) for each in kept if each.is_named(name)]
    return [value for value in values if isinstance(value, int)]


METRICS: dict[str, Callable[[Sequence[Kept]], int]] = {
    "events": lambda kept: sum(each.is_named("*") for each in kept),
    "prices": lambda kept: sum(_numbers(kept, "Product Added", "price")),
    "totals": lambda kept: sum(_numbers(kept, "Order Completed", "total")),
    "kinds": lambda kept: len(set(_numbers(kept, "Product Viewed", "price"))),
}


def _consents(profile: Profile, body: Body) -> None:
    decisions = fragments.consents(profile.fragments, hears=False)
    for purpose in PURPOSES:
        is_permitted = permit(purpose, decisions) is not None
        demand(is_permitted == body.has_consented(purpose), "consent of all fragments", profile.key, purpose)
        demand(bool(granted(decisions).get(purpose)) == is_permitted, "consent as conditions see it", purpose)
