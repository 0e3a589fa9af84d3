"""What one half of a person has done the runs of the other hear of when the two become one: also where the order was
taken while the sign-in was on its way to the other partition."""

import pytest

from tactful.events.derived import GoalReached, RunEnded
from tactful.events.records import Event, encode, pack
from tests.kernel.journeying import ADA, HOOK, MINUTE, Shop, after, replayed

REMINDER = f"""
start: {{event: Added}}
wait: 1h
unless: Bought
send: {{webhook: "{HOOK}/x"}}
"""
BY_CART = REMINDER.replace("unless: Bought", "key: cart\nunless: {event: Bought, same: cart}")
PARTITIONS = pytest.mark.parametrize("partitions", [1, 2, 3])


def shop_with(partitions: int, journey: str = REMINDER) -> Shop:
    shop = Shop(partitions)
    shop.publish({"j": journey})
    return shop


def endings(shop: Shop) -> list[str]:
    return [row.reason for row in shop.rows() if isinstance(row, RunEnded)]


def same_again(shop: Shop) -> bool:
    return replayed(shop, 5) == replayed(shop, 1) == [driver.bytes() for driver in shop.drivers]


@PARTITIONS
def test_an_order_in_the_moment_of_the_sign_in_ends_the_run_that_comes_with_it(partitions: int) -> None:
    """A guest's checkout: the server says who it was and what was bought in one breath, and the user's partition has
    read both before it hears of the cart."""
    shop = shop_with(partitions)
    shop.event("Added", "a:7")
    shop.pass_time(after(30))
    times = shop.at, shop.at
    said = Event(1, "shop", "server", "identify", "$identify", ADA, (ADA, "a:7"), "i1", *times)
    bought = Event(1, "shop", "server", "track", "Bought", ADA, (ADA,), "b1", *times, pack({"total": 9}))
    home = shop.driver(ADA)
    home.log += [encode(said), encode(bought)]
    shop.read()
    assert endings(shop) == ["Bought came first"]
    shop.pass_time(after(200))
    assert shop.intents == []
    assert same_again(shop)


@PARTITIONS
@pytest.mark.parametrize("buyer", [ADA, "a:7"])
def test_what_the_other_half_bought_since_ends_the_run(partitions: int, buyer: str) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7" if buyer == ADA else ADA)
    shop.pass_time(after(10))
    shop.event("Bought", buyer)
    shop.pass_time(after(20))
    shop.identify(ADA, ids=("a:7",))
    assert endings(shop) == ["Bought came first"]
    assert same_again(shop)


