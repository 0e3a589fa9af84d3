"""Reading: from the bytes of a call whose source is known to what shall be stored and answered.

Everything that a request leaves in memory while it waits for the log is in the Taken that these functions return: the
decoded calls, many times larger, are gone by then, which keeps them in the processor's cache while they live.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tactful.events.coerce import coerce, read_json
from tactful.events.frames import Frame, OrdinaryFrame, read_frame
from tactful.events.identifiers import partition_of
from tactful.events.intake import (
    Arrival,
    Draft,
    Kind,
    accept_consent,
    completed,
    draft_of,
    drafts_of,
    encode_draft,
)
from tactful.events.naming import DEFAULT, TOKEN, Naming, Proof, Prove
from tactful.events.records import encode
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.runtime.ports import Quarantined
from tactful.runtime.relay import call_digest
from tactful.values import parse_time
from tactful.web.answers import OK, Answer, refusal_answer

QUARANTINED_BYTES = 64 * 1024
_SLICE = 250  # Events of a large batch that are read before other requests get their turn.


_TOKEN = re.compile(rb'"%b"\s*+:\s*+("(?:[^"\\]++|\\.)*+(?:"|\Z))' % TOKEN.encode(), re.DOTALL)


_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Rules(Struct, frozen=True):
    """What holds for the calls of all sources (events/intake.py: Arrival)."""

    naming: Naming = DEFAULT
    prove: Prove | None = None
    """None: no token is believed."""
    salt_key: bytes = b""

    def arrival(self, source: Source, received_at: int, **more: Any) -> Arrival:
        """What the events of one call share; `more` is what its frame and headers say."""
        return Arrival(source, received_at, naming=self.naming, prove=self.prove, salt_key=self.salt_key, **more)


class Arrived(NamedTuple):
    """A call whose source is known, unpacked."""

    source: Source
    body: bytes
    received_at: int
    partitions: int
    rules: Rules
    proof: Proof | Refusal | None = None
    """Of a token that came as a header."""
    has_gpc: bool = False

    def arrival(self, **more: Any) -> Arrival:
        """What its events share; `more` is what the frame says."""
        return self.rules.arrival(self.source, self.received_at, proof=self.proof, has_gpc=self.has_gpc, **more)


class Taken(NamedTuple):
    """(partition, encoded record) for the log, what goes to the quarantine, and the answer once both are durable."""

    records: list[tuple[int, bytes]]
    refused: list[Quarantined]
    answer: Answer


def read_single(arrived: Arrived, kind: Kind) -> Taken:
    """A call to /v1/track and the like."""
    arrival = arrived.arrival(default_kind=kind)
    drafted = draft_of(arrived.body, arrival)
    if isinstance(drafted, Refusal):
        return refuse(drafted, arrived._replace(body=completed(arrived.body, arrival)))
    return Taken([_record(drafted, arrived.partitions)], [], OK)


def read_consent(arrived: Arrived) -> Taken:
    """A call to /v1/consent."""
    arrival = arrived.arrival()
    consents = accept_consent(arrived.body, arrival)
    if isinstance(consents, Refusal):
        return refuse(consents, arrived._replace(body=completed(arrived.body, arrival, "consent")))
    return Taken([(partition_of(one.key, arrived.partitions), encode(one)) for one in consents], [], OK)


async def read_batch(arrived: Arrived, frame: OrdinaryFrame | Frame) -> Taken:
    """A batch whose frame was read; refused as a whole only where it is too long or its own context is bad."""
    if len(frame.batch) > (most := arrived.source.call_events):
        return refuse(Refusal("too_many_events", f"a batch may hold {most:,} events", "batch"), arrived)
    context = coerce(frame.context, "context")
    if isinstance(context, Refusal):
        return refuse(context, arrived)
    arrival = arrived.arrival(
        sent_at=parse_time(frame.sent_at) if isinstance(frame.sent_at, str) else None,
        context=context if isinstance(context, dict) else None,
    )
    if isinstance(frame, OrdinaryFrame):
        drafts = drafts_of(frame, arrival)
        if drafts is not None:
            partitions = arrived.partitions
            records = [(partition_of(drafted.key, partitions), encode_draft(drafted)) for drafted in drafts]
            return Taken(records, [], OK)
        # One of them is refused and its bytes are wanted: the frame is cut after all.
        cut = read_frame(arrived.body)
        assert isinstance(cut, Frame)
        frame = cut
    return await _read_carefully(arrived, frame, arrival)


async def _read_carefully(arrived: Arrived, frame: Frame, arrival: Arrival) -> Taken:
    taken = Taken([], [], OK)
    for place, piece in enumerate(frame.batch):
        drafted = draft_of(piece, arrival, place)
        if isinstance(drafted, Refusal):
            taken.refused.append(quarantined(drafted, arrived._replace(body=completed(bytes(piece), arrival))))
        else:
            taken.records.append(_record(drafted, arrived.partitions))
        if place % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
    return taken


def refuse(refusal: Refusal, arrived: Arrived, size: int | None = None) -> Taken:
    """A call that is told why, and kept in the quarantine."""
    return Taken([], [quarantined(refusal, arrived, size)], refusal_answer(refusal))


def quarantined(refusal: Refusal, arrived: Arrived, size: int | None = None) -> Quarantined:
    """A refused call as the quarantine keeps it; `size` where more came than stands in the body."""
    body, vouched = _keepable(arrived), _vouched(arrived)
    return Quarantined(
        0,
        arrived.received_at,
        arrived.source.name,
        refusal.code,
        refusal.field[:200],
        refusal.message,
        body[:QUARANTINED_BYTES],
        size or len(body),
        vouched=vouched,
        call=_call(body, vouched),
    )


def _call(body: bytes, vouched: Sequence[str]) -> str:
    """By what it is known when its client sends it again, which a call without a messageId is not."""
    try:
        parts = _parts.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if bytes(parts.get("messageId", b"null")) in (b"null", b'""'):
        return ""
    parts.pop("sentAt", None)
    said = [part for name, value in parts.items() for part in (name.encode(), bytes(value))]
    return call_digest(*said, *(key.encode("utf-8", "surrogatepass") for key in vouched))


def _vouched(arrived: Arrived) -> tuple[str, ...]:
    """Whom a token vouched for, the header's or the one in the call: the token itself is not kept."""
    proof, token = arrived.proof, _TOKEN.search(arrived.body)
    if token and arrived.rules.prove and arrived.source.trust == "browser":
        proof = arrived.rules.prove(_text(token[1]), arrived.received_at)
    return (proof.user, *proof.addresses) if isinstance(proof, Proof) else ()


def _text(token: bytes) -> str | None:
    try:
        return msgspec.json.decode(token, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _keepable(arrived: Arrived) -> bytes:
    """The body as it may lie about: without a token, and with the objection that only a header told."""
    body = _TOKEN.sub(b'"%b":null' % TOKEN.encode(), arrived.body) if TOKEN.encode() in arrived.body else arrived.body
    if not arrived.has_gpc or len(body) > QUARANTINED_BYTES:
        return body
    values = read_json(body)
    context = values.get("context") or {} if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(context, dict):
        return body
    return msgspec.json.encode(values | {"context": context | {"gpc": True}})


def _record(drafted: Draft, partitions: int) -> tuple[int, bytes]:
    return partition_of(drafted.key, partitions), encode_draft(drafted)
