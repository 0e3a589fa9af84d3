"""What runs leave behind: traits, goals, what came back from messages, and how little of a state they are."""

from typing import Any

import pytest

from tactful.events.derived import GoalReached, ref
from tactful.events.records import EMPTY_MAP, Event, Publish, pack
from tactful.kernel.state import encode
from tests.kernel.journeying import ADA, DAY, HOOK, MONDAY, SERIES, Shop, after, replayed, shop_with

# ---- setting traits --------------------------------------------------------------------------------------------------

SETS = """
start: {event: Added}
steps:
  - wait: 1h
  - set: {vip: true, level: count("Added") + 1, missing: profile.nothing, name: '"Ada"'}
  - if: profile.vip == True and level == 2
    else: [{exit: too late}]
  - wait: 1s
  - if: profile.vip == True and profile.level == 2
    then: [{exit: vip}]
"""


@pytest.mark.parametrize("partitions", [1, 3])
def test_traits_are_written_by_an_event_that_stands_in_the_log(partitions: int) -> None:
    shop = Shop(partitions)
    shop.publish({"j": SETS}, {"vips": "profile.vip == True"})
    shop.event("Added")
    shop.pass_time(after(70))
    assert shop.story()[1:] == [
        (60, '2 set {"vip":true,"level":2,"name":"Ada"}'),
        (60, "3 branch then"),
        (60, "4 wait"),
        (60, "5 branch then"),
        (60, "ended: vip"),
    ]
    (fragment,) = shop.person().fragments.values()
    write = fragment.traits["vip"]
    assert (write.value, write.timestamp, write.source, write.is_browser) == (True, after(60), "tactful", False)
    assert len(shop.person().segments) == 1
    assert [one.bytes() for one in shop.drivers] == replayed(shop, 1) == replayed(shop, 7)


def test_traits_are_written_once_although_the_channel_says_it_again() -> None:
    shop = shop_with(SETS)
    shop.event("Added")
    shop.pass_time(after(70))
    (driver,) = shop.drivers
    before = shop.person()
    driver.log += driver.log[-3:]
    shop.read()
    assert shop.person().tail == before.tail


@pytest.mark.parametrize("is_away", [False, True])
def test_what_a_step_has_set_is_seen_by_the_steps_behind_it_however_late_somebody_looks(*, is_away: bool) -> None:
    """The event that writes it comes back when everything that was due has been caught up with."""
    shop = shop_with(
        "start: {event: Added}\nsteps:\n  - wait: 1h\n  - set: {level: 1}\n  - wait: 1h\n"
        "  - set: {level: 'level + 1'}\n  - wait: 2h\n  - if: level == 2\n    then: [{exit: seen}]\n"
    )
    shop.event("Added")
    (shop.be_away if is_away else shop.pass_time)(after(600))
    assert shop.story()[-1] == (240, "ended: seen")
    (fragment,) = shop.person().fragments.values()
    assert (fragment.traits["level"].value, fragment.traits["level"].timestamp) == (2, after(120))
    assert [one.bytes() for one in shop.drivers] == replayed(shop, 1) == replayed(shop, 7)


def test_a_segment_waits_for_the_event_that_writes_what_a_step_has_set() -> None:
    """Somebody is tied in between, which by itself would start nothing."""
    shop = Shop()
    gift = f'start: {{segment: vips}}\nsend: {{webhook: "{HOOK}/gift"}}\n'
    shop.publish(
        {"j": "start: {event: Added}\nsteps:\n  - wait: 1h\n  - set: {vip: true}\n", "gift": gift},
        {"vips": "profile.vip == True", "others": "profile.vip is None"},
    )
    shop.event("Added")
    assert len(shop.person().segments) == 1
    shop.at = after(600)
    shop.identify(ids=("e:ada@people.example",))
    assert shop.sent() == [(600, ADA, "gift")]
    assert len(shop.person().segments) == 1
    assert [fragment.unwritten for fragment in shop.person().fragments.values()] == [[], []]


def test_what_a_journey_has_set_does_not_make_a_visitor_known_to_the_shops_server() -> None:
    """Else whoever was remembered by a journey could sign up for nothing any more."""
    shop = shop_with("start: {event: Added}\nsteps:\n  - set: {vip: true}\n")
    visit = "Added", "a:visitor", ("a:visitor",), "visit", shop.at, shop.at
    shop.tell_home(Event(1, "page", "browser", "track", *visit, EMPTY_MAP))
    (fragment,) = shop.person("a:visitor").fragments.values()
    assert fragment.traits["vip"].value is True
    assert not fragment.is_vouched


# ---- goals, responses ------------------------------------------------------------------------------------------------

