"""Bugs that a backtest might have, planted one at a time: what it says is not what was sent any more."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tactful.events.records import Event, Record
from tactful.operations.backtesting import dealing
from tactful.operations.backtesting.again import Again
from tests.backtesting.test_any_journey import compare

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.long
SEEDS = range(40)
"""Random journeys ask for no scores, and their texts are not exchanged: test_small_histories.py minds both."""


def without(patch: Patch, kind: str) -> None:
    patch.setattr(dealing, "NO_RECORDS", f"('tie', 'past', '{kind}')")


def decisions_are_left_out(patch: Patch) -> None:
    without(patch, "consent")


def un_merges_are_left_out(patch: Patch) -> None:
    without(patch, "unmerge")


def orders_to_enter_are_left_out(patch: Patch) -> None:
    without(patch, "enter")


def all_was_known_when_it_happened(patch: Patch) -> None:
    patch.setattr(dealing, "KNOWN_AT", "timestamp")


def only_the_strongest_name_is_known(patch: Patch) -> None:
    records = Again.records

    def named(self: Again) -> Iterator[Record]:
        for one in records(self):
            yield replace(one, ids=one.ids[:1]) if isinstance(one, Event) else one

    patch.setattr(Again, "records", named)


def everybody_is_dealt_out_alone(patch: Patch) -> None:
    patch.setattr(dealing.Circles, "join", lambda *_: None)


def the_last_record_is_lost(patch: Patch) -> None:
    records = Again.records
    patch.setattr(Again, "records", lambda self: iter([*records(self)][:-1]))


PLANTED: list[Callable[[Patch], None]] = [
    decisions_are_left_out,
    un_merges_are_left_out,
    orders_to_enter_are_left_out,
    all_was_known_when_it_happened,
    only_the_strongest_name_is_known,
    everybody_is_dealt_out_alone,
    the_last_record_is_lost,
]


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: Patch) -> None:
    monkeypatch.setattr(dealing, "UNIT_ROWS", 8)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_it_is_caught(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    plant(monkeypatch)
    for seed in SEEDS:
        try:
            compare(seed)
        except AssertionError:
            return
    pytest.fail(f"nobody noticed {plant.__name__}")
