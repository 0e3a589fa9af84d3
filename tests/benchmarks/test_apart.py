"""Work in fresh processes: a failure is heard, and nobody waits for ever."""

import sys
from concurrent.futures.process import BrokenProcessPool
from types import ModuleType

import pytest

from benchmarks.apart import fresh


def nothing() -> None:
    """Moved where no fresh process finds it."""


@pytest.mark.timeout(60)
def test_a_process_whose_imports_fail_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ModuleType("nowhere")
    vars(nowhere)["nothing"] = nothing
    monkeypatch.setitem(sys.modules, "nowhere", nowhere)
    monkeypatch.setattr(nothing, "__module__", "nowhere")
    with fresh() as pool, pytest.raises(BrokenProcessPool):
        pool.submit(nothing).result()
