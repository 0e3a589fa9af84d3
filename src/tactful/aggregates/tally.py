"""Tally: to come."""

from msgspec import Struct


class Tally(Struct, array_like=True, tag=2):
    count: int = 0
