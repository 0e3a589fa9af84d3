"""Bells between processes: Unix datagram sockets in DATA/run, one per process, under as many names as it answers to.

A ring is one byte to a name. A name that nobody has, or whose process died, is silence. A full socket means that its
process has rings to read and is about to wake: nothing is lost. Names are links to the socket and are replaced in one
step, so whoever asks last has them.
"""

import os
import select
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from tactful.errors import UsageError

_PATH_BYTES = 100
"""sun_path has 108 bytes on Linux and 104 elsewhere."""
_LONGEST_S = 86_400.0
_WAITING = 512
"""Connections that nobody has accepted yet."""
_numbers = count(1)


class SocketBell:
    """The port `Bell`. With asyncio: `loop.add_reader(bell.fileno(), ...)`, and `silence()` before looking for work."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def wait(self, timeout_s: float | None) -> None:
        rings = select.poll()
        rings.register(self._end, select.POLLIN)
        # The system counts milliseconds in 31 bits; whoever is woken early looks at the time again.
        rings.poll(None if timeout_s is None else min(timeout_s, _LONGEST_S) * 1000)
        self.silence()

    def silence(self) -> None:
        """Forget the rings so far; what rings from here on wakes again."""
        with suppress(BlockingIOError):
            while True:
                self._end.recv(16)

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._end.close()


class SocketBells:
    """The port `Bells` over a folder, which every process of one server shares. A name of `groups` rings all of its."""

    def __init__(self, folder: Path, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._groups = groups or {}
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._sender = _datagrams()
        self._bells: list[SocketBell] = []

    def ring(self, name: str) -> None:
        for one in self._groups.get(name, (name,)):
            # Nobody there, nobody any more, or rings enough already.
            with suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                self._sender.sendto(b"!", self._address(f"{one}.sock"))

    def bell(self, *names: str) -> SocketBell:
        end = _datagrams()
        unique = f".{os.getpid()}-{next(_numbers)}"
        bound = self._folder / f"{unique}.sock"
        link = self._folder / f"{unique}.link"
        bound.unlink(missing_ok=True)
        end.bind(self._address(bound.name))
        for name in dict.fromkeys(names):
            link.unlink(missing_ok=True)
            os.link(bound, link)
            link.replace(self._folder / f"{name}.sock")
        bound.unlink()
        self._bells.append(SocketBell(end))
        return self._bells[-1]

    def _address(self, name: str) -> str:
        return address(self._folder, self._handle, name)

    def close(self) -> None:
        for bell in self._bells:
            bell.close()
        self._sender.close()
        os.close(self._handle)


def address(folder: Path, handle: int, name: str) -> str:
    """A path that fits into a socket address, however deep the data folder lies; `handle` is of the open folder."""
    path = str(folder.absolute() / name)
    if len(os.fsencode(path)) <= _PATH_BYTES:
        return path
    if sys.platform == "linux":
        return f"/proc/self/fd/{handle}/{name}"
    raise UsageError(f"{path} is too long for a socket: choose a data folder with a shorter path")


class Door:
    """A stream socket in DATA/run that only our own user may open: what one process asks another."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = f"{name}.door"
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def address(self) -> str:
        return address(self._folder, self._handle, self._name)

    def listen(self) -> socket.socket:
        """In place of whoever listened there before."""
        (self._folder / self._name).unlink(missing_ok=True)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        end.bind(self.address)
        (self._folder / self._name).chmod(0o600)
        end.listen(_WAITING)
        return end

    def close(self) -> None:
        os.close(self._handle)


def _datagrams() -> socket.socket:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.setblocking(False)
    return end
