"""The whole engine in its processes, without faults: what the tests with faults rest on."""

from tests.acceptance.customers import Crowd
from tests.acceptance.demands import demand_all
from tests.acceptance.installation import Running
from tests.acceptance.receivers import Hooks, Mailbox


def test_every_event_is_applied_once_and_brings_its_message(running: Running, mailbox: Mailbox, hooks: Hooks) -> None:
    running.start()
    crowd = Crowd(1, running.port, customers=60).start()
    crowd.join()
    running.await_quiet(len(crowd.customers))
    assert running.stop() == 0
    demand_all(running, [crowd], mailbox, hooks)
