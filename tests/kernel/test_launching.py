"""What begins, goes on or ends for everybody at one instant: schedules, campaigns, calls, orders of somebody."""

from typing import Any

import pytest

from tactful.events.records import Launch, Tick
from tests.kernel.journeying import ADA, DAY, HOOK, HOUR, MINUTE, MONDAY, Shop, after, replayed

PEOPLE = [f"u:{number}" for number in range(7)]
WEEKLY = f'start: {{schedule: "mondays 09:00", segment: keen}}\nsend: {{webhook: "{HOOK}/weekly"}}\n'
CAMPAIGN = f'start: {{campaign: keen}}\nsend: {{webhook: "{HOOK}/spring"}}\n'
KEEN = {"keen": 'any("Seen", last="30m")'}
WAITING = f"""
start: {{event: Added}}
unless: Bought
goal: {{event: Bought, within: 1d}}
steps:
  - wait: 30m
  - send: {{webhook: "{HOOK}/x"}}
  - wait: {{for: Seen, at_most: 1h}}
    then: [{{exit: seen}}]
    else: [{{exit: unseen}}]
"""


def shop_with(
    journey: str, segments: dict[str, str] | None = None, partitions: int = 1, at: int = MONDAY, **settings: Any
) -> Shop:
    shop = Shop(partitions, at)
    shop.publish({"j": journey}, segments, **settings)
    return shop


# ---- schedules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("is_away", [False, True])
def test_a_schedule_is_for_everybody_who_is_in_the_segment_at_its_instant(partitions: int, *, is_away: bool) -> None:
    """Whoever was in it until 8:59, or entered it later, whoever came later; also where nobody was awake."""
    shop = shop_with(WEEKLY, KEEN, partitions)
    shop.pass_time(after(8 * 60 + 20))
    shop.event("Seen", PEOPLE[0])
    shop.at = after(8 * 60 + 30)
    shop.event("Seen", PEOPLE[1])
    shop.at += 1
    shop.event("Seen", PEOPLE[2])
    shop.event("Other", PEOPLE[3])
    if not is_away:
        shop.pass_time(after(9 * 60))
    shop.at = after(9 * 60)
    shop.event("Seen", PEOPLE[3])
    shop.event("Seen", PEOPLE[4])
    for driver in shop.drivers:
        driver.settle(after(10 * 60))
    assert shop.sent() == [(540, PEOPLE[2], "weekly")]
    assert replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


def test_every_instant_of_a_schedule_comes_though_nobody_was_there() -> None:
    shop = shop_with(f'start: {{schedule: daily 09:00}}\nsend: {{webhook: "{HOOK}/day"}}\n')
    shop.event("Seen")
    shop.be_away(MONDAY + 3 * DAY)
    assert [one.at for one in shop.intents] == [after(540) + day * DAY for day in range(3)]
    assert shop.drivers[0].state.launched == []


def test_an_event_of_the_very_instant_comes_behind_it() -> None:
    shop = shop_with(WEEKLY, KEEN)
    shop.event("Other")
    shop.at = after(540)
    shop.event("Seen")
    assert shop.sent() == []
    shop = shop_with(WEEKLY, KEEN)
    shop.at = after(540) - 1
    shop.event("Seen")
    shop.at = after(540)
    shop.event("Other")
    assert shop.sent() == [(540, ADA, "weekly")]


def test_a_schedule_is_of_the_workspaces_clock_and_skips_no_day_of_a_leap_year() -> None:
    monthly = f'start: {{schedule: "monthly on the 31 at 02:30"}}\nsend: {{webhook: "{HOOK}/month"}}\n'
    leap = 19_754 * DAY  # 1 February 2024.
    shop = shop_with(monthly, at=leap, time_zone="Europe/Berlin")
    shop.event("Seen")
    shop.be_away(leap + 70 * DAY)
    # 29 February at 1:30 in UTC; on 31 March the clock skips from 2:00 to 3:00, which is 1:00 in UTC.
    assert [one.at - leap for one in shop.intents] == [28 * DAY + 90 * MINUTE, 59 * DAY + HOUR]


