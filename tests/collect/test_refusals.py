"""Input that cannot be taken: a clear answer, a place in the quarantine, and neighbours that are none the worse (I9)."""

import gzip
import json
from typing import Any

import pytest

from tactful.events.records import unpack
from tactful.events.sources import Source
from tests.collect.edge import BROWSER, Edge, Reply, Running

GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "42", "messageId": "good"}
SERVER_KEY = {"authorization": "Basic U0s6"}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


BAD_CALLS: list[tuple[str, dict[str, Any] | bytes, str, str]] = [
    ("no identifier", {"userId": None}, "no_identifier", "userId"),
    ("blank identifiers", {"userId": "", "anonymousId": "  "}, "no_identifier", "userId"),
    ("unknown type", {"type": "purchase"}, "unknown_type", "type"),
    ("type is a number", {"type": 7}, "wrong_type", "type"),
    ("event is missing", {"event": None}, "event_missing", "event"),
    ("event is a number", {"event": 7}, "wrong_type", "event"),
    ("event has another call's name", {"event": "$identify"}, "event_reserved", "event"),
    ("event is endless", {"event": "x" * 1001}, "too_long", "event"),
    ("userId is a list", {"userId": ["42"]}, "wrong_type", "userId"),
    ("userId is a boolean", {"userId": True}, "wrong_type", "userId"),
    ("userId is a fraction", {"userId": 4.2}, "wrong_type", "userId"),
    ("userId is endless", {"userId": "4" * 600}, "too_long", "userId"),
    ("properties are a text", {"properties": "blue"}, "wrong_type", "properties"),
    ("context is a list", {"context": []}, "wrong_type", "context"),
    ("timestamp is a number", {"timestamp": 1746579610}, "wrong_type", "timestamp"),
    ("timestamp is no time", {"timestamp": "yesterday"}, "timestamp_unreadable", "timestamp"),
    ("timestamp far ahead", {"timestamp": "2026-05-08T01:00:11Z"}, "timestamp_absurd", "timestamp"),
    ("timestamp long ago", {"timestamp": "1999-12-31T23:59:59Z"}, "timestamp_absurd", "timestamp"),
    ("original timestamp", {"originalTimestamp": "1970-01-01T00:00:00Z"}, "timestamp_absurd", "originalTimestamp"),
    ("NUL in a value", {"properties": {"color": "bl\0ue"}}, "nul_byte", "properties.color"),
    ("NUL in an identifier", {"userId": "4\0002"}, "nul_byte", "userId"),
    ("NUL in a key", {"properties": {"col\0or": 1}}, "nul_byte", "properties"),
    ("a lone surrogate", {"properties": {"list": [{"color": "\ud800"}]}}, "lone_surrogate", "properties.list[0].color"),
    ("a lone surrogate in a key", {"properties": {"\udfff": 1}}, "lone_surrogate", "properties"),
    ("deep nesting", {"properties": deep(33)}, "too_deep", "properties" + ".a" * 32),
    ("a huge number", b'{"properties":{"price":1e999}}', "number_out_of_range", "properties.price"),
    ("a huge whole number", {"properties": {"price": 10**400}}, "number_out_of_range", "properties.price"),
    ("too many keys", {"properties": {str(key): 1 for key in range(1001)}}, "too_many_keys", "properties"),
    ("bytes not UTF-8", b'{"properties":{"name":"caf\xe9"}}', "lone_surrogate", "properties.name"),
    ("too large", {"properties": {"text": "x" * 256 * 1024}}, "event_too_large", ""),
]


def bad_call(change: dict[str, Any] | bytes) -> bytes:
    if isinstance(change, bytes):  # What Python's encoder would not write, put in front of a good call.
        return change[:-1] + b"," + json.dumps(GOOD | {"messageId": "bad"}).encode()[1:]
    return json.dumps(GOOD | {"messageId": "bad"} | change).encode()


@pytest.mark.parametrize(("change", "code", "field"), [case[1:] for case in BAD_CALLS], ids=[c[0] for c in BAD_CALLS])
def test_a_bad_call_by_itself_is_told_why_and_kept_in_the_quarantine(
    edge: Edge, change: dict[str, Any] | bytes, code: str, field: str
) -> None:
    reply = edge.post("/v1/track", bad_call(change))

    assert reply.status == (413 if code == "event_too_large" else 400)
    assert reply.body["code"] == code
    assert reply.body.get("field", "") == field
    assert reply.body["message"]
    assert reply.headers["access-control-allow-origin"] == "*"
    assert edge.records() == []
    (kept,) = edge.refused()
    assert (kept.code, kept.field, kept.source) == (code, field, "web")


