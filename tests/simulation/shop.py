"""Two plans of a small shop, twice: as files that the engine reads, and as plain Python that the oracle believes.

Whoever changes a text changes the lambda beside it. All durations are multiples of ten minutes, so that on a grid of ten
minutes every edge of every window is met all the time.
"""

from tests.simulation.behaviours import (
    ABOUT,
    BIG,
    CARRYING,
    CHOOSY,
    COLLECTIONS,
    COOLED,
    DRAWN,
    FAITHFUL,
    LEFT_CART,
    METRICS,
    TOP,
    TRIAL_OVER,
    UNSURE,
    VISITING,
    WILLING,
    within,
)
from tests.simulation.definitions import DAY, GRID, HOUR, MINUTE, Holds, Journey, Segment, Shop, Where

__all__ = ["DAY", "GRID", "HOUR", "MINUTE", "SHOPS", "Holds", "Journey", "Segment", "Shop"]


def _total(least: int) -> Where:
    def test(properties: dict[str, object]) -> bool:
        total = properties.get("total")
        return isinstance(total, int) and total >= least

    return test


def _price(least: int) -> Where:
    def test(properties: dict[str, object]) -> bool:
        price = properties.get("price")
        return isinstance(price, int) and price > least

    return test


def _message(subject: str) -> str:
    return f"subject: {subject}\nhtml: <p>Hello {{{{ profile.name }}}}</p>\ntext: Hello {{{{ profile.name }}}}\n"


REGULARS = Segment(
    "regulars",
    'count("Order Completed", last="3h") >= 3',
    lambda p, t: p.count("Order Completed", t, 3 * HOUR) >= 3,
    (("orders 3", 3 * HOUR),),
)
SPENDERS = Segment(
    "spenders",
    'any("Order Completed", where=total >= 100, last="2h")',
    lambda p, t: p.count("Order Completed", t, 2 * HOUR, _total(100)) > 0,
    (("orders of 100", 2 * HOUR),),
)
SLEEPING = Segment(
    "sleeping",
    'any("Order Completed") and not any("Order Completed", last="4h")',
    lambda p, t: p.count("Order Completed", t) > 0 and p.count("Order Completed", t, 4 * HOUR) == 0,
    (("orders ever", None), ("orders 1", 4 * HOUR)),
)
GERMANS = Segment("germans", 'country == "DE"', lambda p, _: p.traits().get("country") == "DE")
QUIET_GERMANS = Segment(
    "quiet_germans",
    'country == "DE" and not any("*", last="1h")',
    lambda p, t: p.traits().get("country") == "DE" and p.count("*", t, HOUR) == 0,
    (("anything", HOUR),),
)
BROWSING = Segment(
    "browsing",
    '1 <= count("Product Viewed", last="1h") < 3',
    lambda p, t: 1 <= p.count("Product Viewed", t, HOUR) < 3,
    (("views 3", HOUR),),
)
EVER = Segment(
    "ever",
    'count("Product Viewed") >= 4 or plan in ("gold", "silver")',
    lambda p, t: p.count("Product Viewed", t) >= 4 or p.traits().get("plan") in ("gold", "silver"),
    (("views ever 4", None),),
)
NOBODY_YET = Segment(
    "strangers",
    'not any(["Order Completed", "Product Added"])',
    lambda p, t: p.count("Order Completed", t) + p.count("Product Added", t) == 0,
    (("orders or additions", None),),
)

