"""The lake of an installation, where its settings say."""

from pathlib import Path

from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.delta.places import on_s3
from tactful.history.lake import Lake
from tactful.runtime.settings_history import HistorySettings


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
        place = Folder(data / (location or "lake"))
    return DeltaLake(place, history.buckets)
