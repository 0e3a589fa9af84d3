"""Health: partitions that fall behind are seen, and what is wrong is said with the page that shows it."""

from collections.abc import Iterator

import pytest

from tactful.operations.doctor import Finding
from tactful.operations.upkeep.health import PartitionHealth, concerns, partitions
from tactful.runtime.machine import Machine
from tactful.values import MINUTE_US, SECOND_US
from tests.web.living import Living


@pytest.fixture
def living() -> Iterator[Living]:
    made = Living()
    yield made
    made.world.close()


def health(lag: int = 0, late_us: int = 0) -> PartitionHealth:
    return PartitionHealth(0, 100 + lag, 100, 1, 5, late_us, None, is_sweeping=False, plan=1)


def said(*each: PartitionHealth, **more: int) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in concerns(each, more, more.pop("quarantined", 0), None, [])]


def test_all_is_well() -> None:
    assert said(health(), health(lag=9_999), sent=3) == []


def test_falling_behind_is_said() -> None:
    assert said(health(lag=10_001)) == [("warn", "10,001 records wait to be read")]
    assert said(health(late_us=31 * SECOND_US)) == [("bad", "Decisions are 31 seconds behind")]
    assert said(health(lag=7, late_us=3 * MINUTE_US)) == [
        ("bad", "Decisions are 3 minutes behind, and 7 records wait to be read")
    ]


def test_what_is_stuck_is_said() -> None:
    assert said(held=1) == [("warn", "1 message is held: nobody knows whether it arrived")]
    assert said(held=3, quarantined=2) == [
        ("warn", "3 messages are held: nobody knows whether they arrived"),
        ("warn", "2 events could not be taken as they came"),
    ]


def test_the_gravest_comes_first() -> None:
    machine = Machine((), disk_bytes=100 << 30, free_bytes=5 << 30)
    findings = [Finding("bad", "DKIM", "no key"), Finding("note", "mail", "none")]
    found = concerns([health(lag=20_000)], {"held": 1}, 0, machine, findings)
    assert [one.level for one in found] == ["bad", "bad", "warn", "warn"]
    assert found[0].text == "The disk is nearly full: 5,120 MiB are free"
    assert found[1].text == "DKIM: no key"


def test_partitions_of_a_living_installation(living: Living) -> None:
    for number in range(9):
        living.did("Product Added", f"u:{number}")
    living.rest()
    now_us = living.world.clock.now_us()
    found = partitions(living.world.log, living.world.stores, now_us)
    assert [one.partition for one in found] == [0, 1, 2]
    assert sum(one.people for one in found) == 9
    assert {one.lag for one in found} == {0}
    assert {one.plan for one in found} == {1}
    assert all(
        one.end == one.position > 0 and one.clock > 0 and not one.late_us and not one.is_sweeping for one in found
    )


def test_what_nobody_has_read_is_lag(living: Living) -> None:
    before = partitions(living.world.log, living.world.stores, 0)
    for number in range(9):
        living.did("Product Added", f"u:{number}")
    after = partitions(living.world.log, living.world.stores, 0)
    assert sum(one.lag for one in after) == 9 + sum(one.lag for one in before)
