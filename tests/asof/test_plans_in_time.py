"""Who was in a segment at any instant is who the engine had there then, and for whom its text of then holds, while people
become one and part, and definitions come, change, go and come back."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlglot import exp

from tactful.errors import UsageError
from tactful.events.derived import SegmentLeft
from tactful.events.records import CONSENT, Publish
from tactful.history import producer
from tactful.history.cells import Item
from tactful.history.tail import Rest
from tactful.kernel.plan import compiled
from tactful.kernel.state import FIRST_KEY, decode_partition, decode_profile
from tactful.language.sql import build
from tactful.language.sql.build import Sql
from tactful.language.sql.layout import IDENTITY
from tactful.language.sql.relations import Query
from tactful.language.sql.seeing import Seeing
from tactful.operations.history import asof
from tactful.operations.history.opened import Opened
from tactful.runtime.decided import LiveTail
from tactful.runtime.settings import Settings, plan_settings
from tests.histories import Life
from tests.simulation.definitions import GRID
from tests.simulation.histories import START
from tests.simulation.identity import calls

Patch = pytest.MonkeyPatch
TEXTS = {
    "lately": ('any("Product Viewed", last="3h")', 'any("Product Viewed", last="1h")'),
    "spenders": ('sum("Order Completed", total, last="5h") > 60', 'sum("Order Completed", total, last="5h") > 160'),
    "gold": ('plan == "gold"', 'plan in ("gold", "silver")'),
    "mailed": ('consents("email_marketing")', 'consents("profiling")'),
    "leaving": ('score("churn") >= 0.5', 'score("churn") < 0.5'),
    "strangers": ('not any(["Order Completed", "Product Added"], last="4h")', 'not any("Order Completed", last="4h")'),
    "regular": ('count("*", last="6h") >= 4', 'count("*", last="6h") >= 6'),
}
POLICIES: tuple[dict[str, str], ...] = (
    {},
    {CONSENT: '{"purposes": {"email_marketing": {"basis": "legitimate_interest"}}}'},
)
Seen = tuple[int, str, int, frozenset[str], bool]
"""At an instant, in a segment, by a plan: these were in it; and whether its text is exact by then."""


class Past:
    """A life of random calls, and what was seen of it on the way."""

    def __init__(self, seed: int, actions: int = 120) -> None:
        self.random = Random(seed)
        self.life = Life(Settings(), self.random.choice((1, 2, 3)), START)
        self.seen: list[Seen] = []
        self.pause = 0
        self.made: list[calls.Call] = []
        self.planned: list[calls.Later] = []
        self._publish()
        for number in range(actions):
            self._act(number)
        if self.random.random() < 0.5:
            self.life.archive()

    def _act(self, number: int) -> None:
        random, life = self.random, self.life
        now = life.clock.now_us() + max(self.pause, random.choice((0, GRID, 3 * GRID, 20 * GRID, 1)))
        self.pause = 0
        life.until(now)
        chance = random.random()
        if chance < 0.06:
            self._publish()
        elif chance < 0.16:
            life.archive()
        elif chance < 0.3:
            self._look()
        else:
            if not self.planned and random.random() < 0.1:
                self.planned = calls.plot(random)
            recent = calls.named(self.made[-4:])
            record = self.planned.pop(0)(now, f"m{number}") if self.planned else None
            record = record or calls.call(random, now, f"m{number}", recent)
            self.made.append(record)
            life.take(record)

    def _publish(self) -> None:
        chosen = [name for name in TEXTS if self.random.random() < 0.7]
        files = {f"segments/{name}.yaml": f"when: '{self.random.choice(TEXTS[name])}'\n" for name in chosen}
        settings = plan_settings(self.life.house.settings) | self.random.choice(POLICIES)
        self.life.take(Publish(self.life.clock.now_us(), files, settings))

    def _look(self) -> None:
        self.pause = 1  # What comes at this very instant would count as well.
        now, house = self.life.clock.now_us(), self.life.house
        found: dict[str, set[str]] = {}
        exact: dict[str, bool] = {}
        version = 0
        for partition, store in enumerate(house.stores()):
            stored = house.plan(partition)
            assert stored is not None
            plan, state = compiled(stored), decode_partition(store.checkpoint().partition_state)
            version = stored.plan.version
            for rule in plan.segments:
                found.setdefault(rule.name, set())
                exact[rule.name] = exact.get(rule.name, True) and rule.ready_at <= state.clock
            for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
                profile = decode_profile(body)
                if profile.owner() is None:
                    for rule in plan.segments:
                        if rule.number in profile.segments:
                            found[rule.name].add(key)
        for name, members in found.items():
            self.seen.append((now, name, version, frozenset(members), exact[name]))


def wrong(past: Past, opened: Opened) -> list[object]:
    """Where the history says something else than was seen."""
    found: list[object] = []
    for now, name, version, members, is_exact in past.seen:
        try:
            said = asof.segment(opened, name, now)
            again = asof.expression(opened, said.when, now)
        except UsageError as error:
            found.append((now, name, str(error)))
            continue
        if said.plan != version or {one.person for one in said.members} != members:
            found.append((now, name, "said", {one.person for one in said.members} ^ members))
        if is_exact and {one.person for one in again.members} != members:
            found.append((now, name, "held", {one.person for one in again.members} ^ members))
    return found


def play(seed: int) -> list[object]:
    past = Past(seed)
    with past.life.history().open() as opened:
        return wrong(past, opened)


@pytest.mark.parametrize("seed", range(2))
def test_who_was_in_it_is_who_the_engine_had_there(seed: int) -> None:
    assert play(seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_more(seed: int) -> None:
    assert play(seed) == []


# ---- faults that must be found ---------------------------------------------------------------------------------------


def whoever_was_ever_in_it_is(patch: Patch) -> None:
    entered = asof.entered
    patch.setattr(asof, "entered", lambda *asked: entered(*asked).replace("ELSE -1", "ELSE 0"))


def all_that_was_said_later_counts(patch: Patch) -> None:
    entered = asof.entered
    patch.setattr(asof, "entered", lambda at_us, condition: entered(1 << 60, condition))


def who_enters_at_the_very_instant_is_not_in_it(patch: Patch) -> None:
    entered = asof.entered
    patch.setattr(asof, "entered", lambda *asked: entered(*asked).replace("w.at <=", "w.at <"))


def the_newest_plan_was_always_in_force(patch: Patch) -> None:
    plan_at = Opened.plan_at
    patch.setattr(Opened, "plan_at", lambda self, at_us: plan_at(self, 1 << 60))


def consent_goes_by_the_policy_of_now(patch: Patch) -> None:
    then = asof.then
    patch.setattr(asof, "then", lambda opened, at_us: (then(opened, at_us)[0], opened.terms))


def a_tie_was_always_there(patch: Patch) -> None:
    in_time = Seeing._in_time

    def tied(self: Seeing, alias: str, table: str) -> Sql:
        return build.TRUE if table == IDENTITY else in_time(self, alias, table)

    patch.setattr(Seeing, "_in_time", tied)


def what_happened_was_known(patch: Patch) -> None:
    in_time = Seeing._in_time
    patch.setattr(Seeing, "_in_time", lambda self, *asked: in_time(replace(self, sees="happened"), *asked))


def whoever_was_told_of_first_owns(patch: Patch) -> None:
    persons = Query._persons

    def turned(node: exp.Expression) -> exp.Expression:
        return exp.ArgMin(this=node.this, expression=node.expression) if isinstance(node, exp.ArgMax) else node

    patch.setattr(Query, "_persons", lambda self: persons(self).transform(turned))


def of_a_merge_nobody_leaves(patch: Patch) -> None:
    made = producer._MADE[SegmentLeft]

    def left(row: SegmentLeft, *told: Any) -> Iterator[Item]:
        return made(row, *told) if row.cause != "merge" else iter(())

    patch.setitem(producer._MADE, SegmentLeft, left)


def what_time_alone_changes_is_not_kept(patch: Patch) -> None:
    made = producer._MADE[SegmentLeft]

    def left(row: SegmentLeft, *told: Any) -> Iterator[Item]:
        return made(row, *told) if row.cause != "time" else iter(())

    patch.setitem(producer._MADE, SegmentLeft, left)


def the_tail_begins_at_the_beginning(patch: Patch) -> None:
    since = LiveTail.since
    patch.setattr(LiveTail, "since", lambda self, positions, layout: since(self, {}, layout))


def nothing_is_in_the_tail(patch: Patch) -> None:
    patch.setattr(LiveTail, "since", lambda self, positions, layout: Rest())


PLANTED: list[Callable[[Patch], None]] = [
    whoever_was_ever_in_it_is,
    all_that_was_said_later_counts,
    who_enters_at_the_very_instant_is_not_in_it,
    the_newest_plan_was_always_in_force,
    consent_goes_by_the_policy_of_now,
    a_tie_was_always_there,
    what_happened_was_known,
    whoever_was_told_of_first_owns,
    of_a_merge_nobody_leaves,
    what_time_alone_changes_is_not_kept,
    the_tail_begins_at_the_beginning,
    nothing_is_in_the_tail,
]


@pytest.mark.long
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_is_planted_is_found(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert any(play(seed) for seed in range(8))
