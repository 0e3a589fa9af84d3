"""Seeds: what an aggregate that began in the midst of history would have counted before (DESIGN 4, Sweep).

An aggregate that a plan adds begins in each partition at the position of that plan, its *barrier*. What is applied
behind it is folded live; what was applied up to it comes from the history, as a file of states by fragment
(operations/seeds/seeding.py). Both are disjoint by position, hence exact together. A fragment has each seed once: it
carries the ordinal of the newest one, wherever it goes, and is brought up to date before anything else is made of it
where it is. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import Aggregate
from tactful.events.records import Seed
from tactful.kernel import fragments
from tactful.kernel.plan import CompiledPlan, compiled, exact_at, next_ready
from tactful.kernel.state import FIRST_KEY, Fragment, PlanState, Profile, SeedTaken, decode_profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.turn import Turn

Find = Callable[[str, str], Mapping[int, State]]
"""What the file with this digest has of a fragment."""


# ---- the partition ---------------------------------------------------------------------------------------------------


def numbered(turn: Turn, seed: Seed) -> Seed | None:
    """The seed as partition 0 tells it to all. None where nothing waits for it: it came twice, or other plans have come
    meanwhile; since plans and seeds reach everybody in one order, what partition 0 says holds everywhere."""
    known = turn.plan_state
    if seed.ordinal or known is None:
        return seed if seed.ordinal else None
    waiting = tuple(number for number in seed.numbers if known.begun.get(number, (0, 0, 0))[0] == seed.barriers[0])
    return replace(seed, numbers=waiting, ordinal=known.seeded + 1) if waiting else None


def take(turn: Turn, seed: Seed) -> None:
    """From this instant on its aggregates are exact; people have it from when they are next met, by the sweep at the
    latest."""
    state = turn.state
    assert turn.plan_state is not None, "the plan stands before its seeds in every channel"
    turn.plan_state, turn.plan = with_seed(turn.plan_state, seed, state.clock)
    turn.is_plan_new = True
    turn.look_around()
    state.generation += 1
    state.adopted = state.generation
    state.sweep = FIRST_KEY if state.profiles else None
    state.ready_at = next_ready(turn.plan_state, state.clock)


def with_seed(known: PlanState, seed: Seed, now: int) -> tuple[PlanState, CompiledPlan]:
    """The plan with a seed that takes effect at the instant `now`."""
    assert seed.ordinal == known.seeded + 1, f"seed {seed.ordinal} came after {known.seeded}"
    state = replace(
        known,
        ready={**known.ready, **{number: now for number in seed.numbers if number in known.ready}},
        begun={number: at for number, at in known.begun.items() if number not in seed.numbers},
        seeds=[*known.seeds, SeedTaken(seed.ordinal, seed.digest, seed.numbers, seed.barriers, seed.since_us)],
        seeded=seed.ordinal,
    )
    return state, compiled(state)


def hear_of(turn: Turn, came: Iterable[Fragment]) -> None:
    """Fragments come from another partition, where there may have been people before a plan that nobody had met here
    when it came: what it began is exact here no longer, but seeded with all others."""
    since = turn.plan.version
    for one in came:
        since = one.since = min(one.since, since)
    if turn.plan_state is None:
        return
    found = _doubted(turn.plan_state, turn.plan, since, turn.state.clock)
    if found is not None:
        turn.plan_state, turn.plan = found
        turn.is_plan_new = True
        turn.look_around()
        turn.state.ready_at = next_ready(turn.plan_state, turn.state.clock)


def _doubted(state: PlanState, plan: CompiledPlan, since: int, now: int) -> tuple[PlanState, CompiledPlan] | None:
    """The same plan where somebody has come of whom nothing later than the version `since` has counted all: what was
    exact here for want of anybody to count, and is not seeded yet, is warming from now on. None: nothing was."""
    if since >= plan.version:
        return None
    specs = {fold.number: fold.spec for folds in plan.folds.values() for fold in folds}
    later = {
        number: max(now, exact_at(specs[number], now))
        for number, (_, at, version) in state.begun.items()
        if version > since and state.ready[number] <= at and now < exact_at(specs[number], at)
    }
    if not later:
        return None
    known = replace(state, ready=state.ready | later)
    return known, compiled(known)


# ---- a person --------------------------------------------------------------------------------------------------------


def is_behind(known: PlanState | None, profile: Profile) -> bool:
    """Whether some fragment has not had every seed yet."""
    return known is not None and any(one.seeded < known.seeded for one in profile.fragments.values())


def fill(profile: Profile, known: PlanState | None, aggregates: Mapping[int, Aggregate[Any]], find: Find) -> None:
    """Give every fragment the seeds that it has not had. The view is another then (`fragments.merge`)."""
    if known is None or not is_behind(known, profile):
        return
    for name, one in profile.fragments.items():
        for seed in known.seeds:
            if seed.ordinal <= one.seeded:
                continue
            for number, counted in find(seed.digest, name).items():
                if number in seed.numbers and number in aggregates:
                    live = one.aggregates.get(number)
                    one.aggregates[number] = aggregates[number].merge(counted, live) if live is not None else counted
        one.seeded = max(one.seeded, known.seeded)


def whole(profile: Profile, known: PlanState | None, aggregates: Mapping[int, Aggregate[Any]], find: Find) -> Profile:
    """Somebody as whoever settles nobody sees them: with the seeds that they are to have, in a copy."""
    if not is_behind(known, profile):
        return profile
    copied = decode_profile(encode_state(profile))
    fill(copied, known, aggregates, find)
    fragments.merge(copied, aggregates)
    return copied


def catch_up(turn: Turn, profile: Profile) -> None:
    """Somebody who was last settled under other definitions: their seeds, and all that a partition ahead has counted
    for fragments that came from there."""
    is_other = is_behind(turn.plan_state, profile) or profile.settled < turn.state.adopted
    fill(profile, turn.plan_state, turn.plan.aggregates, turn.seed)
    if is_other:
        fragments.merge(profile, turn.plan.aggregates)
