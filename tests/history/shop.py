"""A small history that every construct can be asked of, and what each must answer: `ada` at NOON."""

from collections.abc import Mapping, Sequence
from typing import Any

from tactful.values import parse_time

FILES = {
    "collections/cart.yaml": "add: Product Added\nremove: Product Removed\nclear: Order Completed\nkey: sku\n"
    "fields: [color, tags]\n",
    "metrics/spent.yaml": 'value: sum("Order Completed", total)\n',
    "segments/buyers.yaml": 'when: any("Order Completed")\n',
    "events/order_completed.yaml": "name: Order Completed\nproperties: {total: number, products: list}\n",
}


def instant(text: str) -> int:
    at = parse_time(text)
    assert at is not None
    return at


NOON = instant("2025-03-10T12:00:00Z")


def call(day: str, event: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    at = f"2025-03-{day}Z"
    return {"type": "track", "event": event, "userId": "ada", "receivedAt": at, "properties": properties, **more}


LINES: Sequence[Mapping[str, Any]] = [
    {
        "type": "identify",
        "userId": "ada",
        "receivedAt": "2025-03-01T08:00:00Z",
        "traits": {
            "country": "DE",
            "age": 30,
            "born": "1995-02-03",
            "vip": True,
            "plan": "free",
            "gone": 1,
            "empty": None,
            "tags": ["a", 2, None, ["b"]],
            "address": {"city": "Köln", "flats": [{"no": 1}, {"no": [2, 3]}]},
            "timezone": "Europe/Berlin",
            "name": "ΑİB",
            "huge": 1e300,
            "epoch": 1740787200.25,
        },
    },
    {
        "type": "identify",
        "userId": "ada",
        "receivedAt": "2025-03-02T08:00:00Z",
        "traits": {"plan": "paid", "gone": None},
    },
    {
        **call("03T08:00:00", "Late", {}),
        "type": "identify",
        "traits": {"plan": "older"},
        "timestamp": "2025-03-01T09:00:00Z",
    },
    call(
        "01T10:00:00",
        "Order Completed",
        {"total": 99.5, "products": [{"sku": "S1", "price": 10, "category": "shoes"}, {"category": ["x", None]}]},
    ),
    call("05T23:30:00", "Order Completed", {"total": 0.3}),
    call("09T09:00:00", "Product Viewed", {"sku": "S1", "category": "shoes", "price": 10, "sizes": [[38, 40.5], 7]}),
    call("09T09:05:00", "Product Viewed", {"sku": "S1", "category": ["shoes", "new"], "price": "12"}),
    call(
        "09T09:10:00", "Product Added", {"sku": "S1", "quantity": 2, "price": 10, "color": "red", "tags": ["a", ["b"]]}
    ),
    call("09T09:20:00", "Product Added", {"sku": 7, "price": 5.5, "tags": []}),
    call("09T09:30:00", "Product Removed", {"sku": "S1", "quantity": 0.5}),
    call("09T22:45:00", "Product Viewed", {"sku": "S2", "price": [1, 2, "x"], "sent": "2025-03-09T22:44:00Z"}),
    call("09T23:15:00", "Product Viewed", {"sku": True, "price": 1e12}, context={"page": {"path": "/x"}}),
    {"type": "page", "userId": "ada", "receivedAt": "2025-03-10T11:00:00Z", "name": "Home"},
    call("10T12:00:00.000001", "Product Viewed", {"sku": "unseen"}),
    {"type": "score", "model": "churn", "userId": "ada", "value": 0.5, "receivedAt": "2025-03-02T00:00:00Z"},
    {"type": "score", "model": "churn", "userId": "ada", "value": 0.25, "receivedAt": "2025-03-03T00:00:00Z"},
    {"type": "score", "model": "ltv", "userId": "bob", "value": 1, "receivedAt": "2025-03-03T00:00:00Z"},
    {"type": "threshold", "metric": "spent", "percent": 80, "value": 99.8, "receivedAt": "2025-03-04T00:00:00Z"},
    {"type": "consent", "purpose": "mail", "granted": True, "userId": "ada", "receivedAt": "2025-03-02T00:00:00Z"},
    {"type": "track", "event": "Product Viewed", "anonymousId": "later", "receivedAt": "2025-03-11T00:00:00Z"},
]

CASES: Sequence[tuple[str, Any]] = [
    # ---- traits, paths, values
    ("country", "DE"),
    ("plan", "paid"),
    ("gone is None and empty is None and nowhere is None and address.nowhere is None", True),
    ("address", {"city": "Köln", "flats": [{"no": 1}, {"no": [2, 3]}]}),
    ("address.flats.no", [1, 2, 3]),
    ("address.flats.no[2] == 3 and address.flats[1].no[0] == 2 and address.flats[9].no is None", True),
    ("address.flats.nothing", []),
    ("address.flats.nothing is not None and len(address.flats.nothing) == 0", True),
    ("len(tags) == 4 and tags[2] is None and tags[3][0] == 'b' and tags[3] is not None", True),
    ('"a" in tags and 2 in tags and "b" not in tags and "a" not in country', True),
    ("tags", ["a", 2, None, ["b"]]),
    # ---- comparing
    ("vip and vip == True and not (age == True) and age == 30.0", True),
    ('country != "AT" and nowhere != "AT" and not (country < 5) and country < "DF"', True),
    ('country in ("DE", "AT") and age not in ("30", 31) and born in (time("1995-02-03"), now())', True),
    ("country == plan or tags == tags or age == country", False),
    ("(age == 30) in (nowhere, vip) and (age == 31) not in (nowhere, vip, age) and -(age - 30) in (nowhere, 0)", True),
    ('lower(plan) in (nowhere, plan) and (time(born) - "1d") in (nowhere, "1995-02-02", plan)', True),
    ("(huge * huge) in (huge, nowhere) or (nowhere * 2) in (nowhere, age) or lower(plan) in (country, age)", False),
    # ---- arithmetic
    ("age / 4 - 1 * 2 + -age", -24.5),
    ("age / 0 is None and huge * huge is None and 1 / (huge * huge) is None and country + 1 is None", True),
    ('time(born) + "1d"', "1995-02-04T00:00:00.000Z"),
    ('now() - time("2025-03-10") == "12h" and now() - "12h" > born', True),
    ('time(epoch) - "9d" + "1h" - "1h"', "2025-02-20T00:00:00.250Z"),
    ("time(huge) is None and time(country) is None", True),
    # ---- functions of values
    ("lower(name)", "αib"),
    ('contains(country, "E") and starts_with(country, "D") and ends_with(country, "E")', True),
    ('contains(age, "3") or starts_with(country, age) or contains(country, nowhere)', False),
    # ---- events
    ('count("Product Viewed")', 4),
    ('count("Product Viewed", last="1d")', 2),
    ('count(["$page", "Product Added"])', 3),
    ('count("*")', 10),
    ('any("Product Viewed", where=context.page.path == "/x") and not any("Nothing")', True),
    ('any("Product Viewed", where=sent < "2025-03-09T22:45:00Z")', True),
    ('any("Product Viewed", where="new" in category and profile.country == "DE")', True),
    ('sum("Product Viewed", price)', 13),
    ('sum("Order Completed", total, last="30d") == 99.8', True),
    ('avg("Product Viewed", price)', 13 / 3),
    ('avg("Nothing", price) is None and sum("Nothing", price) == 0', True),
    ('min("Product Viewed", price)', 1),
    ('max("Product Viewed", price)', 1_000_000_000_000),
    ('min("Product Viewed", sizes[0])', 38),
    ('max("Product Viewed", sizes[0], where=len(sizes) == 2 and len(sizes[0]) == 2)', 40.5),
    ('distinct("Product Viewed", sku)', 3),
    ('distinct("Product Viewed", category)', 2),
    ('distinct("Order Completed", products[1].category, where=coupon is None)', 1),
    ('any("Order Completed", where=products[1].category[0] == "x" and coupon is None)', True),
    ('count("Product Viewed", same=category)', 2),
    ('count("Product Viewed", same=sku, last="2d")', 2),
    ('first("Product Viewed")', "2025-03-09T09:00:00.000Z"),
    ('latest("Product Viewed", price, between=("7d", "1d"))', "12"),
    ('latest("Order Completed", products) is None and first("Order Completed", len(products)) == 2', True),
    ('first("Order Completed", products.category)', ["shoes", "x"]),
    ('first("Order Completed", products[1].category)', ["x", None]),
    ('latest("Product Viewed", time(sent)) is None', True),
    ('time_since("Order Completed")', 4 * 86_400 + 12.5 * 3600),
    ('active_days("Product Viewed")', 2),
    ('active_days("Order Completed")', 2),
    # ---- sequences
    ('sequence("Product Viewed", "Product Added", within="10m")', True),
    ('sequence("Product Viewed", "Product Viewed", "Product Added", "Product Added", within="15m")', False),
    ('sequence("Product Viewed", not "Product Added", "Product Removed")', False),
    ('sequence("Product Added", not "Product Viewed", "Product Removed", within="30m")', True),
    ('sequence("Product Added", not ["Product Added", "Order Completed"], within="30m")', True),
    ('sequence("Product Added", not "Product Viewed")', False),
    ('sequence("Order Completed", event("Product Viewed", where=sku == "S2"), last="3d")', False),
    # ---- sessions
    ("sessions()", 6),
    ('sessions(last="2d")', 4),
    ("session_length()", 0),
    ('avg_session_length(last="2d")', 450),
    # ---- collections
    ("cart.lines", 2),
    ("cart.quantity", 2.5),
    ("cart.value", 20.5),
    ("cart.changed_at", "2025-03-09T09:30:00.000Z"),
    (
        "cart.items",
        [{"sku": "S1", "color": "red", "tags": ["a", ["b"]], "quantity": 1.5}, {"sku": 7, "tags": [], "quantity": 1}],
    ),
    ("cart.items.sku", ["S1", 7]),
    ("cart.items.tags", ["a", "b"]),
    ('7 in cart.items.sku and "b" in cart.items.tags and len(cart.items) == 2 and len(cart.items.tags) == 2', True),
    ('len(cart.items[0].tags) == 2 and cart.items[0].color == "red" and cart.items[1].color is None', True),
    ("cart.items[0].quantity == 1.5 and cart.items[2] is None and cart.items.sku[1] == 7", True),
    # ---- the person
    ("local_hour()", 13),
    ("local_weekday()", 1),
    ("local_month()", 3),
    ("now()", "2025-03-10T12:00:00.000Z"),
    ('segment("buyers") and not segment("buyers") == False', True),
    ('score("churn")', 0.25),
    ('percentile("spent") >= 80 and not percentile("spent") < 80 and not percentile("churn") >= 80', True),
    ('consents("mail") and not consents("sms")', True),
]
