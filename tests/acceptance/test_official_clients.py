"""Unmodified clients, faults in between, and the whole engine behind: every event is kept exactly once.

(tests/collect has more faults against the edge alone; here the repeats that clients send must be dropped.)
"""

from collections import Counter
from random import Random

import pytest

from tests.acceptance.faulty_proxy import FAULTS, faulty_proxy
from tests.acceptance.installation import WRITE_KEY, Running
from tests.collect.test_clients import EVENTS, SENDERS

pytestmark = pytest.mark.external


NAMED = ("segment-analytics-python", "@segment/analytics-node")


@pytest.mark.parametrize(
    "client", [*NAMED, *(pytest.param(name, marks=pytest.mark.long) for name in SENDERS if name not in NAMED)]
)
def test_every_event_of_a_client_is_kept_exactly_once(running: Running, client: str) -> None:
    settings = running.project / "tactful.toml"
    settings.write_text(settings.read_text().replace(WRITE_KEY, "WK"))
    # Always among them: an answer that never arrives, so that the client sends again what was taken.
    faults = ["swallow the answer", *Random(client).sample(FAULTS, 2)]
    running.start()
    with faulty_proxy(running.port, faults) as proxy:
        SENDERS[client](f"http://127.0.0.1:{proxy.port}")
        assert proxy.met == faults
    running.await_quiet(0)
    seen = running.overview()
    assert (seen.events, seen.quarantined) == (EVENTS, 0)
    assert seen.repeats > 0
    kept = running.events()
    assert Counter(event["messageId"] for event in kept) == Counter(f"m-{number}" for number in range(EVENTS))
    for event in kept:
        assert event["properties"] == {"number": int(event["messageId"].removeprefix("m-"))}
        assert (event["type"], event["event"], event["userId"]) == ("track", "Product Viewed", "42")
    assert running.stop() == 0
