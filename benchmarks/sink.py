"""A mail server that accepts everything and notes when."""

import asyncio
import re
import time

_SUBJECT = re.compile(rb"^Subject:.*?(probe-\d+)", re.MULTILINE | re.DOTALL)


class Sink:
    """`accepted`: time.monotonic() by the probe named in the subject."""

    def __init__(self) -> None:
        self.accepted: dict[str, float] = {}
        self.taken = 0
        """How many mails there were."""
        self.port = 0
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        try:
            while line := await reader.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self._note(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The benchmark is over.
        finally:
            writer.close()

    def _note(self, body: bytes) -> None:
        self.taken += 1
        self._came.set()
        found = _SUBJECT.search(body)
        if found:
            self.accepted[found[1].decode()] = time.monotonic()

    async def wait(self, number: int) -> None:
        """Until so many have come."""
        while len(self.accepted) < number:
            self._came.clear()
            await self._came.wait()

    async def count(self, number: int) -> None:
        """Until so many mails of any kind have come."""
        while self.taken < number:
            self._came.clear()
            await self._came.wait()

    def stop(self) -> None:
        if self._server:
            self._server.close()
