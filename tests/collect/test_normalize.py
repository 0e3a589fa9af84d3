"""Countries and currencies are one code each from where they enter; what is unknown or ambiguous stays as it was sent."""

import copy
import json
from typing import Any

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from tactful.events.intake import Arrival, accept, draft_of, encode_draft
from tactful.events.normalize import COUNTRIES, CURRENCIES, LONGEST, country, currency, normalize
from tactful.events.records import Event, encode, unpack
from tactful.events.sources import Source
from tactful.values import parse_time
from tests.collect import country_names

NOW = parse_time("2025-03-07T12:00:00Z") or 0
ARRIVAL = Arrival(Source("shop", "SK", "server"), NOW)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["eur", "€", "Germany", "uk"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["currency", "country", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
CALLS = st.dictionaries(st.sampled_from(["currency", "country", "products", "address", "location", "y"]), VALUES)


def taken(**call: Any) -> Event:
    event = accept(json.dumps({"userId": "42", "type": "track", "event": "Seen", **call}).encode(), ARRIVAL)
    assert isinstance(event, Event), event
    return event


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("DE", "DE"),
        (" de ", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("deutschland", "DE"),
        ("Россия", "RU"),
        ("日本", "JP"),
        ("Espana", "ES"),
        ("España", "ES"),
        ("uk", "GB"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("the netherlands", "NL"),
        ("Korea, Republic of", "KR"),
        ("Cote d'Ivoire", "CI"),
        ("Bosnia & Herzegovina", "BA"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Georgia", "GE"),
        ("Kosovo", "XK"),
    ],
)
def test_a_country_has_one_code(said: str, code: str) -> None:
    assert country(said) == code


@pytest.mark.parametrize(
    "said", ["", " ", "XX", "zz", "EU", "T1", "Narnia", "Korea", "Kongo", "ß", "276", "--", "de-DE"]
)
def test_what_is_no_country_or_could_be_several_stays(said: str) -> None:
    assert country(said) == said


@pytest.mark.parametrize(
    ("said", "code"),
    [("EUR", "EUR"), (" eur", "EUR"), ("€", "EUR"), ("£", "GBP"), ("us$", "USD"), ("zł", "PLN"), ("Kč", "CZK"), ("dem", "DEM")],
)  # fmt: skip
def test_a_currency_has_one_code(said: str, code: str) -> None:
    assert currency(said) == code


@pytest.mark.parametrize("said", ["$", "kr", "¥", "", "points", "eu", "BTC", "ßp"])
def test_what_is_no_currency_or_could_be_several_stays(said: str) -> None:
    assert currency(said) == said


def test_where_it_is_looked_for() -> None:
    order = taken(
        properties={"currency": "eur", "country": "Portugal", "products": [{"currency": "€"}, {"currency": 5}, "x"]},
        context={"location": {"country": "PRT", "city": "Porto"}, "country": "Portugal"},
    )
    assert unpack(order.properties) == {
        "currency": "EUR",
        "country": "PT",
        "products": [{"currency": "EUR"}, {"currency": 5}, "x"],
    }
    assert unpack(order.context) == {"location": {"country": "PT", "city": "Porto"}, "country": "Portugal"}
    known = taken(
        type="identify", event=None, traits={"country": "france", "address": {"country": "Spain", "city": "x"}}
    )
    assert unpack(known.properties) == {"country": "FR", "address": {"country": "ES", "city": "x"}}
    rudder = taken(type="identify", event=None, context={"traits": {"country": "france"}})
    assert unpack(rudder.properties) == {"country": "FR"}


def test_a_context_that_a_batch_shares_is_normalized_too() -> None:
    frame = Arrival(ARRIVAL.source, NOW, context={"location": {"country": "spain"}})
    for place in (0, 1):
        event = accept(b'{"type": "page", "userId": "42"}', frame, place)
        assert isinstance(event, Event)
        assert unpack(event.context) == {"location": {"country": "ES"}}


@given(CALLS, CALLS)
def test_done_again_it_changes_nothing_more_and_nothing_else(
    properties: dict[str, Any], context: dict[str, Any]
) -> None:
    before = copy.deepcopy((properties, context))
    normalize(properties, context)
    once = copy.deepcopy((properties, context))
    normalize(properties, context)
    assert repr((properties, context)) == repr(once)
    for one, other in zip(before, once, strict=True):
        assert list(one) == list(other)
        assert repr({key: one[key] for key in one if key == "y"}) == repr(
            {key: other[key] for key in other if key == "y"}
        )


@given(st.text(max_size=LONGEST))
def test_a_code_or_the_text_itself(text: str) -> None:
    assert country(text) == text or country(text) in COUNTRIES
    assert currency(text) == text or currency(text) in CURRENCIES


def test_a_long_text_is_not_looked_at() -> None:
    long = "Germany" + " " * LONGEST
    assert unpack(taken(properties={"country": long}).properties) == {"country": long}


def test_the_quick_way_writes_the_same_bytes() -> None:
    body = b'{"type": "track", "event": "A", "userId": "42", "messageId": "1", "properties": {"currency": "eur"}}'
    drafted, event = draft_of(body, ARRIVAL), accept(body, ARRIVAL)
    assert isinstance(event, Event)
    assert encode_draft(drafted) == encode(event)


def test_the_codes_are_those_of_the_world() -> None:
    named = {code for _, code in country_names.territories("en")}
    assert named == COUNTRIES
    assert frozenset(get_global("all_currencies")) == CURRENCIES
    assert {currency(sign) for sign in ("€", "R$", "Ft")} <= CURRENCIES


def test_the_names_are_those_of_babel() -> None:
    assert country_names.FILE.read_text(encoding="utf-8") == country_names.text(), (
        "write them anew: python -m tests.collect.country_names"
    )
