"""Frames: what surrounds events on their way in, a batch or the envelope of a single call.

A batch is only cut into events here, not read, so that one bad event cannot spoil its neighbours: where the decoder
stops at a number, a text or a depth that it does not take, the frame is cut by looking at brackets, commas and texts
alone, and whatever stands between two commas is somebody's event.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tactful.events.calls import TROUBLE, Call, is_suspect
from tactful.events.coerce import read_json
from tactful.events.verdicts import Refusal


class Frame(Struct, rename="camel"):
    """A batch. `context` and `sentAt` hold for every event that has none of its own; unreadable ones are absent."""

    batch: list[Raw]
    sent_at: Any = None
    write_key: Any = None
    context: Any = None


class OrdinaryFrame(Struct, rename="camel"):
    """A batch whose every event passed the fast decoder and has its messageId."""

    batch: list[Call]
    sent_at: str | None = None
    write_key: str | None = None
    context: Any = None


class _Envelope(Struct, rename="camel"):
    write_key: Any = None


_frame = msgspec.json.Decoder(Frame)
_ordinary = msgspec.json.Decoder(OrdinaryFrame)
_envelope = msgspec.json.Decoder(_Envelope)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_BATCH_BEGINS = re.compile(rb'"batch"\s*+:\s*+\[')
_PAIRS = {ord("]"): ord("["), ord("}"): ord("{")}


def read_frame(body: bytes) -> Frame | Refusal:
    """A batch cut into events, or why the frame cannot be read."""
    try:
        return _frame.decode(body)
    except TROUBLE:
        return _cut(body)


def read_ordinary(body: bytes, event_bytes: int) -> OrdinaryFrame | None:
    """A batch decoded in one pass, where nothing in it needs care, its size included; None: use `read_frame`."""
    if len(body) > event_bytes or is_suspect(body):
        return None
    try:
        frame = _ordinary.decode(body)
    except TROUBLE:
        return None
    if frame.context is not None or not all([call.message_id for call in frame.batch]):
        return None
    return frame


def written_key(body: bytes) -> str | None:
    """The `writeKey` in the body of a single call, if there is one to be found."""
    try:
        key = _envelope.decode(body).write_key
    except TROUBLE:
        values = read_json(body)
        key = values.get("writeKey") if isinstance(values, dict) else None
    return key if isinstance(key, str) else None


def _cut(body: bytes) -> Frame | Refusal:
    spans = _spans(body)
    if isinstance(spans, Refusal):
        return spans
    # What is left without the events is small and must be good JSON.
    begin, end = (spans[0][0], spans[-1][1]) if spans else (0, 0)
    rest = read_json(body[:begin] + body[end:])
    if isinstance(rest, Refusal):
        return rest
    if not isinstance(rest, dict) or not isinstance(rest.get("batch"), list):
        return Refusal("not_a_batch", 'a batch is an object with a list "batch"', "batch")
    batch = [Raw(body[start:stop].strip()) for start, stop in spans]
    return Frame(batch, rest.get("sentAt"), rest.get("writeKey"), rest.get("context"))


def _spans(body: bytes) -> list[tuple[int, int]] | Refusal:
    """Where the items of the top-level "batch" stand: [start, stop), between its brackets and commas."""
    spans: list[tuple[int, int]] = []
    opened = bytearray()
    batch_at = start = -1
    key_at = -1
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        if mark == 0x22:  # A text; a key of the frame where only its brace is open.
            if len(opened) == 1 and _BATCH_BEGINS.match(body, token.start()):
                key_at = token.end()
        elif mark in b"[{":
            if len(opened) == 1 and mark == 0x5B and key_at >= 0 and batch_at < 0:
                batch_at, start = len(opened) + 1, token.end()
            opened.append(mark)
        elif mark in b"]}":
            if not opened or opened.pop() != _PAIRS[mark]:
                return Refusal("not_json", "the brackets of the body do not match")
            if start >= 0 and len(opened) < batch_at:
                if spans or body[start : token.start()].strip():
                    spans.append((start, token.start()))
                start = -1
        elif start >= 0 and len(opened) == batch_at:
            spans.append((start, token.start()))
            start = token.end()
    if opened:
        return Refusal("not_json", "the body ends in the middle")
    return spans
