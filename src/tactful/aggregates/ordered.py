"""Ordered: to come."""

from typing import Any

from msgspec import Struct


class Ordered(Struct, array_like=True, tag=9):
    times: list[int]
    lags: list[int]
    refs: list[int]
    values: list[Any]
    weight: int = 0
    gone: int | None = None
