"""For the whole suite."""

import gc

import pytest


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the suite (`make test`), tests for which their file builds something once (a browser,
    a wheel) go to the same one; all others go wherever there is room."""
    for item in items:
        if isinstance(item, pytest.Function) and _is_shared(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _is_shared(item: pytest.Function) -> bool:
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    return any(fixture[-1].scope == "module" for fixture in fixtures)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of cycles need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end it may go: DuckDB's bindings complain of whatever of theirs is left."""
    gc.unfreeze()
