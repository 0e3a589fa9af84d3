"""Identity and consent: what they add to step(), how many ties a second the engine makes, and how soon segments follow.

Off: everybody is one identifier, and nothing asks for consent. On: everybody was a visitor first and is tied (two
fragments with a history each), calls name both identifiers, and events are kept by consent. Then the process tree: calls
that tie two people, as many as come, and one burst, with others' events between them.
Run `python -m benchmarks identity`.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks import load, retail, shop
from benchmarks.language import FIRST_SEGMENTS, Shop
from benchmarks.place import Place, median, percentile, table
from benchmarks.server import Server
from tactful.events.records import Consent, Event
from tactful.values import DAY_US

EVENTS, PEOPLE = 60_000, 5_000
CONSENT = msgspec.json.encode(
    {
        "region": "opt-in",
        "collect": "analytics",
        "otherwise": "drop",
        "purposes": {"analytics": {"basis": "consent"}, "email_marketing": {"basis": "consent"}},
    }
).decode()


def ordinary(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The same calls as one identifier's, and as those of somebody tied to the device that is used."""
    tied = []
    for event in events:
        device = f"a:{event.key[2:]}"
        tied.append(replace(event, ids=(event.key, device)))
    return {"off": list(events), "on": tied}


def visits(events: Sequence[Event]) -> Iterator[Event | Consent]:
    """Everybody's first hours: the visitor agrees, and looks around."""
    for number, who in enumerate(sorted({event.key for event in events})):
        device = f"a:{who[2:]}"
        at = retail.START + number
        yield Consent(1, "web", "server", device, f"yes-{who}", "analytics", True, at, at)
    for number, event in enumerate(events[:EVENTS // 6]):
        device = f"a:{event.key[2:]}"
        at = retail.START + PEOPLE + number
        yield replace(event, key=device, ids=(device,), message_id=f"visit-{number}", timestamp=at, received_at=at)


def driven(place: Place, segments: dict[str, str]) -> dict[str, float]:
    """Microseconds of step() per event."""
    events = list(retail.events(1, place.scaled(EVENTS, 3_000), place.scaled(PEOPLE, 300)))
    later = [
        replace(event, timestamp=event.timestamp + DAY_US // 4, received_at=event.received_at + DAY_US // 4)
        for event in events
    ]
    found = {}
    for name, some in ordinary(later).items():
        shop_ = Shop(segments, {} if name == "off" else {"consent": CONSENT})
        if name == "on":
            shop_.seconds(list(visits(events)))
        found[name] = shop_.seconds(some) / (len(some) / 2) * 1e6
    return found
