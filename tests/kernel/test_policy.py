"""The policy in step() and at the gate: what is permitted before anybody was asked, and what a decision changes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tactful.events.intake import Arrival, accept, accept_consent
from tactful.events.records import CONSENT, Event, Publish, Tick
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.kernel.gate import Claim, decide
from tactful.values import MINUTE_US, SECOND_US
from tests.kernel.driver import Driver

NOW = 1_740_816_000_000_000
SERVER, BROWSER = Source("shop", "SK", "server"), Source("web", "WK", "browser")
FILES = {
    "segments/lookers.yaml": 'when: any("Product Viewed")\npurpose: profiling\n',
    "segments/others.yaml": 'when: not segment("lookers")\n',
    "segments/watched.yaml": 'when: consents("fraud")\n',
    "journeys/remind.yaml": "start: {event: Product Added}\nwait: 30m\nsend: {webhook: 'https://crm.example/'}\n"
    "purpose: marketing.crm\n",
}
POLICY: dict[str, Any] = {
    "opt_out": ["US"],
    "purposes": {
        "profiling": {"gpc": True, "categories": ["Profiling"]},
        "fraud": {"basis": "legitimate_interest"},
        "marketing": {},
        "marketing.crm": {},
        "analytics": {"categories": ["Analytics"]},
    },
}


class Facts:
    def is_suppressed(self, address: str) -> bool:
        return False

    def counted(self, journey: str, since_us: int, keys: object, address: str) -> int:
        return 0

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        return 0

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        return 0

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        return None


class Shop:
    """One partition under a policy, a second for each call."""

    def __init__(self, policy: dict[str, Any] | None = None) -> None:
        self.driver = Driver()
        self.now = NOW
        self.calls = 0
        self.publish(POLICY if policy is None else policy)

    def publish(self, policy: dict[str, Any]) -> None:
        self.now += SECOND_US
        settings = {CONSENT: json.dumps(policy)} if policy else {}
        self.driver.append(Publish(self.now, FILES, settings), Tick(self.now + SECOND_US, 1000))
        self.driver.read()

    def call(self, source: Source = SERVER, **said: Any) -> None:
        self.now += SECOND_US
        self.calls += 1
        body = json.dumps({"messageId": f"m{self.calls}", "type": "track", **said}).encode()
        event = accept(body, Arrival(source, self.now))
        assert isinstance(event, Event), event
        self.driver.append(event)
        self.driver.read()

    def decides(self, source: Source = SERVER, **said: Any) -> None:
        self.now += SECOND_US
        self.calls += 1
        body = json.dumps({"messageId": f"m{self.calls}", **said}).encode()
        consents = accept_consent(body, Arrival(source, self.now))
        assert not isinstance(consents, Refusal), consents
        self.driver.append(*consents)
        self.driver.read()

    def wait(self, lasting_us: int) -> None:
        self.now += lasting_us
        self.driver.append(Tick(self.now, 1000))
        self.driver.read()

    def segments(self, key: str) -> set[str]:
        names = {rule.number: rule.name for rule in self.driver.plan.segments}
        return {names[number] for number in self.driver.profiles()[key].segments}

    def leaves(self, key: str) -> str:
        """What the gate says of the only intent."""
        (intent,) = self.driver.intents
        profile = self.driver.profiles()[key]
        (run,) = profile.runs
        said = decide(intent, profile, run, self.driver.plan, Facts(), self.now)
        return said.permit.because if isinstance(said, Claim) else said.reason


def test_segments_go_by_the_country_until_somebody_decides() -> None:
    shop = Shop()
    shop.call(event="Product Viewed", userId="1")
    assert shop.segments("u:1") == {"others", "watched"}, "nobody knows where"
    shop.call(event="Product Viewed", userId="1", context={"location": {"country": "usa"}})
    assert shop.segments("u:1") == {"lookers", "watched"}
    shop.call(type="identify", userId="1", traits={"country": "Deutschland"})
    assert shop.segments("u:1") == {"others", "watched"}, "the trait goes before what the client saw"
    shop.decides(userId="1", purpose="profiling", granted=True)
    assert shop.segments("u:1") == {"lookers", "watched"}
    shop.call(event="Product Viewed", userId="1", context={"gpc": True})
    assert shop.segments("u:1") == {"others", "watched"}
    shop.decides(userId="1", consents={"profiling": True, "fraud": False})
    shop.call(event="Product Viewed", userId="1", context={"gpc": True})
    assert shop.segments("u:1") == {"lookers"}, "the objection was heard before the grant; fraud is objected to"


def test_another_policy_looks_at_everybody_anew() -> None:
    shop = Shop()
    shop.call(event="Product Viewed", userId="1")
    shop.publish({"region": "opt-out", "purposes": POLICY["purposes"]})
    assert shop.segments("u:1") == {"lookers", "watched"}
    shop.call(event="Product Viewed", userId="2")
    assert shop.segments("u:2") == {"lookers", "watched"}
    shop.publish({})
    assert shop.segments("u:1") == shop.segments("u:2") == {"others"}


def test_the_gate_asks_the_policy() -> None:
    shop = Shop()
    shop.call(event="Product Added", userId="1", context={"location": {"country": "US"}})
    shop.wait(30 * MINUTE_US)
    assert shop.leaves("u:1") == "marketing.crm: opt-out region US"
    shop.call(type="identify", userId="1", traits={"address": {"country": "FR"}})
    assert shop.leaves("u:1") == "no consent: marketing.crm"
    shop.decides(userId="1", purpose="marketing", granted=True)
    assert shop.leaves("u:1").startswith("marketing.crm granted at ")
    shop.decides(userId="1", purpose="marketing", granted=False)
    assert shop.leaves("u:1") == "consent withdrawn: marketing.crm"


def test_a_withdrawal_ends_what_waits() -> None:
    shop = Shop()
    shop.decides(userId="1", purpose="marketing", granted=True)
    shop.call(event="Product Added", userId="1")
    shop.decides(userId="1", purpose="analytics", granted=False)
    assert len(shop.driver.profiles()["u:1"].runs) == 1
    shop.decides(userId="1", purpose="marketing", granted=False)
    assert shop.driver.profiles()["u:1"].runs == []
    shop.wait(60 * MINUTE_US)
    assert shop.driver.intents == []


COLLECT = POLICY | {"collect": "analytics", "otherwise": "count"}
AGREES = {"consent": {"categoryPreferences": {"Analytics": True}}}


@pytest.mark.parametrize(
    ("context", "is_kept"),
    [
        ({}, False),
        (AGREES, True),
        ({"consent": {"categoryPreferences": {"Analytics": False}}}, False),
        ({"consent": {"categoryPreferences": {"Profiling": True}}}, False),
        ({"location": {"country": "US"}}, True),
        ({"location": {"country": "DE"}}, False),
        ({"location": {"country": "US"}, "consent": {"categoryPreferences": {"Analytics": False}}}, False),
    ],
)
def test_nobody_is_remembered_who_does_not_permit_it(context: dict[str, Any], is_kept: bool) -> None:
    shop = Shop(COLLECT)
    shop.call(BROWSER, event="Product Viewed", anonymousId="b-1", context=context)
    assert ("a:b-1" in shop.driver.profiles()) is is_kept
    assert (b"b-1" in b"".join(shop.driver.states.values())) is is_kept


def test_a_browser_that_agrees_is_remembered_from_then_on() -> None:
    shop = Shop(COLLECT)
    shop.call(BROWSER, event="Product Viewed", anonymousId="b-1")
    shop.decides(BROWSER, anonymousId="b-1", consents={"analytics": True, "profiling": True})
    assert shop.segments("a:b-1") == {"others", "watched"}, "what it did before is not known"
    shop.call(BROWSER, event="Product Viewed", anonymousId="b-1")
    assert shop.segments("a:b-1") == {"lookers", "watched"}
    shop.decides(BROWSER, anonymousId="b-1", consents={"analytics": False})
    kept = shop.driver.state.events
    shop.call(BROWSER, event="Product Viewed", anonymousId="b-1")
    assert shop.driver.state.events == kept


def test_a_public_key_does_not_agree_for_somebody_whom_a_server_knows() -> None:
    shop = Shop()
    shop.call(BROWSER, event="Product Viewed", anonymousId="b-1")
    shop.call(event="Product Viewed", userId="1", anonymousId="b-1")
    shop.decides(BROWSER, anonymousId="b-1", purpose="profiling", granted=True)
    assert "lookers" not in shop.segments("u:1")
    shop.decides(userId="1", purpose="profiling", granted=True)
    assert "lookers" in shop.segments("u:1")
    shop.decides(BROWSER, anonymousId="b-1", purpose="profiling", granted=False)
    assert "lookers" not in shop.segments("u:1"), "saying no is for everybody"
