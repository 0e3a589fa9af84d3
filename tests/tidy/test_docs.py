"""The documents keep their promises: links resolve, commands exist, nothing of the machine they were written on."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.tidy.house import ROOT, files, text

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = files(".md")


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
    shown = subprocess.run(
        [sys.executable, "-m", "tactful.app", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return frozenset(re.findall(r"^ {2,4}([a-z][a-z-]+)(?:\s|$)", shown.stdout, re.MULTILINE))


def test_tactful_commands_exist() -> None:
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:`|^|\$ |bin/)tactful ([a-z][a-z-]+)", text(document), re.MULTILINE)
    }
    assert named, "the documents show no command at all"
    assert named - offered() == set()


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
