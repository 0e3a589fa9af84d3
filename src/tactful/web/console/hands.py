"""Hands: what rooms do beyond reading and appending, as app/ has put it together; a face may not reach adapters."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.sources import Source
from tactful.operations.backtesting.bench import Bench, Progress
from tactful.operations.doctor import Finding
from tactful.operations.journeys.campaigns import Approvals
from tactful.operations.messages.proofs import Said
from tactful.operations.reading.reader import Reader
from tactful.runtime.machine import Machine, nothing_known
from tactful.runtime.ports import Claimed

if TYPE_CHECKING:
    from tactful.operations.backtesting.behind import Behind
    from tactful.operations.backtesting.preparing import Asked  # Stands on Arrow, likewise.
    from tactful.operations.journeys.previewing import Preview  # Renders messages, and is seldom wanted.

Previewed = Callable[[Reader, str], "tuple[str, Preview]"]
"""The version of a campaign that is in force, and whom it would reach (operations/reading/previewed.py); looks through
all people. Raises UsageError."""
Prove = Callable[[Claimed, bytes], Said]
"""Sends a test (operations/messages/proofs.py) with the source of its message; takes as long as the channel does, and
is called in a thread of its own."""


def _no_history(asked: "Asked", progress: Progress, behind: "Behind") -> dict[str, Any]:
    raise UsageError("there is no history here")


class Hands(Struct, frozen=True):
    approvals: Approvals
    previewed: Previewed
    prove: Prove
    sources: Sequence[Source] = ()
    """Of the settings, by which what was refused is tried again."""
    machine: Callable[[], Machine] = nothing_known
    """What is under the installation; takes as long as its files are many, and is called in a thread of its own."""
    bench: Bench = msgspec.field(default_factory=lambda: Bench(_no_history))
    """Where backtests are played."""
    doctor: Callable[[], list[Finding]] = list
    """What can be found out about settings and channels (operations/doctor.py); reaches out, in a thread of its own."""
