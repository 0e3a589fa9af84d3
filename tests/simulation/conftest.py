"""What makes thousands of restarts quick: the same project is read once, the same plan is compiled once in a test, and
no garbage is looked for at each start."""

from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace

import pytest

from tactful.events.records import Plan
from tactful.events.records import encode as encode_record
from tactful.kernel import plan, step
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PlanState, decode_plan, encode
from tactful.runtime import work, worker
from tests.kernel import driver


@lru_cache(maxsize=16)
def _read(files: frozenset[tuple[str, str]], gap_us: int, *, is_strict: bool) -> Definitions:
    return read_project(dict(files), gap_us=gap_us, is_strict=is_strict)


def read_once(files: Mapping[str, str], *, gap_us: int, is_strict: bool) -> Definitions:
    return _read(frozenset(files.items()), gap_us, is_strict=is_strict)


def collect_nothing() -> None:
    """Stands for gc.collect, gc.disable and gc.enable."""


class Compiled:
    """Plans of one test: what it plants must reach what is compiled. States are given out as new objects each time; what
    was adopted and what is compiled again at a start stay two things, as they are for a worker."""

    def __init__(self) -> None:
        self._plans: dict[bytes, CompiledPlan] = {}
        self._adopted: dict[tuple[bytes, bytes, int, bool], tuple[bytes, CompiledPlan]] = {}

    def compiled(self, state: PlanState) -> CompiledPlan:
        body = encode(state)
        if body not in self._plans:
            self._plans[body] = plan.compiled(state)
        return self._plans[body]

    def adopt(self, before: PlanState | None, new: Plan, now: int, *, is_empty: bool) -> tuple[PlanState, CompiledPlan]:
        asked = (encode(before) if before else b"", encode_record(new), now, is_empty)
        if asked not in self._adopted:
            state, made = plan.adopt(before, new, now, is_empty=is_empty)
            self._adopted[asked] = (encode(state), made)
        body, made = self._adopted[asked]
        return decode_plan(body), made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Compiled()
    monkeypatch.setattr(plan, "read_project", read_once)
    monkeypatch.setattr(worker, "compiled", once.compiled)
    monkeypatch.setattr(driver, "compiled", once.compiled)
    monkeypatch.setattr(step, "adopt", once.adopt)
    idle = SimpleNamespace(collect=collect_nothing, disable=collect_nothing, enable=collect_nothing)
    monkeypatch.setattr(work, "gc", idle)
