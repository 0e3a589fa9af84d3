"""What is kept of imports beside the log: a report of each in DATA/imports, and a lock, so that one runs at a time.

How far a file has come stands in the log alone, with the events (taking.py); a report that was lost, or is one append
behind, costs nothing but its numbers.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tactful.errors import TransientError, UsageError
from tactful.operations.imports.report import Report, as_json, from_json

FOLDER = "imports"


def report_path(data: Path, file: str, digest: str) -> Path:
    return data / FOLDER / f"{file}-{digest[:8]}{digest.rpartition(':')[2][:8]}.json"


def load(path: Path, file: str, rows: int) -> Report:
    """The report as far as the file has come; what it lacks is said."""
    report = from_json(path.read_bytes()) if path.exists() else None
    if report is None or report.rows > rows:
        report = Report(file)
    if report.rows != rows:
        report.notes.append(f"the report lacks what was counted between rows {report.rows:,} and {rows:,}")
        report.rows = rows
    return report


def save(path: Path, report: Report) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(as_json(report))
        part.replace(path)
    except OSError as error:
        raise TransientError(f"{path} could not be written: {error.strerror}") from None


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """UsageError where another import runs on the folder; the lock goes with the process."""
    folder = data / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UsageError(f"another import runs on {data}; wait for its end") from None
    try:
        yield
    finally:
        os.close(descriptor)


def half_done(data: Path) -> list[str]:
    """What to do about each import that did not come to its end, in a sentence; none of one that runs now."""
    folder = data / FOLDER
    if not folder.is_dir():
        return []
    try:
        with alone(data):
            found = [from_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    except (UsageError, OSError):
        return []
    return [
        f"{one.file} was imported to row {one.rows:,} and not to its end; `tactful import` with the same file and "
        "mapping goes on there"
        for one in found
        if one is not None and not one.is_finished
    ]