@pytest.mark.parametrize(("change", "code", "field"), [case[1:] for case in BAD_CALLS], ids=[c[0] for c in BAD_CALLS])
def test_a_bad_event_in_a_batch_leaves_its_neighbours_alone(
    edge: Edge, change: dict[str, Any] | bytes, code: str, field: str
) -> None:
    good = [json.dumps(GOOD | {"messageId": f"good {place}"}).encode() for place in range(3)]
    pieces = [good[0], bad_call(change), good[1], good[2]]

    reply = edge.post("/v1/batch", b'{"batch":[' + b" , ".join(pieces) + b'],"sentAt":"2026-05-07T01:00:10Z"}')

    assert (reply.status, reply.body) == (200, {"success": True})
    assert sorted(event.message_id for event in edge.events()) == ["good 0", "good 1", "good 2"]
    (kept,) = edge.refused()
    assert (kept.code, kept.field) == (code, field)


def test_brackets_a_hundred_thousand_deep_spoil_only_their_own_event(edge: Edge) -> None:
    deepest = b'{"properties":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    good = json.dumps(GOOD).encode()

    reply = edge.post("/v1/batch", b'{"batch":[' + good + b"," + deepest + b"]}")

    assert reply.status == 200
    assert [event.message_id for event in edge.events()] == ["good"]
    assert [kept.code for kept in edge.refused()] == ["too_deep"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"batch", "not_json"),
        (b'{"batch":[{"type":"track"', "not_json"),
        (b'{"batch":[}', "not_json"),
        (b'{"batch":["]}', "not_json"),
        (b"\x00" * 100, "not_json"),
        (b"[]", "not_a_batch"),
        (b"{}", "not_a_batch"),
        (b'{"batch":{}}', "not_a_batch"),
        (b'{"batch":null}', "not_a_batch"),
        (b'{"batch":[],"context":{"ip":"\\u0000"}}', "nul_byte"),
        (b"\x1f\x8b not gzip at all", "bad_gzip"),
        (gzip.compress(b'{"batch":[]}', mtime=0)[:-9], "bad_gzip"),
        (b'{"batch":[' + b",".join([b"{}"] * 2501) + b"]}", "too_many_events"),
        (gzip.compress(b"0" * 100_000_000, mtime=0), "call_too_large"),
        (b"0" * (5 * 1024 * 1024 + 1), "call_too_large"),
    ],
)
def test_a_frame_that_cannot_be_read_is_refused_whole_and_kept(edge: Edge, body: bytes, code: str) -> None:
    reply = edge.post("/v1/batch", body)

    assert reply.status == (413 if code in ("call_too_large", "too_many_events") else 400)
    assert reply.body["code"] == code
    assert reply.body["message"]
    assert edge.records() == []
    (kept,) = edge.refused()
    assert kept.code == code
    assert kept.size == len(body)
    assert kept.body == body[: 64 * 1024]


def test_what_stands_in_a_batch_and_is_no_object_is_refused_alone(edge: Edge) -> None:
    reply = edge.post("/v1/batch", b'{"batch":[1,"x",null,[],{},' + json.dumps(GOOD).encode() + b"]}")

    assert reply.status == 200
    assert [event.message_id for event in edge.events()] == ["good"]
    assert sorted(kept.code for kept in edge.refused()) == ["not_an_object"] * 4 + ["type_missing"]


def test_numbers_that_python_and_javascript_write_are_mended(edge: Edge) -> None:
    call = json.dumps(GOOD).encode()
    values = b'{"properties":{"a":NaN,"b":-Infinity,"c":9007199254740993,"d":-0,"e":1.5,"f":[9007199254740992]},'

    reply = edge.post("/v1/track", values + call[1:])

    assert reply.status == 200
    (event,) = edge.events()
    properties = unpack(event.properties)
    assert properties == {"a": None, "b": None, "c": 9007199254740992.0, "d": 0, "e": 1.5, "f": [9007199254740992]}
    assert isinstance(properties["c"], float)


def test_an_unknown_write_key_is_refused_and_fills_no_quarantine(edge: Edge) -> None:
    for body in (GOOD, b"not json", {"writeKey": "nobody's"} | GOOD):
        reply = edge.post("/v1/track", body, {"authorization": "Basic bm9ib2R5Og=="})
        assert (reply.status, reply.body["code"]) == (401, "unknown_write_key")
        assert reply.headers["access-control-allow-origin"] == "*"
    assert edge.records() == []
    assert edge.refused() == []


@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        ({"authorization": "Basic V0s6"}, "", {}),
        ({"authorization": "basic V0s6c2VjcmV0"}, "", {}),
        ({"x-write-key": "WK:secret"}, "", {}),
        ({}, "v=1&writeKey=WK", {}),
        ({}, "", {"writeKey": "WK"}),
        ({"authorization": "Basic !!!"}, "", {"writeKey": "WK"}),
    ],
)
def test_the_write_key_is_found_where_clients_put_it(
    edge: Edge, headers: dict[str, str], query: str, body: dict[str, Any]
) -> None:
    assert edge.post("/v1/track", GOOD | body, headers, query).status == 200
    assert edge.post("/v1/batch", {"batch": [GOOD]} | body, headers, query).status == 200
    assert [event.source for event in edge.events()] == ["web", "web"]


