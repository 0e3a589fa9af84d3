"""Shoppers: who they are, drawn from seed and number, so that anybody can be made anew at any time.

A person has a taste, devices (sometimes a flatmate's), a place with its time zone, a calendar of visits and an opinion:
what may be kept of them, whether mail may come, whether they open it.
"""

from msgspec import Struct

from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.draws import draw

FIRST_NAMES = (
    ("Inês", "f"), ("Amélie", "f"), ("Freya", "f"), ("Elin", "f"), ("Zofia", "f"), ("Maya", "f"), ("Hana", "f"),
    ("Chloé", "f"), ("Beatriz", "f"), ("Nora", "f"), ("Oskar", "m"), ("Tomasz", "m"), ("Luca", "m"), ("Noah", "m"),
    ("Jonas", "m"), ("Mateo", "m"), ("Kenji", "m"), ("Liam", "m"), ("Émile", "m"), ("Tiago", "m"),
)  # fmt: skip
PLACES = (
    ("Europe/Lisbon", "Lisbon", "PT", "pt-PT", 5),
    ("Europe/Berlin", "Hamburg", "DE", "de-DE", 5),
    ("Europe/Warsaw", "Gdańsk", "PL", "pl-PL", 3),
    ("Europe/Oslo", "Bergen", "NO", "nb-NO", 2),
    ("Europe/Paris", "Lyon", "FR", "fr-FR", 4),
    ("Europe/London", "Leeds", "GB", "en-GB", 4),
    ("America/New_York", "Boston", "US", "en-US", 3),
    ("America/Sao_Paulo", "São Paulo", "BR", "pt-BR", 2),
    ("America/Los_Angeles", "Portland", "US", "en-US", 2),
    ("Asia/Tokyo", "Kyoto", "JP", "ja-JP", 2),
    ("Asia/Kolkata", "Pune", "IN", "en-IN", 1),
    ("Australia/Sydney", "Sydney", "AU", "en-AU", 2),
)
"""Zone, city, country, locale, and how many of the people live there."""
AGENTS = {
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "tablet": "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/124.0 Safari/537.36",
    "laptop": "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "bot": "Mozilla/5.0 (compatible; PriceCrawler/2.1; +https://crawler.example/bot)",
}
NEVER = -1


class Town(Struct, frozen=True):
    """What holds for everybody. Shares are from 0 to 1."""

    seed: int = 7
    people: int = 300
    visits_per_week: float = 4.0
    """Of a person, on average, in a busy season."""
    bots: float = 0.01
    """Crawlers, as a share of the people."""
    willing: float = 0.75
    """Said yes to mail."""
    refusing: float = 0.12
    """Refused everything in the banner."""
    gpc: float = 0.1
    """Whose browsers send Sec-GPC: 1."""
    shared: float = 0.08
    """Of households of two in which one sometimes sits at the other's device."""
    members: float = 0.7
    """Had an account before the first day."""
    buys: float = 0.3
    """Of visits with something in the cart, those that end with an order: on average."""
    opens: float = 0.6
    clicks: float = 0.5
    """Of opened mails."""
    effect: float = 0.4
    """Of clicks of somebody who would not have bought just then, those that become an order."""
    returns: float = 0.06
    """Of orders."""


class Person(Struct, frozen=True):
    number: int
    user: str
    email: str
    first_name: str
    gender: str
    birthday: str
    zone: str
    city: str
    country: str
    locale: str
    tastes: tuple[str, ...]
    visits_per_week: float
    views: float
    """Things looked at in a visit, on average."""
    adds: float
    buys: float
    devices: tuple[str, ...]
    """Identifiers; the kind stands before the first dash."""
    is_refusing: bool
    has_gpc: bool
    is_willing: bool
    joins: int
    """The visit in which they get an account: 0 before the first day, NEVER."""
    opens: float
    clicks: float
    is_scanned: bool
    """Their company's mail gateway follows every link of a mail before they see it."""
    is_proxied: bool
    """Their mail program loads every picture at once, whether or not they look."""
    is_bot: bool = False


def person(town: Town, catalogue: Catalogue, number: int) -> Person:
    """The shopper of this number: the same for the same town."""
    rng = draw(town.seed, "person", number)
    is_bot = rng.random() < town.bots
    name, gender = rng.choice(FIRST_NAMES)
    zone, city, country, locale, _ = rng.choices(PLACES, [place[4] for place in PLACES])[0]
    user = f"s{town.seed}-{number}"
    own = rng.choice((("phone",), ("laptop",), ("phone", "laptop"), ("phone", "laptop"), ("phone", "tablet")))
    devices = [f"{kind}-{user}" for kind in own]
    # Two who live together; only one of them sits at the other's device.
    if number % 2 and rng.random() < town.shared:
        devices.append(f"laptop-s{town.seed}-{number - 1}")
    joins = 0 if rng.random() < town.members else (NEVER if rng.random() < 0.3 else rng.randint(1, 5))
    return Person(
        number=number,
        user=user,
        email=f"{user}@mail.example",
        first_name=name,
        gender="female" if gender == "f" else "male",
        birthday=f"{rng.randint(1955, 2006)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        zone=zone,
        city=city,
        country=country,
        locale=locale,
        tastes=tuple(rng.sample(catalogue.categories, min(2, len(catalogue.categories)))),
        visits_per_week=town.visits_per_week * (6 if is_bot else rng.gammavariate(2.0, 0.5)),
        views=10.0 if is_bot else rng.uniform(1.5, 5),
        adds=0.0 if is_bot else rng.betavariate(4, 4),
        buys=min(0.95, rng.betavariate(2, 4) * 3 * town.buys),
        devices=(f"bot-s{town.seed}-{number}",) if is_bot else tuple(devices),
        is_refusing=is_bot or rng.random() < town.refusing,
        has_gpc=rng.random() < town.gpc,
        is_willing=rng.random() < town.willing,
        joins=NEVER if is_bot else joins,
        opens=min(1.0, rng.betavariate(6, 4) / 0.6 * town.opens),
        clicks=min(1.0, rng.betavariate(5, 5) / 0.5 * town.clicks),
        is_scanned=rng.random() < 0.04,
        is_proxied=rng.random() < 0.15,
        is_bot=is_bot,
    )
