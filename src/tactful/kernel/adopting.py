"""Adopting: what is told to everybody: plans, seeds, thresholds, campaigns, orders to journeys. Pure.

Partition 0 is told, and tells the others through the ordered channels, so that everybody hears the same in one order.
What was due before it is decided before; from its instant on it holds, and people are settled by the sweep, or when
they are next met.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tactful.events.derived import PlanAdopted, RecordKept, Row, ref
from tactful.events.records import Launch, Plan, Publish, Seed, Steer, Threshold
from tactful.kernel import launching, seeding
from tactful.kernel.instants import pass_time
from tactful.kernel.plan import adopt, next_ready, revised
from tactful.kernel.state import FIRST_KEY
from tactful.kernel.turn import Turn


def pass_people(turn: Turn, keys: Iterable[str], position: int) -> None:
    """Bring these people to the partition's instant."""
    for key in keys:
        profile = turn.person(key)
        rows: list[Row] = []
        pass_time(turn, profile, turn.state.clock, rows)
        turn.close(profile, position, rows)


def _tell_others(turn: Turn, record: Plan | Threshold | Launch | Steer | Seed) -> None:
    """What partition 0 was told for everybody."""
    if turn.state.partition == 0:
        for partition in range(1, turn.state.partitions):
            turn.tell(partition, record)


def take_publish(turn: Turn, publish: Publish, position: int, due: Sequence[str]) -> None:
    """Partition 0 numbers the plans and tells the others, through the ordered channels."""
    assert turn.state.partition == 0, "plans are published to partition 0"
    plan = Plan(turn.plan.version + 1, publish)
    _tell_others(turn, plan)
    take_plan(turn, plan, position, due)


def take_plan(turn: Turn, plan: Plan, position: int, due: Sequence[str]) -> None:
    state = turn.state
    pass_people(turn, due, position)
    is_empty = state.events == 0 and (state.partitions == 1 or not state.profiles)
    turn.plan_state, turn.plan = adopt(turn.plan_state, plan, state.clock, is_empty=is_empty, position=position)
    turn.close_nobody(position, [PlanAdopted(state.clock, plan.version, ref(state.partition, position))])
    _settle_anew(turn)


def revise(turn: Turn, position: int) -> None:
    """The plan was stored by another version of this program, and asks this one for aggregates that nobody counted:
    they begin now, behind `position`, and people are settled as after a publication."""
    assert turn.plan_state is not None
    turn.plan_state, turn.plan = revised(turn.plan_state, turn.state.clock, position)
    _settle_anew(turn)


def _settle_anew(turn: Turn) -> None:
    state = turn.state
    assert turn.plan_state is not None
    turn.is_plan_new = True
    turn.look_around()
    state.generation += 1
    state.adopted = state.generation
    state.sweep = FIRST_KEY if state.profiles else None
    state.ready_at = next_ready(turn.plan_state, state.clock)
    launching.adopted(turn)


def take_seed(turn: Turn, seed: Seed, position: int, due: Sequence[str]) -> None:
    """Partition 0 numbers it and tells the others; it takes effect at its instant, as a plan does."""
    told = seeding.numbered(turn, seed)
    if told is not None:
        _tell_others(turn, told)
        pass_people(turn, due, position)
        seeding.take(turn, told)


def take_said(turn: Turn, record: Threshold | Launch | Steer, position: int, due: Sequence[str]) -> None:
    """Partition 0 tells the others; it takes effect at its instant, as a plan does."""
    _tell_others(turn, record)
    pass_people(turn, due, position)
    kind: Literal["threshold", "launch", "steer"]
    is_kept = True
    match record:
        case Threshold():
            kind = "threshold"
            launching.threshold(turn, record)
        case Launch():
            kind = "launch"
            is_kept = launching.launch(turn, record)
        case Steer():
            kind = "steer"
            launching.steer(turn, record)
    if is_kept and turn.state.partition == 0:
        turn.close_nobody(position, [RecordKept(turn.state.clock, kind, ref(0, position))])
