"""Between a seed and the end of its sweep: whoever reads people without settling them sees them whole all the same."""

from tactful.kernel.fragments import states
from tactful.kernel.seeding import is_behind
from tactful.kernel.state import FIRST_KEY, decode_profile
from tactful.operations.messages.rendering import people_of
from tactful.operations.seeds.seeding import Seeder
from tactful.runtime.settings import Settings
from tactful.values import MINUTE_US
from tests.backtesting.test_small_histories import BEGIN, event, together
from tests.histories import Life
from tests.previewing.opening import history_of

FIRST = {"segments/known.yaml": 'when: plan == "gold"\n'}
LATER = {**FIRST, "segments/regulars.yaml": 'when: count("Order Completed") >= 2\n'}


def test_people_are_read_with_what_was_counted_of_them() -> None:
    life = Life(Settings(), 1, BEGIN)
    life.publish(FIRST)
    for number in range(6):
        together(
            life, [event("Order Completed", [f"u:{number}"], BEGIN + (number + nth) * MINUTE_US) for nth in (1, 2)]
        )
    life.until(BEGIN + 20 * MINUTE_US)
    life.publish(LATER)
    house, worker = life.house, life.workers[0]
    Seeder(house, history_of(house.log, house.trail)).turn()
    while worker.plan_state is None or not worker.plan_state.seeded:
        assert worker.turn()
    (store,), plan = house.stores(), house.plan(0)
    assert plan is not None and plan.seeded
    stored = [decode_profile(body) for body in store.load(store.keys_after(FIRST_KEY, 100)).values()]
    assert any(is_behind(plan, one) for one in stored), "the sweep is through already"
    people = list(people_of([store], plan, house.seeds))
    assert len(people) == 6
    assert not any(is_behind(plan, one) for one in people)
    assert all(len(states(one)) == 1 for one in people)
