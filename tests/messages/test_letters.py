"""The example shop's letters as they are written: nothing to say against them, in HTML, text and AMP."""

import re

import pytest

from tactful.messages.finishing import CLIPPED_BYTES
from tactful.messages.looks import hole
from tactful.operations.messages.rehearsing import Rehearsal, rehearse
from tests.messages.amphtml import validate
from tests.messages.letters import LEAVE, PERSON, SHOP, STRANGER, Letter, definitions, letters

CART = """NORDLICHT

Still thinking about it?

Hello Inês, you left something in your cart. Take your time: it is yours for as long as we have it.

Lamp Fjord (https://nordlicht.example/p/lamp-fjord) | €129.00
4 × Mug Tide (https://nordlicht.example/p/mug-tide) | €72.00
Together | €201.00

Back to my cart (https://nordlicht.example/cart)

You get this because you said yes to our mail and left something in your cart.
Unsubscribe (https://t.nordlicht.example/v1/unsubscribe/AbC-_123)
Nordlicht, Rua do Farol 12, 1200-001 Lisboa
"""
each = pytest.mark.parametrize("letter", [*letters(), *letters(STRANGER)], ids=lambda one: one.name)
BY_NAME = {letter.name: letter.mail for letter in letters()}


def test_nothing_is_said_against_them() -> None:
    found = definitions()
    files = {f"messages/{name}.yaml": (SHOP / f"messages/{name}.yaml").read_text("utf-8") for name in found.messages}
    assert rehearse(found, files, "https://nordlicht.example", "Nordlicht") == Rehearsal()


def test_the_text_part_reads_well() -> None:
    assert BY_NAME["cart_reminder"].text == CART


@each
def test_every_letter(letter: Letter) -> None:
    mail = letter.mail
    assert len(mail.subject) <= 60
    assert not hole(mail.text)
    for text in (mail.subject, mail.text, mail.html):
        assert "{{" not in text
        assert "{%" not in text
        assert "None" not in text
    assert len(mail.html.encode()) < CLIPPED_BYTES / 5
    assert re.search(r'<body[^>]*><div style="display:none', mail.html), "it has a preheader"
    assert "prefers-color-scheme" in mail.html
    assert mail.html.count('<meta name="color-scheme"') == 1
    assert mail.text.count(LEAVE) == 1
    if letter.message != "confirm":
        assert re.search(r"^(You get this because|Sie bekommen diese Mail, weil) .+\.$", mail.text, re.MULTILINE)


def test_they_show_what_messages_can_do() -> None:
    """Translations, variants by segment and by share, a coupon, AMP, fresh data, the cart."""
    assert BY_NAME["welcome_1.de"].subject == "Schön, dass Sie da sind, Inês"
    assert 'lang="de"' in BY_NAME["welcome_1.de"].html
    assert "Abbestellen" in BY_NAME["welcome_1.de"].text
    assert BY_NAME["win_back.patrons"].text != BY_NAME["win_back"].text == BY_NAME["win_back.light"].text
    assert len({BY_NAME[name].subject for name in ("win_back", "win_back.patrons", "win_back.light")}) == 3
    for name in ("thank_you", "win_back", "win_back_reminder"):
        assert PERSON["coupon"]["code"] in BY_NAME[name].text
    assert "Parka Hoar" in BY_NAME["winter_arrivals"].text
    assert [letter.name for letter in letters() if letter.mail.amp] == ["cart_reminder"]


def test_a_large_cart_is_cut_short() -> None:
    items = [{"product_id": f"p{number}", "name": f"Thing {number}", "price": 1} for number in range(40)]
    many = {**PERSON, "seen": {"cart": {"items": items, "lines": 40, "quantity": 40.0, "value": 40}}}
    mail = {letter.name: letter.mail for letter in letters(many)}["cart_reminder"]
    assert "Thing 4" in mail.text
    assert "Thing 5" not in mail.text
    assert "and 35 more" in mail.text


@pytest.mark.external
def test_amp_is_what_mailboxes_take() -> None:
    documents = {one.name: one.mail.amp for person in (PERSON, STRANGER) for one in letters(person) if one.mail.amp}
    assert validate(documents) == {"cart_reminder": []}
