"""`tactful campaign` on a real data folder: preview, approval, launch by the engine, stop."""

import json
from pathlib import Path
from typing import Any

import pytest

from tactful.app.application import Application
from tactful.events.derived import RunStarted, SendMessage, decode_groups
from tactful.events.records import Launch, decode
from tests.cli.conftest import Run

SPRING = "description: Spring\nstart: {campaign: germans}\nholdout: 20%\nsteps:\n- {send: {email: cart_reminder}}\n"
PEOPLE = 60


@pytest.fixture
def shop(tmp_path: Path, project: Path, run: Run) -> tuple[Path, Path]:
    """Half of the people are German; of each ten two have no address; of each three one has never agreed."""
    (project / "segments" / "germans.yaml").write_text('when: country == "DE"\n')
    (project / "journeys" / "spring.yaml").write_text(SPRING)
    lines: list[dict[str, Any]] = []
    at = "2025-03-12T12:00:00Z"
    for number in range(PEOPLE):
        traits = {"country": "DE" if number % 2 else "FR", **({"email": f"p{number}@x.example"} if number % 5 else {})}
        lines.append({"type": "identify", "userId": f"p{number}", "traits": traits, "receivedAt": at})
        if number % 3:
            consent = {"type": "consent", "purpose": "email_marketing", "granted": True}
            lines.append({**consent, "userId": f"p{number}", "receivedAt": at})
    (tmp_path / "calls.jsonl").write_text("\n".join(map(json.dumps, lines)))
    data = tmp_path / "data"
    result = run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, "--data", data)
    assert result.exit_code == 0, result.output
    return project, data


def work(data: Path) -> None:
    """What the engine does of itself."""
    house = Application().house(data, None, read_only=False)
    workers = [house.worker(partition, house.clock) for partition in range(house.partitions)]
    while any([worker.turn() for worker in workers]):
        pass
    house.close()


def publish(run: Run, project: Path, data: Path) -> None:
    assert run("publish", "--project", project, "--data", data).exit_code == 0
    work(data)


def launches(data: Path) -> list[Launch]:
    house = Application().house(data, None, read_only=True)
    found = [record for _, body in house.log.read(0, 0, 10_000) if isinstance(record := decode(body), Launch)]
    house.close()
    return found


def status(run: Run, data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("campaign", "status", "spring", "--json", "--data", data).output)
    return found


