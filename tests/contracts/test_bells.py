"""The port Bells, over every adapter. A wait that is not woken ends with the test's own time limit."""

from threading import Thread

from tests.contracts.conftest import BellsMaker

AT_MOST_S = 60.0
NOT_AT_ALL_S = 0.0


def test_a_ring_wakes_whoever_has_the_name(open_bells: BellsMaker) -> None:
    bell = open_bells().bell("work-0", "work-1")
    ringer = Thread(target=open_bells().ring, args=("work-1",))
    ringer.start()
    bell.wait(None)
    ringer.join()


def test_a_ring_before_the_wait_is_heard_and_many_are_one(open_bells: BellsMaker) -> None:
    bells = open_bells()
    bell = bells.bell("deliver")
    for _ in range(1_000):
        bells.ring("deliver")
    bell.wait(None)
    waiter = Thread(target=bell.wait, args=(None,))
    waiter.start()
    assert waiter.is_alive(), "all the rings before were one"
    bells.ring("deliver")
    waiter.join(AT_MOST_S)
    assert not waiter.is_alive()


def test_a_ring_to_nobody_is_silence(open_bells: BellsMaker) -> None:
    bells = open_bells()
    bells.ring("watch")
    bell = bells.bell("watch")
    bell.close()
    bells.ring("watch")
    bell = bells.bell("watch")
    bell.wait(NOT_AT_ALL_S)
    bells.ring("watch")
    bell.wait(None)


def test_the_last_to_ask_has_the_name(open_bells: BellsMaker) -> None:
    bells = open_bells()
    first = bells.bell("work-0", "work-1")
    second = open_bells().bell("work-0")
    bells.ring("work-0")
    second.wait(None)
    bells.ring("work-1")
    first.wait(None)


def test_a_wait_of_a_year_is_woken_too(open_bells: BellsMaker) -> None:
    """What is due next may be as far away as a window is long."""
    bells = open_bells()
    bell = bells.bell("work-0")
    bells.ring("work-0")
    bell.wait(366 * 86_400.0)
