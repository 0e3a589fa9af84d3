"""The shop's stories by the clock: calls by HTTP go in, and looked at are the mails as they were written: how many, when,
saying what; and of who gets none, the reason that `tactful explain --journey` gives.

The shop is examples/shop as it lies there. It is in Lisbon: in March its clock is UTC, from April UTC+1.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.days import Days, links

Begin = Callable[[str], Days]
LAMP = {"product_id": "lamp-fjord", "name": "Lamp Fjord", "category": "Lights", "price": 129}
MUG = {"product_id": "mug-tide", "name": "Mug Tide", "category": "Kitchen", "price": 18}
PARKA = {"product_id": "parka-hoar", "name": "Parka Hoar", "category": "Winter Apparel", "price": 289}
DEMO = "Demo: the lamp Fjord"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """The shop, at an instant. Who has an account from then on has had its welcome already."""
    begun: list[Days] = []

    def begins(at: str) -> Days:
        begun.append(Days(tmp_path / f"shop{len(begun)}", at))
        return begun[-1]

    yield begins
    for days in begun:
        days.close()


def since(days: Days, user: str, at: str) -> list[tuple[str, str]]:
    return [mail for mail in days.got(user) if mail[0] >= at]


def ended(days: Days, user: str, journey: str) -> list[str]:
    """How each run ended; of those that went to their end, what became of the last message."""
    found = days.runs(user, journey)
    assert all(run.state != "waiting" for run in found)
    return [run.ended or run.messages[-1].status for run in found]


def fates(days: Days, user: str, journey: str) -> list[tuple[str, str]]:
    return [(one.status, one.reason) for run in days.runs(user, journey) for one in run.messages]


# ---- the cart --------------------------------------------------------------------------------------------------------


@pytest.fixture
def carts(begin: Begin) -> Days:
    """Some people who have had their welcome, on a Wednesday at nine."""
    days = begin("2025-03-03 09:00")
    for user in ("ada", "bob", "cem", "amelie"):
        days.knows(user)
    days.knows("dov", has_agreed=False)
    days.go_to("2025-03-12 09:00")
    return days


def test_half_an_hour_after_the_last_change_the_cart_is_shown(carts: Days) -> None:
    carts.page("ada", "Product Added", **LAMP, quantity=2)
    carts.go_to("2025-03-12 09:20")
    carts.page("ada", "Product Added", **MUG)
    carts.go_to("2025-03-12 09:21")
    carts.page("ada", "Product Added", **PARKA)
    carts.go_to("2025-03-12 09:25")
    carts.page("ada", "Product Removed", **PARKA)
    carts.go_to("2025-03-13 09:00")
    (mail,) = [mail for mail in carts.mails("ada") if mail.at >= "2025-03-12"]
    assert mail.at == "2025-03-12 09:55"
    assert mail.subject == "Ada, your Lamp Fjord is still here"
    for shown in (mail.text, mail.html):
        assert "Lamp Fjord" in shown and "Mug Tide" in shown and "258" in shown and "276" in shown
        assert "Parka Hoar" not in shown
    assert "2 × Lamp Fjord" in mail.text
    assert ended(carts, "ada", "cart_reminder") == ["restarted", "restarted", "restarted", "sent"]


def test_who_is_not_reminded_and_why(carts: Days) -> None:
    for user in ("ada", "bob", "cem", "dov", "amelie"):
        carts.page(user, "Product Added", **LAMP)
    carts.go_to("2025-03-12 09:10")
    carts.orders("bob")
    carts.page("cem", "Product Removed", **LAMP)
    carts.go_to("2025-03-13 09:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-12 09:30", "Ada, your Lamp Fjord is still here")]
    assert [since(carts, user, "2025-03-12") for user in ("bob", "cem", "dov", "amelie")] == [[], [], [], []]
    assert ended(carts, "bob", "cart_reminder") == ["Order Completed came first"]
    assert ended(carts, "cem", "cart_reminder") == ["unless cart.quantity == 0"] * 2
    assert fates(carts, "dov", "cart_reminder") == [("refused", "no consent: email_marketing")]
    assert "has ended (held out: the holdout of the journey)" in carts.explained("amelie", "cart_reminder")


def test_a_second_cart_of_the_same_day_is_left_alone(carts: Days) -> None:
    carts.page("ada", "Product Added", **LAMP)
    carts.go_to("2025-03-12 15:00")
    carts.page("ada", "Product Added", **MUG)
    carts.go_to("2025-03-13 15:00")
    carts.page("ada", "Product Added", **MUG)
    carts.go_to("2025-03-14 09:00")
    assert [at for at, _ in since(carts, "ada", "2025-03-12")] == ["2025-03-12 09:30", "2025-03-13 15:30"]
    assert ended(carts, "ada", "cart_reminder")[1] == "limit: 1 per 1d"


def test_a_cart_left_at_night_is_shown_in_the_morning_as_it_is_then(carts: Days) -> None:
    carts.go_to("2025-03-12 22:00")
    carts.page("ada", "Product Added", **LAMP)
    carts.go_to("2025-03-12 22:45")
    assert fates(carts, "ada", "cart_reminder") == [("waiting", "quiet hours until 08:00")]
    carts.go_to("2025-03-13 12:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-13 08:00", "Ada, your Lamp Fjord is still here")]


def test_what_is_bought_within_five_days_is_the_reminders_success(carts: Days) -> None:
    for user in ("ada", "amelie"):
        carts.page(user, "Product Added", **LAMP)
    carts.go_to("2025-03-14 12:00")
    carts.orders("ada", total=129)
    carts.orders("amelie", total=99)
    carts.go_to("2025-03-17 08:59")
    carts.orders("ada", total=20)
    carts.go_to("2025-03-17 09:00")
    carts.orders("ada", total=500)
    carts.go_to("2025-03-20 09:00")
    (run,), (held_out,) = carts.runs("ada", "cart_reminder"), carts.runs("amelie", "cart_reminder")
    assert (run.goals, run.worth) == (2, 149)
    assert (held_out.goals, held_out.worth) == (1, 99), "whoever is held out counts as well"


# ---- looking around --------------------------------------------------------------------------------------------------


def look_around(days: Days, user: str, at: str) -> None:
    """Four looks at two things, a quarter of an hour apart."""
    hour = at[:-2]
    for minute, thing in ((0, LAMP), (15, MUG), (30, LAMP), (45, MUG)):
        days.go_to(f"{hour}{minute:02}")
        days.page(user, "Product Viewed", **thing)


def test_who_looks_around_and_leaves_is_asked_what_for(carts: Days) -> None:
    look_around(carts, "ada", "2025-03-12 10:00")
    carts.go_to("2025-03-12 11:20")
    carts.page("ada", "Product Viewed", **PARKA)
    carts.go_to("2025-03-13 09:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-12 14:20", "Ada, nothing right?")]
    assert ended(carts, "ada", "browse_without_buying") == ["restarted", "sent"]
    look_around(carts, "ada", "2025-03-14 10:00")
    carts.go_to("2025-03-15 10:00")
    assert len(since(carts, "ada", "2025-03-12")) == 1, "once in a week"


def test_three_looks_a_day_are_too_few(carts: Days) -> None:
    for day in (12, 13):
        for minute in (0, 20, 40):
            carts.go_to(f"2025-03-{day} 1{day - 12}:{minute:02}")
            carts.page("ada", "Product Viewed", **LAMP)
    carts.go_to("2025-03-14 20:00")
    assert since(carts, "ada", "2025-03-12") == []
    assert "was never in the journey" in carts.explained("ada", "browse_without_buying")


def test_the_cart_comes_before_looking_around(carts: Days) -> None:
    """Who puts something into the cart is reminded of that, and not asked as well."""
    look_around(carts, "ada", "2025-03-12 10:00")
    carts.go_to("2025-03-12 10:50")
    carts.page("ada", "Product Added", **MUG)
    carts.go_to("2025-03-12 11:00")
    carts.page("ada", "Product Viewed", **LAMP)
    carts.go_to("2025-03-13 12:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-12 11:20", "Ada, your Mug Tide is still here")]
    assert ended(carts, "ada", "browse_without_buying") == ["Product Added came first"]


def look_closely(days: Days, user: str, at: str) -> None:
    """Three looks at the lamp in five minutes."""
    for minute in (0, 2, 5):
        days.go_to(f"{at[:-2]}{minute:02}")
        days.page(user, "Product Viewed", **LAMP)


def test_who_comes_back_to_one_thing_is_offered_a_closer_look(carts: Days) -> None:
    look_closely(carts, "ada", "2025-03-12 10:00")
    carts.go_to("2025-03-12 12:00")
    (mail,) = [mail for mail in carts.mails("ada") if mail.at >= "2025-03-12"]
    assert (mail.at, mail.subject) == ("2025-03-12 10:15", "Ada, a closer look?")
    assert "https://nordlicht.example/p/lamp-fjord" in mail.text
    assert "/v1/c/" in mail.html, "there the link is followed"
    carts.go_to("2025-03-14 10:00")
    look_closely(carts, "ada", "2025-03-14 10:00")
    carts.go_to("2025-03-14 12:00")
    assert ended(carts, "ada", "second_look") == ["sent", "again: 30d, and it began at 2025-03-12T10:05:00.000Z"]


def test_who_takes_that_very_thing_needs_no_closer_look(carts: Days) -> None:
    look_closely(carts, "ada", "2025-03-12 10:00")
    carts.page("ada", "Product Added", **LAMP)
    look_closely(carts, "cem", "2025-03-12 11:00")
    carts.orders("cem", products=("lamp-fjord", "mug-tide"))
    look_closely(carts, "bob", "2025-03-12 12:00")
    carts.orders("bob", products=("mug-tide",))
    carts.go_to("2025-03-13 12:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-12 10:35", "Ada, your Lamp Fjord is still here")]
    assert since(carts, "cem", "2025-03-12") == []
    assert ended(carts, "ada", "second_look") == ["Product Added came first"]
    assert ended(carts, "cem", "second_look") == ["Order Completed came first"]
    assert since(carts, "bob", "2025-03-12") == [("2025-03-12 12:15", "Bob, a closer look?")]


def test_of_the_group_the_most_important_one_goes(carts: Days) -> None:
    """Somebody is in one journey of `shopping` at a time: the cart before the closer look before looking around."""
    look_closely(carts, "ada", "2025-03-12 10:00")
    carts.go_to("2025-03-12 10:07")
    carts.page("ada", "Product Viewed", **MUG)
    carts.go_to("2025-03-12 10:08")
    carts.page("ada", "Product Added", **MUG)
    carts.go_to("2025-03-13 12:00")
    assert since(carts, "ada", "2025-03-12") == [("2025-03-12 10:38", "Ada, your Mug Tide is still here")]
    assert ended(carts, "ada", "browse_without_buying") == ["group shopping: second_look is inside"]
    assert ended(carts, "ada", "second_look") == ["gave way to cart_reminder"]


# ---- welcome ---------------------------------------------------------------------------------------------------------


def test_three_letters_of_welcome_at_nine_on_weekdays(begin: Begin) -> None:
    """A Thursday: two days later it is Saturday, so the second letter comes on Monday, at nine where each lives."""
    days = begin("2025-03-06 15:00")
    days.knows("ada")
    days.knows("bob")
    days.knows("kai", timezone="America/New_York")
    days.go_to("2025-03-09 12:00")
    days.orders("bob")
    days.go_to("2025-03-10 15:00")
    days.knows("mia")
    days.go_to("2025-04-30 12:00")
    assert [at for at, _ in days.got("mia")] == ["2025-03-10 15:00", "2025-03-13 09:00", "2025-03-18 09:00"]
    assert days.got("ada") == [
        ("2025-03-06 15:00", "Good to have you here, Ada"),
        ("2025-03-10 09:00", "Where to begin"),
        ("2025-03-17 09:00", "Ada, what are you looking for?"),
    ]
    assert [at for at, _ in days.got("bob")] == ["2025-03-06 15:00", "2025-03-10 09:00", "2025-03-17 09:00"]
    assert days.got("bob")[1][1] != days.got("ada")[1][1]
    assert [one.message for one in days.runs("bob", "welcome")[0].messages] == [
        "welcome_1",
        "welcome_2_bought",
        "welcome_3",
    ]
    assert [at for at, _ in days.got("kai")] == ["2025-03-06 15:00", "2025-03-10 13:00", "2025-03-17 13:00"]
    assert 'because any("Order Completed", last="5d") was false' in days.explained("ada", "welcome")


def test_nobody_is_welcomed_twice_or_against_their_will(begin: Begin) -> None:
    days = begin("2025-03-06 15:00")
    days.knows("ada")
    days.knows("dov", has_agreed=False)
    days.go_to("2025-03-07 12:00")
    days.backend("consent", userId="ada", consents={"email_marketing": False})
    days.go_to("2025-03-20 12:00")
    days.backend("consent", userId="ada", consents={"email_marketing": True})
    days.go_to("2025-04-20 12:00")
    assert days.got("ada") == [("2025-03-06 15:00", "Good to have you here, Ada")]
    assert [run.ended for run in days.runs("ada", "welcome")] == [
        "consent withdrawn: email_marketing",
        "again: never, and it began at 2025-03-06T15:00:00.000Z",
    ]
    assert days.got("dov") == []
    assert days.runs("dov", "welcome") == ()


def test_the_form_of_the_newsletter_asks_before_it_welcomes(begin: Begin) -> None:
    """An address that only a browser has named gets the question, and the letters after the reader's yes."""
    days = begin("2025-03-10 15:00")
    days.visitor("tablet", "identify", traits={"email": "zoe@mail.example"})
    days.visitor("tablet", event="Newsletter Subscribed", properties={"form": "footer"})
    days.go_to("2025-03-10 15:30")
    (question,) = days.mails("zoe")
    assert question.subject == "Please confirm your address"
    link = next(link for link in links(question.html) if "/confirm/" in link)
    days.press(link, "confirm=yes")
    days.go_to("2025-03-12 12:00")
    assert [at for at, _ in days.got("zoe")] == ["2025-03-10 15:00", "2025-03-10 15:30"]
    way_out = next(link for link in links(days.mails("zoe")[1].text) if "/unsubscribe/" in link)
    days.press(way_out, "List-Unsubscribe=One-Click")
    days.go_to("2025-03-30 12:00")
    assert len(days.got("zoe")) == 2, "who unsubscribes gets no second letter"


