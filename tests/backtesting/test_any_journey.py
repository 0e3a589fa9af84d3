"""Random journeys over random histories, with ties and un-merges, late and repeated events, caps, quiet hours, groups and
consents taken back: a backtest of each finds what the live engine had sent, at the same instants, to people in the same
segments."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from tactful.events.derived import SendMessage
from tactful.events.records import Launch, Publish, Steer
from tactful.kernel.gate import Claim, decide
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.operations.backtesting import dealing, preparing
from tactful.operations.backtesting.crew import Alone
from tactful.operations.backtesting.running import backtest
from tactful.operations.backtesting.tally import Line, Sent
from tactful.runtime import claims
from tactful.runtime.settings import Settings
from tactful.values import format_time
from tests.backtesting.shop_life import sent
from tests.histories import Life
from tests.simulation.journeys.histories import PEOPLE, Scene, draw
from tests.simulation.journeys.scenes import TIGHT, section

SET = {"pool_9", "pool_10"}
"""Segments that ask for what journeys set: that comes as an event, which the live engine reads behind the claim."""
SCENE = Scene(records=60, people=PEOPLE, ties=True, edits=False, steers=True, sending=section(TIGHT))


def lived(seed: int) -> tuple[Life, Publish, set[str]]:
    """Every record at an instant of its own, so that nobody can say what was first. Campaigns are launched, and journeys
    paused and stopped, and all sending switched off; of half the histories not of one of them, nor of all sending, since
    a backtest plays what was said of these only where it is asked. With the journeys of which something was said."""
    history = draw(seed, SCENE)
    records = [replace(one, received_at=one.received_at + nth) for nth, one in enumerate(history.records)]
    published = records[0]
    assert isinstance(published, Publish)
    life = Life(Settings(), 1 + seed % 3, published.received_at)
    if seed % 2:
        records = [one for one in records if not isinstance(one, Steer) or one.journey not in ("", f"j{seed % 3}")]
    for nth, one in enumerate(records):
        life.until(one.received_at)
        if isinstance(one, Launch):
            one = replace(one, version=life.workers[0].plan.journeys[one.journey].version)  # noqa: PLW2901  (as it is in force)
        life.take(one)
        if nth == 40:
            life.archive()
    life.until(history.until)
    return life, published, {one.journey for one in records if isinstance(one, Steer)}


class Gate:
    """The gate, with the segments in which people were who were let through."""

    def __init__(self) -> None:
        self.segments: dict[str, set[str]] = {}

    def decide(
        self, intent: SendMessage, profile: Profile, run: Any, plan: CompiledPlan, *others: Any, **more: Any
    ) -> Any:
        found = decide(intent, profile, run, plan, *others, **more)
        if isinstance(found, Claim):
            self.segments[intent.intent] = {plan.by_number[number].name for number in profile.segments}
        return found


def compare(seed: int) -> int:
    """How many messages there were."""
    gate = Gate()
    with patch.object(claims, "decide", gate.decide):
        life, published, steered = lived(seed)
    found = 0
    for journey in ("j0", "j1", "j2"):
        text = published.files[f"journeys/{journey}.yaml"]
        is_steered = seed % 2 == 0
        if not is_steered and ("campaign:" in text or journey in steered):  # A backtest says otherwise of both.
            continue
        messages: list[Sent] = []
        asked = preparing.Asked(
            journey, text, first="2025-01-01", last=format_time(life.clock.now_us() + 1000), orders=is_steered
        )
        with life.history().open() as opened:
            plan, outbox = life.house.plan(0), life.house.outbox
            wanted = preparing.wanted(asked, published.files, published.settings, plan, opened, outbox, 10)
            backtest(
                opened,
                wanted,
                Alone(),
                lambda _: None,
                _into(messages),
            )
        assert {one.intent: one.at for one in messages} == sent(life, journey), f"seed {seed}, {journey}:\n{text}"
        for one in messages if len(life.workers) == 1 else ():  # Of several, one may hear of a tie behind the claim.
            assert {*one.segments} - SET == gate.segments[one.intent] - SET, f"seed {seed}, {journey}: {one}"
        found += len(messages)
    return found


def _into(messages: list[Sent]) -> Callable[[int, Line], None]:
    return lambda _, one: messages.append(one) if isinstance(one, Sent) else None


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "UNIT_ROWS", 8)


def test_what_was_sent_is_found_again() -> None:
    assert sum(map(compare, range(5, 10))) > 5


@pytest.mark.long
@pytest.mark.parametrize("first", range(10, 210, 20))
def test_of_many(first: int) -> None:
    for seed in range(first, first + 20):
        compare(seed)
