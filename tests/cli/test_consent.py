"""`tactful consent` over a real data folder."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    lines = [
        {
            "type": "consent",
            "userId": user,
            "purpose": "marketing.email",
            "granted": n % 2 == 0,
            "receivedAt": f"2025-03-0{n + 1}T10:00:00Z",
        }
        for n, user in enumerate(("ann", "ann", "bob", "ann", "eve"))
    ]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder = tmp_path / "data"
    result = run("import", "--replay", path, "--project", project, "--data", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_somebody_asks_what_was_agreed_to(data: Path, run: Run) -> None:
    shown = run("consent", "show", "ann", "--data", data)
    assert shown.exit_code == 0, shown.output
    heading, *rows = shown.output.splitlines()
    assert heading.split() == ["when", "who", "purpose", "said", "text", "source", "how", "entry"]
    assert [row.split()[:4] for row in rows] == [
        ["2025-03-01T10:00:00.000Z", "u:ann", "marketing.email", "yes"],
        ["2025-03-02T10:00:00.000Z", "u:ann", "marketing.email", "no"],
        ["2025-03-04T10:00:00.000Z", "u:ann", "marketing.email", "no"],
    ]
    first, *_ = map(json.loads, run("consent", "show", "u:ann", "--data", data, "--json").output.splitlines())
    assert (first["identifier"], first["granted"], first["source"], first["origin"]) == ("u:ann", True, "import", "api")
    assert len(first["commitment"]) == 64 and len(first["salt"]) == 32
    unknown = run("consent", "show", "nobody", "--data", data)
    assert unknown.exit_code == 1 and "nobody is known as 'nobody' here" in unknown.output


def test_the_ledger_is_verified_and_a_forgery_is_told(data: Path, run: Run) -> None:
    whole = run("consent", "verify", "--data", data)
    assert whole.exit_code == 0, whole.output
    assert sum(int(line.split()[2]) for line in whole.output.splitlines()) == 5
    with sqlite3.connect(data / "ledger.db") as connection:
        ((partition, number),) = connection.execute("SELECT partition, number FROM opening WHERE key = 'u:bob'")
        connection.execute("UPDATE opening SET granted = 1 - granted WHERE key = 'u:bob'")
    connection.close()
    bad = run("consent", "verify", "--data", data)
    assert bad.exit_code == 1
    assert f"partition {partition}: entry {number}: what was decided is not what was committed to" in bad.output
    told = [json.loads(line) for line in run("consent", "verify", "--data", data, "--json").output.splitlines()]
    assert [one["fault"]["number"] for one in told if one["fault"]] == [number]


def test_a_data_folder_whose_ledger_is_missing_is_not_started(data: Path, run: Run) -> None:
    from tactful.app.application import Application
    from tactful.errors import UsageError

    house = Application().house(data, None, read_only=False)
    house.look_over()
    house.close()
    (data / "ledger.db").unlink()
    again = Application().house(data, None, read_only=False)
    with pytest.raises(UsageError, match=r"ledger\.db is missing"):
        again.look_over()
    again.close()
