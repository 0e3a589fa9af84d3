"""The features that are proposed where nobody has written any: what is usually learned from, as far as the events of
this project can say it.

Recency, frequency and money of orders and the gaps between them; how often each event came over 7, 30, 90 and 365 days;
what is looked at and bought; sessions, devices, carts, mail; traits that are no personal data. Each is an expression in
a file that people read and change. Scores are left out: a model that learns from what it said learns itself.

What is proposed depends on what had happened by an instant, for choosing columns by what came later is a leak as well.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from tactful.events import responses
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import Collection, EventType, Vocabulary
from tactful.operations.history.opened import Opened
from tactful.segments.features import TYPES, kind_of_feature

DAYS = (7, 30, 90, 365)
MOST_EVENTS, MOST_CATEGORIES = 30, 10
"""The most frequent."""
ORDER, VIEWED, ADDED, CHECKOUT = "Order Completed", "Product Viewed", "Product Added", "Checkout Started"
MONEY = ("total", "revenue", "value")
"""Properties of an order with what was paid, the first that there is."""
_DEVICES = ("device.id", "userAgent", "device.type", "os.name")
"""Paths in `context` that tell devices apart, the best first."""
Named = tuple[str, str]
"""A name and an expression."""


class Seen(Struct, frozen=True):
    """What had happened by an instant: names of events and paths of their values, with the most frequent first."""

    events: Sequence[str] = ()
    properties: Mapping[str, frozenset[str]] = {}
    """Of events, paths at which values were: of texts, numbers and lists."""
    context: frozenset[str] = frozenset()
    categories: Sequence[str] = ()
    """Of products that were viewed."""


def seen(opened: Opened, by_us: int) -> Seen:
    """One look at the events that had happened by then."""
    happened = f"timestamp <= {by_us} AND name IS NOT NULL"
    counted = opened.session.rows(
        f"SELECT name, count(*) FROM events WHERE {happened} AND kind = 'track' GROUP BY name ORDER BY 2 DESC, 1"
    )
    names = [name for name, _ in counted[:MOST_EVENTS]]
    known = {ORDER, VIEWED, ADDED, CHECKOUT} & {name for name, _ in counted}
    return Seen(
        [*names, *sorted(known - set(names))],
        {name: _paths(opened, f"{happened} AND name = '{name}'", "properties") for name in sorted(known)},
        _paths(opened, f"{happened} AND kind IN ('track', 'page', 'screen')", "context"),
        _categories(opened, happened) if VIEWED in known else (),
    )


def _paths(opened: Opened, where: str, column: str) -> frozenset[str]:
    """Among the first few thousand: what is rarer is no feature."""
    keys = ", ".join(f"map_keys({column}.{kind}) AS {kind}" for kind in ("nums", "texts", "lists"))
    rows = opened.session.rows(
        f"SELECT nums, texts, lists FROM (SELECT {keys} FROM events WHERE {where} ORDER BY timestamp, ref LIMIT 5000)"
    )
    return frozenset(path for row in rows for kind in row for path in kind or ())


def _categories(opened: Opened, happened: str) -> Sequence[str]:
    rows = opened.session.rows(
        "SELECT category, count(*) FROM (SELECT properties.texts['category'] AS category FROM events"
        f" WHERE {happened} AND name = '{VIEWED}') WHERE category IS NOT NULL GROUP BY category"
        f" ORDER BY 2 DESC, 1 LIMIT {MOST_CATEGORIES}"
    )
    return [category for category, _ in rows]


def proposed(vocabulary: Vocabulary, found: Seen) -> dict[str, str]:
    """Expressions by name; those that a retention makes too long, or that have no meaning here, are left out."""
    taken: dict[str, str] = {}
    for name, text in _all(vocabulary, found):
        if name not in taken and _is_meant(text, vocabulary):
            taken[name] = text
    return taken


def as_yaml(features: Mapping[str, str]) -> str:
    """A file of features/."""
    lines = [f"  {name}: {_scalar(text)}" for name, text in features.items()]
    return "\n".join(["description: Proposed by tactful features --propose", "features:", *lines, ""])


def _scalar(text: str) -> str:
    is_plain = re.match(r"[a-z(]", text) and ": " not in text and " #" not in text
    return text if is_plain else "'" + text.replace("'", "''") + "'"


def _is_meant(text: str, vocabulary: Vocabulary) -> bool:
    try:
        found = check(text, "value", vocabulary=vocabulary)
    except Mistake:
        return False
    return kind_of_feature(found.tree, vocabulary) in TYPES.values()


def _all(vocabulary: Vocabulary, found: Seen) -> Iterator[Named]:
    declared = vocabulary.events or {}
    tracked = [name for name in declared if not name.startswith("$") and name not in responses.PROPERTIES]
    events = list(dict.fromkeys([*found.events, *tracked]))[: max(MOST_EVENTS, len(tracked))]
    paths = {name: found.properties.get(name, frozenset()) | _declared(declared.get(name)) for name in events}
    if ORDER in events:
        yield from _orders(paths[ORDER])
    yield from _frequencies(events)
    if VIEWED in events:
        yield from _views(paths[VIEWED], found.categories)
    yield from _visits(found.context)
    for collection in vocabulary.collections.values():
        yield from _collected(collection)
    if CHECKOUT in events and ORDER in events:
        yield "checkouts_left_90d", f'count("{CHECKOUT}", last="90d") - count("{ORDER}", last="90d")'
    yield from _mail()
    yield from _traits(vocabulary)


def _declared(event: EventType | None) -> frozenset[str]:
    return frozenset(event.properties) if event is not None else frozenset()


def _orders(paths: frozenset[str]) -> Iterator[Named]:
    """Recency, frequency and money, and the gaps between."""
    first, latest, count = f'first("{ORDER}")', f'latest("{ORDER}")', f'count("{ORDER}")'
    yield "since_order", f'time_since("{ORDER}")'
    yield "since_first_order", f"now() - {first}"
    yield "orders", count
    yield "order_gap", f"({latest} - {first}) / ({count} - 1)"
    yield (
        "order_gap_365d",
        (f'(latest("{ORDER}", last="365d") - first("{ORDER}", last="365d")) / (count("{ORDER}", last="365d") - 1)'),
    )
    yield "order_days", f'active_days("{ORDER}")'
    for money in [name for name in MONEY if name in paths][:1]:
        yield "spent", f'sum("{ORDER}", {money})'
        for days in DAYS:
            yield f"spent_{days}d", f'sum("{ORDER}", {money}, last="{days}d")'
        for function, name in (("avg", "order_mean"), ("max", "order_largest"), ("latest", "order_latest")):
            yield name, f'{function}("{ORDER}", {money})'
    if "products.category" in paths or "products" in paths:
        yield "bought_categories", f'distinct("{ORDER}", products.category)'
        yield "bought_products", f'distinct("{ORDER}", products.product_id)'
        yield "bought_things_365d", f'sum("{ORDER}", products.quantity, last="365d")'


def _frequencies(events: Sequence[str]) -> Iterator[Named]:
    for event in events:
        for days in DAYS:
            yield f"{slug(event)}_{days}d", f'count({quoted(event)}, last="{days}d")'
        yield f"since_{slug(event)}", f"time_since({quoted(event)})"


def _views(paths: frozenset[str], categories: Sequence[str]) -> Iterator[Named]:
    if "category" in paths:
        asked = f'count("{VIEWED}", same=category, last="90d")'
        yield "viewed_categories_90d", f'distinct("{VIEWED}", category, last="90d")'
        yield "viewed_category_share_90d", f'{asked} / count("{VIEWED}", where=category is not None, last="90d")'
        latest = f'latest("{VIEWED}", category, where=category is not None)'
        yield "viewed_category", latest
        yield "viewed_category", f"lower({latest})"  # A text also where nobody has declared it as one.
        for category in categories:
            text = f'count("{VIEWED}", where=category == {quoted(category)}, last="90d")'
            yield f"viewed_{slug(category)}_90d", text
    if "product_id" in paths:
        yield "viewed_products_30d", f'distinct("{VIEWED}", product_id, last="30d")'
        yield "viewed_again_30d", f'count("{VIEWED}", same=product_id, last="30d")'
    if "price" in paths:
        yield "viewed_price_90d", f'avg("{VIEWED}", price, last="90d")'


def _visits(context: frozenset[str]) -> Iterator[Named]:
    """Sessions and devices."""
    yield "known_for", 'now() - first("*")'
    yield "since_visit", 'time_since("*")'
    for days in DAYS:
        yield f"sessions_{days}d", f'sessions(last="{days}d")'
        yield f"active_days_{days}d", f'active_days("*", last="{days}d")'
    yield "session_length_90d", 'avg_session_length(last="90d")'
    yield "session_length_latest", "session_length()"
    for device in [path for path in _DEVICES if path in context][:1]:
        yield "devices_90d", f'distinct("*", context.{device}, last="90d")'
    if "userAgent" in context:
        mobile = 'count("*", where=contains(context.userAgent, "Mobi"), last="90d")'
        yield "mobile_share_90d", f'{mobile} / count("*", where=context.userAgent is not None, last="90d")'


def _collected(collection: Collection) -> Iterator[Named]:
    """What lies in a cart, and carts that were left: nothing added and nothing cleared for an hour."""
    name = collection.name
    yield f"{name}_lines", f"{name}.lines"
    yield f"{name}_quantity", f"{name}.quantity"
    yield f"{name}_value", f"{name}.value"
    yield f"since_{name}", f"now() - {name}.changed_at"
    added, ended = _listed(collection.add), _listed((*collection.add, *collection.clear))
    yield f"{name}_left_30d", f'sequence({added}, not {ended}, within="1h", last="30d")'
    if collection.clear:
        cleared = _listed(collection.clear)
        yield f"{name}_days_left_90d", f'active_days({added}, last="90d") - active_days({cleared}, last="90d")'


def _mail() -> Iterator[Named]:
    """What people do with mail; machines that open and click are no people."""
    people = ", where=not machine"
    for days in (30, 90):
        sent = f'count("Email Sent", last="{days}d")'
        opened = f'count("Email Opened"{people}, last="{days}d")'
        clicked = f'count("Email Link Clicked"{people}, last="{days}d")'
        yield f"mails_{days}d", sent
        yield f"mails_opened_{days}d", opened
        yield f"mails_clicked_{days}d", clicked
        yield f"mail_click_rate_{days}d", f"{clicked} / {sent}"
    yield "since_mail", 'time_since("Email Sent")'
    yield "since_mail_opened", f'time_since("Email Opened"{people})'
    yield "since_mail_clicked", f'time_since("Email Link Clicked"{people})'
    yield "unsubscribed", 'any("Unsubscribed")'


def _traits(vocabulary: Vocabulary) -> Iterator[Named]:
    identify = (vocabulary.events or {}).get("$identify")
    for name, kind in (vocabulary.traits or {}).items():
        is_personal = identify is not None and name in identify.personal
        if kind in ("number", "text", "boolean") and not is_personal:
            yield f"trait_{slug(name)}", f"traits[{quoted(name)}]"


def _listed(events: Sequence[str]) -> str:
    """One name, or a list of them."""
    names = [quoted(name) for name in dict.fromkeys(events)]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def slug(text: str) -> str:
    """As the name of a feature."""
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).strip("_")
    return words[:40].strip("_") or "event"
