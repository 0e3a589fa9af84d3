"""Draws: chance by name. What somebody does is drawn from the seed and the name of the decision, never from a stream
that others draw from as well, so that it is the same whatever else happens: on this the truth stands (truth.py).
"""

from hashlib import blake2b
from random import Random


def number(*names: object) -> int:
    """64 bits for these names, evenly."""
    text = "\x1f".join(map(str, names)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def draw(*names: object) -> Random:
    """A stream of its own for the decision that these names name."""
    return Random(number(*names))  # noqa: S311  (made-up people, no secret)


def chance(*names: object) -> float:
    """From 0 to 1, below 1."""
    return number(*names) / 2**64
