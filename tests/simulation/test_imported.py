"""Some of what comes in was brought in afterwards: it counts, flips segments, ends runs, ties identifiers, and starts
nothing; under crashes, power cuts, second workers and merges, read again or not. Held to the two oracles."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.events.records import Event, Link, Take
from tactful.kernel import instants, person, ties
from tactful.runtime import worker
from tests.simulation import drama
from tests.simulation.identity import drama as identity
from tests.simulation.stage import played

SEEDS = 60
Patch = pytest.MonkeyPatch
SCENE, TIED = drama.Scene(imported=0.3), identity.Scene(imported=0.4)


def alone(seed: int) -> None:
    played(drama.Drama(seed, SCENE))


def tied(seed: int) -> None:
    played(identity.Drama(seed, TIED))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_imported_starts_nothing_whatever_fails(seed: int) -> None:
    alone(seed)


@pytest.mark.parametrize("seed", range(5))
def test_nor_does_it_where_people_become_one_and_part(seed: int) -> None:
    tied(seed)


def test_a_worker_whose_partition_is_anothers_counts_in_vain() -> None:
    """It meets somebody whom the other has let into a segment that its own counts know nothing of."""
    alone(3162)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(3000, 3400, 50))
def test_hundreds_of_times(begin: int) -> None:
    for seed in range(begin, begin + 50):
        (alone, tied)[seed % 2](seed)


# ---- planted bugs ----------------------------------------------------------------------------------------------------


def an_imported_event_starts_what_it_would_have_started(patch: Patch) -> None:
    start = person._start

    def anyhow(look: Any, reader: Any, event: Event, *rest: Any) -> None:
        start(look, reader, replace(event, is_import=False), *rest)

    patch.setattr(person, "_start", anyhow)


def what_it_enters_starts_journeys(patch: Patch) -> None:
    patch.setattr(instants, "IMPORT", "not so called")


def it_ends_nothing(patch: Patch) -> None:
    follow = person.follow  # type: ignore[attr-defined]  # imported there

    apply, imported = person.apply_event, [False]

    def deaf(look: Any, reader: Any, told: Any) -> Any:
        return [] if imported[-1] else follow(look, reader, told)

    def applied(turn: Any, profile: Any, event: Event, *rest: Any) -> bool:
        imported.append(event.is_import)
        return apply(turn, profile, event, *rest)

    patch.setattr(person, "follow", deaf)
    patch.setattr(person, "apply_event", applied)


def what_is_read_has_no_mark(patch: Patch) -> None:
    """As if the log forgot it: of what is read a second time, or by another process."""
    decode = worker.decode  # type: ignore[attr-defined]  # imported there
    patch.setattr(
        worker,
        "decode",
        lambda body: replace(one, is_import=False) if isinstance(one := decode(body), Event) else one,
    )


def a_tie_by_an_import_is_one_like_any_other(patch: Patch) -> None:
    patch.setattr(ties, "Take", lambda *said, **more: replace(Take(*said, **more), is_import=False))
    patch.setattr(ties, "Link", lambda key, to, is_import, timestamp: Link(key, to, timestamp=timestamp))


def what_is_passed_on_by_a_mark_loses_it(patch: Patch) -> None:
    pass_on = ties.pass_on

    def forgetful(turn: Any, profile: Any, record: Any, ref: int) -> None:
        pass_on(turn, profile, replace(record, is_import=False) if isinstance(record, Event) else record, ref)

    patch.setattr(ties, "pass_on", forgetful)


BUGS: list[tuple[Callable[[Patch], None], Callable[[int], None], int]] = [
    (an_imported_event_starts_what_it_would_have_started, alone, 0),
    (what_it_enters_starts_journeys, alone, 3),
    (it_ends_nothing, alone, 0),
    (what_is_read_has_no_mark, alone, 0),
    (a_tie_by_an_import_is_one_like_any_other, tied, 0),
    (what_is_passed_on_by_a_mark_loses_it, tied, 0),
]
"""Each with a seed to begin with, one that shows it; a change of the engine may move it."""


@pytest.mark.parametrize(("bug", "play", "begin"), BUGS, ids=[bug.__name__ for bug, _, _ in BUGS])
def test_a_planted_bug_is_caught(
    bug: Callable[[Patch], None], play: Callable[[int], None], begin: int, monkeypatch: Patch
) -> None:
    bug(monkeypatch)
    assert any(complains(play, seed) for seed in range(begin, begin + SEEDS)), f"not caught by {SEEDS} seeds"


def complains(play: Callable[[int], None], seed: int) -> bool:
    try:
        play(seed)
    except AssertionError:
        return True
    return False
