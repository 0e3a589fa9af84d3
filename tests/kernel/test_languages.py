"""In which language a person is written to: from what their browsers say to what the gate freezes."""

import json
from typing import Any

from msgspec import Raw

from tactful.events.intake import Arrival, accept
from tactful.events.records import CONSENT, Event, Publish, Tick, unpack
from tactful.events.sources import Source
from tactful.kernel.gate import Claim, decide
from tactful.values import MINUTE_US, SECOND_US
from tests.kernel.driver import Driver
from tests.kernel.test_policy import Facts

NOW = 1_740_816_000_000_000
SHOP, WEB = Source("shop", "SK", "server"), Source("web", "WK", "browser")
FILES = {
    "journeys/remind.yaml": "start: {event: Product Added}\nwait: 30m\nsend: {webhook: 'https://crm.example/'}\n"
    "purpose: marketing.crm\n"
}
POLICY = json.dumps({"region": "opt-out", "purposes": {"marketing.crm": {}}})


class Visit:
    """One partition, a second for each call."""

    def __init__(self) -> None:
        self.driver, self.now, self.calls = Driver(), NOW, 0
        self.driver.append(Publish(NOW, FILES, {CONSENT: POLICY}), Tick(NOW + SECOND_US, 1000))

    def call(self, source: Source, **said: Any) -> None:
        self.now += SECOND_US
        self.calls += 1
        call = {"messageId": f"m{self.calls}", "type": "track", "event": "Product Viewed", **said}
        event = accept(json.dumps(call).encode(), Arrival(source, self.now))
        assert isinstance(event, Event), event
        self.driver.append(event)
        self.driver.read()

    def language(self, key: str) -> Any:
        """What is frozen of it for the only intent, which is made here."""
        self.call(SHOP, userId=key.removeprefix("u:"), event="Product Added")
        self.now += 30 * MINUTE_US
        self.driver.append(Tick(self.now, 1000))
        self.driver.read()
        (intent,) = self.driver.intents
        profile = self.driver.profiles()[key]
        (run,) = profile.runs
        found = decide(intent, profile, run, self.driver.plan, Facts(), self.now)
        assert isinstance(found, Claim), found
        return unpack(Raw(found.frozen)).get("locale")


def test_the_newest_call_of_a_browser_says_it() -> None:
    visit = Visit()
    visit.call(WEB, userId="1", context={"locale": "en-US"})
    visit.call(WEB, userId="1", context={"locale": "de_at"})
    visit.call(WEB, userId="1", context={"locale": "what?"})
    visit.call(WEB, userId="1", context={"locale": "fr"}, timestamp="2025-01-01T00:00:00Z")
    visit.call(WEB, userId="1")
    assert visit.language("u:1") == "de-AT"


def test_the_persons_own_word_goes_before() -> None:
    visit = Visit()
    visit.call(SHOP, type="identify", userId="1", traits={"language": "pt"})
    visit.call(WEB, userId="1", context={"locale": "de-AT"})
    assert visit.language("u:1") is None


def test_what_the_visitor_said_goes_with_them() -> None:
    visit = Visit()
    visit.call(WEB, anonymousId="7", context={"locale": "nl"})
    visit.call(SHOP, type="identify", userId="1", anonymousId="7")
    assert visit.language("u:1") == "nl"


def test_who_said_nothing_has_none() -> None:
    assert Visit().language("u:1") is None
