"""Bugs of counting that we might have made, planted one at a time: the scan of everybody must tell each."""

from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from tactful.events import mentions
from tactful.events.derived import SegmentEntered, SegmentLeft
from tactful.kernel import counts, turn
from tactful.kernel.counts import NOWHERE, Stand
from tactful.kernel.state import PartitionState, Profile, decode_partition
from tactful.kernel.turn import Turn
from tactful.runtime import worker
from tests.simulation.counting import Miscounted
from tests.simulation.drama import Drama
from tests.simulation.identity.drama import Drama as Ties
from tests.simulation.identity.test_ties import play
from tests.simulation.journeys.drama import Drama as Journeys
from tests.simulation.stage import played

SEEDS = 30
Patch = pytest.MonkeyPatch


def who_is_met_again_counts_again(patch: Patch) -> None:
    patch.setattr(turn, "stand", lambda profile: NOWHERE)


def who_leaves_everything_is_passed_over(patch: Patch) -> None:
    """As where only those are looked at who are in anything."""
    count = Turn.count

    def hasty(self: Turn) -> None:
        changed = self.changed
        self.changed = {key: one for key, one in changed.items() if one.segments or one.runs}
        count(self)
        self.changed = changed

    patch.setattr(Turn, "count", hasty)


def what_was_handed_over_still_walks(patch: Patch) -> None:
    def stand(profile: Profile) -> Stand:
        return tuple(profile.segments), tuple((run.journey, run.step) for run in profile.runs)

    patch.setattr(turn, "stand", stand)


def steps_of_one_journey_are_one(patch: Patch) -> None:
    walk = counts._walk
    patch.setattr(counts, "_walk", lambda state, journey, step, by: walk(state, journey, "", by))


def counts_go_by_when_they_were_met(patch: Patch) -> None:
    """In the order of history, and not of the keys: other cuts of the same log are other bytes."""

    def add(known: dict[int, int], key: int, by: int) -> dict[int, int]:
        known[key] = known.get(key, 0) + by
        return {one: number for one, number in known.items() if number}

    patch.setattr(counts, "_add", add)


def a_restart_counts_from_nothing(patch: Patch) -> None:
    decode = decode_partition
    patch.setattr(worker, "decode_partition", lambda body: replace(decode(body), members={}, inside={}))


def a_restart_counts_once_more(patch: Patch) -> None:
    """What was counted before is not forgotten first."""

    def recount(state: PartitionState, stands: Iterable[Stand]) -> None:
        for one in stands:
            counts.move(state, NOWHERE, one)

    decode = decode_partition
    patch.setattr(worker, "recount", recount)
    patch.setattr(worker, "decode_partition", lambda body: replace(decode(body), is_counted=False))


def merges_are_not_tallied(patch: Patch) -> None:
    flipped = mentions._flipped
    patch.setattr(mentions, "_COUNTED", dict(mentions._COUNTED))
    for kind in (SegmentEntered, SegmentLeft):
        patch.setitem(
            mentions._COUNTED,
            kind,
            lambda tallies, row: None if row.cause == "merge" else flipped(tallies, row),
        )


def alone(seed: int) -> None:
    played(Drama(seed))


def tied(seed: int) -> None:
    play(seed, 60)


def walked(seed: int) -> None:
    played(Journeys(seed))


def merged(seed: int) -> None:
    played(Ties(seed))


BUGS: list[tuple[Callable[[Patch], None], Callable[[int], None]]] = [
    (who_is_met_again_counts_again, alone),
    (who_leaves_everything_is_passed_over, tied),
    (who_leaves_everything_is_passed_over, alone),
    (what_was_handed_over_still_walks, alone),
    (steps_of_one_journey_are_one, walked),
    (counts_go_by_when_they_were_met, tied),
    (a_restart_counts_from_nothing, alone),
    (a_restart_counts_once_more, alone),
    (merges_are_not_tallied, merged),
]


@pytest.mark.parametrize(("bug", "history"), BUGS, ids=[f"{bug.__name__}-{one.__name__}" for bug, one in BUGS])
def test_a_planted_bug_of_counting_is_caught(
    bug: Callable[[Patch], None], history: Callable[[int], None], monkeypatch: Patch
) -> None:
    bug(monkeypatch)
    for seed in range(SEEDS):
        try:
            history(seed)
        except Miscounted:
            return
    raise AssertionError(f"not caught by {SEEDS} seeds")