def test_a_changed_schedule_begins_after_its_publication() -> None:
    shop = shop_with(f'start: {{schedule: daily 09:00}}\nsend: {{webhook: "{HOOK}/day"}}\n')
    shop.event("Seen")
    shop.pass_time(after(600))
    shop.publish({"j": f'start: {{schedule: daily 08:00}}\nsend: {{webhook: "{HOOK}/day"}}\n'})
    shop.pass_time(MONDAY + DAY + 9 * HOUR)
    assert [one.at - MONDAY for one in shop.intents] == [9 * HOUR, DAY + 8 * HOUR]
    shop.publish({})
    assert shop.drivers[0].state.start_at is None


# ---- campaigns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_campaign_is_once_for_each_version(partitions: int) -> None:
    shop = shop_with(CAMPAIGN, KEEN, partitions)
    for key in PEOPLE[:5]:
        shop.event("Seen", key)
    shop.at = after(5)
    shop.launch("j")
    shop.event("Seen", PEOPLE[5])
    shop.launch("j")
    shop.pass_time(after(10))
    assert sorted(shop.sent()) == [(5, key, "spring") for key in PEOPLE[:5]]
    shop.publish({"j": CAMPAIGN + "validity: 2h\n"}, KEEN)
    shop.tell(0, Launch(shop.at, "j", "00000000", "ann"))
    shop.pass_time(after(11))
    assert len(shop.intents) == 5
    shop.launch("j")
    shop.pass_time(after(12))
    assert len(shop.intents) == 11
    assert replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


def test_who_has_not_been_met_when_a_campaign_is_stopped_does_not_enter() -> None:
    shop = shop_with(CAMPAIGN, KEEN)
    (driver,) = shop.drivers
    for key in PEOPLE:
        shop.event("Seen", key)
    shop.launch("j")
    driver.append(Tick(shop.at, 2))
    shop.read()
    assert len(shop.intents) == 2
    shop.steer("j", "stop")
    shop.pass_time(after(5))
    assert len(shop.intents) == 2
    assert all(run.stopped for key in PEOPLE for run in shop.person(key).runs)


def test_a_paused_campaign_cannot_be_launched_and_may_be_later() -> None:
    shop = shop_with(CAMPAIGN, KEEN)
    shop.event("Seen")
    shop.steer("j", "pause")
    shop.launch("j")
    shop.steer("j", "resume")
    shop.pass_time(after(1))
    assert shop.intents == []
    shop.launch("j")
    shop.pass_time(after(2))
    assert len(shop.intents) == 1


# ---- calls -----------------------------------------------------------------------------------------------------------

CALLED = f'start: {{call: true}}\nsteps:\n  - wait: 10m\n  - send: {{webhook: "{HOOK}/hello"}}\n'


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_call_enters_once_whoever_the_identifier_belongs_to(partitions: int) -> None:
    shop = shop_with(CALLED, partitions=partitions)
    shop.event("Seen", ADA, ids=("a:7",))
    shop.enter("j", "a:7", "order-1", message_id="e1")
    shop.enter("j", "a:7", "order-1", message_id="e1")
    assert shop.story() == [(0, "started order-1")]
    shop.enter("j", "a:7", "order-2")
    shop.enter("nothing", ADA)
    assert [text for _, text in shop.story()[1:]] == ["started order-2", "ended: there is no such journey"]
    shop.unmerge("a:7")
    shop.pass_time(after(20))
    assert sorted(key for _, key, _ in shop.sent()) == ["a:7", "a:7"]
    assert replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


def test_no_call_starts_what_events_start() -> None:
    shop = shop_with(WAITING)
    shop.enter("j")
    assert shop.story() == [(0, "ended: no call starts this journey")]


