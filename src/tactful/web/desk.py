"""Desk: one thread that reads for the pages and the read API, and the news that wake open pages.

Reading touches files, so it must not happen on the loop that takes calls in; and a connection belongs to one thread, so
the reader is opened in the thread that asks it. Who types asks again and again: of such questions only the newest is
answered, so that nobody waits behind what nobody wants to know any more. News come by a bell (decision 0003): nothing
polls.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread
from typing import TypeVar

from tactful.errors import TransientError
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Bell

Answer = TypeVar("Answer")
PAUSE_S = 0.3
"""Open pages are told of changes this often at most."""
QUIET_S = 15.0
"""After so long without news a sign of life goes out, so that a connection that is gone is noticed."""


class Overtaken(Exception):
    """A later question of the same turn came in place of this one."""


class _Asked:
    is_overtaken = False


class Desk:
    """`open_reader` is called once, in the reading thread."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._turns: dict[str, _Asked] = {}
        self._lock = Lock()
        self._answering: _Asked | None = None

    async def ask(self, question: Callable[[Reader], Answer], turn: str = "") -> Answer:
        """The answer to a question; raises what the question raised. With a `turn`, the question before of the same
        turn raises Overtaken: it is not begun any more, or what it asks of the history is broken off."""
        asked = _Asked()
        if turn:
            self._overtake(turn)
            self._turns[turn] = asked
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question, asked)
        finally:
            if self._turns.get(turn) is asked:
                del self._turns[turn]

    def _overtake(self, turn: str) -> None:
        before = self._turns.get(turn)
        if before is None:
            return
        with self._lock:
            before.is_overtaken = True
            if self._answering is before and self._reader is not None:
                self._reader.break_off()

    def _answer(self, question: Callable[[Reader], Answer], asked: _Asked) -> Answer:
        if self._reader is None:
            self._reader = self._open_reader()
        with self._lock:
            if asked.is_overtaken:
                raise Overtaken
            self._reader.begin()
            self._answering = asked
        try:
            return question(self._reader)
        except TransientError:
            if asked.is_overtaken:
                raise Overtaken from None
            raise
        finally:
            with self._lock:
                self._answering = None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class News:
    """Tells every open page that something changed. `close` ends all streams, so that a stop need not wait for them."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Event] = set()
        self._is_closed = False
        self.number = 0
        """How many there were; another one than a page was made at: it may be old."""

    def begin(self) -> None:
        """From now on they are counted."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            Thread(target=self._hear, name="news", daemon=True).start()

    def listen(self, since: int | None = None) -> AsyncIterator[bool]:
        """True where something changed since the last time, False as a sign of life. What came between the making of a
        page (at the number `since`) and its listening is told at once."""
        self.begin()
        changed = asyncio.Event()
        if since is not None and since != self.number:
            changed.set()
        self._listeners.add(changed)
        return self._stream(changed)

    async def _stream(self, changed: asyncio.Event) -> AsyncIterator[bool]:
        try:
            while not self._is_closed:
                try:
                    await asyncio.wait_for(changed.wait(), QUIET_S)
                except TimeoutError:
                    yield False
                    continue
                changed.clear()
                if not self._is_closed:
                    yield True
                    await asyncio.sleep(PAUSE_S)
        finally:
            self._listeners.discard(changed)

    def _hear(self) -> None:
        """Runs in a thread of its own for as long as the process lives; a bell can only be waited for."""
        assert self._loop is not None
        while not self._is_closed:
            self._bell.wait(None)
            try:
                self._loop.call_soon_threadsafe(self._tell)
            except RuntimeError:  # The loop is gone, and everybody who listened with it.
                return

    def _tell(self) -> None:
        self.number += 1
        for changed in self._listeners:
            changed.set()

    def close(self) -> None:
        """From any thread, before the server waits for its connections to end."""
        self._is_closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)
