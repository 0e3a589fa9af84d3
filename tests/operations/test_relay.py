"""What the engine decided reaches quarantine, ledger and outbox, once, whatever happens between commit and relay."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tactful.consent.ledger import first_fault
from tactful.errors import TransientError, UsageError
from tactful.events.identifiers import partition_of
from tactful.events.records import Event
from tactful.events.sources import Source
from tactful.kernel.state import decode_partition
from tactful.operations.upkeep.quarantine import replay
from tests.operations.engine import Engine

SOURCES = [Source("web", "WK", "browser"), Source("shop", "SK", "server")]
PAID = {"events/paid.yaml": "name: Paid\nserver_only: true\n"}
REMIND = {
    "journeys/remind.yaml": "start: {event: Cart}\nwait: 1h\nsend: {webhook: 'https://shop.example/'}\n",
}


def failing(port: object, method: str, times: int = 1) -> None:
    """The world fails before the effect, so many times."""
    left = [times]
    real: Callable[..., Any] = getattr(port, method)

    def fail(*arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise TransientError("the disk is full")
        return real(*arguments)

    setattr(port, method, fail)


def fail() -> None:
    raise TransientError("the disk is full")


def forgetful(engine: Engine) -> None:
    """A worker that died after its commit, before it told anybody."""
    with pytest.raises(TransientError):
        engine.run()


def test_what_the_engine_refuses_can_be_tried_again() -> None:
    engine = Engine()
    engine.publish(PAID)
    refused = engine.event("Paid", "u:1", "a:9", trust="browser", message_id="m1", context={"locale": "de"}, total=3)
    engine.take(refused, engine.event("Paid", "u:2", message_id="m2"))
    engine.run()
    (row,) = engine.quarantine.rows()
    assert (row.source, row.code, row.field, row.received_at) == ("web", "server_only", "event", refused.received_at)
    assert "server" in row.message
    assert json.loads(row.body)["anonymousId"] == "9"
    engine.publish({"events/paid.yaml": "name: Paid\n"})
    (done,) = replay(engine.quarantine, engine.log, engine.bells, SOURCES, [row.id])
    engine.run()
    assert done.refusal is None and engine.quarantine.rows() == []
    partition = partition_of("u:1", 2)
    state = decode_partition(engine.stores[partition].checkpoint().partition_state)
    assert state.repeats == 0 and state.events >= 1, "what was refused had not been seen"


def test_it_is_refused_once_however_often_it_is_told() -> None:
    engine = Engine()
    engine.publish(PAID)
    engine.take(*[engine.event("Paid", f"u:{n}", trust="browser", message_id=f"m{n}") for n in range(6)])
    failing(engine.quarantine, "put")
    forgetful(engine)
    for _ in range(3):
        engine.run()
    rows = engine.quarantine.rows()
    assert sorted(json.loads(row.body)["messageId"] for row in rows) == [f"m{n}" for n in range(6)]
    engine.quarantine.remove([row.id for row in rows])
    engine.run()
    assert engine.quarantine.rows() == [], "what somebody worked off does not come back"


def test_what_a_client_sends_again_is_refused_again_and_stands_there_once() -> None:
    engine = Engine()
    engine.publish(PAID)
    for message_id in ("m1", "m1", "m2"):
        engine.take(engine.event("Paid", "u:1", trust="browser", message_id=message_id))
        engine.run()
    assert [json.loads(row.body)["messageId"] for row in engine.quarantine.rows()] == ["m2", "m1"]
    engine.quarantine.remove([row.id for row in engine.quarantine.rows()])
    engine.take(engine.event("Paid", "u:1", trust="browser", message_id="m1"))
    engine.run()
    assert len(engine.quarantine.rows()) == 1


def test_of_what_the_log_has_lost_the_reason_is_left() -> None:
    engine = Engine(1)
    engine.publish(PAID)
    engine.take(engine.event("Paid", "u:1", trust="browser"))
    failing(engine.quarantine, "put")
    forgetful(engine)
    real = engine.log.read
    engine.log.read = lambda partition, after, limit: [] if limit == 1 else real(partition, after, limit)  # type: ignore[method-assign]  # a planted loss
    engine.run()
    (row,) = engine.quarantine.rows()
    assert (row.code, row.body, row.message.startswith("Paid: ")) == ("server_only", b"", True)
    (still,) = replay(engine.quarantine, engine.log, engine.bells, [*SOURCES, Source("", "", "server")], [row.id])
    assert still.refusal is not None and still.refusal.code == "cut"


def whole(engine: Engine) -> list[int]:
    """How many decisions each partition's ledger holds; it is compared with the state."""
    lengths = []
    for partition, store in enumerate(engine.stores):
        state = decode_partition(store.checkpoint().partition_state)
        entries = engine.ledger.entries(partition, 1, 10**6)
        assert first_fault(entries, state.ledger, state.decisions) is None
        lengths.append(len(entries))
    return lengths


