"""Switches: what is paused waits and costs nothing meanwhile, what is stopped is refused, what is resumed goes at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.runtime import claims
from tactful.runtime.ports import Moved, Outbox, Verdict
from tactful.values import HOUR_US, SECOND_US
from tests.deliver.gate_desk import Desk, at, person, plan_of

NOON = at("2025-03-01T12:00:00Z")
PLAN = plan_of({})
QUIET = plan_of({"quiet": "21:00-08:00"})


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outbox]:
    box = MemoryOutbox() if request.param == "memory" else SqliteOutbox(tmp_path / "outbox.db")
    yield box
    box.close()


def test_what_is_paused_waits_until_it_is_resumed(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("email", "pause")
    assert desk.sends("a", ada) == "waiting: the journey is paused"
    assert desk.sends("b", ada, "sms") == "claimed"
    desk.now += HOUR_US
    assert not desk.step()
    desk.steer("email", "resume")
    desk.turn()
    assert desk.fate("a") == "claimed"


def test_all_sending_is_switched_off_and_on(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("", "pause")
    desk.steer("sms", "pause")
    told = [desk.sends(one, ada, one) for one in ("email", "sms", "webhook")]
    assert told == ["waiting: all sending is paused"] * 3
    desk.steer("", "resume")
    desk.turn()
    assert [desk.fate(one) for one in ("email", "sms", "webhook")] == [
        "claimed",
        "waiting: all sending is paused",
        "claimed",
    ]
    desk.steer("sms", "resume")
    desk.turn()
    assert desk.fate("sms") == "claimed"


def test_what_is_no_longer_valid_lapses_by_itself(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("", "pause")
    desk.sends("a", ada, valid_us=HOUR_US)
    assert outbox.next_waiting(0) == NOON + HOUR_US + 1, "nobody looks at it before"
    desk.now = NOON + HOUR_US
    assert not desk.step()
    desk.now += 1
    desk.turn()
    row = outbox.row("a")
    assert row is not None and (row.status, row.detail) == ("lapsed", "all sending is paused")
    assert row.reason == "valid until 2025-03-01T13:00:00.000Z"


def test_resumed_at_the_last_instant_it_goes(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("", "pause")
    desk.sends("a", ada, valid_us=HOUR_US)
    desk.now = NOON + HOUR_US
    desk.steer("", "resume")
    desk.turn()
    assert desk.fate("a") == "claimed"


def test_what_is_stopped_is_refused(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("email", "pause")
    desk.sends("a", ada)
    desk.steer("email", "stop")
    assert desk.sends("b", ada) == "refused: the journey was stopped"
    row = outbox.row("a")
    assert row is not None and (row.status, row.detail) == ("refused", "2025-03-01T12:00:00.000Z by ann: a mistake")


def test_what_is_drained_goes_on(outbox: Outbox) -> None:
    desk = Desk(outbox, PLAN, NOON)
    desk.steer("email", "drain")
    assert desk.sends("a", person("u:ada")) == "claimed"


def test_what_somebody_withdrew_meanwhile_is_seen(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    desk.steer("", "pause")
    desk.sends("a", ada)
    ada.runs[0].exited_by = 7
    desk.steer("", "resume")
    desk.turn()
    assert desk.fate("a") == "refused: an event came first"


def test_it_comes_back_to_the_place_that_it_had(outbox: Outbox) -> None:
    desk = Desk(outbox, PLAN, NOON, slots=1)
    desk.put("first", person("u:1"), due=NOON - 2 * SECOND_US)
    desk.steer("email", "pause")
    desk.turn()
    desk.steer("email", "resume")
    desk.put("second", person("u:2"), due=NOON - SECOND_US)
    desk.turn()
    assert (desk.fate("first"), desk.fate("second")) == ("claimed", "waiting")


def test_a_worker_that_begins_anew_brings_it_back(outbox: Outbox) -> None:
    desk = Desk(outbox, PLAN, NOON)
    desk.steer("", "pause")
    desk.sends("a", person("u:ada"))
    desk.steer("", "resume")
    desk.workers[0] = desk.worker(0)
    desk.turn()
    assert desk.fate("a") == "claimed"


def test_what_moves_to_a_partition_that_goes_on_does_not_stay_behind(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON, partitions=2), person("u:ada")
    desk.steer("", "pause")
    desk.sends("a", ada)
    desk.steer("", "resume", [1])
    desk.turn(1)
    outbox.moved([Moved("a", "u:ada", 1, 1)])
    desk.turn(1)
    assert desk.fate("a") == "claimed"


def test_a_million_that_wait_are_read_once(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a million here: three slices, and a part of one."""
    monkeypatch.setattr(claims, "AT_ONCE", 20)
    desk = Desk(outbox, PLAN, NOON, slots=1000)
    desk.steer("", "pause")
    many = 70
    for number in range(many):
        desk.put(f"i{number}", person(f"u:{number}"))
    steps = 0
    while desk.step():
        steps += 1
    assert steps == 4
    assert not desk.step(), "nothing to do until a switch is turned"
    desk.steer("", "resume")
    desk.turn()
    assert outbox.counts() == {"claimed": many}