# ---- customers -------------------------------------------------------------------------------------------------------


def test_a_coupon_wins_somebody_back_and_is_recalled_a_week_later(begin: Begin) -> None:
    days = begin("2025-01-10 12:00")
    for user in ("ada", "bob", "cem"):
        days.knows(user)
        days.orders(user)
    days.go_to("2025-04-12 12:00")
    days.orders("bob")
    days.go_to("2025-08-01 12:00")
    mails = [mail for mail in days.mails("ada") if mail.at >= "2025-03-01"]
    # 90 days later it is the 10th of April, 13:00 in Lisbon: the next ten o'clock there is the day after.
    assert [mail.at for mail in mails] == ["2025-04-11 09:00", "2025-04-18 09:00"]
    codes = {user: codes_in(days, user, "2025-03-01") for user in ("ada", "bob", "cem")}
    assert codes["ada"] == codes["ada"][:1] * 2, "the same code again"
    assert len(codes["bob"]) == 1, "who came back is not reminded"
    assert len({code for found in codes.values() for code in found}) == 3, "each has their own"
    # In July he has gone for 90 days once more.
    began = "2025-04-10T12:00:00.000Z"
    assert ended(days, "bob", "win_back") == ["Order Completed came first", f"again: 180d, and it began at {began}"]
    assert ended(days, "ada", "win_back") == ["sent"]


