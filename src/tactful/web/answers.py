"""Answers of the collect edge: small JSON objects with CORS headers, on errors as well (collect.md, rules 1, 6, 8).

Clients read `code` and `message` of an error to decide between dropping and sending again, so every error has both.
No cookies are ever used, which is why any origin may call. A preflight gets back the headers that it asked for: new
ones appear on retries, so that no fixed list would do.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from msgspec import Struct

from tactful.events.verdicts import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]
_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After, ETag"),
]
_STATUS_OF = {"call_too_large": 413, "event_too_large": 413, "too_many_events": 413, "not_allowed": 403}
_HEADER_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")


class Answer(Struct, frozen=True):
    """One HTTP answer; the headers are complete."""

    status: int
    body: bytes
    headers: Headers


def json_answer(status: int, value: object, headers: Headers | None = None) -> Answer:
    """A JSON body with CORS headers."""
    body = msgspec.json.encode(value)
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Answer(status, body, own + _CORS + (headers or []))


def error_answer(status: int, code: str, message: str, field: str = "", headers: Headers | None = None) -> Answer:
    """`{"code", "message", "field"?}`."""
    value = {"code": code, "message": message} | ({"field": field} if field else {})
    return json_answer(status, value, headers)


def refusal_answer(refusal: Refusal) -> Answer:
    """400, or 413 for what is too large, 403 for what this source may not say."""
    return error_answer(_STATUS_OF.get(refusal.code, 400), refusal.code, refusal.message, refusal.field[:200])


def later_answer(status: int, code: str, message: str, retry_after_s: int) -> Answer:
    """429 or 503 with Retry-After: the client keeps its events and comes back."""
    return error_answer(status, code, message, headers=[(b"retry-after", str(retry_after_s).encode())])


def preflight_answer(headers: Headers) -> Answer:
    """204 to an OPTIONS; allows the headers asked for, cached for a day."""
    asked = next((value for name, value in headers if name == b"access-control-request-headers"), b"")
    allowed = (
        asked if len(asked) <= 2_000 and _HEADER_NAMES.fullmatch(asked.strip()) else b"authorization, content-type"
    )
    own = [
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-allow-headers", allowed.strip()),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"Access-Control-Request-Headers"),
        (b"content-length", b"0"),
    ]
    return Answer(204, b"", own + _CORS)


OK = json_answer(200, {"success": True})


async def respond(send: Send, answer: Answer) -> None:
    """Send the answer as one ASGI response."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
