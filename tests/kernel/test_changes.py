"""What changes an answer beside events and time: scores, consents, thresholds, zones, traits, another version."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace

from tactful.aggregates.newest import Newest
from tactful.events.derived import SegmentEntered, SegmentLeft
from tactful.events.records import Consent, Event, Publish, Score, Threshold, Tick, pack
from tactful.kernel import names
from tactful.kernel.adopting import revise
from tactful.kernel.gate import Claim, decide
from tactful.kernel.plan import UnknownAggregate, compiled
from tactful.kernel.state import Fragment, PartitionState, Profile, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.turn import Turn
from tests.kernel.driver import Driver
from tests.simulation.histories import START
from tests.simulation.shop import DAY, HOUR

METRIC = {"metrics/spend.yaml": 'value: sum("Order Completed", total)\n'}


def project(**segments: str) -> dict[str, str]:
    return {f"segments/{name}.yaml": f"when: '{text}'\n" for name, text in segments.items()}


def started(files: dict[str, str], partition: int = 0, partitions: int = 1) -> Driver:
    driver = Driver(partition, partitions)
    driver.append(Publish(START, files, {"time_zone": "UTC"}))
    driver.read()
    return driver


def event(name: str, at: int, key: str = "u:1", *, happened: int = 0, zone: str = "", **properties: object) -> Event:
    context = pack({"timezone": zone} if zone else {})
    message_id = f"{name} {key} {at} {happened} {zone} {properties}"
    kind: Literal["identify", "track"] = "identify" if name == "$identify" else "track"
    return Event(
        1, "shop", "server", kind, name, key, (key,), message_id, happened or at, at, pack(properties), context
    )


def score(value: float, at: int, message_id: str = "") -> Score:
    return Score(1, "shop", "server", "u:1", message_id or f"score {value} {at}", "churn", value, at)


def flips(driver: Driver, segment: str, key: str = "u:1") -> list[tuple[int, str, str]]:
    rows = [row for group in driver.groups if group.key == key for row in group.rows]
    return [
        (row.at - START, "in" if isinstance(row, SegmentEntered) else "out", row.cause)
        for row in rows
        if isinstance(row, SegmentEntered | SegmentLeft) and row.segment == segment
    ]


def test_the_newest_score_counts_whenever_it_arrives() -> None:
    driver = started(project(unsure='score("churn") > 0.5'))
    driver.append(
        score(0.9, START + 10), score(0.1, START + 5), score(0.9, START + 10, "again"), score(0.2, START + 20)
    )
    driver.read()
    assert flips(driver, "unsure") == [(10, "in", "score"), (20, "out", "score")]


def test_a_person_exists_from_a_score_on() -> None:
    driver = started(project(strangers='not any("A")'))
    driver.append(score(0.9, START + 10))
    driver.read()
    assert flips(driver, "strangers") == [(10, "in", "score")]


def test_a_consent_that_happened_before_another_changes_nothing() -> None:
    driver = started(project(willing='consents("ads")'))

    def consent(granted: bool, happened: int, at: int) -> Consent:
        return Consent(1, "shop", "server", "u:1", f"c{at}", "ads", granted, START + happened, START + at)

    driver.append(consent(True, 10, 10), consent(False, 5, 20), consent(False, 30, 30))
    driver.read()
    assert flips(driver, "willing") == [(10, "in", "consent"), (30, "out", "consent")]


def test_a_threshold_is_looked_at_by_everybody_at_its_instant() -> None:
    driver = started(project(top='percentile("spend") >= 80', other='any("Order Completed")') | METRIC)
    driver.append(event("Order Completed", START + 1, total=50), event("Order Completed", START + 1, "u:2", total=5))
    driver.append(Threshold(START + 10, "spend", 80, 50))
    driver.settle(START + HOUR)
    assert flips(driver, "top") == [(10, "in", "threshold")]
    driver.append(Threshold(START + HOUR, "spend", 80, 5), Threshold(START + 20, "spend", 80, 1000))
    driver.append(Threshold(START + HOUR, "spend", 90, 1000))
    driver.settle(START + 2 * HOUR)
    assert flips(driver, "top") == [(10, "in", "threshold")]
    assert flips(driver, "top", "u:2") == [(HOUR, "in", "threshold")]


def test_who_is_new_is_compared_with_the_threshold_at_once() -> None:
    driver = started(project(low='percentile("spend") < 80') | METRIC)
    driver.append(Threshold(START + 10, "spend", 80, 50), event("A", START + 20))
    driver.read()
    assert flips(driver, "low") == [(20, "in", "event")]


def test_what_was_due_before_a_threshold_is_decided_by_the_threshold_before() -> None:
    driver = started(
        project(top='percentile("spend") >= 80')
        | {"metrics/spend.yaml": 'value: sum("Order Completed", total, last="1h")\n'}
    )
    driver.append(Threshold(START, "spend", 80, 10), event("Order Completed", START + 1, total=50))
    driver.append(Threshold(START + 2 * HOUR, "spend", 80, 0))
    driver.settle(START + 3 * HOUR)
    assert flips(driver, "top") == [(1, "in", "event"), (1 + HOUR, "out", "time"), (2 * HOUR, "in", "threshold")]


def test_a_threshold_is_told_through_the_channels() -> None:
    files = project(top='percentile("spend") >= 80') | METRIC
    first, second = started(files, 0, 2), Driver(1, 2)
    first.append(Threshold(START + 10, "spend", 80, 50))
    first.read()
    assert [partition for partition, _, _ in first.outgoing] == [1, 1]
    second.log += [body for _, _, body in first.outgoing]
    second.append(event("Order Completed", START + 20, total=50))
    second.read()
    assert flips(second, "top") == [(20, "in", "event")]


def test_a_settled_person_is_not_looked_at_again_under_an_old_plan_by_a_new_threshold() -> None:
    """At the instant of a publication the threshold was another one."""
    driver = Driver()
    driver.append(event("Order Completed", START - 1, total=50))
    driver.append(Publish(START, project(top='percentile("spend") >= 80') | METRIC, {}))
    driver.settle(START)
    driver.append(Threshold(START + 10, "spend", 80, 0))
    driver.settle(START + 20)
    assert flips(driver, "top") == []  # All-time sums count from the publication on.
    driver = started(project(top='percentile("churn") >= 80'))
    driver.append(score(0.7, START), Publish(START, project(more='percentile("churn") >= 80'), {}))
    driver.settle(START)
    driver.append(Threshold(START + 10, "churn", 80, 0.5))
    driver.settle(START + 20)
    assert flips(driver, "more") == [(10, "in", "threshold")]


def test_another_zone_recounts_days() -> None:
    noon = START // DAY * DAY + DAY + DAY // 2
    driver = started(project(twice='active_days("A", last="4d") >= 2'))
    driver.append(event("A", noon), event("A", noon + 9 * HOUR))
    driver.read()
    assert flips(driver, "twice") == []
    driver.append(event("B", noon + 9 * HOUR + 1, zone="Asia/Tokyo"), event("B", noon + 9 * HOUR + 2, zone="Nowhere"))
    driver.append(event("B", noon + 9 * HOUR + 3, happened=noon, zone="UTC"))
    driver.read()
    assert flips(driver, "twice") == [(noon + 9 * HOUR + 1 - START, "in", "event")]
    driver.append(event("$identify", noon + 10 * HOUR, timezone="UTC"))
    driver.append(event("B", noon + 10 * HOUR + 1, zone="Asia/Tokyo"))
    driver.append(event("$identify", noon + 11 * HOUR, timezone="Mars"))
    driver.read()
    assert flips(driver, "twice")[1:] == [
        (noon + 10 * HOUR - START, "out", "event"),
        (noon + 11 * HOUR - START, "in", "event"),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_workspace_says_the_zone_of_whom_nobody_told(zone: str) -> None:
    noon = START // DAY * DAY + DAY + DAY // 2
    driver = Driver()
    files = project(twice='active_days("A", last="4d") >= 2')
    driver.append(Publish(START, files, {"time_zone": zone}), event("A", noon), event("A", noon + 9 * HOUR))
    driver.append(Publish(noon + 10 * HOUR, files, {"time_zone": "Asia/Tokyo"}))
    driver.settle(noon + 11 * HOUR)
    expected = (
        [(noon + 9 * HOUR - START, "in", "event")] if zone != "UTC" else [(noon + 10 * HOUR - START, "in", "publish")]
    )
    assert flips(driver, "twice") == expected


def test_a_person_enters_as_a_time_of_the_person_comes() -> None:
    driver = started(project(over="now() >= time(ends)"))
    driver.append(event("$identify", START + 1, ends="2030-01-01"))
    driver.settle(START + 2)
    assert flips(driver, "over") == []
    assert driver.profiles()["u:1"].wake_at == 1_893_456_000_000_000
    driver.append(Tick(1_893_456_000_000_000, 10))
    driver.read()
    assert flips(driver, "over") == [(1_893_456_000_000_000 - START, "in", "time")]


def test_what_an_inner_segment_means_is_part_of_what_the_outer_means() -> None:
    outer = 'segment("inner") and country == "DE"'
    driver = started(project(inner='plan == "gold"', outer=outer))
    driver.append(event("$identify", START + 1, country="DE", plan="free"))
    driver.append(Publish(START + HOUR, project(inner='plan == "free"', outer=outer), {}))
    driver.settle(START + 2 * HOUR)
    assert flips(driver, "outer") == [(HOUR, "in", "publish")]


def test_a_segment_that_time_no_longer_moves_is_not_waited_for() -> None:
    driver = started(project(one='any("A", last="2h")', other='any("A", last="3h")'))
    driver.append(event("A", START + 1))
    driver.append(Publish(START + HOUR, project(one='country != "DE"', other='any("A", last="3h")'), {}))
    driver.settle(START + HOUR)
    driver.settle(START + 4 * HOUR)
    assert flips(driver, "one") == [(1, "in", "event")]
    assert flips(driver, "other") == [(1, "in", "event"), (1 + 3 * HOUR, "out", "time")]
    assert driver.profiles()["u:1"].wake_at is None


KEYED = {
    "segments/again.yaml": 'when: \'count("Product Viewed", same=sku, last="1h") >= 2\'\n',
    "journeys/remind.yaml": "start: {segment: again}\nwait: 10m\nsend: {webhook: 'https://h.example.com/'}\n",
}


def test_a_run_knows_what_it_is_about_and_templates_may_name_it() -> None:
    driver = started(KEYED)
    driver.append(*(event("Product Viewed", START + n, sku=sku) for n, sku in enumerate((7, "a", 7.0), 1)))
    driver.settle(START + HOUR)
    (intent,) = driver.intents
    assert intent.entry_key == "7"
    profile = driver.profiles()["u:1"]
    claim = decide(intent, profile, profile.runs[0], driver.plan, _NothingSent(), START + HOUR)
    assert isinstance(claim, Claim)
    frozen = msgspec.msgpack.decode(claim.frozen)
    assert (frozen["key"], frozen["event"]["key"]) == ("u:1", "7")


class _NothingSent:
    def is_suppressed(self, address: str) -> bool:
        return False

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        return 0

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        return 0

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        return 0

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        return None


def test_a_journey_that_an_event_starts_is_about_what_its_condition_counts() -> None:
    journey = """start: {event: Product Viewed}
