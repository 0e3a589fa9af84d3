"""Counting by hand: everybody is looked at, and what the engine counts must be that."""

from collections import Counter
from collections.abc import Iterable

from tactful.kernel.state import FIRST_KEY, PLAN_KEY, PartitionState, PlanState, decode_partition, decode_profile
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import Store


class Miscounted(AssertionError):
    """What the partition says, and what is so."""


def demand_counts(state: PartitionState, states: Iterable[bytes]) -> None:
    """Raises Miscounted where the partition's counts are not those of the states, or not in their one order."""
    members: Counter[int] = Counter()
    inside: dict[str, Counter[str]] = {}
    for body in states:
        profile = decode_profile(body)
        members.update(profile.segments.keys())
        for run in profile.runs:
            if not run.intent:
                inside.setdefault(run.journey, Counter())[run.step] += 1
    found = [*sorted(members.items())], [(name, sorted(steps.items())) for name, steps in sorted(inside.items())]
    said = [*state.members.items()], [(name, [*steps.items()]) for name, steps in state.inside.items()]
    if said != found:
        raise Miscounted(f"partition {state.partition} counts {said}, and there are {found}")


def demand_flow(trail: Trail, partition: int, state: PartitionState, plan: PlanState) -> None:
    """Raises Miscounted where those who entered a segment of the plan, less those who left it, are not those in it. For
    histories in which no segment goes."""
    flow: Counter[str] = Counter()
    for one in trail.tallies(partition, -(1 << 40), 1 << 40):
        if one.what in ("entered", "left"):
            flow[one.definition] += one.number if one.what == "entered" else -one.number
    names = {number: name for name, number in plan.numbers.items()}
    members = {names[number]: people for number, people in state.members.items()}
    if {name: number for name, number in flow.items() if number} != members:
        raise Miscounted(f"partition {partition}: {dict(flow)} came and did not go, and there are {members}")


class Counting:
    """Looks at each store where it has been committed to since the last look."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def look(self, stores: Iterable[Store]) -> None:
        for number, store in enumerate(stores):
            head = store.checkpoint()
            if not head.partition_state or self._seen.get(number) == head.version:
                continue
            self._seen[number] = head.version
            keys = [key for key in store.keys_after(FIRST_KEY, 1 << 30) if key != PLAN_KEY]
            demand_counts(decode_partition(head.partition_state), store.load(keys).values())