# ---- pause, drain, stop ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_paused_journey_stands_still_and_goes_on_when_it_is_resumed(partitions: int) -> None:
    shop = shop_with(WAITING, partitions=partitions)
    for key in PEOPLE[:3]:
        shop.event("Added", key)
    shop.pass_time(after(10))
    shop.steer("j", "pause")
    shop.event("Added", PEOPLE[3])
    shop.pass_time(after(40))
    shop.event("Bought", PEOPLE[2])
    assert shop.intents == []
    shop.pass_time(after(60))
    shop.steer("j", "resume")
    shop.pass_time(after(61))
    assert sorted(shop.sent()) == [(60, PEOPLE[0], "x"), (60, PEOPLE[1], "x")]
    assert {one.valid_until for one in shop.intents} == {after(30) + DAY}
    assert shop.story(PEOPLE[2])[1:] == [(40, "goal 1"), (40, "ended: Bought came first")]
    assert shop.story(PEOPLE[3]) == [(10, "ended: the journey is paused")]
    assert replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


def test_what_was_waited_for_and_came_in_a_pause_counts_when_it_is_resumed() -> None:
    shop = shop_with(WAITING)
    shop.event("Added")
    shop.pass_time(after(40))
    shop.steer("j", "pause")
    shop.event("Seen")
    assert len(shop.walking()) == 1
    shop.pass_time(after(200))
    shop.steer("j", "resume")
    shop.pass_time(after(201))
    assert shop.story()[-2:] == [(200, "3 came Seen"), (200, "ended: seen")]


def test_what_comes_in_a_pause_when_the_time_is_over_is_too_late() -> None:
    shop = shop_with(WAITING)
    shop.event("Added")
    shop.pass_time(after(40))
    shop.steer("j", "pause")
    shop.pass_time(after(90))
    shop.event("Seen")
    shop.steer("j", "resume")
    shop.pass_time(after(91))
    assert shop.story()[-1] == (90, "ended: unseen")


def test_a_draining_journey_lets_nobody_in_and_those_inside_go_on() -> None:
    shop = shop_with(WAITING)
    shop.event("Added")
    shop.steer("j", "drain")
    shop.event("Added", PEOPLE[0])
    shop.pass_time(after(31))
    assert shop.sent() == [(30, ADA, "x")]
    assert shop.story(PEOPLE[0]) == [(0, "ended: the journey is draining")]


@pytest.mark.parametrize("pauses", [False, True])
def test_a_stop_ends_runs_and_what_waits_to_leave_does_not(*, pauses: bool) -> None:
    shop = shop_with(WAITING)
    shop.event("Added")
    shop.event("Added", PEOPLE[0])
    shop.pass_time(after(31))
    shop.event("Added", PEOPLE[1])
    if pauses:
        shop.steer("j", "pause")
    shop.pass_time(after(50))
    if pauses:
        shop.pass_time(after(70))
    shop.steer("j", "stop")
    shop.pass_time(after(300))
    assert sorted(shop.sent()) == [(30, PEOPLE[0], "x"), (30, ADA, "x")]
    at = 70 if pauses else 50
    for key in (ADA, *PEOPLE[:2]):
        assert shop.story(key)[-1] == (at, "ended: the journey was stopped")
        assert {run.stopped for run in shop.person(key).runs} <= {"the journey was stopped"}
    shop.steer("j", "resume")
    shop.event("Added", PEOPLE[2])
    assert shop.story(PEOPLE[2]) == [(300, "started")]


def test_all_sending_is_the_gates_and_nobody_stands_still() -> None:
    shop = shop_with(WAITING)
    shop.event("Added")
    shop.steer("", "pause")
    shop.pass_time(after(31))
    assert shop.sent() == [(30, ADA, "x")]
    assert shop.drivers[0].state.steering[""].order == "pause"
    shop.steer("", "resume")
    assert shop.drivers[0].state.steering == {}
