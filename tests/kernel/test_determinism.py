"""I2 and I10: the same log gives the same bytes, wherever the commits were cut; and states stay small and readable."""

from random import Random

import msgspec
import pytest

from tactful.events.derived import SegmentEntered
from tactful.events.records import Event, Forwarded, Plan, Publish, Tick, pack
from tactful.kernel.state import Fragment, PartitionState, Profile, decode_partition, decode_profile
from tactful.kernel.state import encode as encode_state
from tests.kernel.driver import Driver
from tests.kernel.test_oracle import History
from tests.simulation.histories import START, publish
from tests.simulation.shop import FIRST, GRID, HOUR, MINUTE
from tests.tries import seeds


def track(name: str, at: int, message_id: str, key: str = "u:1", timestamp: int | None = None) -> Event:
    happened = at if timestamp is None else timestamp
    return Event(1, "shop", "server", "track", name, key, (key,), message_id, happened, at, pack({"price": 30}))


@pytest.mark.parametrize("seed", seeds(14, 40))
def test_i2_where_commits_are_cut_changes_no_byte(seed: int) -> None:
    history = History(seed)
    history.driver.append(publish("first", START))
    for _ in range(100):
        history.act()
    told = []
    for cut_after in (1, 2, 7, 1000):
        again = Driver()
        again.log = history.driver.log
        again.read(cut_after)
        told.append(again.bytes())
    assert told[1:] == told[:-1]
    assert told[0] == history.driver.bytes()


def test_i2_a_crash_forgets_only_what_the_log_says_again() -> None:
    history = History(5)
    history.driver.append(publish("first", START))
    for _ in range(60):
        history.act()
    log = history.driver.log
    for stop in (10, 33, len(log)):
        again = Driver()
        again.log = log[:stop]
        again.read(3)
        again.log = log
        again.read(5)
        assert again.bytes() == history.driver.bytes()


def test_i10_a_plan_means_the_same_in_every_partition() -> None:
    first, second = Driver(0, 2), Driver(1, 2)
    first.append(publish("first", START))
    first.read()
    ((destination, number, body),) = first.outgoing
    assert (destination, number) == (1, 1)
    second.log.append(body)
    second.read()
    for driver in (first, second):
        driver.append(track("Product Added", START + HOUR, "m1"))
        driver.settle(START + 2 * HOUR)
    assert first.rows() == second.rows()
    assert [intent.intent for intent in first.intents] == [intent.intent for intent in second.intents]


def test_i3_a_record_of_a_channel_is_read_once() -> None:
    driver = Driver(1, 2)
    plan = Plan(1, publish("first", START))
    told = Forwarded(START, 0, 1, START, msgspec.Raw(msgspec.msgpack.encode(plan)))
    driver.append(told, told)
    driver.read()
    assert driver.plan.version == 1
    assert driver.state.generation == 1
    assert driver.state.received == {0: 1}


def test_a_new_person_is_looked_at_in_all_segments() -> None:
    driver = Driver()
    driver.append(publish("first", START), track("Something Else", START + 1, "m1"))
    driver.read()
    assert [row[2] for row in driver.rows()["u:1"] if row[1] == "entered"] == ["strangers"]


def test_i6_half_open_windows_to_the_microsecond() -> None:
    driver = Driver()
    driver.append(publish("first", START), track("Product Viewed", START + 1, "m1"))
    driver.append(Tick(START + 1 + HOUR - 1, 10))
    driver.read()
    assert [row[1] for row in driver.rows()["u:1"] if row[2] == "browsing"] == ["entered"]
    driver.append(Tick(START + 1 + HOUR, 10))
    driver.read()
    left = (START + 1 + HOUR, "left", "browsing", "time")
    assert left in driver.rows()["u:1"]


def test_i6_a_timer_due_at_an_instant_fires_before_a_record_of_that_instant() -> None:
    driver = Driver()
    at = START + MINUTE
    driver.append(publish("first", START), track("Product Added", at, "m1"))
    driver.append(track("Order Completed", at + 30 * MINUTE, "m2"))
    driver.read()
    assert [intent.journey for intent in driver.intents] == ["cart"]
    assert driver.profiles()["u:1"].runs[0].exited_by, "the gate must see that the order came before the claim"


