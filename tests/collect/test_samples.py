"""Every request that the official clients of Segment and RudderStack were seen to send is taken as it came."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tactful.events.records import unpack
from tests.collect.edge import NOW, Edge, Reply, Running

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "samples.json").read_text(encoding="utf-8"))


def send(edge: Edge, title: str) -> Reply:
    sample = SAMPLES[title]
    method, path = title.split()[:2]
    body = json.dumps(sample["body"]).encode() if sample["body"] else b""
    if sample["gzip"]:
        body = gzip.compress(body)

    async def scene(running: Running) -> Reply:
        full = "/v1/projects/WK/settings" if path == "/v1/projects" else path
        return await running.request(method, full, body, sample["headers"], sample["query"])

    return edge.run(scene)


@pytest.mark.parametrize("title", [title for title in SAMPLES if title.startswith("POST")])
def test_a_real_call_is_answered_200_and_is_in_the_log(edge: Edge, title: str) -> None:
    reply = send(edge, title)

    assert (reply.status, reply.body) == (200, {"success": True})
    assert reply.headers["access-control-allow-origin"] == "*"
    assert edge.refused() == []
    body = SAMPLES[title]["body"]
    sent = body.get("batch", [body])
    assert {event.message_id for event in edge.events()} == {each["messageId"] for each in sent}
    by_id = {event.message_id: event for event in edge.events()}
    for each in sent:
        event = by_id[each["messageId"]]
        assert event.source == "web"
        assert event.kind == each["type"]
        assert event.received_at == NOW
        # The samples were sent at 01:0x by a client whose events happened two hours before.
        assert event.timestamp < NOW
        assert event.key == (f"u:{each['userId']}" if each.get("userId") else f"a:{each['anonymousId']}")
        if each["type"] == "identify":
            traits = each.get("traits") or each["context"]["traits"]
            assert unpack(event.properties) == traits
            assert not any(key.startswith("e:") for key in event.ids)  # A browser names nobody by an address.


@pytest.mark.parametrize("title", [title for title in SAMPLES if title.startswith("OPTIONS")])
def test_a_real_preflight_gets_the_headers_it_asked_for(edge: Edge, title: str) -> None:
    reply = send(edge, title)

    assert reply.status == 204
    asked = SAMPLES[title]["headers"]["access-control-request-headers"]
    assert reply.headers["access-control-allow-headers"] == asked
    assert SAMPLES[title]["headers"]["access-control-request-method"] in reply.headers["access-control-allow-methods"]


@pytest.mark.parametrize("title", [title for title in SAMPLES if title.startswith("GET")])
def test_a_real_browser_gets_the_document_it_asks_for_first(edge: Edge, title: str) -> None:
    reply = send(edge, title)

    assert reply.status == 200
    key = (
        reply.body["source"]["writeKey"]
        if "source" in reply.body
        else reply.body["integrations"]["Segment.io"]["apiKey"]
    )
    assert key == "WK"
