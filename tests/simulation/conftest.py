"""What makes thousands of restarts quick: the same project is read once, the same plan is compiled once in a test, and
no garbage is looked for at each start."""

from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace

import pytest

from tactful.kernel import plan
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PlanState, encode
from tactful.runtime import work, worker


@lru_cache(maxsize=16)
def _read(files: frozenset[tuple[str, str]], gap_us: int, *, is_strict: bool) -> Definitions:
    return read_project(dict(files), gap_us=gap_us, is_strict=is_strict)


def read_once(files: Mapping[str, str], *, gap_us: int, is_strict: bool) -> Definitions:
    return _read(frozenset(files.items()), gap_us, is_strict=is_strict)


def collect_nothing() -> None:
    """Stands for gc.collect, gc.disable and gc.enable."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[bytes, CompiledPlan] = {}  # Of this test: what it plants must reach what is compiled.

    def compiled_once(state: PlanState) -> CompiledPlan:
        body = encode(state)
        if body not in known:
            known[body] = plan.compiled(state)
        return known[body]

    monkeypatch.setattr(plan, "read_project", read_once)
    monkeypatch.setattr(worker, "compiled", compiled_once)
    idle = SimpleNamespace(collect=collect_nothing, disable=collect_nothing, enable=collect_nothing)
    monkeypatch.setattr(work, "gc", idle)
