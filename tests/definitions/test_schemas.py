"""The schemas that editors get say what the readers take: the same keys, and every file that is shown is right by both."""

import json
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tactful.errors import DefinitionError, UsageError
from tactful.journeys.reading_steps import KINDS_OF_STEPS
from tactful.kernel.definitions import read_project
from tactful.language.document import Document, Fields
from tactful.language.yaml_nodes import Node
from tactful.messages.texts import ALL
from tactful.operations.definitions import schemas, schemas_journeys
from tactful.operations.definitions.scaffold import Wanted, init

SHOP = Path("examples/shop")


class Loader(yaml.SafeLoader):
    """YAML as editors have it (1.2), where `on` is a word and `true` a truth."""


_BOOL = "tag:yaml.org,2002:bool"
Loader.yaml_implicit_resolvers = {
    sign: [(tag, known) for tag, known in resolvers if tag != _BOOL]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(_BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def shown(*names: str) -> list[tuple[str, str]]:
    """(path, text) of every definition in these documents."""
    pages = [Path("docs", name).read_text(encoding="utf-8") for name in names]
    blocks = [one for page in pages for one in re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)]
    return [(block.split("\n", 1)[0].removeprefix("# "), block) for block in blocks]


def definitions(folder: Path) -> list[tuple[str, str]]:
    paths = [path for name in schemas.FOLDERS.values() for path in sorted((folder / name).glob("*.yaml"))]
    return [(path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def errors(path: str, text: str) -> list[str]:
    found = yaml.load(text, Loader)
    return [
        error.message for error in Draft7Validator(schemas.schema(path.split("/", maxsplit=1)[0])).iter_errors(found)
    ]


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one(name: str) -> None:
    Draft7Validator.check_schema(schemas.schema(name))
    assert json.loads(Path(f"docs/schemas/{name}.json").read_text()) == schemas.schema(name), (
        "write them anew: tactful schema --write docs/schemas"
    )


@pytest.mark.parametrize(("path", "text"), [*shown("definitions.md", "language.md", "journeys.md"), *definitions(SHOP)])
def test_what_is_shown_is_right(path: str, text: str) -> None:
    assert errors(path, text) == []


def test_the_new_project_is_right_and_names_its_schemas(tmp_path: Path) -> None:
    init(tmp_path / "shop", Wanted("Shop", "empty", "UTC"), lambda: "key")
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
        ("journeys/a.yaml", "start: {event: A}"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: []"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{wait: 3d, send: {email: x}}]"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{wait: 3d, nmae: x}]"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{if: x, then: [{wait: soon}]}]"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{split: {a: 1}}]"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{split: {a: 1, b: 1}, a: [{exit: ''}]}]"),
        ("journeys/a.yaml", "start: {event: A}\nsteps: [{wait: {until: '09:00', on: [mnoday]}}]"),
        ("journeys/a.yaml", "start: {schedule: daily at 09:00, left: x}\nsend: {email: x}"),
        ("messages/a.yaml", "subject: x"),
        ("messages/a.yaml", "channel: sms\ntitle: x"),
        ("messages/a.yaml", "subject: x\nhtml: y\nvariants: [{nmae: x}]"),
        ("messages/a.yaml", "subject: x\nhtml: y\ntranslations: {German: {subject: x}}"),
        ("messages/a.yaml", "subject: x\nhtml: y\nfetch: {a: {url: 'ftp://x'}}"),
        ("blocks/a.yaml", "description: x"),
        ("events/a.yaml", "name: A\nproperties: {x: integer}"),
        ("collections/a.yaml", "add: A"),
        ("metrics/a.yaml", "value: ''"),
        ("features/a.yaml", "features: {Big: x}"),
        ("features/a.yaml", "features: {a: {value: x, type: money}}"),
    ],
)
def test_what_is_wrong_is_seen(path: str, text: str) -> None:
    assert errors(path, text) != []


EVERYTHING = """
start: {event: A, where: x, segment: s, left: s, schedule: daily at 09:00, campaign: s, call: true}
unless: {event: A, where: x, same: y}
goal: {event: A, within: 1d}
steps:
  - wait: {for: A, at_most: 1d}
    then: [{send: {email: m}}]
  - {if: x, then: [{exit: done}]}
  - split: {a: 1, b: 1}
    a: [{set: {x: 1}}]
"""
"""For its keys: whatever else may be wrong with it."""


MESSAGE = """
channel: push
title: x
text: y
translations: {de: {title: x}}
variants: [{name: a, share: 5%, translations: {de: {title: x}}}]
fetch: {stock: {url: "https://shop.example/stock"}}
"""
KINDS = {"the property": "a property", "the translation": "a translation", "fetch ": "fetched data"}
"""What a reader says of names that the author gives."""


def test_the_keys_are_those_of_the_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the readers ask for while they read all that is shown, against what the schemas allow and require."""
    asked: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    fields_of = Document.fields_of

    def spy(
        document: Document, node: Node, what: str, known: Collection[str], required: Collection[str]
    ) -> Fields | None:
        kind = next((kind for start, kind in KINDS.items() if what.startswith(start)), what.strip('"'))
        keys = set(known)
        if kind == "a step":
            (does,) = keys.intersection(KINDS_OF_STEPS)
            kind, keys = f"a step that has {does}", keys - {"a", "b"}
            required = (does,)  # Without it nobody could say which kind of step it is.
        asked[document.file.split("/")[0], kind] = (keys, set(required))
        return fields_of(document, node, what, known, required)

    monkeypatch.setattr(Document, "fields_of", spy)
    read_project(dict(definitions(SHOP)))
    read_project(dict(shown("definitions.md", "language.md")))
    with pytest.raises(DefinitionError):
        read_project({"journeys/everything.yaml": EVERYTHING})
    read_project({"blocks/a.yaml": "text: x\n"})
    read_project({"messages/a.yaml": MESSAGE})
    # Which texts a channel has is said by the reader; the schema knows them all.
    names, required = asked["messages", "a translation"]
    asked["messages", "a translation"] = (names | set(ALL), required)
    names, required = asked["messages", "a variant"]
    asked["messages", "a variant"] = (names | set(ALL), required)
    named: dict[tuple[str, str], dict[str, Any]] = {}
    for folder in schemas.FOLDERS.values():
        schema = schemas.schema(folder)
        named[folder, "a definition"] = schema
        for name, inner in schema["properties"].items():
            if inner.get("additionalProperties") is False:
                named[folder, name] = inner
            elif folder == "events" and "additionalProperties" in inner:
                named[folder, "a property"] = one = inner["additionalProperties"]["anyOf"][1]
                named[folder, "merge"] = one["properties"]["merge"]["anyOf"][1]
            elif folder == "features" and "additionalProperties" in inner:
                named[folder, "a feature"] = inner["additionalProperties"]["anyOf"][1]
    message = schemas.schema("messages")["properties"]
    named["messages", "a variant"] = message["variants"]["items"]
    named["messages", "a translation"] = message["translations"]["additionalProperties"]
    named["messages", "fetched data"] = message["fetch"]["additionalProperties"]
    named["journeys", "unless"], named["journeys", "wait"] = schemas_journeys.ENDING, schemas_journeys.WAIT
    for kind, one in schemas_journeys.STEP_KINDS.items():
        named["journeys", f"a step that has {kind}"] = one
    assert {place: (set(one["properties"]), set(one.get("required", ()))) for place, one in named.items()} == asked


def test_an_unknown_schema_is_refused() -> None:
    with pytest.raises(UsageError, match="there are segment, journey"):
        schemas.schema("segmnt")
