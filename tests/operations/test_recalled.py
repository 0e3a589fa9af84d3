"""A person's story when the log has been trimmed: what happened is told from the history."""

from tactful.operations.reading.reader import Reader
from tactful.testing.clock import SimClock
from tactful.values import DAY_US
from tests.histories import Life, lived

FILES = {"segments/bought.yaml": 'when: sum("Order Completed", total, last="30d") > 10\n'}


def lines() -> list[dict[str, object]]:
    """A visitor who turns out to be somebody, over four days."""
    return [
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"total": 4 * day, "order_id": f"o{day}"},
            "messageId": f"m{day}",
            "anonymousId": "a1",
            "receivedAt": f"2026-01-0{day}T10:00:00Z",
            **({"userId": "1"} if day > 2 else {}),
        }
        for day in range(1, 5)
    ]


def reader(life: Life) -> Reader:
    house = life.house
    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine, life.history)


def trim(life: Life) -> None:
    """As much as the lake has."""
    life.archive()
    upto = dict(life.lake.snapshot().positions)
    assert isinstance(life.clock, SimClock)
    life.house.log.trim(life.clock.now_us() + DAY_US, upto)


def test_a_story_is_the_same_when_the_log_is_gone() -> None:
    life = lived(FILES, lines())
    before = reader(life).story("1")
    trim(life)
    assert any(life.house.log.start(partition) for partition in range(life.house.log.partitions))
    assert before is not None
    assert "o1" in repr(before)
    assert reader(life).story("1") == before


def test_without_a_history_it_says_that_events_are_gone() -> None:
    life = lived(FILES, lines())
    trim(life)
    house = life.house
    story = Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine).story("1")
    assert story is not None
    assert "o1" not in repr(story)
