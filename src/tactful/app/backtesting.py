"""Backtests for the console and the API: the project as it lies in its folder, over the installation's history."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tactful.adapters.crew import Processes
from tactful.adapters.installation import Installation
from tactful.app.histories import history_of
from tactful.operations.backtesting import preparing, report, running
from tactful.operations.backtesting.behind import Behind
from tactful.operations.backtesting.preparing import Asked
from tactful.operations.definitions.project import load
from tactful.operations.history.archived import lacks
from tactful.runtime.settings import plan_settings


def play(
    house: Installation, project: Path, asked: Asked, progress: Callable[[float], None], behind: Behind
) -> dict[str, Any]:
    """What it opens belongs to the thread that asks."""
    own = Installation(house.data, house.settings, house.clock, read_only=True)
    try:
        with history_of(own).open() as history:
            told, limit = plan_settings(own.settings), own.settings.limits.mails_per_address
            wanted = preparing.wanted(asked, load(project), told, own.plan(0), history, own.outbox, limit)
            found = running.backtest(history, wanted, Processes(), lambda told: progress(told.of_all), behind.add)
            return report.as_values(found) | lacks(history)
    finally:
        own.close()
