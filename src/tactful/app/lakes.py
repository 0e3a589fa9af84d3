"""The lake of an installation, where its settings say."""

from pathlib import Path

from tactful.adapters import standing
from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import on_s3
from tactful.adapters.installation import Installation
from tactful.errors import TransientError
from tactful.history.lake import Lake
from tactful.kernel.state import decode_partition
from tactful.operations.doctor import Finding
from tactful.operations.history.archived import look_at_lake, look_without_lake
from tactful.operations.seeds.seed_mending import lost
from tactful.operations.seeds.surveyed import look_at_survey
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings
from tactful.runtime.settings_history import HistorySettings
from tactful.values import parse_duration


def lake_of(data: Path, history: HistorySettings) -> Lake:
    """Made where there is none. Raises TransientError where it cannot be reached, UsageError where something else lies
    there."""
    location = history.location
    if location.startswith("s3://"):
        place = on_s3(
            location,
            endpoint=history.endpoint,
            region=history.region,
            access_key=history.access_key,
            secret_key=history.secret_key,
        )
    else:
        place = Folder(_folder(data, history))
    return DeltaLake(place, history.buckets)


def lies_in(data: Path, history: HistorySettings) -> Path | None:
    """The folder of the lake; None where it lies on S3."""
    return None if history.location.startswith("s3://") else _folder(data, history)


def _folder(data: Path, history: HistorySettings) -> Path:
    return data / (history.location or "lake")


def findings(settings: Settings, data: Path, clock: Clock) -> list[Finding]:
    """What the doctor says of the lake of a data folder, where there is one."""
    if not (data / "installation.json").exists():
        return []
    house = Installation(data, settings, clock, read_only=True)
    folder = lies_in(data, settings.history)
    try:
        is_running = standing.read(data) is not None
        if folder is not None and not folder.exists():
            found = [look_without_lake(house.log, str(folder))]
        else:
            every_us = parse_duration(settings.history.every) or 0
            found = look_at_lake(lake_of(data, settings.history), house, every_us, is_running=is_running)
        return [*found, *_asked_of_it(house, settings, clock.now_us(), is_running=is_running)]
    except TransientError as error:
        return [Finding("bad", "history", f"the lake is out of reach: {error}")]
    finally:
        house.close()


def _asked_of_it(house: Installation, settings: Settings, now_us: int, *, is_running: bool) -> list[Finding]:
    plans = [house.plan(partition) for partition in range(house.partitions)]
    if None in plans:
        return []
    states = [decode_partition(store.checkpoint().partition_state) for store in house.stores()]
    gone = [one.taken.digest for one in lost(house)]
    return look_at_survey(plans, states, settings.thresholds, now_us, is_running=is_running, lost=gone)
