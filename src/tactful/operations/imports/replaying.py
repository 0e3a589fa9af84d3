"""A mapped file replayed: its calls become lines of history, each received when it happened, in a file beside the data,
which operations/imports/replay.py runs through the engine. The same file and mapping give the same lines, so that a
replay that was cut off goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tactful.errors import TransientError, UsageError
from tactful.events.verdicts import Refusal
from tactful.operations.imports.preparing import Prepared
from tactful.operations.imports.report import Report
from tactful.operations.imports.tables import BadRow
from tactful.operations.lines import SOURCE
from tactful.runtime.house import House
from tactful.runtime.ports import Quarantined
from tactful.values import format_time, parse_time


def write_lines(prepared: Prepared, to: Path, progress: Callable[[Report, float], None]) -> tuple[Report, list[BadRow]]:
    """What cannot be a line of history, since it is no row or has no time, is given back. Raises UsageError where
    nothing can."""
    report = Report(prepared.path.name)
    bad: list[BadRow] = []
    try:
        with to.open("wb") as file:
            _write(prepared, file, report, bad, progress)
    except OSError as error:
        raise TransientError(f"{to} could not be written: {error.strerror}") from None
    if not report.kept:
        raise UsageError(f"no row of {prepared.path} becomes an event with a time; look at the mapping")
    return report, bad


def _write(
    prepared: Prepared, file: IO[bytes], report: Report, bad: list[BadRow], progress: Callable[[Report, float], None]
) -> None:
    calls = prepared.calls()
    for some in prepared.rows(calls):
        report.rows, report.unused = report.rows + some.rows, report.unused + some.unused
        for one in some.bad:
            report.refuse(one.number, Refusal(one.code, one.message))
        bad += some.bad
        for made in some.made:
            at = parse_time(str(made.call.get("receivedAt") or made.call.get("timestamp") or ""))
            if at is None:
                refusal = Refusal("timestamp_unreadable", "timestamp is not a time in ISO 8601", "timestamp")
                report.refuse(made.number, refusal)
                bad.append(BadRow(made.number, refusal.code, refusal.message, made.body))
                continue
            report.take(["calls"], [at])
            received = b"" if made.call.get("receivedAt") else b',"receivedAt":"%b"' % format_time(at).encode()
            file.write(made.body[:-1] + received + b"}\n")
        progress(report, some.share)
    report.unreadable(calls.unread, {name: one.type for name, one in prepared.mapping.types.items()})


def quarantined(house: House, report: Report, bad: Sequence[BadRow], digest: str) -> None:
    """What no line was made of goes where everything goes that could not be taken; once."""
    at = report.first_at
    house.quarantine.put(
        [
            Quarantined(
                0,
                at,
                SOURCE.name,
                one.code,
                "",
                f"{report.file}, row {one.number:,}: {one.message}",
                one.body,
                len(one.body),
                call=f"{digest}:{one.number}:{one.code}",
            )
            for one in bad
        ]
    )
