"""`tactful backtest`: over a data folder that a replay has filled."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

REMIND = """
description: Reminds
start: {event: Product Added}
unless: Order Completed
goal: {event: Order Completed, within: 2d}
wait: 30m
send: {email: hello}
"""
HELLO = "purpose: email_marketing\nsubject: Hello\ntext: Hello\n"


def line(at: str, kind: str, who: str, **more: object) -> str:
    return json.dumps({"type": kind, "receivedAt": f"2025-03-{at}Z", "userId": who, **more})


def calls() -> list[str]:
    found = []
    for who in ("ada", "bob", "eve"):
        found.append(line("01T08:00:00", "identify", who, traits={"email": f"{who}@x.example"}))
        if who != "eve":
            found.append(line("01T08:00:00", "consent", who, purpose="email_marketing", granted=True))
    for who, day in (("ada", "03"), ("bob", "04"), ("eve", "04"), ("ada", "09")):
        found.append(line(f"{day}T12:00:00", "track", who, event="Product Added", properties={"price": 9}))
    found.append(line("04T12:10:00", "track", "bob", event="Order Completed", properties={"total": 9}))
    found.append(line("09T18:00:00", "track", "ada", event="Order Completed", properties={"total": 9}))
    return sorted(found, key=lambda text: str(json.loads(text)["receivedAt"]))


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for path, text in (("journeys/remind.yaml", REMIND), ("messages/hello.yaml", HELLO), ("tactful.toml", "")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(calls()))
    result = run("import", "--replay", events, "--project", folder, "--data", folder / "data")
    assert result.exit_code == 0, result.output
    return folder


def test_it_says_what_would_have_been_sent(run: Run, shop: Path, tmp_path: Path) -> None:
    listed, other = tmp_path / "messages.jsonl", tmp_path / "sooner.yaml"
    other.write_text(REMIND.replace("30m", "5m"))
    where = ("--data", shop / "data", "--processes", "1", "--from", "2025-03-02", "--to", "2025-03-20")
    about = (shop / "journeys/remind.yaml", *where)
    result = run("backtest", *about, "--against", other, "--messages", listed, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    this, sooner = found["versions"]
    assert (this["messages"], sooner["messages"]) == (2, 3)
    reasons = {(one["where"], one["reason"]): one["times"] for one in this["reasons"]}
    assert reasons == {("run", "Order Completed came first"): 1, ("gate", "no consent: email_marketing"): 1}
    assert this["cameAnyway"] == {"before": 0, "after": 1, "both": 0, "windowStillOpen": 0}
    assert found["difference"]["people"] == {"both": 1, "this": 0, "sooner": 1}
    told = [json.loads(text) for text in listed.read_text().splitlines()]
    assert [(one["version"], one["person"], one["at"][:16]) for one in told] == [
        ("this", "u:ada", "2025-03-03T12:30"),
        ("this", "u:ada", "2025-03-09T12:30"),
        ("sooner", "u:ada", "2025-03-03T12:05"),
        ("sooner", "u:bob", "2025-03-04T12:05"),
        ("sooner", "u:ada", "2025-03-09T12:05"),
    ]
    text = run("backtest", *about).stdout
    assert "messages  2 to 1 of 3 people" in text
    assert "the run ended: Order Completed came first" in text
    assert "1  of 2 messages (50%) within the window after" in text


def test_it_says_why_the_others_got_none(run: Run, shop: Path, tmp_path: Path) -> None:
    """And is steered as it was where that is asked: nobody has steered it."""
    reasons, where = tmp_path / "reasons.jsonl", ("--data", shop / "data", "--processes", "1", "--from", "2025-03-02")
    result = run("backtest", shop / "journeys/remind.yaml", *where, "--reasons", reasons, "--orders", "--json")
    assert result.exit_code == 0, result.output
    (this,) = json.loads(result.stdout)["versions"]
    told = [json.loads(text) for text in reasons.read_text().splitlines()]
    assert [(one["what"], one["person"], one["at"][:16], one["text"]) for one in told] == [
        ("began", "u:ada", "2025-03-03T12:00", ""),
        ("began", "u:bob", "2025-03-04T12:00", ""),
        ("began", "u:eve", "2025-03-04T12:00", ""),
        ("run", "u:bob", "2025-03-04T12:10", "Order Completed came first"),
        ("gate", "u:eve", "2025-03-04T12:30", "no consent: email_marketing"),
        ("began", "u:ada", "2025-03-09T12:00", ""),
    ]
    assert this["runs"] == sum(one["what"] == "began" for one in told)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--from", "soon"), "soon"),
        (("--from", "2025-03-20", "--to", "2025-03-02"), "from must be before to"),
        (("--against", "nowhere.yaml"), "there is no file nowhere.yaml"),
        (("--to", "2024-01-01", "--from", "2023-01-01"), "choose a later end"),
        (("--messages", "/no/where.jsonl"), "/no/where.jsonl cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_is_said(run: Run, shop: Path, more: tuple[str, ...], said: str) -> None:
    result = run("backtest", shop / "journeys/remind.yaml", "--data", shop / "data", *more)
    assert result.exit_code == 1
    assert said in result.output


def test_a_mistake_is_told_with_its_place(run: Run, shop: Path) -> None:
    (shop / "journeys/remind.yaml").write_text(REMIND.replace("hello", "hallo"))
    result = run("backtest", shop / "journeys/remind.yaml", "--data", shop / "data")
    assert result.exit_code == 1
    assert "journeys/remind.yaml" in result.output


def test_a_mistake_in_the_version_beside_it_is_told_with_that_file(run: Run, shop: Path, tmp_path: Path) -> None:
    (other := tmp_path / "sooner.yaml").write_text(REMIND.replace("hello", "hallo"))
    result = run("backtest", shop / "journeys/remind.yaml", "--against", other, "--data", shop / "data")
    assert result.exit_code == 1
    assert f'{other}:7:15: there is no message "hallo"' in result.output
    draft = run("backtest", other, "--project", shop, "--data", shop / "data")
    assert f'{other}:7:15: there is no message "hallo"' in draft.output