def test_a_preview_says_what_the_launch_then_does(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    seen = json.loads(run("campaign", "preview", "spring", "--json", "--data", data).output)
    assert (seen["people"], seen["audience"], seen["entering"]) == (PEOPLE, PEOPLE // 2, PEOPLE // 2)
    (reach,) = seen["reach"]
    assert reach["reached"] + sum(reach["reasons"].values()) == PEOPLE // 2 - seen["heldOut"]["holdout"]
    assert set(reach["reasons"]) == {"no consent: email_marketing", "no e-mail address"}
    assert len(seen["shown"]) == 3
    assert all(shown["subject"] == "Still thinking about it?" for shown in seen["shown"])
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    assert run("campaign", "launch", "spring", "--by", "ann", "--data", data).exit_code == 0
    work(data)
    house = Application().house(data, None, read_only=True)
    rows = [
        row
        for partition in range(house.partitions)
        for body in house.trail.between(partition, 0, 1 << 60)
        for group in decode_groups(body)
        for row in group.rows
    ]
    refused = house.outbox.counts().get("refused", 0)
    house.close()
    started = [row.arm for row in rows if isinstance(row, RunStarted)]
    assert (len(started), started.count("holdout")) == (seen["entering"], seen["heldOut"]["holdout"])
    assert len([row for row in rows if isinstance(row, SendMessage)]) == len(started) - started.count("holdout")
    assert refused <= sum(reach["reasons"].values()), "what the gate has come to by now"


def test_who_launched_and_who_approved_stands_in_the_log(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    assert status(run, data)["state"] == "not approved"
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    assert status(run, data)["state"] == "approved"
    run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    (launch,) = launches(data)
    assert (launch.journey, launch.author, launch.approved_by) == ("spring", "ann", "bea")
    work(data)
    assert status(run, data)["state"] == "launched"
    again = run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    assert again.exit_code == 1
    assert "once is enough" in again.output


def test_without_approval_nothing_begins(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    result = run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    assert result.exit_code == 1
    assert "nobody has approved spring: tactful campaign approve spring --by WHO" in result.output
    assert launches(data) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("journeys/spring.yaml", SPRING.replace("20%", "10%")),
        ("messages/cart_reminder.yaml", "purpose: email_marketing\nsubject: Another\ntext: Another\n"),
        ("segments/germans.yaml", 'when: country == "DE" or country == "AT"\n'),
    ],
)
def test_what_was_changed_has_to_be_approved_once_more(run: Run, shop: tuple[Path, Path], path: str, text: str) -> None:
    project, data = shop
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    (project / path).write_text(text)
    publish(run, project, data)
    assert status(run, data)["state"] == "changed since approval"
    result = run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    assert result.exit_code == 1
    assert "spring has changed since bea approved it" in result.output
    assert launches(data) == []
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    assert run("campaign", "launch", "spring", "--by", "ann", "--data", data).exit_code == 0


def test_another_definition_that_it_does_not_use_changes_nothing(run: Run, shop: tuple[Path, Path]) -> None:
    project, data = shop
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    (project / "segments" / "others.yaml").write_text('when: country == "FR"\n')
    publish(run, project, data)
    assert status(run, data)["isApproved"] is True


def test_only_the_version_that_was_looked_at_is_approved(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    version = json.loads(run("campaign", "preview", "spring", "--json", "--data", data).output)["version"]
    assert run("campaign", "approve", "spring", "--by", "bea", "--version", version, "--data", data).exit_code == 0
    result = run("campaign", "approve", "spring", "--by", "bea", "--version", "older", "--data", data)
    assert result.exit_code == 1
    assert f"spring is at version {version} by now, not older" in result.output


def test_where_two_are_needed_one_is_not_enough(run: Run, shop: tuple[Path, Path]) -> None:
    project, data = shop
    settings = project / "tactful.toml"
    settings.write_text(settings.read_text() + '\n[sending]\napproval = "second_person"\n')
    publish(run, project, data)
    run("campaign", "approve", "spring", "--by", "Ann", "--data", data)
    result = run("campaign", "launch", "spring", "--by", " ann ", "--data", data)
    assert result.exit_code == 1
    assert "somebody else has to launch it" in result.output
    assert run("campaign", "launch", "spring", "--by", "bea", "--data", data).exit_code == 0


def test_what_is_stopped_or_off_is_not_launched(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    run("campaign", "stop", "spring", "--by", "bea", "--reason", "not yet", "--data", data)
    work(data)
    assert status(run, data)["state"] == "stopped"
    assert "it was stopped" in run("campaign", "launch", "spring", "--by", "ann", "--data", data).output
    run("journeys", "resume", "spring", "--data", data)
    run("sending", "off", "--data", data)
    work(data)
    assert (
        "all sending cannot be launched: it is off"
        in run("campaign", "launch", "spring", "--by", "ann", "--data", data).output
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("preview", "sprong"), "there is no campaign 'sprong'; published are: spring"),
        (("preview", "cart_reminder"), "cart_reminder is no campaign"),
        (("approve", "spring", "--by", " "), "say who you are"),
        (("status", "sprong"), "there is no campaign"),
        (("stop", "cart_reminder"), "cart_reminder is no campaign"),
    ],
)
def test_what_there_is_not_is_refused(run: Run, shop: tuple[Path, Path], arguments: tuple[str, ...], said: str) -> None:
    result = run("campaign", *arguments, "--data", shop[1])
    assert result.exit_code == 1
    assert said in result.output


def test_a_damaged_file_of_approvals_is_said(run: Run, shop: tuple[Path, Path]) -> None:
    _, data = shop
    (data / "approvals.json").write_text("{")
    result = run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    assert result.exit_code == 1
    assert "approvals.json is damaged" in result.output


def test_who_is_inside_already_and_for_whom_if_does_not_hold_is_told_apart(run: Run, shop: tuple[Path, Path]) -> None:
    project, data = shop
    waiting = SPRING.replace("holdout: 20%", 'if: email != "p1@x.example"') + "- {wait: 1d}\n"
    (project / "journeys" / "spring.yaml").write_text(waiting)
    publish(run, project, data)
    run("campaign", "approve", "spring", "--by", "bea", "--data", data)
    run("campaign", "launch", "spring", "--by", "ann", "--data", data)
    work(data)
    seen = json.loads(run("campaign", "preview", "spring", "--json", "--data", data).output)
    assert seen["entering"] == 0
    assert sorted(seen["notEntering"].values()) == [1, PEOPLE // 2 - 1]
    assert seen["notEntering"]["is inside already"] == PEOPLE // 2 - 1
