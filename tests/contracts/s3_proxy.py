"""A proxy in front of an S3 server that refuses or forgets, as a process of its own (deltalake holds Python's lock while it
waits for an answer): `python -m tests.contracts.s3_proxy ADDRESS` says its port, and then does what each line of its
standard input says: `method part-of-the-path share times kind`, where kind is

    503     refused before anything is done
    lost    all is done, and the answer is not sent
    either  one of the two, drawn
"""

import random
import sys
import threading
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

SEED = 20251102
HOPS = {"transfer-encoding", "expect", "connection"}
OURS = {"Transfer-Encoding", "Connection", "Content-Length", "Date", "Server"}
REFUSAL = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"


class Fault(NamedTuple):
    method: str
    part: str
    share: float
    times: int
    kind: str


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: ClassVar[str]
    fault: ClassVar[Fault] = Fault("", "", 0, 0, "")
    draw: ClassVar[random.Random] = random.Random(SEED)

    def handle_any(self) -> None:
        body = self._body()
        fault = self._drawn()
        if fault == "503":
            self._say(503, [], REFUSAL)
            return
        behind = HTTPConnection(self.behind)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOPS}
        behind.request(self.command, self.path, body, headers)
        answer = behind.getresponse()
        said = answer.read()
        behind.close()
        if fault == "lost":
            self.close_connection = True
            return
        self._say(answer.status, [one for one in answer.getheaders() if one[0] not in OURS], said, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815  (http.server asks for these)

    def _drawn(self) -> str:
        fault = Handler.fault
        if fault.method not in ("any", self.command) or fault.part not in self.path:
            return ""
        if not fault.times or self.draw.random() >= fault.share:
            return ""
        Handler.fault = fault._replace(times=fault.times - 1)
        return self.draw.choice(["503", "lost"]) if fault.kind == "either" else fault.kind

    def _body(self) -> bytes:
        """In one piece, also where it comes in chunks (RFC 9112 7.1)."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _say(
        self, status: int, headers: list[tuple[str, str]], body: bytes, answer: HTTPResponse | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        is_head = self.command == "HEAD"
        length = answer.getheader("Content-Length") if is_head and answer is not None else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if not is_head:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    Handler.behind = urlsplit(sys.argv[1]).netloc
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        for line in sys.stdin:
            method, part, share, times, kind = line.split()
            Handler.fault = Fault(method, part, float(share), int(times), kind)
            print("done", flush=True)
        server.shutdown()
