"""Steering: what is said of a journey while it runs (pause, resume, drain, stop), the switch for all sending, and how
journeys stand.

What steers is a record in the log of partition 0, which tells the others (docs/journeys.md); the answer says that it is
durable, and the engine follows when it has read it. How many are inside is what the partitions count
(kernel/counts.py).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.records import Launch, Steer, encode
from tactful.journeys.rules import JourneyRule
from tactful.kernel.counts import recount
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState
from tactful.operations.places import People, state_of
from tactful.runtime.ports import Bells, Clock, Log, OutboxRow
from tactful.runtime.recounting import stands
from tactful.values import format_time

Order = Literal["resume", "pause", "drain", "stop"]
ORDERS: tuple[Order, ...] = ("pause", "resume", "drain", "stop")
SWITCH: dict[str, Order] = {"off": "pause", "on": "resume"}
"""Of all sending."""
ALL = ""
"""Stands for all sending where a journey is named."""
Said = TypeVar("Said", Steer, Launch)
_STATES = {"pause": "paused", "drain": "draining", "stop": "stopped"}
PEOPLE_PAGE = 5_000
MESSAGES = 10_000
"""Waiting messages that are counted by journey; of more the newest."""


class Listed(Protocol):
    """What is needed of an Outbox."""

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]: ...


class JourneyState(Struct, frozen=True, rename="camel"):
    """How a journey stands. Counts are None where nobody counted."""

    journey: str
    state: str
    """`running`, `paused`, `draining`, `stopped`."""
    since: str | None
    """Of a state that somebody ordered."""
    author: str = msgspec.field(name="by")
    reason: str
    version: str
    kind: str
    """What starts it: `event`, `segment`, `left`, `schedule`, `campaign`, `call`."""
    inside: dict[str, int] | None
    """Runs by the step at which they wait."""
    waiting: int
    """Messages that wait in the outbox."""


class Journeys(Struct, frozen=True):
    """All of them, and whether anything is sent at all."""

    is_sending: bool
    since: str
    author: str
    reason: str
    journeys: tuple[JourneyState, ...]
    has_more_messages: bool
    """There are more waiting messages than were counted."""


# ---- orders ----------------------------------------------------------------------------------------------------------


def order(journey: str, wanted: str, plan: CompiledPlan, known: PartitionState, author: str, reason: str) -> Steer:
    """The record without its time. Raises UsageError for a journey or an order that there is not."""
    if wanted not in ORDERS:
        raise UsageError(f"there is no order {wanted!r} for a journey; there are: {', '.join(ORDERS)}")
    if journey == ALL and wanted not in SWITCH.values():
        raise UsageError("all sending is switched off and on; drain and stop are of one journey")
    if journey != ALL and journey not in plan.journeys and journey not in known.steering:
        raise UsageError(
            f"there is no journey {journey!r}; published are: {', '.join(sorted(plan.journeys)) or 'none'}"
        )
    if len(reason) > 500 or len(author) > 200:
        raise UsageError("a reason has at most 500 characters, an author 200")
    return Steer(0, journey, wanted, author, reason)


def told(journey: str, known: PartitionState) -> str:
    """What somebody has said of a journey that is still so: `paused since ... by ann (prices are wrong)`; "" else."""
    said = known.steering.get(journey)
    if said is None or said.order not in _STATES:
        return ""
    by, reason = f" by {said.author}" if said.author else "", f" ({said.reason})" if said.reason else ""
    return f"{_STATES[said.order]} since {format_time(said.since)}{by}{reason}"


def tell(record: Said, log: Log, bells: Bells, clock: Clock) -> Said:
    """Append it, and ring the worker of partition 0, which tells the others."""
    stamped = msgspec.structs.replace(record, received_at=clock.now_us())
    log.append({0: [encode(stamped)]})
    bells.ring("work-0")
    return stamped


# ---- how they stand --------------------------------------------------------------------------------------------------


def journeys(
    plan: CompiledPlan, states: Sequence[People], outbox: Listed, *, counts: bool = True, name: str = ""
) -> Journeys:
    """Every published journey (or the one named), and those that are steered although no longer published."""
    known = state_of(states[0])
    inside = inside_of(states) if counts else None
    rows = outbox.rows("waiting", None, None, MESSAGES)
    waiting = Counter(row.intent.journey for row in rows)
    names = sorted({*plan.journeys, *known.steering, *(inside or ())} - {ALL})
    listed = []
    for journey in [one for one in names if not name or one == name]:
        rule, said = plan.journeys.get(journey), known.steering.get(journey)
        running = "running" if rule is not None else "no longer published"
        listed.append(
            JourneyState(
                journey=journey,
                state=_STATES.get(said.order, running) if said is not None else running,
                since=format_time(said.since) if said is not None else None,
                author=said.author if said is not None else "",
                reason=said.reason if said is not None else "",
                version=rule.version if rule is not None else "",
                kind=kind_of(rule) if rule is not None else "",
                inside=dict(sorted(inside[journey].items())) if inside is not None else None,
                waiting=waiting[journey],
            )
        )
    off = known.steering.get(ALL)
    return Journeys(
        is_sending=off is None,
        since=format_time(off.since) if off is not None else "",
        author=off.author if off is not None else "",
        reason=off.reason if off is not None else "",
        journeys=tuple(listed),
        has_more_messages=len(rows) == MESSAGES,
    )


def kind_of(rule: JourneyRule) -> str:
    """What starts a journey, in one word."""
    if rule.is_campaign:
        return "campaign"
    if rule.is_called:
        return "call"
    if rule.schedule is not None:
        return "schedule"
    if rule.left is not None:
        return "left"
    return "segment" if rule.segment is not None else "event"


def inside_of(states: Sequence[People]) -> "Inside":
    """Runs that walk, by journey and step, of everybody: as the partitions count them."""
    inside = Inside()
    for store in states:
        state = state_of(store)
        if not state.is_counted:  # No worker has opened this folder since there are counts.
            recount(state, stands(store))
        for journey, steps in state.inside.items():
            inside[journey].update(steps)
    return inside


class Inside(dict[str, Counter[str]]):
    """By journey, how many runs wait at each step."""

    def __missing__(self, journey: str) -> Counter[str]:
        self[journey] = Counter()
        return self[journey]
