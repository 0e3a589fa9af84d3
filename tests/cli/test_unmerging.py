"""`tactful unmerge` beside `tactful explain`, over a real data folder."""

import json
from pathlib import Path

import pytest

from tactful.app.application import Application
from tests.cli.conftest import Run


def line(day: int, name: str = "", **more: object) -> str:
    at = f"2025-03-{day:02}T10:00:00Z"
    call = {"type": "track", "event": name} if name else {"type": "identify"}
    return json.dumps({**call, "timestamp": at, "receivedAt": at, **more})


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    """Ann looks around before she signs up, on a phone that is hers; Bob has nothing to do with it."""
    lines = [
        line(1, "Product Viewed", anonymousId="7f3"),
        line(2, userId="ann", anonymousId="7f3", traits={"email": "ann@x.example"}),
        line(3, "Order Completed", anonymousId="7f3"),
        line(4, "Order Completed", userId="bob"),
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines))
    folder = tmp_path / "data"
    result = run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, "--data", folder)
    assert result.exit_code == 0, result.output
    return folder


def work(data: Path) -> None:
    """What a server does when it starts."""
    application = Application()
    house = application.house(data, None, read_only=False)
    workers = [house.worker(partition, house.clock) for partition in range(house.partitions)]
    while any([worker.turn() for worker in workers]):
        pass
    house.close()


def told(run: Run, data: Path, person: str) -> list[str]:
    """The texts of somebody's story."""
    values = json.loads(run("explain", person, "--json", "--data", data).output)
    return [step["text"] for step in values["story"] if step["kind"] != "left" and step["kind"] != "entered"]


def test_explain_tells_one_story_whoever_is_asked_for(data: Path, run: Run) -> None:
    by_user, by_phone = (run("explain", person, "--data", data).output for person in ("ann", "a:7f3"))
    assert by_user.startswith("u:ann\n")
    assert by_phone.startswith("u:ann (asked for as a:7f3)\n")
    assert by_phone.split("\n", 1)[1] == by_user.split("\n", 1)[1]
    assert "is known as a:7f3 since 2025-03-02T10:00:00.000Z, by $identify" in by_user
    assert "● Product Viewed [a:7f3]" in by_user


def test_what_was_undone_is_told_on_both_sides(data: Path, run: Run) -> None:
    result = run("unmerge", "a:7f3", "--data", data)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "a:7f3 belonged to u:ann, and is a person of its own once the engine has read this\n"
    )
    assert "goes back: what came through a:7f3" in result.output
    work(data)
    assert told(run, data, "7f3") == [
        "Product Viewed",
        "became part of u:ann",
        "got back what is its own from u:ann",
    ]
    mine = told(run, data, "ann")
    assert "Product Viewed" not in mine
    assert mine[-1] == "gave a:7f3 back what came from there"


def test_an_unmerge_is_json_for_machines(data: Path, run: Run) -> None:
    result = run("unmerge", "e:ann@x.example", "--json", "--data", data)
    assert json.loads(result.output) == {
        "identifier": "e:ann@x.example",
        "person": "u:ann",
        "returning": ["e:ann@x.example"],
    }


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("bob", "u:bob belongs to nobody else, and nothing is tied to it"),
        ("ann", "u:ann belongs to nobody else; of this person could be un-merged: "),
        ("zoe", "nobody is known as 'zoe' here"),
    ],
)
def test_what_cannot_be_undone_is_refused_with_what_could_be(data: Path, run: Run, identifier: str, said: str) -> None:
    result = run("unmerge", identifier, "--data", data)
    assert result.exit_code == 1
    assert said in result.output
    assert ("a:7f3" in result.output) == (identifier == "ann")
