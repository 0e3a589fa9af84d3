"""Any process is killed (SIGKILL) at any moment under load, again and again; then all must be as if nothing had been.

A seed draws who is killed, after how many acknowledged events, and how far into the next work. Mail server and webhook
receiver misbehave as well: they ask to come again, or take a message and hang up.
"""

import signal
from pathlib import Path
from random import Random

import pytest
from segment.analytics.client import Client as SegmentClient

from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.histories import demand_history
from tests.acceptance.installation import WRITE_KEY, Running, signal_to
from tests.acceptance.stage import stage
from tests.acceptance.waiting import moment, until

VICTIMS = ("collect", "work", "nursery", "deliver", "archive", "supervisor", "all")


def strike(running: Running, victim: str, draw: Random) -> None:
    """Kill one, and see to it that the server is (or will be) there again."""
    if victim == "supervisor":
        running.kill_supervisor()
        running.start()
    elif victim == "all":
        running.kill_all()
        running.start()
    else:
        # Killed while it was being started again, it is not there: then the next one is waited for.
        chosen = draw.choice(until(lambda: running.processes(victim), f"a {victim} process"))
        signal_to(chosen.pid, signal.SIGKILL)


def official_client(port: int, seed: int, events: int) -> tuple[SegmentClient, set[str]]:
    """segment-analytics-python as it comes, with its own retries, and what it will send."""
    client = SegmentClient(WRITE_KEY, host=f"http://127.0.0.1:{port}", upload_size=7, upload_interval=0.05, timeout=5)
    ids = set()
    for number in range(events):
        message_id = f"official-{seed}-{number}"
        client.track(f"o{seed}-{number % 5}", "Product Viewed", {"number": number}, message_id=message_id)
        ids.add(message_id)
    return client, ids


def survive(folder: Path, seed: int, customers: int, strikes: int) -> None:
    draw = Random(seed)
    # The most different ones come first, so that few strikes meet many.
    victims = draw.sample(VICTIMS, len(VICTIMS)) + draw.choices(VICTIMS, k=strikes)
    with stage(folder, seed) as (running, mailbox, hooks):
        running.start()
        crowd = Crowd(seed, running.port, customers)
        client, official = official_client(running.port, seed, customers)
        crowd.start()
        total = len(crowd.events())
        for number in range(strikes):
            crowd.await_sent(int(total * (number + draw.random()) / (strikes + 1)))
            moment(draw.random() * 0.1)
            strike(running, victims[number], draw)
        crowd.join()
        client.flush()
        client.join()
        assert running.supervisor.poll() is None
        running.await_quiet(len(crowd.customers))
        assert running.stop() == 0
        running.start()
        running.await_quiet(len(crowd.customers))
        demand_all(running, [crowd], mailbox, hooks, official)
        assert running.stop() == 0
        demand_history(running.project, running.data)


def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    """Each of them once."""
    survive(tmp_path, 4, customers=200, strikes=len(VICTIMS))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_nothing_is_lost_or_doubled_with_many_seeds(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, seed, customers=400, strikes=8)


def test_a_killed_supervisor_leaves_no_process_behind(running: Running) -> None:
    running.start()
    all_of_them = ["archive", "collect", "deliver", "nursery", "show", "survey", "work", "work"]
    until(lambda: [process.name for process in running.processes()] == all_of_them, "all eight processes")
    running.kill_supervisor()
    # The folder's lock is free again, so that the next start is not refused.
    running.start()
    assert running.stop() == 0


def test_who_is_killed_while_all_starts_is_started_again(running: Running) -> None:
    """One of each kind, as soon as it is there; before the first plan stands, too."""
    running.launch()
    for victim in ("work", "nursery", "deliver", "show", "archive", "nursery", "survey"):
        strike(running, victim, Random(1))
    running.await_ready()
    until(lambda: len(running.processes()) == 8, "all eight processes")
    assert running.stop() == 0
