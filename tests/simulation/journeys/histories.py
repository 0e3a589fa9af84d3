"""Random histories of few people for journeys: late, equal, out-of-order and repeated events, zones, nights on which the
clock is changed, yes and no, orders, publications. All of it is drawn before anything is run, so that a history can be
made smaller by leaving records out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Literal

from msgspec.structs import replace

from tactful.events.records import Consent, Enter, Event, Launch, Outcome, Publish, Score, Steer, Tick, Unmerge, pack
from tests.simulation.journeys import drawing
from tests.simulation.journeys.reading import DAY

MINUTE = 60_000_000
GRID = 10 * MINUTE
BEGINS = tuple(
    int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000
    for day in ((2025, 3, 4, 8), (2025, 3, 29, 20), (2025, 10, 25, 20), (2025, 1, 31, 6))
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Nowhere", "Australia/Lord_Howe")
PEOPLE = ("u:0", "u:1", "u:2")
Order = Literal["pause", "resume", "drain", "stop"]
Told = Event | Consent | Score | Enter | Launch | Steer | Publish | Unmerge | Outcome | Tick
"""What stands in a log, but for what partitions tell each other."""
ORDERS: tuple[Order, ...] = ("pause", "pause", "resume", "resume", "resume", "drain", "stop")
PURPOSES = ("email_marketing", "notices")
ANONYMOUS = ("a:0", "a:1")
NEWCOMERS = ("u:7", "u:8", "u:9")
"""Of whom nobody knows at the beginning."""


@dataclass(frozen=True)
class Scene:
    """What may happen."""

    records: int = 40
    journeys: int = 3
    people: Sequence[str] = PEOPLE[:2]
    ties: bool = False
    edits: bool = True
    steers: bool = True
    time_zone: str = "Europe/Berlin"
    sending: str = ""


@dataclass
class History:
    seed: int
    texts: dict[str, str]
    """Journeys, as first published."""
    records: list[Told] = field(default_factory=list)
    """In the order of the log; the first is the publication."""
    until: int = 0


def draw(seed: int, scene: Scene) -> History:
    rng = Random(seed)
    author = drawing.Author(rng)
    drafts = {f"j{number}": author.journey() for number in range(scene.journeys)}
    texts = {name: author.text(draft) for name, draft in drafts.items()}
    teller = _Teller(rng, scene, author, drafts, rng.choice(BEGINS))
    history = History(seed, texts)
    history.records.append(teller.publication())
    for person in scene.people:
        history.records.append(teller.event(person, "$identify"))
        if scene.sending:
            history.records += [teller.consent(person, purpose, granted=True) for purpose in PURPOSES]
    for _ in range(scene.records):
        history.records += teller.next()
    history.until = teller.now + 3 * DAY
    return history


class _Teller:
    def __init__(
        self, rng: Random, scene: Scene, author: drawing.Author, drafts: dict[str, dict[str, object]], begin: int
    ) -> None:
        self.rng, self.scene, self.author, self.drafts = rng, scene, author, drafts
        self.now = begin // GRID * GRID
        self.told: list[Told] = []
        self.number = 0

    def publication(self) -> Publish:
        settings = {"time_zone": self.scene.time_zone}
        if self.scene.sending:
            settings["sending"] = self.scene.sending
        texts = {name: self.author.text(draft) for name, draft in self.drafts.items()}
        return Publish(self.now, drawing.files(texts), settings, "somebody")

    def next(self) -> list[Told]:
        rng = self.rng
        self.now += rng.choices(
            (0, GRID, rng.randrange(6) * GRID, rng.randrange(40) * GRID, rng.randrange(MINUTE), rng.randrange(3) * DAY),
            (6, 5, 4, 2, 2, 0.2),
        )[0]
        person = rng.choice(self.scene.people if rng.random() < 0.94 else NEWCOMERS)
        kinds = ["event"] * 24 + ["$identify"] * 3 + ["consent"] * 2 + ["repeat", "call", "call", "launch"]
        if self.scene.steers:
            kinds += ["steer", "steer"]
        if self.scene.edits:
            kinds += ["publish"] * 2
        if self.scene.ties:
            kinds += ["tie"] * 3 + ["unmerge"]
        record = self._one(rng.choice(kinds), person)
        self.told.append(record)
        return [record]

    def _one(self, kind: str, person: str) -> Told:
        rng = self.rng
        names = list(self.drafts)
        match kind:
            case "$identify":
                return self.event(person, kind)
            case "consent":
                granted = rng.random() < 0.7
                return Consent(
                    1, "shop", "server", person, self._id(), "email_marketing", granted, self._when(), self.now
                )
            case "repeat" if [one for one in self.told if isinstance(one, Event)]:
                again = rng.choice([one for one in self.told if isinstance(one, Event)])
                return _received(again, self.now)
            case "call":
                called = [name for name in names if "call" in self._start(name)] or names
                message_id, journey = self._id(), rng.choice(called)
                return Enter(1, "shop", "server", person, message_id, journey, rng.choice(("", "x", "y")), self.now)
            case "launch":
                campaigns = [name for name in names if "campaign" in self._start(name)] or names
                return Launch(self.now, rng.choice(campaigns), "", "somebody", "somebody else")
            case "steer":
                order = rng.choice(ORDERS)
                return Steer(self.now, rng.choice(names), order, "somebody")
            case "publish":
                name = rng.choice(names)
                self.drafts[name] = self.author.edited(self.drafts[name])
                return self.publication()
            case "tie":
                user, visitor = rng.choice(self.scene.people), rng.choice(ANONYMOUS)
                return self.event(user, "$identify", (user, visitor))
            case "unmerge":
                return Unmerge(self.now, rng.choice(ANONYMOUS), "somebody")
        who = rng.choice((person, *ANONYMOUS)) if self.scene.ties else person
        return self.event(who, rng.choice(drawing.EVENTS))

    def _start(self, name: str) -> dict[str, object]:
        start = self.drafts[name]["start"]
        assert isinstance(start, dict)
        return start

    def _id(self) -> str:
        self.number += 1
        return f"m{self.number}"

    def _when(self) -> int:
        """Mostly now; sometimes late, on the grid or beside it."""
        rng = self.rng
        return (
            self.now
            - rng.choices(
                (0, rng.randrange(8) * GRID, rng.randrange(30) * GRID, rng.randrange(GRID), 1), (7, 3, 1, 1, 0.5)
            )[0]
        )

    def consent(self, person: str, purpose: str, *, granted: bool) -> Consent:
        return Consent(1, "shop", "server", person, self._id(), purpose, granted, self._when(), self.now)

    def event(self, person: str, name: str, ids: tuple[str, ...] = ()) -> Event:
        rng = self.rng
        if name == "$identify":
            values: dict[str, object] = {"country": rng.choice(("DE", "FR")), "plan": rng.choice(("gold", "free"))}
            if rng.random() < 0.5:
                values["timezone"] = rng.choice(ZONES)
            values["email"] = f"{(ids or (person,))[0][2:]}@example.com"
        else:
            values = {"price": rng.choice((10, 20, 30)), "cart": rng.choice(("x", "y"))}
            if rng.random() < 0.2:
                del values[rng.choice(list(values))]
            if rng.random() < 0.4:
                values["carts"] = rng.choice((["x", "y"], ["y"], "x", []))
        kind: Literal["identify", "track"] = "identify" if name == "$identify" else "track"
        ids, name_of = ids or (person,), self._id()
        return Event(1, "shop", "server", kind, name, person, ids, name_of, self._when(), self.now, pack(values))


def _received(event: Event, at: int) -> Event:
    return replace(event, received_at=at)
