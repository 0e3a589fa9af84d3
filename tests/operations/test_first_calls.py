"""The calls that `init` and the console teach: whole commands, and what they have to say of consent."""

import json
import shlex
from typing import Any

import pytest

from tactful.consent.policy import DEFAULT, Policy, Purpose, read
from tactful.events.records import CONSENT
from tactful.kernel.state import PartitionState
from tactful.operations.definitions.first_calls import about_consent, first_calls
from tactful.operations.definitions.scaffold import examples
from tactful.operations.people.consenting import refused, unkept
from tactful.operations.places import state_of
from tactful.runtime.settings import plan_settings, read_settings
from tests.operations.engine import Engine

BANNER = Purpose(categories=("Analytics", "Pub d'ici"))


def typed(policy: Policy) -> list[tuple[str, dict[str, Any]]]:
    """Address and body of each command, as a shell would take it apart."""
    taken = []
    for command in first_calls("http://127.0.0.1:8080", "k y", "Product Added", {"name": "Théière"}, policy):
        words = shlex.split(command.replace("\\\n", ""))
        assert words[:3] == ["curl", "-u", "k y:"] and words[4:6] == ["-H", "Content-Type: application/json"]
        taken.append((words[3].rpartition("/v1/")[2], json.loads(words[7])))
    return taken


@pytest.mark.parametrize(
    "policy",
    [
        DEFAULT,
        Policy(purposes={"analytics": BANNER}),
        Policy(collect="analytics", purposes={"analytics": Purpose("legitimate_interest")}),
        Policy(collect="analytics", region="opt-out", purposes={"analytics": BANNER}),
    ],
)
def test_where_events_are_kept_of_somebody_new_nothing_is_said_of_consent(policy: Policy) -> None:
    body = {"userId": "ada", "event": "Product Added", "properties": {"name": "Théière"}}
    assert typed(policy) == [("track", body)] and not about_consent(policy)


def test_the_event_says_what_a_banner_would() -> None:
    policy = Policy(collect="analytics", purposes={"analytics": BANNER, "other": Purpose(categories=("Other",))})
    ((address, body),) = typed(policy)
    assert address == "track"
    assert body["context"] == {"consent": {"categoryPreferences": {"Analytics": True, "Pub d'ici": True}}}
    assert "who permits analytics" in about_consent(policy) and "Analytics and Pub d'ici" in about_consent(policy)


@pytest.mark.parametrize("purposes", [{}, {"analytics": Purpose()}])
def test_without_a_place_in_the_banner_the_yes_comes_first(purposes: dict[str, Purpose]) -> None:
    policy = Policy(collect="analytics", purposes=purposes)
    assert [address for address, _ in typed(policy)] == ["consent", "track"]
    assert typed(policy)[0][1] == {"userId": "ada", "purpose": "analytics", "granted": True}
    assert about_consent(policy).endswith("so Ada says yes to that first.")


def test_the_example_shop_keeps_what_is_taught_and_says_why_not_of_the_rest() -> None:
    told = plan_settings(read_settings((examples() / "tactful.toml").read_text(encoding="utf-8"), {}))
    engine, policy = Engine(1, **told), read(told[CONSENT])
    ((_, body),) = typed(policy)
    engine.publish({})
    engine.take(engine.event(body["event"], "u:ada", context=body["context"]), engine.event(body["event"], "u:bob"))
    engine.run()
    state = state_of(engine.stores[0])
    assert (state.events, state.profiles) == (1, 1)
    assert unkept(refused([state]), policy) == (
        "events are kept of who permits analytics ([consent] collect); 1 that came in without that was only counted"
    )


@pytest.mark.parametrize(("policy", "verdicts"), [(DEFAULT, {"count": 1}), (Policy(collect="a"), {"quarantine": 2})])
def test_where_consent_keeps_nothing_out_it_is_no_reason(policy: Policy, verdicts: dict[str, int]) -> None:
    assert not unkept(refused([PartitionState(0, 1, verdicts=verdicts)]), policy)
