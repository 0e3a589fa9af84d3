"""A visitor who agreed brings a user along: a call that names both is kept, whatever is known of the user; and nothing at
all is kept of those who did not."""

from typing import Any

import pytest

from tactful.events.derived import EventKept, EventRefused
from tests.kernel.test_policy import BROWSER, Shop

POLICY: dict[str, Any] = {
    "collect": "analytics",
    "otherwise": "drop",
    "purposes": {"analytics": {"categories": ["Analytics"]}, "profiling": {}},
}


def kept(shop: Shop) -> list[tuple[str, str]]:
    """Of every event: whose, and through which fragment where that is not the person's own."""
    rows = [(group.key, row) for group in shop.driver.groups for row in group.rows]
    return [(key, row.fragment) for key, row in rows if isinstance(row, EventKept)]


@pytest.fixture
def shop() -> Shop:
    return Shop(POLICY)


def test_a_new_user_has_what_the_visitor_agreed_to(shop: Shop) -> None:
    shop.decides(anonymousId="a-1", purpose="analytics", granted=True)
    shop.call(event="Product Viewed", anonymousId="a-1")
    shop.call(event="Product Added", userId="1", anonymousId="a-1")
    shop.call(event="Product Added", userId="1")
    assert kept(shop) == [("a:a-1", ""), ("u:1", ""), ("u:1", "")]
    assert set(shop.driver.profiles()["u:1"].fragments) == {"u:1#1", "a:a-1#1"}


def test_so_has_a_user_who_was_never_asked(shop: Shop) -> None:
    shop.decides(userId="1", purpose="profiling", granted=True)
    shop.decides(anonymousId="a-1", purpose="analytics", granted=True)
    shop.call(event="Product Added", userId="1", anonymousId="a-1")
    shop.call(event="Product Added", userId="1")
    assert kept(shop) == [("u:1", ""), ("u:1", "")]


def test_a_user_who_said_no_is_not_asked_again(shop: Shop) -> None:
    shop.decides(userId="1", purpose="analytics", granted=False)
    shop.decides(anonymousId="a-1", purpose="analytics", granted=True)
    shop.call(event="Product Added", userId="1", anonymousId="a-1")
    assert kept(shop) == []
    assert shop.driver.profiles()["a:a-1"].owner() is None


def test_the_same_call_again_is_one_event(shop: Shop) -> None:
    shop.decides(anonymousId="a-1", purpose="analytics", granted=True)
    for _ in range(3):
        shop.call(event="Product Added", userId="1", anonymousId="a-1", messageId="same")
    assert kept(shop) == [("u:1", "")]


def test_of_visitors_who_did_not_agree_there_is_nothing(shop: Shop) -> None:
    shop.call(BROWSER, event="Product Viewed", anonymousId="a-1")
    shop.call(BROWSER, event="Product Viewed", userId="1", anonymousId="a-1")
    denied = {"consent": {"categoryPreferences": {"Analytics": False}}}
    shop.call(BROWSER, event="Product Viewed", userId="1", anonymousId="a-1", context=denied)
    assert shop.driver.profiles() == {}
    assert not any(isinstance(row, EventKept | EventRefused) for group in shop.driver.groups for row in group.rows)


def test_a_call_that_says_yes_itself_is_kept(shop: Shop) -> None:
    agreed = {"consent": {"categoryPreferences": {"Analytics": True}}}
    shop.call(BROWSER, event="Product Viewed", userId="1", anonymousId="a-1", context=agreed)
    shop.call(BROWSER, event="Product Viewed", userId="1", anonymousId="a-1")
    assert kept(shop) == [("u:1", ""), ("u:1", "")]


def test_whom_a_server_knows_a_yes_of_a_browser_covers_its_own_call_alone(shop: Shop) -> None:
    shop.decides(userId="1", purpose="profiling", granted=True)
    agreed = {"consent": {"categoryPreferences": {"Analytics": True}}}
    shop.call(BROWSER, event="Product Viewed", userId="1", anonymousId="a-1", context=agreed)
    shop.call(BROWSER, event="Product Added", userId="1", anonymousId="a-1")
    assert kept(shop) == [("u:1", "")]
