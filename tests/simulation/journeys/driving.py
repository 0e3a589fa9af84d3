"""The engine driven by hand over a history, as one partition: what it decided, row by row, beside the oracle.

Ticks come as time passes, or (an engine that was away) only when the next record comes. What becomes of a message is
told some time later; it is drawn from its name, so that it stays the same when the history is made smaller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.events.records import Launch, Outcome, Publish, Steer, Tick, decode
from tactful.runtime.claims import Claims
from tactful.runtime.outcomes import outcome
from tactful.runtime.ports import Verdict
from tests.kernel.driver import Driver
from tests.simulation.counting import demand_counts
from tests.simulation.journeys.gating import NOTHING, Recorder, Sending, wrong
from tests.simulation.journeys.histories import History, Told
from tests.simulation.journeys.oracle import Oracle, difference
from tests.simulation.journeys.reading import DAY
from tests.simulation.journeys.runs import Row
from tests.simulation.journeys.telling import chance, name_of, told

MINUTE = 60_000_000
STATUSES = ("sent", "sent", "sent", "refused", "rejected", "lapsed", "held", "dropped", "")


@dataclass
class Play:
    """One history; `away` says that the engine sleeps between records."""

    history: History
    away: bool = False
    driver: Driver = field(default_factory=Driver)
    due: list[tuple[int, Told]] = field(default_factory=list)
    known: int = 0
    relayed: int = 0

    def run(self) -> "Play":
        for record in self.history.records:
            self._outcomes_until(record.received_at)
            self._append(record)
        self.away = False
        self._outcomes_until(self.history.until)
        self._pass_time(self.history.until)
        self._append(Tick(self.history.until, 100))
        return self

    # ---- time ----------------------------------------------------------------------------------------------------

    def _append(self, record: Told) -> None:
        if not self.away:
            self._pass_time(record.received_at)
        elif isinstance(record, Steer | Launch | Publish):
            self._settle()
        self.driver.append(self._as_published(record))
        self._read()

    def _read(self) -> None:
        """To the end of the log, with what the partition tells itself by it."""
        driver = self.driver
        driver.read()
        while self.relayed < len(driver.outgoing):
            driver.log += [body for _, _, body in driver.outgoing[self.relayed :]]
            self.relayed = len(driver.outgoing)
            driver.read()
        demand_counts(driver.state, driver.states.values())
        self._learn()

    def _as_published(self, record: Told) -> Told:
        """A launch is of the version that is in force."""
        if isinstance(record, Launch) and record.journey in self.driver.plan.journeys:
            version = self.driver.plan.journeys[record.journey].version
            return Launch(record.received_at, record.journey, version, record.author, record.approved_by)
        return record

    def _pass_time(self, until: int) -> None:
        for _ in range(10_000):
            at = self._next()
            if at is None or at > until:
                return
            self.driver.append(Tick(max(at, self.driver.state.clock), 100))
            self._read()
        raise AssertionError("somebody is due for ever")

    def _settle(self) -> None:
        """Everybody hears of what was said to all, before more is said."""
        while self.driver.state.sweep is not None:
            self.driver.append(Tick(self.driver.state.clock, 100))
            self._read()

    def _next(self) -> int | None:
        driver = self.driver
        if driver.state.sweep is not None:
            return driver.state.clock
        wakes = [profile.wake_at for profile in driver.profiles().values()]
        instants = [*wakes, driver.state.ready_at, driver.state.start_at]
        return min((at for at in instants if at is not None), default=None)

    # ---- outcomes ------------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        for intent in self.driver.intents[self.known :]:
            rng = Random(f"{self.history.seed} {name_of(intent)}")
            status, after = rng.choice(STATUSES), rng.choice((0, 1, 10 * MINUTE, 30 * MINUTE, DAY))
            if status:
                at = self.driver.state.clock + after
                self.due.append((at, Outcome(at, intent.key, intent.intent, status, "because", journey=intent.journey)))
        self.known = len(self.driver.intents)

    def _outcomes_until(self, until: int) -> None:
        while ready := sorted((one for one in self.due if one[0] <= until), key=lambda one: one[0]):
            self.due.remove(ready[0])
            self._append(ready[0][1])

    # ---- compared ------------------------------------------------------------------------------------------------

    def rows(self) -> dict[str, list[Row]]:
        return told(self.driver.groups)

    def differences(self) -> list[str]:
        """Of rows, and of what the gate said at its place in the log."""
        intents = {intent.intent: name_of(intent) for intent in self.driver.intents}
        oracle = Oracle(chance(self.driver.groups), intents)
        answers: list[str] = []
        for place, body in enumerate(self.driver.log, 1):
            oracle.read(place, decode(body))
            answers += self.answers(oracle, place)
        return difference(self.rows(), oracle.stories) + answers + self._replay()

    def _replay(self) -> list[str]:
        """The log alone, read in one go, gives the same rows and so the same intents."""
        again = Driver()
        again.log = self.driver.log
        again.read(1000)
        return [] if again.groups == self.driver.groups else ["a replay makes other rows"]

    def answers(self, oracle: Oracle, place: int) -> list[str]:
        """What is wrong with the gate's answers at this place; nobody has asked it here."""
        return []


