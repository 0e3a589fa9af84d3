"""Project folders on disk, and the one that `init` makes."""

import os
import tomllib
from pathlib import Path

import pytest

from tactful.errors import DefinitionError, UsageError
from tactful.messages.template import check_template
from tactful.operations.project import check, load
from tactful.operations.scaffold import init


@pytest.fixture
def project(tmp_path: Path) -> Path:
    keys = iter(["key-one", "key-two"])
    init(tmp_path / "shop", lambda: next(keys))
    return tmp_path / "shop"


def test_a_new_project_is_valid_and_complete(project: Path) -> None:
    definitions = check(project, check_template)
    assert (list(definitions.segments), list(definitions.journeys), list(definitions.messages)) == (
        ["recent_buyers"],
        ["cart_reminder"],
        ["cart_reminder"],
    )
    assert definitions.warnings == ()
    settings = tomllib.loads((project / "tactful.toml").read_text())
    assert settings["sources"] == {
        "website": {"write_key": "key-one", "trust": "browser"},
        "server": {"write_key": "key-two", "trust": "server"},
    }
    assert (project / "tactful.toml").stat().st_mode & 0o077 == 0


def test_init_overwrites_nothing(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already has tactful"):
        init(project, str)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        init(tmp_path / "file", str)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ".gitignore").write_text("mine\n")
    init(tmp_path / "old", str)
    assert (tmp_path / "old" / ".gitignore").read_text() == "mine\n"


def test_a_name_that_toml_would_misread(tmp_path: Path) -> None:
    init(tmp_path / 'a"b\\c', str)
    assert tomllib.loads((tmp_path / 'a"b\\c' / "tactful.toml").read_text())["workspace"]["name"] == "abc"


def test_only_definitions_are_loaded(project: Path) -> None:
    (project / "data").mkdir()
    (project / "data" / "secret.yaml").write_text("x")
    (project / "segments" / ".swp").write_text("x")
    (project / "segments" / "a.yaml~").write_text("x")
    assert sorted(load(project)) == [
        "journeys/cart_reminder.yaml",
        "messages/cart_reminder.yaml",
        "segments/recent_buyers.yaml",
    ]


def test_a_folder_that_is_nearly_right_is_mentioned(project: Path) -> None:
    (project / "segment").mkdir()
    (warning,) = check(project).warnings
    assert warning.message == "segment/ is not read" and warning.hint == 'did you mean "segments"?'


def test_files_that_cannot_be_read(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("top secret")
    segments = project / "segments"
    (segments / "link.yaml").symlink_to(tmp_path / "secret")
    (segments / "gone.yaml").symlink_to(project / "nowhere")
    (segments / "latin.yaml").write_bytes(b"when: x\ndescription: gr\xfc\xdfe\n")
    (segments / "large.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    os.mkfifo(segments / "pipe.yaml")
    with pytest.raises(DefinitionError) as caught:
        load(project)
    assert [(one.place.file, one.place.line, one.message) for one in caught.value.problems] == [
        ("segments/gone.yaml", 1, "this is no ordinary file"),
        ("segments/large.yaml", 1, "the file is larger than 1 MiB"),
        ("segments/latin.yaml", 2, "the file is not UTF-8"),
        ("segments/link.yaml", 1, "the file is a link that leads out of the project"),
        ("segments/pipe.yaml", 1, "this is no ordinary file"),
    ]


def test_a_linked_folder_is_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yaml").write_text("when: x")
    (project / "segments" / "more").symlink_to(tmp_path / "outside")
    assert "segments/more/a.yaml" not in load(project)


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        load(tmp_path / "nothing")
