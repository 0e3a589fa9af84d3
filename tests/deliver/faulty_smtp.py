"""A mail server that keeps to the protocol until it is told not to: every fault at every phase and every byte.

A mail counts as received exactly when the server has read the line with the single dot and has not refused it, whether or
not the sender ever learns of it.
"""

import asyncio
import email
import email.policy
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from typing import Self


@dataclass(frozen=True)
class Fault:
    """At `phase` (greeting, ehlo, starttls, mail, rcpt, data, body, dot, quit): answer with `answer`, or "drop" (reset), "close", "stall", "garbage", "accept+drop", "accept+stall".

    `after_bytes` instead of a phase: reset once so many bytes of the connection were read. A fault of `starttls` offers it;
    what comes next is no TLS.
    """

    phase: str = ""
    what: str = ""
    after_bytes: int = -1


@dataclass
class Received:
    sender: str
    to: str
    body: bytes
    connection: int

    @property
    def parsed(self) -> Message:
        return email.message_from_bytes(self.body)

    @property
    def text(self) -> str:
        part = email.message_from_bytes(self.body, policy=email.policy.default).get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def intent(self) -> str:
        return str(self.parsed["Message-ID"]).strip("<>").partition("@")[0]


class Gone(Exception):
    pass


@dataclass
class FaultySmtp:
    """Faults are taken one per connection, in order; without any it behaves. Those of a recipient are for the first mail to
    it (known by the address that it comes from), one for each attempt. What `drips` gets each answer byte by byte."""

    faults: list[Fault] = field(default_factory=list)
    of_recipients: dict[str, list[Fault]] = field(default_factory=dict)
    of_senders: dict[str, list[Fault]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    drips: set[str] = field(default_factory=set)
    stalled: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    stall: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        # A small window, so that a long mail is not out of the sender's hands before it is read.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._server = await asyncio.start_server(self._serve, sock=listening)
        self.port = self._server.sockets[0].getsockname()[1]
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stall.set()
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.connections += 1
        fault = self.faults.pop(0) if self.faults else Fault()
        session = _Session(self, reader, writer, fault, self.connections)
        try:
            await session.talk()
        except (Gone, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


@dataclass
class _Session:
    server: FaultySmtp
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fault: Fault
    number: int
    sender: str = ""
    to: str = ""
    read: int = 0

    async def talk(self) -> None:
        await self._answer("greeting", "220 faulty ESMTP")
        while True:
            line = (await self._line()).decode("utf-8", "replace").strip()
            verb = line.split(" ")[0].upper()
            self.server.commands.append(verb)
            match verb:
                case "EHLO" | "HELO":
                    offer = "250-STARTTLS\r\n" if self.fault.phase == "starttls" else ""
                    await self._answer("ehlo", f"250-faulty\r\n{offer}250-SIZE 1000000\r\n250 8BITMIME")
                case "STARTTLS":
                    await self._answer("starttls", "454 no")
                case "MAIL":
                    self.sender = line
                    await self._answer("mail", "250 ok")
                case "RCPT":
                    self.to = line.partition("<")[2].partition(">")[0]
                    self._meet()
                    await self._answer("rcpt", "250 ok")
                case "DATA":
                    if await self._answer("data", "354 go on"):
                        await self._mail()
                case "QUIT":
                    await self._answer("quit", "221 bye")
                    return
                case _:
                    await self._say("250 ok")

    def _meet(self) -> None:
        """What is to happen to this mail, now that it is known which it is."""
        server, sender = self.server, self.sender.partition("<")[2].partition(">")[0]
        server.of_senders.setdefault(sender, server.of_recipients.pop(self.to, []))
        if faults := server.of_senders[sender]:
            self.fault = faults.pop(0)
        if self.to in server.unknown:
            self.fault = Fault("rcpt", "550 5.1.1 there is nobody of that name")

    async def _mail(self) -> None:
        lines: list[bytes] = []
        while (line := await self._line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
            if self.fault.phase == "body" and len(lines) > 3:
                # An answer in the middle of a mail is a server's last word.
                await self._misbehave(self.fault.what)
                raise Gone
        body = b"".join(lines)
        if self.fault.phase == "dot" and not self.fault.what.startswith(("accept", "2")):
            await self._misbehave(self.fault.what)
            return
        self.server.received.append(Received(self.sender, self.to, body, self.number))
        if self.fault.phase == "dot":
            await self._misbehave(self.fault.what.removeprefix("accept+"))
            return
        await self._say("250 2.0.0 queued")

    async def _answer(self, phase: str, text: str) -> bool:
        """True where the answer is the good one."""
        if self.fault.phase == phase:
            await self._misbehave(self.fault.what)
            return False
        await self._say(text)
        return True

    async def _misbehave(self, what: str) -> None:
        self.fault = Fault()
        match what:
            case "drop":
                self.writer.transport.abort()
                raise Gone
            case "close":
                raise Gone
            case "stall":
                self.server.stalled.append(self.to)
                await self.server.stall.wait()
                raise Gone
            case "garbage":
                await self._say("what do you mean?")
            case _:
                await self._say(what)
                if what.startswith("421"):
                    raise Gone

    async def _say(self, text: str) -> None:
        answer = text.encode() + b"\r\n"
        if self.to not in self.server.drips:
            self.writer.write(answer)
        else:
            for byte in answer:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.server.stall.wait(), 0.02)
                self.writer.write(bytes([byte]))
        await self.writer.drain()

    async def _line(self) -> bytes:
        if self.fault.after_bytes < 0:
            line = await self.reader.readuntil(b"\n")
        else:
            line = b""
            while not line.endswith(b"\n"):
                if self.read >= self.fault.after_bytes:
                    self.writer.transport.abort()
                    raise Gone
                line += await self.reader.readexactly(1)
                self.read += 1
        return line
