"""Project folders on disk, and the one that `init` makes."""

import os
import tomllib
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tactful.errors import DefinitionError, UsageError
from tactful.messages.template import check_template
from tactful.operations.definitions.project import check, load
from tactful.operations.definitions.scaffold import Wanted, init, named
from tactful.runtime.settings import read_settings

EMPTY = Wanted("Shop", "empty", "Europe/Lisbon")
SHOP = Wanted('Müller & "Söhne" {{ 1 }}', "shop", "Asia/Kolkata")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    keys = iter(["key-of-server", "key-of-page"])
    made = init(tmp_path / "shop", EMPTY, lambda: next(keys))
    assert made.server_key == "key-of-server"
    assert made.files == {"": 2, "segments": 1, "journeys": 1, "messages": 1}
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
        "website": {"write_key": "key-of-page", "trust": "browser"},
        "server": {"write_key": "key-of-server", "trust": "server"},
    }
    assert settings["workspace"] == {"name": "Shop", "time_zone": "Europe/Lisbon"}
    assert (project / "tactful.toml").stat().st_mode & 0o077 == 0


def test_init_overwrites_nothing(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already has tactful"):
        init(project, EMPTY, str)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        init(tmp_path / "file", EMPTY, str)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ".gitignore").write_text("mine\n")
    init(tmp_path / "old", EMPTY, str)
    assert (tmp_path / "old" / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize("begin", ["empty", "shop"])
@pytest.mark.parametrize(
    "name", ['a"b\\c', "x\n\x7f[sources]", "\u202e", "''''", "ä" * 300, "${HOME} {0} {name} %s \\g<1>"]
)
def test_a_name_that_toml_would_misread(tmp_path: Path, begin: Any, name: str) -> None:
    keys = (f"key-number-{number:013}" for number in count())
    init(tmp_path / "made", Wanted(name, begin, "UTC"), lambda: next(keys))
    settings = read_settings((tmp_path / "made" / "tactful.toml").read_text(encoding="utf-8"), {})
    printable = "".join(char for char in name if char.isprintable())
    assert settings.workspace.name == printable or (not printable and settings.workspace.name == "made")
    assert len(settings.sources) == 2


def test_a_folder_names_its_project(tmp_path: Path) -> None:
    assert named(tmp_path / 'a"b\\c\n') == "abc"


def test_a_project_may_begin_as_the_example_shop(tmp_path: Path) -> None:
    keys = (f"key-number-{number:013}" for number in count())
    made = init(tmp_path / "mine", SHOP, lambda: next(keys))
    assert check(tmp_path / "mine", check_template).warnings == ()
    ours, theirs = load(tmp_path / "mine"), load(Path("examples/shop"))
    assert sorted(ours) == sorted(theirs)
    settings = read_settings((tmp_path / "mine" / "tactful.toml").read_text(encoding="utf-8"), {})
    assert (settings.workspace.name, settings.workspace.time_zone) == (SHOP.name, "Asia/Kolkata")
    assert settings.channels.email.sender == "Müller & Söhne 1 <hello@mller-shne-1.example>"
    keys_made = {source.write_key for source in settings.sources.values()}
    assert made.server_key in keys_made
    texts = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "mine").rglob("*") if path.is_file())
    for old in ("demo-website", "demo-backend", "a-secret-for-the-demo", "nordlicht", "Nordlicht"):
        assert old not in texts
    assert (tmp_path / "mine" / "catalogue" / "products.jsonl").exists()


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
