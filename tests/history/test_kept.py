"""Of which calls nothing needs to be made, and of which a record must be opened."""

from typing import Literal

import msgspec
import pytest

from tactful.events.derived import EventKept, Group, Row, SegmentEntered, StepTaken, TraitRefused, ref
from tactful.events.records import Event, Tick, encode, pack
from tactful.history.cells import KeptEvent
from tactful.history.columns import Batch
from tactful.history.kept import Bodies, Sifted

PARTITION, FIRST = 1, 5
AT = 1 << 50


def call(name: str, kind: Literal["track", "identify"] = "track") -> Event:
    return Event(1, "web", "browser", kind, name, "u:1", ("u:1",), name, AT, AT, pack({"a": 1}))


def group(position: int, *rows: Row) -> Group:
    return Group(position, "u:1", 0, rows)


def kept(place: int, epoch: int = 1, mended: bytes = b"") -> EventKept:
    return EventKept(AT, "X", place, epoch=epoch, mended=mended)


def here(position: int) -> int:
    return ref(PARTITION, position)


def test_what_is_more_than_a_call_is_left_to_others() -> None:
    records = [encode(one) for one in (call("plain"), call("mended"), call("id", "identify"), Tick(1, 1), call("two"))]
    of_old = msgspec.msgpack.encode(msgspec.msgpack.decode(encode(call("old")))[:-1])
    bodies = Bodies(PARTITION, FIRST, [records[:2], [*records[2:], of_old]])
    elsewhere, mended, entered = call("elsewhere"), pack({"a": 2}), SegmentEntered(AT, "s", "event")
    refused = TraitRefused(AT, "a", "browser", here(7))
    sifted = Sifted(PARTITION, 4)
    sifted.take([group(4, kept(here(4))), group(5, kept(here(5), epoch=3))])
    sifted.take([group(6, kept(here(6), mended=bytes(mended))), group(7, kept(here(7)), refused)])
    sifted.take([group(9, kept(here(9)), entered, StepTaken(AT, "j", "e", 1, "s", "wait"), kept(ref(2, 1)))])
    sifted.take([group(10, kept(here(10)))])
    found, others = sifted.calls(bodies, {ref(2, 1): elsewhere, here(10): call("old")}.__getitem__)
    assert (sifted.first, sifted.upto) == (5, 10)
    assert [found.opened(one) for one in range(len(found))] == [
        KeptEvent(call("plain"), 3, here(5), here(5)),
        KeptEvent(call("two"), 1, here(9), here(9)),
    ]
    assert others == [
        KeptEvent(elsewhere, 1, ref(2, 1), here(9)),
        KeptEvent(call("old"), 1, here(10), here(10)),
    ]
    assert [(one.position, len(one.rows)) for one in sifted.rest] == [(6, 1), (7, 2), (9, 1)]
    assert sifted.rest[2].rows == (entered,)


def test_calls_may_be_kept_in_another_order_than_they_came() -> None:
    """As those that waited while their person was parted from somebody."""
    bodies = Bodies(PARTITION, FIRST, [[encode(call(name)) for name in ("one", "two", "three")]])
    sifted = Sifted(PARTITION, 4)
    sifted.take([group(8, kept(here(7)), kept(here(5)), kept(here(6))), group(9, kept(here(5)))])
    calls, _ = sifted.calls(bodies, {here(99): call("never")}.__getitem__)
    batch = Batch()
    batch.pack(calls)
    found = batch.tables()["events"].select(["message_id", "ref"]).to_pylist()
    places = {"one": here(5), "two": here(6), "three": here(7)}
    assert sorted(one["message_id"] for one in found) == ["one", "one", "three", "two"]
    assert all(one["ref"] == places[one["message_id"]] for one in found)


def test_a_call_that_is_none_is_said() -> None:
    bodies = Bodies(0, 1, [[encode(Tick(1, 1))]])
    sifted = Sifted(0, 0)
    sifted.take([Group(1, "u:1", 0, (kept(ref(0, 1)),))])
    with pytest.raises(AssertionError, match="an event was kept that is none"):
        sifted.calls(bodies, lambda _: Tick(1, 1))
