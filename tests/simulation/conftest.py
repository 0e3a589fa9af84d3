"""What makes thousands of restarts quick: the same project is read once, and no garbage is looked for at each start."""

from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace

import pytest

from tactful.kernel import plan
from tactful.kernel.definitions import Definitions, read_project
from tactful.runtime import work


@lru_cache(maxsize=16)
def _read(files: frozenset[tuple[str, str]]) -> Definitions:
    return read_project(dict(files))


def read_once(files: Mapping[str, str]) -> Definitions:
    return _read(frozenset(files.items()))


def collect_nothing() -> None:
    """Stands for gc.collect, gc.disable and gc.enable."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "read_project", read_once)
    idle = SimpleNamespace(collect=collect_nothing, disable=collect_nothing, enable=collect_nothing)
    monkeypatch.setattr(work, "gc", idle)
