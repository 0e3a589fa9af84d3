"""Random histories in which things come in late, and what had happened by an instant of them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tactful.values import DAY_US, HOUR_US, MINUTE_US, format_time
from tests.features.story import instant

BEGIN = instant("2025-03-01T00:00:00Z")
DAYS = 20
LATE_US = (0, 0, MINUTE_US, 5 * HOUR_US, 3 * DAY_US)
DELAYS_US = {"app": 6 * HOUR_US, "import": 6 * HOUR_US}
"""Decisions in a file come from `import`."""
FILES = {
    "collections/cart.yaml": "add: Product Added\nremove: Product Removed\nclear: Order Completed\nkey: sku\n",
    "metrics/spent.yaml": 'value: sum("Order Completed", total)\n',
    "segments/buyers.yaml": 'when: any("Order Completed", last="5d")\n',
}
TEXTS = {
    "orders": 'count("Order Completed")',
    "spent_3d": 'sum("Order Completed", total, last="3d")',
    "since": 'time_since("Order Completed")',
    "gap": '(latest("Order Completed") - first("Order Completed")) / (count("Order Completed") - 1)',
    "kinds": 'distinct("*", sku)',
    "same": 'count("Product Added", same=sku, last="4d")',
    "left": 'sequence("Product Added", not "Order Completed", within="2h", last="9d")',
    "visits": 'sessions(last="7d")',
    "stay": 'avg_session_length(last="9d")',
    "in_cart": "cart.quantity",
    "since_cart": "now() - cart.changed_at",
    "plan": "lower(plan)",
    "age": "age",
    "of_plan": 'count("*", where=profile.plan == "paid")',
    "score": 'score("churn")',
    "top": 'percentile("spent") >= 80',
    "yes": 'consents("mail")',
    "buyer": 'segment("buyers")',
    "days": 'active_days("*", last="9d")',
    "hour": "local_hour()",
}


def lines(random: Random, events: int = 120) -> list[dict[str, Any]]:
    """Ties and decisions come in when they happen, of the slowest source: who is the first to have a device, and what a
    decision covers, goes by when that was known."""
    found = [_line(random, number) for number in range(events)]
    return sorted(found, key=lambda line: line["receivedAt"])


def _line(random: Random, number: int) -> dict[str, Any]:
    at = BEGIN + random.randrange(DAYS * DAY_US)
    who = {"userId": f"u{random.randrange(5)}"}
    device = {"anonymousId": f"x{random.randrange(6)}"}
    kind = random.choices(
        ("track", "page", "identify", "tie", "score", "threshold", "consent", "unmerge"), (10, 3, 3, 2, 1, 1, 2, 0.5)
    )[0]
    source = "app" if kind in ("tie", "consent") else random.choice(("app", "web"))
    line: dict[str, Any] = {"messageId": str(number), "source": source, "timestamp": format_time(at)}
    late = random.choice(LATE_US) if kind in ("track", "page", "identify") else 0
    line["receivedAt"] = format_time(at + late)
    match kind:
        case "track":
            name = random.choice(("Product Added", "Product Added", "Product Removed", "Order Completed"))
            line |= {"type": "track", "event": name, **random.choice((who, device))}
            line["properties"] = {"sku": random.choice("ab"), "total": random.randrange(90), "price": 2}
        case "page":
            zone = random.choice(("Europe/Berlin", "America/New_York"))
            line |= {"type": "page", "context": {"timezone": zone}, **random.choice((who, device))}
        case "identify":
            plan = random.choice(("free", "paid", None))
            line |= {"type": "identify", "traits": {"plan": plan, "age": random.randrange(9)}, **who}
        case "tie":
            line |= {"type": "identify", **who, **device}
        case "score":
            line |= {"type": "score", "model": "churn", "value": random.random(), **who}
        case "threshold":
            line |= {"type": "threshold", "metric": "spent", "percent": 80, "value": random.randrange(300)}
        case "unmerge":
            line |= {"type": "unmerge", **device}
        case _:
            line |= {
                "type": "consent",
                "purpose": "mail",
                "granted": random.random() < 0.5,
                **random.choice((who, device)),
            }
    return line


def happened(every: Sequence[Mapping[str, Any]], by_us: int) -> list[Mapping[str, Any]]:
    """What had happened, and its source's delay was over; what is only told counts from its receipt."""
    return [line for line in every if _counts_from(line) <= by_us]


def _counts_from(line: Mapping[str, Any]) -> int:
    if line["type"] in ("score", "threshold"):
        return instant(line["receivedAt"])
    is_tie = line["type"] == "unmerge" or ("userId" in line and "anonymousId" in line)
    delay = max(DELAYS_US.values()) if is_tie else DELAYS_US.get(line["source"], 0)
    return instant(line["timestamp"]) + delay
