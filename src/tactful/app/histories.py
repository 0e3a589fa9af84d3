"""The history of a data folder, to be asked: its lake, what the lake has not yet, and the engine that runs SQL."""

from pathlib import Path

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.lake import MemoryLake
from tactful.app.lakes import lake_of
from tactful.history.lake import Lake
from tactful.operations.history import History
from tactful.operations.terms import Terms, terms_of
from tactful.runtime.decided import LiveTail
from tactful.runtime.house import House
from tactful.runtime.settings_history import HistorySettings
from tactful.values import parse_duration


def history_of(house: House) -> History:
    """Belongs to the thread that made it. Where no lake was made yet, log and trail have it all. Raises TransientError
    where the lake cannot be reached."""
    settings = house.settings.history
    lake: Lake = lake_of(house.data, settings) if _is_there(settings, house.data) else MemoryLake(settings.buckets)
    return History(lake, DuckDBQueries(), LiveTail(house.log, house.trail), _terms(house))


def _is_there(settings: HistorySettings, data: Path) -> bool:
    """Who only asks makes none in the data folder."""
    return bool(settings.location) or (data / "lake").exists()


def _terms(house: House) -> Terms:
    """Of the plan in force, with the sources' delays of the settings."""
    plan = house.plan(0)
    delays = {name: parse_duration(source.delay) or 0 for name, source in house.settings.sources.items()}
    return terms_of(plan.plan.publish, delays) if plan is not None else Terms(delays_us=delays)
