"""Bodies: the bytes of a call, within limits, unpacked where they are gzip under whatever label (collect.md, rule 3).

A body that is too large is read to its end (within reason) before the answer is given: a client that is still
writing would see a broken connection instead of the 413, and send the same again.
"""

import zlib

from tactful.events.verdicts import Refusal
from tactful.web.answers import Receive

_DRAINED = 8
"""A body is read to its end up to so many times the limit."""
_GZIP = b"\x1f\x8b"


class Disconnected(Exception):
    """The client went away before its call was complete; there is nobody to answer."""


async def read_body(receive: Receive, limit: int) -> tuple[bytes, int]:
    """The body as sent and its size; of one that is too large only the beginning."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    return await _read_more(receive, body, limit) if message.get("more_body") else (body, len(body))


async def _read_more(receive: Receive, first: bytes, limit: int) -> tuple[bytes, int]:
    kept, size, is_more = bytearray(first), len(first), True
    while is_more and size <= _DRAINED * limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if len(kept) <= limit:
            kept += chunk
        is_more = message.get("more_body", False)
    return bytes(kept), size


def too_large(limit: int) -> Refusal:
    """The refusal of a call beyond `limit` bytes."""
    return Refusal("call_too_large", f"the call is larger than {limit:,} bytes")


def unpack_body(body: bytes, limit: int) -> bytes | Refusal:
    """The JSON text: gunzipped where the bytes begin like gzip; refused beyond the limit of a call, packed or not."""
    if len(body) > limit:
        return too_large(limit)
    if not body.startswith(_GZIP):
        return body
    unpacked = bytearray()
    rest = body
    while rest.startswith(_GZIP):  # A gzip file may have several members.
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(rest, limit + 1 - len(unpacked))
        except zlib.error as error:
            return Refusal("bad_gzip", f"the body is not readable as gzip: {error}")
        if len(unpacked) > limit:
            return too_large(limit)
        if not member.eof:
            return Refusal("bad_gzip", "the gzip body ends in the middle")
        rest = member.unused_data
    return bytes(unpacked)
