"""The history of a data folder, to be asked: its lake, what the lake has not yet, and the engine that runs SQL."""

from pathlib import Path

from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import Place, on_s3
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.lake import MemoryLake
from tactful.history.lake import Lake
from tactful.operations.history import History
from tactful.operations.terms import Terms, terms_of
from tactful.runtime.decided import LiveTail
from tactful.runtime.house import House
from tactful.runtime.settings_history import HistorySettings

LAKE = "lake"
"""In the data folder, where the settings name no other place."""


def place_of(settings: HistorySettings, data: Path) -> Place:
    """Where the lake lies."""
    if settings.location.startswith("s3:"):
        return on_s3(
            settings.location,
            endpoint=settings.endpoint,
            region=settings.region,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
        )
    return Folder(_folder(settings, data))


def _folder(settings: HistorySettings, data: Path) -> Path:
    return data / (settings.location or LAKE)


def lake_of(settings: HistorySettings, data: Path) -> Lake:
    """The lake, made where there is none."""
    return DeltaLake(place_of(settings, data), settings.buckets)


def history_of(house: House) -> History:
    """Belongs to the thread that made it. Where no lake was made yet, log and trail have it all. Raises TransientError
    where the lake cannot be reached."""
    settings = house.settings.history
    is_there = settings.location.startswith("s3:") or _folder(settings, house.data).exists()
    lake = lake_of(settings, house.data) if is_there else MemoryLake(settings.buckets)
    return History(lake, DuckDBQueries(), LiveTail(house.log, house.trail), _terms(house))


def _terms(house: House) -> Terms:
    """Of the plan in force."""
    plan = house.plan(0)
    return terms_of(plan.plan.publish) if plan is not None else Terms()
