"""Tracking: one event is looked at in enough of its newest, however rare it is, and in no more than that."""

import pytest

from tactful.operations.definitions import tracking
from tactful.operations.definitions.tracking import EventRow
from tests.web.living import Living

NAME = "Kettle Boilée"


def page(living: Living, name: str = NAME) -> tracking.EventPage:
    return tracking.event_page(None, None, living.world.log, EventRow(name, "", "", 0, (), ()))


@pytest.mark.parametrize("at_once", [1, 7, 500])
def test_a_rare_event_is_found_among_many_others(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(tracking, "AT_ONCE", at_once)
    living = Living()
    for number in range(60):
        living.did(NAME if number % 10 == 0 else f"{NAME} twice", f"u:{number}", **{"a name": NAME})
    found = page(living)
    assert (found.looked_at, {event.key for event in found.newest}) == (6, {f"u:{n}" for n in range(0, 60, 10)})
    assert page(living, "Kettle").looked_at == 0
    living.world.close()


def test_of_a_frequent_event_enough_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "AT_ONCE", 5)
    monkeypatch.setattr(tracking, "ENOUGH", 40)
    living = Living()
    for number in range(200):
        living.did(NAME, f"u:{number}")
    found = page(living)
    assert 40 <= found.looked_at <= 40 + living.world.log.partitions * 5
    assert all(int(event.key[2:]) > 100 for event in found.newest), "the newest of each partition"
    living.world.close()


def test_what_is_old_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "SAMPLE", 40)
    living = Living()
    living.did(NAME, "u:1")
    for number in range(100):
        living.did("Page", f"u:{number}")
    assert page(living).looked_at == 0
    assert 36 <= page(living, "Page").looked_at <= 40
    living.world.close()
