"""The history of a data folder, to be asked: its lake, what the lake has not yet, and the engine that runs SQL."""

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.lake import MemoryLake
from tactful.app.lakes import lake_of, lies_in
from tactful.history.lake import Lake
from tactful.language.sql.layout import EVENTS
from tactful.operations.history.opened import History
from tactful.operations.history.terms import Terms, terms_of
from tactful.runtime.decided import LiveTail
from tactful.runtime.house import House
from tactful.values import parse_duration


class Histories:
    """Of one house, for as long as a process lives; belongs to the thread that made it. What was read of the tail is
    kept from one question to the next."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._tail = LiveTail(house.log, house.trail, house.name)
        self._lake: Lake | None = None

    def newest(self) -> History:
        """By the plan that is in force now. Where no lake was made yet, log and trail have it all: who only asks makes
        none. Raises TransientError where the lake cannot be reached."""
        settings, data = self._house.settings.history, self._house.data
        folder = lies_in(data, settings)
        if self._lake is None and (folder is None or (folder / EVENTS / "_delta_log").exists()):
            self._lake = lake_of(data, settings)
        lake = self._lake or MemoryLake(settings.buckets)
        return History(lake, DuckDBQueries(), self._tail, _terms(self._house))


def history_of(house: House) -> History:
    """For one question, or a few of the same moment."""
    return Histories(house).newest()


def _terms(house: House) -> Terms:
    """Of the plan in force, with the sources' delays of the settings."""
    plan = house.plan(0)
    delays = {name: parse_duration(source.delay) or 0 for name, source in house.settings.sources.items()}
    return terms_of(plan.plan.publish, delays) if plan is not None else Terms(delays_us=delays)
