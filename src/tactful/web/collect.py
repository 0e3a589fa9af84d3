"""Collect: the tracking API, as the unmodified clients of Segment and RudderStack speak it (DESIGN 9).

Bare ASGI, because these routes carry the load; everything else goes to the fallback app. A 200 is given only when
Intake says that the events are durable. A batch gets it whenever its frame could be read: a bad event goes to the
quarantine and leaves its neighbours alone. A single bad call gets its 400 and goes to the quarantine as well. 429 and
503 mean "keep it and come back"; every other 4xx makes clients drop what they sent, and is never given for something
that passes.
"""

import base64
import binascii
import logging
from collections.abc import Sequence
from urllib.parse import parse_qs

from tactful.errors import TransientError
from tactful.events.frames import Frame, OrdinaryFrame, read_frame, read_ordinary, written_key
from tactful.events.intake import Kind
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.runtime.intake import Busy, Intake
from tactful.runtime.ports import Clock
from tactful.runtime.rates import Rate
from tactful.web import collect_documents as documents
from tactful.web.answers import (
    OK,
    Answer,
    App,
    Receive,
    Scope,
    Send,
    error_answer,
    json_answer,
    later_answer,
    preflight_answer,
    respond,
)
from tactful.web.bodies import Disconnected, read_body, too_large, unpack_body
from tactful.web.collect_reading import Arrived, Rules, Taken, read_batch, read_consent, read_single, refuse

_KINDS: dict[str, Kind] = {
    "track": "track",
    "t": "track",
    "identify": "identify",
    "i": "identify",
    "page": "page",
    "p": "page",
    "screen": "screen",
    "s": "screen",
    "group": "group",
    "g": "group",
    "alias": "alias",
    "a": "alias",
}
_SINGLE: dict[str, Kind] = {f"/v1/{name}": kind for name, kind in _KINDS.items()}
_BATCH = frozenset(("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"))
_CONSENT = "/v1/consent"
_METRICS = "/v1/m"
_SOURCE_CONFIG = "/sourceConfig"
_POSTED = frozenset((*_SINGLE, *_BATCH, _CONSENT, _METRICS))

_log = logging.getLogger(__name__)


def collect_app(
    intake: Intake,
    sources: Sequence[Source],
    clock: Clock,
    fallback: App,
    public_url: str = "",
    rules: Rules | None = None,
) -> App:
    """The ASGI app of the hot routes; other paths go to `fallback`. `intake` must be started by whoever serves it."""
    return _Collect(intake, sources, clock, fallback, public_url, rules or Rules())