def test_a_retry_of_what_is_paused_waits_too(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    assert desk.sends("a", ada) == "claimed"
    desk.steer("email", "pause")
    outbox.finish([Verdict("a", "waiting", "451", not_before=NOON + SECOND_US)], NOON)
    desk.now = NOON + SECOND_US
    desk.turn()
    assert desk.fate("a") == "waiting: the journey is paused"
    outbox.drop(["a"], "enough", desk.now)
    desk.steer("email", "resume")
    desk.turn()
    assert desk.fate("a") == "dropped: enough"


def test_quiet_hours_go_on_behind_a_pause(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, QUIET, at("2025-03-01T22:00:00Z")), person("u:ada")
    desk.steer("email", "pause")
    assert desk.sends("a", ada) == "waiting: the journey is paused"
    desk.steer("email", "resume")
    desk.turn()
    assert desk.fate("a") == "waiting: quiet hours until 08:00"


# ---- what is claimed already ---------------------------------------------------------------------------------------


def claimed(outbox: Outbox, *channels: str, **settings: int) -> Desk:
    """Ada's mail and the others', claimed and not begun."""
    desk, ada = Desk(outbox, PLAN, NOON, **settings), person("u:ada")
    for channel in channels:
        assert desk.sends(channel, ada, channel) == "claimed"
    return desk


def test_what_is_claimed_and_not_begun_does_not_leave_either(outbox: Outbox) -> None:
    desk = claimed(outbox, "email", "sms", "webhook")
    assert outbox.hand_off(["sms"], "somebody") == ["sms"]
    desk.steer("", "pause")
    desk.turn()
    assert [desk.fate(one) for one in ("email", "sms", "webhook")] == [
        "waiting: all sending is paused",
        "claimed",
        "waiting: all sending is paused",
    ]
    assert outbox.hand_off(["email", "sms", "webhook"], "somebody else") == []
    desk.steer("", "resume")
    desk.turn()
    row = outbox.row("email")
    assert row is not None
    assert (row.status, row.attempt, row.claimed_at) == ("claimed", 1, NOON), "nobody has tried yet"
    assert outbox.hand_off(["email"], "somebody else") == ["email"]


def test_of_one_journey_its_claims_are_taken_back(outbox: Outbox) -> None:
    desk = claimed(outbox, "email", "sms", "webhook")
    desk.steer("email", "pause")
    desk.steer("sms", "stop")
    desk.turn()
    told = [desk.fate(one) for one in ("email", "sms", "webhook")]
    assert told == ["waiting: the journey is paused", "refused: the journey was stopped", "claimed"]


def test_a_journey_that_is_drained_keeps_its_claims(outbox: Outbox) -> None:
    desk = claimed(outbox, "email")
    desk.steer("email", "drain")
    assert not desk.step()
    assert desk.fate("email") == "claimed"


def test_each_partition_takes_back_its_own(outbox: Outbox) -> None:
    desk = claimed(outbox, "email", partitions=2)
    desk.put("there", person("u:bob"), partition=1)
    desk.turn()
    desk.steer("", "pause", [1])
    desk.turn()
    assert (desk.fate("email"), desk.fate("there")) == ("claimed", "waiting: all sending is paused")


def test_a_worker_that_begins_under_a_switch_takes_back(outbox: Outbox) -> None:
    """The one before it has died between the order and the outbox."""
    desk = claimed(outbox, "email")
    desk.steer("", "pause")
    desk.workers[0] = desk.worker(0)
    desk.turn()
    assert desk.fate("email") == "waiting: all sending is paused"


def test_many_claims_are_taken_back_bit_by_bit(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "AT_ONCE", 20)
    desk = Desk(outbox, PLAN, NOON)
    for number in range(50):
        desk.put(f"i{number}", person(f"u:{number}"))
    desk.turn()
    assert outbox.counts() == {"claimed": 50}
    desk.steer("", "pause")
    desk.turn()
    assert outbox.counts() == {"waiting": 50}
    assert {row.reason for row in outbox.rows()} == {"all sending is paused"}
