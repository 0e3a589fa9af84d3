"""Tokens: nobody else makes them, none does what another is for, keys can be rotated, and a bounce finds its message."""

from collections.abc import Callable

import pytest

from tactful.events.responses import About
from tactful.messages import links
from tactful.messages.links import Click, Confirm, Open, Unsubscribe
from tactful.values import digest

KEYS = {1: bytes(range(64)), 2: bytes(range(64, 128))}
OTHERS = {2: bytes(64)}
INTENT = digest("an intent")
ABOUT = About(INTENT, "u:42", "welcome", "hello", "email", "2.then.1")
EACH: list[tuple[links.Link, Callable[..., object]]] = [
    (Unsubscribe("u:42", "email_marketing", INTENT), links.unseal),
    (Confirm("u:42", "email_marketing", INTENT, "a@shop.example", 5), links.unseal_confirm),
    (Click(ABOUT, 5, "https://shop.example/"), links.unseal_click),
    (Open(ABOUT, 5), links.unseal_open),
]


@pytest.mark.parametrize("made", range(4))
@pytest.mark.parametrize("read", range(4))
def test_a_token_is_for_one_thing(made: int, read: int) -> None:
    wanted, token = EACH[made][0], links.seal(KEYS, EACH[made][0])
    assert EACH[read][1](KEYS, token) == (wanted if made == read else None)


@pytest.mark.parametrize("made", range(4))
def test_forged_tokens(made: int) -> None:
    wanted, unseal = EACH[made]
    token = links.seal(KEYS, wanted)
    assert unseal(OTHERS, token) is None
    for at in range(len(token)):
        assert unseal(KEYS, token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]) is None
    for other in ("", "A", token[:-1], token + "A", token + "=", " " + token, "é" * 40, "A" * 9_000, token.lower()):
        assert unseal(KEYS, other) is None


def test_keys_are_rotated() -> None:
    old = {1: KEYS[1]}
    for wanted, unseal in EACH:
        assert unseal(KEYS, links.seal(old, wanted)) == wanted
        assert unseal(old, links.seal(KEYS, wanted)) is None
    assert links.returned(KEYS, links.return_path("bounces@shop.example", old, INTENT)) == INTENT
    assert links.returned(old, links.return_path("bounces@shop.example", KEYS, INTENT)) is None


def test_an_address_for_bounces_survives_mail_servers() -> None:
    longest = "a" * 24
    for local in ("b", "bounces", longest):
        address = links.return_path(f"{local}@shop.example", KEYS, INTENT)
        assert address.startswith(f"{local}+")
        assert len(address.partition("@")[0]) <= 64
        assert address == address.lower()
        for spelt in (address, address.upper(), f" {address}\n", address.replace("shop.example", "SHOP.example")):
            assert links.returned(KEYS, spelt) == INTENT


def test_a_forged_address_is_nobodys() -> None:
    address = links.return_path("bounces@shop.example", KEYS, INTENT)
    at = address.index("+") + 1
    for place in range(at, address.index("@")):
        other = "b" if address[place] == "a" else "a"
        assert links.returned(KEYS, address[:place] + other + address[place + 1 :]) is None
    for other in ("", "bounces@shop.example", "bounces+@shop.example", address.replace("+", ""), "x" * 100_000):
        assert links.returned(KEYS, other) is None
    assert links.returned(OTHERS, address) is None


def test_without_an_address_or_an_id_of_ours_there_is_none() -> None:
    assert links.return_path("", KEYS, INTENT) == ""
    assert links.return_path("bounces@shop.example", KEYS, "of another form") == ""
