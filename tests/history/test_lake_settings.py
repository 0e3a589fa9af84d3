"""`[history]`: what is refused, and where a lake then lies."""

from pathlib import Path

import pytest

from tactful.app.archiving import pace_of
from tactful.app.lakes import lake_of
from tactful.errors import DefinitionError
from tactful.language.sql.layout import EVENTS
from tactful.runtime.archive import Pace
from tactful.runtime.settings import read_settings
from tactful.runtime.settings_history import HistorySettings
from tactful.values import SECOND_US


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('location = "s3:/shop"', "history.location"),
        ('location = "gs://shop"', "neither a folder nor on S3"),
        ("buckets = 0", "history.buckets"),
        ("buckets = 2000", "history.buckets"),
        ('every = "soon"', "history.every"),
        ("rows = 0", "history.rows"),
        ('endpoint = "minio"', "history.endpoint"),
        ('access_key = "a"', "belong together"),
        ('folder = "x"', "folder"),
    ],
)
def test_what_makes_no_sense_is_said(line: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        read_settings(f"[history]\n{line}\n", {})


def test_keys_come_from_the_environment() -> None:
    given = {"TACTFUL_HISTORY_LOCATION": "s3://shop/x", "TACTFUL_HISTORY_ACCESS_KEY": "a"}
    found = read_settings("", given | {"TACTFUL_HISTORY_SECRET_KEY": "b"}).history
    assert (found.location, found.access_key, found.secret_key) == ("s3://shop/x", "a", "b")


def test_it_lies_where_the_settings_say(tmp_path: Path) -> None:
    assert lake_of(tmp_path, HistorySettings(buckets=3)).buckets(EVENTS) == (3, 3)
    assert lake_of(tmp_path, HistorySettings(buckets=5)).buckets(EVENTS) == (3, 3), "as it was made"
    lake_of(tmp_path, HistorySettings(location="other"))
    lake_of(tmp_path, HistorySettings(location=str(tmp_path / "elsewhere")))
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "other", "elsewhere"}


def test_the_archiver_goes_by_them() -> None:
    found = pace_of(HistorySettings(every="5s", rows=1_000))
    assert (found.every_us, found.rows) == (5 * SECOND_US, 1_000)
    assert found.read == Pace().read, "what is read at once bounds memory, and is nobody's to choose"
