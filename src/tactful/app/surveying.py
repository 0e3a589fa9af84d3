"""The process that asks the history what the engine needs of it: seeds of new aggregates, thresholds."""

import os

from tactful.adapters.crew import Processes
from tactful.adapters.installation import Installation
from tactful.adapters.supervisor import StopSignal, follow_parent
from tactful.app.histories import history_of
from tactful.operations.seeds.seed_mending import Mender
from tactful.operations.seeds.seeding import Seeder
from tactful.operations.seeds.thresholds import Thresholds
from tactful.runtime.survey import Survey, Task

BELL = "survey"


def run(house: Installation) -> None:
    """Until a signal comes."""
    stopping = StopSignal()
    follow_parent()
    bell = house.bells.bell(BELL)
    stopping.rings = lambda: house.bells.ring(BELL)

    half = max(1, len(os.sched_getaffinity(0)) // 2)  # Events flow meanwhile.

    def tasks() -> list[Task]:
        history = history_of(house)
        crew = Processes(half)
        return [Mender(house, history, crew), Seeder(house, history, crew), Thresholds(house, history)]

    Survey(tasks, bell, house.clock, lambda: stopping.asked).run()
