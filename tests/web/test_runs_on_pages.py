"""What the pages say of journeys with steps: where runs wait, what was decided on the way, what came back."""

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tactful.events.derived import EventKept, GoalReached, Responded, Row, RunStarted, StepTaken
from tactful.events.identifiers import partition_of
from tactful.events.records import EMPTY_MAP
from tactful.journeys.runs import Run
from tactful.runtime.ports import Verdict
from tactful.values import DAY_US, HOUR_US
from tests.web.scene import NOON, PARTITIONS, Scene, intent
from tests.web.serving import Served, serve
from tests.web.test_pages import get, words

FAY = "u:fay"


def scene() -> Scene:
    """Fay is welcomed by SMS, takes a branch, and waits two days; a mail to her waits for the end of quiet hours."""
    made = Scene()
    signed = made.event(FAY, NOON, "Signed Up")
    hello = replace(intent(FAY, NOON, signed, "welcome"), channel="sms", message="hello", step="hello", entry_key="pro")
    rows: list[Row] = [
        RunStarted(NOON, "welcome", "pro", NOON, version="v1", started_at=NOON),
        StepTaken(NOON, "welcome", "pro", NOON, "which", "branch", "then"),
        hello,
        StepTaken(NOON, "welcome", "pro", NOON, "pause", "wait", "Order Completed", NOON + 2 * DAY_US),
    ]
    made.rows(FAY, signed, EventKept(NOON, "Signed Up", signed), *rows)
    made.claim(hello, NOON, "+4915112345678", "sms_marketing granted")
    made.outbox.finish([Verdict(hello.intent, "sent", "accepted")], NOON)
    sent = made.event(FAY, NOON + 1, "Message Sent")
    told = Responded(NOON + 1, "welcome", hello.intent, "Message Sent")
    made.rows(FAY, sent, EventKept(NOON + 1, "Message Sent", sent), told)
    bought = made.event(FAY, NOON + HOUR_US, "Order Completed", total=30)
    goal = GoalReached(NOON + HOUR_US, "welcome", "pro", NOON, "v1", "", bought, 1, 30.0)
    clicked = made.event(FAY, NOON + 2 * HOUR_US, "Message Clicked")
    made.rows(FAY, bought, EventKept(NOON + HOUR_US, "Order Completed", bought), goal)
    came = Responded(NOON + 2 * HOUR_US, "welcome", hello.intent, "Message Clicked")
    made.rows(FAY, clicked, EventKept(NOON + 2 * HOUR_US, "Message Clicked", clicked), came)
    late = intent(FAY, NOON + 3 * HOUR_US, signed, "good_night")
    tick = made.tick(FAY, NOON + 3 * HOUR_US)
    made.rows(FAY, tick, late)
    partition = partition_of(FAY, PARTITIONS)
    with made.outbox.claiming(partition, made.outbox.own(partition)) as claiming:
        claiming.postpone(late.intent, NOON + 20 * HOUR_US, "quiet hours until 08:00")
    run = Run(
        "welcome", "pro", NOON, 0, signed, "m", 2 * DAY_US, "Signed Up", EMPTY_MAP, "v1", step="pause", arm="holdout"
    )
    made.person(FAY).runs.append(run)
    made.settle()
    return made


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    with serve(scene()) as served:
        yield served


def test_a_person_shows_where_each_run_waits(shop: Served) -> None:
    shown = words(get(shop, f"/people/{FAY}")[1])
    assert re.search(r"Waits welcome for pro at pause, .*until 14 Mar 2025, 12:00:00", shown)
    assert "in the holdout of the journey: nothing will be sent" in shown


def test_a_story_tells_steps_goals_and_what_came_back(shop: Served) -> None:
    shown = words(get(shop, f"/people/{FAY}")[1])
    assert "Welcome for pro: took the branch then at which" in shown
    assert "Welcome for pro: waits at pause until 14 Mar 2025, 12:00:00" in shown
    assert "Reached the goal of welcome for pro, begun 12 Mar 2025, 12:00:00, worth 30" in shown
    assert "Message Clicked" in shown


def test_a_text_message_is_no_webhook(shop: Served) -> None:
    shown = words(get(shop, "/outbox/welcome-fay")[1])
    assert "webhook" not in shown
    assert "Handed over What was sent is not kept here" in shown
    assert "step hello" in shown
    assert "journey welcome for pro" in shown


def test_a_message_shows_what_came_back(shop: Served) -> None:
    assert re.search(r"Came back Message Clicked 12 Mar 2025, 14:00:00", words(get(shop, "/outbox/welcome-fay")[1]))


def test_a_message_that_waits_says_why(shop: Served) -> None:
    shown = words(get(shop, "/outbox/good_night-fay")[1])
    assert "quiet hours until 08:00" in shown
    assert "not before 13 Mar 2025, 08:00:00" in shown
    assert "quiet hours until 08:00" in words(get(shop, "/outbox")[1])


def test_what_came_back_is_told_once(shop: Served) -> None:
    """The event, the response to the message and the outcome are three records of one thing, or of two."""
    shown = words(get(shop, f"/people/{FAY}")[1])
    assert shown.count("Message Clicked") == 1
    assert "Message Sent" not in shown
    assert "Came back Message Clicked" in words(get(shop, "/outbox/welcome-fay")[1])
