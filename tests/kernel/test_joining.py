"""Runs of people who turn out to be one, or two again, in the middle of a wait."""

import pytest

from tests.kernel.journeying import ADA, DAY, HOOK, MINUTE, MONDAY, Shop, after, replayed

SERIES = f"""
start: {{event: Added}}
key: cart
again: 3d
goal: {{event: Bought, within: 1d}}
steps:
  - wait: 1h
  - {{name: first, send: {{webhook: "{HOOK}/first"}}}}
  - wait: 1h
  - {{name: second, send: {{webhook: "{HOOK}/second"}}}}
"""
PARTITIONS = pytest.mark.parametrize("partitions", [1, 2, 3])


def shop_with(partitions: int, journey: str = SERIES) -> Shop:
    shop = Shop(partitions)
    shop.publish({"j": journey})
    return shop


def same_again(shop: Shop) -> bool:
    return replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


@PARTITIONS
def test_a_run_goes_along_in_mid_wait_and_its_intents_keep_their_ids(partitions: int) -> None:
    ids = []
    for merges in (False, True):
        shop = shop_with(partitions)
        shop.event("Added", "a:7", cart="x")
        shop.pass_time(after(70))
        if merges:
            shop.identify(ADA, ids=("a:7",))
        shop.pass_time(after(130))
        ids.append([one.intent for one in shop.intents])
        assert [one.at for one in shop.intents] == [after(60), after(120)]
        assert same_again(shop)
    assert ids[0] == ids[1]


@PARTITIONS
@pytest.mark.parametrize("is_first", [False, True])
def test_of_two_runs_with_the_same_key_the_earlier_goes_on(partitions: int, *, is_first: bool) -> None:
    shop = shop_with(partitions)
    earlier, later = (ADA, "a:7") if is_first else ("a:7", ADA)
    shop.event("Added", earlier, cart="x")
    shop.pass_time(after(10))
    shop.event("Added", later, cart="x")
    shop.event("Added", later, cart="y")
    shop.pass_time(after(20))
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    about = [((one.at - MONDAY) // MINUTE, one.entry_key, one.step) for one in shop.intents]
    assert sorted(about) == [(60, "x", "first"), (70, "y", "first"), (120, "x", "second"), (130, "y", "second")]
    assert (20, "ended: merged") in shop.story()
    assert same_again(shop)


@PARTITIONS
def test_what_the_other_half_has_had_is_not_sent_again(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7", cart="x")
    shop.pass_time(after(5))
    shop.event("Added", ADA, cart="x")
    shop.pass_time(after(61))
    shop.event("Bought", "a:7")
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    assert [(one.at, one.step) for one in shop.intents] == [(after(60), "first"), (after(120), "second")]
    assert len({one.started_at for one in shop.intents}) == 1


@PARTITIONS
def test_a_step_that_the_other_half_has_had_is_withheld_and_the_run_goes_on(partitions: int) -> None:
    """Its run is over since its journey's unless came there."""
    shop = shop_with(partitions, SERIES + "unless: Bought\n")
    shop.event("Added", ADA, cart="x")
    shop.event("Added", "a:7", cart="x", timestamp=after(0) - 10 * MINUTE)
    shop.pass_time(after(55))
    shop.event("Bought", "a:7", timestamp=after(0) - 5 * MINUTE)
    assert shop.story("a:7")[-1][1] == "ended: Bought came first"
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    assert [(one.at, one.step, one.key) for one in shop.intents] == [
        (after(50), "first", "a:7"),
        (after(120), "second", ADA),
    ]
    assert (60, "first withheld already sent") in shop.story()
    assert same_again(shop)


@PARTITIONS
def test_all_of_it_had_the_run_ends(partitions: int) -> None:
    shop = shop_with(partitions, f'start: {{event: Added}}\nwait: 1h\nsend: {{webhook: "{HOOK}/x"}}\n')
    shop.event("Added", ADA)
    shop.event("Added", "a:7", timestamp=after(0) - 10 * MINUTE)
    shop.pass_time(after(55))
    shop.identify(ADA, ids=("a:7",))
    assert shop.story()[-1] == (55, "ended: already sent")


@PARTITIONS
def test_when_it_began_last_goes_along(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7", cart="x")
    shop.pass_time(after(200))
    shop.identify(ADA, ids=("a:7",))
    shop.event("Added", ADA, cart="x")
    assert shop.story()[-1][1].startswith("ended: again: 3d")
    shop.pass_time(MONDAY + 3 * DAY)
    shop.event("Added", ADA, cart="x")
    assert shop.story()[-1] == (3 * 24 * 60, "started x")


@PARTITIONS
def test_un_merged_the_run_goes_back_with_what_it_has_reached(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7", cart="x")
    shop.event("Added", ADA, cart="y")
    shop.pass_time(after(30))
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(70))
    assert len(shop.walking(ADA)) == 2
    shop.event("Bought", "a:7")
    shop.unmerge("a:7")
    assert [run.entry_key for run in shop.walking(ADA)] == ["y"]
    assert [(run.entry_key, run.goals) for run in shop.walking("a:7")] == [("x", 1)]
    shop.pass_time(after(130))
    assert [(one.key, one.entry_key) for one in shop.intents if one.at == after(120)] in (
        [("a:7", "x"), (ADA, "y")],
        [(ADA, "y"), ("a:7", "x")],
    )
    assert same_again(shop)


@PARTITIONS
def test_goals_of_runs_that_have_ended_go_along(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7", cart="x")
    shop.pass_time(after(200))
    shop.identify(ADA, ids=("a:7",))
    shop.event("Bought", ADA)
    assert shop.story()[-1][1] == "goal 1"
    shop.unmerge("a:7")
    shop.event("Bought", "a:7")
    assert shop.story("a:7")[-1][1] == "goal 2"
    assert shop.person(ADA).pursuits == []


@PARTITIONS
def test_an_event_reaches_a_run_that_waits_for_it_through_a_mark(partitions: int) -> None:
    waits = "start: {event: Added}\nsteps:\n  - wait: {for: Seen, at_most: 1h}\n    then: [{exit: seen}]\n"
    shop = shop_with(partitions, waits)
    shop.event("Added", ADA)
    shop.identify(ADA, ids=("a:7",))
    shop.event("Seen", "a:7")
    assert shop.story()[-1] == (0, "ended: seen")


def test_who_gets_another_zone_by_a_merge_is_waited_for_by_it() -> None:
    waits = f'start: {{event: Added}}\nsteps:\n  - wait: {{until: "09:00"}}\n  - send: {{webhook: "{HOOK}/x"}}\n'
    shop = shop_with(1, waits)
    shop.identify("a:7", timezone="America/New_York")
    shop.event("Added", ADA)
    assert shop.walking()[0].due == after(9 * 60)
    shop.pass_time(after(60))
    shop.identify(ADA, ids=("a:7",))
    assert shop.walking()[0].due == after(14 * 60)
    shop.pass_time(after(15 * 60))
    assert [one.at for one in shop.intents] == [after(14 * 60)]
