"""Random histories through step(), against the oracle, after every record."""

from random import Random

import pytest

from tactful.events.derived import SendMessage, place
from tactful.events.records import Event, Outcome, Tick, decode
from tests.kernel.driver import Driver
from tests.simulation.histories import START, consent, event, pause, publish, score, threshold
from tests.simulation.oracle import Oracle, difference
from tests.simulation.shop import GRID
from tests.tries import seeds

SEEDS = seeds(20, 150)
OUTCOMES = ("sent", "refused", "rejected", "lapsed", "held", "dropped")


class History:
    """A driver and an oracle that read the same log."""

    def __init__(self, seed: int, people: int = 3) -> None:
        self.rng = Random(seed)
        self.driver = Driver()
        self.oracle = Oracle(0)
        self.now = START
        self.people = [f"u:{number}" for number in range(people)]
        self.told = 0
        self.sent: list[SendMessage] = []

    def act(self) -> None:
        rng, driver = self.rng, self.driver
        self.now += pause(rng)
        at = self.now - rng.choice((0, 0, 0, GRID // 2, GRID))
        key = rng.choice(self.people)
        message_id = f"m{len(driver.log)}"
        kinds = ["event"] * 12 + ["consent", "score", "repeat", "tick", "tick", "outcome", "publish", "threshold"]
        match rng.choice(kinds):
            case "event":
                driver.append(event(rng, key, at, message_id))
            case "consent":
                driver.append(consent(rng, key, at, message_id))
            case "score":
                driver.append(score(rng, key, at, message_id))
            case "threshold" if self.is_settled() and rng.random() < 0.5:
                driver.append(threshold(rng, self.now))
            case "repeat":
                events = [record for body in driver.log if isinstance(record := decode(body), Event)]
                if events:
                    driver.append(rng.choice(events[-20:]))
            case "outcome" if driver.intents:
                intent = rng.choice(driver.intents)
                driver.append(Outcome(at, intent.key, intent.intent, rng.choice(OUTCOMES), "because"))
            case "publish" if self.is_settled() and rng.random() < 0.5:
                driver.append(publish(rng.choice(("first", "second")), self.now))
            case "tick":
                driver.append(Tick(self.now, rng.choice((1, 2, 100))))
        driver.read()
        self.check()

    def is_settled(self) -> bool:
        """What a plan said that was replaced before somebody met it, nobody knows."""
        state = self.driver.state
        return state.sweep is None and (state.ready_at is None or state.ready_at > self.now)

    def check(self) -> None:
        """The oracle may be ahead where a Tick has not come yet; it is never contradicted."""
        for intent in self.driver.intents[len(self.oracle.intents) :]:
            position = place(intent.started_ref)[1]
            self.oracle.intents[intent.intent] = (intent.key, intent.journey, intent.started_at, position)
        for position in range(self.told + 1, len(self.driver.log) + 1):
            self.oracle.read(position, decode(self.driver.log[position - 1]))
        self.told = len(self.driver.log)
        self.oracle.settle()
        surplus, missing = difference(
            self.driver.rows(), {key: person.rows for key, person in self.oracle.people.items()}
        )
        late = {(key, row[0]) for key, *row in missing}
        assert surplus == [], f"after {self.told} records"
        profiles = self.driver.profiles()
        for key, at in late:
            wake = profiles[key].wake_at
            is_unsettled = profiles[key].settled < self.driver.state.generation
            assert is_unsettled or (wake is not None and wake <= at), (key, at, missing)


@pytest.mark.parametrize("seed", SEEDS)
def test_i6_every_flip_run_and_intent_is_where_the_oracle_says(seed: int) -> None:
    history = History(seed)
    if seed % 3:
        history.driver.append(publish("first", START))
        history.driver.read()
    for _ in range(120):
        history.act()
    history.driver.settle(history.now)
    history.check()
    history.driver.settle(history.now + 100 * GRID)
    history.check()
    ours, truth = history.driver.rows(), {key: person.rows for key, person in history.oracle.people.items()}
    assert difference(ours, truth) == ([], [])
