"""`tactful eval`: an expression or cases on a file of events, and what is said where something is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

VIEWS = [("ada", "10:00"), ("ada", "10:04"), ("ada", "10:05"), ("bob", "10:05")]


def view(user: str, time: str, **more: object) -> dict[str, object]:
    at = f"2025-03-03T{time}:00Z"
    call = {"type": "track", "event": "Product Viewed", "userId": user, "timestamp": at, "receivedAt": at}
    return {**call, **more}


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(json.dumps(view(*one)) for one in VIEWS))
    return path


def cases(tmp_path: Path, *more: dict[str, Any], **values: Any) -> Path:
    case = {
        "name": "views",
        "expr": 'count("Product Viewed", last="10m")',
        "events": [view(*one) for one in VIEWS],
        "checks": [{"at": "2025-03-03T10:05:00Z", "values": values}],
    }
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case, *more]))
    return path


@pytest.mark.parametrize("engine", ["live", "sql", "both"])
def test_a_value_for_everybody(events: Path, run: Run, engine: str) -> None:
    asked = ("eval", 'count("Product Viewed", last="10m")', "--events", events, "--engine", engine)
    shown = run(*asked, "--at", "2025-03-03T10:05:00Z", "--at", "2025-03-03T10:10:00Z", "--json")
    assert shown.exit_code == 0, shown.output
    assert [json.loads(line) for line in shown.output.splitlines()] == [{"ada": 3, "bob": 1}, {"ada": 2, "bob": 1}]


def test_a_table_for_people(events: Path, run: Run) -> None:
    shown = run("eval", 'time_since("Product Viewed")', "--events", events, "--at", "2025-03-03T11:05:00Z")
    assert shown.output.splitlines() == ["at 2025-03-03T11:05:00.000Z", "person  value", "ada     1h", "bob     1h"]
    both = run("eval", "name", "--events", events, "--engine", "both")
    assert both.output.splitlines() == [
        "at 2025-03-03T10:05:00.000Z",
        "person  live     sql",
        "ada     missing  missing",
        "bob     missing  missing",
    ]


def test_nobody_is_known_before_the_first_line(events: Path, run: Run) -> None:
    asked = ("eval", 'any("*")', "--events", events, "--at", "2025-03-01T00:00:00Z")
    assert "nobody is known yet" in run(*asked).output
    assert run(*asked, "--json").output == "{}\n"


def test_lines_come_from_a_pipe(events: Path, run: Run) -> None:
    shown = run("eval", 'count("*")', "--events", "-", "--json", text=events.read_text())
    assert json.loads(shown.output) == {"ada": 3, "bob": 1}


def test_more_than_is_kept_is_marked(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "bot.jsonl"
    path.write_text("\n".join(json.dumps(view("bot", "10:00", messageId=str(one))) for one in range(4_100)))
    shown = run("eval", 'count("Product Viewed", last="1d")', "--events", path)
    assert "4096   ≈" in shown.output and "≈ is coarse" in shown.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("count('Product Viewed') > ",), ["<expression>:1:", "^"]),
        (("count('Product Viewed') AND x",), ["AND is not a word of the language", "write and"]),
        (("x", "--at", "yesterday"), ['--at "yesterday" is no time', "2025-03-01T10:00:00Z"]),
        (("segment('buyers')",), ["no segments are known here"]),
    ],
)
def test_what_is_wrong_is_said(events: Path, run: Run, arguments: tuple[str, ...], said: list[str]) -> None:
    shown = run("eval", *arguments, "--events", events)
    assert shown.exit_code == 1
    assert all(one in shown.output for one in said), shown.output
    assert "nothing was changed" not in shown.output


def test_what_surprises_is_said_beside(events: Path, run: Run) -> None:
    shown = run("eval", 'country != "DE"', "--events", events, "--json")
    assert json.loads(shown.stdout) == {"ada": True, "bob": True}
    assert "this includes people without country" in shown.stderr
    misspelt = run("eval", 'any("Product Vieved") or any("Order Completed")', "--events", events).stderr
    assert 'no event "Product Vieved" is in the file' in misspelt and 'did you mean "Product Viewed"?' in misspelt
    assert 'Order Completed" is' not in misspelt
    assert "cart is taken as a trait here" in run("eval", "cart.quantity > 2", "--events", events).stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: this is no JSON object"),
        ('{"type": "track", "event": "A", "userId": "u"}', 'line 2: "receivedAt" as ISO 8601 is missing'),
        ('{"type": "track", "event": "A", "receivedAt": "2025-03-01T10:00:00Z"}', "line 2: the call names nobody"),
        (
            '{"type": "score", "model": "m", "userId": "u", "receivedAt": "2025-03-01T10:00:00Z"}',
            "line 2: value must be",
        ),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, run: Run, line: str, said: str) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(f"{json.dumps(view('ada', '10:00'))}\n{line}\n")
    shown = run("eval", "x", "--events", path)
    assert shown.exit_code == 1
    assert said in shown.output


def test_something_to_ask_is_needed(events: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty").write_text("\n")
    for arguments, said in (
        ((), "give an expression and --events FILE"),
        (("x",), "give --events FILE"),
        (("x", "--events", tmp_path / "empty"), "the file of events is empty"),
        (("x", "--cases", events), "--cases brings its own"),
    ):
        shown = run("eval", *arguments)
        assert shown.exit_code == 1
        assert said in shown.output


# ---- cases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["live", "sql", "both"])
def test_cases_that_hold(tmp_path: Path, run: Run, engine: str) -> None:
    shown = run("eval", "--cases", cases(tmp_path, ada=3.0, bob=1), "--engine", engine)
    assert shown.exit_code == 0, shown.output
    assert "1 case, 2 values" in shown.output and "all as they should be" in shown.output


def test_every_difference_is_told(tmp_path: Path, run: Run) -> None:
    wrong = {"name": "typo", "expr": "cuont('A') > 1", "events": [], "checks": []}
    path = cases(tmp_path, wrong, ada=2, bob=True, cid=None)
    shown = run("eval", "--cases", path)
    assert shown.exit_code == 1
    for said in (
        "2025-03-03T10:05:00Z  ada: 2 expected, live says 3",
        "2025-03-03T10:05:00Z  bob: true expected, live says 1",
        "2025-03-03T10:05:00Z  cid: missing expected, live knows nobody of this name",
        "there is no function cuont()",
        "2 cases, 3 values, live: 4 differences",
    ):
        assert said in shown.output, shown.output
    told = run("eval", "--cases", path, "--json", "--engine", "both")
    assert told.exit_code == 1
    found = json.loads(told.stdout)
    assert (found["cases"], found["values"], len(found["differences"])) == (2, 3, 8)
    assert found["differences"][0] == {
        "name": "views", "engine": "live", "at": "2025-03-03T10:05:00Z", "person": "ada", "expected": 2, "found": 3,
    }  # fmt: skip


def test_cases_bring_a_project(tmp_path: Path, run: Run) -> None:
    project = {"segments/viewers.yaml": "when: count('Product Viewed') > 2\n"}
    case = {
        "name": "with files",
        "expr": 'segment("viewers") and local_hour() == 19 and sessions() == 2',
        "files": project,
        "time_zone": "Asia/Tokyo",
        "session_gap": "4m",
        "events": [view(*one) for one in VIEWS],
        "checks": [{"at": "2025-03-03T10:05:00+00:00", "values": {"ada": True, "bob": False}}],
    }
    assert run("eval", "--cases", cases(tmp_path, case), "--engine", "both").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no list of cases"),
        ('[{"name": "a"}]', "missing required field `expr`"),
        (
            '[{"name": "a", "expr": "x", "events": [], "checks": [{"at": "now", "values": {}}]}]',
            'case "a": "now" is no time',
        ),
        ('[{"name": "a", "expr": "x", "events": [], "checks": [], "chekcs": []}]', "unknown field `chekcs`"),
    ],
)
def test_what_is_no_list_of_cases(tmp_path: Path, run: Run, text: str, said: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text)
    shown = run("eval", "--cases", path)
    assert shown.exit_code == 1
    assert said in shown.output


def test_the_project_is_named(tmp_path: Path, project: Path, run: Run) -> None:
    at = "2025-03-03T10:00:00Z"
    order = {"type": "track", "event": "Order Completed", "userId": "ada", "timestamp": at, "receivedAt": at}
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(order))
    with (project / "tactful.toml").open("a") as settings:
        settings.write("\n")
    (project / "journeys" / "broken.yaml").write_text("nothing of this: is read\n")
    shown = run("eval", 'segment("recent_buyers")', "--events", path, "--project", project, "--json")
    assert json.loads(shown.output) == {"ada": True}
    unknown = run("eval", 'segment("recent_buyer")', "--events", path, "--project", project)
    assert 'did you mean "recent_buyers"?' in unknown.output


def test_the_policy_of_the_project_holds(events: Path, tmp_path: Path, run: Run) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "tactful.toml").write_text('[consent.purposes.fraud]\nbasis = "legitimate_interest"\n')
    asked = ("--events", events, "--engine", "both", "--json")
    assert set(json.loads(run("eval", 'consents("fraud")', *asked).output).values()) == {False}
    shown = run("eval", 'consents("fraud")', *asked, "--project", project)
    assert set(json.loads(shown.output).values()) == {True}
    assert 'no purpose "frand" is declared' in run("eval", 'consents("frand")', *asked, "--project", project).stderr
