"""The crowd: everybody's next doings in one calendar, and what is said of them when their time has come.

It knows no clock and no network: `due` gives the calls up to an instant, `got` takes a mail in. Whoever drives it
(driving.py, or a test under a virtual clock) says what time it is.
"""

import heapq
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tactful.shoppers.baskets import Basket, Order
from tactful.shoppers.calls import Call, Door, Voice
from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.draws import draw
from tactful.shoppers.mails import Mail, Reaction, react
from tactful.shoppers.people import NEVER, Person, Town, person
from tactful.shoppers.visits import Doing, next_visit, past_orders, visit
from tactful.values import DAY_US

_CHANGING = ("add", "remove", "want")
"""What a cart depends on."""


class Look(NamedTuple):
    """Somebody looks into their mail: what their mail program and they ask for."""

    at: int
    person: int
    intent: str
    what: Literal["open", "click", "unsubscribe", "scan", "prefetch"]


class Crowd:
    """`numbers` are the people of this crowd (all of the town, unless others drive the rest). `start` is its first
    instant. With `keeps` everything is kept that the truth is made of."""

    def __init__(
        self, town: Town, catalogue: Catalogue, door: Door, start: int, numbers: Sequence[int], *, keeps: bool
    ) -> None:
        self.town = town
        self.catalogue = catalogue
        self.start = start
        self.now = start
        self.voice = Voice(door, catalogue, f"s{town.seed}-{start:x}")
        self.people: dict[int, Person] = {number: person(town, catalogue, number) for number in numbers}
        self._keeps = keeps
        self._baskets: dict[int, Basket] = {}
        self._calendar: list[tuple[int, int, int, int, Doing | Order | Look | None]] = []
        """Instant, a number that keeps things in order, person, number of the visit that begins (0: none), what."""
        self._entered = 0
        self.organic: dict[int, list[Doing]] = defaultdict(list)
        self.mails: dict[int, list[Mail]] = defaultdict(list)
        self.orders: dict[int, list[Order]] = defaultdict(list)
        self.ordered = 0
        self._joining = [one for one in self.people.values() if one.joins == 0]
        self.joined = dict.fromkeys((one.number for one in self._joining), start)
        """Since when people have an account."""
        for one in self.people.values():
            self._next(one, 1, start)

    def _put(self, at: int, number: int, nth: int, what: "Doing | Order | Look | None") -> None:
        self._entered += 1
        heapq.heappush(self._calendar, (at, self._entered, number, nth, what))

    def _next(self, one: Person, nth: int, after: int) -> None:
        self._put(next_visit(self.town, one, nth, after), one.number, nth, None)

    # ---- what happens ------------------------------------------------------------------------------------------

    def next_us(self) -> int:
        """When somebody does something next."""
        return self._calendar[0][0] if self._calendar else 1 << 62

    def joining(self) -> list[Call]:
        """Who had an account before the first day, as the shop's server tells it when it is connected."""
        return [
            call
            for one in self._joining
            for call in self.voice.joined(one, self.start, past_orders(self.town, self.catalogue, one, self.start))
        ]

    def due(self, until: int, most: int = 1 << 40) -> tuple[list[Call], list[Look]]:
        """What is said, and which mails are looked into, up to an instant: about `most` calls at most."""
        calls: list[Call] = []
        looks: list[Look] = []
        calendar = self._calendar
        while calendar and calendar[0][0] <= until and len(calls) < most:
            at, _, number, nth, what = heapq.heappop(calendar)
            self.now = at
            one = self.people[number]
            if what is None:
                self._visit(one, nth, at)
            elif isinstance(what, Look):
                looks.append(what)
            elif isinstance(what, Order):
                calls += self.voice.returned(one, what, at)
            else:
                calls += self._do(one, what)
        return calls, looks

    def _visit(self, one: Person, nth: int, at: int) -> None:
        doings = visit(self.town, self.catalogue, one, nth, at)
        for doing in doings:
            self._put(doing.at, one.number, 0, doing)
        self._next(one, nth + 1, doings[-1].at if doings else at)

    def _do(self, one: Person, doing: Doing) -> list[Call]:
        if doing.what == "join":
            self.joined[one.number] = doing.at
            return [*self.voice.joined(one, doing.at), *self.voice.doing(one, doing._replace(what="sign in"), 0)]
        if self._keeps and doing.what in _CHANGING:
            self.organic[one.number].append(doing)
        basket = self._baskets.get(one.number)
        if basket is None:
            basket = self._baskets[one.number] = Basket(self.catalogue)
        seen = []
        if doing.what == "buy":  # They come by the link, sign in and look at what they then buy.
            product = next(iter(basket.things), doing.product)
            seen = self.voice.doing(one, doing._replace(what="view", product=product), 0)
            seen += self.voice.doing(one, doing._replace(what="sign in"), 0)
        taken = basket.take(doing)
        if isinstance(taken, Order):
            self._ordered(one, taken)
        return [*seen, *self.voice.doing(one, doing, taken, len(basket.things))]

    def _ordered(self, one: Person, order: Order) -> None:
        self.ordered += 1
        if self._keeps:
            self.orders[one.number].append(order)
        rng = draw(self.town.seed, one.number, "return", order.at)
        if rng.random() < self.town.returns:
            self._put(order.at + int(rng.uniform(3, 20) * DAY_US), one.number, 0, order)

    # ---- mail --------------------------------------------------------------------------------------------------

    def number_of(self, user: str) -> int | None:
        """Whose user id it is, of this crowd's."""
        before, _, number = user.rpartition("-")
        known = int(number) if number.isdecimal() and before == f"s{self.town.seed}" else None
        return known if known in self.people else None

    def number_within(self, key: str) -> int | None:
        """Whom an identifier of any kind stands for: an account, an address, somebody's device."""
        match = re.search(rf"\bs{self.town.seed}-(\d+)\b", key)
        return self.number_of(match[0]) if match is not None else None

    def got(self, number: int, journey: str, step: str, at: int, intent: str = "") -> Reaction:
        """A mail came: what they will do about it stands in the calendar from here on."""
        one, before = self.people[number], self.mails[number]
        nth = 1 + sum(mail.journey == journey and mail.step == step for mail in before)
        mail = Mail(journey, step, nth, at, intent)
        before.append(mail)
        reaction = react(self.town, self.catalogue, one, mail)
        looks: list[tuple[int | None, Literal["open", "click", "unsubscribe", "scan", "prefetch"]]] = [
            (at if one.is_scanned else None, "scan"),
            (at if one.is_proxied else None, "prefetch"),
            (reaction.opens_at, "open"),
            (reaction.clicks_at, "click"),
            (reaction.unsubscribes_at, "unsubscribe"),
        ]
        for when, what in looks:
            if when is not None:
                self._put(when, number, 0, Look(when, number, intent, what))
        if reaction.buys is not None and one.joins != NEVER:
            self._put(reaction.buys.at, number, 0, reaction.buys)
        return reaction
