"""The oracle: what a partition's log means, worked out the slow and obvious way.

Everything is looked at again at every instant at which anything could change, over lists of all that ever happened. It
shares no code with the engine but the decoding of records, and believes the lambdas of shop.py, not the texts.

Rows are tuples (instant, what, ...); their order within one instant means nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from tactful.events.records import (
    Consent,
    Event,
    Forwarded,
    Outcome,
    Plan,
    Publish,
    Record,
    Score,
    Threshold,
    decode,
    unpack,
)
from tests.simulation.definitions import Holds, Journey, Segment, Shop
from tests.simulation.people import Kept, Order, Person, Row, Run
from tests.simulation.shop import SHOPS

NEVER = 1 << 62
GIVES_BACK = ("refused", "lapsed", "rejected", "dropped")


@dataclass
class Era:
    """From this instant on this shop is published; `ready` says from when each definition speaks."""

    at: int
    position: int
    shop: Shop
    is_empty: bool
    """The partition had seen no event; and nobody, where there are others, in which people may have been before."""
    ready: dict[str, int]


class Oracle:
    """Feed it the records of one partition in order; `people` then says what should have been."""

    def __init__(self, partition: int, *, is_alone: bool = False) -> None:
        self.partition = partition
        self.is_alone = is_alone
        self.clock = 0
        self.position = 0
        self.clocks: dict[int, int] = {}
        """The clock after the record at each position."""
        self.people: dict[str, Person] = {}
        self.thresholds: dict[tuple[str, float], tuple[int, float]] = {}
        self.eras: list[Era] = []
        self.kept = 0
        self.heard: set[tuple[int, int]] = set()
        self.seen: set[tuple[str, str]] = set()
        self.intents: dict[str, tuple[str, str, int, int]] = {}
        """What an intent's id stands for: person, journey, when the run started and by the record at which position. Told
        by the test, since ids are digests."""

    # ---- the log -----------------------------------------------------------------------------------------------

    def read(self, position: int, record: Record) -> None:
        self._take(position, record)
        self.position = position
        self.clocks[position] = self.clock

    def _take(self, position: int, record: Record) -> None:
        if isinstance(record, Forwarded):
            self.clock = max(self.clock, record.received_at)
            if (record.src, record.seq) not in self.heard:
                self.heard.add((record.src, record.seq))
                self.clock = max(self.clock, record.clock)
                self._apply(position, decode(record.record))
            return
        self.clock = max(self.clock, getattr(record, "received_at", 0))
        self._apply(position, record)

    def _apply(self, position: int, record: Record) -> None:
        if isinstance(record, Plan):
            self._publish(position, record.publish)
        elif isinstance(record, Publish):
            self._publish(position, record)
        elif isinstance(record, Threshold):
            self._threshold(record)
        elif isinstance(record, Event | Consent | Score) and (record.key, record.message_id) not in self.seen:
            self.seen.add((record.key, record.message_id))
            self._known(record.key, position, record)
        elif isinstance(record, Outcome) and record.intent in self.intents:
            self._outcome(record)

    def settle(self) -> None:
        """Let time pass for everybody up to the partition's clock."""
        for person in self.people.values():
            self._pass_time(person, self.clock)

    def _publish(self, position: int, publish: Publish) -> None:
        self.settle()
        self.eras.append(self._era(position, SHOPS[publish.author]))
        names = {segment.name for segment in self.eras[-1].shop.segments}
        for person in self.people.values():
            for gone in person.members - names:
                person.rows.append((self.clock, "left", gone, "publish"))
            person.members &= names
            self._look(person, self.clock, "time")

    def _threshold(self, threshold: Threshold) -> None:
        self.settle()
        name = (threshold.metric, threshold.percent)
        if threshold.received_at < self.thresholds.get(name, (0, 0))[0]:
            return
        self.thresholds[name] = (threshold.received_at, threshold.value)
        for person in self.people.values():
            self._look(person, self.clock, "threshold")

    def _era(self, position: int, shop: Shop) -> Era:
        era = Era(self.clock, position, shop, self.kept == 0 and (self.is_alone or not self.people), {})
        for one in shop.parts():
            begun = self._begun(era, partial(_condition, one.name))
            era.ready[one.name] = begun.at
            for read in one.reads:
                begun = self._begun(era, partial(_does_read, read))
                exact = begun.at + (read[1] or NEVER) if not begun.is_empty else begun.at
                era.ready[one.name] = max(era.ready[one.name], exact)
        return era

    def _begun(self, era: Era, part: Callable[[Shop], object]) -> Era:
        """The era since which a part of the shop has been published without a break."""
        begun = era
        for before in reversed([one for one in self.eras if one is not era]):
            if part(before.shop) != part(era.shop):
                break
            begun = before
        return begun

    # ---- one person's record -----------------------------------------------------------------------------------

    def _known(self, key: str, position: int, record: Event | Consent | Score) -> None:
        is_new = key not in self.people
        person = self.people.setdefault(key, Person(key, self.thresholds))
        if is_new:
            person.now = self.clock
        self._pass_time(person, self.clock)
        if isinstance(record, Event):
            self._event(person, position, record)
        elif isinstance(record, Score):
            person.said.append((record.received_at, position, record.model, record.value))
            self._look(person, self.clock, "import" if record.is_import else "score")
        else:
            order = (record.timestamp, record.received_at, position)
            person.consents.append((order, record.purpose, record.granted))
            person.rows.append((self.clock, "consent", record.purpose, record.granted))
            if not record.granted:
                self._withdraw(person, record.purpose)
            self._look(person, self.clock, "import" if record.is_import else "consent")

    def _withdraw(self, person: Person, purpose: str) -> None:
        """Without the consent that it needs no run waits on."""
        _, is_granted = max((order, granted) for order, about, granted in person.consents if about == purpose)
        for journey in self._journeys():
            if journey.purpose == purpose and not is_granted:
                for run in [run for run in person.runs if run.journey == journey.name and run.sent_at is None]:
                    person.runs.remove(run)
                    self._ended(person, self.clock, journey, "consent withdrawn")

    def _event(self, person: Person, position: int, event: Event) -> None:
        kept = Kept(event, position, unpack(event.properties))
        person.kept.append(kept)
        person.rows.append((event.timestamp, "kept", event.name, position))
        self.kept += 1
        for journey in self._journeys():
            if any(kept.is_named(name) for name in journey.unless):
                for run in [run for run in person.runs if run.journey == journey.name and run.sent_at is None]:
                    if run.start < kept.order:
                        person.runs.remove(run)
                        self._ended(person, self.clock, journey, "came first")
        self._look(person, self.clock, "import" if event.is_import else "event")
        for journey in self._journeys() if not event.is_import else ():
            if journey.event and kept.is_named(journey.event) and journey.where(kept.properties):
                self._start(person, journey, kept.order, self.clock)
        self._fire(person, self.clock)

    def _outcome(self, outcome: Outcome) -> None:
        key, *of = self.intents[outcome.intent]
        person = self.people[key]
        self._pass_time(person, self.clock)
        run = next((one for one in person.runs if one.sent_at is not None and one.name() == of), None)
        if run is None or (run.is_held and outcome.status == "held"):
            return
        if outcome.status == "held":
            run.is_held = True
        else:
            person.runs.remove(run)
        if outcome.status in GIVES_BACK:
            person.counted = [one for one in person.counted if one[2] is not run]
        person.rows.append((self.clock, "outcome", run.journey, run.start[0], outcome.status))

    # ---- time --------------------------------------------------------------------------------------------------

    def _pass_time(self, person: Person, until: int) -> None:
        while True:
            instants = self._instants(person)
            due = [at for at in instants if person.now < at <= until]
            if not due:
                break
            self._look(person, min(due), "time")
        person.now = until

    def _instants(self, person: Person) -> set[int]:
        """Every instant at which anything about the person might change by itself."""
        if not self.eras:
            return set()
        era = self.eras[-1]
        windows = {window for one in era.shop.parts() for _, window in one.reads if window}
        windows |= {edge for one in era.shop.segments for edge in one.edges}
        edges = {each.event.timestamp + window for each in person.kept for window in windows}
        edges |= {at for one in era.shop.segments for at in one.moments(person)}
        return edges | set(era.ready.values()) | {run.due for run in person.runs if run.sent_at is None}

    def _look(self, person: Person, at: int, cause: str) -> None:
        person.now = at
        if not self.eras:
            return
        era = self.eras[-1]
        for segment in era.shop.segments:
            if era.ready[segment.name] > at or segment.holds(person, at) == (segment.name in person.members):
                continue
            why = "publish" if cause == "time" and era.ready[segment.name] == at else cause
            self._flip(person, segment, at, why)
        self._fire(person, at)

    def _flip(self, person: Person, segment: Segment, at: int, cause: str) -> None:
        is_entry = segment.name not in person.members
        person.rows.append((at, "entered" if is_entry else "left", segment.name, cause))
        person.members ^= {segment.name}
        if is_entry and cause not in ("publish", "import"):
            for journey in self._journeys():
                if journey.segment == segment.name:
                    self._start(person, journey, (at, at, 0), at, segment.key(person, at))

    # ---- journeys ----------------------------------------------------------------------------------------------

    def _journeys(self) -> Iterable[Journey]:
        return self.eras[-1].shop.journeys if self.eras else ()

    def _holds(self, person: Person, journey: Journey, at: int) -> bool:
        holds: Holds | None = journey.condition
        return holds is None or (self.eras[-1].ready[journey.name] <= at and holds(person, at))

    def _ended(self, person: Person, at: int, journey: Journey, reason: str) -> None:
        person.rows.append((at, "ended", journey.name, reason))

    def _is_used(self, person: Person, journey: Journey, at: int) -> bool:
        if journey.limit is None:
            return False
        most, per = journey.limit
        return sum(name == journey.name and at - per < sent <= at for name, sent, _ in person.counted) >= most

    def _start(self, person: Person, journey: Journey, start: Order, now: int, key: str = "") -> None:
        if not self._holds(person, journey, now):
            return
        due = start[0] + journey.wait
        if now > due + journey.validity:
            self._ended(person, now, journey, "too late")
            return
        # Events at one time are ordered by their place here: that is what the state can keep.
        later = [(each.event.timestamp, each.position) for each in self._unwelcome(person, journey)]
        if start[2] > 0 and any(each > (start[0], start[2]) for each in later):
            self._ended(person, now, journey, "came first")
            return
        inside = [run for run in person.runs if run.journey == journey.name and run.sent_at is None]
        if any(not journey.is_restarting or start[0] < run.start[0] for run in inside):
            return
        if self._is_used(person, journey, max(due, now)):
            self._ended(person, now, journey, "limit")  # And whoever is inside goes on.
            return
        for run in inside:
            person.runs.remove(run)
            self._ended(person, now, journey, "restarted")
        person.runs.append(Run(journey.name, start, due, key))
        person.rows.append((now, "started", journey.name, due, key))

    def _unwelcome(self, person: Person, journey: Journey) -> list[Kept]:
        """Events that end a run, as far as they came while the journey was there to look."""
        since = self._begun(self.eras[-1], partial(_does_read, (journey.watches, None))).position
        named = [each for each in person.kept if any(each.is_named(name) for name in journey.unless)]
        return [each for each in named if each.position > since]

    def _fire(self, person: Person, at: int) -> None:
        for run in [run for run in person.runs if run.sent_at is None and run.due <= at]:
            journey = next((one for one in self._journeys() if one.name == run.journey), None)
            reason = ""
            if journey is None:
                reason = "unpublished"
            elif not self._holds(person, journey, at):
                reason = "no longer true"
            elif self._is_used(person, journey, at):
                reason = "limit"
            if reason or journey is None:
                person.runs.remove(run)
                person.rows.append((at, "ended", run.journey, reason))
                continue
            run.sent_at = at
            person.counted.append((journey.name, at, run))
            sent = (journey.channel, journey.message, run.due + journey.validity, run.key)
            person.rows.append((at, "send", journey.name, run.start[0], *sent))


def _reads(shop: Shop) -> set[tuple[str, int | None]]:
    watched: set[tuple[str, int | None]] = {(journey.watches, None) for journey in shop.journeys if journey.unless}
    return watched | {read for one in shop.parts() for read in one.reads}


def _does_read(read: tuple[str, int | None], shop: Shop) -> bool:
    return read in _reads(shop)


def _condition(name: str, shop: Shop) -> str | None:
    """The text that `name` stands for, segment or journey."""
    texts = {one.name: one.when + one.means for one in shop.segments} | {
        one.name: one.condition_text for one in shop.journeys
    }
    return texts.get(name)


def difference(ours: Mapping[str, list[Row]], truth: Mapping[str, list[Row]]) -> tuple[list[Row], list[Row]]:
    """Rows that are ours only, and rows that only the oracle has, each with its person."""
    surplus, missing = [], []
    for key in sorted({*ours, *truth}):
        mine, right = Counter(ours.get(key, ())), Counter(truth.get(key, ()))
        surplus += [(key, *row) for row in (mine - right).elements()]
        missing += [(key, *row) for row in (right - mine).elements()]
    return surplus, missing
