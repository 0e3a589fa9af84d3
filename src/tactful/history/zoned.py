"""Local time everywhere as rows: the pinned tzdata, for whatever asks a history by SQL (docs/history.md)."""

from functools import lru_cache

import pyarrow as pa

from tactful.events import zones
from tactful.history.cells import zone_rows
from tactful.history.table import of_rows
from tactful.language.sql.layout import ZONES
from tactful.values import DAY_US, FIRST_US

_UNTIL_US = 47_482 * DAY_US
"""The year 2100; local time after it is not known."""


@lru_cache(maxsize=1)
def zone_table() -> pa.Table:
    """Of all zones."""
    return of_rows(ZONES, [*zone_rows(zones.names(), FIRST_US, _UNTIL_US)])
