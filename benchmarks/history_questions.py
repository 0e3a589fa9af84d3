"""What the history is asked for in the benchmark, each as an expression and as somebody writes it who knows the files.

By hand it is one pass over the events, with whose they are from the table `identity`, and one more for what a FILTER of
that pass cannot say. `count(CASE ..)` and not `FILTER`: DuckDB is half as fast again with it.
"""

from collections.abc import Sequence

from msgspec import Struct

from tactful.language.sql.layout import layout
from tactful.language.types import BOOLEAN, DURATION, NUMBER, TEXT, TIME
from tactful.values import DAY_US

NOW_US = 1_750_000_000_000_000
OWN = layout([("category",), ("path",), ("price",), ("products", "category"), ("query",), ("total",)])
"""What is read."""
_CATEGORY, _PRICE, _TOTAL = 'own."category".text', 'own."price".num', 'own."total".num'
_MILLIONTHS = f"CAST(floor({_TOTAL} * 1e6 + 0.5) AS BIGINT)"
_LAST = "(e.timestamp, e.received_at, e.ref)"


class Asked(Struct, frozen=True):
    name: str
    expression: str
    sql: str
    """Over the events `e` of a person; over `d` where `apart` is given."""
    kind: str = BOOLEAN
    apart: str = ""
    """A relation (person, ...) of its own, to be joined as `d`: a query over `e` whose person is {person}."""


def by_hand(asked: Sequence[Asked]) -> str:
    own = ", ".join(f"{one.sql} AS {one.name}" for one in asked if not one.apart)
    others = [one for one in asked if one.apart]
    person = "coalesce(p.person, e.identifier)"
    events = (
        f"events e LEFT JOIN p ON e.identifier = p.identifier AND e.epoch = p.epoch WHERE e.received_at <= {NOW_US}"
    )
    relations = "".join(f", d_{one.name} AS ({one.apart.format(person=person, events=events)})" for one in others)
    joined = "".join(f" LEFT JOIN d_{one.name} ON a.person = d_{one.name}.person" for one in others)
    columns = "".join(f", {one.sql.format(d=f'd_{one.name}')} AS {one.name}" for one in others)
    return (
        "WITH p AS (SELECT identifier, epoch, arg_max(person, (received_at, hop)) AS person FROM identity"
        f" WHERE received_at <= {NOW_US} GROUP BY ALL),"
        f" a AS (SELECT {person} AS person, {own} FROM {events} GROUP BY 1){relations}"
        f" SELECT a.*{columns} FROM a{joined}"
    )


def _in(event: str, days: int, newest: int = 0) -> str:
    """SQL: an event of this name in the last days."""
    begun = f"e.name = '{event}' AND e.timestamp > {NOW_US - days * DAY_US}"
    return f"{begun} AND e.timestamp <= {NOW_US - newest * DAY_US}" if newest else begun


def _count(condition: str, value: str = "1") -> str:
    return f"count(CASE WHEN {condition} THEN {value} END)"


