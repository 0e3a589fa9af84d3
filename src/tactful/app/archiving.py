"""The process that archives: what was decided goes into the lake, and the log is trimmed behind it."""

import logging
from collections.abc import Mapping

from tactful.adapters.installation import Installation
from tactful.adapters.supervisor import StopSignal, follow_parent
from tactful.app.lakes import lake_of
from tactful.errors import TransientError
from tactful.history.timezones import zone_table
from tactful.language.sql.layout import ZONES
from tactful.operations.definitions.declaring import declared
from tactful.operations.history.retention import trim
from tactful.runtime.archive import Archive, Archiver, Declared, Pace, thrifty
from tactful.runtime.settings_history import HistorySettings
from tactful.values import parse_duration

BELL, QUIET = "archive", "archive-stop"
MANY = 5_000
"""Positions that the lake lacks: fewer are read from log and trail whenever somebody asks, until the server runs."""
_logger = logging.getLogger("tactful.archive")


def run(house: Installation) -> None:
    """Until a signal comes."""
    stopping = StopSignal()
    follow_parent()
    bell, quiet = house.bells.bell(BELL), house.bells.bell(QUIET)

    def stop() -> None:
        house.bells.ring(BELL)
        house.bells.ring(QUIET)

    stopping.rings = stop
    Archive(lambda: archiver(house), bell, quiet, house.clock, lambda: stopping.asked).run()


def bring(house: Installation) -> None:
    """All that was decided, where that is much and nobody else archives: after an import into a folder that stands
    still. The log is left as it is. Raises TransientError where the lake cannot be reached."""
    if sum(map(house.trail.end, range(house.log.partitions))) < MANY:
        return
    mine = archiver(house, trims=False)
    if mine.behind() < MANY:
        return
    with thrifty():
        mine.archive()
        while mine.keep_house():
            pass


def archiver(house: Installation, *, trims: bool = True) -> Archiver:
    """Of this installation. Raises TransientError where its lake cannot be reached."""
    history = house.settings.history
    lake = lake_of(house.data, history)
    return Archiver(
        house.log,
        house.trail,
        lake,
        house.clock,
        _Declaring(house),
        lambda at: _trimmed(house, at) if trims else None,
        pace_of(history),
        lambda: {ZONES: zone_table()},
        house.name,
    )


def pace_of(history: HistorySettings) -> Pace:
    return Pace(rows=history.rows, every_us=parse_duration(history.every) or Pace().every_us)


class _Declaring:
    """Read anew only where the plan is another."""

    def __init__(self, house: Installation) -> None:
        self._house = house
        self._version = 0
        self._declared = Declared()

    def __call__(self) -> Declared:
        plan = self._house.plan(0)
        if plan is not None and plan.plan.version != self._version:
            self._declared, self._version = declared(plan.plan.publish), plan.plan.version
        return self._declared


def _trimmed(house: Installation, archived: Mapping[int, int]) -> None:
    try:
        trim(house.log, house.stores(), house.trail, house.clock, house.settings.retention.log_days, archived)
    except TransientError as error:
        _logger.error("the log could not be trimmed: %s", error)  # noqa: TRY400  (the text says all)
