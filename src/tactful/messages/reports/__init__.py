"""Reports: what providers and mail servers tell of a message that left, each in its own words, as one kind of value.

One file per format: it says whether what came is from whom it says (a signature, a password), and reads it. What is not
understood is no report, and what is not wanted (`processed`, `deferred`) is none either; nothing is raised, whatever
comes in. Which message it is about, and whose, is found by whoever has the outbox (runtime/reporting.py). Pure.
"""

from typing import Literal

from msgspec import Struct

from tactful.events.responses import Response
from tactful.values import HOUR_US

STALE_US = 25 * HOUR_US
"""Providers try again for a day; what was signed before that is somebody's copy."""
EARLY_US = HOUR_US
"""As much a provider's clock may be ahead."""
CALL_BYTES = 4 * 1024 * 1024
"""Of a webhook."""
MOST = 10_000
"""Reports in one call."""

Suppression = Literal["", "hard bounce", "complaint"]


class Report(Struct, frozen=True):
    """`intent` is our id, where the provider was given it, or `message_id` the mail's (RFC 5322 3.6.4)."""

    response: Response
    intent: str = ""
    message_id: str = ""
    suppression: Suppression = ""
    """Why no more mail may go to this address."""
    agent: str | None = None
    """Of an open or a click: the User-Agent, for our own rules; None where nothing is told."""
    unsubscribes: bool = False


def is_stale(at_us: int, now_us: int) -> bool:
    """Whether a signed time lies too far from now."""
    return not now_us - STALE_US <= at_us <= now_us + EARLY_US
