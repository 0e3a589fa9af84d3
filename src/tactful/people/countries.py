"""The country of a person: the trait `country`, else the country of the trait `address`, else what the newest call said
in its context. Only a code that ISO 3166 has counts, wherever it stands; events/normalize.py has made codes of names
before. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from tactful.events.normalize import COUNTRIES


class CountrySeen(Struct, array_like=True):
    """Of the last call in event order that names a country."""

    code: str
    """ISO 3166 alpha-2."""
    timestamp: int
    received_at: int
    ref: int

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


def see(before: CountrySeen | None, code: object, timestamp: int, received_at: int, ref: int) -> CountrySeen | None:
    """Fold one call in, `code` as its context has it, whatever that is: what is to be kept from now on. Another object
    only where the country is another; the same one seen again moves `before` on."""
    if code is None or not is_code(code) or (before is not None and (timestamp, received_at, ref) <= before.order()):
        return before
    if before is not None and code == before.code:
        before.timestamp, before.received_at, before.ref = timestamp, received_at, ref
        return before
    return CountrySeen(str(code), timestamp, received_at, ref)


def told(country: object, address: object) -> str:
    """What the person's traits `country` and `address` say; "" where they name no country."""
    for value in (country, address.get("country") if isinstance(address, dict) else None):
        if is_code(value):
            return str(value)
    return ""


def country(told: str, seen: Iterable[CountrySeen | None]) -> str:
    """ISO 3166 alpha-2, "" where nobody knows; `told` as the function has it, `seen` of every fragment."""
    if told:
        return told
    newest = max((one for one in seen if one is not None), key=CountrySeen.order, default=None)
    return "" if newest is None else newest.code


def is_code(value: object) -> bool:
    """An ISO 3166 alpha-2 code, in capital letters."""
    return isinstance(value, str) and value in COUNTRIES
