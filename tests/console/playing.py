"""Backtests of the shop that the tests of the console look at: played over its own week, in one process."""

from collections.abc import Callable
from typing import Any

from tactful.operations.backtesting import preparing, report, running
from tactful.operations.backtesting.behind import Behind
from tactful.operations.backtesting.bench import Bench
from tactful.operations.backtesting.crew import Alone
from tactful.operations.backtesting.preparing import Asked
from tactful.operations.project import load
from tactful.runtime.settings import plan_settings
from tests.console.shop import Shop

PAGE = "/journeys/cart_reminder/backtest"
ASKED = {"from": "2025-03-10", "to": "2025-03-17", "against": "without"}


def bench_of(shop: Shop) -> Bench:
    """As app/backtesting.py does, over a world at rest."""

    def play(asked: Asked, progress: Callable[[float], None], behind: Behind) -> dict[str, Any]:
        with shop.reader.history().open() as opened:
            told, house = plan_settings(shop.settings), shop.house
            wanted = preparing.wanted(asked, load(shop.project), told, house.plan(0), opened, house.outbox, 10)
            found = running.backtest(opened, wanted, Alone(), lambda told: progress(told.of_all), behind.add)
            return report.as_values(found)

    return Bench(play)
