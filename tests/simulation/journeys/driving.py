"""The engine driven by hand over a history, as one partition: what it decided, row by row, beside the oracle.

Ticks come as time passes, or (an engine that was away) only when the next record comes. What becomes of a message is
told some time later; it is drawn from its name, so that it stays the same when the history is made smaller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tactful.events.records import Launch, Outcome, Publish, Record, Steer, Tick, decode
from tests.kernel.driver import Driver
from tests.simulation.journeys.histories import History
from tests.simulation.journeys.oracle import Oracle, Row, difference
from tests.simulation.journeys.reading import DAY
from tests.simulation.journeys.telling import chance, name_of, told

MINUTE = 60_000_000
STATUSES = ("sent", "sent", "sent", "refused", "rejected", "lapsed", "held", "dropped", "")


@dataclass
class Play:
    """One history; `away` says that the engine sleeps between records."""

    history: History
    away: bool = False
    driver: Driver = field(default_factory=Driver)
    due: list[tuple[int, Record]] = field(default_factory=list)
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

    def _append(self, record: Record) -> None:
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
        self._learn()

    def _as_published(self, record: Record) -> Record:
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

    def oracle(self) -> Oracle:
        intents = {intent.intent: name_of(intent) for intent in self.driver.intents}
        oracle = Oracle(chance(self.driver.groups), intents)
        for place, body in enumerate(self.driver.log, 1):
            oracle.read(place, decode(body))
        return oracle

    def differences(self) -> list[str]:
        return difference(self.rows(), self.oracle().stories)


def smaller(history: History, fails: Callable[[History], bool]) -> History:
    """The history without what is not needed for the failure: halves first, then single records, then journeys."""
    kept: Sequence[Record] = history.records
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
