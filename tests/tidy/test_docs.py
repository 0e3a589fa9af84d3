"""The documents keep their promises: links resolve, commands exist, nothing of the machine they were written on."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest
from click.testing import CliRunner

from tactful.app.application import COMMANDS, Application
from tactful.cli.main import command_line
from tactful.runtime.settings import OVERRIDES, Settings
from tests.tidy.house import ROOT, files, text

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = files(".md")
COMMANDS_OF_ALL = command_line(Application(), COMMANDS)


def anchors(document: Path) -> set[str]:
    """As code hosts make them from headings: lower case, spaces become dashes, other signs vanish."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_resolve(document: Path) -> None:
    for match in LINK.finditer(FENCE.sub("", text(document))):
        link = match[1] or match[2]
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document.parent / path).resolve() if path else ROOT / document
        assert target.exists(), f"{document}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT)), f"{document}: no heading for {link}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_files_that_are_named_exist(document: Path) -> None:
    """`src/...`, `tests/...` and the like in a document are files or folders of this project."""
    named = re.findall(r"`((?:src|tests|docs|benchmarks|examples|scripts|specs)/[\w./-]*)`", text(document))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(Path("Makefile")), re.MULTILINE))
    named = {
        name for document in DOCUMENTS for name in re.findall(r"(?:`|^)make ([a-z-]+)", text(document), re.MULTILINE)
    }
    assert named - targets == set()


@cache
def offered() -> frozenset[str]:
    """The commands that `tactful --help` lists."""
    shown = CliRunner().invoke(COMMANDS_OF_ALL, ["--help"])
    return frozenset(re.findall(r"^ {2,4}([a-z][a-z-]+)(?:\s|$)", shown.output, re.MULTILINE))


def test_tactful_commands_exist() -> None:
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:`|^|\$ |bin/)tactful ([a-z][a-z-]+)", text(document), re.MULTILINE)
    }
    assert named, "the documents show no command at all"
    assert named - offered() == set()


def test_commands_are_shown_with_options_that_they_have() -> None:
    """Every line of a document that is a command, with its command within a command, and its options."""
    shown = [
        (document, line)
        for document in DOCUMENTS
        for line in re.findall(r"(?:^ {4}(?:\$ )?|`)tactful ([a-z][^`\n]*)", text(document), re.MULTILINE)
    ]
    assert len(shown) > 40
    for document, line in shown:
        command: click.Command = COMMANDS_OF_ALL
        words = line.partition("  #")[0].split()
        while words and isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        is_order = isinstance(command, click.Group) and words and re.fullmatch(r"[a-z]+", words[0])
        assert not is_order, f"{document}: tactful {line}: there is no {words[0]}"
        known = {name for option in command.params for name in option.opts} | {"--help"}
        assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known, f"{document}: tactful {line}"


def test_every_decision_is_listed() -> None:
    """docs/decisions/README.md is the way in; a record that it does not name would not be found."""
    listed = text(Path("docs/decisions/README.md"))
    records = [path.name for path in DOCUMENTS if path.match("docs/decisions/[0-9]*.md")]
    assert records
    assert [name for name in records if f"({name})" not in listed] == []


def test_glossary_has_the_words_of_the_house() -> None:
    glossary = set(re.findall(r"^\*\*([\w -]+)\*\*", text(Path("docs/glossary.md")), re.MULTILINE))
    assert {
        "event",
        "record",
        "profile",
        "segment",
        "journey",
        "intent",
        "claim",
        "permit",
        "outbox",
        "trail",
        "wake-up",
    } <= glossary


def keys(struct: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, str]]:
    """(section, key) of every setting, as tactful.toml writes them."""
    for field in msgspec.structs.fields(struct):
        inner = get_args(field.type)[-1] if get_args(field.type) else field.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            name = ".NAME" if get_args(field.type) else ""
            yield from keys(inner, f"{path}.{field.encode_name}{name}".lstrip("."))
        else:
            yield path, field.encode_name


def test_every_setting_is_documented() -> None:
    sections = re.split(r"^## `\[([\w.]+)\]`$", text(Path("docs/configuration.md")), flags=re.MULTILINE)
    documented = {name: body.split("\n## ")[0] for name, body in zip(sections[1::2], sections[2::2], strict=True)}
    settings = list(keys(Settings))
    assert len(settings) > 15
    for section, key in settings:
        assert f"\n| `{key}` |" in documented.get(section, ""), f"[{section}] {key} is not in docs/configuration.md"
    shown = {(section, key) for section, body in documented.items() for key in re.findall(r"\n\| `(\w+)` \|", body)}
    assert shown - set(settings) == set(), "documented, and not a setting"
    for variable in OVERRIDES:
        assert f"`{variable}`" in text(Path("docs/configuration.md"))


def test_the_reading_order_has_ten_files_at_most() -> None:
    """ARCHITECTURE.md promises that the way of an event takes no more."""
    rows = re.findall(r"^\| (\d+) \| \[([\w/.]+)\]", text(Path("ARCHITECTURE.md")), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert 8 <= len(rows) <= 10
