"""An app asked as an ASGI server asks: one request, one answer, no socket."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def ask(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    chunk: int = 65536,
) -> Answer:
    """`path` as it stands in the request line; names of headers in any case."""
    parts: list[Message] = [
        {"type": "http.request", "body": body[at : at + chunk], "more_body": at + chunk < len(body)}
        for at in range(0, max(len(body), 1), chunk)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    where, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": method, "path": unquote(where), "raw_path": quote(where).encode(),
        "query_string": query.encode(), "root_path": "", "scheme": "https", "server": ("mail.shop.example", 443),
        "client": ("192.0.2.1", 1), "headers": [
            (b"host", b"mail.shop.example"),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()),
        ],
    }  # fmt: skip
    await app(scope, receive, send)
    found = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:]))
