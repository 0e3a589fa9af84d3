"""Every construct in SQL, asked of one small history: DuckDB, and in the long run Spark, which must say the same."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from tactful.history.queries import Queries
from tactful.operations.evaluation import evaluate_sql
from tactful.operations.evaluation.evaluate_lines import Question
from tests.history.shop import CASES, FILES, LINES, NOON
from tests.parity.batches import Size, batch, differences
from tests.queries import QUERIES

TEXTS = [text for text, _ in CASES]


def answers(queries: Queries, at_once: int) -> Mapping[str, Mapping[str, Any]]:
    question = Question({text: text for text in TEXTS}, FILES, "America/New_York")
    return evaluate_sql.answers(question, LINES, [NOON], queries=queries, at_once=at_once)[NOON]


@pytest.fixture(scope="module")
def of_duckdb() -> Mapping[str, Mapping[str, Any]]:
    return answers(QUERIES, at_once=len(CASES))


@pytest.mark.parametrize(("text", "meant"), CASES, ids=TEXTS)
def test_duckdb(of_duckdb: Mapping[str, Mapping[str, Any]], text: str, meant: Any) -> None:
    assert of_duckdb[text]["ada"].value == meant
    assert type(of_duckdb[text]["ada"].value) is type(meant) or not isinstance(meant, bool)


def test_everybody_who_is_known_has_an_answer(of_duckdb: Mapping[str, Mapping[str, Any]]) -> None:
    assert {tuple(sorted(found)) for found in of_duckdb.values()} == {("ada", "bob")}
    assert of_duckdb["plan"]["bob"].value is None
    assert of_duckdb["cart.items"]["bob"].value == [] and of_duckdb['count("*")']["bob"].value == 0
    assert of_duckdb["local_hour()"]["bob"].value == 8


# ---- the same on Spark -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spark() -> Iterator[Queries]:
    from pyspark import sql as pyspark

    from tactful.adapters.spark_queries import SparkQueries

    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.default.parallelism": "1",
        "spark.sql.shuffle.partitions": "1",
        # Plans are large and data are few: what compiling them saves is never earned back.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    session = pyspark.SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    yield SparkQueries(session)
    session.stop()


LEAVES_SOCKETS = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.mark.long
@LEAVES_SOCKETS
def test_spark(spark: Queries, of_duckdb: Mapping[str, Mapping[str, Any]]) -> None:
    assert answers(spark, at_once=10) == of_duckdb


@pytest.mark.long
@LEAVES_SOCKETS
@pytest.mark.parametrize("text", [text for text in TEXTS if re.search(r"\w\[\d", text)])
def test_spark_asked_one_thing(spark: Queries, of_duckdb: Mapping[str, Mapping[str, Any]], text: str) -> None:
    """What else a query asks for hides what Spark loses of a column."""
    alone = evaluate_sql.answers(Question({text: text}, FILES, "America/New_York"), LINES, [NOON], queries=spark)
    assert alone[NOON][text] == of_duckdb[text]


@pytest.mark.long
@LEAVES_SOCKETS
@pytest.mark.parametrize("seed", range(900, 903))
def test_spark_agrees_with_the_oracle(spark: Queries, seed: int) -> None:
    engine = partial(evaluate_sql.answers, queries=spark, at_once=10)
    assert list(differences(batch(seed, Size(30, 60, 3)), {"spark": engine})) == []
