"""What helps while somebody writes: check, vocabulary and schema, for people and for editors."""

import json
from pathlib import Path
from typing import Any

import pytest

from tactful.language import names, paths
from tactful.operations.definitions import completion
from tests.cli.conftest import Run


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    """Twelve orders and a view that came in, in the project's own data folder."""
    lines = []
    for number in range(12):
        at = f"2025-03-03T10:00:{number:02}Z"
        properties = {"total": 10 + number, "coupon": None, "note": "a" if number % 2 else 7}
        order = {"type": "track", "event": "Order Completed", "userId": f"u{number % 3}", "properties": properties}
        lines.append({**order, "timestamp": at, "receivedAt": at})
    at = "2025-03-03T10:01:00Z"
    lines.append({"type": "identify", "userId": "u1", "traits": {"plan": "paid"}, "timestamp": at, "receivedAt": at})
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder = project / "data"
    assert run("import", "--replay", path, "--project", project, "--data", folder).exit_code == 0
    return folder


def test_a_name_that_never_came_is_told_with_what_did(project: Path, data: Path, run: Run) -> None:
    (project / "segments" / "typo.yaml").write_text('when: any("Order Complete")\n')
    shown = run("check", "--project", project)
    assert shown.exit_code == 0
    assert 'no event "Order Complete" came in 7 days' in shown.output
    assert 'did you mean "Order Completed"? seen 12 times in 7 days' in shown.output


def test_only_a_data_folder_that_was_named_must_be_there(
    project: Path, tmp_path: Path, run: Run, monkeypatch: Any
) -> None:
    assert run("check", "--project", project, "--data", tmp_path / "no").exit_code == 1
    monkeypatch.setenv("TACTFUL_DATA", str(tmp_path / "no"))
    assert run("check", "--project", project).exit_code == 0


def test_check_as_json(project: Path, run: Run) -> None:
    fine = json.loads(run("check", "--project", project, "--json").output)
    assert (fine["segments"], fine["metrics"], fine["problems"], fine["warnings"]) == (1, 0, [], [])
    (project / "segments" / "abroad.yaml").write_text('when: country != "DE"\n')
    (warning,) = json.loads(run("check", "--project", project, "--json").output)["warnings"]
    assert warning == {
        "file": "segments/abroad.yaml",
        "line": 1,
        "column": 7,
        "message": "this includes people without country",
        "hint": "to leave them out, add: and country is not None",
        "text": 'when: country != "DE"',
    }
    (project / "segments" / "wrong.yaml").write_text('when: any("A", last="1mo")\n')
    with (project / "tactful.toml").open("a") as settings:
        settings.write("\n[limits]\nnone = 1\n")
    wrong = run("check", "--project", project, "--json")
    assert wrong.exit_code == 1
    assert [one["file"] for one in json.loads(wrong.output)["problems"]] == ["tactful.toml", "segments/wrong.yaml"]


def test_the_vocabulary_of_a_project(project: Path, data: Path, run: Run) -> None:
    (project / "collections").mkdir()
    (project / "collections" / "cart.yaml").write_text("add: Product Added\nkey: sku\nfields: [name]\n")
    (project / "metrics").mkdir()
    (project / "metrics" / "spent.yaml").write_text('description: In all\nvalue: sum("Order Completed", total)\n')
    (project / "segments" / "more.yaml").write_text(
        'when: city == "X" and score("churn") > 1 and consents("profiling") and any("Product Viewed")\n'
    )
    shown = run("vocabulary", "--project", project, "--json")
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.output)
    assert [one["name"] for one in found["functions"]] == list(names.FUNCTIONS)
    assert all(one["help"] and one["signature"] and one["example"] for one in found["functions"])
    first, *others = found["events"]
    assert first == {
        "name": "Order Completed",
        "help": "",
        "isDeclared": False,
        "seen": 12,
        "properties": [
            {"name": "total", "type": "number", "help": ""},
            {"name": "coupon", "type": "anything", "help": ""},
            {"name": "note", "type": "anything", "help": ""},
        ],
    }
    assert {"Product Viewed", "$identify", "*"} <= {one["name"] for one in others}
    assert [(one["name"], one["type"]) for one in found["traits"]] == [("plan", "text"), ("city", "anything")]
    assert [part["name"] for part in found["collections"][0]["parts"]][:2] == ["lines", "quantity"]
    assert found["collections"][0]["fields"] == ["sku", "quantity", "name"]
    assert found["metrics"] == [{"name": "spent", "help": "In all"}]
    assert found["models"] == [{"name": "churn"}]
    assert found["purposes"] == [{"name": "email_marketing"}, {"name": "profiling"}]
    told = run("vocabulary", "--project", project).output
    assert "count(EVENT, where=, same=, last= | between=)" in told
    assert "12 times in 7 days; total (number)" in told
    assert "cart.changed_at" in told


def test_what_is_declared_comes_with_its_types(run: Run) -> None:
    found = json.loads(run("vocabulary", "--project", "examples/shop", "--json").output)
    (order,) = [one for one in found["events"] if one["name"] == "Order Completed"]
    assert order["isDeclared"]
    assert {"name": "total", "type": "number", "help": "What was paid"} in order["properties"]
    assert {"name": "address", "type": "object", "help": "city"} in found["traits"]


def test_every_word_has_its_help() -> None:
    assert {*" ".join(completion.KEYWORDS).split()} == names.WORDS
    assert completion.ROOTS.keys() == names.ROOTS
    assert completion.PARTS.keys() == {*paths.PARTS}
    assert completion.CALLS.keys() == names.CALL_NAMES | {names.EVERYTHING}


def test_schemas_are_printed_and_written(tmp_path: Path, run: Run) -> None:
    assert json.loads(run("schema", "segment").output)["required"] == ["when"]
    assert "collection  A collection" in run("schema").output
    assert run("schema", "segmnt").exit_code == 1
    assert run("schema", "--write", tmp_path / "schemas").exit_code == 0
    assert json.loads((tmp_path / "schemas" / "metric.json").read_text())["title"] == "Tactful: metric"