def test_after_the_third_order_there_is_a_coupon_once(begin: Begin) -> None:
    days = begin("2025-03-03 12:00")
    days.knows("ada")
    days.go_to("2025-03-20 12:00")
    for day in ("20", "21", "22", "23", "24", "25", "26"):
        days.go_to(f"2025-03-{day} 12:00")
        days.orders("ada", total=20)
    days.go_to("2025-05-01 12:00")
    (mail,) = [mail for mail in days.mails("ada") if mail.at >= "2025-03-20"]
    assert mail.at == "2025-03-23 10:00"
    assert codes_in(days, "ada", "2025-03-20") == ["FJORD-KZ7DZ"], "the first of coupons/fjord.txt"
    assert ended(days, "ada", "third_order") == ["sent"]


def codes_in(days: Days, user: str, since: str) -> list[str]:
    """Of the pools in examples/shop/coupons, one for each mail."""
    found = [re.search(r"\b(?:FJORD|BACK)-[A-Z0-9]{5}\b", mail.text) for mail in days.mails(user) if mail.at >= since]
    return [code[0] for code in found if code is not None]


def test_whoever_watched_a_demo_twice_is_offered_help(begin: Begin) -> None:
    days = begin("2025-03-03 12:00")
    for user in ("ada", "bob", "cem"):
        days.knows(user)
    days.go_to("2025-03-21 16:00")
    for user in ("ada", "bob"):
        days.page(user, "Video Playback Completed", title=DEMO)
        days.page(user, "Video Playback Completed", title=DEMO)
    days.page("cem", "Video Playback Completed", title=DEMO)
    days.page("cem", "Video Playback Completed", title="Demo: the chair Moss")
    days.go_to("2025-03-23 12:00")
    days.orders("bob")
    days.go_to("2025-03-24 08:30")
    days.page("cem", "Video Playback Completed", title=DEMO)
    days.go_to("2025-03-31 12:00")
    (mail,) = [mail for mail in days.mails("ada") if mail.at >= "2025-03-21"]
    assert mail.at == "2025-03-24 09:00", "a Friday afternoon is answered on Monday"
    assert DEMO in mail.text
    assert since(days, "bob", "2025-03-21") == []
    assert since(days, "cem", "2025-03-21") == [("2025-03-25 09:00", "Cem, any questions left?")], "not within the hour"
    assert ended(days, "bob", "demo_help") == ["Order Completed came first"]


