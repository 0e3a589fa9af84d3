"""In which order a start is looked at, and what a start that is refused leaves alone."""

import pytest

from tactful.events.derived import RunEnded, RunStarted
from tests.kernel.journeying import ADA, DAY, HOOK, HOUR, MONDAY, Shop, after

SENDS = f'send: {{webhook: "{HOOK}/x"}}\n'


def shop_with(journey: str, segments: dict[str, str] | None = None, **others: str) -> Shop:
    shop = Shop()
    shop.publish({"j": journey, **others}, segments)
    return shop


def told(shop: Shop) -> list[str]:
    return [text for _, text in shop.story()]


def test_with_each_no_given_way_the_next_one_speaks() -> None:
    """One person, whom every reason refuses; one reason after another is taken away."""
    journey = f"""
start: {{event: Added}}
if: profile.country == "DE"
unless: [Bought, {{when: profile.vip == True}}]
validity: 1h
again: 1d
limit: 1 per 2d
group: g
priority: 10
{SENDS}"""
    other = f"start: {{event: Browsed}}\ngroup: g\npriority: 90\nwait: 90d\n{SENDS}"
    shop = shop_with(journey, None, other=other)
    shop.identify(country="DE")
    shop.event("Added")
    shop.event("Browsed")
    shop.steer("j", "pause")
    shop.identify(country="AT", vip=True)
    shop.at = after(200)
    shop.event("Bought")
    reasons: list[str] = []

    def start(timestamp: int | None = None) -> None:
        before = len(shop.rows())
        shop.event("Added", timestamp=timestamp)
        reasons.extend(row.reason.split(":")[0] for row in shop.rows()[before:] if isinstance(row, RunEnded))

    start(after(100))
    assert reasons == []
    shop.identify(country="DE")
    start(after(100))
    shop.steer("j", "resume")
    start(after(100))
    start(after(190))
    shop.identify(vip=False)
    start(after(190))
    start(after(200))
    shop.pass_time(MONDAY + DAY)
    start()
    shop.pass_time(MONDAY + 2 * DAY)
    start()
    assert reasons == [
        "the journey is paused",
        "too late",
        "Bought came first",
        "Bought came first",
        "again",
        "limit",
        "group g",
    ]


def test_a_condition_that_ends_runs_lets_none_begin() -> None:
    shop = shop_with("start: {event: Added}\nunless: {when: profile.vip == True}\n" + SENDS)
    shop.identify(vip=True)
    shop.event("Added")
    assert told(shop) == ["ended: unless profile.vip == True"]
    assert shop.intents == []


def test_a_restart_that_is_refused_leaves_the_run_alone() -> None:
    shop = shop_with("start: {event: Added}\nrepeat: restart\nagain: 1h\nwait: 2h\n" + SENDS)
    shop.event("Added")
    shop.pass_time(after(30))
    shop.event("Added")
    assert [run.started_at for run in shop.walking()] == [MONDAY]
    shop.pass_time(after(60))
    shop.event("Added")
    assert [run.started_at for run in shop.walking()] == [after(60)]
    shop.event("Added", timestamp=after(20))
    assert [run.started_at for run in shop.walking()] == [after(60)]


def test_of_a_group_the_higher_priority_goes_first_and_the_lower_gives_way() -> None:
    low, high = (
        f"start: {{event: {event}}}\ngroup: g\npriority: {priority}\nwait: 1h\n{SENDS}"
        for event, priority in (("[Added, Seen]", 10), ("Added", 20))
    )
    shop = shop_with(low, None, a=high)
    shop.event("Added")
    assert told(shop) == ["started", "ended: group g: a is inside"]
    shop = shop_with(low, None, a=high)
    shop.event("Seen")
    shop.event("Added")
    assert told(shop)[1:] == ["ended: gave way to a", "started", "ended: group g: a is inside"]


def test_a_value_that_is_no_key_starts_nothing() -> None:
    shop = shop_with("start: {event: Added}\nkey: cart\nwait: 1h\n" + SENDS)
    for cart in (None, ["a"], {"a": 1}, True, 3, 3.5, "x", "y" * 129, "y" * 128):
        shop.event("Added", cart=cart)
    shop.event("Added")
    keys = [row.entry_key for row in shop.rows() if isinstance(row, RunStarted)]
    assert keys[:4] == ["true", "3", "3.5", "x"]
    assert [len(key) for key in keys[4:]] == [32, 128]


def test_somebody_with_a_thousand_carts_has_a_hundred_runs() -> None:
    shop = shop_with("start: {event: Added}\nkey: cart\nagain: never\nwait: 1h\n" + SENDS)
    (driver,) = shop.drivers
    for cart in range(102):
        shop.event("Added", cart=cart)
    assert len(shop.walking()) == 100
    assert told(shop)[-1] == "ended: 100 runs are inside"
    assert len(driver.profiles()[ADA].entered["j"]) == 100


def test_again_forgets_what_can_refuse_nobody_any_more() -> None:
    shop = shop_with("start: {event: Added}\nagain: 1h\nvalidity: 1h\n" + SENDS, {"seen": 'any("Seen", last="3d")'})
    shop.event("Added")
    shop.event("Seen")
    assert shop.person().entered == {"j": {"": MONDAY}}
    shop.pass_time(MONDAY + 4 * DAY)
    assert shop.person().entered == {}


def test_leaving_a_segment_starts_at_its_instant() -> None:
    shop = shop_with("start: {left: keen}\n" + SENDS, {"keen": 'any("Seen", last="30m")'})
    shop.event("Seen")
    shop.pass_time(after(100))
    assert shop.sent() == [(30, ADA, "x")]
    assert shop.intents[0].event == "left keen"


@pytest.mark.parametrize("is_alone", [False, True])
def test_messages_know_what_started_their_run(*, is_alone: bool) -> None:
    """Where it is always the same, runs do not keep it."""
    events = "Added" if is_alone else "[Added, Seen]"
    shop = shop_with(f"start: {{event: {events}}}\nwait: 1h\n{SENDS}")
    shop.event("Added", price=3)
    assert shop.walking()[0].event == ("" if is_alone else "Added")
    shop.pass_time(after(60) + HOUR)
    assert shop.intents[0].event == "Added"


def test_a_publication_starts_nothing_unless_a_journey_asks_for_it() -> None:
    asks = f"start: {{segment: germans}}\non_publish: start\nif: profile.vip == True\n{SENDS}"
    journeys = {"asks": asks, "quiet": f"start: {{segment: germans}}\n{SENDS}"}
    shop = Shop()
    shop.publish(journeys, {"germans": 'country == "AT"'})
    shop.identify(country="DE", vip=True)
    shop.identify("u:bea", country="DE")
    shop.at = after(5)
    shop.publish(journeys, {"germans": 'country == "DE"'})
    shop.pass_time(after(10))
    assert [(at, who) for at, who, _ in shop.sent()] == [(5, ADA)]
    shop.publish(journeys, {"germans": 'country == "DE" or country == "CH"'})
    shop.pass_time(after(20))
    assert len(shop.sent()) == 1, "whoever is in it already does not enter it"
