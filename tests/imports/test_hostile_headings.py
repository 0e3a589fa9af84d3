"""Headings and cells that somebody else wrote: the mapping that is guessed of them says what they are, and nothing more."""

import csv
from pathlib import Path

import pytest
import yaml

from tactful.adapters.tables.opening import FileTables
from tactful.operations.imports.guess import guess
from tactful.operations.imports.tables import FileFormat

HEADINGS = [
    "x: 1\nsource: evil",
    "a # b",
    "*all",
    "&anchor",
    "!!python/object:os.system",
    "{a: b}",
    "'",
    '"',
    "it's",
    "- x",
    "{{ 7 | times: 7 }}",
    "'; DROP TABLE main; --",
    "../../etc/passwd",
    "=1+1",
    "\u202e",
    "yes",
    "null",
    "%",
]


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_is_a_name_in_the_mapping(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "rows'; --.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "event", "timestamp", heading])
        rows.writerows(["u1", "Order Completed", "2025-03-01T10:00:00Z", f"{heading} {number}"] for number in range(5))
    plain = tmp_path / "plain.csv"
    plain.write_text(path.read_text(encoding="utf-8").replace(heading.replace('"', '""'), "plain"), encoding="utf-8")
    text, usual = (guess(FileTables().open(one, FileFormat()), "backend", "UTC") for one in (path, plain))
    said, told = yaml.safe_load(text), yaml.safe_load(usual)
    assert set(said) == set(told), text
    assert said.get("source") == told.get("source")
