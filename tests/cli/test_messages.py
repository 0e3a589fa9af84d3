"""`tactful message preview` and `test`, and what `tactful check` says of messages, on a real project and data folder."""

import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tactful.app.application import Application
from tests.cli.conftest import Run

MESSAGE = """subject: Hi {{ profile.first_name }}
purpose: email_marketing
html: |
  <p>{{ cart.items[0].name }} for {{ profile.first_name }}, of {{ workspace.name }}</p>
  <a href="/cart">Go</a> <a href="{{ unsubscribe_url }}">No more</a>
variants:
  - {name: regulars, if: 'any("Product Added")', subject: "Again, {{ profile.first_name }}"}
  - {name: nobody, if: age > 200, subject: "Old"}
"""
CART = "add: Product Added\nclear: Order Completed\nkey: product_id\nfields: [name]\n"
CALLS = """{"type": "identify", "userId": "ada", "traits": {"first_name": "Ada"}, "receivedAt": "2025-03-12T11:00:00Z"}
{"type": "track", "event": "Product Added", "userId": "ada", "properties": {"product_id": "1", "name": "Lamp"}, "receivedAt": "2025-03-12T12:00:00Z"}
{"type": "identify", "userId": "bob", "traits": {"age": 3}, "receivedAt": "2025-03-12T12:00:00Z"}
"""
SETTINGS = 'site_url = "https://shop.example"\ntesters = ["Eva@Example.com"]\n'


@pytest.fixture
def shop(project: Path) -> Path:
    (project / "messages" / "m.yaml").write_text(MESSAGE)
    (project / "collections").mkdir(exist_ok=True)
    (project / "collections" / "cart.yaml").write_text(CART)
    settings = project / "tactful.toml"
    settings.write_text(settings.read_text().replace("[workspace]\n", f"[workspace]\n{SETTINGS}", 1))
    return project


@pytest.fixture
def data(tmp_path: Path, shop: Path, run: Run) -> Path:
    (tmp_path / "calls.jsonl").write_text(CALLS)
    result = run("import", "--replay", tmp_path / "calls.jsonl", "--project", shop, "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    return tmp_path / "data"


def test_a_preview_as_a_person(shop: Path, data: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("message", "preview", "m", "--project", shop, "--data", data, "--out", out)
    result = run(*arguments, "--person", "ada", "--width", "390")
    assert result.exit_code == 0, result.output
    assert "variant  regulars" in result.output
    assert "subject  Again, Ada" in result.output
    assert (out / "m.html").read_text().startswith("<p>Lamp for Ada, of ")
    assert '<a href="https://shop.example/cart">' in (out / "m.html").read_text()
    assert "Go (https://shop.example/cart)" in (out / "m.txt").read_text()
    assert 'style="width:390px' in (out / "m.390.html").read_text()
    said = json.loads(run(*arguments, "--person", "ada", "--variant", "nobody", "--json").output)
    assert (said["variant"], said["mail"]["subject"]) == ("nobody", "Old")


def test_a_preview_of_a_sample_needs_no_data(shop: Path, run: Run, tmp_path: Path) -> None:
    result = run("message", "preview", "m", "--project", shop, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "subject  Hi Ada" in result.output
    assert "Sample lamp for Ada" in (tmp_path / "m.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mm",), 'there is no message "mm"; did you mean "m"?'),
        (("m", "--person", "eve"), "nobody is known as 'eve' here"),
        (("m", "--variant", "x"), 'm has no variant "x"; it has regulars, nobody'),
        (("m", "--event", "[]"), "--event is a JSON object"),
    ],
)
def test_what_cannot_be_shown(arguments: tuple[str, ...], said: str, shop: Path, data: Path, run: Run) -> None:
    result = run("message", "preview", *arguments, "--project", shop, "--data", data)
    assert result.exit_code == 1
    assert said in result.output


def test_a_test_goes_to_testers_only_and_counts_nowhere(shop: Path, data: Path, run: Run) -> None:
    arguments = ("message", "test", "m", "--project", shop, "--data", data, "--person", "ada")
    refused = run(*arguments, "--to", "ada@example.com")
    assert refused.exit_code == 1
    assert "ada@example.com is no tester: tests go to Eva@Example.com" in refused.output
    sent = run(*arguments, "--to", "eva@example.com")
    assert sent.exit_code == 0, sent.output
    (path,) = (data / "mail").glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("eva@example.com", "[Test] Again, Ada")
    assert mail["List-Unsubscribe"] is None
    house = Application().house(data, None, read_only=True)
    assert house.outbox.counts() == {}
    house.close()


def test_check_counts_the_people_that_there_are(shop: Path, data: Path, run: Run) -> None:
    result = run("check", "--project", shop, "--data", data)
    assert result.exit_code == 0, result.output
    assert 'nobody matches variant "nobody" (of 2 people)' in result.output
    assert 'people without first_name (1 of 2) see "Sample lamp for , of' in result.output


def test_check_refuses_what_nobody_should_get(shop: Path, run: Run) -> None:
    (shop / "messages" / "m.yaml").write_text("subject: x\nhtml: <a href='javascript:x'>x</a>\n")
    result = run("check", "--project", shop)
    assert result.exit_code == 1
    assert 'messages/m.yaml:2:1: a link to "javascript:x" is not allowed' in result.output
