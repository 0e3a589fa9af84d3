"""The schemas that editors get say what the readers take: the same keys, and every file that is shown is right by both."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tactful.errors import UsageError
from tactful.operations import schemas
from tactful.operations.scaffold import init

SHOP = Path("examples/shop")


def shown() -> list[tuple[str, str]]:
    """(path, text) of every definition in the documents."""
    found = []
    for page in ("docs/definitions.md", "docs/language.md"):
        for block in re.findall(
            r"^```yaml\n(.*?)^```$", Path(page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            found.append((block.split("\n", 1)[0].removeprefix("# "), block))
    return found


def definitions(folder: Path) -> list[tuple[str, str]]:
    paths = [path for name in schemas.FOLDERS.values() for path in sorted((folder / name).glob("*.yaml"))]
    return [(path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def errors(path: str, text: str) -> list[str]:
    return [
        error.message for error in Draft7Validator(schemas.schema(path.split("/")[0])).iter_errors(yaml.safe_load(text))
    ]


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one(name: str) -> None:
    Draft7Validator.check_schema(schemas.schema(name))
    assert json.loads(Path(f"docs/schemas/{name}.json").read_text()) == schemas.schema(name), (
        "write them anew: tactful schema --write docs/schemas"
    )


@pytest.mark.parametrize(("path", "text"), [*shown(), *definitions(SHOP)])
def test_what_is_shown_is_right(path: str, text: str) -> None:
    assert errors(path, text) == []


def test_the_new_project_is_right_and_names_its_schemas(tmp_path: Path) -> None:
    init(tmp_path / "shop", lambda: "key")
    found = definitions(tmp_path / "shop")
    assert found
    for path, text in found:
        assert errors(path, text) == []
        named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
        assert named is not None
        schema = json.loads(((tmp_path / "shop" / path).parent / named[1]).read_text())
        assert schema == schemas.schema(path.split("/")[0])
    validator = Draft7Validator(schemas.schema("settings"))
    for folder in (tmp_path / "shop", SHOP):
        settings = tomllib.loads((folder / "tactful.toml").read_text(encoding="utf-8"))
        assert list(validator.iter_errors(settings)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("segments/a.yaml", "wehn: x"),
        ("segments/a.yaml", "description: x"),
        ("journeys/a.yaml", "start: {event: A, segment: b}\nsend: {email: x}"),
        ("journeys/a.yaml", "start: {event: A}\nsend: {email: x}\nwait: 3 days"),
        ("journeys/a.yaml", "start: {event: A}\nsend: {email: x}\nrepeat: again"),
        ("messages/a.yaml", "subject: x\nhtml: y"),
        ("events/a.yaml", "name: A\nproperties: {x: integer}"),
        ("collections/a.yaml", "add: A"),
        ("metrics/a.yaml", "value: ''"),
    ],
)
def test_what_is_wrong_is_seen(path: str, text: str) -> None:
    assert errors(path, text) != []


def keys(schema: dict[str, Any], path: str = "") -> set[str]:
    """Dotted paths of everything that a schema's objects may hold."""
    own = schema.get("properties", {})
    inner = {key for name, one in own.items() for key in keys(one, f"{path}{name}.")}
    return {f"{path}{name}" for name in own} | inner


def test_an_unknown_schema_is_refused() -> None:
    with pytest.raises(UsageError, match="there are segment, journey"):
        schemas.schema("segmnt")
