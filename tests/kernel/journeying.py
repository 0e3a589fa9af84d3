"""A shop whose journeys are tried: partitions that read their logs and tell each other, at instants that a test names."""

from typing import Any, Literal

from tactful.events.derived import (
    GoalReached,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
)
from tactful.events.identifiers import partition_of
from tactful.events.records import (
    EMPTY_MAP,
    Consent,
    Enter,
    Event,
    Launch,
    Outcome,
    Publish,
    Record,
    Steer,
    Unmerge,
    pack,
)
from tactful.journeys.runs import Run
from tactful.kernel.state import Profile
from tactful.values import DAY_US, HOUR_US, MINUTE_US
from tests.kernel.driver import Driver

MINUTE, HOUR, DAY = MINUTE_US, HOUR_US, DAY_US
MONDAY = 20_150 * DAY
"""Monday, 3 March 2025, midnight in UTC."""
ADA = "u:ada"
HOOK = "https://shop.example"
SERIES = f"""
start: {{event: Added}}
unless: {{event: Bought, where: total > 0}}
steps:
  - {{name: first, send: {{webhook: "{HOOK}/first"}}}}
  - wait: 1h
  - {{name: second, send: {{webhook: "{HOOK}/second"}}}}
  - wait: 1h
  - {{name: third, send: {{webhook: "{HOOK}/third"}}}}
"""
MESSAGES = {
    f"messages/{name}.yaml": f"subject: {name}\nhtml: <p>{name}</p>\npurpose: {purpose}\n"
    for name, purpose in (("first", "news"), ("second", "news"), ("third", "offers"))
}
OF_JOURNEYS = (RunStarted, RunEnded, StepTaken, SendMessage, GoalReached, Responded)


