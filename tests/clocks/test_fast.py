"""A folder's own clock: what it shows, who finds it, where it goes on, and what it is refused with."""

from pathlib import Path

import pytest

from tactful.adapters.installation import Installation
from tactful.app.clocks import Clocks, Running
from tactful.app.doorkeeping import access_of
from tactful.errors import UsageError
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US

NOW = 1_741_780_800_000_000


class Machine(Clock):
    """The world's clock, and steady time beside it."""

    def __init__(self) -> None:
        self.now = NOW
        self.steady = 77 * SECOND_US

    def now_us(self) -> int:
        return self.now

    def pass_time(self, us: int) -> None:
        self.now += us
        self.steady += us


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clocks(machine: Machine) -> Clocks:
    return Clocks(machine, lambda: machine.steady)


def start(clocks: Clocks, data: Path, speed: int = 60, begin_us: int | None = None, newest: int = 0) -> Running:
    """As `tactful up --speed` does."""
    clocks.refuse(data, speed, begin_us)
    running = clocks.run(data, speed, begin_us, lambda _: newest)
    (data / "installation.json").touch()
    return running


def test_a_minute_of_a_fast_clock_is_a_second_of_the_world(machine: Machine, clocks: Clocks, tmp_path: Path) -> None:
    clock = start(clocks, tmp_path).clock
    assert (clock.now_us(), clock.real_us(), clock.speed) == (NOW, NOW, 60)
    assert clock.until_s(NOW + 30 * MINUTE_US) == 30
    machine.pass_time(SECOND_US)
    assert (clock.now_us(), clock.real_us()) == (NOW + MINUTE_US, NOW + SECOND_US)
    assert clock.until_s(NOW + 30 * MINUTE_US) == 29
    assert clock.until_s(NOW) == 0


def test_an_act_stands_at_the_folders_time_and_a_sign_in_gets_old_by_the_worlds(
    machine: Machine, clocks: Clocks, tmp_path: Path
) -> None:
    clock = start(clocks, tmp_path).clock
    machine.pass_time(SECOND_US)
    house = Installation(tmp_path / "house", Settings(), clock, read_only=False)
    access = access_of(house, Settings())
    access.note("nina", "sign_in")
    assert [act.at for act in house.office.audit.acts()] == [NOW + MINUTE_US]
    assert access.clock.speed == 1
    house.close()


def test_it_begins_where_it_was_told_to(clocks: Clocks, tmp_path: Path) -> None:
    assert start(clocks, tmp_path, begin_us=NOW - DAY_US).clock.now_us() == NOW - DAY_US


def test_hands_that_set_the_machines_clock_do_not_move_it(machine: Machine, clocks: Clocks, tmp_path: Path) -> None:
    clock = start(clocks, tmp_path).clock
    machine.now -= HOUR_US
    assert clock.now_us() == NOW


def test_every_process_and_command_on_the_folder_finds_it(machine: Machine, clocks: Clocks, tmp_path: Path) -> None:
    running = start(clocks, tmp_path)
    machine.pass_time(7)
    assert clocks.of(tmp_path).now_us() == running.clock.now_us() == NOW + 7 * 60
    assert clocks.of(tmp_path).speed == 60
    assert clocks.of(tmp_path / "another") is machine


def test_it_stands_while_no_server_runs_and_goes_on_from_there(
    machine: Machine, clocks: Clocks, tmp_path: Path
) -> None:
    running = start(clocks, tmp_path)
    machine.pass_time(10 * SECOND_US)
    running.stop()
    machine.pass_time(DAY_US)
    stands = clocks.of(tmp_path)
    assert stands.now_us() == NOW + 10 * MINUTE_US
    assert stands.real_us() == NOW + 10 * SECOND_US + DAY_US
    again = start(clocks, tmp_path, speed=100).clock
    machine.pass_time(SECOND_US)
    assert again.now_us() == NOW + 10 * MINUTE_US + 100 * SECOND_US


def test_after_a_kill_it_goes_on_from_the_last_note_or_the_newest_record(
    machine: Machine, clocks: Clocks, tmp_path: Path
) -> None:
    running = start(clocks, tmp_path)
    machine.pass_time(10 * SECOND_US)
    running.note()
    machine.pass_time(5 * SECOND_US)
    running._alive.close()  # As if killed: nothing more was written.
    machine.pass_time(DAY_US)
    assert clocks.of(tmp_path).now_us() == NOW + 10 * MINUTE_US
    again = start(clocks, tmp_path, newest=NOW + 14 * MINUTE_US)
    assert again.clock.now_us() == NOW + 14 * MINUTE_US


@pytest.mark.parametrize(
    ("speed", "begin_us", "is_made", "is_fast", "said"),
    [
        (None, None, True, True, "--speed 60"),
        (60, None, True, False, "name a new folder"),
        (60, NOW, True, True, "--begin"),
        (None, NOW, False, False, "--begin"),
    ],
    ids=["fast without speed", "the world's with speed", "begin again", "begin without speed"],
)
def test_what_does_not_go_together_is_refused(
    clocks: Clocks, tmp_path: Path, speed: int | None, begin_us: int | None, is_made: bool, is_fast: bool, said: str
) -> None:
    if is_fast:
        start(clocks, tmp_path).stop()
    elif is_made:
        (tmp_path / "installation.json").touch()
    with pytest.raises(UsageError, match=said):
        clocks.refuse(tmp_path, speed, begin_us)


@pytest.mark.parametrize("text", ["", "{}", '{"speed": "x"}', "[1]"])
def test_a_damaged_file_says_so(clocks: Clocks, tmp_path: Path, text: str) -> None:
    (tmp_path / "clock.json").write_text(text)
    with pytest.raises(UsageError, match=r"clock\.json is damaged"):
        clocks.of(tmp_path)
