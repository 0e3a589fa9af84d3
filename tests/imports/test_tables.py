"""Files of every kind and in every state, read as rows: what is no row costs its row, and never those behind it."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tactful.adapters.tables.opening import FileTables
from tactful.errors import UsageError
from tactful.operations.imports.tables import LONGEST_ROW, BadRow, FileFormat, Join, Row, Table
from tests.imports import sheets

TABLES = FileTables()


def opened(path: Path, **format: Any) -> Table:
    return TABLES.open(path, FileFormat(**format))


def read(table: Table) -> tuple[list[Row], list[int], list[BadRow]]:
    rows, numbers, bad = [], [], []
    for batch in table.batches(()):
        rows += batch.rows
        numbers += batch.numbers
        bad += batch.bad
        assert 0 <= batch.share <= 1
    assert batch.share == 1
    return rows, numbers, bad


def csv(tmp_path: Path, content: bytes | str, name: str = "x.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# ---- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_delimiter_and_line_ends_of_any_kind(tmp_path: Path, delimiter: str, end: str) -> None:
    lines = [("user", "city", "spent"), ("1", "Sao Paulo", "2.50"), ("2", '"a, b; c"', "")]
    table = opened(csv(tmp_path, "".join(delimiter.join(line) + end for line in lines)))
    rows, numbers, bad = read(table)
    assert rows == [
        {"user": "1", "city": "Sao Paulo", "spent": "2.50"},
        {"user": "2", "city": "a, b; c", "spent": ""},
    ]
    assert (numbers, bad, table.format.delimiter) == ([2, 3], [], delimiter)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_an_encoding_is_found_out(tmp_path: Path, encoding: str, found: str) -> None:
    table = opened(csv(tmp_path, "user,city\n1,Zürich\n2,Malmö\n".encode(encoding)))
    assert table.format.encoding == found
    assert [row["city"] for row in read(table)[0]] == ["Zürich", "Malmö"]
    assert [column.name for column in table.columns] == ["user", "city"], "a mark of the encoding is no part of a name"


def test_a_letter_that_the_first_look_cuts_is_none_the_less_one(tmp_path: Path) -> None:
    content = "user,city\n" + "1,Zürich\n" * 120_000
    for shift in range(3):
        path = csv(tmp_path, content.replace("user", "u" * (4 + shift), 1))
        assert opened(path).format.encoding == "utf-8"


def test_bytes_that_are_no_utf8_cost_their_row(tmp_path: Path) -> None:
    good = "1,Zürich\n" * 150_000
    rows, _, bad = read(opened(csv(tmp_path, b"user,city\n" + good.encode() + b"2,Z\xfcrich\n3,Rome\n")))
    assert rows[-1] == {"user": "3", "city": "Rome"}
    assert [(one.number, one.code, one.body) for one in bad] == [(150_002, "not_utf8", b"2,Z\xfcrich")]


def test_half_a_line_and_a_line_too_many(tmp_path: Path) -> None:
    rows, numbers, bad = read(opened(csv(tmp_path, "user,city,at\n1,Rome,2024\n2,Paris\n3,a,b,c\n\n4,Oslo,20")))
    assert [row["user"] for row in rows] == ["1", "4"]
    assert numbers == [2, 6]
    assert [(one.number, one.code, one.body) for one in bad] == [
        (3, "row_short", b"2,Paris"),
        (4, "row_long", b"3,a,b,c"),
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    behind = "".join(f"{number},Rome\n" for number in range(200_000))
    rows, _, bad = read(opened(csv(tmp_path, f'user,city\n1,Oslo\n2,"Paris\n{behind}')))
    assert {one.code for one in bad} == {"row_unreadable"}
    assert bad[0].number == 3
    assert len(rows) > 50_000, "what stands behind a megabyte of it is read again"


def test_a_line_of_a_hundred_megabytes_costs_its_row_and_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.write(b"user,city\n1,Oslo\n2,")
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b"\n3,Rome\n")
    import tracemalloc

    tracemalloc.start()
    rows, _, bad = read(opened(path))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["user"] for row in rows] == ["1", "3"]
    assert [(one.number, one.code) for one in bad] == [(3, "row_too_long")]
    assert len(bad[0].body) <= 1000
    assert most < 30 << 20


def test_a_field_within_quotes_may_have_lines_of_its_own(tmp_path: Path) -> None:
    rows, numbers, _ = read(opened(csv(tmp_path, 'user,note\n1,"two\nlines, one ""cell"""\n2,x\n')))
    assert rows[0]["note"] == 'two\nlines, one "cell"'
    assert numbers == [2, 4]


def test_columns_of_one_name_and_of_none(tmp_path: Path) -> None:
    table = opened(csv(tmp_path, "id,name,name, ,name\n1,a,b,c,d\n"))
    assert [column.name for column in table.columns] == ["id", "name", "name (2)", "column 4", "name (3)"]
    assert read(table)[0] == [{"id": "1", "name": "a", "name (2)": "b", "column 4": "c", "name (3)": "d"}]
    assert len(table.notes) == 3


