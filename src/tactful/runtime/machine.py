"""What is under an installation: its processes and its disk, as health shows them."""

from collections.abc import Mapping

from msgspec import Struct


class Process(Struct, frozen=True):
    name: str
    """As `tactful up` calls it: `up`, `collect`, `show`, `work 0,1`, `deliver`."""
    pid: int
    memory_bytes: int
    """Its own share of what is in memory: pages that several have are counted in parts."""
    cpu_s: float
    """Since it was started."""


class Machine(Struct, frozen=True):
    processes: tuple[Process, ...] = ()
    """Those that `tactful up` started, itself among them; empty where the system does not say."""
    disk_bytes: int = 0
    """Of the disk that the data folder is on; 0: not known."""
    free_bytes: int = 0
    parts: Mapping[str, int] = {}
    """What lies in the data folder, in bytes, by the first part of its name (`log`, `store`, `outbox`, ...)."""


def nothing_known() -> Machine:
    return Machine()