def segments() -> list[Asked]:
    found: list[Asked] = []

    def add(expression: str, sql: str) -> None:
        found.append(Asked(f"s{len(found)}", expression, f"coalesce({sql}, false)"))

    for event, days, least in (
        ("Product Viewed", 7, 3),
        ("Product Viewed", 30, 5),
        ("Product Added", 2, 1),
        ("$page", 7, 4),
        ("Products Searched", 30, 2),
        ("Order Completed", 90, 2),
    ):
        add(f'count("{event}", last="{days}d") >= {least}', f"{_count(_in(event, days))} >= {least}")
    for event, days, price in (("Product Viewed", 7, 150), ("Product Added", 30, 100), ("Cart Viewed", 30, 20)):
        add(
            f'any("{event}", where=price >= {price}, last="{days}d")',
            f"{_count(f'{_in(event, days)} AND {_PRICE} >= {price}')} > 0",
        )
    for category, days in (("shoes", 7), ("hats", 30), ("books", 60)):
        add(
            f'count("Product Viewed", where=category == "{category}", last="{days}d") >= 3',
            _count(f"{_in('Product Viewed', days)} AND {_CATEGORY} = '{category}'") + " >= 3",
        )
    for days, least in ((90, 100), (365, 400)):
        add(
            f'sum("Order Completed", total, last="{days}d") > {least}',
            f"sum(CASE WHEN {_in('Order Completed', days)} THEN {_MILLIONTHS} END) > {least}000000",
        )
    add(
        'any("$page", where=path == "/cart", last="3d") and not any("Order Completed", last="3d")',
        _count(f"{_in('$page', 3)} AND own.path.text = '/cart'") + f" > 0 AND {_count(_in('Order Completed', 3))} = 0",
    )
    add(
        'count("Products Searched", where=contains(query, "shoe"), last="14d") >= 2',
        _count(f"{_in('Products Searched', 14)} AND contains(own.query.text, 'shoe')") + " >= 2",
    )
    add(
        'any("Order Completed", where="shoes" in products.category, last="365d")',
        _count(f"""{_in("Order Completed", 365)} AND list_contains(own."products.category".list.texts, 'shoes')""")
        + " > 0",
    )
    add(
        'any("Order Completed") and not any("Order Completed", last="90d")',
        _count("e.name = 'Order Completed'") + f" > 0 AND {_count(_in('Order Completed', 90))} = 0",
    )
    add(
        'time_since("Product Viewed") > "60d"',
        f"max(CASE WHEN e.name = 'Product Viewed' THEN e.timestamp END) < {NOW_US - 60 * DAY_US}",
    )
    add(
        'max("Product Added", price, between=("60d", "7d")) > 150',
        f"max(CASE WHEN {_in('Product Added', 60, 7)} THEN {_PRICE} END) > 150",
    )
    assert len(found) == 20
    return found


def features() -> list[Asked]:
    """Recency, frequency and money as models are given them."""
    found: list[Asked] = []

    def add(expression: str, sql: str, kind: str = NUMBER, apart: str = "") -> None:
        found.append(Asked(f"s{len(found)}", expression, sql, kind, apart))

    for event in (
        "Product Viewed",
        "$page",
        "Product Added",
        "Products Searched",
        "Order Completed",
        "Cart Viewed",
    ):
        for days in (7, 30, 90, 365):
            add(f'count("{event}", last="{days}d")', _count(_in(event, days)))
    for days in (30, 90, 365):
        sum_ = f"coalesce(sum(CASE WHEN {_in('Order Completed', days)} THEN {_MILLIONTHS} END), 0) / 1e6"
        add(f'sum("Order Completed", total, last="{days}d")', sum_)
    year = _in("Order Completed", 365)
    for function in ("max", "min"):
        add(f'{function}("Order Completed", total, last="365d")', f"{function}(CASE WHEN {year} THEN {_TOTAL} END)")
    add(
        'avg("Order Completed", total, last="365d")',
        f"sum(CASE WHEN {year} THEN {_MILLIONTHS} END) / 1e6 / nullif({_count(year)}, 0)",
    )
    for event in ("Product Viewed", "Order Completed", "$page"):
        since = f"{NOW_US} - max(CASE WHEN e.name = '{event}' THEN e.timestamp END)"
        add(f'time_since("{event}")', since, DURATION)
    add('first("Order Completed")', "min(CASE WHEN e.name = 'Order Completed' THEN e.timestamp END)", TIME)
    newest = f"arg_max({_CATEGORY}, {_LAST}) FILTER (e.name = 'Product Viewed')"
    add('latest("Product Viewed", category)', newest, TEXT)
    add('latest("Order Completed", total)', f"arg_max({_TOTAL}, {_LAST}) FILTER (e.name = 'Order Completed')")
    shoes = f"{_in('Product Viewed', 30)} AND {_CATEGORY} = 'shoes'"
    add('any("Product Viewed", where=category == "shoes", last="30d")', f"{_count(shoes)} > 0", BOOLEAN)
    dear = f"{_in('Product Viewed', 90)} AND {_PRICE} > 100"
    add('count("Product Viewed", where=price > 100, last="90d")', _count(dear))
    add('max("Product Added", price, last="90d")', f"max(CASE WHEN {_in('Product Added', 90)} THEN {_PRICE} END)")
    seen = f"{_in('Product Viewed', 90)} AND {_CATEGORY} IS NOT NULL"
    add(
        'distinct("Product Viewed", category, last="90d")',
        "coalesce({d}.n, 0)",
        apart=f"SELECT person, count(*) AS n FROM (SELECT DISTINCT {{person}} AS person, {_CATEGORY} AS category"
        f" FROM {{events}} AND {seen}) GROUP BY 1",
    )
    assert len(found) == 40
    return found
