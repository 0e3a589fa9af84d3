"""Partitions that nobody has been in yet, of which a plan's new aggregates are exact at once; until somebody comes who
was elsewhere before that plan."""

from collections.abc import Mapping
from typing import Any

from tactful.events.derived import Row, SegmentEntered
from tactful.events.identifiers import partition_of
from tactful.events.records import Event, Publish, Record, Seed
from tactful.kernel.instants import pass_time
from tactful.kernel.seeding import hear_of
from tactful.kernel.state import Fragment
from tactful.kernel.turn import Turn
from tactful.operations.seeds.seeding import wanted
from tests.kernel.driver import Driver
from tests.simulation.histories import START
from tests.simulation.identity import calls

PARTITIONS = 3
SETTINGS = {"time_zone": "UTC"}
FIRST = {"segments/known.yaml": "when: 'plan == \"gold\"'\n"}
REGULARS = FIRST | {"segments/regulars.yaml": "when: 'count(\"Order Completed\") >= 2'\n"}


def named(kind: str, partition: int) -> str:
    return next(key for number in range(100) if partition_of(key := f"{kind}:{number}", PARTITIONS) == partition)


class Shop:
    def __init__(self) -> None:
        self.parts = [Driver(one, PARTITIONS) for one in range(PARTITIONS)]
        self._told = [0] * PARTITIONS

    def publish(self, files: Mapping[str, str], at: int) -> None:
        self.parts[0].append(Publish(at, dict(files), SETTINGS))
        self.run()

    def take(self, event: Record) -> None:
        assert isinstance(event, Event)
        self.parts[partition_of(event.key, PARTITIONS)].append(event)
        self.run()

    def run(self) -> None:
        while any(one.position < len(one.log) for one in self.parts):
            for number, one in enumerate(self.parts):
                one.read()
                for dst, _, record in one.outgoing[self._told[number] :]:
                    self.parts[dst].log.append(record)
                self._told[number] = len(one.outgoing)

    def is_ready(self, partition: int) -> bool:
        one = self.parts[partition]
        (rule,) = (rule for rule in one.plan.segments if rule.name == "regulars")
        return rule.ready_at <= one.state.clock

    def is_awaited(self) -> bool:
        return bool(wanted([one.plan_state for one in self.parts], [one.state.clock for one in self.parts]))

    def entered(self) -> list[tuple[str, str]]:
        rows = [(group.key, row) for one in self.parts for group in one.groups for row in group.rows]
        return [(key, row.cause) for key, row in rows if isinstance(row, SegmentEntered)]


def tied(stronger: str, weaker: str, kind: Any, at: int) -> Event:
    return Event(1, "shop", "server", kind, f"${kind}", stronger, (stronger, weaker), f"tie {at}", at, at)


def test_where_nobody_was_new_counts_are_exact_at_once() -> None:
    shop, ada = Shop(), named("u", 1)
    shop.publish(FIRST, START)
    shop.take(calls.does(named("a", 2), "Order Completed")(START + 1, "m1"))
    shop.publish(REGULARS, START + 2)
    assert [shop.is_ready(one) for one in range(PARTITIONS)] == [True, True, False]
    for number in range(2):
        shop.take(calls.does(ada, "Order Completed")(START + 3 + number, f"m{2 + number}"))
    assert shop.entered() == [(ada, "event")]


def test_whoever_comes_from_before_the_plan_is_waited_for() -> None:
    """Both of their orders are before the plan where they were, and nobody was where they come to."""
    shop, visitor, ada = Shop(), named("a", 2), named("u", 1)
    shop.publish(FIRST, START)
    for number in range(2):
        shop.take(calls.does(visitor, "Order Completed")(START + 1 + number, f"m{number}"))
    shop.publish(REGULARS, START + 5)
    shop.take(tied(ada, visitor, "identify", START + 6))
    assert [shop.is_ready(one) for one in range(PARTITIONS)] == [True, False, False] and shop.is_awaited()
    (one,) = wanted([part.plan_state for part in shop.parts], [part.state.clock for part in shop.parts])
    assert not shop.entered()
    shop.parts[0].append(Seed(START + 7, "none", one.numbers, one.barriers))
    for part in shop.parts:
        part.seed = lambda digest, fragment: {}
    shop.run()
    assert all(shop.is_ready(one) for one in range(PARTITIONS)) and not shop.is_awaited()


def test_whoever_was_never_before_the_plan_leaves_it_exact() -> None:
    shop, visitor, ada = Shop(), named("a", 2), named("u", 1)
    shop.publish(REGULARS, START)
    for number in range(2):
        shop.take(calls.does(visitor, "Order Completed")(START + 1 + number, f"m{number}"))
    shop.take(tied(ada, visitor, "identify", START + 6))
    assert all(shop.is_ready(one) for one in range(PARTITIONS)) and not shop.is_awaited()
    assert sorted(shop.entered()) == [(visitor, "event"), (ada, "merge")]


def test_where_people_came_to_before_the_plan_they_are() -> None:
    """Though no event was ever applied there."""
    shop, weaker, stronger = Shop(), *sorted((named("u", 1), named("u", 2)), reverse=True)
    here, there = partition_of(stronger, PARTITIONS), partition_of(weaker, PARTITIONS)
    shop.publish(FIRST, START)
    shop.take(calls.does(weaker, "Order Completed")(START + 1, "m1"))
    shop.take(tied(weaker, stronger, "alias", START + 2))
    part = shop.parts[here]
    assert part.state.profiles == 1 and part.state.events == 0 and shop.parts[there].state.profiles == 0
    shop.publish(REGULARS, START + 5)
    assert not shop.is_ready(here)


def test_where_a_plan_comes_late_somebody_may_count_for_who_passes_through() -> None:
    part = Driver(0, PARTITIONS)
    part.append(Publish(START, FIRST, SETTINGS))
    part.read()
    ahead, early = Fragment([], {}, {}, {}, since=2), Fragment([], {}, {}, {}, since=0)
    hear_of(Turn(part.state, part.plan, part.plan_state, lambda _: None), [ahead, early])
    assert (ahead.since, early.since) == (1, 0)


def test_what_a_partition_ahead_has_counted_stays() -> None:
    """It is for the plan that is on its way; what no plan has goes."""
    part = Driver()
    part.append(Publish(START, REGULARS, SETTINGS), calls.does("u:1", "Order Completed")(START + 1, "m1"))
    part.read()
    profile = part.profiles()["u:1"]
    (mine,) = profile.fragments.values()
    ((number, counted),) = mine.aggregates.items()
    mine.aggregates[part.plan.newest + 1] = counted
    part.append(Publish(START + 2, FIRST, SETTINGS))
    part.read()
    rows: list[Row] = []
    pass_time(Turn(part.state, part.plan, part.plan_state, lambda _: None), profile, START + 3, rows)
    assert [*mine.aggregates] == [part.plan.newest + 1] and number <= part.plan.newest