def test_every_decision_is_in_the_ledger_once() -> None:
    engine = Engine()
    engine.publish({})
    for n in range(20):
        engine.take(engine.consent(f"u:{n % 7}", "marketing.email", granted=n % 3 > 0, text=f"v{n}"))
        if n % 5 == 0:
            failing(engine.ledger, "append")
            forgetful(engine)
        engine.run()
    assert sum(whole(engine)) == 20
    said = [one.opening for _, one in engine.ledger.of(["u:3"])]
    assert [(one.granted, one.text_version, one.source, one.origin) for one in said if one] == [
        (False, "v3", "shop", "api"),
        (True, "v10", "shop", "api"),
        (True, "v17", "shop", "api"),
    ]


def test_a_power_cut_that_takes_decisions_from_the_store_gives_the_same_ledger() -> None:
    engine = Engine(1)
    engine.publish({})
    for n in range(9):
        engine.take(engine.consent(f"u:{n}", "marketing.email", granted=True))
        engine.run()
    before = engine.ledger.entries(0, 1, 99)
    engine.stores[0].power_cut(engine.stores[0].unsynced() // 2)
    assert 0 < decode_partition(engine.stores[0].checkpoint().partition_state).decisions < 9
    engine.run()
    assert engine.ledger.entries(0, 1, 99) == before
    assert whole(engine) == [9]


def test_a_ledger_that_was_lost_stops_the_worker_with_words() -> None:
    engine = Engine(1)
    engine.publish({})
    engine.take(*[engine.consent(f"u:{n}", "marketing.email", granted=True) for n in range(3)])
    failing(engine.ledger, "append", 99)
    forgetful(engine)
    engine.stores[0]._derived.clear()
    del engine.ledger.append
    engine.take(engine.consent("u:9", "marketing.email", granted=True))
    with pytest.raises(UsageError, match="ledger of partition 0 does not belong to the states"):
        engine.run()


def placed(engine: Engine) -> list[tuple[str, int, str]]:
    return [(row.intent.key, row.partition, row.status) for row in engine.outbox.rows()]


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_an_intent_that_waits_goes_with_its_person_and_back(is_cut_off: bool) -> None:
    engine = Engine(4)
    engine.publish(REMIND)
    anonymous = next(f"a:{n}" for n in range(99) if partition_of(f"a:{n}", 4) != partition_of("u:1", 4))
    home = partition_of(anonymous, 4)
    engine.take(engine.event("Cart", anonymous))
    engine.run()
    engine.clock.advance(2 * 3_600_000_000)
    engine.run()
    assert placed(engine) == [(anonymous, home, "waiting")]
    engine.at = engine.clock.now_us()
    engine.take(tie := engine.event("Login", "u:1", anonymous))
    if is_cut_off:
        failing(engine.outbox, "moved")
        forgetful(engine)
        assert placed(engine) == [(anonymous, home, "waiting")]
        real = engine.outbox.moved
        engine.outbox.moved = lambda rows: fail() if rows[0].key else real(rows)  # type: ignore[method-assign]  # planted
        forgetful(engine)
        assert placed(engine) == [(anonymous, -1, "waiting")]
        engine.outbox.moved = real  # type: ignore[method-assign]  # as it was
    engine.run()
    assert placed(engine) == [("u:1", partition_of("u:1", 4), "waiting")]
    assert isinstance(tie, Event)
    engine.take(engine.unmerge(anonymous))
    engine.run()
    assert placed(engine) == [(anonymous, home, "waiting")]
