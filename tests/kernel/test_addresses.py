"""Where messages to a person go, by channel: what is an address, whose word counts, what is counted and suppressed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.kernel.addresses import MOST_DEVICES, counted_as, each, readable, recipient, spelling
from tactful.kernel.state import Fragment
from tactful.people import traits
from tactful.people.traits import TraitWrite
from tests.kernel.test_changes import event, started
from tests.simulation.histories import START

KEYS = {"p256dh": "B" * 87, "auth": "a" * 22}
ENDPOINT = "https://push.example/send/abc"


def said(trait: str, value: object, *, is_browser: bool = False, at: int = 1) -> Fragment:
    return Fragment([], {}, {trait: TraitWrite(value, at, at, 1, is_browser=is_browser)}, {})


def address(channel: str, trait: str, value: object) -> str | None:
    to = recipient({"u:1#1": said(trait, value)}, {}, channel)
    return to.address if to is not None else None


def subscription(endpoint: str = ENDPOINT, **more: Any) -> dict[str, Any]:
    return {"endpoint": endpoint, "expirationTime": None, "keys": KEYS, **more}


STORED = json.dumps({"endpoint": ENDPOINT, "keys": dict(sorted(KEYS.items()))}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("channel", "trait", "value", "found"),
    [
        ("email", "email", "Ada@X.example", "ada@x.example"),
        ("sms", "phone", "+49 (0)30 123456", "+4930123456"),
        ("sms", "phone", "030 123456", None),
        ("sms", "phone", "+1", None),
        ("sms", "phone", 4930123456, None),
        ("push", "push_tokens", " tok-1 ", "tok-1"),
        ("push", "push_tokens", ["a", "b", "a", 7, None, "c d", ""], "a\nb"),
        ("push", "push_tokens", [], None),
        ("push", "push_tokens", "x\nBcc", None),
        ("push", "push_tokens", "x" * 4097, None),
        ("web_push", "web_push", subscription(), STORED),
        ("web_push", "web_push", json.dumps(subscription()), STORED),
        ("web_push", "web_push", [subscription(), subscription(), {"endpoint": ENDPOINT}], STORED),
        ("web_push", "web_push", subscription("http://push.example/"), None),
        ("web_push", "web_push", subscription("https:///x"), None),
        ("web_push", "web_push", subscription("https://[::1/x"), None),
        ("web_push", "web_push", subscription("https://a\nb"), None),
        ("web_push", "web_push", subscription(keys={"p256dh": "B" * 87}), None),
        ("web_push", "web_push", subscription(keys={"p256dh": "B" * 87, "auth": "'\"\n" + "a" * 20}), None),
        ("web_push", "web_push", "no json", None),
        ("web_push", "web_push", 7, None),
        ("chat", "chat", " @ada ", "@ada"),
        ("chat", "chat", "a", "a"),
        ("chat", "chat", "two\nlines", None),
        ("chat", "chat", "x" * 513, None),
        ("chat", "chat", ["@ada"], None),
        ("chat", "chat", "", None),
    ],
)
def test_what_is_an_address(channel: str, trait: str, value: object, found: str | None) -> None:
    assert address(channel, trait, value) == found


def test_so_many_devices_and_no_more() -> None:
    tokens = [f"t{number}" for number in range(100)]
    found = address("push", "push_tokens", tokens)
    assert found is not None and each(found) == tuple(tokens[:MOST_DEVICES])


@pytest.mark.parametrize(
    ("channel", "trait"), [("email", "email"), ("sms", "phone"), ("push", "push_tokens"), ("chat", "chat")]
)
def test_a_servers_word_counts_more_than_what_a_browser_says_later(channel: str, trait: str) -> None:
    """Also where both have come through one identifier, of which one write is kept."""
    values = {"email": ("ada@x.example", "eve@x.example"), "sms": ("+4930123456", "+4930654321")}
    ada, eve = values.get(channel, ("ada", "eve"))
    one = Fragment([], {}, {}, {})
    traits.write(one.traits, {trait: ada}, 1, 1, 1)
    traits.write(one.traits, {trait: eve}, 2, 2, 2, is_browser=True)
    for fragments in ({"u:1#1": one}, {"u:1#1": said(trait, ada), "a:1#1": said(trait, eve, is_browser=True, at=2)}):
        to = recipient(fragments, {}, channel)
        assert to is not None and (to.address, to.is_hearsay) == (ada, False)
    to = recipient({"a:1#1": said(trait, eve, is_browser=True)}, {}, channel)
    assert to is not None and (to.address, to.is_hearsay) == (eve, True)


def test_what_is_counted_and_suppressed() -> None:
    other = json.dumps({"endpoint": ENDPOINT + "2", "keys": KEYS})
    assert counted_as("email", "ada+1@gmail.com") == ("ada@gmail.com",)
    assert counted_as("sms", "+4930123456") == ("+4930123456",)
    assert counted_as("push", "a\nb") == ("a", "b")
    assert counted_as("web_push", f"{STORED}\n{other}") == (ENDPOINT, f"{ENDPOINT}2")
    assert counted_as("webhook", "https://crm.example/") == counted_as("email", "") == ()
    assert (spelling("web_push", STORED), spelling("web_push", "damaged"), spelling("push", "a")) == (
        ENDPOINT,
        "damaged",
        "a",
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" Ada@X.example ", "ada@x.example"),
        ("+49 30 123456", "+4930123456"),
        (ENDPOINT, ENDPOINT),
        ("device-token", "device-token"),
        ("no@where@x", None),
        ("two words", None),
        ("", None),
    ],
)
def test_how_lists_name_addresses(text: str, found: str | None) -> None:
    assert readable(text) == found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["endpoint", "keys", "auth", "p256dh", "x"]), inner)
        ),
    )
)
def test_nothing_that_a_trait_may_hold_breaks_it(value: object) -> None:
    for channel, trait in (
        ("email", "email"),
        ("sms", "phone"),
        ("push", "push_tokens"),
        ("web_push", "web_push"),
        ("chat", "chat"),
    ):
        found = address(channel, trait, value)
        assert found is None or all(each(found))


def test_a_device_is_told_by_a_token_of_the_shops_server() -> None:
    """Else whoever types a user's id would have that person's messages on a device of their own."""
    for is_verified in (True, False):
        driver = started({})
        first = event("$identify", START + 1, email="ada@x.example")
        later = replace(event("$identify", START + 2, push_tokens="tok"), trust="browser", is_verified=is_verified)
        driver.append(first, later)
        driver.settle(START + 3)
        to = recipient(driver.profiles()["u:1"].fragments, {}, "push")
        assert to is not None and (to.address, to.is_hearsay) == ("tok", not is_verified)
