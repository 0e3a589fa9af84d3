"""Rules of traits in step(): segments follow what counts, plans change what counts, and so does the gate."""

from collections.abc import Sequence

import msgspec
import pytest

from tactful.events.records import Publish
from tactful.kernel.gate import Claim, decide
from tactful.kernel.plan import compiled
from tactful.kernel.state import decode_plan
from tactful.kernel.state import encode as encode_state
from tests.kernel.driver import Driver
from tests.kernel.test_changes import event, flips, project, started
from tests.simulation.histories import START
from tests.simulation.shop import HOUR


def rules(**merges: str) -> dict[str, str]:
    told = "".join(f"  {name}: {{type: number, merge: {merge}}}\n" for name, merge in merges.items())
    return {"events/identify.yaml": f"name: $identify\nproperties:\n{told}"} if merges else {}


def test_a_segment_follows_what_counts_not_what_came_last() -> None:
    driver = started({**project(big="best >= 10", first="plan == 1"), **rules(best="maximum", plan="first")})
    driver.append(
        event("$identify", START + 10, best=12, plan=2),
        event("$identify", START + 20, best=3, plan=None),
        event("$identify", START + 30, happened=START + 5, best="many", plan=1),
        event("$identify", START + 40, best=None, plan=3),
    )
    driver.settle(START + HOUR)
    assert flips(driver, "big") == [(10, "in", "event")]
    assert flips(driver, "first") == [(30, "in", "event")]


def test_a_rule_that_is_changed_takes_over_what_was_kept() -> None:
    """At once for everybody; what was said before and not kept is gone."""
    driver = started(project(big="best >= 10"))
    driver.append(event("$identify", START + 1, best=12), event("$identify", START + 2, best=11))
    driver.append(Publish(START + 3, {**project(big="best >= 10"), **rules(best="minimum")}, {}))
    driver.settle(START + 4)
    driver.append(event("$identify", START + 5, best=14))
    driver.settle(START + 6)
    assert flips(driver, "big") == [(1, "in", "event")]
    driver.append(event("$identify", START + 7, best=9), event("$identify", START + 8, best=20))
    driver.append(Publish(START + 9, project(big="best >= 10"), {}))
    driver.settle(START + 10)
    driver.append(event("$identify", START + 11, best=10))
    driver.settle(START + 12)
    assert flips(driver, "big")[1:] == [(7, "out", "event"), (11, "in", "event")]


def test_what_counts_by_a_new_rule_is_looked_at_with_the_plan() -> None:
    driver = started(project(some="best is not None"))
    driver.append(event("$identify", START + 1, best="gold"))
    driver.append(Publish(START + 2, {**project(some="best is not None"), **rules(best="maximum")}, {}))
    driver.settle(START + 3)
    assert flips(driver, "some") == [(1, "in", "event"), (2, "out", "publish")]


def test_a_stored_plan_keeps_its_rules() -> None:
    driver = started(rules(best="maximum"))
    assert driver.plan_state is not None
    again = decode_plan(encode_state(driver.plan_state))
    assert compiled(again).traits == driver.plan.traits == {"best": again.traits["best"]}
    assert again.traits["best"].merge == "maximum"


class _NothingSent:
    def is_suppressed(self, address: str) -> bool:
        return False

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        return 0

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        return 0

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        return 0

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        return None


MAIL = {
    "journeys/thank.yaml": "start: {event: Order Completed}\nsend: {email: thanks}\n",
    "messages/thanks.yaml": "purpose: mail\nsubject: Thanks\ntext: Thanks\nhtml: Thanks\n",
    "events/identify.yaml": "name: $identify\nproperties:\n  email: {merge: first}\n  tags: {merge: union}\n",
}
BASIS = '{"purposes": {"mail": {"basis": "contract"}}}'


@pytest.mark.parametrize("happened", [0, START - HOUR])
def test_the_gate_takes_the_address_and_the_traits_that_count(happened: int) -> None:
    driver = Driver()
    driver.append(Publish(START, MAIL, {"time_zone": "UTC", "consent": BASIS}))
    driver.append(
        event("$identify", START + 1, email="one@shop.example", tags=["a"]),
        event("$identify", START + 2, happened=happened, email="two@shop.example", tags=["b", "a"]),
        event("Order Completed", START + 3),
    )
    driver.settle(START + 4)
    (intent,) = driver.intents
    profile = driver.profiles()["u:1"]
    claim = decide(intent, profile, profile.runs[0], driver.plan, _NothingSent(), START + 4)
    assert isinstance(claim, Claim)
    assert claim.address == ("two@shop.example" if happened else "one@shop.example")
    seen = msgspec.msgpack.decode(claim.frozen)["profile"]
    assert seen == {"email": claim.address, "tags": ["b", "a"] if happened else ["a", "b"]}
