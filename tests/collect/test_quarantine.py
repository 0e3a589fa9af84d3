"""What was refused can be seen, tried again when it could be taken, and thrown away."""

import gzip
import json
from typing import Any

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.errors import UsageError
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.operations.upkeep.quarantine import Retried, drop, replay, show
from tactful.runtime.ports import Quarantined
from tests.collect.edge import BROWSER, NOW, SERVER, Edge

GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "42", "messageId": "good"}


def tried(edge: Edge, *numbers: int, sources: tuple[Source, ...] = (BROWSER, SERVER)) -> list[Retried]:
    assert edge.log is not None
    return list(replay(edge.quarantine, edge.log, edge.bells, sources, numbers))


def test_a_call_that_can_be_taken_now_is_taken_as_of_then(edge: Edge) -> None:
    """A source that was of trust browser when it told of consent, and is of trust server now."""
    call = {"messageId": "c1", "userId": "42", "purpose": "email_marketing", "granted": True}
    assert edge.post("/v1/consent", call).status == 403
    (row,) = edge.refused()
    edge.clock.now += 3_600_000_000

    (still,) = tried(edge, row.id)
    (taken,) = tried(edge, row.id, sources=(Source("web", "WK", "server"),))

    assert still.refusal is not None
    assert still.refusal.code == "not_allowed"
    assert taken == Retried(row.id, 1, None)
    (consent,) = edge.consents()
    assert (consent.message_id, consent.received_at) == ("c1", NOW)
    assert edge.refused() == []


def test_a_refused_event_knows_what_only_its_frame_said(edge: Edge) -> None:
    edge.post("/v1/track", {"userId": "42", "event": ""})
    edge.post("/v1/batch", {"batch": [GOOD | {"userId": None}], "sentAt": "2026-05-07T00:00:00Z"})

    alone, batched = sorted(edge.refused(), key=lambda row: row.id)

    assert json.loads(alone.body)["type"] == "track"
    assert json.loads(batched.body)["sentAt"] == "2026-05-07T00:00:00.000Z"
    nameless, nobody = (str(each) for each in tried(edge, alone.id, batched.id))
    assert (
        nameless == f"{alone.id}: still refused, event_missing (field event): a track call needs the name of its event"
    )
    assert nobody.startswith(f"{batched.id}: still refused, no_identifier (field userId): the call names nobody")


def test_a_batch_is_tried_as_one(edge: Edge) -> None:
    body = json.dumps({"batch": [GOOD, GOOD | {"messageId": "two"}]}).encode()
    row = Quarantined(0, NOW, "web", "too_many_events", "batch", "", body, len(body))
    mixed = json.dumps({"batch": [GOOD, {}]}).encode()
    edge.quarantine.put([row, Quarantined(0, NOW, "web", "not_json", "", "", mixed, len(mixed))])
    bell = edge.bells.bell("work-0", "work-1", "work-2", "work-3")
    second, first = (each.id for each in edge.refused())

    outcomes = tried(edge, first, second)

    assert outcomes[0] == Retried(first, 2, None)
    assert outcomes[1].refusal == Refusal("type_missing", "the call has no type", "type")
    assert sorted(event.message_id for event in edge.events()) == ["good", "two"]
    assert [each.id for each in edge.refused()] == [second]
    assert isinstance(edge.bells, MemoryBells)
    assert bell.is_rung()


def test_what_was_cut_or_has_no_source_any_more_stays(edge: Edge) -> None:
    edge.post("/v1/batch", gzip.compress(b"0" * 10_000_000))
    edge.post("/v1/track", GOOD | {"properties": {"text": "x" * 300_000}})
    numbers = [row.id for row in edge.refused()]

    outcomes = tried(edge, *numbers)
    orphans = tried(edge, *numbers, sources=())

    assert {each.refusal.code for each in outcomes if each.refusal} == {"cut", "not_json"}
    assert {each.refusal.code for each in orphans if each.refusal} == {"unknown_source"}
    assert len(edge.refused()) == 2
    assert drop(edge.quarantine, [*numbers, 99]) == 2
    assert edge.refused() == []


def test_what_is_not_there_cannot_be_shown(edge: Edge) -> None:
    edge.post("/v1/track", b"not json")
    assert show(edge.quarantine, edge.refused()[0].id).body == b"not json"
    with pytest.raises(UsageError, match="no call 99"):
        show(edge.quarantine, 99)


def test_a_refused_call_that_is_sent_again_stands_there_once(edge: Edge) -> None:
    wrong = GOOD | {"event": ""}
    for second in range(3):
        sent = {"sentAt": f"2026-05-07T00:00:0{second}Z"}
        edge.post("/v1/track", wrong | sent)
        edge.post("/v1/batch", {"batch": [wrong | {"messageId": "batched"}], **sent})
        edge.clock.now += 1_000_000
    assert [row.received_at for row in edge.refused()] == [NOW, NOW], "the first is the one that counts"
    edge.post("/v1/track", wrong | {"userId": "43"})
    edge.post("/v1/track", wrong | {"messageId": "other"})
    assert len(edge.refused()) == 4, "a messageId alone may be anybody's"
    for _ in range(2):
        edge.post("/v1/track", {"userId": "42", "event": ""})
        edge.post("/v1/track", b"not json")
    assert len(edge.refused()) == 8, "without a messageId nobody knows whether it is the same call"
