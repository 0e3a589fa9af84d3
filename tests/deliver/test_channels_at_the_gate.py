"""The gate for every channel: whose address it is, what is suppressed, which purpose it needs, what is frozen."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.consent.permits import ConsentWrite
from tactful.events.records import unpack
from tactful.kernel.addresses import each
from tactful.people.traits import TraitWrite
from tests.deliver.gate_desk import URL, Desk, at, person, plan_of

NOON = at("2025-03-01T12:00:00Z")
PLAN = plan_of({})
TRAITS = {"email": "email", "sms": "phone", "push": "push_tokens", "web_push": "web_push", "chat": "chat"}
NOT_CONFIRMED = "refused: the address is not confirmed"


def desk() -> Desk:
    return Desk(MemoryOutbox(), PLAN, NOON)


@pytest.mark.parametrize("channel", TRAITS)
def test_without_an_address_nothing_leaves(channel: str) -> None:
    what = {"email": "e-mail", "web_push": "web push"}.get(channel, channel)
    profile = person("u:1", "", **{TRAITS[channel]: None})
    assert desk().sends("a", profile, channel) == f"refused: no {what} address"


@pytest.mark.parametrize(
    ("channel", "is_vouched", "fate"),
    [
        ("email", False, NOT_CONFIRMED),
        ("sms", False, NOT_CONFIRMED),
        ("chat", False, NOT_CONFIRMED),
        ("push", False, "claimed"),
        ("web_push", False, "claimed"),
        ("sms", True, NOT_CONFIRMED),
        ("push", True, NOT_CONFIRMED),
        ("web_push", True, NOT_CONFIRMED),
    ],
)
def test_an_address_that_only_a_browser_has_named(channel: str, is_vouched: bool, fate: str) -> None:
    """May be anybody's; a device speaks for itself, but not for somebody whom a server knows."""
    profile, trait = person("u:1"), TRAITS[channel]
    fragment = profile.fragments["u:1#1"]
    fragment.is_vouched = is_vouched
    said = fragment.traits[trait]
    fragment.traits[trait] = replace(said, is_browser=True)
    assert desk().sends("a", profile, channel) == fate
    fragment.traits[trait] = replace(said, is_browser=True, sure=TraitWrite(said.value, 1, 1, 1))
    assert desk().sends("b", profile, channel) == "claimed", "a server has said it once"


@pytest.mark.parametrize("channel", ["push", "web_push"])
def test_a_stranger_who_types_a_user_id_does_not_get_that_persons_messages(channel: str) -> None:
    profile, trait = person("u:1"), TRAITS[channel]
    profile.fragments["u:1#1"].is_vouched = True
    eves = person("a:9").fragments["a:9#1"]
    own = profile.fragments["u:1#1"].traits[trait].value
    eves.traits = {trait: replace(eves.traits[trait], is_browser=True, timestamp=9)}
    profile.fragments["a:9#1"] = eves
    box = desk()
    assert box.sends("a", profile, channel) == "claimed"
    (claim,) = box.outbox.claimed(channel)
    assert (str(own) if channel == "push" else "push.example/1") in claim.address and "9" not in claim.address
    del profile.fragments["u:1#1"].traits[trait]
    assert box.sends("b", profile, channel) == NOT_CONFIRMED


def test_suppression_is_of_any_address(tmp_path: Path) -> None:
    box = Desk(SqliteOutbox(tmp_path / "outbox.db"), PLAN, NOON)
    ada = person("u:1", "", push_tokens=["old", "new"])
    for address in ("+4930123456", "@1", "https://push.example/1", "old", URL):
        box.outbox.suppress(address, "gone", 1)
    assert [box.sends(one, ada, one) for one in ("sms", "chat", "web_push")] == [
        "refused: the address is suppressed"
    ] * 3
    assert box.sends("push", ada, "push") == "claimed"
    assert [each(one.address) for one in box.outbox.claimed("push")] == [("new",)], "one device of two"
    box.outbox.suppress("new", "gone", 2)
    assert box.sends("push2", ada, "push") == "refused: the address is suppressed"
    assert box.sends("hook", ada, "webhook") == "claimed", "a URL is no person's"
    box.outbox.close()


def test_a_message_that_is_gone() -> None:
    box, ada = desk(), person("u:1")
    box.put("a", ada, "sms")
    box.plan = plan_of({})
    del box.plan.messages["sms"]
    box.turn()
    assert box.fate("a") == "refused: the message is no longer published"


def test_a_message_that_was_given_another_purpose_needs_both() -> None:
    box, ada = desk(), person("u:1")
    other = plan_of({}, {"messages/sms.yaml": "channel: sms\npurpose: news\ntext: x\n"})
    consents = ada.fragments["u:1#1"].consents
    box.put("a", ada, "sms")
    box.plan = other
    box.turn()
    assert box.fate("a") == "refused: no consent: news"
    consents["news"] = ConsentWrite(True, 1, 1, 1)
    box.plan = PLAN
    box.put("b", ada, "sms")
    box.plan = other
    box.turn()
    (claim,) = box.outbox.claimed("sms")
    assert claim.permit.startswith("news granted")
    del consents["marketing"]
    box.plan = PLAN
    box.put("c", ada, "sms")
    box.plan = other
    box.turn()
    assert box.fate("c") == "refused: no consent: marketing"


def test_what_a_message_looks_at_is_frozen_with_the_claim() -> None:
    plan = plan_of(
        {},
        {
            "segments/known.yaml": "when: city is not None\n",
            "messages/tailored.yaml": "purpose: marketing\nsubject: x\ntext: '{{ segments }}'\nhtml: x\nvariants:\n"
            "  - {name: berlin, if: 'city == \"Berlin\"', subject: y}\n",
            "journeys/tailored.yaml": "start: {event: A}\nsend: {email: tailored}\n",
        },
    )
    box = Desk(MemoryOutbox(), plan, NOON)
    ada, bob = person("u:1", "", city="Berlin"), person("u:2", "", city="Paris")
    number = next(number for number, segment in plan.by_number.items() if segment.name == "known")
    ada.segments[number] = 1
    assert [box.sends(f"i{who.key}", who, journey="tailored") for who in (ada, bob)] == ["claimed"] * 2
    frozen = {one.intent.key: (one.variant, unpack(one.frozen)) for one in box.outbox.claimed("email")}  # type: ignore[arg-type]  # msgpack, raw or not
    assert (frozen["u:1"][0], frozen["u:1"][1]["segments"]) == ("berlin", ["known"])
    assert (frozen["u:2"][0], frozen["u:2"][1]["segments"]) == ("", [])
    row = box.outbox.row("iu:1")
    assert row is not None and (row.variant, bool(row.template)) == ("berlin", True)


@pytest.mark.parametrize("says", [True, False, None])
def test_whose_mails_are_tracked(says: bool | None) -> None:
    """Only of who permits it, once there is a purpose for it."""
    ada = person("u:1")
    if says is not None:
        ada.fragments["u:1#1"].consents["tracking"] = ConsentWrite(says, 1, 1, 1)
    for sending, is_tracked in (({}, True), ({"track_purpose": "tracking"}, says is True)):
        box = Desk(MemoryOutbox(), plan_of(sending), NOON)
        assert [box.sends(one, ada, one) for one in ("email", "sms")] == ["claimed"] * 2
        told = [unpack(box.outbox.claimed(one)[0].frozen).get("tracking", True) for one in ("email", "sms")]  # type: ignore[arg-type]  # msgpack, raw or not
        assert told == [is_tracked, True]
