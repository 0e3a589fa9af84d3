"""Counting: which events came in the last days, and how often, as the partitions' states say. For `did you mean`."""

from collections import Counter
from collections.abc import Iterable

from tactful.kernel.names import counted
from tactful.kernel.state import decode_partition
from tactful.operations.places import States


def seen_names(stores: Iterable[States], now_us: int) -> dict[str, int]:
    """How often events of each name came today and on the seven days before, in all partitions; the stores are only
    read."""
    totals: Counter[str] = Counter()
    for store in stores:
        if body := store.checkpoint().partition_state:
            totals.update(counted(decode_partition(body), now_us))
    return dict(totals)
