"""Starting and stopping: one server a folder, a stop that loses nothing, projects that are refused, a clock that jumps."""

import signal
import socket

import pytest

from tactful.app.clocks import SystemClock
from tactful.values import HOUR_US, SECOND_US
from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.installation import Running, free_port, run
from tests.acceptance.receivers import Hooks, Mailbox
from tests.acceptance.waiting import until


def up(running: Running, port: int) -> tuple[int, str]:
    done = run("up", "--project", str(running.project), "--data", str(running.data), "--port", str(port))
    return done.returncode, done.stderr


def test_a_second_server_on_the_folder_is_refused_and_the_first_stops_by_the_keyboard(running: Running) -> None:
    running.start()
    assert up(running, free_port()) == (
        1,
        f"tactful: another Tactful is running on {running.data}; stop it first, or give --data another folder\n",
    )
    history = running.data.parent / "history.jsonl"
    history.write_text('{"type":"track","event":"X","userId":"1","receivedAt":"2025-03-01T00:00:00Z"}\n')
    done = run(
        "import",
        "--replay",
        str(history),
        "--project",
        str(running.project),
        "--data",
        str(running.data),
    )
    assert (done.returncode, done.stderr.partition(";")[0]) == (
        1,
        f"tactful: another Tactful is running on {running.data}",
    )
    until(lambda: len(running.processes()) == 8, "all eight processes")
    # Ctrl-C goes to the whole group of the terminal; the server's processes are in sessions of their own.
    running.supervisor.send_signal(signal.SIGINT)
    assert running.supervisor.wait(60) == 0


def test_a_stop_under_load_loses_nothing(running: Running, mailbox: Mailbox, hooks: Hooks) -> None:
    running.start()
    crowd = Crowd(7, running.port, customers=250).start()
    crowd.await_sent(150)
    assert running.stop() == 0
    running.start()
    crowd.await_sent(300)
    assert running.stop() == 0
    running.start()
    crowd.join()
    running.await_quiet(len(crowd.customers))
    assert running.stop() == 0
    demand_all(running, [crowd], mailbox, hooks)
    held = [row for row in running.intents() if row.status == "held"]
    assert held == [], "a graceful stop waits for the mails that are on their way"


def test_a_stop_while_all_starts_is_obeyed(running: Running) -> None:
    running.launch()
    until(lambda: running.processes("work"), "the first worker")
    running.stop()


def test_a_project_with_a_mistake_is_refused_with_its_place(running: Running) -> None:
    (running.project / "journeys/thanks.yaml").write_text("start: {event: Order Completed}\nsend: {email: thankss}\n")
    code, said = up(running, running.port)
    assert code == 1
    assert said.startswith("journeys/thanks.yaml:2:15: ")
    assert "send: {email: thankss}\n                  ^" in said
    assert said.endswith("1 mistake; nothing was changed.\n")


def test_mail_by_smtp_needs_links_that_mailboxes_trust(running: Running) -> None:
    settings = running.project / "tactful.toml"
    settings.write_text(settings.read_text().replace("https://mail", "http://mail"))
    for words in (["check"], ["up", "--data", str(running.data)]):
        done = run(*words, "--project", str(running.project))
        assert done.returncode == 1
        assert "[workspace] public_url must be an https address before mail goes out" in done.stderr


def test_a_port_that_is_taken_is_named(running: Running) -> None:
    with socket.create_server(("127.0.0.1", running.port)):
        running.launch()
        until(lambda: f"{running.port}" in running.said() and "in use" in running.said(), running.said)
    running.await_ready()
    assert running.stop() == 0


def test_other_machines_are_not_let_in_without_a_token(running: Running) -> None:
    done = run("up", "--project", str(running.project), "--data", str(running.data), "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "TACTFUL_ADMIN_TOKEN" in done.stderr


class Hands(SystemClock):
    """A clock whose wall hands a test moves."""

    wall_us = 1_741_000_000 * SECOND_US
    steady_us = 77 * SECOND_US

    def pass_time(self, us: int) -> None:
        self.wall_us += us
        self.steady_us += us

    def _wall_us(self) -> int:  # type: ignore[override]  # static there
        return self.wall_us

    def _steady_us(self) -> int:  # type: ignore[override]  # static there
        return self.steady_us


@pytest.mark.parametrize("jump_us", [-400 * 24 * HOUR_US, -2 * HOUR_US, 2 * HOUR_US, 400 * 24 * HOUR_US])
def test_a_clock_that_jumps_is_refused_once_aloud(jump_us: int, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Hands()
    before = clock.now_us()
    clock.wall_us += jump_us
    clock.pass_time(5 * SECOND_US)
    assert clock.now_us() == before + 5 * SECOND_US
    clock.pass_time(SECOND_US)
    assert clock.now_us() == before + 6 * SECOND_US
    assert capsys.readouterr().err.count("jumped") == 1
    clock.wall_us -= jump_us
    assert clock.now_us() == before + 6 * SECOND_US
    clock.wall_us += jump_us
    clock.now_us()
    assert capsys.readouterr().err.count("jumped") == 1


def test_a_clock_that_is_put_right_by_minutes_is_followed() -> None:
    clock = Hands()
    before = clock.now_us()
    for _ in range(10):
        clock.wall_us += HOUR_US // 10
        assert clock.now_us() == clock.wall_us
    assert clock.now_us() == before + HOUR_US