def test_a_file_without_names_gets_those_of_the_mapping(tmp_path: Path) -> None:
    rows, _, _ = read(opened(csv(tmp_path, "1,Rome\n2,Oslo\n"), columns=("user", "city")))
    assert rows == [{"user": "1", "city": "Rome"}, {"user": "2", "city": "Oslo"}]


@pytest.mark.parametrize("content", ["", "\n\n", ",,\n"])
def test_a_file_of_nothing_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match="no line of names"):
        opened(csv(tmp_path, content))


def test_nul_bytes_stay_for_intake_to_refuse(tmp_path: Path) -> None:
    rows, _, _ = read(opened(csv(tmp_path, b"user,city\n1,a\0b\n")))
    assert rows == [{"user": "1", "city": "a\0b"}]


def test_a_file_may_be_gzipped_and_cut_off(tmp_path: Path) -> None:
    packed = gzip.compress(b"user,city\n" + b"1,Rome\n" * 50_000)
    path = csv(tmp_path, packed, "x.csv.gz")
    assert len(read(opened(path))[0]) == 50_000
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Exception, match="could not be read to its end"):
        read(opened(path))


# ---- JSON Lines ------------------------------------------------------------------------------------------------------


def test_json_lines_with_what_is_none_among_them(tmp_path: Path) -> None:
    lines = [b'{"a": 1, "b": {"c": [1.5]}}', b"", b"[1]", b'{"a": ', b'{"a": "Z\xfcrich"}', b'{"a": 2, "d": null}']
    table = opened(csv(tmp_path, b"\n".join(lines), "x.jsonl"))
    rows, numbers, bad = read(table)
    assert rows == [{"a": 1, "b": {"c": [1.5]}}, {"a": 2, "d": None}]
    assert numbers == [1, 6]
    assert [(one.number, one.code) for one in bad] == [(3, "not_json"), (4, "not_json"), (5, "not_utf8")]
    assert [(column.name, column.kind) for column in table.columns] == [
        ("a", "number"),
        ("b", "object"),
        ("d", "anything"),
    ]


def test_what_lies_in_a_file_counts_and_not_its_name(tmp_path: Path) -> None:
    assert opened(csv(tmp_path, b'{"a": 1}\n', "x.csv")).format.format == "jsonl"
    with pytest.raises(UsageError, match="one JSON list"):
        opened(csv(tmp_path, b'[{"a": 1}]\n', "x.json"))


def test_a_json_line_of_any_length_is_bounded(tmp_path: Path) -> None:
    long = json.dumps({"a": "x" * LONGEST_ROW}).encode()
    rows, _, bad = read(opened(csv(tmp_path, long + b'\n{"a": 1}\n', "x.jsonl")))
    assert (rows, [one.code for one in bad]) == ([{"a": 1}], ["row_too_long"])


# ---- Parquet ---------------------------------------------------------------------------------------------------------


def test_parquet_values_of_every_kind(tmp_path: Path) -> None:
    at = datetime(2024, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)
    values = {
        "whole": pa.array([17850, None]),
        "half": pa.array([2.5, float("nan")]),
        "text": pa.array(["Zürich", ""], pa.large_string()),
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "yes": pa.array([True, None]),
        "at": pa.array([at.replace(tzinfo=None), None], pa.timestamp("ns")),
        "there": pa.array([at, None], pa.timestamp("ms", "Europe/Berlin")),
        "day": pa.array([at.date(), None]),
        "price": pa.array([Decimal("2.55"), None]),
        "tags": pa.array([["a"], None]),
        "raw": pa.array([b"x\xff", None]),
    }
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(values), path)
    table = opened(path)
    rows, numbers, bad = read(table)
    assert rows[0] == {
        "whole": 17850, "half": 2.5, "text": "Zürich", "kind": "a", "yes": True,
        "at": "2024-03-01T12:30:00.250000", "there": "2024-03-01T12:30:00.250000Z", "day": "2024-03-01", "price": 2.55,
        "tags": ["a"], "raw": "x\ufffd",
    }  # fmt: skip
    assert set(rows[1].values()) == {None, "", "b"}
    assert (numbers, bad) == ([1, 2], [])
    kinds = {column.name: column.kind for column in table.columns}
    assert (kinds["whole"], kinds["kind"], kinds["there"], kinds["tags"]) == ("number", "text", "time", "anything")


def test_only_what_is_wanted_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": [3, 4]}), path)
    assert [batch.rows for batch in opened(path).batches({"b"})] == [[{"b": 3}, {"b": 4}]]


def test_a_parquet_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        opened(path)


# ---- Excel -----------------------------------------------------------------------------------------------------------