def test_winter_in_august_is_remembered_until_the_clothes_are_there(begin: Begin) -> None:
    days = begin("2025-06-03 12:00")
    for user in ("ada", "bob", "cem", "dov"):
        days.knows(user, has_agreed=user != "dov")
    days.go_to("2025-07-31 12:00")
    days.page("bob", "Product Viewed", **PARKA)
    days.go_to("2025-08-15 12:00")
    days.page("ada", "Product Viewed", **PARKA)
    days.page("dov", "Product Viewed", **PARKA)
    days.page("cem", "Product Viewed", **LAMP)
    days.go_to("2025-10-06 16:00")
    assert since(days, "ada", "2025-07-01") == []
    days.launch("winter_arrivals")
    days.go_to("2025-10-20 12:00")
    (mail,) = [mail for mail in days.mails("ada") if mail.at >= "2025-07-01"]
    assert mail.at == "2025-10-07 09:00", "at ten in Lisbon"
    assert "Parka Hoar" in mail.text, "the shop's list of arrivals does not answer, so the letter's own stands there"
    assert [since(days, user, "2025-07-01") for user in ("bob", "cem", "dov")] == [[], [], []]
    assert days.runs("bob", "winter_arrivals") == ()
    assert fates(days, "dov", "winter_arrivals") == [("refused", "no consent: email_marketing")]


# ---- all together ----------------------------------------------------------------------------------------------------


def test_nobody_gets_more_than_two_mails_on_a_day(begin: Begin) -> None:
    """The third says why it stayed. The reward, which comes once, waits for the morning."""
    days = begin("2025-03-12 09:00")
    days.knows("ada")
    look_closely(days, "ada", "2025-03-12 10:00")
    days.go_to("2025-03-12 11:00")
    for number in range(3):
        days.orders("ada", total=20 + number, products=("mug-tide",))
    days.page("ada", "Product Added", **MUG)
    days.go_to("2025-03-13 20:00")
    assert [at for at, _ in days.got("ada")] == ["2025-03-12 09:00", "2025-03-12 10:15", "2025-03-13 10:00"]
    assert fates(days, "ada", "third_order") == [("sent", "accepted")]
    assert fates(days, "ada", "cart_reminder") == [("refused", "cap: 2 per day")]