if: 'count("Product Viewed", same=sku, last="1h") >= 2'
send: {webhook: 'https://h.example.com/'}
"""
    driver = started({"journeys/remind.yaml": journey})
    driver.append(*(event("Product Viewed", START + n, sku=sku) for n, sku in enumerate((True, True), 1)))
    driver.read()
    assert [intent.entry_key for intent in driver.intents] == ["true"]


# ---- another version -----------------------------------------------------------------------------------------------


def test_a_state_of_a_kind_that_nobody_knows_is_left_out() -> None:
    profile = Profile("u:1", 1, 7, b"", {"u:1#1": Fragment([], {3: Newest([5], [6])}, {}, {})}, {}, [], {})
    values = msgspec.msgpack.decode(encode_state(profile))
    values[4]["u:1#1"][1] |= {4: [999, "of tomorrow"], 5: "no state at all"}
    assert decode_profile(msgspec.msgpack.encode(values)) == profile


def test_a_plan_of_another_version_goes_on_with_what_was_counted() -> None:
    files = project(seen='any("A", last="1d")', more='count("A", last="2h") >= 2')
    driver = started(files)
    driver.append(event("A", START + 1), event("A", START + 2))
    driver.read()
    assert driver.plan_state is not None
    before = driver.plan_state.numbers
    numbers = {"a kind of yesterday" if text.startswith("newest 2 of") else text: n for text, n in before.items()}
    assert numbers.keys() != before.keys()
    driver.plan_state = replace(driver.plan_state, numbers=numbers)
    with pytest.raises(UnknownAggregate):
        compiled(driver.plan_state)
    turn = Turn(driver.state, driver.plan, driver.plan_state, driver._find)
    revise(turn, 1)
    driver._turn = turn
    driver.cut()
    assert driver.plan_state.numbers["segment/seen"] == numbers["segment/seen"]
    driver.settle(START + HOUR)
    assert [name for name in ("seen", "more") if flips(driver, name)[-1][1] == "in"] == ["seen", "more"]
    driver.settle(START + 4 * HOUR)
    assert flips(driver, "more")[-1][1] == "out", "warm again after two hours, and then exact"


# ---- what came -----------------------------------------------------------------------------------------------------


def test_events_are_counted_by_name_and_day() -> None:
    state = PartitionState(0, 1)
    for day in range(12):
        state.clock = START + day * DAY
        for _ in range(day + 1):
            names.count(state, "A")
    assert names.counted(state, state.clock) == {"A": sum(range(5, 13))}
    assert names.counted(state, state.clock + 7 * DAY) == {"A": 12}
    assert names.counted(state, state.clock + 8 * DAY) == {}
    state.clock += 30 * DAY
    names.count(state, "B")
    assert state.names == {"B": [0] * 7 + [1]}


def test_names_without_end_do_not_grow_the_state() -> None:
    state = PartitionState(0, 1, clock=START)
    for number in range(5_000):
        names.count(state, f"Order {number}")
    assert len(state.names) == names.MOST_NAMES
