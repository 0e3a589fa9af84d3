"""The port to the tail: what was decided and does not stand in the lake yet, as rows of the same tables.

Lake and tail together are the history up to now. The tail is made from log and trail by the code that the archiver
uses, so a row is the same before and after it comes into the lake.
"""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa
from msgspec import Struct

from tactful.history.lake import Snapshot
from tactful.language.sql.layout import Layout


class Rest(Struct, frozen=True):
    """Rows by table, of the schema that `table.schema` says for the layout; tables that have none may be left out."""

    tables: Mapping[str, pa.Table] = {}
    positions: Mapping[int, int] = {}
    """By partition, up to where lake and tail together go."""


class Tail(Protocol):
    def demand(self, lake: Snapshot) -> None:
        """Raises TransientError where the lake has what was never decided here: it is of another time, or another's."""
        ...

    def since(self, positions: Mapping[int, int], layout: Layout) -> Rest:
        """Everything that was decided behind these positions of the partitions."""
        ...
