"""The doctor says how far the lake is behind."""

from tactful.events.records import Tick, encode
from tactful.operations.doctor import Finding
from tactful.operations.history.archived import look_at_lake
from tactful.values import HOUR_US, MINUTE_US, SECOND_US, format_time
from tests.histories import Life, lived

CALL = {"messageId": "1", "type": "track", "event": "Seen", "userId": "1", "receivedAt": "2026-01-02T00:00:00Z"}


def look(life: Life, *, is_running: bool = True) -> Finding:
    found, *more = look_at_lake(life.lake, life.house, MINUTE_US, is_running=is_running)
    assert not more
    return found


def test_a_lake_that_keeps_up() -> None:
    life = lived({}, [CALL])
    life.archive()
    assert look(life) == Finding("good", "history", "the lake has everything that was decided")
    life.live([{**CALL, "messageId": "2", "receivedAt": "2026-01-03T00:00:00Z"}])
    life.clock.advance(MINUTE_US)
    assert look(life) == Finding("good", "history", "1 record waits for the lake, for 60 seconds")


def test_a_lake_that_does_not() -> None:
    life = lived({}, [CALL])
    life.archive()
    life.live([{**CALL, "messageId": "2", "receivedAt": "2026-01-03T00:00:00Z"}])
    life.clock.advance(3 * HOUR_US)
    found = look(life)
    assert (found.level, found.text[:49]) == ("bad", "1 record waits for the lake, for 3 hours. Nothing")
    assert look(life, is_running=False).level == "note"


def test_what_had_no_effect_waits_for_nothing() -> None:
    """Ticks stand in the log before the record that waits, and are much older."""
    life = lived({}, [CALL])
    life.archive()
    for _ in range(5):
        life.house.log.append({one: [encode(Tick(life.clock.now_us(), 1))] for one in range(2)})
        life.settle()
        life.clock.advance(MINUTE_US)
    later = {**CALL, "messageId": "2", "receivedAt": format_time(life.clock.now_us())}
    life.live([later])
    life.clock.advance(10 * SECOND_US)
    assert look(life).text == "1 record waits for the lake, for 10 seconds"


def test_a_lake_of_another_folder() -> None:
    life = lived({}, [CALL])
    life.archive()
    life.house.name = "other"
    assert look(life).level == "bad"
    assert "another folder's" in look(life).text


def test_a_log_that_begins_behind_the_lake() -> None:
    life = lived({}, [CALL])
    life.clock.advance(100 * HOUR_US)
    life.live([{**CALL, "messageId": "2", "receivedAt": "2026-01-09T00:00:00Z"}])
    life.house.log.trim(2**60, {0: 99, 1: 99})
    assert "begins behind" in look(life).text
