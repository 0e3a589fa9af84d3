"""The console is killed (SIGKILL) again and again while pages are open, definitions are saved and calls come in.

Calls go on as if nothing had been. A save that was answered happened, one that was not happened as a whole or not at
all; and when all is quiet, the folder, the plan in force and the history of revisions say the same.
"""

import html
import re
import resource
import signal
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from threading import Event, Thread
from urllib.parse import urlencode

import pytest

from tactful.adapters.installation import Installation as House
from tactful.app.clocks import SystemClock
from tactful.runtime.office import Revision
from tactful.runtime.settings import Settings
from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.installation import Running, signal_to
from tests.acceptance.stage import stage
from tests.acceptance.waiting import moment, until

PASSWORD = "four words are good"
BUYERS = "segments/buyers.yaml"
ROOM = "/definitions/segments/buyers"
OPEN_PAGES = 200


class Editor:
    """A browser of whoever saves the same file with another text each time, until told to stop."""

    def __init__(self, running: Running) -> None:
        self._running, self._cookie = running, ""
        self.answered: list[str] = []
        """Texts whose save was answered with 303, in order."""
        self.trouble: list[int] = []
        """Statuses of what was no answer of the console."""
        self._is_over = Event()
        self._thread = Thread(target=self._edit)

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, dict[str, str], str]:
        connection = HTTPConnection("127.0.0.1", self._running.port, timeout=60)
        sent = {"Cookie": self._cookie, "Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields).encode() if method == "POST" else None, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def move_in(self) -> None:
        said = until(lambda: re.search(r"/signin/link/\S+", self._running.said()), self._running.said)
        status, headers, text = self.ask("POST", said[0], name="ada", password=PASSWORD, again=PASSWORD)
        assert status == 303, text
        self._cookie = headers["set-cookie"].partition(";")[0]

    def is_in(self) -> bool:
        return self.ask("GET", "/access")[0] == 200

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(120)
        assert not self._thread.is_alive()

    def _edit(self) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            text = f'description: version {number}\nwhen: any("Order Completed", last="30d")\n'
            try:
                if self.save(text):
                    self.answered.append(text)
            except (OSError, HTTPException):
                self.trouble.append(0)

    def save(self, text: str) -> bool:
        status, _, page = self.ask("GET", f"{ROOM}/edit")
        if status != 200:
            return self._note(status)
        csrf, shown = _field(page, "csrf"), _field(page, "shown")
        status, headers, _ = self.ask("POST", f"{ROOM}/edit", csrf=csrf, text=text, shown=shown)
        if status != 303:
            return self._note(status)
        assert headers["location"] == f"{ROOM}/review", headers["location"]
        status, _, page = self.ask("GET", f"{ROOM}/review")
        if status == 303:  # The draft was lost with its console.
            return False
        if status != 200 or 'name="draft"' not in page:
            return self._note(status)
        status, headers, page = self.ask("POST", f"{ROOM}/review", csrf=csrf, draft=_field(page, "draft"))
        if status != 303:
            return self._note(status)
        return headers["location"].startswith(f"{ROOM}?saved")

    def _note(self, status: int) -> bool:
        self.trouble.append(status)
        return False

    def await_saves(self, number: int) -> None:
        until(lambda: len(self.answered) >= number, lambda: f"save {number}; {self.trouble}")

    def open_page(self) -> socket.socket:
        """A stream of news, as an open page has it."""
        page = socket.create_connection(("127.0.0.1", self._running.port), timeout=60)
        page.sendall(f"GET /news HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self._cookie}\r\n\r\n".encode())
        return page


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" (?:value|content)="([^"]*)"', page)
    assert found is not None, f"there is no {name} in {page[:3000]}"
    return html.unescape(found[1])


def history(running: Running) -> list[Revision]:
    house = House(running.data, Settings(), SystemClock(), read_only=True)
    try:
        return house.office.revisions.of(BUYERS, limit=10_000)
    finally:
        house.close()


def in_force(running: Running) -> str | None:
    house = House(running.data, Settings(), SystemClock(), read_only=True)
    try:
        plan = house.plan(0)
        return plan.plan.publish.files[BUYERS] if plan is not None else None
    finally:
        house.close()


def await_in_force(running: Running, text: str) -> None:
    until(lambda: in_force(running) == text, running.said)


def survive(folder: Path, seed: int, customers: int, strikes: int) -> None:
    draw = Random(seed)
    with stage(folder, seed) as (running, mailbox, hooks):
        running.start()
        editor = Editor(running)
        editor.move_in()
        pages = [editor.open_page() for _ in range(OPEN_PAGES)]
        crowd = Crowd(seed, running.port, customers).start()
        editor.start()
        for number in range(strikes):
            editor.await_saves(number + 1)
            moment(draw.random())
            victim = until(lambda: running.processes("show"), "a console")[0]
            signal_to(victim.pid, signal.SIGKILL)
        for page in pages:  # Each has ended, so that its browser opens another.
            with page:
                while page.recv(65_536):
                    pass
        editor.await_saves(strikes + 1)
        editor.stop()
        assert set(editor.trouble) <= {502, 503}, "what the console cannot say, a page of ours says"
        crowd.join()
        running.await_quiet(len(crowd.customers))
        assert running.stop() == 0

        running.start()
        until(editor.is_in, "the console, to whom ada is still signed in")
        assert editor.ask("GET", "/definitions")[0] == 200
        now = (running.project / BUYERS).read_text()
        assert in_force(running) == now
        told = [one.after for one in reversed(history(running))]
        assert told[-1] == now
        assert [text for text in told if text in editor.answered] == editor.answered, "each once, in order"
        assert len(told) == len(set(told))
        assert list(running.project.rglob("*.new")) == []
        demand_all(running, [crowd], mailbox, hooks)
        assert running.stop() == 0


def test_a_save_is_published_once_while_the_folder_is_watched(running: Running) -> None:
    """By the console, by an editor, and by both in turn."""
    running.words = ["--dev"]
    running.start()
    editor = Editor(running)
    editor.move_in()
    until(editor.is_in, "the console")
    files, expected = running.project / BUYERS, list[str]()
    for number in range(3):
        expected.append(f'description: console {number}\nwhen: any("A")\n')
        assert editor.save(expected[-1])
        await_in_force(running, expected[-1])
        expected.append(f'description: editor {number}\nwhen: any("A")\n')
        files.write_text(expected[-1])
        await_in_force(running, expected[-1])
        assert editor.ask("GET", "/definitions/revisions")[0] == 200
    told = [(one.author, one.after, one.version) for one in reversed(history(running))][1:]
    assert told == list(zip(["ada", ""] * 3, expected, range(2, 8), strict=True))
    assert running.stop() == 0


def test_a_console_that_may_not_write(running: Running) -> None:
    """A full disk, as the limit on the size of files makes it: what can be read is shown, nothing is done that cannot
    be noted, and afterwards all goes on."""
    running.start()
    editor = Editor(running)
    editor.move_in()
    until(editor.is_in, "the console")
    assert editor.save("description: before\nwhen: any('A')\n")
    (console,) = running.processes("show")
    before, told = (running.project / BUYERS).read_text(), len(history(running))
    resource.prlimit(console.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    for path in ("/", "/definitions", "/segments/buyers", "/audit"):
        assert editor.ask("GET", path)[0] == 200, path
    csrf = _field(editor.ask("GET", "/journeys/thanks")[2], "csrf")
    status, _, page = editor.ask("POST", "/journeys/thanks/steer", csrf=csrf, order="pause")
    assert (status, "This was not done" in page) == (503, True), page
    assert not editor.save("description: never\nwhen: any('A')\n")
    assert editor.trouble == [409], "with a page that says why"
    status, _, page = Editor(running).ask("POST", "/signin", name="ada", password=PASSWORD)
    assert status == 503, page
    assert (running.project / BUYERS).read_text() == before
    assert list(running.project.rglob("*.new")) == []

    resource.prlimit(console.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert [process.pid for process in running.processes("show")] == [console.pid], "it was never started again"
    assert editor.save("description: after\nwhen: any('A')\n")
    assert len(history(running)) == told + 1
    status, _, page = editor.ask("GET", "/audit?act=pause")
    assert "journeys/thanks" not in page
    assert running.stop() == 0
    assert "Traceback" not in running.said(), running.said()[-4000:]


def test_a_console_that_is_killed_again_and_again(tmp_path: Path) -> None:
    survive(tmp_path, 21, customers=100, strikes=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200, 210))
def test_a_console_that_is_killed_with_many_seeds(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, seed, customers=300, strikes=6)
