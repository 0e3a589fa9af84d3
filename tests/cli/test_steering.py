"""`tactful journeys` and `tactful sending` on a real data folder."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tactful.app.application import Application
from tactful.events.records import Enter, Steer, decode
from tests.cli.conftest import Run

CALLED = "description: VIPs\nstart: {call: true}\nwait: 1h\nsend: {webhook: 'https://x.example/hook'}\n"


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    (project / "journeys" / "vip.yaml").write_text(CALLED)
    folder = tmp_path / "data"
    line = '{"type": "track", "event": "Product Added", "userId": "ada", "receivedAt": "2025-03-12T12:00:00Z"}'
    (tmp_path / "calls.jsonl").write_text(line)
    result = run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, "--data", folder)
    assert result.exit_code == 0, result.output
    return folder


def records(data: Path, kind: type) -> Sequence[object]:
    house = Application().house(data, None, read_only=True)
    bodies = [body for partition in range(house.partitions) for _, body in house.log.read(partition, 0, 1000)]
    found = [record for body in bodies if isinstance(record := decode(body), kind)]
    house.close()
    return found


def test_journeys_are_listed_with_who_is_inside(data: Path, run: Run) -> None:
    result = run("journeys", "--data", data)
    assert result.exit_code == 0, result.output
    assert "vip" in result.output and "call" in result.output and "running" in result.output
    listed = [json.loads(line) for line in run("journeys", "--json", "--data", data).output.splitlines()]
    inside = {one["journey"]: sum(one["inside"].values()) for one in listed}
    assert inside["cart_reminder"] == 1
    assert inside["vip"] == 0


def test_orders_are_records(data: Path, run: Run) -> None:
    said = run("journeys", "pause", "cart_reminder", "--reason", "sold out", "--by", "ann", "--data", data)
    assert said.output.startswith("cart_reminder is paused: nobody enters, nobody moves")
    assert run("sending", "off", "--data", data).output.startswith("all sending is off")
    told = [(one.journey, one.order, one.author, one.reason) for one in records(data, Steer) if isinstance(one, Steer)]
    assert told == [("cart_reminder", "pause", "ann", "sold out"), ("", "pause", "command line", "")]


def test_an_unknown_journey_is_refused_with_those_there_are(data: Path, run: Run) -> None:
    result = run("journeys", "stop", "carts", "--data", data)
    assert result.exit_code == 1
    assert "there is no journey 'carts'; published are: cart_reminder" in result.output


def test_a_list_enters_a_journey(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "vips.csv").write_text("userId,tier\nada,gold\n,silver\n")
    result = run("journeys", "enter", "vip", "--list", tmp_path / "vips.csv", "--data", data)
    assert result.exit_code == 1
    assert "line 3: nobody is named" in result.output
    assert "1 entry for vip, 1 line could not be taken" in result.output
    assert [one.key for one in records(data, Enter) if isinstance(one, Enter)] == ["u:ada"]


def test_a_journey_that_is_not_called_cannot_be_entered(data: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "vips.csv").write_text("userId\nada\n")
    result = run("journeys", "enter", "cart_reminder", "--list", tmp_path / "vips.csv", "--data", data)
    assert result.exit_code == 1
    assert "in its file write start: {call: true}" in result.output


def test_a_run_of_a_paused_journey_says_so(data: Path, run: Run, tmp_path: Path) -> None:
    """Its due time alone would be a promise that nobody keeps."""
    (tmp_path / "vips.csv").write_text("userId\nada\n")
    assert run("journeys", "enter", "vip", "--list", tmp_path / "vips.csv", "--data", data).exit_code == 0
    assert run("journeys", "pause", "vip", "--reason", "sold out", "--by", "ann", "--data", data).exit_code == 0
    house = Application().house(data, None, read_only=False)
    workers = [house.worker(partition, house.clock) for partition in range(house.partitions)]
    for _ in range(20):  # Until everybody has met the plan and the list, and the order behind them.
        for worker in workers:
            worker.turn()
    house.close()
    told = run("explain", "ada", "--journey", "vip", "--data", data).output
    assert "the journey is paused since " in told
    assert "by ann (sold out)" in told
    values = json.loads(run("explain", "ada", "--journey", "vip", "--json", "--data", data).output)
    assert values["runs"][0]["steered"].startswith("paused since ")
