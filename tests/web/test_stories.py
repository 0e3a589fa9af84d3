"""A person's story, told from the trail, the log and the outbox: every step, in the order of decisions, with its reason."""

import json

import pytest

from tactful.events.derived import Group, RunEnded, SendMessage, encode_groups
from tactful.events.identifiers import partition_of
from tactful.operations.people import explain
from tactful.operations.people.finding import candidates
from tactful.operations.stories import Story
from tactful.runtime.ports import Commit
from tests.web.scene import NOON, PARTITIONS, Scene, afternoon


def told(scene: Scene, person: str, steps: int = 200) -> Story:
    story = scene.reader.story(person, steps)
    assert story is not None
    return story


def test_the_whole_way_of_a_reminder_is_told_in_order() -> None:
    story = told(afternoon(), "ada")
    assert [(line.kind, line.text) for line in story.lines if line.kind != "event"] == [
        ("consent", "granted email_marketing"),
        ("entered", "entered the segment cart_open"),
        ("started", "started the journey cart_reminder, due 2025-03-12T12:44:02.000Z"),
        ("intent", "decided to send the e-mail cart_reminder"),
        ("claim", "passed the gate to ada@kettle.example"),
        ("outcome", "the message of cart_reminder was accepted by the receiver"),
        ("left", "left the segment cart_open"),
        ("entered", "entered the segment regulars"),
    ]
    assert story.is_whole
    assert [each.segment for each in story.segments] == ["regulars"]


def test_a_predicate_names_its_value_and_the_events_behind_it() -> None:
    entered = told(afternoon(), "u:ada").lines[-1]
    (why,) = entered.why
    assert (why.text, why.value) == ('count("Order Completed", last="30d")', 3.0)
    assert [event.properties["order_id"] for event in why.events] == ["o-1031", "o-1037", "o-1043"]


def test_a_claim_stands_between_intent_and_outcome_with_its_permit() -> None:
    lines = told(afternoon(), "u:ada").lines
    kinds = [line.kind for line in lines]
    claim = lines[kinds.index("claim")]
    assert kinds.index("intent") < kinds.index("claim") < kinds.index("outcome")
    assert claim.because == "email_marketing granted at 2025-03-12T12:00:05.000Z"


@pytest.mark.parametrize(
    ("person", "text", "because"),
    [
        ("bea", "the journey cart_reminder ended and sent nothing", "Order Completed came first"),
        (
            "chen",
            "the e-mail cart_reminder was stopped at the gate",
            "no consent: email_marketing: never granted, or withdrawn",
        ),
        ("dov", "the e-mail cart_reminder waits", ""),
        (
            "eve@kettle.example",
            "the e-mail cart_reminder is held until somebody has looked",
            "outcome unknown: the connection broke after DATA",
        ),
    ],
)
def test_what_sent_nothing_says_why(person: str, text: str, because: str) -> None:
    last = told(afternoon(), person).lines[-1]
    assert (last.text, last.because) == (text, because)


def test_an_event_that_came_late_says_so() -> None:
    story = told(afternoon(), "bea")
    late = [line for line in story.lines if line.kind == "event" and line.because]
    assert [(line.text, line.because) for line in late] == [("Order Completed", "received 2h after it happened")]


def test_the_exit_that_the_gate_saw_is_named() -> None:
    scene = afternoon()
    bought = scene.event("u:dov", NOON, "Order Completed")
    scene.refuse(intent_of(scene, "dov"), NOON, "refused", "an event came first", f"ref {bought}")
    last = told(scene, "dov").lines[-1]
    assert last.because == "an event came first: Order Completed at 2025-03-12T12:00:00.000Z"


def intent_of(scene: Scene, person: str) -> SendMessage:
    row = scene.outbox.row(f"cart_reminder-{person}")
    assert row is not None
    return row.intent


def test_rows_that_are_committed_and_not_yet_in_the_trail_are_told() -> None:
    scene = afternoon()
    key, partition = "u:ada", partition_of("u:ada", PARTITIONS)
    profile = scene.person(key)
    position = scene.tick(key, NOON) >> 10
    group = Group(position, key, profile.tail, (RunEnded(NOON, "win_back", "", "restarted"),))
    profile.tail = position
    scene.settle()
    store = scene.stores[partition]
    head = store.checkpoint()
    store.commit(Commit(head.version, position, head.partition_state, [], encode_groups([group]), position, [], 0, {}))
    assert told(scene, key).lines[-1].because == "restarted"


