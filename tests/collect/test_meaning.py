"""What an accepted call says: its name, its time, whom it names, and in which partition it enters."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tactful.events.identifiers import email_key, keys_of, normalize_email, partition_of, phone_key, user_key
from tactful.events.intake import Arrival, accept, draft_of, encode_draft
from tactful.events.records import Event, encode, unpack
from tactful.events.sources import Source
from tactful.values import HOUR_US, SECOND_US, parse_time

NOW = parse_time("2025-03-07T12:00:00Z") or 0
SOURCE = Source("shop", "SK", "server")


def taken(call: dict[str, Any], sent_at: int | None = None, place: int = 0) -> Event:
    event = accept(json.dumps(call).encode(), Arrival(SOURCE, NOW, sent_at), place)
    assert isinstance(event, Event), event
    return event


def at(text: str) -> int:
    return parse_time(text) or 0


@pytest.mark.parametrize(
    ("call", "name", "properties"),
    [
        ({"type": "track", "event": "Cart Viewed", "properties": {"a": 1}}, "Cart Viewed", {"a": 1}),
        ({"type": "track", "event": "Cart Viewed", "name": "no property"}, "Cart Viewed", {}),
        ({"type": "page", "name": "Home", "category": None, "properties": {"url": "/"}}, "$page", {"name": "Home", "url": "/"}),
        ({"type": "screen", "category": "Shop", "properties": None}, "$screen", {"category": "Shop"}),
        ({"type": "page", "name": "", "properties": {"name": "kept"}}, "$page", {"name": "kept"}),
        ({"type": "identify", "traits": {"plan": "pro"}}, "$identify", {"plan": "pro"}),
        ({"type": "identify", "context": {"traits": {"plan": "free", "age": 3}}, "traits": {"plan": "pro"}}, "$identify", {"plan": "pro", "age": 3}),
        ({"type": "group", "groupId": 9, "traits": {"name": "Nine"}, "properties": {"x": 1}}, "$group", {"name": "Nine"}),
        ({"type": "alias", "previousId": "a-1"}, "$alias", {}),
    ],
)  # fmt: skip
def test_names_and_properties(call: dict[str, Any], name: str, properties: dict[str, Any]) -> None:
    event = taken({"userId": "42", **call})
    assert (event.name, unpack(event.properties)) == (name, properties)


def test_what_is_neither_property_nor_context_is_extra() -> None:
    call = {
        "type": "group",
        "userId": "42",
        "groupId": 9,
        "channel": "web",
        "timestamp": "2025-03-07T11:00:00Z",
        "integrations": {"All": True, "Mailer": False},
        "_metadata": {"bundled": []},
    }
    event = taken(call, NOW)
    assert unpack(event.extra) == {
        "groupId": "9",
        "channel": "web",
        "originalTimestamp": "2025-03-07T11:00:00Z",
        "integrations": {"All": True, "Mailer": False},
    }


@pytest.mark.parametrize(
    ("times", "sent_at", "expected"),
    [
        ({}, None, NOW),
        ({"timestamp": "2025-03-07T11:00:00Z"}, None, NOW - HOUR_US),
        ({"timestamp": "2025-03-07T12:00:00+01:00"}, None, NOW - HOUR_US),
        ({"timestamp": "2025-03-07T11:00:00.1234567Z"}, None, at("2025-03-07T11:00:00.123456Z")),
        ({"timestamp": "2025-03-07T13:00:00Z"}, "2025-03-07T14:00:00Z", NOW - HOUR_US),
        ({"timestamp": "2015-01-01T00:00:00Z"}, "2015-01-01T00:00:05Z", NOW - 5 * SECOND_US),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "1970-01-01T00:00:05Z", NOW - 5 * SECOND_US),
        ({"timestamp": "x", "originalTimestamp": "2025-03-07T11:00:00Z"}, None, NOW - HOUR_US),
        ({"timestamp": "2025-03-07T11:00:00Z", "sentAt": "2025-03-07T11:00:01Z"}, "2025-01-01T00:00:00Z", NOW - SECOND_US),
        ({"timestamp": "2025-03-07T11:00:00Z", "sentAt": "soon"}, None, NOW - HOUR_US),
        ({"timestamp": "2025-03-07T11:00:00Z", "sentAt": 7}, None, NOW - HOUR_US),
        ({"timestamp": "2025-03-08T12:00:00Z"}, None, NOW),
        ({"timestamp": "2025-03-07T12:00:03Z"}, None, NOW),
        ({"timestamp": "2000-01-01T00:00:00Z"}, None, at("2000-01-01T00:00:00Z")),
        ({"timestamp": None, "originalTimestamp": ""}, None, NOW),
    ],
)  # fmt: skip
def test_times_are_corrected_for_the_clients_clock(times: dict[str, Any], sent_at: str | None, expected: int) -> None:
    event = taken({"type": "track", "event": "A", "userId": "42", **times}, parse_time(sent_at) if sent_at else None)
    assert (event.timestamp, event.received_at) == (expected, NOW)


@pytest.mark.parametrize(
    ("call", "ids"),
    [
        ({"userId": " 42 "}, ["u:42"]),
        ({"userId": 42}, ["u:42"]),
        ({"userId": 7}, ["u:7"]),
        ({"anonymousId": "a1", "userId": None}, ["a:a1"]),
        ({"anonymousId": "a1", "userId": ""}, ["a:a1"]),
        ({"userId": "42", "anonymousId": "a1"}, ["u:42", "a:a1"]),
        ({"userId": "42", "previousId": "41"}, ["u:42"]),
        ({"type": "alias", "userId": "42", "previousId": "41"}, ["u:42", "u:41", "a:41"]),
        ({"type": "alias", "userId": "42", "previousId": "b1", "anonymousId": "c1"}, ["u:42", "u:b1", "a:b1", "a:c1"]),
        ({"type": "alias", "userId": "42", "previousId": "a1", "anonymousId": "a1"}, ["u:42", "a:a1"]),
        ({"type": "alias", "userId": "42", "previousId": "42"}, ["u:42", "a:42"]),
        ({"anonymousId": "a1", "traits": {"email": " Ana@Example.TEST "}}, ["e:ana@example.test", "a:a1"]),
        ({"anonymousId": "a1", "traits": {"email": "no address", "phone": "12"}}, ["a:a1"]),
        ({"anonymousId": "a1", "traits": {"email": 7, "phone": "+351 912 345 678"}}, ["p:+351912345678", "a:a1"]),
        ({"anonymousId": "a1", "context": {"traits": {"email": "ana@example.test"}}}, ["a:a1"]),
        ({"anonymousId": "a1", "context": {"device": {"id": "d1"}}}, ["a:a1", "d:d1"]),
        ({"context": {"device": {"id": "d1"}}}, ["d:d1"]),
        (
            {
                "anonymousId": "a1",
                "context": {
                    "externalIds": [
                        {"id": "7", "type": "shop:eu"},
                        {"id": 5, "type": "crm"},
                        {"id": ""},
                        {"type": "crm"},
                        "junk",
                    ]
                },
            },
            ["x:crm:5", "x:shop%3Aeu:7", "a:a1"],
        ),
        ({"userId": "42", "context": {"externalIds": "junk", "device": "junk"}}, ["u:42"]),
    ],
)
def test_identifiers_strongest_first(call: dict[str, Any], ids: list[str]) -> None:
    event = taken({"type": "track", "event": "A", **call})
    assert list(event.ids) == ids
    assert event.key == ids[0]


def test_context_traits_name_somebody_on_identify_only() -> None:
    traits = {"context": {"traits": {"email": "ana@example.test"}}, "anonymousId": "a1"}
    assert taken({"type": "identify", **traits}).ids == ("e:ana@example.test", "a:a1")
    assert taken({"type": "page", **traits}).ids == ("a:a1",)
    group = {"type": "group", "groupId": "g", "traits": {"email": "office@example.test"}, "anonymousId": "a1"}
    assert taken(group).ids == ("a:a1",)


@example("\u03aa\u0301")  # Its lower case is two characters that NFKC makes one.
@given(st.text(max_size=40))
def test_an_email_is_normalized_once_and_for_all(text: str) -> None:
    normal = normalize_email(f"{text}@example.test")
    assert normal is None or normalize_email(normal) == normal


def test_addresses_that_look_alike_are_one() -> None:
    assert email_key("\uff21na@Example.test") == email_key(" ana@example.TEST\n") == "e:ana@example.test"
    assert phone_key("+44 (0)20 7946 0958") == phone_key("+442079460958") == "p:+442079460958"
    assert phone_key("020 7946 0958") is None
    assert user_key(True) is user_key(4.2) is user_key([]) is user_key(" ") is None


def test_homes_never_move() -> None:
    """Fixed for ever: the partition of an identifier is where its state is."""
    assert [partition_of(key, 8) for key in ("u:42", "u:43", "a:a1", "e:ana@example.test")] == [7, 1, 0, 0]
    assert {partition_of(f"u:{number}", 8) for number in range(200)} == set(range(8))
    assert partition_of("u:42", 1) == 0


def test_a_call_without_message_id_gets_one_that_a_second_try_gives_again() -> None:
    call = {"type": "track", "event": "A", "userId": "42"}
    first, again, neighbour = taken(call), taken(call), taken(call, place=1)
    assert first.message_id == again.message_id
    assert first.message_id != neighbour.message_id
    assert first.message_id.startswith("auto-")
    assert taken(call | {"messageId": ""}).message_id.startswith("auto-")
    assert taken(call | {"messageId": 7}).message_id == "7"


def test_a_draft_is_the_bytes_of_its_event() -> None:
    call = {"type": "identify", "userId": "42", "traits": {"a": [1, {"b": None}]}, "context": {"ip": "203.0.113.7"}}
    drafted = draft_of(json.dumps(call).encode(), Arrival(SOURCE, NOW))
    assert encode(taken(call)) == encode_draft(drafted)


def test_nobody_is_named_by_nothing() -> None:
    assert keys_of(None, "", " ", {"email": ""}, {"device": {"id": None}}) == ()
