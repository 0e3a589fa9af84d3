"""What the doctor says of seeds and thresholds."""

from tactful.kernel.state import decode_partition
from tactful.operations.seeds.seeding import Seeder
from tactful.operations.seeds.surveyed import look_at_survey
from tactful.operations.seeds.thresholds import Thresholds
from tactful.values import DAY_US, HOUR_US
from tests.histories import Life, lived
from tests.operations.test_thresholds import LINES

BEFORE = {"metrics/spend.yaml": 'value: sum("Order Completed", total)\n'}
AFTER = BEFORE | {
    "segments/top.yaml": 'when: percentile("spend") >= 80\n',
    "segments/loyal.yaml": 'when: count("Order Completed") >= 20\n',
}


def says(life: Life, later_us: int = 0, *, is_running: bool = True) -> list[tuple[str, str]]:
    house = life.house
    plans = [house.plan(partition) for partition in range(2)]
    states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
    now_us = life.clock.now_us() + later_us
    found = look_at_survey(plans, states, house.settings.thresholds, now_us, is_running=is_running)
    return [(one.level, one.about) for one in found]


def test_what_waits_and_what_was_done() -> None:
    life = lived(BEFORE, LINES)
    assert says(life) == []
    life.publish(AFTER)
    assert says(life) == [("good", "seeds"), ("note", "thresholds")]
    assert says(life, is_running=False)[0] == ("note", "seeds")
    assert says(life, 2 * HOUR_US)[0] == ("bad", "seeds")
    Seeder(life.house, life.history()).turn()
    Thresholds(life.house, life.history()).turn()
    life.settle()
    assert says(life) == [("good", "thresholds")]
    assert says(life, 3 * DAY_US) == [("bad", "thresholds")]
