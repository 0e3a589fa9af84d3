"""Total: to come."""

from msgspec import Struct


class Total(Struct, array_like=True, tag=3):
    count: int = 0
    trillions: int = 0
    millionths: int = 0


class WindowTotal(Struct, array_like=True, tag=4):
    times: list[int]
    amounts: list[int]
    trillions: int = 0
    millionths: int = 0
    gone: int | None = None
