"""Random histories: people whose events lie at the edges of the windows that are asked about.

The instants are drawn first, and most events are placed at an instant minus the length of a window, a microsecond
before or after it, so that all people have edges at the same few instants. Repeats, lateness, ties, odd values, time
zones, clocks that are wrong: each is drawn often enough to meet the others.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from tests.parity.expressions import micros
from tests.parity.words import DURATIONS, ODD_EVENT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
BEGIN = (datetime(2025, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
TURNS = ("2025-03-30T01:00:00Z", "2025-03-09T07:00:00Z", "2025-04-05T15:00:00Z", "2025-03-01T00:00:00Z")
"""Clocks change in Europe, in America, on Lord Howe; a month begins."""
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")
NO_ZONES = ("europe/berlin", "Mars/Base", "", "UTC+2", "Europe/Berlin ", 5, None, ["UTC"], "../UTC")
SCORES = ("churn", "ltv")
PURPOSES = ("mail", "sms")
SOURCES = ("crm", "web", "till")

NUMBERS = (0, 1, 2, 3, -1, 0.5, 2.5, 1.0, -0.0, 0.1, 0.2, 0.3, 100, 3.0000005, 1e-7, 0.0000005, -0.0000005)
COMMON_NUMBERS, COMMON_TEXTS = (0, 1, 2), ("a", "b", "shoes")
"""So that equal values meet."""
EVENTS = {"A": 6, "B": 4, "C": 2, "D": 2, "Order Completed": 2, "Product Added": 4, "Product Removed": 2, "Else": 0.5}
EVENTS |= {ODD_EVENT: 0.5, "$identify": 5, "$page": 2, "$screen": 1, "$group": 0.5, "$alias": 0.5}
"""How often each is sent."""
HUGE = (
    *(999999999999.9999, -999999999999.5, 1e12, -1e12, 1e300, 9007199254740993, 12345678901234567890),
    *(123456789012.25, -12345678901.25, 23456789012.345678, -98765432109.87),
)
TEXTS = (
    "",
    "a",
    "b",
    "ab",
    "A",
    "shoes",
    "bags",
    "DE",
    "5",
    "ä",
    "Ä",
    "İ",
    "ß",
    "Σ",
    "\U0001f97e",
    "1",
    "%",
    "a_",
    "it's",
    'a"b',
    "a\\b",
    "a\nb",
    ":t",
)
TIMES = (
    *(
        "2025-03-01",
        "2025-03-30T01:00:00Z",
        "2025-03-09 09:30",
        "2025-02-01T09:00:00.5+01:00",
        "2024-02-29t23:59:59,25z",
    ),
    *("2025-02-29", "2025-03-01T24:00", " 2025-03-01", "2025-3-1", "0001-01-01T00:00+14:00", "9999-12-31T23:59-0100"),
    *(1740787200, 1740787200.25, 1743296400.0000005, -1e15, 1e10, 0),
)


Names = Mapping[str, Any]
"""What a line may call somebody: userId, anonymousId, previousId, email, device, externalId."""


class History(NamedTuple):
    lines: list[dict[str, Any]]
    instants: list[int]


def written(at: int) -> str:
    """ISO 8601; whole seconds and milliseconds shortened, as clients do."""
    text = (EPOCH + timedelta(microseconds=at)).replace(tzinfo=None)
    if at % SECOND == 0:
        return text.isoformat(timespec="seconds") + "Z"
    return text.isoformat(timespec="milliseconds" if at % 1000 == 0 else "microseconds") + "Z"


def read(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


# ---- values ----------------------------------------------------------------------------------------------------------


class Values:
    """Of properties and traits, by what their name mostly holds."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def number(self) -> Any:
        chance = self._random.random()
        return self._random.choice(HUGE if chance < 0.1 else COMMON_NUMBERS if chance < 0.5 else NUMBERS)

    def text(self) -> str:
        return self._random.choice(COMMON_TEXTS if self._random.random() < 0.4 else TEXTS)

    def boolean(self) -> bool:
        return self._random.random() < 0.5

    def time(self) -> Any:
        return self._random.choice(TIMES)

    def numbers(self) -> list[Any]:
        return [self.number() for _ in range(self._random.choice((0, 1, 2, 3)))]

    def list(self) -> list[Any]:
        return [self.any(1) for _ in range(self._random.choice((0, 1, 2, 3)))]

    def any(self, depth: int = 2) -> Any:
        """Anything that JSON has."""
        write: list[Callable[[], Any]] = [self.number, self.text, self.boolean, self.time, lambda: None]
        if depth > 0:
            write += [self.list, list, lambda: {"n": self.any(0), "t": self.any(0)}, lambda: [[self.any(0)]]]
        return self._random.choice(write)()

    def product(self) -> Any:
        product = {
            "sku": self._random.choice(("S1", "S2", "S3", 1, "1")),
            "price": self.number(),
            "category": self._random.choice(("shoes", "bags", ["shoes", "new"], None)),
            "tags": self.list(),
        }
        return self.odd(self.some(product), 0.05)

    def some(self, bag: Mapping[str, Any]) -> dict[str, Any]:
        """Most of it."""
        return {key: value for key, value in bag.items() if self._random.random() < 0.75}

    def odd(self, value: Any, chance: float = 0.15) -> Any:
        return self.any() if self._random.random() < chance else value

    def odds(self, bag: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self.odd(value) for key, value in self.some(bag).items()}

    def bag(self) -> dict[str, Any]:
        """What an event may carry."""
        draw = self._random.choice
        inner = {"n": self.number(), "t": self.text(), "f": self.boolean(), "when": self.time(), "it's": self.text()}
        inner["p"] = draw(([{"n": self.number()}, {"n": self.numbers()}], {"n": self.number()}, [[{"n": 1}], {}]))
        bag = {"n": self.number(), "q": self.number(), "t": self.text(), "u": self.text(), "f": self.boolean()}
        bag |= {"when": self.time(), "l": self.list(), "m": draw((self.numbers(), self.list())), "o": self.odds(inner)}
        bag |= {
            "products": [self.product() for _ in range(draw((0, 1, 2)))],
            "a b": self.number(),
            "class": self.text(),
        }
        return self.odds(bag)

    def line(self) -> dict[str, Any]:
        """What is put into a cart, or taken out of it."""
        draw = self._random.choice
        bag = {"sku": draw(("S1", "S2", "S3", 1, 1.0, True, "1")), "quantity": draw((1, 2, 3, 0.5, 1e-7, 0, -1, "2"))}
        bag |= {"price": draw((1, 9.99, 0.1, -2, 1e300, "5", 123456.789)), "category": self.text(), "n": self.number()}
        return self.odds(bag)

    def traits(self) -> dict[str, Any]:
        streets = [{"name": self.text()}, {"name": [self.text(), None]}]
        address = {"city": self.text(), "zip": self.number(), "geo": {"lat": self.number()}, "since": self.time()}
        address |= {"streets": streets, "f": self.boolean()}
        bag = {"age": self.number(), "rate": self.number(), "limit": self.number(), "plan": self.text()}
        bag |= {"vip": self.boolean(), "born": self.time(), "tags": self.list(), "likes": self.list()}
        bag |= {"address": self.odds(address), "a b": self.number(), "class": self.text(), "cart": self.text()}
        return {key: self.odd(value) for key, value in bag.items() if self._random.random() < 0.5}


