"""The country of a person: of the newest call that names one, in its traits or its context. Pure."""

from msgspec import Struct


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