def test_a_long_story_is_cut_and_says_so() -> None:
    story = told(afternoon(), "ada", 2)
    assert not story.is_whole
    assert [line.kind for line in story.lines] == ["event", "event", "left", "entered"]
    assert "older steps" in explain.as_text(story)


def test_events_that_the_log_has_forgotten_are_counted() -> None:
    scene = afternoon()
    scene.log.read = lambda partition, after, limit: []  # type: ignore[method-assign]  # a log that has expired
    entered = told(scene, "ada").lines[-1]
    assert entered.why[0].events == ()
    assert entered.why[0].expired == 3
    assert "and 3 earlier" in explain.as_text(told(scene, "ada"))


def test_text_and_values_tell_the_same() -> None:
    story = told(afternoon(), "ada")
    text, values = explain.as_text(story), json.loads(json.dumps(explain.as_values(story)))
    assert [step["text"] for step in values["story"]] == [line.text for line in story.lines]
    for step in values["story"]:
        assert step["text"] in text
    assert 'because count("Order Completed", last="30d") was 3' in text
    assert "Order Completed at 2025-03-12T12:55:02.000Z order_id=o-1043 total=39" in text


def test_numbers_are_shown_as_people_write_them() -> None:
    assert [explain.plain(number) for number in (39.0, 39.5, 39, True)] == ["39", "39.5", "39", "true"]
    assert explain.plain({"price": 1.5, "ok": None}) == '{"price": 1.5, "ok": null}'


def test_nothing_that_a_terminal_would_obey_is_printed() -> None:
    scene = Scene()
    scene.did("u:mallory", NOON, "Product Viewed", name="\x1b]0;mine\x07\u202e")
    scene.settle()
    text = explain.as_text(told(scene, "mallory"))
    assert "Product Viewed" in text
    assert {sign for sign in text if not sign.isprintable()} == {"\n"}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (" ada ", "u:ada"),
        ("u:ada", "u:ada"),
        ("EVE@Kettle.example", "e:eve@kettle.example"),
        ("e:eve@kettle.example", "e:eve@kettle.example"),
    ],
)
def test_people_are_found_by_what_somebody_types(typed: str, found: str) -> None:
    profile = afternoon().reader.find(typed)
    assert profile is not None
    assert profile.key == found


@pytest.mark.parametrize("typed", ["", "  ", "nobody", "a:", ":", "u:", "\x00", "x" * 600])
def test_who_is_not_known_is_not_found(typed: str) -> None:
    assert afternoon().reader.find(typed) is None


def test_a_bare_text_is_tried_as_a_user_first() -> None:
    assert candidates("42")[0] == "u:42"


def test_live_is_newest_first_over_all_partitions() -> None:
    events = afternoon().reader.live(5)
    assert [event.name for event in events[:2]] == ["Order Completed", "Order Completed"]
    assert [event.received_at for event in events] == sorted((event.received_at for event in events), reverse=True)
    assert len(events) == 5
    assert {event.partition for event in afternoon().reader.live()} == set(range(PARTITIONS))


def test_people_are_listed_by_what_they_did_last() -> None:
    people = afternoon().reader.people()
    assert [(person.key, person.last) for person in people[:2]] == [
        ("u:ada", "Order Completed"),
        ("e:eve@kettle.example", "Product Added"),
    ]
    assert people[0].segments == ("regulars",)
    assert len({person.key for person in people}) == len(people) == 5


def test_the_numbers_add_up() -> None:
    scene = afternoon()
    overview = scene.reader.overview()
    assert (overview.people, overview.quarantined, overview.lag, overview.plan) == (5, 1, 0, 3)
    assert overview.messages == {"sent": 1, "refused": 1, "waiting": 1, "held": 1}
    scene.event("u:ada", NOON, "Cart Viewed")
    assert scene.reader.overview().lag == 1


def test_an_empty_installation_has_no_story_and_zeroes() -> None:
    reader = Scene().reader
    assert reader.live() == []
    assert reader.people() == []
    assert reader.story("ada") is None
    assert (reader.overview().events, reader.overview().plan) == (0, 0)
