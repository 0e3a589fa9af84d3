"""The example shop with a week behind it: the production workers in one thread, virtual time, people drawn from a seed.

What the rooms of the console show is what these people did and what the shop's own definitions made of it; nothing is
put into a table by hand.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, Literal

from msgspec.structs import replace

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.office import MemoryOffice
from tactful.events.records import EMPTY_MAP, Consent, Event, pack
from tactful.events.responses import EMAIL_CLICKED, EMAIL_OPENED, EMAIL_SPAM, UNSUBSCRIBED, About, Response, event
from tactful.kernel.state import PlanState
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import published
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Quarantined
from tactful.runtime.settings import Settings, plan_settings, read_settings
from tactful.runtime.worker import Worker
from tactful.testing.world import World
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_time
from tests.previewing.opening import history_of

PROJECT = Path(__file__).parents[2] / "examples" / "shop"
MONDAY = parse_time("2025-03-10T06:00:00Z") or 0
PARTITIONS = 3
THINGS = (
    ("mug-tide", "Tide mug", "Kitchen", 24.0),
    ("rug-heath", "Heath rug", "Living", 189.0),
    ("scarf-drift", "Drift scarf", "Clothing", 59.0),
    ("parka-hoar", "Hoar parka", "Clothing", 329.0),
    ("lamp-fjord", "Fjord lamp", "Living", 149.0),
)
NAMES = ("Ada", "Bea", "Chen", "Dov", "Eve", "Femi", "Gita", "Hana", "Ivo", "Juno", "Kofi", "Lea", "Mio", "Nia", "Omar")


class Shop:
    """`world` goes on from where it stands: `did` something, then `pass_time`. It has a thread of its own, since its
    deliverer runs a loop, and so does whoever drives a browser."""

    def __init__(self, people: int = 60, days: int = 6, seed: int = 7, project: Path = PROJECT) -> None:
        self.project = project
        self.settings: Settings = read_settings((project / "tactful.toml").read_text(encoding="utf-8"), {})
        self._thread = ThreadPoolExecutor(1, "shop")
        self.world = self._thread.submit(self._begin, seed).result()
        self.house = ShopHouse(self)
        self.count = 0
        self._rng = Random(seed)
        world = self.world
        self.reader = Reader(
            world.log,
            world.stores,
            world.trail,
            world.outbox,
            world.quarantine,
            lambda: history_of(world.log, world.trail),
        )
        self._live(people, days)

    def _begin(self, seed: int) -> World:
        owners = [(number,) for number in range(PARTITIONS)]
        world = World(seed, MONDAY, owners=owners, slots={"email": 4, "webhook": 4})
        world.publish(load(self.project), "nina", plan_settings(self.settings))
        world.run()
        return world

    # ---- what people do

    def did(
        self, name: str, key: str, /, *also: str, kind: Literal["track", "identify"] = "track", **said: Any
    ) -> None:
        """A call that names `key` and perhaps others; it takes effect when time passes."""
        self.count += 1
        number = f"c{self.count}"
        source, trust = ("website", "browser") if key.startswith("a:") else ("backend", "server")

        def call(now: int) -> Event:
            ids = (key, *also)
            return Event(1, source, trust, kind, name, key, ids, number, now, now, pack(said), EMPTY_MAP)  # type: ignore[arg-type]  # a literal

        self.world.call(call)

    def allowed(self, key: str, purpose: str, *, granted: bool = True) -> None:
        self.count += 1
        number = f"c{self.count}"
        told = Consent(1, "backend", "server", key, number, purpose, granted, 0, 0, "2025-01", salt=number.encode())
        self.world.call(lambda now: replace(told, timestamp=now, received_at=now))

    def responded(self, intent: str, key: str, journey: str, message: str, name: str) -> None:
        """Something came back from a mail."""
        about = About(intent, key, journey, message)
        self.world.call(lambda now: event(about, Response(name, now, link="https://nordlicht.example/cart"), now))

    def pass_time(self, duration_us: int = SECOND_US) -> None:
        for partition in range(PARTITIONS):
            self.world.bells.ring(f"work-{partition}")
        self._thread.submit(self.world.pass_time, duration_us).result()

    def close(self) -> None:
        self._thread.submit(self.world.close).result()
        self._thread.shutdown()

    def mail(self, intent: str) -> bytes | None:
        """The bytes of a mail, as the local outbox would have them."""
        accepted = (one for one in self.world.receiver.accepted if one.channel == "email" and one.intent == intent)
        return next((one.body for one in accepted), None)

    # ---- a week

    def _live(self, people: int, days: int) -> None:
        acts = sorted(
            (at, number, act) for number in range(people) for at, act in enumerate_acts(self._rng, number, days)
        )
        now, last_day = 0, (days - 1) * DAY_US
        for at, number, act in acts:
            if now < last_day <= at:
                self._respond()
            self.pass_time(max(at - now, 1))
            now = max(at, now + 1)
            self.act(number, act)
        self.pass_time(HOUR_US)
        body = b'{"type":"track","event":"Product Viewed"}'
        now_us = self.world.clock.now_us()
        self.world.quarantine.put(
            [Quarantined(0, now_us, "website", "no_identifier", "userId", "names nobody", body, len(body))]
        )

    def _respond(self) -> None:
        """Half of the mails are opened, some clicked, one unsubscribed from, one called spam."""
        sent = sorted(self.world.outbox.rows("sent", None, None, 10_000), key=lambda row: row.intent.intent)
        for number, row in enumerate(sent):
            mine = row.intent
            for name, is_so in (
                (EMAIL_OPENED, number % 2 == 0),
                (EMAIL_CLICKED, number % 6 == 0),
                (UNSUBSCRIBED, number == 12),
                (EMAIL_SPAM, number == 17),
            ):
                if is_so:
                    self.responded(mine.intent, mine.key, mine.journey, mine.message, name)
            self.pass_time(MINUTE_US)

    def act(self, number: int, act: str) -> None:
        """One of what enumerate_acts says."""
        rng, key, visitor = self._rng, f"u:{1000 + number}", f"a:v{number}"
        name = NAMES[number % len(NAMES)]
        thing: dict[str, Any] = dict(
            zip(("product_id", "name", "category", "price"), rng.choice(THINGS), strict=True), currency="EUR"
        )
        match act:
            case "sign up":
                self.allowed(visitor, "analytics")
                self.did(
                    "$identify",
                    key,
                    visitor,
                    kind="identify",
                    email=f"{name.lower()}{number}@example.com",
                    firstName=name,
                )
                self.pass_time()
                for purpose in ("analytics", "personalization", *(("email_marketing",) if number % 5 else ())):
                    self.allowed(key, purpose)
                self.did("Newsletter Subscribed", key, form="footer")
            case "look":
                self.did("Product Viewed", visitor, **thing)
            case "add":
                self.did("Product Added", key, **thing, quantity=1)
            case "search":
                self.did("Products Searched", visitor, query="winter", category="Clothing")
            case "order":
                self.did(
                    "Order Completed",
                    key,
                    order_id=f"o-{self.count}",
                    total=thing["price"],
                    currency="EUR",
                    products=[thing],
                )
            case "withdraw":
                self.allowed(key, "email_marketing", granted=False)


def enumerate_acts(rng: Random, number: int, days: int) -> Iterator[tuple[int, str]]:
    """What one person does in the week, and when."""
    start = rng.randrange(days * DAY_US // 2)
    yield start, "sign up"
    for _ in range(rng.randrange(1, 4)):
        visit = start + rng.randrange(1, days * DAY_US - start)
        for each in range(rng.randrange(1, 6)):
            yield visit + each * MINUTE_US + rng.randrange(MINUTE_US), rng.choice(("look", "look", "search"))
        if rng.random() < 0.7:
            yield visit + 7 * MINUTE_US, "add"
            if rng.random() < 0.4:
                yield visit + 12 * MINUTE_US + rng.randrange(HOUR_US), "order"
    if number % 11 == 0:
        yield days * DAY_US - HOUR_US, "withdraw"


class ShopHouse:
    """The port `House` over a world at rest."""

    def __init__(self, shop: Shop) -> None:
        world = shop.world
        self.data = Path()
        self.name = "shop"
        self.settings = shop.settings
        self.clock = world.clock
        self.log, self.outbox, self.trail = world.log, world.outbox, world.trail
        self.quarantine, self.ledger, self.bells = world.quarantine, world.ledger, MemoryBells()
        self.office, self.seeds = MemoryOffice(), world.seeds
        self._stores = world.stores

    def store(self, partition: int) -> Any:
        return self._stores[partition]

    def stores(self) -> Sequence[Any]:
        return self._stores

    def plan(self, partition: int) -> PlanState | None:
        return published(self._stores[partition])

    def worker(self, partition: int, clock: Any, *, claims: bool = True) -> Worker:
        raise AssertionError("the world has its own")

    def link_keys(self) -> dict[int, bytes]:
        return {1: bytes(64)}

    def look_over(self) -> None:
        """There is nothing to look at."""

    def close(self) -> None:
        """There is nothing to close."""
