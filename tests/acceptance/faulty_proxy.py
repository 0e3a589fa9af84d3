"""A TCP proxy that breaks its first connections, each in another way, and then behaves."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread

FAULTS = ("refuse", "cut the call", "swallow the answer", "busy")
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_PATIENCE_S = 30.0


class FaultyProxy:
    """Forwards to a port of this machine; `met` says which faults happened."""

    def __init__(self, target: int, faults: Sequence[str]) -> None:
        self._target = target
        self._faults = list(faults)
        self.met: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[Thread] = []

    def serve(self) -> None:
        with suppress(OSError):  # Closed: the end.
            while True:
                client, _ = self._listening.accept()
                client.settimeout(_PATIENCE_S)
                thread = Thread(target=self._meet, args=(client,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _meet(self, client: socket.socket) -> None:
        fault = self._faults.pop(0) if self._faults else ""
        self.met += [fault] if fault else []
        with client, suppress(OSError):
            if fault == "refuse":
                return
            if fault == "busy":
                client.recv(1 << 20)
                client.sendall(BUSY)
                return
            with socket.create_connection(("127.0.0.1", self._target), _PATIENCE_S) as server:
                if fault == "cut the call":
                    server.sendall(client.recv(1 << 20)[:-7])
                    return
                answers = Thread(target=self._answer, args=(server, client, fault), daemon=True)
                answers.start()
                while sent := client.recv(1 << 16):
                    server.sendall(sent)
                server.shutdown(socket.SHUT_WR)
                answers.join(_PATIENCE_S)

    @staticmethod
    def _answer(server: socket.socket, client: socket.socket, fault: str) -> None:
        with suppress(OSError):
            while answer := server.recv(1 << 16):
                if fault == "swallow the answer":
                    # The server has taken it, and its client will never know.
                    break
                client.sendall(answer)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def faulty_proxy(target: int, faults: Sequence[str]) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(target, faults)
    thread = Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
