"""`tactful segment` and `tactful profile`, over a real data folder."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tactful.app.application import COMMANDS, Application
from tactful.cli.main import command_line
from tests.cli.conftest import Run

NOON = "2025-03-04T12:00:00Z"


def called(*arguments: object) -> Result:
    return CliRunner().invoke(command_line(Application(), COMMANDS), [str(one) for one in arguments])


@pytest.fixture(scope="module")
def run() -> Run:
    return called


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asof") / "shop"
    assert called("init", folder).exit_code == 0
    (folder / "segments" / "buyers.yaml").write_text('when: any("Order Completed")\n')
    return folder


@pytest.fixture(scope="module")
def data(project: Path) -> Path:
    lines = [
        {"type": "track", "event": "Order Completed", "userId": f"u{day}", "timestamp": at, "receivedAt": at}
        for day in (3, 5)
        for at in (f"2025-03-0{day}T10:00:00Z",)
    ]
    calls, folder = project.parent / "calls.jsonl", project.parent / "data"
    calls.write_text("\n".join(map(json.dumps, lines)))
    result = called("import", "--replay", calls, "--project", project, "--data", folder)
    assert result.exit_code == 0, result.output
    house = Application().house(folder, None, read_only=False)
    workers = [house.worker(partition, house.clock) for partition in range(house.log.partitions)]
    while any([worker.turn() for worker in workers]):
        pass
    house.close()
    return folder


def test_who_was_in_a_segment(data: Path, project: Path, run: Run) -> None:
    where = "--data", data, "--project", project
    result = run("segment", "buyers", "--at", NOON, *where)
    assert result.output.startswith("1 person, as known at 2025-03-04T12:00:00.000Z\nsegment buyers, version 1 of ")
    assert "u:u3    2025-03-03T10:00:00.000Z" in result.output
    values = json.loads(run("segment", "buyers", "--json", "--limit", 1, *where).output)
    assert (values["people"], len(values["members"])) == (2, 1)
    early = run("segment", "buyers", "--happened", "--at", "2025-01-01", *where)
    assert "the first: it was not there yet, so this is for whom it would have held" in early.output
    worked_out = run("segment", "--when", 'count("Order Completed") > 0', "--happened", "--at", NOON, *where)
    assert worked_out.output.startswith("1 person, by what had happened until 2025-03-04T12:00:00.000Z\n")


def test_a_source_may_be_late(data: Path, project: Path, run: Run) -> None:
    settings = project / "tactful.toml"
    before = settings.read_text()
    text = before + '\n[sources.import]\nwrite_key = "imports"\ndelay = "2d"\n'
    settings.write_text(text)
    question = "segment", "--when", 'any("Order Completed")', "--happened", "--data", data, "--project", project
    assert run(*question, "--at", "2025-03-05T09:59:59Z").output.startswith("0 people")
    assert run(*question, "--at", "2025-03-05T10:00:00Z").output.startswith("1 person")
    settings.write_text(text.replace('"2d"', '"soon"'))
    refused = run(*question)
    settings.write_text(before)
    assert refused.exit_code == 1
    assert "sources.import.delay: 'soon' is no duration" in refused.output


def test_what_a_profile_looked_like(data: Path, project: Path, run: Run) -> None:
    where = "--data", data, "--project", project
    result = run("profile", "u3", "--at", NOON, *where)
    assert "  segment      buyers, since 2025-03-03T10:00:00.000Z\n" in result.output
    assert json.loads(run("profile", "u3", "--json", *where).output)["person"] == "u:u3"
    refused = run("profile", "u5", "--at", NOON, *where)
    assert refused.exit_code == 1
    assert "nobody is known as 'u5' here" in refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("segment",), "give the name of a segment, or a condition"),
        (("segment", "buyers", "--when", "true"), "give the name of a segment, or a condition"),
        (("segment", "buyers", "--at", "noon"), "--at noon: this is no time"),
        (("segment", "buyers", "--at", "2999-01-01"), "--at 2999-01-01: what will be then nobody knows; it is 20"),
        (("profile", "ada", "--at", "2999-01-01"), "--at 2999-01-01: what will be then nobody knows"),
    ],
)
def test_what_is_no_question(data: Path, project: Path, run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments, "--data", data, "--project", project)
    assert result.exit_code == 1
    assert said in result.output
