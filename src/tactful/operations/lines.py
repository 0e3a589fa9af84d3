"""Lines: what a file of history may hold, one JSON object a line, each with `receivedAt`.

Tracking calls stand as clients send them. Beside them, what reaches the engine by other ways (times are receivedAt):

{"type": "score", "model": "churn", "userId": "42", "value": 0.7, "receivedAt": "2025-03-01T10:00:00Z"}
{"type": "consent", "purpose": "email_marketing", "granted": true, "userId": "42", "receivedAt": ...}
{"type": "threshold", "metric": "spend_90d", "percent": 80, "value": 412.5, "receivedAt": ...}
{"type": "unmerge", "anonymousId": "1", "receivedAt": ...}
{"type": "message", "event": "Email Opened", "userId": "42", "properties": {"message": "welcome"}, "receivedAt": ...}

Whoever a score or a decision is of, and whoever is un-merged, is named by userId, anonymousId, email or phone. A
tracking call may name its `source`, for traits that go by it; else it is "import". All is taken as from a server.
"""

import math
from collections.abc import Callable
from typing import TypeGuard

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.events import responses
from tactful.events.calls import is_suspect, read_call
from tactful.events.identifiers import MAX_LENGTH, keys_of, rank
from tactful.events.intake import MAX_TEXT, VERSION, Arrival, accept, draft
from tactful.events.naming import DEFAULT, Naming
from tactful.events.records import Consent, Event, Score, Threshold, Unmerge
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal

SOURCE = Source("import", "", "server")
History = Event | Consent | Score | Threshold | Unmerge


class Head(Struct, rename="camel"):
    """What every line may say, however wrong the rest of it is."""

    type: object = None
    message_id: object = None
    source: object = None


class _Said(Struct, rename="camel"):
    """A line that is no tracking call."""

    type: str
    message_id: str = ""
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    email: str | None = None
    phone: str | None = None
    model: str = ""
    purpose: str = ""
    metric: str = ""
    granted: bool | None = None
    percent: float | None = None
    value: float | None = None


_head = msgspec.json.Decoder(Head)
_said = msgspec.json.Decoder(_Said)


def read_line(
    body: bytes, received_at: int, number: int, fallback_id: str, naming: Naming = DEFAULT
) -> History | Refusal:
    """The record of one line, whose `receivedAt` was read already. `number` counts lines from 0; `fallback_id` is its
    messageId where it has none."""
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("not_json", f"is no JSON object: {error}")
    if head.type == responses.KIND:
        return _message(body, received_at, fallback_id, naming)
    read = _READERS.get(head.type) if isinstance(head.type, str) else None
    if read is None:
        source = Source(head.source, "", "server") if _is_source(head.source) else SOURCE
        event = accept(body, Arrival(source, received_at, naming=naming), number)
        return replace(event, message_id=fallback_id) if isinstance(event, Event) and not head.message_id else event
    try:
        said = _said.decode(body)
    except msgspec.ValidationError as error:
        return Refusal("wrong_type", f"a {head.type} line: {error}")
    said.message_id = said.message_id or fallback_id
    return read(said, received_at, naming)


def _message(body: bytes, received_at: int, fallback_id: str, naming: Naming) -> Event | Refusal:
    """What came back from a message, as `tactful events` lists it. It is read as a call of that event's name."""
    call = read_call(body, is_suspect(body))
    if isinstance(call, Refusal):
        return call
    if call.event not in responses.NAMES:
        return Refusal("unknown_response", f"event must be one of {', '.join(sorted(responses.NAMES))}", "event")
    call.type, call.message_id = "track", call.message_id or fallback_id
    drafted = draft(call, Arrival(Source(responses.SOURCE, "", "server"), received_at, naming=naming))
    return drafted if isinstance(drafted, Refusal) else replace(drafted.event(), kind=responses.KIND)


def _score(said: _Said, received_at: int, naming: Naming) -> Score | Refusal:
    key = _key(said, naming)
    if not key:
        return Refusal("no_identifier", "a score is somebody's: it needs a userId or an anonymousId", "userId")
    if not _is_name(said.model):
        return Refusal("model_missing", "a score needs the name of its model", "model")
    if said.value is None or not math.isfinite(said.value):
        return Refusal("value_missing", "value must be a number", "value")
    return Score(VERSION, SOURCE.name, SOURCE.trust, key, said.message_id, said.model, said.value, received_at)


def _consent(said: _Said, received_at: int, naming: Naming) -> Consent | Refusal:
    key = _key(said, naming)
    if not key:
        return Refusal("no_identifier", "consent is somebody's: it needs a userId or an anonymousId", "userId")
    if not _is_name(said.purpose):
        return Refusal("purpose_missing", "consent is for a purpose, such as email_marketing", "purpose")
    if said.granted is None:
        return Refusal("granted_missing", "granted must be true or false", "granted")
    return Consent(
        VERSION,
        SOURCE.name,
        SOURCE.trust,
        key,
        said.message_id,
        said.purpose,
        said.granted,
        received_at,
        received_at,
    )


def _threshold(said: _Said, received_at: int, naming: Naming) -> Threshold | Refusal:
    if not _is_name(said.metric):
        return Refusal("metric_missing", "a threshold needs the name of its metric or model", "metric")
    if said.percent is None or not 0 <= said.percent <= 100:
        return Refusal("percent_missing", "percent must be a number from 0 to 100", "percent")
    if said.value is None or not math.isfinite(said.value):
        return Refusal("value_missing", "value must be a number", "value")
    return Threshold(received_at, said.metric, said.percent, said.value)


def _unmerge(said: _Said, received_at: int, naming: Naming) -> Unmerge | Refusal:
    key = _key(said, naming)
    if not key:
        return Refusal("no_identifier", "an identifier is un-merged: it needs a userId or an anonymousId", "userId")
    return Unmerge(received_at, key, SOURCE.name)


_READERS: dict[str, Callable[[_Said, int, Naming], History | Refusal]] = {
    "score": _score,
    "consent": _consent,
    "threshold": _threshold,
    "unmerge": _unmerge,
}


def _key(said: _Said, naming: Naming) -> str:
    """The strongest of those named that may be somebody; "" where nobody is."""
    keys = keys_of(said.user_id, None, said.anonymous_id, {"email": said.email, "phone": said.phone}, None)
    sound = [key for key in keys if len(key) <= MAX_LENGTH and not naming.blocks(key)]
    return min(sound, key=lambda key: rank(key[0], naming.priority), default="")


def _is_source(said: object) -> TypeGuard[str]:
    return isinstance(said, str) and _is_name(said)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT
