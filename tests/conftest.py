"""For the whole suite."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tactful.language.compile import forget
from tests import tries
from tests.queries import QUERIES

# Bytecode is kept whatever the surroundings say: the suite starts hundreds of processes, and each would compile the
# package anew, as each worker would every file of tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What tests make lives shortly or till the end: looked through rarely, cycles cost a tenth less in all.
gc.set_threshold(20_000)


def pytest_configure(config: pytest.Config) -> None:
    tries.is_long = not config.getoption("markexpr")
    settings.register_profile("ours", max_examples=tries.tries(100), deadline=None)
    settings.load_profile("ours")


@pytest.fixture(autouse=True)
def _compiled_anew(request: pytest.FixtureRequest) -> Iterator[None]:
    """For tests that change the engine: what was compiled before hides no bug that is planted, and what was compiled
    with one does not stay."""
    is_changing = "monkeypatch" in request.fixturenames
    if is_changing:
        forget()
    yield
    if is_changing:
        forget()


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of cycles need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end it may go: DuckDB's bindings complain of whatever of theirs is left."""
    QUERIES.close()
    gc.unfreeze()
