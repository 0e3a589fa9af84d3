"""Patience: how long a request may take to arrive, and how long its head may be.

Uvicorn waits for ever for a request that does not end, and keeps a head of any length: a few thousand connections that
send a byte a minute would keep everybody else out. A request that comes in one piece, as nearly all do, sets no timer.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Patient(HttpToolsProtocol):
    """One connection."""

    head_s: ClassVar[float] = 15.0
    """From the first byte (or from the connection) to the end of the head."""
    body_s: ClassVar[float] = 60.0
    head_bytes: ClassVar[int] = 64 << 10

    _timer: asyncio.TimerHandle | None = None
    _is_open = False
    """Whether a request has begun that is not complete."""
    _is_head = True
    _received = 0
    """Bytes of a head that is not complete."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait(self.head_s)

    def data_received(self, data: bytes) -> None:
        was_head = self._is_head
        super().data_received(data)
        if not self._is_open:
            self._wait(None)
        elif not self._is_head:
            if was_head or self._timer is None:
                self._wait(self.body_s)
        else:
            self._received += len(data)
            if self._received > self.head_bytes:
                self._give_up(b"431 Request Header Fields Too Large")
            elif self._timer is None:
                self._wait(self.head_s)

    def on_message_begin(self) -> None:
        self._is_open, self._is_head, self._received = True, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_open, self._is_head = False, True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._give_up, b"408 Request Timeout")

    def _give_up(self, status: bytes) -> None:
        """Said where nothing was answered yet; then there is no connection any more, and the app hears of that."""
        if self.transport.is_closing():
            return
        if self._is_head or not self.cycle.response_started:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
