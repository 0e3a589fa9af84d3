"""What all commands have in common: how they are listed, how they explain themselves, and the form of their JSON."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from tactful.app.application import COMMANDS, Application
from tactful.cli.main import SECTIONS, command_line
from tests.cli.conftest import Run

GROUP = command_line(Application(), COMMANDS)
OF_PEOPLE = frozenset(
    {"properties", "traits", "context", "inside", "splits", "reasons", "without", "journeys", "below", "daily"}
)
"""Keys under which stand names that a shop gave."""


def walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from walk(each, *path, name)


SHOWN = {" ".join(path): command for path, command in walk(GROUP) if path and not command.hidden}


def test_every_command_stands_in_one_section() -> None:
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted(name for name in SHOWN if " " not in name)


def test_the_list_of_commands_is_in_whole_sentences(run: Run) -> None:
    groups = [(), *(name.split() for name, command in SHOWN.items() if isinstance(command, click.Group))]
    for group in groups:
        assert not re.search(r"\w\.\.\.(\s|$)", run(*group, "--help").output)


@pytest.mark.parametrize("name", SHOWN)
def test_every_option_says_what_it_does(name: str) -> None:
    command = SHOWN[name]
    assert command.help, name
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]}"
            assert option.help.endswith("."), f"{name} {option.opts[0]}"
            is_bare = isinstance(option.type, click.types.StringParamType) and option.metavar is None
            assert not is_bare, f"{name} {option.opts[0]}: what it takes has no name"


def test_an_option_means_the_same_everywhere() -> None:
    """`--data` may be asked for in two ways: by commands that need one, and by those that only look there for names;
    `--project` has other words where it may be left out (`eval`; `try`, `backtest`)."""
    said: dict[str, set[str]] = {}
    for command in SHOWN.values():
        for option in command.params:
            if isinstance(option, click.Option) and option.opts[0] in ("--data", "--project", "--json", "--by"):
                said.setdefault(option.opts[0], set()).add(option.help or "")
    assert {name: len(texts) for name, texts in said.items()} == {"--data": 2, "--project": 3, "--json": 1, "--by": 1}


def test_what_is_said_before_an_order_counts_for_it(tmp_path: Path, project: Path, run: Run) -> None:
    """`tactful journeys --data A pause cart` is not an order to the data folder `data`."""
    (tmp_path / "calls.jsonl").write_text('{"type": "identify", "userId": "ada", "receivedAt": "2025-03-12T12:00:00Z"}')
    folder = tmp_path / "here"
    assert run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, "--data", folder).exit_code == 0
    said = run("journeys", "--data", folder, "pause", "cart_reminder")
    assert said.exit_code == 0, said.output
    listed = run("journeys", "--data", folder, "--json", "list")
    assert [json.loads(line)["journey"] for line in listed.output.splitlines()] == ["cart_reminder"]


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            if name not in OF_PEOPLE:
                yield from keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from keys(each)


@pytest.mark.parametrize(
    "command",
    [
        "events",
        "explain ada",
        "explain ada --journey cart_reminder",
        "outbox list",
        "outbox show INTENT",
        "journeys",
        "measure cart_reminder",
        "campaign status",
        "coupons list",
        "suppressions list",
        "consent show ada",
        "consent verify",
        "quarantine list",
    ],
)
def test_names_in_json_are_in_camel_case(tmp_path: Path, project: Path, run: Run, command: str) -> None:
    (project / "journeys" / "spring.yaml").write_text(
        "start: {campaign: recent_buyers}\nsend: {email: cart_reminder}\n", encoding="utf-8"
    )
    calls: list[dict[str, object]] = [
        {"type": "identify", "userId": "ada", "traits": {"email": "ada@shop.example"}},
        {"type": "track", "event": "Product Added", "userId": "ada"},
        {"type": "track", "event": "Product Added"},
    ]
    lines = [json.dumps({**call, "receivedAt": "2025-03-12T12:00:00Z"}) for call in calls]
    lines.append(
        '{"type": "consent", "userId": "ada", "purpose": "email_marketing", "granted": true, "messageId": "c", '
        '"timestamp": "2025-03-12T11:00:00Z", "text_version": "1", "receivedAt": "2025-03-12T12:00:00Z"}'
    )
    lines.append('{"type": "track", "event": "Seen", "userId": "bob", "receivedAt": "2025-03-13T12:00:00Z"}')
    (tmp_path / "calls.jsonl").write_text("\n".join(lines))
    (tmp_path / "codes").write_text("A1\n")
    (tmp_path / "bad").write_text("x@shop.example\n")
    folder = tmp_path / "here"
    where = ("--data", folder)
    assert run("import", "--replay", tmp_path / "calls.jsonl", "--project", project, *where).exit_code == 0
    assert run("coupons", "load", "spring", tmp_path / "codes", *where).exit_code == 0
    assert run("suppressions", "import", tmp_path / "bad", *where).exit_code == 0
    intent = json.loads(run("outbox", "list", "--json", *where).output.splitlines()[0])["intent"]
    result = run(*(intent if word == "INTENT" else word for word in command.split()), "--json", *where)
    assert result.exit_code == 0, result.output
    values = [json.loads(line) for line in result.output.splitlines()]
    assert values
    odd = {name for value in values for name in keys(value) if not re.fullmatch(r"[a-z]+([A-Z0-9][a-z0-9]*)*", name)}
    assert not odd
