"""Baskets: what becomes of what somebody wants. The only state of a shopper, and so all that a mail can change.

An order takes what is in the cart; one that a mail brought about takes it earlier, or takes a favourite thing where the
cart is empty. What was bought because of a mail is no longer in the cart when they come by themselves: mails take
something away from other orders as well, and the truth counts that in.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tactful.shoppers.catalogue import Catalogue
from tactful.shoppers.visits import Doing


class Order(Struct, frozen=True):
    at: int
    total: float
    lines: tuple[tuple[int, int, float], ...]
    """Product, quantity, price."""
    mail: str = ""
    """What brought it about; "" where they came by themselves."""


class Basket:
    """Of one person. Quantities by product."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.things: dict[int, int] = {}

    def take(self, doing: Doing) -> Order | int:
        """What comes of a doing: an order, or how many things were put in or taken out (0: nothing)."""
        match doing.what:
            case "add":
                self.things[doing.product] = self.things.get(doing.product, 0) + doing.quantity
                return doing.quantity
            case "remove":
                return self.things.pop(doing.product, 0)
            case "want":
                return self._order(doing, self.things) if self.things else 0
            case "buy":
                return self._order(doing, self.things or {doing.product: 1})
            case _:
                return 0

    def _order(self, doing: Doing, things: dict[int, int]) -> Order:
        price = self._catalogue.price
        lines = tuple((product, quantity, price(product, doing.at)) for product, quantity in things.items())
        self.things = {}
        return Order(doing.at, round(sum(quantity * each for _, quantity, each in lines), 2), lines, doing.mail)


def orders(catalogue: Catalogue, organic: Sequence[Doing], because_of_mails: Iterable[Doing]) -> list[Order]:
    """What somebody orders who wants these things and got these mails: pure, so that it can be asked for mails that
    were never sent, and without mails that were."""
    basket = Basket(catalogue)
    found = [basket.take(doing) for doing in sorted((*organic, *because_of_mails), key=lambda doing: doing.at)]
    return [one for one in found if isinstance(one, Order)]
