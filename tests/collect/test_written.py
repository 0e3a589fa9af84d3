"""An event written back as a call makes the same event again."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.events.intake import Arrival, accept
from tactful.events.naming import Proof
from tactful.events.records import Event, pack, unpack
from tactful.events.sources import Source
from tactful.events.written import call_of

RECEIVED = 1_741_000_000_123_456
IDS = st.sampled_from([None, "42", " 42 ", "43", 42, "ab:c", "ünï"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    # NUL and lone surrogates are refused at the door, and are not what is asked here.
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "currency", "country", "url"]), VALUES, max_size=3)
PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["Ada@Example.com ", "no address"]),
        "phone": st.just("+49 30 123456"),
        "plan": VALUES,
    },
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "traits": PEOPLE,
        "device": st.fixed_dictionaries({"id": st.sampled_from(["d1", ""])}),
        "externalIds": st.just([{"type": "card", "id": "77"}, {"type": "a:b", "id": 5}]),
        "ip": st.just("203.0.113.9"),
        "gpc": st.just(value=True),
    },
)
CALLS = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]), "event": st.just("Seen")},
    optional={
        "messageId": st.sampled_from(["m1", 17]),
        "userId": IDS,
        "anonymousId": IDS,
        "previousId": IDS,
        "groupId": IDS,
        "channel": st.just("mobile"),
        "name": st.just("Home"),
        "category": st.just("Shop"),
        "timestamp": st.sampled_from(
            ["2025-03-03T10:00:00Z", "2025-03-03T10:00:00.123456+02:00", "2025-03-03T11:07:00Z"]
        ),
        "originalTimestamp": st.just("2025-03-03T09:00:00Z"),
        "sentAt": st.just("2025-03-03T11:05:00Z"),
        "properties": OBJECTS,
        "traits": PEOPLE,
        "context": CONTEXTS,
        "integrations": st.sampled_from([{"All": True}, {"All": False, "Mail": True}]),
    },
)


@given(CALLS, st.sampled_from(["server", "browser"]), st.sampled_from([None, Proof("u:42", ("e:ada@example.com",))]))
def test_it_says_the_same(call: dict[str, Any], trust: Any, proof: Proof | None) -> None:
    arrival = Arrival(Source("shop", "K", trust), RECEIVED, proof=proof)
    event = accept(msgspec.json.encode(call), arrival)
    if not isinstance(event, Event):
        return
    vouched = Proof(event.key, tuple(key for key in event.ids if key[0] in "ep")) if event.is_verified else None
    again = accept(call_of(event), Arrival(Source("shop", "K", trust), RECEIVED, proof=vouched), 99)
    assert isinstance(again, Event)
    extra = unpack(event.extra)
    extra.pop("originalTimestamp", None)
    assert again == replace(event, extra=pack(extra))


@pytest.mark.parametrize("kind", ["track", "identify"])
def test_it_reads_like_any_call(kind: str) -> None:
    body = {"type": kind, "event": "Seen", "userId": "42", "messageId": "m", "properties": {"a": 1}, "traits": {"b": 2}}
    event = accept(msgspec.json.encode(body), Arrival(Source("shop", "K", "server"), RECEIVED))
    assert isinstance(event, Event)
    assert msgspec.json.decode(call_of(event)) == {
        "type": kind,
        **({"event": "Seen", "properties": {"a": 1}} if kind == "track" else {"traits": {"b": 2}}),
        "messageId": "m",
        "userId": "42",
        "timestamp": "2025-03-03T11:06:40.123456Z",
        "context": {},
    }
