"""`tactful users`, `tokens`, `audit`: over a data folder as `tactful up` leaves it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tactful.adapters import standing
from tactful.adapters.installation import Installation
from tactful.app.application import COMMANDS, Application
from tactful.app.clocks import SystemClock
from tactful.app.doorkeeping import refuse_open_door
from tactful.cli.main import command_line
from tactful.errors import UsageError
from tactful.runtime.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    house = Installation(tmp_path / "data", Settings(), SystemClock(), read_only=False)
    house.look_over()
    house.close()
    return tmp_path / "data"


def tactful(data: Path, *words: str) -> Result:
    return CliRunner().invoke(command_line(Application(), COMMANDS), [*words, "--data", str(data)])


def test_the_first_link_and_those_after_it(data: Path) -> None:
    assert "nobody has an account" in tactful(data, "users").stdout
    first = tactful(data, "users", "link")
    assert first.exit_code == 0 and first.stdout.startswith("http://127.0.0.1:8080/signin/link/")
    added = tactful(data, "users", "add", "Ada@Example.com", "--role", "admin")
    assert added.exit_code == 0 and "/signin/link/" in added.stdout
    assert "say whose link" in tactful(data, "users", "link").stderr
    standing.stand(data, "http://127.0.0.1:9", "https://t.example")
    assert tactful(data, "users", "link", "ada@example.com").stdout.startswith("https://t.example/signin/link/")
    assert "no user 'eve'" in tactful(data, "users", "link", "eve").stderr


def test_users_are_changed_and_removed_and_the_last_administrator_stays(data: Path) -> None:
    tactful(data, "users", "add", "ada", "--role", "admin")
    tactful(data, "users", "add", "ben", "--role", "viewer")
    assert tactful(data, "users", "add", "ben", "--role", "viewer").exit_code == 1
    assert tactful(data, "users", "change", "ben", "--role", "privacy officer").exit_code == 0
    shown = [json.loads(line) for line in tactful(data, "users", "--json").stdout.splitlines()]
    assert [(one["name"], one["role"]) for one in shown] == [("ada", "admin"), ("ben", "privacy officer")]
    assert "password" not in shown[0] and "subject" not in shown[0]
    assert "last administrator" in tactful(data, "users", "remove", "ada").stderr
    assert tactful(data, "users", "sign-out", "ben").exit_code == 0
    assert tactful(data, "users", "remove", "ben").exit_code == 0
    acts = [json.loads(line) for line in tactful(data, "audit", "--json").stdout.splitlines()]
    assert [one["act"] for one in reversed(acts)] == [
        "user_added", "link_made", "user_added", "link_made", "user_changed", "signed_out", "user_removed",
    ]  # fmt: skip
    assert all(one["who"].startswith("terminal ") for one in acts)
    assert "user_removed" in tactful(data, "audit", "--about", "ben", "--limit", "1").stdout


def test_tokens_are_printed_once(data: Path) -> None:
    made = tactful(data, "tokens", "add", "nightly", "--role", "analyst", "--days", "30")
    token = made.stdout.strip()
    assert token.startswith("tactful_") and len(token) == 51
    assert token not in (data / "office.db").read_bytes().decode("latin-1")
    listed = tactful(data, "tokens")
    assert "nightly" in listed.stdout and token not in listed.stdout
    assert "digest" not in tactful(data, "tokens", "--json").stdout
    assert tactful(data, "tokens", "add", "nightly", "--role", "viewer").exit_code == 1
    assert tactful(data, "tokens", "remove", "nightly").exit_code == 0
    assert "no token" in tactful(data, "tokens", "remove", "nightly").stderr


def test_what_another_command_changes_is_in_the_audit_log_unless_nothing_came_of_it(data: Path) -> None:
    listed = data.parent / "addresses.csv"
    listed.write_text("address,reason\nada@example.com,asked\n")
    assert tactful(data, "suppressions", "import", str(listed)).exit_code == 0
    assert tactful(data, "suppressions", "remove", "nobody@example.com").exit_code == 1
    assert tactful(data, "journeys", "pause", "no-such-journey").exit_code == 1
    acts = [json.loads(line) for line in tactful(data, "audit", "--json").stdout.splitlines()]
    assert [(one["act"], one["about"]) for one in acts] == [("suppressions_import", "addresses.csv")]


def test_an_act_has_one_name_however_tactful_was_called(data: Path) -> None:
    codes = data.parent / "codes.txt"
    codes.write_text("A1\nA2\n")
    command = command_line(Application(), COMMANDS)
    words = ["coupons", "load", "winter", str(codes), "--data", str(data)]
    loaded = CliRunner().invoke(command, words, prog_name="python -m tactful")
    assert loaded.exit_code == 0, loaded.output
    acts = [json.loads(line) for line in tactful(data, "audit", "--json").stdout.splitlines()]
    assert [(one["act"], one["about"], one["detail"]) for one in acts] == [
        ("coupons_load", "winter codes.txt", "tactful coupons load")
    ]


def test_other_machines_are_let_in_once_there_is_an_administrator(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    monkeypatch.delenv("TACTFUL_ADMIN_TOKEN", raising=False)
    refuse_open_door("127.0.0.1", data, clock)
    tactful(data, "users", "add", "ada", "--role", "admin")
    for folder in (data, data / "none"):
        with pytest.raises(UsageError, match="before there is an administrator"):
            refuse_open_door("0.0.0.0", folder, clock)
    access = Application().access(data)
    access.redeem(access.link("ada", "a test"), "ada", "four words are good", "")
    access.office.close()
    refuse_open_door("0.0.0.0", data, clock)
    monkeypatch.setenv("TACTFUL_ADMIN_TOKEN", "x")
    refuse_open_door("0.0.0.0", data / "none", clock)


def test_what_a_server_says_of_itself_is_for_its_owner(tmp_path: Path) -> None:
    assert standing.read(tmp_path) is None
    stood = standing.stand(tmp_path, "http://127.0.0.1:8080")
    assert standing.read(tmp_path) == stood and len(stood.token) == 43
    assert (tmp_path / "run" / "server.json").stat().st_mode & 0o777 == 0o600
    assert standing.stand(tmp_path, "http://127.0.0.1:8080").token != stood.token
    standing.leave(tmp_path)
    assert standing.read(tmp_path) is None


def test_the_token_of_a_server_counts_as_it_stands_in_the_file_now(data: Path) -> None:
    access = Application().access(data)
    before = standing.stand(data, "http://127.0.0.1:8080").token
    found = access.of_token(before)
    assert found is not None and (found.name, found.role) == ("this machine", "admin")
    after = standing.stand(data, "http://127.0.0.1:8080").token
    assert access.of_token(after) is not None and access.of_token(before) is None
    standing.leave(data)
    assert access.of_token(after) is None and access.of_token("") is None
    access.office.close()
