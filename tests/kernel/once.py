"""What makes thousands of small histories quick: the same project is read once, the same plan is compiled once in a test.

What is remembered by what was asked is what would be made again: nothing else goes into a plan.
"""

from functools import lru_cache

import pytest
from msgspec.structs import replace

from tactful.events.records import Plan, Publish, decode
from tactful.events.records import encode as encode_record
from tactful.kernel import adopting, plan, seeding
from tactful.kernel.definitions import Definitions, read_published
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PlanState, decode_plan, encode
from tactful.runtime import worker
from tests.kernel import driver


def compile_once(patch: pytest.MonkeyPatch) -> None:
    """In this test: what it plants must reach what is compiled."""
    once = Compiled()
    patch.setattr(plan, "read_published", read_once)
    patch.setattr(adopting, "adopt", once.adopt)
    for module in (driver, worker, seeding):
        patch.setattr(module, "compiled", once.compiled)


def read_once(publish: Publish) -> Definitions:
    return _read(encode_record(Plan(0, publish)))


@lru_cache(maxsize=16)
def _read(body: bytes) -> Definitions:
    record = decode(body)
    assert isinstance(record, Plan)
    return read_published(record.publish)


class Compiled:
    """States are given out as new objects each time; what was adopted and what is compiled again at a start stay two
    things, as they are for a worker."""

    def __init__(self) -> None:
        self._plans: dict[bytes, CompiledPlan] = {}
        self._adopted: dict[tuple[bytes, bytes, int, bool], tuple[bytes, CompiledPlan]] = {}

    def compiled(self, state: PlanState) -> CompiledPlan:
        body = encode(replace(state, begun={}))
        if body not in self._plans:
            self._plans[body] = plan.compiled(state)
        return self._plans[body]

    def adopt(
        self, before: PlanState | None, new: Plan, now: int, *, is_empty: bool, position: int
    ) -> tuple[PlanState, CompiledPlan]:
        asked = (encode(replace(before, begun={})) if before else b"", encode_record(new), now, is_empty)
        if asked not in self._adopted:
            state, made = plan.adopt(before, new, now, is_empty=is_empty)
            self._adopted[asked] = (encode(state), made)
        body, made = self._adopted[asked]
        state = decode_plan(body)
        known = before.begun if before is not None else {}
        state.begun = {number: known.get(number, (position, now, new.version)) for number in state.begun}
        return state, made
