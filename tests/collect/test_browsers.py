"""Unmodified browser clients in a real browser, from another origin, with faults in between (collect.md 1.4, 1.5)."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tactful.events.records import unpack
from tests.browsers import chromium
from tests.collect.edge import Edge
from tests.collect.serving import WatchedLog, served

pytestmark = pytest.mark.external

MODULES = Path(__file__).parent.parent / "clients" / "node_modules"
SEGMENT = "@segment/analytics-next/dist/umd/index.js"
RUDDER = "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"
PAGE = '<!doctype html><title>Shop</title><script src="/{script}"></script>'

LOAD_SEGMENT = """async ([address, strategy]) => {
    const options = strategy && { integrations: { "Segment.io": { deliveryStrategy: { strategy, config: {
        size: 2, timeout: 100 } } } } };
    const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey: "WK", cdnURL: address }, options || {});
    window.client = analytics;
}"""
LOAD_RUDDER = """async ([address, strategy]) => {
    const options = { configUrl: address, queueOptions: { batch: { enabled: strategy === "batching",
        maxItems: 2, flushInterval: 100 } }, useBeacon: strategy === "beacon", beaconQueueOptions: {
        maxItems: 2, flushQueueInterval: 100 } };
    window.client = new rudderanalytics.RudderAnalytics();
    window.client.load("WK", address, options);
    await new Promise((resolve) => window.client.ready(resolve));
}"""
CALLS = """() => {
    client.page("Home", { path: "/" });
    client.track("Product Viewed", { price: 49.9 });
    client.identify("42", { email: "Ana@Example.test" });
    client.track("Product Added", { price: 120 });
    client.group("org-9", { name: "Nine" });
    client.alias("43", "42");
}"""
KINDS = {"$page", "Product Viewed", "$identify", "Product Added", "$group", "$alias"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """The modules folder, and at / a page with the script that the query names."""

    def do_GET(self) -> None:
        path, _, script = self.path.partition("?")
        if path != "/":
            super().do_GET()
            return
        body = PAGE.format(script=script).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of a shop that is another origin than the collect edge."""
    assert MODULES.is_dir(), "the clients are missing: npm ci --prefix tests/clients"
    handler = functools.partial(_Quiet, directory=str(MODULES))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


WAYS = {
    "segment": (SEGMENT, LOAD_SEGMENT, ""),
    "segment batching": (SEGMENT, LOAD_SEGMENT, "batching"),
    "rudder": (RUDDER, LOAD_RUDDER, ""),
    "rudder batching": (RUDDER, LOAD_RUDDER, "batching"),
    "rudder beacon": (RUDDER, LOAD_RUDDER, "beacon"),
}
# A beacon is sent once and never again, since its client sees no answer: no faults for it.
CASES = [
    (way, fault) for way in WAYS for fault in ("", "503", "429", "drop after") if way != "rudder beacon" or not fault
]


@pytest.mark.parametrize(("way", "fault"), CASES)
def test_every_call_of_a_browser_is_kept(edge: Edge, browser: Browser, shop: str, way: str, fault: str) -> None:
    script, load, strategy = WAYS[way]
    watched = WatchedLog(edge.real_log)
    edge.log = watched

    with served(edge, [fault, ""] if fault else []) as (address, relay):
        page = browser.new_page()
        page.goto(f"{shop}/?{script}")
        page.evaluate(load, [address, strategy])
        page.evaluate(CALLS)
        watched.wait_for(lambda events: {event.name for event in events} >= KINDS)
        page.close()

    assert relay.struck[:1] == ([fault] if fault else [])
    assert edge.refused() == []
    by_name = {event.name: event for event in edge.events()}
    assert by_name.keys() == KINDS
    assert unpack(by_name["Product Viewed"].properties)["price"] == 49.9
    assert any(key.startswith("a:") for key in by_name["Product Viewed"].ids)
    assert not any(key.startswith("e:") for key in by_name["$identify"].ids)  # A browser names nobody by an address.
    assert unpack(by_name["$identify"].properties)["email"] == "Ana@Example.test"
    assert by_name["Product Added"].key == "u:42"
    assert unpack(by_name["$group"].extra)["groupId"] == "org-9"
    # analytics-next writes the current user over the new id; the previous one is what all agree on.
    assert unpack(by_name["$alias"].extra)["previousId"] == "42"
    assert unpack(by_name["$page"].properties)["name"] == "Home"
