"""`tactful try`: a journey over a file of events, with every predicate, the gate's answers, and nothing that leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

WELCOME = """
description: Welcome
start: {event: Signed Up, where: plan != "free"}
if: country == "DE"
goal: {event: Order Completed, within: 5d, value: revenue}
steps:
  - {name: hello, send: {email: hello}}
  - name: pause
    wait: {for: Product Viewed, at_most: 2d}
    then:
      - name: keen
        if: 'count("Product Viewed", last="7d") > 1'
        then:
          - {send: {email: keen}}
    else:
      - exit: cold
  - {name: morning, wait: {until: "09:00"}}
  - {name: last, send: {sms: last_call}}
"""
CALLED = "description: x\nstart: {call: true}\nsteps:\n- {name: hi, send: {email: hello}}\n"


def line(at: str, kind: str, **more: Any) -> str:
    return json.dumps({"type": kind, "receivedAt": f"2025-03-{at}Z", **more})


LINES = [
    line("12T11:59:00", "consent", purpose="email_marketing", granted=True, userId="ada"),
    line("12T12:00:00", "identify", userId="ada", traits={"email": "ada@x.example", "country": "DE"}),
    line("12T12:00:00", "identify", userId="eve", traits={"email": "eve@x.example", "country": "FR"}),
    line("12T12:14:01", "track", event="Signed Up", userId="eve", properties={"plan": "pro"}),
    line("12T12:14:02", "track", event="Signed Up", userId="ada", properties={"plan": "pro"}),
    line("12T12:14:03", "track", event="Signed Up", userId="bob", properties={"plan": "free"}),
    line("12T14:15:02", "track", event="Product Viewed", userId="ada", properties={"name": "Kettle"}),
    line("12T15:15:02", "track", event="Order Completed", userId="ada", properties={"revenue": 39}),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    journey, events = tmp_path / "welcome.yaml", tmp_path / "events.jsonl"
    journey.write_text(WELCOME)
    events.write_text("\n".join(LINES))
    return journey, events


def looks(run: Run, *arguments: object) -> list[dict[str, Any]]:
    result = run("try", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def test_every_step_is_shown_at_its_instant(run: Run, files: tuple[Path, Path]) -> None:
    found = looks(run, *files, "--follow", "ada")
    told = [(look["at"][5:19], step["kind"]) for look in found for step in look["story"]]
    assert told == [
        ("03-12T12:14:02", "event"),
        ("03-12T12:14:02", "started"),
        ("03-12T12:14:02", "intent"),
        ("03-12T12:14:02", "claim"),
        ("03-12T12:14:02", "wait"),
        ("03-12T14:15:02", "came"),
        ("03-12T14:15:02", "branch"),
        ("03-12T14:15:02", "wait"),
        ("03-12T15:15:02", "goal"),
        ("03-13T09:00:00", "intent"),
        ("03-13T09:00:00", "outcome"),
    ]
    assert {look["person"] for look in found} == {"u:ada"}


def test_predicates_have_their_values_and_the_events_behind_them(run: Run, files: tuple[Path, Path]) -> None:
    found = looks(run, *files)
    values = {
        look["person"]: {one["expression"]: one["value"] for one in look["predicates"]}
        for look in found
        if look["story"][0]["kind"] == "event"
    }
    assert values["u:ada"]['country == "DE"'] is True
    assert values["u:eve"]['country == "DE"'] is False
    assert values["u:eve"]["properties.plan != 'free'"] is True
    assert values["u:bob"]["properties.plan != 'free'"] is False
    branch = next(step for look in found for step in look["story"] if step["kind"] == "branch")
    (why,) = branch["why"]
    assert (why["expression"], why["value"]) == ('count("Product Viewed", last="7d") > 1', False)
    assert [event["properties"]["name"] for event in why["events"]] == ["Kettle"]


def test_what_would_be_sent_and_what_the_gate_refuses(run: Run, files: tuple[Path, Path]) -> None:
    found = looks(run, *files)
    (message,) = [message for look in found for message in look["messages"]]
    assert (message["message"], message["address"], message["subject"]) == ("hello", "ada@x.example", "hello")
    refused = next(step for look in found for step in look["story"] if step["kind"] == "outcome")
    assert (refused["status"], "no sms address" in refused["because"]) == ("refused", True)


def test_it_is_told_in_words_and_added_up(run: Run, files: tuple[Path, Path]) -> None:
    result = run("try", *files)
    assert "the message hello is not there; one that says its name stands in" in result.stderr
    assert '? country == "DE" was false' in result.stdout
    assert "would be sent: email hello to ada@x.example" in result.stdout
    assert result.stdout.endswith("1 run; 1 message would have been sent\n")


def test_the_clock_is_moved_as_far_as_asked(run: Run, files: tuple[Path, Path]) -> None:
    found = looks(run, *files, "--until", "2025-03-12T12:30:00Z", "--at", "2025-03-12T12:20:00Z")
    (asked,) = [look for look in found if look["asked"]]
    assert (asked["at"], asked["person"]) == ("2025-03-12T12:20:00.000Z", "u:ada")
    assert asked["story"][0]["text"].startswith("is in welcome at pause, until 2025-03-14T12:14:02.000Z")
    silent = looks(run, files[0], write(files[1], LINES[:6]), "--until", "2025-03-20T00:00:00Z", "--follow", "ada")
    assert [step["kind"] for step in silent[-1]["story"]] == ["over", "ended"]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines))
    return path


def test_a_wait_that_ends_by_itself_needs_no_further_line(run: Run, files: tuple[Path, Path]) -> None:
    found = looks(run, files[0], write(files[1], LINES[:6]))
    assert (found[-1]["at"], found[-1]["story"][-1]["because"]) == ("2025-03-14T12:14:02.000Z", "cold")


def test_a_projects_messages_and_settings_are_meant(run: Run, project: Path, tmp_path: Path) -> None:
    lines = [
        line("12T11:59:00", "consent", purpose="email_marketing", granted=True, userId="ada"),
        line("12T12:00:00", "identify", userId="ada", traits={"email": "ada@x.example", "firstName": "Ada"}),
        line("12T12:14:02", "track", event="Product Added", userId="ada", properties={"name": "Kettle"}),
    ]
    events = write(tmp_path / "events.jsonl", lines)
    by_place = run("try", project / "journeys" / "cart_reminder.yaml", events)
    assert by_place.exit_code == 0, by_place.output
    assert "Kettle" in by_place.stdout.split("would be sent: email cart_reminder to ada@x.example")[1]
    alone = tmp_path / "cart_reminder.yaml"
    alone.write_text((project / "journeys" / "cart_reminder.yaml").read_text())
    assert run("try", alone, events, "--project", project).stdout == by_place.stdout


def test_quiet_hours_hold_a_message_back_until_they_end(run: Run, project: Path, tmp_path: Path) -> None:
    settings = project / "tactful.toml"
    settings.write_text(settings.read_text() + '\n[sending]\nquiet = "12:00-18:00"\n')
    lines = [
        line("12T11:59:00", "consent", purpose="email_marketing", granted=True, userId="ada"),
        line("12T12:00:00", "identify", userId="ada", traits={"email": "ada@x.example", "timezone": "UTC"}),
        line("12T12:14:02", "track", event="Product Added", userId="ada", properties={"name": "Kettle"}),
    ]
    found = looks(run, project / "journeys" / "cart_reminder.yaml", write(tmp_path / "e.jsonl", lines))
    held, sent = found[-2:]
    assert held["story"][0]["text"] == "the email cart_reminder waits until 2025-03-12T18:00:00.000Z"
    assert "quiet hours" in held["story"][0]["because"]
    assert (sent["at"], len(sent["messages"])) == ("2025-03-12T18:00:00.000Z", 1)


def test_somebody_enters_a_journey_that_is_called(run: Run, tmp_path: Path) -> None:
    journey = tmp_path / "vip.yaml"
    journey.write_text(CALLED)
    events = write(tmp_path / "events.jsonl", LINES[:2])
    found = looks(run, journey, events, "--enter", "ada")
    assert [message["address"] for look in found for message in look["messages"]] == ["ada@x.example"]
    assert run("try", journey, events).stdout.endswith("0 runs; 0 messages would have been sent\n")


def test_a_campaign_is_launched_behind_the_last_line(run: Run, project: Path, tmp_path: Path) -> None:
    (project / "segments" / "germans.yaml").write_text('when: country == "DE"\n')
    (project / "journeys" / "spring.yaml").write_text(
        "description: x\nstart: {campaign: germans}\nsteps:\n- {send: {email: cart_reminder}}\n"
    )
    events = write(tmp_path / "events.jsonl", LINES[:3])
    found = looks(run, project / "journeys" / "spring.yaml", events)
    assert [look["person"] for look in found if look["messages"]] == ["u:ada"]


@pytest.mark.parametrize(
    ("text", "lines", "options", "said"),
    [
        ("start: {event: X}\n", LINES, (), "welcome.yaml"),
        (WELCOME, [], (), "the file of events is empty"),
        (WELCOME, ["{"], (), "line 1: this is no JSON object"),
        (WELCOME, LINES, ("--at", "soon"), "--at"),
        (WELCOME, LINES, ("--enter", "ada"), "not entered by a call"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_what_is_wrong(
    run: Run, files: tuple[Path, Path], text: str, lines: list[str], options: tuple[str, ...], said: str
) -> None:
    files[0].write_text(text)
    result = run("try", files[0], write(files[1], lines), *options)
    assert result.exit_code == 1
    assert said in result.output


def test_coupons_are_stood_in_for(run: Run, tmp_path: Path) -> None:
    """Nobody tries with codes that somebody might use."""
    for name, text in {
        "journeys/thanks.yaml": "start: {event: Signed Up}\nsend: {email: thanks}\n",
        "messages/thanks.yaml": 'coupon: spring\nsubject: "Yours: {{ coupon.code }}"\ntext: "{{ coupon.code }}"\n',
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(LINES))
    found = looks(run, tmp_path / "journeys/thanks.yaml", events)
    (message,) = [one for look in found for one in look["messages"]]
    assert (message["address"], message["subject"]) == ("ada@x.example", "Yours: CODE-1")


def test_what_has_sent_something_does_not_end_as_if_it_had_not(run: Run, files: tuple[Path, Path]) -> None:
    files[1].write_text("\n".join(LINES[:6]))
    ends = [step["text"] for look in looks(run, *files) for step in look["story"] if step["kind"] == "ended"]
    assert ends == ["the journey welcome ended at 2.else.1"]