@PARTITIONS
def test_what_the_other_half_bought_before_ends_nothing(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Bought", ADA)
    shop.pass_time(after(10))
    shop.event("Added", "a:7")
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    assert [one.at for one in shop.intents] == [after(70)]


@PARTITIONS
def test_by_same_it_ends_only_the_run_of_that_key(partitions: int) -> None:
    shop = shop_with(partitions, BY_CART)
    shop.event("Added", "a:7", cart="x")
    shop.event("Added", "a:7", cart="y")
    shop.pass_time(after(10))
    shop.event("Bought", ADA, cart="x")
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    assert [one.entry_key for one in shop.intents] == ["y"]
    assert same_again(shop)


@PARTITIONS
def test_of_two_runs_that_which_began_behind_the_order_goes_on(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7")
    shop.pass_time(after(10))
    shop.event("Bought", ADA)
    shop.pass_time(after(20))
    shop.event("Added", ADA)
    shop.identify(ADA, ids=("a:7",))
    assert endings(shop) == ["Bought came first"]
    shop.pass_time(after(200))
    assert [one.at for one in shop.intents] == [after(80)]


@PARTITIONS
def test_a_message_that_waits_to_leave_is_stopped(partitions: int) -> None:
    shop = shop_with(partitions)
    shop.event("Added", "a:7")
    shop.pass_time(after(60))
    shop.event("Bought", ADA, timestamp=after(50))
    shop.identify(ADA, ids=("a:7",))
    (run,) = shop.person(ADA).runs
    assert run.intent and run.exited_by
    assert same_again(shop)


@PARTITIONS
def test_an_event_that_started_the_run_by_a_segment_does_not_end_it_behind_a_merge(partitions: int) -> None:
    """It is of the run's own half, which had its say."""
    shop = Shop(partitions)
    thanks = f'start: {{segment: buyers}}\nwait: 1h\nunless: Bought\nsend: {{webhook: "{HOOK}/x"}}\n'
    shop.publish({"j": thanks}, {"buyers": 'any("Bought")'})
    shop.event("Bought", "a:7")
    shop.at += MINUTE
    shop.identify(ADA, ids=("a:7",))
    shop.pass_time(after(200))
    assert [one.at for one in shop.intents] == [after(60)]


# ---- goals -----------------------------------------------------------------------------------------------------------

PURSUING = f"""
start: {{event: Added}}
key: cart
wait: 1h
send: {{webhook: "{HOOK}/x"}}
goal: {{event: Bought, within: 2h, value: total, same: cart}}
"""


def goals(shop: Shop, key: str = ADA) -> list[tuple[str, int, float | None]]:
    return [(row.entry_key, row.nth, row.value) for row in shop.rows(key) if isinstance(row, GoalReached)]


@PARTITIONS
def test_an_order_in_the_moment_of_the_sign_in_is_a_goal_of_the_run_that_comes_with_it(partitions: int) -> None:
    shop = shop_with(partitions, PURSUING)
    shop.event("Added", "a:7", cart="x")
    shop.pass_time(after(30))
    times = shop.at, shop.at
    said = Event(1, "shop", "server", "identify", "$identify", ADA, (ADA, "a:7"), "i1", *times)
    order = pack({"total": 9, "cart": "x"})
    bought = Event(1, "shop", "server", "track", "Bought", ADA, (ADA,), "b1", *times, order)
    home = shop.driver(ADA)
    home.log += [encode(said), encode(bought)]
    shop.read()
    assert goals(shop) == [("x", 1, 9.0)]
    assert same_again(shop)


@PARTITIONS
@pytest.mark.parametrize("buyer", [ADA, "a:7"])
@pytest.mark.parametrize("ended", [False, True])
def test_what_the_other_half_did_in_time_counts_in_order_also_for_runs_that_have_ended(
    partitions: int, buyer: str, *, ended: bool
) -> None:
    shop = shop_with(partitions, PURSUING)
    shop.event("Added", "a:7" if buyer == ADA else ADA, cart="x")
    shop.event("Bought", buyer, cart="x", total=1, timestamp=shop.at - MINUTE)
    shop.pass_time(after(10))
    shop.event("Bought", buyer, cart="x", total="much")
    shop.event("Bought", buyer, cart="x", total=7, timestamp=after(5))
    shop.event("Bought", buyer, cart="y", total=8)
    shop.pass_time(after(70 if ended else 20))
    shop.identify(ADA, ids=("a:7",))
    assert goals(shop) == [("x", 1, 7.0), ("x", 2, None)]
    shop.event("Bought", cart=["x", "y"], total=3)
    assert goals(shop)[2:] == [("x", 3, 3.0)]
    assert same_again(shop)


@PARTITIONS
@pytest.mark.parametrize(("hours", "counted"), [(25, 1), (27, 0)])
def test_what_is_heard_of_a_day_behind_the_end_counts_no_more(partitions: int, hours: int, counted: int) -> None:
    shop = shop_with(partitions, PURSUING)
    shop.event("Added", "a:7", cart="x")
    shop.pass_time(after(10))
    shop.event("Bought", ADA, cart="x", total=1)
    shop.pass_time(after(hours * 60))
    shop.identify(ADA, ids=("a:7",))
    assert len(goals(shop)) == counted


def test_of_somebody_who_does_it_all_day_the_newest_fifty_are_kept() -> None:
    shop = shop_with(1, PURSUING)
    shop.event("Added", "a:7", cart="x")
    for _ in range(60):
        shop.at += MINUTE
        shop.event("Bought", ADA, cart="x", total=1)
    shop.identify(ADA, ids=("a:7",))
    assert len(goals(shop)) == 50
