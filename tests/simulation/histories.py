"""Random histories: people, events late, early, equal and repeated, on a grid on which every edge is met."""

from datetime import UTC, datetime
from random import Random
from typing import Literal

from msgspec.structs import replace

from tactful.events.records import Consent, Event, Publish, Score, Threshold, pack
from tests.simulation.behaviours import ZONES
from tests.simulation.shop import GRID, MINUTE, SHOPS

START = 1_741_000_000_000_000 // GRID * GRID
NAMES = ("Product Viewed", "Product Added", "Order Completed", "$page", "$identify", "Something Else")
KINDS: dict[str, Literal["page", "identify"]] = {"$page": "page", "$identify": "identify"}
PURPOSES = ("email_marketing", "profiling")


def publish(shop: str, at: int) -> Publish:
    return Publish(at, SHOPS[shop].files(), {"time_zone": "UTC"}, author=shop)


def event(rng: Random, key: str, at: int, message_id: str) -> Event:
    """Received at `at`; happened then, or earlier, mostly on the grid."""
    name = rng.choices(NAMES, (5, 4, 5, 2, 2, 1))[0]
    late = rng.choices((0, rng.randrange(8) * GRID, rng.randrange(24) * GRID, rng.randrange(GRID)), (6, 3, 1, 1))[0]
    kind: Literal["track", "page", "identify"] = KINDS.get(name, "track")
    if name == "$identify":
        properties: dict[str, object] = {
            "country": rng.choice(("DE", "FR", None)),
            "email": f"{key[2:]}@example.com",
            "plan": rng.choice(("gold", "free")),
        }
        if rng.random() < 0.3:
            properties["timezone"] = rng.choice((*ZONES, "Nowhere", None))
        if rng.random() < 0.3:
            ends = (at // GRID + rng.randrange(40)) * GRID
            properties["trial_ends"] = rng.choice((None, datetime.fromtimestamp(ends / 1e6, UTC).isoformat()))
    elif name == "Order Completed":
        properties = {"total": rng.choice((49, 50, 99, 100, "100"))}
    else:
        properties = {"price": rng.choice((20, 21, None))}
    context = pack({"timezone": rng.choice((*ZONES, "Nowhere"))} if rng.random() < 0.1 else {})
    return Event(1, "shop", "server", kind, name, key, (key,), message_id, at - late, at, pack(properties), context)


def consent(rng: Random, key: str, at: int, message_id: str) -> Consent:
    late = rng.choice((0, 0, GRID, 3 * GRID))
    return Consent(1, "shop", "server", key, message_id, rng.choice(PURPOSES), rng.random() < 0.7, at - late, at)


def score(rng: Random, key: str, at: int, message_id: str) -> Score:
    return Score(1, "shop", "server", key, message_id, "churn", rng.choice((0.2, 0.5, 0.8)), at)


def threshold(rng: Random, at: int) -> Threshold:
    return Threshold(at, "spend", 80, rng.choice((0, 50, 100, 199)))


def received(record: Event | Consent | Score, at: int) -> Event | Consent | Score:
    """The same call, as the server stamps it when it comes in at this instant; no lead, as intake sees to it."""
    if isinstance(record, Score):
        return replace(record, received_at=at)
    return replace(record, received_at=at, timestamp=min(record.timestamp, at))


def pause(rng: Random) -> int:
    """How long until the next record; often nothing, mostly whole steps of the grid."""
    return rng.choices(
        (0, GRID, rng.randrange(6) * GRID, rng.randrange(40) * GRID, rng.randrange(MINUTE)), (5, 4, 3, 1, 2)
    )[0]
