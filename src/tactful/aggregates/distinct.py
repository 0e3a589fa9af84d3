"""Distinct: to come."""

from msgspec import Struct


class Distinct(Struct, array_like=True, tag=7):
    newest: dict[str | int | float, int]
    gone: int | None = None
