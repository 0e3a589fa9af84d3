"""Bugs of seeding that we might have made, planted one at a time: the twin must catch each; those that only trouble
brings to light, the drama."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.adapters.memory.seeds import MemorySeeds
from tactful.events.records import Seed
from tactful.kernel import adopting, fragments, instants, seeding, ties
from tactful.kernel.fragments import Bundle
from tactful.kernel.plan import compiled
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn
from tactful.operations.seeds import seed_mending
from tactful.operations.seeds.seed_counting import Counting, Wanted
from tactful.operations.seeds.seed_mending import LostSeed
from tests.simulation.definitions import HOUR
from tests.simulation.seeding.test_drama import play as drama
from tests.simulation.seeding.test_twins import play as twins

SEEDS = 60
Patch = pytest.MonkeyPatch


def everything_is_counted_whatever_the_barrier(patch: Patch) -> None:
    conditions = Counting.conditions
    patch.setattr(Counting, "conditions", lambda self: conditions(self)[:-1])


def one_barrier_for_all_partitions(patch: Patch) -> None:
    make = Counting.__init__

    def init(self: Counting, plan: Any, one: Any) -> None:
        make(self, plan, replace(one, barriers=(one.barriers[0],) * len(one.barriers)))

    patch.setattr(Counting, "__init__", init)


def by_the_place_of_entry(patch: Patch) -> None:
    """And not by where it was applied."""
    conditions = Counting.conditions
    patch.setattr(Counting, "conditions", lambda self: [one.replace("applied", "ref") for one in conditions(self)])


def events_are_too_old_by_the_newest_clock(patch: Patch) -> None:
    make = Counting.__init__

    def init(self: Counting, plan: Any, one: Any) -> None:
        make(self, plan, replace(one, since_us=one.since_us + 3_600_000_000))

    patch.setattr(Counting, "__init__", init)


def a_seed_takes_the_place_of_what_was_live(patch: Patch) -> None:
    fill = seeding.fill

    def filled(profile: Profile, known: Any, aggregates: Any, find: Any) -> None:
        if seeding.is_behind(known, profile):
            for one in profile.fragments.values():
                for seed in known.seeds:
                    if seed.ordinal > one.seeded:
                        for number in seed.numbers:
                            one.aggregates.pop(number, None)
        fill(profile, known, aggregates, find)

    patch.setattr(seeding, "fill", filled)


def who_arrives_gets_no_seed(patch: Patch) -> None:
    patch.setattr(ties, "seeding", SimpleNamespace(fill=lambda *_: None, hear_of=seeding.hear_of))


def who_arrives_is_as_new_as_those_who_are_there(patch: Patch) -> None:
    patch.setattr(ties, "seeding", SimpleNamespace(fill=seeding.fill, hear_of=lambda *_: None))


def on_the_way_it_is_forgotten_who_had_a_seed(patch: Patch) -> None:
    pack = fragments.pack

    def forgetful(bundle: Bundle) -> Any:
        going = {name: replace(one, seeded=0) for name, one in bundle.fragments.items()}
        return pack(replace(bundle, fragments=going))

    patch.setattr(fragments, "pack", forgetful)


def the_view_stays_as_it_was(patch: Patch) -> None:
    def caught_up(turn: Turn, profile: Profile) -> None:
        seeding.fill(profile, turn.plan_state, turn.plan.aggregates, turn.seed)

    patch.setattr(instants, "seeding", SimpleNamespace(catch_up=caught_up))


def a_seed_counts_as_often_as_it_comes(patch: Patch) -> None:
    def numbered(turn: Turn, seed: Seed) -> Seed | None:
        known = turn.plan_state
        assert known is not None
        return seed if seed.ordinal else replace(seed, ordinal=known.seeded + 1)

    patch.setattr(seeding, "numbered", numbered)


def what_it_brings_is_no_publication(patch: Patch) -> None:
    take = seeding.take

    def taken(turn: Turn, seed: Seed) -> None:
        take(turn, seed)
        assert turn.plan_state is not None
        early = {number: at - 1 for number, at in turn.plan_state.ready.items() if number in seed.numbers}
        turn.plan_state = replace(turn.plan_state, ready=turn.plan_state.ready | early)
        turn.plan = compiled(turn.plan_state)

    patch.setattr(seeding, "take", taken)


def nobody_is_looked_at_again(patch: Patch) -> None:
    take = seeding.take

    def taken(turn: Turn, seed: Seed) -> None:
        sweep, generation, adopted = turn.state.sweep, turn.state.generation, turn.state.adopted
        take(turn, seed)
        turn.state.sweep, turn.state.generation, turn.state.adopted = sweep, generation, adopted

    patch.setattr(seeding, "take", taken)


def others_are_not_told(patch: Patch) -> None:
    tell = adopting._tell_others
    patch.setattr(
        adopting, "_tell_others", lambda turn, record: None if isinstance(record, Seed) else tell(turn, record)
    )


BUGS: list[tuple[Callable[[Patch], None], int]] = [
    (everything_is_counted_whatever_the_barrier, 1),
    (one_barrier_for_all_partitions, 1),
    (by_the_place_of_entry, 2),
    (events_are_too_old_by_the_newest_clock, 8),
    (a_seed_takes_the_place_of_what_was_live, 1),
    (who_arrives_gets_no_seed, 4),
    (who_arrives_is_as_new_as_those_who_are_there, 11),
    (on_the_way_it_is_forgotten_who_had_a_seed, 0),
    (the_view_stays_as_it_was, 0),
    (a_seed_counts_as_often_as_it_comes, 1),
    (what_it_brings_is_no_publication, 0),
    (nobody_is_looked_at_again, 0),
    (others_are_not_told, 1),
]
"""Each with a seed to begin with, one that shows it; a change of the engine may move it."""


# ---- of seeds that are lost -----------------------------------------------------------------------------------------


def _wanted(patch: Patch, changed: Callable[[Wanted], Wanted]) -> None:
    wanted = vars(LostSeed)["wanted"].fget
    patch.setattr(LostSeed, "wanted", property(lambda self: changed(wanted(self))))


def what_was_lost_is_counted_beyond_its_barrier(patch: Patch) -> None:
    _wanted(patch, lambda one: replace(one, barriers=tuple(1 << 40 for _ in one.barriers)))


def what_was_lost_is_counted_as_of_later(patch: Patch) -> None:
    """Its windows begin too late."""
    _wanted(patch, lambda one: replace(one, since_us=one.since_us + HOUR))


def what_was_lost_is_counted_by_the_newest_plan(patch: Patch) -> None:
    """Who is behind asks for more."""
    lost = seed_mending.lost

    def newest(house: Any) -> list[LostSeed]:
        known = max((house.plan(one) for one in range(house.log.partitions)), key=lambda plan: plan.plan.version)
        return [replace(one, known=known) for one in lost(house)]

    patch.setattr(seed_mending, "lost", newest)


def a_file_that_is_gone_has_nothing_of_anybody(patch: Patch) -> None:
    states = MemorySeeds.states
    patch.setattr(
        MemorySeeds, "states", lambda self, digest, name: states(self, digest, name) if self.is_sound(digest) else None
    )


LOSSES: list[tuple[Callable[[Patch], None], int]] = [
    (what_was_lost_is_counted_beyond_its_barrier, 0),
    (what_was_lost_is_counted_as_of_later, 1),
    (what_was_lost_is_counted_by_the_newest_plan, 0),
    (a_file_that_is_gone_has_nothing_of_anybody, 1),
]
PLANTED = [(*bug, twins) for bug in BUGS] + [(*bug, drama) for bug in LOSSES]


@pytest.mark.parametrize(("plant", "begin", "play"), PLANTED, ids=[plant.__name__ for plant, *_ in PLANTED])
def test_a_planted_bug_is_caught(
    plant: Callable[[Patch], None], begin: int, play: Callable[[int], object], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    for seed in range(begin, begin + SEEDS):
        try:
            play(seed)
        except (AssertionError, KeyError, IndexError):
            return
    pytest.fail(f"nobody noticed {plant.__name__}")
