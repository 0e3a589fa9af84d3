"""How often a property or a simulation is tried: by default as often as finds what is planted, and in the long run
(`-m ""`, as in `make test LONG=1`) as often as may find what nobody thought of."""

from typing import Any

import pytest

is_long = False
"""Set by tests/conftest.py before any test is collected."""


def tries(often: int) -> int:
    """Examples of a property: so many in the long run, a third of them by default."""
    return often if is_long else max(10, often // 3)


def seeds(few: int, many: int) -> list[Any]:
    """Parameters: the first few by default, the others in the long run."""
    return [*range(few), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(few, many))]
