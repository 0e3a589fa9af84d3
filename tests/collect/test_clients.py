"""Unmodified server clients against a real server, with faults in between: in the end every event is in the log.

A client that cannot know whether its batch was taken sends it again, so an event may stand in the log twice; the kernel
drops repeats by messageId. What must never happen is that one is missing, or that two events share a messageId.
"""

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from tactful.events.records import unpack
from tests.collect.edge import Edge
from tests.collect.serving import FAULTS, served

pytestmark = pytest.mark.external

CLIENTS = Path(__file__).parent.parent / "clients"
EVENTS = 40


def send_by_segment_python(address: str, *, gzip: bool = False) -> None:
    client = SegmentClient("WK", host=address, upload_size=10, upload_interval=0.05, gzip=gzip)
    for number in range(EVENTS):
        client.track("42", "Product Viewed", {"number": number}, message_id=f"m-{number}")
    client.shutdown()


def send_by_rudder_python(address: str) -> None:
    client = RudderClient("WK", host=address, upload_size=10, upload_interval=0.05)
    for number in range(EVENTS):
        client.track("42", "Product Viewed", {"number": number}, message_id=f"m-{number}")
    client.flush()
    client.join()


def send_by_node(script: str) -> Callable[[str], None]:
    def send(address: str) -> None:
        node = shutil.which("node")
        assert node, "node is missing: apt-get install nodejs npm"
        assert (CLIENTS / "node_modules").is_dir(), "the clients are missing: npm ci --prefix tests/clients"
        done = subprocess.run(
            [node, script, address, "WK", str(EVENTS)],
            check=False,
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return send


SENDERS: dict[str, Callable[[str], None]] = {
    "segment-analytics-python": send_by_segment_python,
    "segment-analytics-python with gzip": lambda address: send_by_segment_python(address, gzip=True),
    "rudder-sdk-python": send_by_rudder_python,
    "@segment/analytics-node": send_by_node("segment.cjs"),
    "@rudderstack/rudder-sdk-node": send_by_node("rudder.cjs"),
}


def assert_all_kept(edge: Edge) -> None:
    events = edge.events()
    assert {event.message_id for event in events} == {f"m-{number}" for number in range(EVENTS)}
    for event in events:
        assert unpack(event.properties) == {"number": int(event.message_id.removeprefix("m-"))}
        assert (event.key, event.source, event.name) == ("u:42", "web", "Product Viewed")
    assert edge.refused() == []


@pytest.mark.parametrize("client", SENDERS)
def test_every_event_of_a_client_is_kept(edge: Edge, client: str) -> None:
    with served(edge) as (address, _):
        SENDERS[client](address)

    assert_all_kept(edge)
    assert len(edge.events()) == EVENTS


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", ["segment-analytics-python", "rudder-sdk-python", "@segment/analytics-node"])
def test_every_event_survives_a_fault(edge: Edge, client: str, fault: str) -> None:
    with served(edge, [fault, "", fault]) as (address, relay):
        SENDERS[client](address)

    assert relay.struck[:1] == [fault]
    assert_all_kept(edge)


@pytest.mark.parametrize("client", SENDERS)
def test_every_event_survives_a_mixture(edge: Edge, client: str) -> None:
    draw = random.Random(client)
    # Never three in a row: rudder-sdk-node gives a batch up after its third retry.
    planned = [fault for _ in range(3) for fault in ("", draw.choice(FAULTS), draw.choice(FAULTS))]
    with served(edge, planned) as (address, _):
        SENDERS[client](address)

    assert_all_kept(edge)
