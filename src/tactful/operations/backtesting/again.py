"""Again: the records of a unit, made from its rows in the history (docs/history.md), as they once stood in the log.

Most rows are calls, so they are made column by column. What journeys set is left out, and so is that a message was
sent: the engine says both anew for what it decides here. Everything else that came back from messages is somebody's
doing and stays.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw

from tactful.events.intake import VERSION
from tactful.events.records import EMPTY_MAP, Consent, Enter, Event, Record, Score, Trust, Unmerge
from tactful.events.responses import EMAIL_SENT, KIND, MESSAGE_SENT
from tactful.kernel.acting import SOURCE

CALLS = frozenset(("track", "page", "screen", "identify", "group", "alias", KIND))
_COLUMNS = (
    *("identifier", "kind", "name", "timestamp", "known_at", "message_id", "source", "is_server", "is_verified"),
    *("ids", "properties", "context", "extra"),
)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode


class Again:
    """Of one unit. `sent` has what history says was sent of a journey: to whom, when, at which step, which message."""

    def __init__(self, table: pa.Table, journey: str) -> None:
        self._columns = [_values(table.column(name)) for name in _COLUMNS]
        self._journey = journey
        self.sent: list[tuple[str, int, str, str]] = []

    def records(self) -> Iterator[Record]:
        """In order."""
        for row in zip(*self._columns, strict=True):
            key, kind, name, timestamp, at, message_id, source, is_server, is_verified, ids, said, context, extra = row
            trust: Trust = "server" if is_server else "browser"
            if kind not in CALLS:
                whence = source, trust, key, message_id
                yield _other(kind, whence, timestamp, at, _decode(extra), _packed(said), is_verified=is_verified)
                continue
            if kind == KIND and name in (EMAIL_SENT, MESSAGE_SENT):
                self._was_sent(key, at, _decode(said))
                continue
            if kind == "identify" and source == SOURCE and is_server:
                continue
            yield Event(
                VERSION,
                source,
                trust,
                kind,
                name,
                key,
                tuple(ids) if ids else (key,),
                message_id,
                timestamp,
                at,
                _packed(said),
                _context(context),
                EMPTY_MAP,
                is_verified,
            )

    def _was_sent(self, key: str, at: int, said: dict[str, Any]) -> None:
        if said.get("journey") == self._journey:
            self.sent.append((key, at, str(said.get("step", "")), str(said.get("message", ""))))


def _other(
    kind: str,
    whence: tuple[str, Trust, str, str],
    timestamp: int,
    at: int,
    extra: dict[str, Any],
    properties: Raw,
    *,
    is_verified: bool,
) -> Record:
    """What is no call."""
    match kind:
        case "consent":
            return Consent(
                VERSION,
                *whence,
                purpose=extra["purpose"],
                granted=extra["granted"],
                timestamp=timestamp,
                received_at=at,
                text_version=extra["text_version"],
                origin=extra["origin"],
                address=extra["address"],
                is_verified=is_verified,
            )
        case "score":
            return Score(VERSION, *whence, extra["model"], extra["value"], at)
        case "enter":
            journey, entry_key, author = extra["journey"], extra["entry_key"], extra["author"]
            return Enter(VERSION, *whence, journey, entry_key, at, properties, author)
        case "unmerge":
            return Unmerge(at, whence[2], extra["author"])
        case _:
            raise AssertionError(f"the history has a record of a kind that nobody knows: {kind}")


def _packed(text: str) -> Raw:
    return EMPTY_MAP if text == "{}" else Raw(_encode(_decode(text)))


def _values(column: pa.ChunkedArray) -> list[Any]:
    whole = column.combine_chunks()
    if pa.types.is_integer(whole.type) and not whole.null_count:
        found: list[Any] = np.from_dlpack(whole).tolist()  # to_numpy() imports pandas, where it is installed.
        return found
    listed: list[Any] = whole.to_pylist()
    return listed


@lru_cache(maxsize=4096)
def _context(text: str) -> Raw:
    """The pages of one visit say much the same."""
    return _packed(text)
