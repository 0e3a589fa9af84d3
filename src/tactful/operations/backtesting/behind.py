"""Behind: every line behind the numbers of a backtest, in order of time: each message, each run that began, and each
that came to none, with its reason.

There may be millions, so they lie in a file, in batches of one kind, and a page reads those that it needs. The file has
no name: it names people, and is gone with the process, or as soon as nobody can ask for it any more.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

import msgspec
from msgspec import Struct

from tactful.errors import TransientError, UsageError
from tactful.events import zones
from tactful.events.reasons import reason_of
from tactful.operations.backtesting.tally import Line, Noted, Sent
from tactful.values import DAY_US, format_time

BATCH = 500
LOOKED = 200_000
"""Lines that are looked through for one page at most."""
MESSAGE = "message"
WHATS = (MESSAGE, "began", "start", "run", "gate", "held", "inside", "other", "fact")
"""A message, and what else is noted (tally.py)."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Line]).decode


class Wanted(Struct, frozen=True):
    """Which lines: of a kind, of those the ones that have all of these (FIELDS)."""

    what: str
    fields: Mapping[str, str]
    time_zone: str
    """In which days and hours are meant."""


class Listed(Struct, frozen=True):
    lines: Sequence[Line]
    next: int | None
    """Where the next page begins; None: that was all."""
    is_short: bool = False
    """No more were looked through at a time; there may be others behind them."""


class _Batch(Struct, frozen=True):
    offset: int
    size: int
    lines: int


class Behind:
    """Of all versions of one backtest. Written by one thread until it is `done`, and read by any."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0
        self._waiting: dict[tuple[int, str], list[Line]] = {}
        self._batches: dict[tuple[int, str], list[_Batch]] = {}
        self._lock = Lock()

    def add(self, version: int, line: Line) -> None:
        """The next one of a version. Raises TransientError where it cannot be written down."""
        kind = version, line.what if isinstance(line, Noted) else MESSAGE
        waiting = self._waiting.setdefault(kind, [])
        waiting.append(line)
        if len(waiting) == BATCH:
            self._write(kind)

    def done(self) -> None:
        """There are no more."""
        for kind in list(self._waiting):
            self._write(kind)

    def _write(self, kind: tuple[int, str]) -> None:
        lines = self._waiting.pop(kind)
        body = _encode(lines)
        try:
            if self._file is None:
                self._file = TemporaryFile(prefix="tactful-backtest-")  # noqa: SIM115  (it is read until it is closed)
            self._file.write(body)
            self._file.flush()
        except OSError as error:
            raise TransientError(
                f"the messages of a backtest could not be kept: {error}. Where there is no room, name a folder on a"
                " larger disk in TMPDIR"
            ) from error
        self._batches.setdefault(kind, []).append(_Batch(self._end, len(body), len(lines)))
        self._end += len(body)

    def page(self, version: int, wanted: Wanted, after: int = 0, limit: int = 100) -> Listed:
        """From the line `after` on, counted in their kind. Raises UsageError for what nobody can want, and where they
        are gone."""
        fits = _fitting(wanted)
        found: list[Line] = []
        place = 0
        for batch in self._batches.get((version, wanted.what), ()):
            if place + batch.lines <= after:
                place += batch.lines
                continue
            if place >= after + LOOKED:
                return Listed(found, place, is_short=True)
            for nth, line in enumerate(self._read(batch), place):
                if nth < after or not fits(line):
                    continue
                if len(found) == limit:
                    return Listed(found, nth)
                found.append(line)
            place += batch.lines
        return Listed(found, None)

    def _read(self, batch: _Batch) -> list[Line]:
        with self._lock:
            if self._file is None:
                raise UsageError("this backtest is kept no longer; play it once more")
            body = os.pread(self._file.fileno(), batch.size, batch.offset)
        return _decode(body)

    def close(self) -> None:
        with self._lock:
            self._waiting.clear()
            if self._file is not None:
                self._file.close()
                self._file = None


# ---- what fits -------------------------------------------------------------------------------------------------------

_ANYWAY: dict[str, Callable[[Sent], bool]] = {
    "before": lambda one: one.before > 0,
    "after": lambda one: one.after > 0,
    "both": lambda one: one.before > 0 and one.after > 0,
    "open": lambda one: one.is_open,
}
_OF_ALL: dict[str, Callable[[Line, str], bool]] = {
    "person": lambda one, text: one.person == text,
    "step": lambda one, text: one.step == text,
    "message": lambda one, text: one.message == text,
}
_OF_MESSAGES: dict[str, Callable[[Sent, str], bool]] = {
    "channel": lambda one, text: one.channel == text,
    "variant": lambda one, text: one.variant == text,
    "segment": lambda one, text: text in one.segments,
    "many": lambda one, text: str(one.of) == text,
    "anyway": lambda one, text: text in _ANYWAY and _ANYWAY[text](one),
    "beside": lambda one, text: text in one.others,
    "near": lambda one, text: text in one.near,
    "alone": lambda one, text: one.alone == text or (text == MESSAGE and one.alone != ""),
}
_OF_OTHERS: dict[str, Callable[[Noted, str], bool]] = {
    "reason": lambda one, text: reason_of(one.text) == text,
    "arm": lambda one, text: (one.text or SENT_TO) == text,
    "journey": lambda one, text: one.text == text,
}
SENT_TO = "sent to"
"""The arm of those that are not held out."""
FIELDS = (*_OF_ALL, "day", "hour", *_OF_MESSAGES, *_OF_OTHERS)
"""`many`: how many the person gets; `beside`: another journey that sends them something as well, `near` within a day;
`alone`: what the other version has not (`message`), and whom it sends nothing (`person`)."""


def _fitting(wanted: Wanted) -> Callable[[Line], bool]:
    if wanted.what not in WHATS:
        raise UsageError(f"{wanted.what!r} is none of {', '.join(WHATS)}")
    if unknown := sorted(wanted.fields.keys() - set(FIELDS)):
        raise UsageError(f"{unknown[0]!r} is none of {', '.join(FIELDS)}")
    zone = zones.known(wanted.time_zone)
    tests: list[Callable[[Line], bool]] = [_test(name, text, zone) for name, text in wanted.fields.items()]
    return lambda line: all(test(line) for test in tests)


def _test(name: str, text: str, zone: zones.Zone) -> Callable[[Line], bool]:
    if name in _OF_ALL:
        fits = _OF_ALL[name]
        return lambda line: fits(line, text)
    if name == "day":
        return lambda line: format_time(zones.local_date(zone, line.at) * DAY_US)[:10] == text
    if name == "hour":
        return lambda line: str(zones.local_hour(zone, line.at)) == text
    if name in _OF_MESSAGES:
        of_message = _OF_MESSAGES[name]
        return lambda line: isinstance(line, Sent) and of_message(line, text)
    of_other = _OF_OTHERS[name]
    return lambda line: isinstance(line, Noted) and of_other(line, text)
