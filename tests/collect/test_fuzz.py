"""Whatever comes in, every event of it is kept or stands in the quarantine, and the edge goes on."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tactful.events.frames import Frame, OrdinaryFrame, read_frame, read_ordinary
from tactful.events.intake import Arrival, accept, draft_of
from tactful.events.records import Event, decode, encode, unpack
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tests.collect.edge import Edge, Reply, Running, repeats

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "samples.json").read_text(encoding="utf-8"))
CALLS = [
    call for sample in SAMPLES.values() if sample["body"] for call in sample["body"].get("batch", [sample["body"]])
]
FIELDS = sorted({field for call in CALLS for field in call} | {"originalTimestamp", "previousId", "category"})
NOW = 1_741_348_800_000_000
ARRIVAL = Arrival(Source("web", "WK"), NOW)

odd_numbers = st.sampled_from([2**53, -(2**53) - 1, 2**63, 2**64, 10**309, 1e308, -0.0, float("nan"), float("inf")])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | odd_numbers | st.text() | st.just("\ud800x\0")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
mutations = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
calls = st.builds(lambda call, change: call | change, st.sampled_from(CALLS), mutations)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A call with a few strange bytes in the middle."""
    body = json.dumps(draw(calls)).encode()
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.binary(min_size=1, max_size=3)) + body[at:]


@given(calls)
def test_a_mutated_call_is_an_event_or_a_refusal(call: dict[str, Any]) -> None:
    verdict = accept(json.dumps(call).encode(), ARRIVAL)

    if isinstance(verdict, Refusal):
        assert verdict.code
        assert verdict.message
        return
    assert isinstance(verdict, Event)
    assert decode(encode(verdict)).__class__ is Event
    assert verdict.key == verdict.ids[0]
    assert 946_684_800_000_000 <= verdict.timestamp <= NOW
    for packed in (verdict.properties, verdict.context, verdict.extra):
        unpack(packed)


@given(st.binary(max_size=200) | broken())
def test_broken_bytes_are_an_event_or_a_refusal(body: bytes) -> None:
    assert isinstance(accept(body, ARRIVAL), Event | Refusal)
    assert isinstance(read_frame(body), Frame | Refusal)


@given(st.lists(calls, max_size=5))
def test_both_ways_of_reading_a_batch_agree(batch: list[dict[str, Any]]) -> None:
    body = json.dumps({"batch": batch, "sentAt": "2025-03-07T12:00:00Z"}).encode()
    whole, cut = read_ordinary(body, 256 * 1024), read_frame(body)

    assert isinstance(cut, Frame)
    assert len(cut.batch) == len(batch)
    if isinstance(whole, OrdinaryFrame):
        assert len(whole.batch) == len(batch)
        for call, piece in zip(batch, cut.batch, strict=True):
            assert accept(piece, ARRIVAL).__class__ is accept(json.dumps(call).encode(), ARRIVAL).__class__


@given(calls)
def test_the_careful_reading_agrees_with_the_fast_one(call: dict[str, Any]) -> None:
    """An unknown field with an escaped NUL forces the careful way, which must find the same in the rest."""
    fast = draft_of(json.dumps(call).encode(), ARRIVAL)
    careful = draft_of(json.dumps(call | {"_comment": "\\u0000"}).encode(), ARRIVAL)
    if not isinstance(fast, Refusal) and call.get("messageId"):
        assert careful == fast


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(calls | values, max_size=6))
def test_every_event_of_a_batch_is_kept_or_quarantined(edge: Edge, batch: list[Any]) -> None:
    kept = len(edge.records())
    edge.quarantine.remove([row.id for row in edge.refused()])
    body = json.dumps({"batch": batch, "writeKey": "WK"}).encode()

    async def scene(running: Running) -> Reply:
        return await running.request("POST", "/v1/batch", body, chunk=100)

    reply = edge.run(scene)

    assert reply.status == 200
    found = len(edge.records()) - kept + len(edge.refused())
    assert len(batch) - repeats(batch) <= found <= len(batch)