CART = Journey(
    "cart",
    """start: {event: Product Added, where: price > 20}
wait: 30m
unless: Order Completed
repeat: restart
limit: 1 per 3h
send: {email: reminder}
""",
    event="Product Added",
    where=_price(20),
    wait=30 * MINUTE,
    unless=("Order Completed",),
    watches="orders ever",
    is_restarting=True,
    limit=(1, 3 * HOUR),
    message="reminder",
    purpose="email_marketing",
)
NUDGE = Journey(
    "nudge",
    """start: {event: Product Viewed}
if: country != "FR"
wait: 10m
unless: [Product Added, Order Completed]
limit: 2 per 2h
validity: 1h
send: {webhook: "https://hooks.example.com/nudge"}
""",
    event="Product Viewed",
    condition=lambda p, _: p.traits().get("country") != "FR",
    condition_text='not country == "FR"',
    wait=10 * MINUTE,
    unless=("Product Added", "Order Completed"),
    watches="orders or additions",
    limit=(2, 2 * HOUR),
    validity=HOUR,
    channel="webhook",
    message="https://hooks.example.com/nudge",
)
THANKS = Journey(
    "thanks",
    "start: {segment: regulars}\nsend: {email: thanks}\n",
    segment="regulars",
    message="thanks",
    purpose="email_marketing",
)
WINBACK = Journey(
    "winback",
    """start: {segment: sleeping}
wait: 1h
unless: Order Completed
limit: 1 per 6h
validity: 2h
send: {webhook: "https://hooks.example.com/winback"}
purpose: profiling
""",
    segment="sleeping",
    wait=HOUR,
    unless=("Order Completed",),
    watches="orders ever",
    limit=(1, 6 * HOUR),
    validity=2 * HOUR,
    channel="webhook",
    message="https://hooks.example.com/winback",
    purpose="profiling",
)
AGAIN = Journey(
    "again",
    """start: {event: Order Completed}
if: count("Order Completed", last="2h") >= 2
wait: 20m
send: {email: thanks}
""",
    event="Order Completed",
    condition=lambda p, t: p.count("Order Completed", t, 2 * HOUR) >= 2,
    condition_text="",
    reads=(("orders 2", 2 * HOUR),),
    wait=20 * MINUTE,
    message="thanks",
    purpose="email_marketing",
)

MESSAGES = {"reminder": _message("You left something"), "thanks": _message("Thank you")}

FIRST = Shop(
    "first",
    (
        *(REGULARS, SPENDERS, SLEEPING, GERMANS, QUIET_GERMANS, BROWSING, EVER, NOBODY_YET),
        *(LEFT_CART, COOLED, CHOOSY, FAITHFUL, TRIAL_OVER, TOP, WILLING, CARRYING, VISITING),
        within("fine", SPENDERS, GERMANS),
    ),
    (CART, NUDGE, THANKS, WINBACK, AGAIN),
    MESSAGES,
    METRICS,
    COLLECTIONS,
)

CHEAPER = Segment(
    "spenders",
    'any("Order Completed", where=total >= 50, last="2h")',
    lambda p, t: p.count("Order Completed", t, 2 * HOUR, _total(50)) > 0,
    (("orders of 50", 2 * HOUR),),
)
VIEWERS = Segment(
    "viewers",
    'count("Product Viewed", last="2h") >= 2',
    lambda p, t: p.count("Product Viewed", t, 2 * HOUR) >= 2,
    (("views 2", 2 * HOUR),),
)
FRENCH = Segment("french", 'country == "FR"', lambda p, _: p.traits().get("country") == "FR")
LOOKING = Journey(
    "looking",
    "start: {segment: viewers}\nwait: 10m\nlimit: 1 per 1h\nsend: {email: reminder}\n",
    segment="viewers",
    wait=10 * MINUTE,
    limit=(1, HOUR),
    message="reminder",
    purpose="email_marketing",
)

SECOND = Shop(
    "second",
    (
        *(REGULARS, CHEAPER, SLEEPING, QUIET_GERMANS, VIEWERS, FRENCH, NOBODY_YET),
        *(LEFT_CART, FAITHFUL, BIG, UNSURE, TOP, DRAWN, CARRYING),
        within("fine", CHEAPER, FRENCH),
    ),
    (CART, THANKS, WINBACK, LOOKING, ABOUT),
    MESSAGES,
    METRICS,
    COLLECTIONS,
)
SHOPS = {shop.name: shop for shop in (FIRST, SECOND)}