class Shop:
    """Partitions in a circle of one or more; what one tells another is appended to the other's log at once."""

    def __init__(self, partitions: int = 1, at: int = MONDAY) -> None:
        self.drivers = [Driver(number, partitions) for number in range(partitions)]
        self.at = at
        self.calls = 0

    # ---- what happens ------------------------------------------------------------------------------------------

    def publish(self, journeys: dict[str, str], segments: dict[str, str] | None = None, **settings: str) -> None:
        files = {f"journeys/{name}.yaml": text for name, text in journeys.items()}
        files |= {f"segments/{name}.yaml": f"when: {when}\n" for name, when in (segments or {}).items()}
        self.tell(0, Publish(self.at, files | MESSAGES, settings))

    def event(
        self, name: str, key: str = ADA, /, *, timestamp: int | None = None, ids: tuple[str, ...] = (), **said: Any
    ) -> None:
        happened = self.at if timestamp is None else timestamp
        self._call("track", name, key, happened, ids, said)

    def identify(self, key: str = ADA, *, ids: tuple[str, ...] = (), **traits: Any) -> None:
        self._call("identify", "$identify", key, self.at, ids, traits)

    def _call(
        self,
        kind: Literal["track", "identify"],
        name: str,
        key: str,
        happened: int,
        ids: tuple[str, ...],
        said: dict[str, Any],
    ) -> None:
        self.calls += 1
        names = (key, *ids)
        times = f"m{self.calls}", happened, self.at
        self.tell_home(Event(1, "shop", "server", kind, name, key, names, *times, pack(said)))

    def consent(self, purpose: str, granted: bool, key: str = ADA) -> None:
        self.calls += 1
        told = f"c{self.calls}", purpose, granted, self.at, self.at
        self.tell_home(Consent(1, "shop", "server", key, *told))

    def enter(self, journey: str, key: str = ADA, entry_key: str = "", message_id: str = "") -> None:
        self.calls += 1
        name = message_id or f"e{self.calls}"
        self.tell_home(Enter(1, "shop", "server", key, name, journey, entry_key, self.at, EMPTY_MAP))

    def launch(self, journey: str) -> None:
        version = self.drivers[0].plan.journeys[journey].version
        self.tell(0, Launch(self.at, journey, version, "ann"))

    def steer(self, journey: str, order: Literal["resume", "pause", "drain", "stop"]) -> None:
        self.tell(0, Steer(self.at, journey, order, "ann"))

    def unmerge(self, key: str) -> None:
        self.tell_home(Unmerge(self.at, key))

    def outcome(self, intent: SendMessage, status: str) -> None:
        self.tell_home(Outcome(self.at, intent.key, intent.intent, status, "because"))

    def tell_home(self, record: Event | Consent | Enter | Unmerge | Outcome) -> None:
        self.tell(partition_of(record.key, len(self.drivers)), record)

    def tell(self, partition: int, record: Record) -> None:
        self.drivers[partition].append(record)
        self.read()

    def read(self) -> None:
        """Everybody to the end of their logs, and what they tell each other."""
        is_busy = True
        while is_busy:
            is_busy = False
            for driver in self.drivers:
                driver.read()
                outgoing, driver.outgoing = driver.outgoing, []
                for destination, _, body in outgoing:
                    self.drivers[destination].log.append(body)
                    is_busy = True

    def pass_time(self, until: int) -> None:
        """Ticks, as workers would append them: at the very instants at which something is due."""
        while self.at < until:
            self.at = min(until, self._next(until))
            for driver in self.drivers:
                driver.settle(self.at, limit=2)
            self.read()

    def be_away(self, until: int) -> None:
        """Nobody is there meanwhile."""
        self.at = until
        for driver in self.drivers:
            driver.settle(self.at, limit=2)
        self.read()

    def _next(self, until: int) -> int:
        wakes = [profile.wake_at for driver in self.drivers for profile in driver.profiles().values()]
        wakes += [driver.state.start_at for driver in self.drivers] + [driver.state.ready_at for driver in self.drivers]
        return min([wake for wake in wakes if wake is not None and wake > self.at], default=until)

    # ---- what is seen ------------------------------------------------------------------------------------------

    def driver(self, key: str) -> Driver:
        return self.drivers[partition_of(key, len(self.drivers))]

    def person(self, key: str = ADA) -> Profile:
        return self.driver(key).profiles()[key]

    def walking(self, key: str = ADA) -> list[Run]:
        return [run for run in self.person(key).runs if not run.intent]

    def rows(self, key: str = ADA) -> list[Row]:
        groups = self.driver(key).groups
        return [row for group in groups if group.key == key for row in group.rows if isinstance(row, OF_JOURNEYS)]

    def story(self, key: str = ADA) -> list[tuple[int, str]]:
        """Each row of a journey in a few words, with the minutes since Monday."""
        return [((row.at - MONDAY) // MINUTE, _words(row)) for row in self.rows(key)]

    @property
    def intents(self) -> list[SendMessage]:
        return [one for driver in self.drivers for one in driver.intents]

    def sent(self) -> list[tuple[int, str, str]]:
        """Minutes since Monday, person, message or URL's last part."""
        return [((one.at - MONDAY) // MINUTE, one.key, one.message.rpartition("/")[2]) for one in self.intents]


def _words(row: Row) -> str:
    match row:
        case RunStarted():
            return f"started {row.entry_key}".strip()
        case RunEnded():
            return f"ended: {row.reason}"
        case StepTaken():
            return f"{row.step} {row.what} {row.detail}".strip()
        case SendMessage():
            return f"{row.step} sends {row.message.rpartition('/')[2]}"
        case GoalReached():
            return f"goal {row.nth}: {row.value:g}" if row.value is not None else f"goal {row.nth}"
        case Responded():
            return f"{row.name} {row.detail}".strip()
        case _:
            raise AssertionError(row)


def replayed(shop: Shop, cut_after: int) -> list[tuple[dict[str, bytes], bytes, bytes]]:
    """The same logs again, cut elsewhere."""
    found = []
    for number, driver in enumerate(shop.drivers):
        again = Driver(number, len(shop.drivers), reads_again=True)
        again.log = list(driver.log)
        again.read(cut_after)
        found.append(again.bytes())
    return found


def shop_with(journey: str, segments: dict[str, str] | None = None, **settings: str) -> Shop:
    shop = Shop()
    shop.publish({"j": journey}, segments, **settings)
    return shop


def after(minutes: int) -> int:
    return MONDAY + minutes * MINUTE
