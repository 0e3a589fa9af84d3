"""Sources: who may send calls, and how much each is believed (DESIGN 9).

A write key is public, so it names a source and opens nothing. `browser` calls come from machines that anybody holds;
`server` calls from the workspace's own, which alone may tell of consent.
"""

from msgspec import Struct

from tactful.events.records import Trust


class Source(Struct, frozen=True):
    """One `[sources.NAME]` of the settings. `events_per_second` 0 means no limit; a burst of `burst_seconds` is let
    through at once."""

    name: str
    write_key: str
    trust: Trust = "browser"
    events_per_second: float = 0.0
    burst_seconds: float = 10.0
    event_bytes: int = 256 * 1024
    call_bytes: int = 5 * 1024 * 1024
    """After unpacking."""
    call_events: int = 2_500


OWN_SOURCES = ("tactful", "unsubscribe", "confirm")
"""Of what the engine itself writes as a server: what journeys set, responses to messages, clicks on its own pages. It
knows of nobody what the shop's server does not; no source of a project is called so."""
