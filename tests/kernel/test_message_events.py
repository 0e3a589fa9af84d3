"""What comes back from messages reaches the person as any event does, and makes nobody known who is not."""

from tactful.events import responses
from tactful.events.derived import EventKept
from tactful.events.records import Publish, Tick
from tactful.events.responses import About, Response
from tactful.values import SECOND_US
from tests.kernel.test_policy import BROWSER, Shop

FILES = {
    "segments/opened.yaml": 'when: any("Email Opened", where=message == "hello" and not machine)\n',
    "segments/active.yaml": 'when: count("*") >= 2\n',
    "events/opened.yaml": "name: Email Opened\nproperties: {campaign_id: {type: text, required: true}}\n",
}


def shop() -> Shop:
    made = Shop({})
    made.now += SECOND_US
    made.driver.append(Publish(made.now, FILES, {}), Tick(made.now + SECOND_US, 1000))
    made.driver.read()
    return made


def opened(made: Shop, key: str, **said: bool) -> None:
    made.now += SECOND_US
    response = Response(responses.EMAIL_OPENED, made.now, **said)  # type: ignore[arg-type]  # by name
    made.driver.append(responses.event(About("intent", key, "welcome", "hello"), response, made.now))
    made.driver.read()


def test_an_open_is_an_event_of_the_person_and_no_doing_of_theirs() -> None:
    made = shop()
    made.call(event="Product Viewed", userId="1")
    opened(made, "u:1", machine=True)
    assert made.segments("u:1") == set()
    opened(made, "u:1")
    assert made.segments("u:1") == {"opened"}
    made.call(event="Product Viewed", userId="1")
    assert made.segments("u:1") == {"opened", "active"}


def test_a_tracking_plan_of_calls_asks_nothing_of_it() -> None:
    made = shop()
    made.call(event="Product Viewed", userId="1")
    opened(made, "u:1")
    kept = [row for group in made.driver.groups for row in group.rows if isinstance(row, EventKept)]
    assert [(row.name, row.flags) for row in kept] == [("Product Viewed", ()), ("Email Opened", ())]


def test_an_old_mail_makes_nobody_known() -> None:
    made = shop()
    opened(made, "u:gone")
    assert "u:gone" not in made.driver.profiles()
    assert made.driver.state.verdicts == {"drop": 1}


def test_it_follows_who_the_identifier_belongs_to() -> None:
    made = shop()
    made.call(event="Product Viewed", anonymousId="a-1")
    made.call(type="identify", userId="1", anonymousId="a-1")
    opened(made, "a:a-1")
    assert made.segments("u:1") == {"opened"}


def test_that_a_mail_came_back_is_no_word_of_the_shops_server() -> None:
    """Of somebody whom only browsers named, browsers may go on to speak."""
    made = shop()
    made.call(BROWSER, event="Product Viewed", anonymousId="a-1")
    opened(made, "a:a-1")
    (fragment,) = made.driver.profiles()["a:a-1"].fragments.values()
    assert not fragment.is_vouched
