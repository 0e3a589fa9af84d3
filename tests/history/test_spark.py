"""Spark on a cluster of processes over a lake that lies there, beside DuckDB: the same answers, to the bit.

A Delta lake in a folder, partly dealt out to buckets, partly as it was appended, and what it has not yet.
"""

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.operations.features.tables import Wanted
from tactful.operations.history.opened import HAPPENED, KNOWN, History
from tactful.operations.history.terms import Terms, terms_of
from tactful.values import DAY_US
from tests.features.lives import BEGIN, DAYS, DELAYS_US, FILES, TEXTS, lines
from tests.features.story import features, rows_of
from tests.histories import Life, lived

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
DECLARED = {
    **FILES,
    "events/order.yaml": "name: Order Completed\nproperties: {total: number, sku: text}\n",
    "events/page.yaml": "name: $page\n",
    "events/added.yaml": "name: Product Added\nproperties: {sku: text, price: number, total: number}\n",
    "events/removed.yaml": "name: Product Removed\nproperties: {sku: text, price: number, total: number}\n",
}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark import sql as pyspark

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    session = pyspark.SparkSession.builder.master("local-cluster[2,1,1024]").config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """First with nothing declared, then with columns of their own; the newest is not archived."""
    every = lines(Random(7), 300)
    lake = DeltaLake(Folder(tmp_path_factory.mktemp("lake")), buckets=4)
    found = lived(FILES, every[:100], begin="2025-03-01T00:00:00Z", lake=lake)
    found.archive()
    found.publish(DECLARED)
    found.live(every[100:180])
    found.archive()
    found.live(every[180:260])
    found.archive()
    found.live(every[260:])
    return found


def both(life: Life, spark: Any) -> tuple[History, History]:
    from tactful.adapters.spark_queries import SparkQueries

    plan = life.house.plan(0)
    assert plan is not None
    terms = terms_of(plan.plan.publish)
    return tuple(History(life.lake, queries, life.tail, terms) for queries in (DuckDBQueries(), SparkQueries(spark)))  # type: ignore[return-value]  # two of them


def test_the_same_features_on_a_cluster(life: Life, spark: Any) -> None:
    asked, instants = features(TEXTS, DECLARED), [BEGIN + 5 * DAY_US, BEGIN + DAYS * DAY_US]
    for sees in (HAPPENED, KNOWN):
        wanted = Wanted(asked, instants, sees, terms=Terms(delays_us=DELAYS_US) if sees == HAPPENED else None)
        found = []
        for history in both(life, spark):
            with history.open() as opened:
                assert opened.has_ties and opened.positions
                found.append(rows_of(opened, wanted))
        assert found[0] == found[1]
        assert len(found[0]) > 10 and any(row["spent_3d"] for row in found[0])
        assert any(row["days"] > 1 for row in found[0])


def test_the_same_answers_of_everything_on_a_cluster(life: Life, spark: Any) -> None:
    trees = {one.name: one.value.tree for one in features(TEXTS, DECLARED)}
    answers = []
    for history in both(life, spark):
        with history.open() as opened:
            answers.append(dict(opened.ask(trees, BEGIN + DAYS * DAY_US)))
    assert answers[0] == answers[1]
    assert len(answers[0]) >= 5
