"""Names and links in a project that no file system or reader of files expects: refused with what is wrong, never a crash."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactful.errors import DefinitionError, UsageError
from tactful.operations.definitions.folder import path_of, read
from tactful.operations.definitions.project import load
from tactful.operations.definitions.saving import save
from tests.editing.served import Installation, Visiting, serve

LONG = "\U00010300" * 64
"""A name of 64 letters, and of more bytes than the name of a file may have."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree("examples/shop", tmp_path / "shop"))


@pytest.mark.parametrize(
    "name",
    [LONG, ".hidden", "..", "a/b", "a\\b", "a\0", "a\n", "\udcff", "a:b", "~", "$HOME", "-", "CON.", "\u202ea", ""],
)
def test_what_is_no_name_of_a_file_is_none_of_an_event(project: Path, name: str) -> None:
    with pytest.raises(UsageError):
        path_of("events", name)
    with pytest.raises(UsageError):
        save(project, {f"events/{name}.yaml": "x: 1\n"}, {})


@pytest.mark.parametrize("name", ["ｓegments", "ſegments", "Segments", "segments ", "segments\0", "../segments"])
def test_what_looks_like_a_kind_is_none(project: Path, name: str) -> None:
    with pytest.raises(UsageError):
        read(project, f"{name}/buyers.yaml")


def test_a_link_to_itself_is_said_to_be_one(project: Path) -> None:
    (project / "segments/loop.yaml").symlink_to(project / "segments/loop.yaml")
    with pytest.raises(UsageError, match="link"):
        read(project, "segments/loop.yaml")
    with pytest.raises(UsageError, match="link"):
        save(project, {"segments/loop.yaml": "when: vip\n"}, {})
    with pytest.raises(DefinitionError, match="link"):
        load(project)


def test_a_folder_that_is_a_link_leads_nowhere(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("when: vip\n")
    shutil.rmtree(project / "blocks")
    (project / "blocks").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out"):
        read(project, "blocks/secret.yaml")
    with pytest.raises(UsageError, match="leads out"):
        save(project, {"blocks/new.yaml": "x: 1\n"}, {})
    with pytest.raises(DefinitionError, match="leads out"):
        load(project)
    assert [one.name for one in outside.iterdir()] == ["secret.yaml"]


@pytest.fixture
def client(project: Path) -> Iterator[Visiting]:
    installation = Installation(project)
    (project / "segments/loop.yaml").symlink_to(project / "segments/loop.yaml")
    (project / "segments/folder.yaml").mkdir()
    with serve(installation) as address:
        yield Visiting(address)


def test_pages_of_such_files_say_what_is_wrong(client: Visiting) -> None:
    wrong = []
    for name in (
        LONG,
        "loop",
        "folder",
        "a\n",
        "..",
        "%00",
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ):
        for kind in ("events", "segments", "Segments", "tactful.toml"):
            for page in ("", "/edit", "/review", "/rename", "/remove"):
                path = f"/definitions/{kind}/{name}{page}"
                status = client.get(path).status_code
                if status >= 500 and status != 503:  # 503: the disk says no, which may be another time.
                    wrong.append((path, status))
    assert wrong == []
