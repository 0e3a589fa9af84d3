"""What is tracked of a mail and a note, and of whom: nothing unless it is wanted, by the shop, the message and the
person; and each outcome is an event beside it in the log."""

import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.events import records
from tactful.events.records import Event, Outcome, unpack
from tactful.messages import links, note
from tactful.messages.source import MessageSource, digest
from tactful.messages.tracking import Tracking
from tactful.runtime import outcomes
from tactful.runtime.ports import Claimed, Verdict
from tactful.runtime.writing import Letterhead, mail_writer, note_writer
from tests.deliver.desk import KEYS, LETTERHEAD, SOURCE, START, Desk, claimed, order

BOTH = Tracking(clicks=True, opens=True)
HTML = "<body><a href='https://shop.example/cart'>Cart</a> <a href='{{ unsubscribe_url }}'>no more</a></body>"
MAIL = replace(SOURCE, html=HTML, text="https://shop.example/cart")
CONFIRMS = MessageSource(
    "confirm",
    "Yes?",
    html="<a href='{{ confirm_url }}'>Yes</a> <a href='https://shop.example/'>Shop</a>",
    confirms="email_marketing",
)


def written(source: MessageSource, wanted: Tracking = BOTH, **frozen: Any) -> tuple[str, str, bytes]:
    """HTML, text, and all of it."""
    letterhead = replace(LETTERHEAD, tracking=wanted)
    claim = replace(claimed(order("one"), 1, START, source), frozen=bytes(records.pack({"profile": {}, **frozen})))
    body = mail_writer(letterhead, lambda _: source.encode())(claim)
    mail = message_from_bytes(body, policy=policy.default)
    texts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    return texts["text/html"], texts["text/plain"], body


def test_links_and_pixel_of_the_html_alone() -> None:
    html, text, body = written(MAIL)
    (click,) = re.findall(r"https://t\.shop\.example/v1/c/([\w-]+)", html)
    found = links.unseal_click(KEYS, click)
    assert found is not None
    assert (found.target, found.sent_at, found.about.key, found.about.journey) == (
        "https://shop.example/cart", START, "u:one", "cart",
    )  # fmt: skip
    assert len(re.findall(r"/v1/o/[\w-]+\.gif", html)) == 1
    assert len(re.findall(r"/v1/unsubscribe/", html)) == 1
    assert "/v1/c/" not in text
    assert written(MAIL)[2] == body


@pytest.mark.parametrize(
    ("source", "tracking", "frozen"),
    [
        (MAIL, Tracking(), {}),
        (replace(MAIL, tracking=False), BOTH, {}),
        (MAIL, BOTH, {"tracking": False}),
        (CONFIRMS, BOTH, {}),
    ],
    ids=["nothing is wanted", "not of this message", "not of this person", "of nobody who has agreed to nothing"],
)
def test_nothing_is_tracked(source: MessageSource, tracking: Tracking, frozen: Mapping[str, Any]) -> None:
    html, _, _ = written(source, tracking, **frozen)
    assert "/v1/c/" not in html
    assert "/v1/o/" not in html
    assert "https://shop.example/" in html


def test_the_link_of_a_note() -> None:
    source = MessageSource(
        "hello", "", text="Look: https://shop.example/a", url="https://shop.example/b", channel="push"
    )
    claim = replace(_push(source), frozen=bytes(records.pack({"profile": {}})))
    letterhead: Letterhead = replace(LETTERHEAD, tracking=BOTH)
    made = note.decode(note_writer(letterhead, lambda _: source.encode())(claim))
    assert made.text == "Look: https://shop.example/a"
    found = links.unseal_click(KEYS, made.url.rpartition("/")[2])
    assert found is not None
    assert (found.target, found.about.channel) == ("https://shop.example/b", "push")
    plain = note.decode(note_writer(LETTERHEAD, lambda _: source.encode())(claim))
    assert plain.url == "https://shop.example/b"


def _push(source: MessageSource) -> Claimed:
    return replace(claimed(order("one", "push", "hello"), 1, START, source), template=digest(source.encode()))


@pytest.mark.parametrize(
    ("status", "reason", "digest_", "event"),
    [
        ("sent", "accepted", "d", "Email Sent"),
        ("rejected", "550 no such user", "d", "Email Bounced"),
        ("rejected", "cannot be rendered", "", ""),
        ("held", "outcome unknown", "d", ""),
    ],
)
def test_an_outcome_is_an_event_as_well(tmp_path: Path, status: str, reason: str, digest_: str, event: str) -> None:
    desk = Desk(tmp_path)
    desk.put(order("one"))
    desk.claim()
    desk.outbox.hand_off(["one"], "d")
    desk.outbox.finish([Verdict("one", status, reason, digest=digest_)], START)
    outcomes.report(desk.outbox, desk.log, desk.clock)
    found = [records.decode(body) for _, body in desk.log.read(0, 0, 100)]
    assert isinstance(found[0], Outcome)
    events = [one for one in found if isinstance(one, Event)]
    assert [one.name for one in events] == ([event] if event else [])
    if events:
        assert unpack(events[0].properties)["message"] == "reminder"
        assert (events[0].key, events[0].timestamp) == ("u:one", START)
    outcomes.report(desk.outbox, desk.log, desk.clock)
    assert len(desk.log.read(0, 0, 100)) == len(found)