# ---- lines -----------------------------------------------------------------------------------------------------------


class Teller:
    """Writes the lines of one history."""

    def __init__(self, random: Random, people: int, instants: Sequence[int]) -> None:
        self._random = random
        self._values = Values(random)
        self._instants = instants
        self._people = people
        self._times: list[int] = []
        self._number = 0

    def lines(self) -> list[dict[str, Any]]:
        lines = [line for person in range(1, self._people + 1) for line in self._person(person)]
        lines += [self._threshold() for _ in range(min(40, 2 + self._people // 4))]
        self._random.shuffle(lines)
        return lines

    def _person(self, number: int) -> list[dict[str, Any]]:
        self._times = []
        names = self._names(number)
        focus = self._random.sample(range(len(self._instants)), min(2, len(self._instants)))
        several = self._random.choice((1, 3, 5, 8, 12, 18) * 3 + (60,))
        lines = []
        for _ in range(several):
            lines.append(self._of(names, self._line(self._instants[self._random.choice(focus)])))
            if self._random.random() < 0.06:
                lines.append(self._again(lines[-1]))
            elif self._random.random() < 0.2:
                lines.append(self._another(lines[-1]))
        return lines

    def _names(self, number: int) -> list[Names]:
        """Each of a person's lines has one of these: mostly it is the same for all; others are tied."""
        draw, user, anonymous = self._random.choice, {"userId": f"u{number}"}, {"anonymousId": f"a{number}"}
        chance = self._random.random()
        if chance < 0.5:
            return [draw((user, user, user, user, anonymous, {"userId": f" u{number} "}, {"userId": number}))]
        mail, other = {"email": f"E{number}@shop.example"}, {"userId": f"u{number + 1}"}
        shared = {"anonymousId": f"a{number - 1}"}
        chosen = [user, anonymous, {**user, **anonymous}]
        more: list[Names] = [mail, {**user, **mail}, {**anonymous, **mail}, {**other, **mail}, {**mail, **shared}]
        more += [shared, {**user, **shared}, {**other, **anonymous}, {"previousId": f"u{number + 1}", **user}]
        more += [{"previousId": f"u{number}", **other}, {"previousId": f"a{number}", **user}]
        more += [
            {**user, "device": f"d{number}"},
            {"device": f"d{number - 1}"},
            {**anonymous, "device": f"d{number}"},
            {**anonymous, "externalId": f"{number}"},
        ]
        return chosen + self._random.sample(more, draw((0, 1, 2, 4)))

    def _of(self, names: Sequence[Names], line: dict[str, Any]) -> dict[str, Any]:
        """Somebody's; which names there are says what may be said."""
        said = self._random.choice(names)
        if line["type"] in ("score", "consent"):
            named = {key: value for key, value in said.items() if key in ("userId", "email", "anonymousId")}
            return {**(named or names[0]), **line}
        if len(names) > 1 and self._random.random() < 0.08:
            key, value = self._random.choice([(key, value) for one in names for key, value in one.items()])
            key = "userId" if key == "previousId" else key
            if key in ("userId", "anonymousId", "email"):
                return {"type": "unmerge", key: value, "receivedAt": line["receivedAt"]}
        return called(line, said)

    def _moment(self, instant: int) -> int:
        """When something happened: at an edge of a window as asked at the instant, or at the time of another event."""
        chance = self._random.random()
        if chance < 0.15 and self._times:
            return self._random.choice(self._times)
        if chance < 0.25 and self._times:
            return self._random.choice(self._times) + self._random.choice((1, -1, SECOND, 30 * 60 * SECOND))
        step = self._random.choice((-1, 0, 0, 1))
        if chance < 0.75:
            at = instant - micros(self._random.choice(DURATIONS)) + step
            return at - micros(self._random.choice(DURATIONS)) if self._random.random() < 0.15 else at
        if chance < 0.85:
            return instant + step
        return instant - self._random.randrange(1, 3 * DAY)

    def _receipt(self, at: int, instant: int) -> int:
        """When it was known: mostly at once, else late, else at the very instant."""
        chance = self._random.random()
        if chance < 0.6:
            return at
        if chance < 0.8:
            return at + self._random.choice((1, 1000, SECOND, 5 * SECOND, HOUR, DAY))
        return max(at, instant + self._random.choice((-1, 0, 0, 1, -SECOND, SECOND)))

    def _line(self, instant: int) -> dict[str, Any]:
        at = self._moment(instant)
        self._times.append(at)
        received = self._receipt(at, instant)
        chance = self._random.random()
        if chance < 0.07:
            told = {"type": "score", "model": self._random.choice(SCORES), "value": self._values.number()}
            return {**told, "receivedAt": written(received)}
        if chance < 0.14:
            purpose, granted = self._random.choice(PURPOSES), self._values.boolean()
            return {"type": "consent", "purpose": purpose, "granted": granted, "receivedAt": written(received)}
        self._number += 1
        return {**self._call(), "messageId": f"m{self._number}", **self._stamps(at, received)}

    def _stamps(self, at: int, received: int) -> dict[str, str]:
        stamps = {"receivedAt": written(received)}
        chance = self._random.random()
        if chance < 0.1:  # A clock that is wrong: what is said is corrected.
            wrong = self._random.choice((-DAY, -1, 1, HOUR, 400 * DAY))
            return {**stamps, "originalTimestamp": written(at + wrong), "sentAt": written(received + wrong)}
        if chance < 0.13:  # A lead is cut.
            return {**stamps, "timestamp": written(received + self._random.choice((1, HOUR, DAY)))}
        if chance < 0.16:  # Finer than a microsecond.
            fine = (EPOCH + timedelta(microseconds=at)).replace(tzinfo=None).isoformat(timespec="microseconds")
            return {**stamps, "timestamp": f"{fine}999Z"}
        return stamps if at == received else {**stamps, "timestamp": written(at)}

    def _call(self) -> dict[str, Any]:
        name = self._random.choices(list(EVENTS), list(EVENTS.values()))[0]
        context: dict[str, Any] = {}
        if self._random.random() < 0.3:
            inner = {"n": self._values.number(), "f": self._values.boolean(), "l": self._values.list()}
            context = self._values.odds({**inner, "page": {"path": self._values.text()}, "when": self._values.time()})
        if self._random.random() < 0.25:
            context["timezone"] = self._random.choice((*ZONES, *ZONES, *NO_ZONES))
        told = {"context": context} if context else {}
        match name:
            case "$identify":
                source = {"source": self._random.choice(SOURCES)} if self._random.random() < 0.5 else {}
                return {"type": "identify", "traits": self._traits(context), **source, **told}
            case "$group":
                return {"type": "group", "groupId": "g", "traits": self._values.bag(), **told}
            case "$alias":
                return {"type": "alias", **told}
            case "$page" | "$screen":
                call = {"type": name[1:], "properties": self._values.bag(), **told}
                return {**call, "name": self._values.text()} if self._values.boolean() else call
        is_line = name.startswith("Product ") and self._random.random() < 0.85
        bag = self._values.line() if is_line else self._values.bag()
        if self._random.random() < 0.03:
            return {"type": "track", "event": name, "properties": None, "context": None}
        return {"type": "track", "event": name, "properties": bag, **told}

    def _traits(self, context: dict[str, Any]) -> dict[str, Any]:
        """Some of them in the context, as some clients write them."""
        traits = self._values.traits()
        if self._random.random() < 0.15:
            traits["timezone"] = self._random.choice((*ZONES, *ZONES, *NO_ZONES))
        if self._random.random() < 0.15:
            context["traits"] = self._values.odd(self._values.traits())
        return traits

    def _again(self, line: dict[str, Any]) -> dict[str, Any]:
        """The same messageId once more, received later (or with the next line), with another content now and then."""
        again = dict(line)
        if "messageId" in line:
            if self._values.boolean():
                named = {key: value for key, value in (line.get("traits") or {}).items() if key == "email"}
                again |= {"properties": {"n": 1000}, "traits": {"plan": "again", **named}}
            later = read(line["receivedAt"]) + self._random.choice((0, 1, SECOND, DAY))
            again["receivedAt"] = written(later)
        return again

    def _another(self, line: dict[str, Any]) -> dict[str, Any]:
        """The same once more, somewhat earlier or later, and known later."""
        self._number += 1
        kept = {key: value for key, value in line.items() if key not in ("timestamp", "originalTimestamp", "sentAt")}
        before = read(line["receivedAt"])
        at = before + self._random.choice((-1, 1)) * micros(self._random.choice(DURATIONS[:9]))
        received = max(before, at) + self._random.choice((0, 1, SECOND, HOUR))
        stamps = {"receivedAt": written(received), "timestamp": written(at)}
        return {**kept, **stamps, "messageId": f"m{self._number}"}

    def _threshold(self) -> dict[str, Any]:
        at = self._random.choice(self._instants) + self._random.choice((-DAY, -HOUR, 0, 1, -1, -30 * DAY, -60 * DAY))
        metric = self._random.choice((*SCORES, "m1", "m2", "m3"))
        percent = self._random.choice((20, 50, 80, 99.5, 50.0))
        told = {"metric": metric, "percent": percent, "value": self._random.choice((0, 1, 2, 2.5, 100, -1, 1e13))}
        return {"type": "threshold", **told, "receivedAt": written(at)}


def called(line: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """A call of these names; addresses are said by an identify, former names by an alias."""
    line = dict(line)
    context = dict(line.get("context") or {})
    if "previousId" in names:
        line = {"type": "alias", **{key: line[key] for key in line if key.endswith(("At", "Id", "timestamp"))}}
    elif "email" in names:
        line["traits"] = {**(line.get("traits") or {}), "email": names["email"]}
        line = {**{key: line[key] for key in line if key not in ("event", "properties", "name")}, "type": "identify"}
    if "device" in names:
        context["device"] = {"id": names["device"]}
    if "externalId" in names:
        context["externalIds"] = [{"type": "shop", "id": names["externalId"]}]
    ids = {key: value for key, value in names.items() if key in ("userId", "anonymousId", "previousId")}
    return {**line, **ids, **({"context": context} if context else {})}


def history(random: Random, people: int, instants: int) -> History:
    """The same for the same state of `random`. The instants stand in groups, so that a person has edges at several; one
    is before everything, one is years after nearly everything."""
    turns, chosen = [read(text) for text in TURNS], {BEGIN - 400 * DAY, BEGIN + 4000 * DAY}
    while len(chosen) < instants:
        group = BEGIN + random.randrange(120 * DAY)
        if random.random() < 0.3:
            group = random.choice(turns) + random.choice((0, -1, 1, HOUR, 12 * HOUR, DAY))
        elif random.random() < 0.5:
            group = group // SECOND * SECOND
        steps = (1, -1, SECOND, HOUR, DAY, *(micros(text) for text in DURATIONS))
        near = {group, *(group + random.choice(steps) for _ in range(random.choice((1, 2, 4))))}
        chosen |= set(sorted(near)[: instants - len(chosen)])
    return History(Teller(random, people, sorted(chosen)).lines(), sorted(chosen))
