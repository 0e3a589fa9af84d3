"""A lake that is lost or damaged: a new one is begun (operations/history/new_lake.py), or the one that is there is
mended."""

from collections.abc import Callable
from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.app.lakes import lake_of, lies_in
from tactful.errors import TransientError, UsageError
from tactful.history.timezones import zone_table
from tactful.language.sql.layout import EVENTS, ZONES
from tactful.operations.history import lake_mending
from tactful.operations.history.lake_mending import Mending
from tactful.operations.history.new_lake import Beginning, begin, since_us, trimmed, trouble


def beginning(house: Installation) -> Beginning:
    """Of an installation on which no server runs. Raises UsageError where its lake is sound, or cannot be put aside;
    TransientError where it cannot be reached."""
    folder = lies_in(house.data, house.settings.history)
    if folder is None:
        return _on_s3(house)
    if not (folder / EVENTS).exists():
        return _made(house, f"there is no lake in {folder}", None)
    try:
        lake = lake_of(house.data, house.settings.history)
        said = trouble(lake, house)
    except TransientError as error:
        return _made(house, str(error), folder)
    if not said:
        raise UsageError(f"the lake in {folder} is as it should be: there is nothing to begin anew")
    return _made(house, said, folder if lake.snapshot().positions else None)


def mending(house: Installation) -> tuple[Mending, Callable[[], None]]:
    """What can be had again of the broken files of an installation's lake, and what does it. No server runs meanwhile.
    Raises UsageError where there is no lake, TransientError where it cannot be reached or opened."""
    folder = lies_in(house.data, house.settings.history)
    if folder is not None and not (folder / EVENTS).exists():
        raise UsageError(f"there is no lake in {folder}")
    lake = lake_of(house.data, house.settings.history)
    found = lake_mending.mending(lake, house, zone_table())
    return found, lambda: lake.mend(found.broken, found.tables, found.losses)


def _on_s3(house: Installation) -> Beginning:
    location = house.settings.history.location
    lake = lake_of(house.data, house.settings.history)
    said = trouble(lake, house)
    if not said:
        raise UsageError(f"the lake at {location} is as it should be: there is nothing to begin anew")
    if lake.snapshot().positions:
        raise UsageError(
            f"{said}. What lies on S3 is not put aside: let [history] location name a place where nothing is "
            f"({location}-2, say), and begin there"
        )
    return _made(house, f"there is no lake at {location}", None)


def _made(house: Installation, said: str, old: Path | None) -> Beginning:
    starts = trimmed(house.log)
    since, aside = since_us(house.log, starts), None if old is None else _free(old)

    def go() -> None:
        if old is not None and aside is not None:
            try:
                old.rename(aside)
            except OSError as error:
                raise TransientError(f"{old} could not be put aside: {error}") from error
        lake = lake_of(house.data, house.settings.history)
        if starts:
            begin(lake, house, starts, {ZONES: zone_table()})

    return Beginning(said, since, str(aside or ""), go)


def _free(old: Path) -> Path:
    """A name beside it that nobody has."""
    number = 1
    while (aside := old.with_name(f"{old.name}-before-{number}")).exists():
        number += 1
    return aside
