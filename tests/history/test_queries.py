"""The query as a whole: one pass, as of positions, many at once; and what happens when a file is gone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.errors import DefinitionError, TransientError
from tactful.events.derived import ref
from tactful.history.cells import zone_rows
from tactful.history.table import parquet, sorted_out
from tactful.language.check import check
from tactful.language.sql.engines import write
from tactful.language.sql.layout import SHARED, TABLES, layout
from tactful.language.sql.query import ask
from tactful.language.sql.seeing import Seeing
from tactful.operations.evaluation import evaluate_sql
from tactful.operations.evaluation.evaluate_lines import Question, read_lines
from tests.history.rows import rows
from tests.history.shop import NOON, call
from tests.queries import QUERIES

CALLS = [call(f"0{day}T10:00:00", "A", {"n": day, "t": "x"}) for day in range(1, 10)]
EVERY = (
    'count("A", last="7d") >= 3',
    'sum("A", n, last="30d") > 10',
    'any("A", where=n > 3 and t == "x")',
    'latest("A", t) == "x"',
    'first("A") < "2025-03-02"',
    'max("A", n, between=("7d", "2d")) == 8',
)


def written(folder: Path, lines: Sequence[Mapping[str, Any]], partition: int = 0) -> dict[str, list[Path]]:
    """The tables of a history, each as one file."""
    every = [row for position, record in read_lines(lines) for row in rows(record, ref(partition, position))]
    by_table = sorted_out([*every, *zone_rows(["UTC"], 0, NOON)])
    files = {name: [folder / f"{name}.{partition}.parquet"] for name in TABLES}
    for name, (path,) in files.items():
        path.write_bytes(parquet(name, by_table[name]))
    return files


def trees(*texts: str) -> dict[str, Any]:
    return {text: check(text, "value").tree for text in texts}


def test_what_filters_events_is_one_pass_over_them() -> None:
    query = ask(trees(*EVERY, 'time_since("B") > "1d"', 'count("A", last="7d") > 5'), layout=SHARED).query
    assert [table.name for table in query.find_all(exp.Table)].count("events") == 1
    counts = [*query.find_all(exp.Count)]
    assert len(counts) == 2  # That of seven days is asked for twice, and any() once.


def test_a_day_is_found_by_zone_and_month_and_not_beside_all_offsets_that_there_ever_were() -> None:
    """Seen: 38,000 events took ten seconds, each of them compared with every offset of every zone."""
    query = ask(trees('active_days("*", last="30d")'), layout=SHARED).query
    read = {one.alias: {table.name for table in one.find_all(exp.Table)} for one in query.find_all(exp.CTE)}
    assert not any(tables >= {"zones", "r"} for tables in read.values())
    (counted,) = (one.this for one in query.find_all(exp.CTE) if one.alias != "r" and "r" in read[one.alias])
    last = counted.args["joins"][-1]
    assert last.side.upper() == "LEFT"  # No engine does it before the others.
    assert {equal.this.name for equal in last.args["on"].find_all(exp.EQ)} == {"zone", "cell"}


def test_for_spark_no_field_is_taken_of_a_field_but_a_columns_own() -> None:
    texts = ('min("A", n[0])', 'any("A", where=n[0][1].x[2] == 1)', "tags[3][0] == 'b'", "len(flats[1].no) == 2")
    for own in (SHARED, layout([("n",)])):
        query = ask(trees(*texts), layout=own).query
        fields = re.findall(r"\)((?:\.`\w+`)+)", write(query, "spark").given({"t": NOON}))
        assert {field.count(".") for field in fields} == {1}


def test_what_needs_rows_reads_few_of_them_and_once() -> None:
    texts = (
        'count("A", same=n) > 1',
        'distinct("B", n) > 1',
        'sequence("A", "B")',
        "sessions() > 1",
        'active_days("A") > 1',
    )
    query = ask(trees(*texts), layout=SHARED).query
    assert [table.name for table in query.find_all(exp.Table)].count("events") == 2


def test_many_are_as_each(tmp_path: Path) -> None:
    with QUERIES.open(written(tmp_path, CALLS)) as session:

        def asked(texts: Sequence[str]) -> dict[str, Any]:
            question = ask(trees(*texts), layout=SHARED)
            (row,) = session.rows(write(question.query, "duckdb").given({"t": NOON}))
            return question.values(row)

        together = asked(EVERY)
        assert together == dict.fromkeys(EVERY, True)
        assert together == {text: asked([text])[text] for text in EVERY}


def test_as_of_a_position_in_each_log(tmp_path: Path) -> None:
    one, other = written(tmp_path, CALLS[:5], 1), written(tmp_path, [{**line, "userId": "bob"} for line in CALLS], 2)
    files = {name: [*one[name], *other[name]] for name in TABLES}
    asked = ask(trees('sum("A", n)'), layout=SHARED, seeing=Seeing(partitions=[1, 2]))
    with QUERIES.open(files) as session:

        def at(**positions: int) -> dict[str, Any]:
            refs = {f"ref_{name[1:]}": ref(int(name[1:]), position) for name, position in positions.items()}
            found = session.rows(write(asked.query, "duckdb").given({"t": NOON, **refs}))
            return {row[0]: asked.values(row)['sum("A", n)'] for row in found}

        assert at(p1=3, p2=9) == {"u:ada": 6, "u:bob": 45}
        assert at(p1=0, p2=2) == {"u:bob": 3}


def test_numbers_beyond_doubles_and_long_sums_are_exact(tmp_path: Path) -> None:
    lines = [call(f"0{day}T10:00:00", "A", {"n": 999999999999.25, "m": 0.1}) for day in range(1, 10)] * 3
    lines = [{**line, "messageId": str(number)} for number, line in enumerate(lines)]
    asked = ask(trees('sum("A", n)', 'sum("A", m)', 'avg("A", n)'), layout=SHARED)
    with QUERIES.open(written(tmp_path, lines)) as session:
        (row,) = session.rows(write(asked.query, "duckdb").given({"t": NOON}))
    assert list(asked.values(row).values()) == [26999999999979.75, 2.7, 26999999999979.75 / 27]


def test_long_arithmetic_stays_short() -> None:
    text = "1"
    for name in "abcdefghijklmnopq":
        text = f"({name} / {text})"
    assert len(write(ask(trees(f"{text} > 1"), layout=SHARED).query, "duckdb").given({"t": NOON})) < 60_000
    text = "now()"
    for _ in range(20):
        text = f'({text} + "1d")'
    assert len(write(ask(trees(f"{text} > time(x)"), layout=SHARED).query, "duckdb").given({"t": NOON})) < 20_000


def test_texts_and_names_cannot_leave_their_quotes(tmp_path: Path) -> None:
    strange = "a'b\"c\\d\ne.f[0];--"
    line = call("09T10:00:00", strange, {strange: strange})
    asked = ask(
        trees(f"latest({_text(strange)}, properties[{_text(strange)}]) == {_text(strange)}"),
        layout=layout([(strange,)]),
    )
    with QUERIES.open(_own(tmp_path, line, strange)) as session:
        (row,) = session.rows(write(asked.query, "duckdb").given({"t": NOON}))
    assert list(asked.values(row).values()) == [True]


def _text(value: str) -> str:
    return repr(value)


def _own(folder: Path, line: Mapping[str, Any], name: str) -> dict[str, list[Path]]:
    files = written(folder, [line])
    every = [row for position, record in read_lines([line]) for row in rows(record, ref(0, position))]
    files["events"][0].write_bytes(parquet("events", sorted_out(every)["events"], layout([(name,)])))
    return files


def test_a_file_that_is_gone_is_the_world_failing(tmp_path: Path) -> None:
    files = written(tmp_path, CALLS)
    query = write(ask(trees('count("A")'), layout=SHARED).query, "duckdb").given({"t": NOON})
    with QUERIES.open(files) as session:
        files["events"][0].unlink()
        with pytest.raises(TransientError, match="the history could not be read"):
            session.rows(query)


def test_whatever_is_damaged_in_a_file_is_told_as_damage(tmp_path: Path) -> None:
    """Wherever it is: in its columns as well, of which DuckDB has an error without a name and without the file's."""
    files = written(tmp_path, CALLS)
    (file,) = files["events"]
    whole, told = file.read_bytes(), 0
    for seed in range(200):
        random = Random(seed)
        size = random.choice([1, 4, 40])
        at = random.randrange(4, len(whole) - size)
        file.write_bytes(whole[:at] + random.randbytes(size) + whole[at + size :])
        try:
            with DuckDBQueries(threads=1).open(files) as session:
                session.rows("SELECT * FROM events")
        except TransientError as error:
            told += "lake mend" in str(error)
    assert told > 100


