"""Segments of every shape of the language: sequences, windows in the past, sums, days, scores ...; texts and lambdas."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.simulation.definitions import DAY, HOUR, MINUTE, Journey, Segment

if TYPE_CHECKING:
    from tests.simulation.people import Kept, Person

QUARTER = 15 * MINUTE
ZONES = ("Europe/Lisbon", "Pacific/Auckland", "Asia/Kathmandu")


def _visible(person: "Person", name: str, at: int, older: int, newer: int = 0) -> "list[Kept]":
    """Events with T - older < timestamp <= T - newer, in event order."""
    named = [each for each in person.kept if each.is_named(name) and at - older < each.event.timestamp <= at - newer]
    return sorted(named, key=lambda each: each.order)


def _values(person: "Person", name: str, of: str, at: int, older: int) -> list[object]:
    found = [each.properties.get(of) for each in _visible(person, name, at, older)]
    return [value for value in found if value is not None]


def _numbers(person: "Person", name: str, of: str, at: int, older: int) -> list[int]:
    return [value for value in _values(person, name, of, at, older) if isinstance(value, int)]


def _left_cart(person: "Person", at: int) -> bool:
    """Something was added, and half an hour passed without another addition or an order."""
    added = _visible(person, "Product Added", at, 5 * HOUR)
    ended = [*added, *_visible(person, "Order Completed", at, 5 * HOUR)]
    return any(
        at >= each.event.timestamp + 30 * MINUTE and not any(other.order > each.order for other in ended)
        for each in added
    )


def _most_viewed(person: "Person", at: int) -> str:
    """The price seen most often of late, of equal ones that seen last, if three times at least."""
    prices = _numbers(person, "Product Viewed", "price", at, 2 * HOUR)
    times = Counter(prices)
    latest = {price: place for place, price in enumerate(prices)}
    best = max(times, key=lambda price: (times[price], latest[price]), default=None)
    return str(best) if best is not None and times[best] >= 3 else ""


def _zone(person: "Person") -> ZoneInfo:
    told = person.traits().get("timezone")
    if told in ZONES:
        return ZoneInfo(str(told))
    seen = [name for each in sorted(person.kept, key=lambda one: one.order) if (name := each.zone) in ZONES]
    return ZoneInfo(seen[-1] if seen else "UTC")


def _active_days(person: "Person", at: int) -> int:
    zone = _zone(person)
    quarters = {each.event.timestamp // QUARTER * QUARTER for each in _visible(person, "*", at, 2 * DAY)}
    return len({datetime.fromtimestamp(quarter / 1e6, UTC).astimezone(zone).date() for quarter in quarters})


def _trial_end(person: "Person") -> int | None:
    ends = person.traits().get("trial_ends")
    return int(datetime.fromisoformat(ends).timestamp()) * 1_000_000 if isinstance(ends, str) else None


def _trial_ends(person: "Person") -> list[int]:
    end = _trial_end(person)
    return [] if end is None else [end]


def _spent(person: "Person", at: int) -> int:
    return sum(_numbers(person, "Order Completed", "total", at, 3 * HOUR))


def _carried(person: "Person", at: int) -> int:
    """Additions of things with a price, since the newest order."""
    cleared = max((each.order for each in _visible(person, "Order Completed", at, at)), default=(-1, 0, 0))
    added = _visible(person, "Product Added", at, at)
    return sum(each.order > cleared and each.properties.get("price") is not None for each in added)


def _visits(person: "Person", at: int) -> int:
    """How many begin in five hours: no event in the half hour before."""
    times = sorted({each.event.timestamp for each in _visible(person, "*", at, at)})
    begins = [each for place, each in enumerate(times) if place == 0 or each - times[place - 1] >= 30 * MINUTE]
    return sum(each > at - 5 * HOUR for each in begins)


def _is_top(person: "Person", at: int) -> bool:
    threshold = person.thresholds.get(("spend", 80))
    return threshold is not None and _spent(person, at) >= threshold[1]


LEFT_CART = Segment(
    "left_cart",
    'sequence("Product Added", not ["Product Added", "Order Completed"], within="30m", last="5h")',
    _left_cart,
    (("cart left", 5 * HOUR),),
    edges=(30 * MINUTE,),
)
COOLED = Segment(
    "cooled",
    'count("Product Viewed", between=("3h", "1h")) >= 2',
    lambda p, t: len(_visible(p, "Product Viewed", t, 3 * HOUR, HOUR)) >= 2,
    (("views between", 3 * HOUR),),
    edges=(HOUR,),
)
CHOOSY = Segment(
    "choosy",
    'distinct("Product Viewed", price, last="2h") >= 2',
    lambda p, t: len(set(_values(p, "Product Viewed", "price", t, 2 * HOUR))) >= 2,
    (("prices", 2 * HOUR),),
)
BIG = Segment(
    "big",
    'sum("Order Completed", total, last="3h") >= 150',
    lambda p, t: _spent(p, t) >= 150,
    (("spent", 3 * HOUR),),
)
FAITHFUL = Segment(
    "faithful",
    'active_days("*", last="2d") >= 2',
    lambda p, t: _active_days(p, t) >= 2,
    (("days", 2 * DAY),),
)
TRIAL_OVER = Segment(
    "trial_over",
    "now() >= time(trial_ends)",
    lambda p, t: (end := _trial_end(p)) is not None and t >= end,
    moments=_trial_ends,
)
UNSURE = Segment("unsure", 'score("churn") > 0.5', lambda p, _: (p.score("churn") or 0) > 0.5)
TOP = Segment("top", 'percentile("spend") >= 80', _is_top, (("spent", 3 * HOUR),), means="spend")
WILLING = Segment(
    "willing",
    'consents("profiling") and any("*", last="5h")',
    lambda p, t: p.has_consented("profiling") and bool(_visible(p, "*", t, 5 * HOUR)),
    (("anything of late", 5 * HOUR),),
)
DRAWN = Segment(
    "drawn",
    'count("Product Viewed", same=price, last="2h") >= 3',
    lambda p, t: _most_viewed(p, t) != "",
    (("views by price", 2 * HOUR),),
    key=_most_viewed,
)
CARRYING = Segment("carrying", "cart.quantity >= 2", lambda p, t: _carried(p, t) >= 2, (("cart", None),))
VISITING = Segment(
    "visiting",
    'sessions(last="5h") >= 3',
    lambda p, t: _visits(p, t) >= 3,
    (("visits", 5 * HOUR + 30 * MINUTE),),
    edges=(5 * HOUR,),
)
ABOUT = Journey(
    "about",
    "start: {segment: drawn}\nwait: 20m\nsend: {email: reminder}\n",
    segment="drawn",
    wait=20 * MINUTE,
    message="reminder",
    purpose="email_marketing",
)
METRICS = {"spend": 'sum("Order Completed", total, last="3h")'}
COLLECTIONS = {"cart": "add: Product Added\nclear: Order Completed\nkey: price\n"}


def within(name: str, inner: Segment, other: Segment) -> Segment:
    """Who is in one segment and not in another."""
    return Segment(
        name,
        f'segment("{inner.name}") and not segment("{other.name}")',
        lambda p, t: inner.holds(p, t) and not other.holds(p, t),
        (*inner.reads, *other.reads),
        means=f"{inner.when} {other.when}",
    )
