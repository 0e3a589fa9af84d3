"""Lines of a text file in any encoding, plain or gzipped, each bounded, whatever stands in it.

Bytes that are no text of the encoding are kept as half characters (surrogates), by which they are known later; they
cost their row, not the file.
"""

import gzip
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TextIO, cast

from tactful.errors import TransientError, UsageError
from tactful.operations.imports.tables import LONGEST_ROW

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LOOKED_AT = 1 << 20
_READ = 1 << 18


class TooLong(Exception):
    """A line beyond LONGEST_ROW; the next one can be read."""


@contextmanager
def world(path: Path) -> Iterator[None]:
    """What may go wrong with a file that was there a moment ago."""
    try:
        yield
    except (OSError, EOFError, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise TransientError(f"{path} could not be read to its end: {error}") from None


def opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else opened_raw(path)


def opened_raw(path: Path) -> IO[bytes]:
    """As it lies there; to be closed by whoever asked."""
    return open(path, "rb")  # noqa: PTH123  (closed by Lines.close)


def encoding_of(path: Path, otherwise: str = "cp1252") -> str:
    """By its first bytes; what is no UTF-8 is taken for Windows-1252, which has a letter for nearly every byte."""
    with world(path), opened(path) as file:
        start = file.read(_LOOKED_AT)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start.count(b"\0", 0, 2000) > len(start[:2000]) // 4:
        return "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # A letter that the end of what was looked at has cut is none the less one.
        if error.start < len(start) - 4:
            return otherwise
    return "utf-8"


class Lines:
    """Iterates over lines with their ends; `number` is that of the last, from 1, `share` how much of the file was read.
    Raises TooLong, after which it goes on: with a new iterator over what is left. Read in large pieces, since a call
    for each line would cost more than what is done with it."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._size = max(path.stat().st_size, 1)
        self._raw = opened_raw(path)
        unpacked = gzip.GzipFile(fileobj=self._raw) if path.suffix == ".gz" else self._raw
        errors = "surrogateescape" if encoding.lower().replace("_", "-").startswith("utf-8") else "replace"
        try:
            self._text: TextIO = io.TextIOWrapper(
                io.BufferedReader(cast("io.RawIOBase", unpacked), _READ), encoding, errors, newline=""
            )
        except LookupError:
            self._raw.close()
            raise UsageError(f'{encoding} is no encoding that is known; write "utf-8" or "cp1252"') from None
        self._ahead: Iterator[str] = iter(())
        self._rest = ""
        self._was_text = True
        self._too_long: TooLong | None = None
        self.is_text = True
        """Whether all bytes near here were text; else each line is to be looked at."""
        self.number = 0

    @property
    def share(self) -> float:
        return min(self._raw.tell() / self._size, 1.0)

    def __iter__(self) -> Iterator[str]:
        while True:
            for line in self._ahead:
                self.number += 1
                yield line
            try:
                if not self._fill():
                    return
            except TooLong:
                self.number += 1
                raise

    def piece(self, most: int) -> list[str]:
        """The next lines; none at the end."""
        found = list(islice(self._ahead, most))
        try:
            while self._too_long is None and len(found) < most and self._fill():
                found += islice(self._ahead, most - len(found))
        except TooLong as error:
            self._too_long = error
        if self._too_long is not None and not found:
            told, self._too_long = self._too_long, None
            self.number += 1
            raise told
        self.number += len(found)
        return found

    def _fill(self) -> bool:
        """Whole lines, as long as there are some."""
        while True:
            with world(self._path):
                read = self._text.read(_READ)
            whole, self._rest = self._rest + read, ""
            if not whole:
                return False
            now = is_text(read)
            self.is_text, self._was_text = self._was_text and now, now
            lines = io.StringIO(whole, newline="").readlines()
            if read and not (lines[-1].endswith("\n") or len(lines[-1]) > LONGEST_ROW):
                # Behind a \r there may be a \n.
                self._rest = lines.pop()
            if lines and len(lines[0].rstrip("\r\n")) > LONGEST_ROW:
                self._skip(lines)
            if lines:
                self._ahead = iter(lines)
                return True

    def _skip(self, lines: list[str]) -> None:
        """To the end of the first line, which is too long; only the first one can be, since pieces are shorter."""
        first = lines.pop(0)
        while not first.endswith(("\n", "\r")):
            with world(self._path):
                first = first[:1000] + self._text.readline(LONGEST_ROW)
            if len(first) <= 1000:
                break
            first = first[:1000] + first[-1:]
        self._ahead = iter(lines)
        raise TooLong(first[:1000])

    def close(self) -> None:
        self._text.close()
        self._raw.close()


def raw(text: str) -> bytes:
    """The bytes that stood in the file, where it is UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def is_text(text: str) -> bool:
    """Whether all bytes were text."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True
