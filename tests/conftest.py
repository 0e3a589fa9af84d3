"""For the whole suite."""

import gc


def pytest_collection_finish() -> None:
    """What was imported stays: the collector of cycles need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end it may go: DuckDB's bindings complain of whatever of theirs is left."""
    gc.unfreeze()
