"""What expressions speak of: names of events, properties and traits by what they mostly hold, and constants."""

from collections.abc import Mapping, Sequence

OTHERS = ("C", "Order Completed", "Product Added", "Product Removed", "$page", "$screen", "$identify")
EVENTS = (*("A",) * 5, *("B",) * 3, *OTHERS)
ODD_EVENT = 'It\'s "new" \\ %s'
RARE_EVENTS = ("$group", "$alias", "Never Sent", "D", "D", ODD_EVENT)
DURATIONS = ("1s", "2s", "1m", "15m", "30m", "1h", "2h", "24h", "1d", "3d", "1w", "30d", "90d")
ORDER = ("<", "<=", ">", ">=")
EQUALITY = ("==", "!=")
NUMBERS = ("0", "1", "2", "3", "-1", "0.5", "2.5", "1.0", "1e12", "100", "0.3", "9007199254740992")
TEXTS = (
    "",
    "a",
    "b",
    "ab",
    "%",
    "_",
    "shoes",
    "DE",
    "5",
    "ä",
    "İ",
    "ß",
    "\U0001f97e",
    "it's",
    'a"b',
    "a\\b",
    "a\nb",
    ":t",
)
TIMES = ("2025-03-01", "2025-03-30T01:00:00Z", "2025-03-09T09:30:00+01:00", "2024-12-31 23:59:59.999999")

PROPERTIES: Mapping[str, Sequence[str]] = {
    "number": (
        "n",
        "q",
        "n",
        "o.n",
        "o.p.n",
        "products[0].price",
        "l[0]",
        'properties["a b"]',
        'properties["o.n"]',
        "context.n",
    ),
    "text": ("t", "u", "o.t", "products[0].category", "l[1]", "context.page.path", 'properties["class"]', 'o["it\'s"]'),
    "boolean": ("f", "o.f", "context.f"),
    "time": ("when", "o.when", "context.when"),
    "list": ("l", "m", "products", "products.category", "products.price", "products.tags", "o.p", "context.l"),
}
TRAITS: Mapping[str, Sequence[str]] = {
    "number": ("age", "rate", "limit", "address.zip", "address.geo.lat", "tags[0]", 'traits["a b"]'),
    "text": ("plan", "address.city", "address.streets[0].name", 'traits["class"]', "timezone"),
    "boolean": ("vip", "address.f"),
    "time": ("born", "address.since"),
    "list": ("tags", "likes", "address.streets", "address.streets.name", "likes.n"),
}
KINDS = ("number", "text", "boolean", "time", "list")