def test_a_source_beyond_its_limit_is_asked_to_come_back(edge: Edge) -> None:
    edge.sources = [Source("web", "WK", events_per_second=10, burst_seconds=1)]
    batch = {"batch": [GOOD] * 30}

    async def scene(running: Running) -> list[Reply]:
        replies = [await running.post("/v1/batch", batch), await running.post("/v1/track", GOOD)]
        edge.clock.now += 2_000_000
        replies.append(await running.post("/v1/track", GOOD))
        edge.clock.now += 100_000
        return [*replies, await running.post("/v1/track", GOOD)]

    first, second, third, fourth = edge.run(scene)

    assert first.status == 200
    assert (second.status, second.headers["retry-after"], second.body["code"]) == (429, "2", "too_many_events")
    assert third.status == 429
    assert fourth.status == 200


def test_a_server_tells_what_somebody_has_decided_and_a_browser_does_not(edge: Edge) -> None:
    call = {
        "messageId": "c1",
        "userId": " 42 ",
        "purpose": "email_marketing",
        "granted": True,
        "timestamp": "2026-05-07T00:59:00Z",
        "text_version": "2025-03",
    }

    refused = edge.post("/v1/consent", call)
    taken = edge.post("/v1/consent", call, SERVER_KEY)

    assert (refused.status, refused.body["code"]) == (403, "not_allowed")
    assert taken.status == 200
    (consent,) = edge.consents()
    assert (consent.key, consent.purpose, consent.granted) == ("u:42", "email_marketing", True)
    assert (consent.message_id, consent.text_version, consent.trust) == ("c1", "2025-03", "server")
    assert consent.timestamp == edge.clock.now - 70_000_000


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"userId": ""}, "no_identifier", "userId"),
        ({"purpose": None}, "purpose_missing", "purpose"),
        ({"granted": "yes"}, "wrong_type", "granted"),
        ({"granted": None}, "granted_missing", "granted"),
        ({"timestamp": "2027-01-01"}, "timestamp_absurd", "timestamp"),
        ({"purpose": "a\0b"}, "nul_byte", "purpose"),
        ({"consents": {"ads": True}}, "purpose_twice", "consents"),
        ({"purpose": None, "granted": None, "consents": {"ads": "yes"}}, "granted_missing", "consents.ads"),
        ({"purpose": None, "granted": None, "consents": {"": True}}, "granted_missing", "consents."),
        ({"purpose": None, "granted": None, "consents": {}}, "purpose_missing", "purpose"),
        ({"purpose": None, "granted": None, "consents": ["ads"]}, "wrong_type", "consents"),
        (
            {"purpose": None, "granted": None, "consents": {f"p{n}": True for n in range(51)}},
            "too_many_purposes",
            "consents",
        ),
    ],
)
def test_a_consent_call_with_a_mistake_names_it(edge: Edge, change: dict[str, Any], code: str, field: str) -> None:
    call = {"messageId": "c1", "userId": "42", "purpose": "email_marketing", "granted": True}

    reply = edge.post("/v1/consent", call | change, SERVER_KEY)

    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, code, field)
    assert edge.consents() == []
    assert [kept.code for kept in edge.refused()] == [code]


def test_other_paths_and_methods(edge: Edge) -> None:
    async def scene(running: Running) -> list[Reply]:
        return [
            await running.request("GET", "/v1/track"),
            await running.request("POST", "/v1/projects/WK/settings"),
            await running.request("GET", "/healthz"),
            await running.request("POST", "/v1/profiles/42"),
            await running.request("POST", "/v1/m", b"{}", {}),
            await running.request("GET", "/v1/projects/nobody/settings"),
            await running.request("GET", "/sourceConfig/", headers={}),
            await running.request("POST", "/v1/track/", json.dumps(GOOD).encode()),
        ]

    replies = edge.run(scene)

    assert [reply.status for reply in replies] == [405, 405, 404, 404, 200, 404, 401, 200]
    assert "x-fallback" in replies[2].headers
    assert "x-fallback" in replies[3].headers


def test_a_client_that_goes_away_in_the_middle_is_not_answered(edge: Edge) -> None:
    async def scene(running: Running) -> list[str]:
        sent: list[str] = []

        async def receive() -> dict[str, Any]:
            if not sent:
                sent.append("asked")
                return {"type": "http.request", "body": b'{"type":', "more_body": True}
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        scope = {"type": "http", "method": "POST", "path": "/v1/track", "query_string": b"", "headers": []}
        await running.app(scope, receive, send)
        return sent

    assert edge.run(scene) == ["asked"]
    assert BROWSER.write_key == "WK"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"event_bytes": 50}, "event_too_large"),
        ({"call_bytes": 90}, "call_too_large"),
        ({"call_events": 1}, "too_many_events"),
    ],
)
def test_limits_are_those_of_the_source(edge: Edge, limits: dict[str, Any], code: str) -> None:
    body = json.dumps({"batch": [GOOD, GOOD]}).encode()
    edge.sources = (Source("narrow", "NK", **limits), BROWSER)

    narrow = edge.post("/v1/batch", body, {"authorization": "Basic Tks6"})
    wide = edge.post("/v1/batch", body)

    assert {kept.code for kept in edge.refused()} == {code}
    assert narrow.status == (200 if code == "event_too_large" else 413)
    assert wide.status == 200
