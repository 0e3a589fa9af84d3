"""The truth: what each journey brought, as only whoever made the people up can know it.

Of everybody who entered it is known what they did with the mails of the journey and what without: one of the two
happened, the other is asked of the same draws (baskets.orders). Without: their own mails of this journey are taken
away. With, of those held out: the mails that the feed says were withheld from them are put in, as far as they said yes
to mail and the journey's limit allows. All other mails stay as they were.

What this leaves open: what the gate would have said of a mail that was never made (caps, quiet hours), and whether
another journey would have written instead. So the effect on those who could be sent to, which rests on nothing but what
happened, stands beside the one on everybody.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct

from tactful.shoppers.baskets import Order, orders
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.mails import Mail, react
from tactful.shoppers.people import NEVER
from tactful.shoppers.visits import Doing
from tactful.values import parse_duration, parse_time

ARMS = ("", "holdout", "global")
_LIMIT = re.compile(r"(\d+) per (\w+)")


Pair = tuple[float, float, float, float]
"""Whether somebody reached the goal and what they spent, with mails; then both without."""
_NOTHING: Pair = (0.0, 0.0, 0.0, 0.0)


class Goal(Struct, frozen=True):
    """What a journey's file says of it, as far as shoppers understand it."""

    within_us: int
    is_by_key: bool
    """Only orders of the product that the run is about."""
    has_revenue: bool
    limit: int = 0
    """Mails of the journey per `per_us`; 0: without end."""
    per_us: int = 0
    ends_with_order: bool = False
    """A run ends where somebody orders (`unless`)."""
    why_not: str = ""
    """Why nothing can be said."""


class Withheld(Struct, frozen=True, order=True):
    """A mail that the holdout kept back: when, at which step; when its run began, and who was assigned then."""

    at: int
    step: str
    begun: int
    under: str


class Unit(Struct):
    """Somebody as the report counts them."""

    starts: list[tuple[int, int, str, str]] = []
    """Instant, arm, key of the run, and the identifier that was assigned."""
    withheld: list[Withheld] = []
    intents: dict[str, str] = {}
    """Of mails, the identifier that their run was assigned by."""

    @property
    def first(self) -> tuple[int, str]:
        """The arm that somebody counts in, and the identifier that was assigned to it."""
        _, arm, _, under = min(self.starts)
        return arm, under


class Effect(Struct, frozen=True, rename="camel"):
    """Shares of people, or means of revenue: with the mails, without them, and the difference."""

    with_mails: float
    without: float
    effect: float


class Found(Struct, frozen=True, rename="camel"):
    """Of one journey: what mails to all and mails to nobody would have come to; what being assigned did, which is what
    the report compares (somebody may be assigned anew as another identifier); and what was done to those who were not
    held out."""

    people: int
    held_out: int
    known: bool
    why_not: str = ""
    conversion: Effect | None = None
    conversion_assigned: Effect | None = None
    conversion_sent_to: Effect | None = None
    revenue: Effect | None = None
    revenue_assigned: Effect | None = None
    revenue_sent_to: Effect | None = None


def goal_of(definition: str) -> Goal:
    """From the journey's file, which is sound: it was published."""
    said = yaml.safe_load(definition) if definition else None
    if not isinstance(said, dict) or "goal" not in said:
        return Goal(0, is_by_key=False, has_revenue=False, why_not="the journey has no goal")
    goal, why_not = said["goal"], ""
    if goal["event"] != "Order Completed":
        why_not = "mails bring about orders only, and its goal is something else"
    elif "where" in goal or goal.get("same") not in (None, "products.product_id"):
        why_not = "its goal has a condition that shoppers do not read"
    match = _LIMIT.fullmatch(str(said.get("limit", "")))
    limit, per_us = (int(match[1]), parse_duration(match[2]) or 0) if match else (0, 0)
    stops = [one.get("event") if isinstance(one, dict) else one for one in _listed(said.get("unless"))]
    return Goal(
        parse_duration(goal["within"]) or 0,
        is_by_key="same" in goal,
        has_revenue=goal.get("value") == "total",
        limit=limit,
        per_us=per_us,
        ends_with_order="Order Completed" in stops,
        why_not=why_not,
    )


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def units(rows: Sequence[Mapping[str, Any]], first: int, until: int) -> dict[str, Unit]:
    """Everybody whose runs began in [first, until), by who they are by now."""
    found: dict[str, Unit] = {}
    # A run that began on a device goes on with whoever signs in there; the device may be another one's by now.
    taken = {(row["startedAt"], row["key"]): row["person"] for row in rows if row["under"].startswith("u:")}
    assigned = {(row["startedAt"], row["key"]): row["under"] for row in rows if row["what"] == "started"}
    for row in rows:
        key = taken.get((row["startedAt"], row["key"]), row["person"])
        at = parse_time(row["startedAt"] or "")
        if at is None or not first <= at < until:
            continue
        unit, under = found.setdefault(key, Unit()), assigned.get((row["startedAt"], row["key"]), row["under"])
        if row["what"] == "started":
            unit.starts.append((at, ARMS.index(row["arm"]), row["key"], under))
        elif row["what"] == "intent":
            unit.intents[row["intent"]] = under
        else:
            reason = str(row.get("detail") or row.get("reason") or "")
            is_last_step = row["what"] == "ended" and row["step"]
            is_known = row["under"].startswith("u:")  # A device has no address.
            if is_known and reason.startswith("holdout: ") and (row["what"] == "withheld" or is_last_step):
                when = parse_time(row["at"])
                unit.withheld.append(Withheld(when or at, row["step"], at, under))
    return {key: unit for key, unit in found.items() if unit.starts}


