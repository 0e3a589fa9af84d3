"""What comes back from messages: the same report is the same event, and expressions know it without a declaration."""

import pytest
from msgspec.structs import replace

from tactful.events import responses
from tactful.events.records import Event, decode, encode, unpack
from tactful.events.responses import About, Response
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import EventType, Vocabulary
from tactful.operations.definitions.completion import Lately, vocabulary
from tactful.values import MINUTE_US, SECOND_US

ABOUT = About("intent", "u:42", "welcome", "hello", "email", "first")
NOW = 1_740_816_000_000_000
DECLARED = {"events/order.yaml": "name: Order Completed\nproperties: {total: number}"}


def made(name: str, at: int = NOW, received_at: int = NOW + SECOND_US, **said: object) -> Event:
    return responses.event(ABOUT, Response(name, at, **said), received_at)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("name", sorted(responses.NAMES))
def test_a_record_as_it_stands_in_the_log(name: str) -> None:
    event = made(name, link="https://a.example", reason="r", kind="hard", machine=True, purpose="p")
    assert decode(encode(event)) == event
    assert (event.kind, event.source, event.trust, event.key, event.ids) == (
        "message", "tactful", "server", "u:42", ("u:42",),
    )  # fmt: skip
    properties = unpack(event.properties)
    declared = responses.PROPERTIES[name]
    assert set(properties) == set(declared)
    assert all(isinstance(value, bool if declared[key] == "boolean" else str) for key, value in properties.items())


def test_what_happens_once_is_told_once() -> None:
    for name in ("Email Sent", "Email Delivered", "Email Marked as Spam"):
        assert made(name).message_id == made(name, NOW - MINUTE_US, reason="in other words").message_id
    hard, soft = made("Email Bounced", kind="hard"), made("Email Bounced", kind="soft")
    assert hard.message_id != soft.message_id
    assert len({made(name).message_id for name in responses.NAMES}) == len(responses.NAMES)


def test_what_happens_often_is_told_by_its_second() -> None:
    first = made("Email Opened", NOW)
    assert first.message_id == made("Email Opened", NOW + SECOND_US // 2).message_id
    assert first.message_id != made("Email Opened", NOW + SECOND_US, NOW + MINUTE_US).message_id
    assert first.message_id != made("Email Opened", NOW, machine=True).message_id
    one = made("Email Link Clicked", link="https://a.example")
    assert one.message_id != made("Email Link Clicked", link="https://b.example").message_id
    other = responses.event(replace(ABOUT, intent="another"), Response("Email Opened", NOW), NOW)
    assert first.message_id != other.message_id


@pytest.mark.parametrize("at", [0, -5, NOW + MINUTE_US, 2**62])
def test_a_clock_that_is_wrong_says_nothing(at: int) -> None:
    assert made("Email Opened", at, NOW).timestamp == NOW


def test_texts_are_cut() -> None:
    properties = unpack(made("Email Link Clicked", link="x" * 9_000, reason="y" * 9_000).properties)
    assert (len(properties["link"]), len(properties["reason"])) == (responses.LINK_CHARS, responses.REASON_CHARS)


@pytest.mark.parametrize(
    ("channel", "status", "reason", "offered", "name", "kind"),
    [
        ("email", "sent", "accepted", True, "Email Sent", ""),
        ("push", "sent", "accepted", True, "Message Sent", ""),
        ("email", "rejected", "550", True, "Email Bounced", "hard"),
        ("email", "rejected", "gave up after 5 attempts", True, "Email Bounced", "soft"),
        ("email", "rejected", "cannot be rendered", False, "", ""),
        ("sms", "rejected", "no such number", True, "Message Failed", "hard"),
        ("email", "held", "outcome unknown", True, "", ""),
        ("email", "lapsed", "too late", False, "", ""),
    ],
)
def test_what_an_outcome_says(channel: str, status: str, reason: str, name: str, kind: str, *, offered: bool) -> None:
    found = responses.of_outcome(replace(ABOUT, channel=channel), status, NOW, reason, was_offered=offered)
    assert (found.name, found.kind) == (name, kind) if found else name == ""


# ---- expressions -----------------------------------------------------------------------------------------------------


def test_a_project_that_declares_events_need_not_declare_these() -> None:
    strict = vocabulary_of(read_project(DECLARED))
    for name in responses.NAMES:
        assert check(f'any("{name}", where=message == "x" and intent != "y")', vocabulary=strict).warnings == ()
    check('count("Email Opened", where=not machine) > 1', vocabulary=strict)
    for text, message in (
        ('any("Email Opened", where=mesage == "x")', 'no property "mesage"'),
        ('any("Email Openend")', 'no event "Email Openend" is declared'),
        ('any("Email Opened", where=machine > 3)', "have no order"),
    ):
        with pytest.raises(Mistake, match=message):
            check(text, vocabulary=strict)


def test_a_shop_may_declare_more_of_them() -> None:
    """Another system for mail may speak the same spec."""
    own = EventType("Email Opened", {"campaign_id": "text", "machine": "text"})
    strict = Vocabulary(events={"Email Opened": own})
    check('any("Email Opened", where=campaign_id == "x" and journey == "y")', vocabulary=strict)


def test_star_beside_such_a_name_says_more() -> None:
    assert check('count(["*", "Email Opened"]) > 1').canonical != check('count("*") > 1').canonical
    assert check('count(["*", "Order Completed"]) > 1').canonical == check('count("*") > 1').canonical


def test_editors_know_them() -> None:
    offered = {one["name"]: one for one in vocabulary(read_project(DECLARED), Lately())["events"]}
    assert offered["Email Opened"]["isDeclared"]
    assert "pixel" in offered["Email Opened"]["help"]
    assert {"name": "machine", "type": "boolean"}.items() <= next(
        one for one in offered["Email Opened"]["properties"] if one["name"] == "machine"
    ).items()
