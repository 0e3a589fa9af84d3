"""Following: every event once, in order, none that may not be shown, and never more than a turn may read."""

from collections.abc import Iterator

import pytest

from tactful.operations.reading import following
from tactful.operations.reading.following import Following
from tests.web.living import Living

COLLECT = '{"region": "opt-in", "collect": "analytics", "otherwise": "count", "purposes": {"analytics": {}}}'


@pytest.fixture
def living() -> Iterator[Living]:
    made = Living()
    yield made
    made.world.close()


def followed(living: Living, behind: int = 0) -> Following:
    return Following(living.world.log, living.world.trail, living.world.stores, behind)


def names(turn: Following) -> list[str]:
    return [event.name for event in turn.turn().events]


def test_each_event_comes_once_and_in_order(living: Living) -> None:
    turns = followed(living)
    assert names(turns) == []
    seen = []
    for number in range(30):
        living.did(f"e{number}", f"u:{number % 7}")
        living.rest()
        if number % 4 == 0:
            seen += names(turns)
    seen += names(turns)
    assert seen == [f"e{number}" for number in range(30)]
    assert names(turns) == []


def test_what_is_durable_and_not_decided_yet_comes_at_once_where_nothing_need_be_permitted(living: Living) -> None:
    turns = followed(living)
    living.did("Product Added", "u:1")
    assert names(turns) == ["Product Added"]
    living.rest()
    assert names(turns) == []


def test_what_may_not_be_remembered_is_never_shown(living: Living) -> None:
    living.world.publish({}, "test", {"consent": COLLECT})
    living.rest()
    turns = followed(living)
    living.did("Product Added", "a:nobody-was-asked")
    assert names(turns) == []  # It is not decided yet.
    living.rest()
    assert names(turns) == []
    assert living.reader.overview().refused == {"count": 1}


def test_one_begins_where_one_likes(living: Living) -> None:
    for number in range(9):
        living.did(f"e{number}", "u:1")
        living.rest()
    assert names(followed(living)) == []
    assert names(followed(living, 4)) == ["e5", "e6", "e7", "e8"]
    assert len(names(followed(living, 1_000))) == 9


def test_more_than_a_turn_may_read_is_passed_over_and_counted(monkeypatch: pytest.MonkeyPatch, living: Living) -> None:
    monkeypatch.setattr(following, "MOST", 5)
    turns = followed(living)
    for number in range(20):
        living.did(f"e{number}", "u:1")
    living.rest()
    turn = turns.turn()
    assert [event.name for event in turn.events] == [f"e{number}" for number in range(15, 20)]
    assert turn.passed == 15
