"""Backtests for tests of the console: played over what the shop has lived through, in one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tactful.operations.backtesting import preparing, report, running
from tactful.operations.backtesting.behind import Behind
from tactful.operations.backtesting.bench import Bench
from tactful.operations.backtesting.crew import Alone
from tactful.operations.backtesting.preparing import Asked
from tactful.operations.definitions.project import load
from tactful.operations.history.opened import History
from tactful.runtime.settings import Settings, plan_settings

PAGE = "/journeys/cart_reminder/backtest"
ASKED = {"from": "2025-03-10", "to": "2025-03-17", "against": "without"}


def bench_of(history: Callable[[], History], settings: Settings, project: Path, house: Any) -> Bench:
    """As app/backtesting.py does, over a world at rest; of the house the plan and the outbox are asked."""

    def play(asked: Asked, progress: Callable[[float], None], behind: Behind) -> dict[str, Any]:
        with history().open() as opened:
            told = plan_settings(settings)
            wanted = preparing.wanted(asked, load(project), told, house.plan(0), opened, house.outbox, 10)
            found = running.backtest(opened, wanted, Alone(), lambda told: progress(told.of_all), behind.add)
            return report.as_values(found)

    return Bench(play)
