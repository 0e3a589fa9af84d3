"""Grouped: to come."""

from msgspec import Struct


class Group(Struct, array_like=True):
    times: list[int]
    lag: int
    ref: int


class Grouped(Struct, array_like=True, tag=8):
    groups: dict[str | int | float, Group]
    total: int = 0
    gone: int | None = None
