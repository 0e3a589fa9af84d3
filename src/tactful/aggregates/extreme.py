"""Extreme: to come."""

from msgspec import Struct


class Extreme(Struct, array_like=True, tag=5):
    value: int | float | None = None


class WindowExtreme(Struct, array_like=True, tag=6):
    times: list[int]
    values: list[int | float]
    gone: int | None = None
