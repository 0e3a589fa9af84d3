"""preview, and publish with foresight, over a data folder in which something has happened."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

LAST = "2026-01-20T00:00Z"


def test_a_preview_says_how_many_when_and_who(data: Path, run: Run) -> None:
    said = run("preview", 'count("Product Viewed") >= 3', "--at", LAST, "--days", 5, "--data", data).output
    assert "of 20 people" in said
    assert "2026-01-15" in said and "2026-01-20" in said
    assert ">= 3:" in said
    assert "some of them" in said


def test_of_days_before_the_first_event_nothing_is_said_but_that_there_was_nobody(data: Path, run: Run) -> None:
    found = json.loads(run("preview", 'any("*")', "--at", LAST, "--days", 60, "--json", "--data", data).output)
    people = [one["people"] for one in found["overTime"]]
    assert len(people) < 20
    assert people.count(0) == 1 == people.index(0) + 1


def test_what_was_imported_counts_by_what_had_happened(lived: Path, project: Path, run: Run) -> None:
    lines = (lived / "calls.jsonl").read_text(encoding="utf-8").replace('"receivedAt"', '"timestamp"')
    (lived / "orders.jsonl").write_text(lines, encoding="utf-8")
    where = ("--data", lived / "imported", "--project", project)
    taken = run("import", lived / "orders.jsonl", "--yes", *where)
    assert "300 taken" in taken.output, taken.output
    asked = ("preview", 'count("Product Viewed") >= 3', "--at", LAST, "--days", 5, *where)
    early = run(*asked).output
    assert early.startswith("0 of 0 people") and "--happened asks by what had happened" in early
    assert "nobody was known then; the first of whom anything is known came at 2" in early
    before = run(*asked[:3], "2001-01-01", *where, "--happened").output
    assert "nobody was known then; the first of whom anything is known came at 2026-01-0" in before
    said, replayed = run(*asked, "--happened").output, run(*asked[:-4], "--data", lived / "data").output
    assert said.replace(" by what had happened until ", " at ") == replayed
    for command in (("profile", "u3"), ("segment", "buyers")):
        assert "--happened" in run(*command, "--at", LAST, *where).output
    nobody = run("features", "--known-at", LAST, *where).output
    assert nobody.startswith("2026-01-20T00:00:00.000Z  0 people; what came in later, by an import say, counts with")
    assert "u:u3, by what had happened" in run("profile", "u3", "--at", LAST, "--happened", *where).output


def test_a_name_that_never_came_is_said(data: Path, run: Run) -> None:
    said = run("preview", 'count("Product Viewd") > 3', "--at", LAST, "--data", data).output
    assert 'nothing called "Product Viewd" has ever come in; did you mean "Product Viewed"?' in said
    said = run("segment", "--when", 'count("Product Viewd") > 3', "--at", LAST, "--data", data).output
    assert 'nothing called "Product Viewd" has ever come in; did you mean "Product Viewed"?' in said


@pytest.mark.parametrize("command", ["seed", "thresholds"])
def test_no_folder_is_made_by_asking(tmp_path: Path, run: Run, command: str) -> None:
    result = run(command, "--data", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "is no data folder of Tactful" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_a_preview_as_json(data: Path, run: Run) -> None:
    given = ("preview", "country", "--at", LAST, "--json", "--data", data)
    found = json.loads(run(*given).output)
    assert found["kind"] == "value"
    assert {one["value"] for one in found["values"]} == {"DE", "AT"}
    assert sum(one["people"] for one in found["values"]) == found["people"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("count(",), "<expression>:1"),
        (("vip", "--at", "yesterday"), "this is no time"),
        (("vip", "--at", "2999-01-01"), "what will be then nobody knows"),
        (("vip", "--days", "-1"), "--days is from 0"),
    ],
)
def test_what_is_wrong_is_said(data: Path, run: Run, given: tuple[str, ...], said: str) -> None:
    result = run("preview", *given, "--data", data)
    assert result.exit_code == 1
    assert said in result.output


def test_a_publish_says_first_what_it_would_do(data: Path, project: Path, run: Run) -> None:
    (project / "segments" / "lookers.yaml").write_text('when: count("Product Viewed") >= 3\n')
    said = run("publish", "--dry-run", "--project", project, "--data", data).output
    assert "segment lookers new: 0 people now, 20 then; 20 enter (" in said
    assert "nobody is messaged for the past" in said
    assert "1 aggregate is counted for the first time" in said
    assert "published as" not in said
    found = json.loads(run("publish", "--dry-run", "--json", "--project", project, "--data", data).output)
    assert (found["published"], found["changes"]) == (False, ["+ segments/lookers.yaml"])
    assert found["foresight"]["segments"][0]["entering"] == 20


def test_who_only_asks_makes_no_lake_wherever_it_would_lie(data: Path, project: Path, run: Run, tmp_path: Path) -> None:
    with (project / "tactful.toml").open("a") as settings:
        settings.write(f'\n[history]\nlocation = "{tmp_path / "lake"}"\n')
    said = run("preview", "True", "--at", LAST, "--days", 0, "--project", project, "--data", data).output
    assert "20 of 20 people" in said
    assert not (tmp_path / "lake").exists()