def test_of_one_question_nothing_is_left_for_the_next(tmp_path: Path) -> None:
    """Also where two are open at once, and after one that went wrong."""
    queries, one, other = DuckDBQueries(threads=1), written(tmp_path, CALLS[:2]), written(tmp_path, CALLS, 2)
    count = "SELECT count(*) FROM events"
    for _ in range(2):
        with queries.open(one) as first, queries.open(other) as second:
            assert (first.rows(count), second.rows(count)) == ([(2,)], [(len(CALLS),)])
            first.rows("CREATE TEMP TABLE mine AS SELECT 1")
            first.lay("events", pa.table({"a": [1]}))
            with pytest.raises(duckdb.CatalogException):
                second.rows("FROM mine")
        with queries.open(one) as session:
            assert session.rows(count) == [(2,)]
            with pytest.raises(duckdb.CatalogException):
                session.rows("FROM mine")


def test_evaluation_of_nothing_and_of_mistakes() -> None:
    assert evaluate_sql.answers(Question({"x": "1"}), [], [NOON], queries=QUERIES) == {NOON: {"x": {}}}
    with pytest.raises(DefinitionError, match="did you mean"):
        evaluate_sql.answers(Question({"x": 'cuont("A")'}), [], [NOON], queries=QUERIES)
    early = evaluate_sql.answers(Question({"x": "1 + 1"}), CALLS, [0, NOON], queries=QUERIES)
    assert early[0] == {"x": {}} and early[NOON]["x"]["ada"].value == 2