class _Collect:
    def __init__(
        self,
        intake: Intake,
        sources: Sequence[Source],
        clock: Clock,
        fallback: App,
        public_url: str,
        rules: Rules,
    ) -> None:
        self._intake = intake
        self._rules = rules
        self._clock = clock
        self._fallback = fallback
        self._public_url = public_url
        self._by_key = {source.write_key: source for source in sources}
        self._by_basic = {b"Basic " + base64.b64encode(f"{source.write_key}:".encode()): source for source in sources}
        self._call_bytes = max((source.call_bytes for source in sources), default=0)
        self._event_bytes = min((source.event_bytes for source in sources), default=0)
        self._rates = {source.name: Rate(source, clock) for source in sources}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path not in _POSTED:
            path = path.rstrip("/")
        if scope["type"] != "http" or not (path in _POSTED or _is_document(path)):
            await self._fallback(scope, receive, send)
            return
        try:
            answer = await self._answer(path, scope, receive)
        except Disconnected:
            return
        except Busy as busy:
            answer = later_answer(429, "busy", str(busy), busy.retry_after_s)
        except TransientError as error:
            _log.error("nothing can be accepted at the moment: %s", error)
            answer = later_answer(503, "unavailable", "events cannot be stored at the moment", 5)
        except Exception:  # The HTTP edge: a bug must not look like a refusal, or clients would drop their events.
            _log.exception("a call to %s failed", path)
            answer = later_answer(503, "internal_error", "the call failed here; it is not the client's fault", 30)
        await respond(send, answer)

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Answer:
        method = scope["method"]
        if method == "OPTIONS":
            return preflight_answer(scope["headers"])
        if path not in _POSTED:
            return self._document(path, scope) if method == "GET" else _not_allowed(b"GET, OPTIONS")
        if method != "POST":
            return _not_allowed(b"POST, OPTIONS")
        if path == _METRICS:  # Statistics of analytics-next about itself.
            return OK
        return await self._take(path, scope, receive)

    async def _take(self, path: str, scope: Scope, receive: Receive) -> Answer:
        self._intake.check()
        taken = await self._read(path, scope, receive)
        await self._intake.submit(taken.records, taken.refused)
        return taken.answer

    async def _read(self, path: str, scope: Scope, receive: Receive) -> Taken:
        packed, size = await read_body(receive, self._call_bytes)
        received_at = self._clock.now_us()
        body = unpack_body(packed, self._call_bytes)
        source = self._source(scope)
        frame = None
        if not isinstance(body, Refusal):
            frame = (read_ordinary(body, self._event_bytes) or read_frame(body)) if path in _BATCH else None
            if source is None:
                source = self._source_in(frame, body)
        if source is None:
            return Taken([], [], error_answer(401, "unknown_write_key", "the write key is missing or names no source"))
        if isinstance(body, Refusal):
            return refuse(body, Arrived(source, packed, received_at, 0, self._rules), size)
        arrived = self._beside(scope, Arrived(source, body, received_at, self._intake.partitions, self._rules))
        if len(body) > source.call_bytes:
            return refuse(too_large(source.call_bytes), arrived)
        if isinstance(frame, Refusal):
            return refuse(frame, arrived)
        if wait_s := self._rates[source.name].take(1 if frame is None else len(frame.batch)):
            message = "this source sends more events than its limit allows"
            return Taken([], [], later_answer(429, "too_many_events", message, wait_s))
        if frame is not None:
            return await read_batch(arrived, frame)
        return read_consent(arrived) if path == _CONSENT else read_single(arrived, _SINGLE[path])

    def _beside(self, scope: Scope, arrived: Arrived) -> Arrived:
        """With what headers say for every event of the call."""
        token = None
        has_gpc = False
        for name, value in scope["headers"]:
            if name == b"sec-gpc":
                has_gpc = value.strip() == b"1"
            elif name == b"x-identity-token":
                token = value
        if token is not None and self._rules.prove is not None and arrived.source.trust == "browser":
            arrived = arrived._replace(proof=self._rules.prove(token.decode("latin-1"), arrived.received_at))
        return arrived._replace(has_gpc=True) if has_gpc else arrived

    def _source(self, scope: Scope) -> Source | None:
        """By `Authorization: Basic`, `x-write-key` or `?writeKey=`; the body is the fourth place (`_source_in`)."""
        for name, value in scope["headers"]:
            if name == b"authorization":
                source = self._by_basic.get(value) or self._by_key.get(_basic_user(value))
            elif name == b"x-write-key":  # Some clients append a secret after a colon.
                source = self._by_key.get(value.decode("latin-1").partition(":")[0])
            else:
                continue
            if source is not None:
                return source
        query: bytes = scope["query_string"]
        if b"writeKey=" not in query:
            return None
        return self._by_key.get(parse_qs(query.decode("latin-1")).get("writeKey", [""])[0])

    def _source_in(self, frame: OrdinaryFrame | Frame | Refusal | None, body: bytes) -> Source | None:
        if isinstance(frame, Refusal):
            return None
        key = frame.write_key if frame else written_key(body)
        return self._by_key.get(key) if isinstance(key, str) else None

    def _document(self, path: str, scope: Scope) -> Answer:
        if path == _SOURCE_CONFIG:
            source = self._source(scope)
            if source is None:
                return error_answer(401, "unknown_write_key", "the write key is missing or names no source")
            return json_answer(200, documents.rudder_source_config(source))
        source = self._by_key.get(path.split("/")[3])
        if source is None:
            return error_answer(404, "unknown_write_key", "no source has this write key")
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        address = documents.own_address(self._public_url, scope.get("scheme", "http"), host)
        return json_answer(200, documents.segment_settings(source, *address))


def _is_document(path: str) -> bool:
    if path == _SOURCE_CONFIG:
        return True
    return path.startswith("/v1/projects/") and path.endswith("/settings") and path.count("/") == 4


def _basic_user(value: bytes) -> str:
    """The user of `Authorization: Basic`, which is the write key; "" where there is none."""
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(encoded.strip()).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _not_allowed(allow: bytes) -> Answer:
    return error_answer(405, "method_not_allowed", "this path does not take that method", headers=[(b"allow", allow)])