def found(crowd: Crowd, journey: str, entered: Mapping[str, Unit], goal: Goal, until: int) -> Found:
    """What the journey brought to these people by `until`."""
    arms = {key: unit.first[0] for key, unit in entered.items()}
    held_out = sum(arm > 0 for arm in arms.values())
    if goal.why_not:
        return Found(len(entered), held_out, known=False, why_not=goal.why_not)
    everybody: list[Pair] = []
    assigned: list[Pair] = []
    sent_to: list[Pair] = []
    for key, unit in entered.items():
        number = crowd.number_of(key.removeprefix("u:")) if key.startswith("u:") else None
        if number is None:  # Strangers never buy, and no mail of a journey reaches them.
            whole = first = happened = _NOTHING
        else:
            whole, first, happened = _person(crowd, number, journey, unit, goal, until)
        everybody.append(whole)
        assigned.append(first)
        if not arms[key]:
            sent_to.append(happened)
    return Found(
        people=len(entered),
        held_out=held_out,
        known=True,
        conversion=_effect(everybody, 0),
        conversion_assigned=_effect(assigned, 0),
        conversion_sent_to=_effect(sent_to, 0),
        revenue=_effect(everybody, 1) if goal.has_revenue else None,
        revenue_assigned=_effect(assigned, 1) if goal.has_revenue else None,
        revenue_sent_to=_effect(sent_to, 1) if goal.has_revenue else None,
    )


def _person(crowd: Crowd, number: int, journey: str, unit: Unit, goal: Goal, until: int) -> tuple[Pair, Pair, Pair]:
    """With all mails of this journey and without any; with and without those that hang on the first assignment; with
    those that they got and without any."""
    got = crowd.mails[number]
    others = [mail for mail in got if mail.journey != journey]
    own = [mail for mail in got if mail.journey == journey]

    def reached(mails: Sequence[Mail]) -> tuple[float, float]:
        made = orders(crowd.catalogue, crowd.organic[number], brought(crowd, number, mails, until))
        return _reached(crowd, [one for one in made if one.at <= until], unit, goal)

    without, happened = reached(others), reached(got)
    withheld = would_have(crowd, number, journey, unit.withheld, goal, others, own)
    whole = reached((*got, *withheld)) if withheld else happened
    arm, first = unit.first
    if arm:
        own_withheld = [one for one in unit.withheld if one.under == first]
        sent = would_have(crowd, number, journey, own_withheld, goal, others, own)
        assigned = (*(reached((*got, *sent)) if sent else happened), *happened)
    else:
        kept = [mail for mail in got if mail.journey != journey or unit.intents.get(mail.intent, first) != first]
        assigned = (*happened, *(reached(kept) if len(kept) < len(got) else happened))
    return (*whole, *without), assigned, (*happened, *without)


def would_have(
    crowd: Crowd,
    number: int,
    journey: str,
    withheld: Sequence[Withheld],
    goal: Goal,
    others: Sequence[Mail],
    own: Sequence[Mail],
) -> list[Mail]:
    """The mails that somebody held out would have got beside their own: one that brings about an order may end the run
    before the next."""
    joined = crowd.joined.get(number)
    if joined is None or not crowd.people[number].is_willing:
        return []
    mails: list[Mail] = []
    for one in sorted(withheld):
        at, step = one.at, one.step
        recent = sum(at - goal.per_us < before.at <= at for before in (*own, *mails))
        if at < joined or (goal.limit and recent >= goal.limit):
            continue
        if goal.ends_with_order and mails:
            because = brought(crowd, number, (*others, *own, *mails), at)
            if any(one.begun < order.at <= at for order in orders(crowd.catalogue, crowd.organic[number], because)):
                continue
        nth = 1 + sum(mail.step == step for mail in (*own, *mails))
        mails.append(Mail(journey, step, nth, at))
    return mails


def brought(crowd: Crowd, number: int, mails: Sequence[Mail], until: int) -> list[Doing]:
    """What somebody buys because of these mails."""
    one = crowd.people[number]
    if one.joins == NEVER:
        return []
    reactions = [react(crowd.town, crowd.catalogue, one, mail).buys for mail in mails]
    return [doing for doing in reactions if doing is not None and doing.at <= until]


def _reached(crowd: Crowd, made: Sequence[Order], unit: Unit, goal: Goal) -> tuple[float, float]:
    """Whether any of these orders counts for a run, and what those that do are worth: each once."""
    starts = sorted((at, key) for at, _, key, _ in unit.starts)
    instants = [at for at, _ in starts]
    counting = []
    for order in made:
        before = starts[: bisect_right(instants, order.at)]
        products = {crowd.catalogue.products[product].id for product, _, _ in order.lines}
        if any(
            order.at < at + goal.within_us and (not goal.is_by_key or key in products) for at, key in reversed(before)
        ):
            counting.append(order)
    return float(bool(counting)), sum(order.total for order in counting)


def _effect(pairs: Sequence[Pair], what: int) -> Effect:
    people = max(1, len(pairs))
    with_mails, without = sum(one[what] for one in pairs) / people, sum(one[what + 2] for one in pairs) / people
    return Effect(with_mails, without, with_mails - without)