GOAL = f"""
start: {{event: Added}}
unless: Bought
goal: {{event: Bought, within: 2h, value: total}}
steps:
  - send: {{webhook: "{HOOK}/first"}}
  - wait: 1h
  - send: {{webhook: "{HOOK}/second"}}
"""


def test_goals_count_for_runs_that_have_ended_and_for_those_held_out() -> None:
    for text, arm in ((GOAL, ""), (GOAL + "holdout: 100%\n", "holdout")):
        shop = shop_with(text)
        shop.event("Added")
        shop.pass_time(after(30))
        shop.event("Bought", total=10)
        shop.pass_time(after(100))
        shop.event("Bought", total=2.5)
        shop.event("Bought", total="free")
        shop.event("Bought", timestamp=after(0) - 1, total=7)
        shop.pass_time(after(125))
        shop.event("Bought", timestamp=after(120), total=7)
        goals = [text for _, text in shop.story() if text.startswith("goal")]
        assert goals == ["goal 1: 10", "goal 2: 2.5", "goal 3"], arm
        assert {row.arm for row in shop.rows() if isinstance(row, GoalReached)} == {arm}


def test_goals_received_a_day_after_the_end_count_no_more() -> None:
    shop = shop_with(GOAL)
    shop.event("Added")
    shop.pass_time(after(120) + DAY)
    shop.event("Bought", timestamp=after(119), total=1)
    assert shop.story()[-1][1] == "goal 1: 1"
    shop.pass_time(after(120) + DAY + 1)
    shop.event("Bought", timestamp=after(118), total=1)
    assert shop.story()[-1][1] == "goal 1: 1"
    assert shop.person().pursuits == []


def test_what_comes_back_from_a_message_is_a_row_of_its_own() -> None:
    shop = shop_with(SERIES)
    shop.event("Added")
    (intent,) = shop.intents
    said = {"intent": intent.intent, "journey": "j", "link": "https://shop.example/kettle", "machine": True}
    names = 1, "tactful", "server", "message", "Email Link Clicked", ADA, (ADA,), "r1", shop.at, shop.at
    shop.tell_home(Event(*names, pack(said)))  # type: ignore[arg-type]  # the literals
    assert shop.story()[-1] == (0, "Email Link Clicked https://shop.example/kettle")
    row = shop.rows()[-1]
    assert (row.intent, row.is_machine) == (intent.intent, True)  # type: ignore[union-attr]  # a Responded


# ---- sizes -----------------------------------------------------------------------------------------------------------


def test_ten_million_people_may_wait() -> None:
    """A cart reminder with a key, a property that its message shows, and a place far down the log."""
    journey = """
start: {event: [Product Added, Cart Viewed]}
key: cart_id
unless: Order Completed
limit: 1 per 24h
repeat: restart
steps:
  - wait: 30m
  - {name: remind, send: {email: cart_reminder}}
"""
    message = "subject: Your cart\nhtml: <p>{{ event.properties.name }}</p>\npurpose: news\n"
    sizes = []
    for files in ({}, {"journeys/cart_reminder.yaml": journey, "messages/cart_reminder.yaml": message}):
        shop = Shop()
        shop.tell(0, Publish(MONDAY, files, {}))
        shop.at += 1_234_567
        cart: dict[str, Any] = {
            "cart_id": "cart-8a6f2b",
            "name": "Copper kettle",
            "price": 39.9,
            "url": "https://shop.example/kettle",
        }
        shop.event("Product Added", "u:customer-4711", timestamp=MONDAY, **cart)
        profile = shop.person("u:customer-4711")
        for run in profile.runs:
            run.started_ref = ref(3, 10_000_000)
        sizes.append(len(encode(profile)))
    without, waiting = sizes
    assert waiting - without <= 140


def test_what_one_run_sets_another_sees_at_the_same_instant() -> None:
    shop = Shop()
    sets = "start: {event: Added}\npriority: 90\nsteps:\n  - wait: 1h\n  - set: {vip: true}\n"
    asks = "start: {event: Added}\nsteps:\n  - if: profile.vip == True\n    then: [{exit: before}]\n"
    asks += "  - wait: 1h\n  - if: profile.vip == True\n    then: [{exit: seen}]\n  - exit: missed\n"
    shop.publish(
        {
            "sets": sets,
            "asks": asks,
            "ends": f"start: {{event: Added}}\nwait: 1h\nunless: {{when: profile.vip == True}}\nsend: {{webhook: '{HOOK}/x'}}\n",
        }
    )
    shop.event("Added")
    shop.pass_time(after(70))
    assert "ended: seen" in [text for _, text in shop.story()]