def test_cells_of_every_kind(tmp_path: Path) -> None:
    rows = [
        [sheets.text("user"), sheets.text("at"), sheets.text("spent"), sheets.text("note")],
        [sheets.number(17850), sheets.number(45352.520833333336, sheets.DAY), sheets.number(2.5), sheets.text("x")],
        [sheets.text("00012"), sheets.number(45352, sheets.DAY), sheets.formula("1+1", "2"), sheets.text("")],
    ]
    table = opened(sheets.write(tmp_path / "x.xlsx", rows))
    found, numbers, bad = read(table)
    assert found == [
        {"user": 17850, "at": "2024-03-01T12:30:00", "spent": 2.5, "note": "x"},
        {"user": "00012", "at": "2024-03-01", "spent": 2, "note": None},
    ]
    assert (numbers, bad, table.notes) == ([2, 3], [], [])


def test_formulas_without_a_result_are_told_and_so_are_those_that_failed(tmp_path: Path) -> None:
    rows = [
        [sheets.text("user"), sheets.text("spent")],
        [sheets.text("ada"), sheets.formula("A1*2")],
        [sheets.text("bob"), sheets.formula("1/0", "#DIV/0!", 't="e"')],
        [sheets.text("eve"), sheets.text('=HYPERLINK("http://x")')],
    ]
    table = opened(sheets.write(tmp_path / "x.xlsx", rows))
    found, _, _ = read(table)
    assert found == [
        {"user": "ada", "spent": None},
        {"user": "bob", "spent": None},
        {"user": "eve", "spent": '=HYPERLINK("http://x")'},
    ]
    assert [note.partition(",")[0] for note in table.notes] == [
        "1 cells hold a formula without a result",
        "1 cells hold an error such as #DIV/0!",
    ]


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    one, two = [[sheets.text("a")], [sheets.number(1)]], [[sheets.text("b")], [sheets.number(2)]]
    path = sheets.write(tmp_path / "x.xlsx", one, two)
    assert read(opened(path))[0] == [{"a": 1}]
    assert any("of 2 sheets" in note for note in opened(path).notes)
    assert read(opened(path, sheet="Sheet 2"))[0] == [{"b": 2}]
    with pytest.raises(UsageError, match="has no sheet 'Sheet 3'; it has 'Sheet 1', 'Sheet 2'"):
        opened(path, sheet="Sheet 3")


def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as a sheet"):
        opened(csv(tmp_path, b"PK\x03\x04nonsense", "x.xlsx"))


# ---- put together ----------------------------------------------------------------------------------------------------


def test_rows_are_joined_and_brought_behind_each_other_at_the_place_of_the_first(tmp_path: Path) -> None:
    lines = csv(tmp_path, "order,sku,n\nA,1,1\nB,2,2\nA,3,3\n,4,4\nB,1,5\n")
    names = csv(tmp_path, "sku,name\n1,Kettle\n2,Lamp\n,nothing\n", "names.csv")
    table = TABLES.arranged(opened(lines), [Join("goods", opened(names), "sku", "sku")], ["order"])
    assert [column.name for column in table.columns] == ["order", "sku", "n", "goods.sku", "goods.name"]
    rows, numbers, _ = read_all(table)
    assert [(row["order"], row["n"], row.get("goods.name")) for row in rows] == [
        ("A", "1", "Kettle"), ("A", "3", None), ("B", "2", "Lamp"), ("B", "5", "Kettle"), ("", "4", None),
    ]  # fmt: skip
    assert numbers == [2, 4, 3, 6, 5]


def read_all(table: Table) -> tuple[list[Row], list[int], list[BadRow]]:
    wanted = {column.name for column in table.columns}
    batches = list(table.batches(wanted))
    return (
        [row for batch in batches for row in batch.rows],
        [number for batch in batches for number in batch.numbers],
        [one for batch in batches for one in batch.bad],
    )


def test_a_number_and_its_text_are_equal_to_a_join(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"sku": pa.array([1.0, None, 2.0])}), path)
    names = csv(tmp_path, "sku,name\n1,Kettle\n2,Lamp\n")
    table = TABLES.arranged(opened(path), [Join("goods", opened(names), "sku", "sku")], [])
    assert [row.get("goods.name") for row in read_all(table)[0]] == ["Kettle", None, "Lamp"]


def test_a_joined_row_that_is_not_alone_is_refused(tmp_path: Path) -> None:
    lines, names = csv(tmp_path, "sku\n1\n", "a.csv"), csv(tmp_path, "sku,name\n1,Kettle\n1,Lamp\n", "b.csv")
    with pytest.raises(UsageError, match=r"b\.csv has sku '1' more than once"):
        read_all(TABLES.arranged(opened(lines), [Join("goods", opened(names), "sku", "sku")], []))


def test_the_same_files_give_the_same_order(tmp_path: Path) -> None:
    import random

    draw = random.Random(3)
    content = "".join(f"{draw.randrange(3000)},{number}\n" for number in range(20_000))
    path = csv(tmp_path, "order,n\n" + content)
    one = read_all(TABLES.arranged(opened(path), [], ["order"]))[0]
    assert one == read_all(TABLES.arranged(opened(path), [], ["order"]))[0]
    seen: list[str] = []
    for row in one:
        if row["order"] != (seen[-1] if seen else None):
            assert row["order"] not in seen
            seen.append(row["order"])
    assert len(one) == 20_000
