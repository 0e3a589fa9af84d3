"""The table `zones` (docs/history.md): the tzdata that this program came with, whole, whatever the lake says."""

from functools import cache
from itertools import chain

import pyarrow as pa

from tactful.events import zones
from tactful.history.table import schema
from tactful.language.sql.layout import ZONES

FROM_US, UNTIL_US = 0, 4_102_444_800_000_000
"""1970 to 2100: what happened at another time has no local time."""


@cache
def zone_table() -> pa.Table:
    """Every zone that there is; made once."""
    every = {name: zones.transitions(name, FROM_US, UNTIL_US) for name in sorted(zones.names())}
    columns = {
        "zone": list(chain.from_iterable([name] * len(changes) for name, changes in every.items())),
        "from_us": [at for changes in every.values() for at, _ in changes],
        "until_us": [at for changes in every.values() for at in (*(one for one, _ in changes[1:]), UNTIL_US)],
        "offset_us": [offset for changes in every.values() for _, offset in changes],
    }
    return pa.table(columns, schema=schema(ZONES))
