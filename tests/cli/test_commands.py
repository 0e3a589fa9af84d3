"""The command line over a real project and a real data folder, without a server: what a person types, and what is said."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tactful.app.application import Application
from tactful.runtime.ports import Quarantined
from tactful.values import parse_time
from tests.cli.conftest import Run

PURPOSES = '[consent.purposes.a]\ncategories = ["A"]\n\n[consent.purposes."b.c"]\n'
SOURCES = "[sources.a]\nwrite_key = 'k'\ntrust = 'server'\n[sources.b]\n"
DAY = parse_time("2025-03-03T10:00:00Z") or 0


def calls(path: Path, lines: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def order(user: str, day: int, **more: object) -> dict[str, object]:
    at = f"2025-03-{day:02}T10:00:00Z"
    call = {"type": "track", "event": "Order Completed", "userId": user, "timestamp": at, "receivedAt": at}
    return {**call, **more}


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    """A replayed history of two people, one broken line among it."""
    lines = [
        order("ann", 1),
        order("ann", 2, messageId="m2"),
        order("bob", 3),
        order("", 3),
        order("ann", 2, messageId="m2"),
    ]
    folder = tmp_path / "data"
    result = run("import", "--replay", calls(tmp_path / "calls.jsonl", lines), "--project", project, "--data", folder)
    assert result.exit_code == 0, result.output
    assert "4 of 5 events taken, 1 in the quarantine" in result.output
    return folder


def test_a_new_project_is_fine_as_it_stands(project: Path, run: Run) -> None:
    result = run("check", "--project", project)
    assert result.exit_code == 0
    assert result.output.startswith("fine: 1 segment, 1 journey, 1 message\n")


def test_a_mistake_is_shown_where_it_stands(project: Path, run: Run) -> None:
    (project / "segments" / "broken.yaml").write_text("when: count('Order Completed', last='30d') = 3\n")
    result = run("check", "--project", project)
    assert result.exit_code == 1
    assert "segments/broken.yaml:1:" in result.output
    assert "^" in result.output
    assert "==" in result.output
    assert "nothing was changed" in result.output


def test_smtp_without_https_is_refused(project: Path, run: Run) -> None:
    with (project / "tactful.toml").open("a") as settings:
        settings.write('\n[channels.email]\nsmtp_url = "smtp://localhost"\nfrom = "a@shop.example"\n')
    result = run("check", "--project", project)
    assert result.exit_code == 1
    assert "public_url must be an https address" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[retention]\nlog_weeks = 3\n", "2:1: there is no retention.log_weeks"),
        ("[retention]\nlog_day = 3\n", 'did you mean "log_days"?'),
        ("[retention]\n\n  log_days = 'many'\n", "3:3: retention.log_days must be a whole number, not a text"),
        ("[identity]\nbrowser = 'sigend'\n", '2:1: identity.browser cannot be "sigend"'),
        ("[identity]\nbrowser = 'sigend'\n", 'did you mean "signed"?'),
        ("[identity]\nbrowser = 'closed'\n", "write open or signed"),
        ("[identity]\n# users = 3\nusers = 0\n", "3:1: identity.users must be 1 or more"),
        ("[identity]\n\nblocked = 'x'\n", "3:1: identity.blocked must be a list, not a text"),
        ("[identity]\nties = ['mail']\n", "2:1: identity.ties: 'mail' is no kind"),
        ("[consent]\nopt_in = []\nopt_out = ['USA']\n", "3:1: consent.opt_out: 'USA' is no country"),
        ("[consent]\nopt_out = ['USA']\n", 'did you mean "US"?'),
        ("[consent]\ncollect = 'x'\n", '2:1: consent.collect: no purpose "x" is declared'),
        (f'{PURPOSES}categories = "B"\n', '5:1: consent.purposes."b.c".categories must be a list'),
        (f'{PURPOSES}categories = ["A"]\n', '5:1: consent.purposes."b.c".categories: the category "A" is one of a'),
        (f'{PURPOSES}basis = "contarct"\n', 'did you mean "contract"?'),
        (f"{PURPOSES}[consent.purposes.Big]\n", '5:1: consent.purposes.Big: "Big" is no name of a purpose'),
        (f"{SOURCES}trust = 'sever'\n", '5:1: sources.b.trust cannot be "sever"'),
        (f"{SOURCES}write_key = 'k'\n", "5:1: sources.b.write_key: every source needs a write_key of its own"),
        ("\n[sources.tactful]\nwrite_key = 'k'\n", "2:1: sources.tactful: Tactful calls so what it says itself"),
        ("[workspace]\ntime_zone = 'Europe/Lisbo'\n", "2:1: workspace.time_zone: there is no time zone"),
        ("[workspce]\n", "1:1: there is no workspce"),
        ("[sources.web]\ntrust = 'server'\n", "1:1: sources.web needs write_key"),
        ("[workspace]\nname = [1,\n", "this is no TOML"),
    ],
)
def test_a_wrong_setting_is_shown_where_it_stands(project: Path, run: Run, text: str, said: str) -> None:
    (project / "tactful.toml").write_text(text)
    result = run("check", "--project", project)
    assert result.exit_code == 1
    assert "tactful.toml:" in result.output and said in result.output


def test_a_replay_is_done_once(tmp_path: Path, project: Path, data: Path, run: Run) -> None:
    again = run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, "--data", data)
    assert again.output.strip().endswith("this file was replayed before; nothing to do")
    other = calls(tmp_path / "other.jsonl", [order("cid", 4)])
    refused = run("import", "--replay", other, "--project", project, "--data", data)
    assert refused.exit_code == 1
    assert "needs an empty installation" in refused.output


def test_events_are_listed_once_in_order_of_receipt(data: Path, run: Run) -> None:
    result = run("events", "--json", "--data", data)
    listed = [json.loads(line) for line in result.output.splitlines()]
    assert [(event["userId"], event["receivedAt"][:10]) for event in listed] == [
        ("ann", "2025-03-01"),
        ("ann", "2025-03-02"),
        ("bob", "2025-03-03"),
    ]
    assert listed[1]["messageId"] == "m2"
    assert set(listed[0]) == {
        "messageId", "type", "event", "userId", "anonymousId", "timestamp", "receivedAt", "properties", "traits", "context",
    }  # fmt: skip


def test_a_person_is_explained(data: Path, run: Run) -> None:
    result = run("explain", "ann", "--data", data)
    assert "entered the segment recent_buyers" in result.output
    assert 'any("Order Completed", last="30d")' in result.output
    values = json.loads(run("explain", "ann", "--json", "--data", data).output)
    assert values["person"] == "u:ann"
    nobody = run("explain", "zoe", "--data", data)
    assert nobody.exit_code == 1
    assert "nobody is known as 'zoe'" in nobody.output


def test_after_a_start_that_was_refused_everything_can_be_asked(tmp_path: Path, project: Path, run: Run) -> None:
    """The first thing that a newcomer does with a mistake: mend it, and look."""
    journey = project / "journeys" / "cart_reminder.yaml"
    text = journey.read_text()
    journey.write_text(text.replace("wait: 30m", "wait: soon"))
    folder = project / "data"
    refused = run("up", "--project", project, "--data", folder, "--port", 0)
    assert refused.exit_code == 1
    assert '"soon" is no duration' in refused.output
    assert refused.output.endswith("1 mistake; nothing was changed.\n")
    journey.write_text(text)
    assert run("check", "--project", project).output.startswith("fine: ")
    assert "nobody is known as 'ada' here" in run("explain", "ada", "--data", folder).output
    for command, said in {
        "outbox list": "empty",
        "journeys": "no journey is published",
        "campaign status": "no campaign is published",
        "consent verify": "0 decisions, as written",
        "doctor": "ok",
    }.items():
        where = ("--project", project) if command == "doctor" else ("--data", folder)
        result = run(*command.split(), *where)
        assert result.exit_code == 0, (command, result.output)
        assert said in result.output, (command, result.output)
    published = run("publish", "--project", project, "--data", folder)
    assert published.output.endswith("published as version 1\n")


def test_the_quarantine_is_worked_off(data: Path, project: Path, run: Run) -> None:
    (row,) = [json.loads(line) for line in run("quarantine", "list", "--json", "--data", data).output.splitlines()]
    assert (row["code"], row["field"]) == ("no_identifier", "userId")
    assert "the call names nobody" in run("quarantine", "show", row["id"], "--data", data).output
    assert "no source" in run("quarantine", "replay", row["id"], "--project", project, "--data", data).output
    assert run("quarantine", "drop", row["id"], "--data", data).output == "dropped 1 of 1\n"
    assert run("quarantine", "list", "--data", data).output.strip().endswith("empty")


def test_what_was_refused_by_mistake_is_taken_in(data: Path, project: Path, run: Run) -> None:
    house = Application().house(data, project, read_only=False)
    body = json.dumps(order("dora", 3, messageId="late")).encode()
    house.quarantine.put([Quarantined(0, DAY, "server", "odd", "", "was refused once", body, len(body))])
    house.close()
    number = json.loads(run("quarantine", "list", "--json", "--limit", 1, "--data", data).output)["id"]
    assert run("quarantine", "replay", number, "--project", project, "--data", data).output == f"{number}: taken\n"


def test_an_empty_outbox_says_so(data: Path, run: Run) -> None:
    assert run("outbox", "list", "--data", data).output.strip().endswith("empty")
    assert run("outbox", "list", "--person", "ann", "--data", data).output.strip().endswith("empty")
    nobody = run("outbox", "list", "--person", "carl@shop.example", "--data", data)
    assert nobody.exit_code == 1
    assert "nobody is known as 'carl@shop.example' here; an address that only browsers have named" in nobody.output
    missing = run("outbox", "show", "feed", "--data", data)
    assert missing.exit_code == 1
    assert "there is no intent feed" in missing.output
    assert run("outbox", "release", "feed", "--data", data).exit_code == 1


def test_a_publish_says_what_changes_and_once(data: Path, project: Path, run: Run) -> None:
    (project / "segments" / "new.yaml").write_text('when: any("Product Viewed")\n')
    assert "+ segments/new.yaml" in run("publish", "--project", project, "--data", data).output


def test_a_publish_says_what_is_silent_at_first(data: Path, project: Path, run: Run) -> None:
    for name, when in (
        ("ever", 'any("Product Viewed")'),
        ("week", 'any("Product Viewed", last="7d")'),
        ("de", "de == 1"),
    ):
        (project / "segments" / f"{name}.yaml").write_text(f"when: {when}\n")
    said = run("publish", "--project", project, "--data", data).output
    assert "2 aggregates are counted for the first time" in said
    for name in ("ever", "week"):
        assert f"segments/{name}.yaml says nothing until that is counted" in said
    assert "segments/de.yaml says" not in said and "recent_buyers" not in said


def test_the_order_of_identifiers_stays_with_the_folder(data: Path, project: Path, run: Run) -> None:
    assert run("publish", "--project", project, "--data", data).exit_code == 0
    with (project / "tactful.toml").open("a") as file:
        file.write('[identity]\npriority = ["email", "user", "external", "phone", "anonymous", "device"]\n')
    for command in ("publish", "up"):
        refused = run(command, "--project", project, "--data", data)
        assert refused.exit_code == 1
        assert "priority cannot be changed" in refused.output


def test_the_doctor_says_whom_browsers_may_speak_for(data: Path, project: Path, run: Run) -> None:
    (data / "tokens.json").write_text('{"good": 3, "expired": 2}')
    said = run("doctor", "--project", project, "--data", data)
    assert said.exit_code == 0
    assert "public write keys: website" in said.output
    assert "any userId" in said.output
    assert "2 expired; good: 3" in said.output
    with (project / "tactful.toml").open("a") as file:
        file.write('[identity]\nbrowser = "signed"\n')
    assert run("doctor", "--project", project).exit_code == 1


@pytest.mark.parametrize("command", [("events",), ("explain", "ann"), ("outbox", "list"), ("quarantine", "list")])
def test_a_folder_without_data_is_refused_plainly(tmp_path: Path, run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, "--data", tmp_path)
    assert result.exit_code == 1
    assert "is no data folder of Tactful" in result.output


def test_other_machines_are_not_let_in_by_accident(project: Path, tmp_path: Path, run: Run) -> None:
    result = run("up", "--project", project, "--data", tmp_path / "d", "--host", "0.0.0.0")
    assert result.exit_code == 1
    assert "TACTFUL_ADMIN_TOKEN" in result.output


def test_check_tells_of_a_channel_that_is_not_set_up(project: Path, run: Run) -> None:
    (project / "messages" / "call.yaml").write_text("channel: sms\ntext: Hello\n")
    (project / "journeys" / "call.yaml").write_text(
        "start: {event: Asked}\nsteps:\n  - wait: 1h\n  - send: {sms: call}\n"
    )
    told = run("check", "--project", project).output
    assert "journeys/call.yaml:4:17: sms is not set up: these messages wait, and lapse" in told
    assert "set url in [channels.sms], or TACTFUL_SMS_URL" in told
    with (project / "tactful.toml").open("a") as settings:
        settings.write('\n[channels.sms]\nurl = "json://localhost/{address}"\n')
    assert "is not set up" not in run("check", "--project", project).output
