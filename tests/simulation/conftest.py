"""What makes thousands of restarts quick: plans are compiled once in a test, no garbage is looked for at a start, and
of all that fails nothing is logged."""

import logging
from types import SimpleNamespace

import pytest

from tactful.runtime import work
from tests.kernel.once import compile_once


def collect_nothing() -> None:
    """Stands for gc.collect, gc.disable and gc.enable."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    compile_once(monkeypatch)
    idle = SimpleNamespace(collect=collect_nothing, disable=collect_nothing, enable=collect_nothing)
    monkeypatch.setattr(work, "gc", idle)
