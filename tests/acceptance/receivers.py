"""Where messages arrive: a real mail server and a real webhook receiver, which remember all they accepted."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from tactful.messages import call
from tests.acceptance.installation import SECRET, free_port


class Mailbox:
    """Accepts mail after a drawn delay; now and then asks to come again, or hangs up after it has accepted."""

    def __init__(self, seed: int, rudeness: float = 0.0) -> None:
        self._random = Random(seed)
        self._rudeness = rudeness
        self._lock = Lock()
        self._asked_again: set[str] = set()
        self.accepted: Counter[str] = Counter()
        """By Message-ID, each time that a mail was taken, whether or not the sender heard of it."""
        self.port = 0

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.original_content
        assert content is not None
        name = str(message_from_bytes(content)["Message-ID"]).strip("<>").partition("@")[0]
        with self._lock:
            delay_s, mood = self._random.random() * 0.05, self._random.random()
            is_rude = mood < self._rudeness and name not in self._asked_again
            if is_rude:
                self._asked_again.add(name)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), delay_s)
        if is_rude and mood < self._rudeness / 2:
            return "451 come again later"
        with self._lock:
            self.accepted[name] += 1
        if is_rude:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 kept"


class Hooks:
    """Counts calls by idempotency key; now and then fails the first call of a key, or takes it and says nothing."""

    def __init__(self, seed: int, rudeness: float = 0.0) -> None:
        self._random = Random(seed)
        self._rudeness = rudeness
        self._lock = Lock()
        self.taken: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.port = 0

    def judge(self, headers: Any, body: bytes) -> int:
        """The status to answer; 0: none, hang up."""
        key = headers["Idempotency-Key"]
        seconds = headers["webhook-timestamp"]
        expected = call.headers([SECRET], key, body, int(seconds) * 1_000_000)["webhook-signature"]
        with self._lock:
            if headers["webhook-signature"] != expected or json.loads(body)["data"]["intent"] != key:
                self.wrong.append(key)
            mood = self._random.random()
            is_rude = mood < self._rudeness and key not in self.taken
            if is_rude and mood < self._rudeness / 2:
                return 503
            self.taken[key] += 1
            return 0 if is_rude else 200


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[Mailbox]:
    mailbox.port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@contextmanager
def hook_server(hooks: Hooks) -> Iterator[Hooks]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = hooks.judge(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            if not status:
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hooks.port = server.server_address[1]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hooks
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