def test_a_start_that_arrives_behind_its_unless_event_starts_nothing() -> None:
    driver = Driver()
    ordered, added = START + 2 * MINUTE, START + MINUTE
    driver.append(publish("first", START), track("Order Completed", ordered, "m1"))
    driver.append(track("Product Added", ordered + 5, "m2", timestamp=added))
    driver.settle(START + 2 * HOUR)
    assert (ordered + 5, "ended", "cart", "came first") in driver.rows()["u:1"]
    assert [intent for intent in driver.intents if intent.journey == "cart"] == []


def test_what_was_due_before_a_plan_is_decided_by_the_plan_before() -> None:
    driver = Driver()
    driver.append(publish("first", START), track("Product Viewed", START + MINUTE, "m1"))
    driver.append(publish("second", START + HOUR))
    driver.settle(START + 2 * HOUR)
    (intent,) = [intent for intent in driver.intents if intent.journey == "nudge"]
    assert intent.at == START + 11 * MINUTE


def test_a_limit_forgets_nothing_for_a_start_that_is_due_much_later() -> None:
    """Looking ahead to the instant at which a run will be due must not forget what still counts before it."""
    journey = "start: {event: A}\nwait: 10h\nunless: B\nlimit: 1 per 3h\nsend: {webhook: 'https://h.example.com/'}\n"
    driver = Driver()
    driver.append(Publish(START, {"journeys/j.yaml": journey}, {}))
    driver.append(track("A", START + 1, "m1"))
    driver.settle(START + 10 * HOUR + 1)
    sent = START + 10 * HOUR + 1
    driver.append(track("A", sent + 1, "m2"), track("B", sent + 2, "m3"))
    driver.append(track("A", sent + 4, "m4", timestamp=sent + 3 - 8 * HOUR))
    driver.settle(sent + 20 * HOUR)
    assert len(driver.intents) == 1


def test_a_profile_at_rest_stays_under_a_kilobyte() -> None:
    segments = {f"segments/s{n}.yaml": f'when: count("E{n % 10}", last="{n + 1}d") >= {n % 3 + 1}\n' for n in range(20)}
    driver = Driver()
    driver.append(Publish(START, segments | {f"messages/{k}.yaml": v for k, v in FIRST.messages.items()}, {}))
    rng = Random(3)
    for number in range(20):
        driver.append(track(f"E{rng.randrange(10)}", START + number * MINUTE, f"message-{number}", "u:customer-4711"))
    driver.read()
    size = len(driver.states["u:customer-4711"])
    assert size <= 1000, size


def test_states_of_tomorrow_with_fields_more_are_read_today_and_those_of_yesterday_too() -> None:
    profile = Profile("u:1", 1, 7, b"", {"u:1#1": Fragment([], {}, {}, {})}, {3: START}, [], {})
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(encode_state(profile)), "new"])
    assert decode_profile(longer) == profile
    shorter = msgspec.msgpack.encode(msgspec.msgpack.decode(encode_state(profile), type=list[msgspec.Raw])[:8])
    assert decode_profile(shorter) == profile
    state = PartitionState(0, 4, clock=START)
    assert (
        decode_partition(
            msgspec.msgpack.encode(msgspec.msgpack.decode(encode_state(state), type=list[msgspec.Raw])[:3])
        )
        == state
    )


def test_i8_a_flip_names_the_readings_behind_it() -> None:
    driver = Driver()
    driver.append(publish("first", START), track("Order Completed", START + GRID, "m1"))
    driver.settle(START + 10 * HOUR)
    rows = [row for group in driver.groups for row in group.rows if isinstance(row, SegmentEntered)]
    assert {row.segment: [reading.value for reading in row.because] for row in rows} == {"sleeping": [True, False]}


def test_i6_the_end_of_a_warming_reaches_those_for_whom_nothing_is_due() -> None:
    driver = Driver()
    driver.append(publish("second", START), *(track("Product Viewed", START, f"m{n}") for n in range(2)))
    driver.read()
    driver = Driver()
    segment = {"segments/viewers.yaml": 'when: \'count("Product Viewed", last="2h") < 2\'\n'}
    driver.append(track("Something Else", START, "m1"), Publish(START + 1, segment, {}))
    driver.settle(START + 1)
    assert driver.profiles()["u:1"].wake_at is None
    driver.settle(START + 1 + 2 * HOUR)
    assert (START + 1 + 2 * HOUR, "entered", "viewers", "publish") in driver.rows()["u:1"]
