"""Days: to come."""

from msgspec import Struct


class Days(Struct, array_like=True, tag=10):
    times: list[int]
    gone: int | None = None
