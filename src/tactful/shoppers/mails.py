"""What a mail does to somebody: drawn from seed, person, journey, step and how many there were before. So it is known
for every mail, also for one that was never sent.

Somebody opens it or does not; of those who do some click; of those who click some buy, who would not have bought just
then (Town.effect). Everything else is noise around it: programs that load pictures unasked, gateways that follow links.
"""

from msgspec import Struct

from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.draws import draw
from tactful.shoppers.people import Person, Town
from tactful.shoppers.visits import Doing, liveliness, local
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

LATEST_US = 72 * HOUR_US
"""Who has not opened a mail by then never does."""


class Mail(Struct, frozen=True):
    """One that somebody got, or would have got."""

    journey: str
    step: str
    nth: int
    """Of this step to this person: 1 for the first."""
    at: int
    intent: str = ""

    @property
    def name(self) -> str:
        return f"{self.journey}/{self.step}/{self.nth}"


class Reaction(Struct, frozen=True):
    """Instants; None: never."""

    opens_at: int | None = None
    clicks_at: int | None = None
    buys: Doing | None = None
    unsubscribes_at: int | None = None


def react(town: Town, catalogue: Catalogue, person: Person, mail: Mail) -> Reaction:
    """What they do about it, when."""
    rng = draw(town.seed, person.number, "mail", mail.name)
    opens, clicks, buys = rng.random() < person.opens, rng.random() < person.clicks, rng.random() < town.effect
    leaves, device = rng.random() < 0.01, rng.choice(person.devices)
    delay_us = int(rng.lognormvariate(0, 1.1) * HOUR_US)
    pauses = [rng.uniform(*bounds) for bounds in ((5, 90), (90, 900))]
    if not opens or delay_us > LATEST_US:
        return Reaction()
    opens_at = _awake(person.zone, mail.at + delay_us)
    if not clicks:
        return Reaction(opens_at, unsubscribes_at=opens_at + 40 * SECOND_US if leaves else None)
    clicks_at = opens_at + int(pauses[0] * SECOND_US)
    if not buys:
        return Reaction(opens_at, clicks_at)
    at = clicks_at + int(pauses[1] * SECOND_US)
    favourite = catalogue.pick(rng, person.tastes, local(person.zone, at).month)
    return Reaction(opens_at, clicks_at, Doing(at, "buy", favourite, 1, device, mail.name))


def _awake(zone: str, at: int) -> int:
    """Nobody reads mail in the deep of the night."""
    while liveliness(zone, at) < 0.1:
        at += 30 * MINUTE_US
    return at
