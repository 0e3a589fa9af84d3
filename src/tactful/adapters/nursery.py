"""Nursery: one process that has loaded the program, and from which all others of `tactful up` are forked.

To load the program takes a second of a core; to fork who has loaded it takes a hundredth, and the pages that nobody
changes lie in memory once. So the first start, and each start after a crash, waits for nothing. The nursery itself
decides nothing, opens nothing and has one thread, since a fork keeps only the thread that asks for it. It loads what a
kind of process needs when it is first asked for one.

Whom it forks becomes a child of `up` and not its own: it forks twice, the one between ends at once, and Linux gives the
orphan to `up`, which has said that it takes orphans. So `up` hears how each of them ended, also when the nursery was
killed; then the next start makes another nursery. What is forked waits until `up` knows of it, and ends where that
never comes to pass, so that nobody runs unseen.
"""

import atexit
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec

from tactful.errors import TransientError

LIFELINE = "TACTFUL_LIFELINE"
"""The variable with the pipe that ends when `up` does; whoever is forked keeps the other end."""
_SET_CHILD_SUBREAPER = 36
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "_RJEM_MALLOC_CONF": "background_thread:false"} | {
    "JE_ARROW_MALLOC_CONF": "background_thread:false"
}
"""What libraries would begin threads for as soon as they are loaded: algebra, and giving memory back."""
_LONGEST = 65_536
"""Bytes of a command line."""


class Started(msgspec.Struct, frozen=True):
    """A process that was forked."""

    pid: int
    nursery: "Nursery"

    def poll(self) -> int | None:
        """How it ended (minus the signal's number where one ended it); None as long as it lives."""
        return self.nursery.ended(self.pid)

    def send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        if self.poll() is not None:
            return True
        descriptor = os.pidfd_open(self.pid)  # It is not buried before we ask, so the number is still its own.
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)


class Nursery:
    """Of `up`. What is started holds `lock`, a descriptor, by inheritance."""

    def __init__(self, lock: int) -> None:
        assert ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        self._lock = lock
        self._lifeline, self._held = os.pipe()
        self._ended: dict[int, int] = {}
        self._begin()

    def start(self, words: Sequence[str]) -> Started:
        """A process that does `tactful WORDS`. Raises TransientError where none can be made."""
        pid = self._ask(words)
        if pid is None:
            self._end()
            self._begin()
            pid = self._ask(words)
        if pid is None:
            raise TransientError("no process could be started: the one that starts them ended at once")
        self._ended.pop(pid, None)
        return Started(pid, self)

    def ended(self, pid: int) -> int | None:
        self._bury()
        return self._ended.get(pid)

    def close(self) -> None:
        """Starts nobody from now on; who was started goes on as long as the lifeline is held."""
        self._end()
        os.close(self._lifeline)
        os.close(self._held)

    def _begin(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-m", "tactful.app", str(theirs.fileno())],
                pass_fds=(theirs.fileno(), self._lock, self._lifeline),
                env={**os.environ, **ONE_THREAD, LIFELINE: str(self._lifeline)},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _end(self) -> None:
        """At once, also while it still loads."""
        self._line.close()
        self._process.terminate()
        self._process.wait()

    def _ask(self, words: Sequence[str]) -> int | None:
        try:
            self._line.send(json.dumps(list(words)).encode())
            return int(self._line.recv(_LONGEST) or 0) or None
        except OSError:
            return None

    def _bury(self) -> None:
        """Whoever has ended, also who was nobody's any more: what they had started."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._process.pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
            else:
                self._ended[pid] = os.waitstatus_to_exitcode(status)


# ---- in the nursery ------------------------------------------------------------------------------------------


def serve(line: socket.socket, load: Callable[[str], None], name: Callable[[str], None]) -> Sequence[str]:
    """Forks a process for each command line that is asked for. Returns in each of these, with its command line; the
    nursery itself ends here, when `up` has. `load` imports what a command needs, `name` says what the process is."""
    gc.disable()
    while True:
        with contextlib.suppress(ConnectionResetError):
            if asked := line.recv(_LONGEST):
                words = json.loads(asked)
                load(words[0])
                if _is_forked(line):
                    line.close()
                    gc.enable()
                    atexit.register(gc.unfreeze)  # In the end all is given back, else DuckDB complains.
                    name(" ".join(["tactful", *words]))
                    return words  # type: ignore[no-any-return]  # as it was sent
                continue
        sys.exit(0)


def _is_forked(line: socket.socket) -> bool:
    """True in the new process, which nobody but `up` is the parent of."""
    # What was loaded is never garbage: the collector would only look through it, and so copy it.
    gc.freeze()
    told, telling = os.pipe()
    known, knowing = os.pipe()
    between = os.fork()
    if between == 0:
        pid = os.fork()
        if pid != 0:
            os.write(telling, str(pid).encode())
            os._exit(0)
        for end in (told, telling, knowing):
            os.close(end)
        os.setsid()
        if not os.read(known, 1):
            os._exit(1)  # Nobody has heard of this process, nor will.
        os.close(known)
        return True
    os.close(telling)
    os.close(known)
    pid_said = os.read(told, 32)
    os.waitpid(between, 0)  # From here on `up` is the parent.
    with contextlib.suppress(OSError):
        line.send(pid_said)
        os.write(knowing, b".")
    os.close(told)
    os.close(knowing)
    return False
