"""features: tables of what had happened by some instants, as files, as JSON and at a glance; and what it refuses."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Run

MIDDLE, LAST = "2026-01-10T00:00Z", "2026-01-20T00:00Z"
SET = """\
features:
  viewed: count("Product Viewed")
  since: time_since("Product Viewed")
  plan: {value: plan, type: text}
"""


@pytest.fixture
def project(project: Path) -> Path:
    (project / "features").mkdir()
    (project / "features/views.yaml").write_text(SET)
    return project


def test_a_published_set_as_parquet_and_as_arrow(data: Path, run: Run, tmp_path: Path) -> None:
    by = ("--happened-by", MIDDLE, "--happened-by", LAST, "--delay", "1h")
    said = run("features", "views", *by, "--out", tmp_path / "t.parquet", "--data", data).output
    assert "2026-01-10T00:00:00.000Z" in said and "on average" in said and "of 3 features in" in said
    assert "days, " in next(line for line in said.splitlines() if line.startswith("  since"))
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.column_names == ["at", "person", "person_now", "viewed", "since", "plan"]
    assert json.loads(found.schema.metadata[b"tactful"])["delay"] == "1h"
    given = (*by[:4], "--delay", "import=0", "--out", tmp_path / "t.parquet")
    run("features", "views", *given, "--data", data)
    about = json.loads(pq.read_metadata(tmp_path / "t.parquet").metadata[b"tactful"])
    assert (about["delay"], about["delays"]["import"]) == ("0s", "0s")
    told = run("features", "views", *by, "--out", tmp_path / "t.arrow", "--json", "--data", data).output
    assert sum(json.loads(told)["rows"].values()) == found.num_rows
    assert pa.ipc.open_file(tmp_path / "t.arrow").read_all().equals(found)
    assert sorted(path.name for path in tmp_path.glob("*.*") if path.is_file()) == ["t.arrow", "t.parquet"]


def test_short_durations_are_told_in_short_units(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "visits.yaml").write_text("features: {length: avg_session_length()}\n")
    said = run("features", tmp_path / "visits.yaml", "--happened-by", LAST, "--data", data).output
    (line,) = [one for one in said.splitlines() if one.startswith("  length")]
    assert " minutes, " in line or " seconds, " in line or " hours, " in line, line


def test_an_instant_before_everything_says_when_there_is_something(data: Path, run: Run) -> None:
    said = run("features", "views", "--happened-by", "2001-01-01", "--data", data).output
    assert "0 people; the first of whom anything is known came at 2026-01-0" in said


def test_where_no_file_can_be_made_is_said(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / ".t.arrow.unfinished").mkdir()
    found = run("features", "views", "--happened-by", LAST, "--out", tmp_path / "t.arrow", "--data", data)
    assert found.exit_code == 1
    assert f"tactful: {tmp_path / 't.arrow'} cannot be written: " in found.output


def test_a_file_that_is_not_published_as_json(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text('features: {often: count("Product Viewed") >= 10}\n')
    said = run("features", tmp_path / "new.yaml", "--known-at", LAST, "--json", "--data", data).output
    rows = [json.loads(line) for line in said.splitlines()]
    assert {row["often"] for row in rows} == {True, False}
    who = ("--who", 'count("Product Viewed") >= 10')
    few = run("features", tmp_path / "new.yaml", "--known-at", LAST, "--json", *who, "--data", data).output
    assert [json.loads(line) for line in few.splitlines()] == [row for row in rows if row["often"]]


def test_what_is_proposed_is_a_set(data: Path, run: Run, tmp_path: Path) -> None:
    said = run("features", "--happened-by", LAST, "--propose", "--data", data).output
    (tmp_path / "proposed.yaml").write_text(said)
    assert '  product_viewed_30d: count("Product Viewed", last="30d")\n' in said
    glance = run("features", tmp_path / "proposed.yaml", "--happened-by", LAST, "--data", data)
    assert glance.exit_code == 0, glance.output
    assert "product_viewed_30d" in glance.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "say for which time: --happened-by TIME"),
        (("--happened-by", MIDDLE, "--known-at", MIDDLE), "say for which time"),
        (("--happened-by", "then"), "--happened-by then: this is no time"),
        (("--happened-by", "2999-01-01"), "what will have happened by then nobody knows"),
        (("--known-at", MIDDLE, "--delay", "1h"), "--delay belongs to --happened-by"),
        (("--happened-by", MIDDLE, "--delay", "nowhere=1h"), 'there is no source "nowhere"'),
        (("--happened-by", MIDDLE, "--delay", "soon"), '--delay soon: write a duration such as "1h"'),
        (("--happened-by", MIDDLE, "--who", 'count("*")'), "this is a number, and no condition"),
        (("--happened-by", MIDDLE, "--out", "t.csv"), "t.csv: a table of features ends in .parquet or .arrow"),
        (("--happened-by", MIDDLE, "--out", "no/t.arrow"), "there is no folder"),
        (("vews", "--happened-by", MIDDLE), 'there is no set of features "vews"; did you mean "views"?'),
        (("gone.yaml", "--happened-by", MIDDLE), "gone.yaml cannot be read: No such file"),
    ],
)
def test_what_it_refuses(data: Path, run: Run, given: tuple[str, ...], said: str) -> None:
    found = run("features", *given, "--data", data)
    assert found.exit_code == 1
    assert said in found.output


def test_sets_that_mean_two_things_by_one_name_are_refused(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text('features: {viewed: count("*")}\n')
    found = run("features", "views", tmp_path / "other.yaml", "--happened-by", LAST, "--data", data)
    assert '"viewed" means one thing in views and another in other' in found.output