@dataclass
class GatedPlay(Play):
    """With an outbox, whose intents are put before the gate at once; what is claimed is sent some time later."""

    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    sending: Sending = NOTHING

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.outbox, lambda _: self.driver.position)
        self.claims = Claims(0, self.outbox, {"email": 100, "webhook": 100})
        self.busy: list[tuple[int, str]] = []
        """When a receiver will have answered."""

    def _learn(self) -> None:
        new = self.driver.intents[self.known :]
        self.known = len(self.driver.intents)
        self.outbox.put(0, new)
        self._decide()

    def _decide(self) -> None:
        driver, now = self.driver, self.driver.state.clock
        self.claims.look()
        while self.claims.decide(
            driver.plan, driver._find, now, position=driver.position, is_behind=False, state=driver.state
        ):
            pass
        for row in self.outbox.rows(limit=1 << 30):
            if row.status == "claimed" and self.outbox.hand_off([row.intent.intent], "deliver"):
                rng = Random(f"{self.history.seed} {row.intent.intent} {row.attempt}")
                self.busy.append((now + rng.choice((0, 1, 10 * MINUTE, 30 * MINUTE)), row.intent.intent))
        self._report(now)

    def _report(self, now: int) -> None:
        for row in self.outbox.unreported(1000):
            self.due.append((now, outcome(row, now)))
            self.outbox.reported([(row.intent.intent, row.status, row.intent.key)])

    def _next(self) -> int | None:
        instants = [super()._next(), self.outbox.next_waiting(0, self.driver.state.clock), *(at for at, _ in self.busy)]
        return min((at for at in instants if at is not None), default=None)

    def _pass_time(self, until: int) -> None:
        """Receivers answer on the way."""
        for _ in range(10_000):
            self._outcomes_until(self.driver.state.clock)
            at = self._next()
            if at is None or at > until:
                return
            self.driver.append(Tick(max(at, self.driver.state.clock), 100))
            self._finish(at)
            self._read()
        raise AssertionError("somebody is due for ever")

    def _finish(self, at: int) -> None:
        for one in [one for one in self.busy if one[0] <= at]:
            self.busy.remove(one)
            status = Random(f"{self.history.seed} {one[1]}").choice(("sent", "sent", "sent", "rejected", "held"))
            self.outbox.finish([Verdict(one[1], status, "because")], at)
        self._report(max(at, self.driver.state.clock))

    def answers(self, oracle: Oracle, place: int) -> list[str]:
        return wrong(oracle, (one for one in self.recorder.asked if one.position == place), self.sending)


def smaller(history: History, fails: Callable[[History], bool]) -> History:
    """The history without what is not needed for the failure: halves first, then single records, then journeys."""
    kept: Sequence[Told] = history.records
    size = max(1, len(kept) // 2)
    while size:
        place = 1
        while place < len(kept):
            fewer = [*kept[:place], *kept[place + size :]]
            if fails(History(history.seed, history.texts, fewer, history.until)):
                kept = fewer
            else:
                place += size
        size //= 2
    return History(history.seed, history.texts, list(kept), history.until)
