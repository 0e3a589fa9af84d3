"""What the shop of the identity simulation publishes: segments that read every kind of aggregate, journeys that wait,
have limits and entry keys; as texts and as plain Python."""

from dataclasses import replace

from tests.simulation.behaviours import (
    ABOUT,
    CARRYING,
    CHOOSY,
    COLLECTIONS,
    COOLED,
    DRAWN,
    FAITHFUL,
    LEFT_CART,
    METRICS,
    UNSURE,
    VISITING,
    WILLING,
)
from tests.simulation.definitions import HOUR, MINUTE, Journey, Shop
from tests.simulation.shop import (
    AGAIN,
    BROWSING,
    CART,
    EVER,
    GERMANS,
    MESSAGES,
    NOBODY_YET,
    NUDGE,
    REGULARS,
    SLEEPING,
    SPENDERS,
    THANKS,
    WINBACK,
)

GREETED = Journey(
    "greeted",
    "start: {segment: germans}\non_merge: start\nwait: 10m\nlimit: 2 per 3h\nsend: {email: thanks}\n",
    segment="germans",
    wait=10 * MINUTE,
    limit=(2, 3 * HOUR),
    message="thanks",
    purpose="email_marketing",
)
"""The only journey that a merge may start."""
ABOUT_LATER = replace(ABOUT, yaml=ABOUT.yaml.replace("20m", "1h"), wait=HOUR)
SHOP = Shop(
    "identity",
    (
        *(REGULARS, SPENDERS, SLEEPING, GERMANS, BROWSING, EVER, NOBODY_YET),
        *(LEFT_CART, COOLED, CHOOSY, FAITHFUL, WILLING, CARRYING, VISITING, UNSURE, DRAWN),
    ),
    (CART, NUDGE, THANKS, WINBACK, AGAIN, ABOUT_LATER, GREETED),
    MESSAGES,
    METRICS
    | {
        "events": 'count("*")',
        "prices": 'sum("Product Added", price)',
        "totals": 'sum("Order Completed", total)',
        "kinds": 'distinct("Product Viewed", price)',
    },
    COLLECTIONS,
)
STARTS_BY_MERGE = frozenset({"greeted"})
SETTINGS = {"time_zone": "UTC"}
