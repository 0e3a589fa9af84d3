"""Whoever asks for an identifier is told of its person: marks are followed, and stories go on in the giver's chain."""

import pytest

from tactful.consent.permits import ConsentWrite
from tactful.events.derived import (
    DeviceMoved,
    EventKept,
    EventRefused,
    Group,
    SegmentEntered,
    SendMessage,
    TieRefused,
    encode_groups,
)
from tactful.events.identifiers import partition_of
from tactful.kernel.state import Fragment, Identity
from tactful.operations.people import explain
from tactful.operations.people.persons import HOPS
from tactful.operations.stories import Story
from tactful.people.traits import TraitWrite
from tactful.values import MINUTE_US, SECOND_US
from tests.web.merging import ADA, VISITOR, give, give_back, met
from tests.web.scene import NOON, PARTITIONS, Scene, intent


def told(scene: Scene, text: str, steps: int = 200) -> Story:
    story = scene.reader.story(text, steps)
    assert story is not None
    return story


def steps_of(story: Story) -> list[tuple[str, str]]:
    return [(line.text, line.through) for line in story.lines]


@pytest.mark.parametrize("text", ["ada", "u:ada", "a:7f3", "7f3"])
def test_every_identifier_of_a_person_leads_to_one_story_with_the_steps_in_the_order_of_time(text: str) -> None:
    scene = met()
    scene.settle()
    story = told(scene, text)
    assert (story.key, story.user) == (ADA, ADA)
    assert steps_of(story) == [
        ("Product Viewed", VISITOR),
        ("Cart Viewed", ""),
        ("Product Added", VISITOR),
        ("$identify", ""),
        ("became one person with a:7f3", ""),
        ("Order Completed", VISITOR),
    ]
    assert story.is_whole
    assert story.traits == {"name": "Ada Byron"}


def test_the_identifiers_are_named_with_the_call_that_tied_them() -> None:
    scene = met()
    scene.settle()
    own, visitor = told(scene, "ada").identifiers
    assert (own.key, own.since, own.event) == (ADA, 0, None)
    assert (visitor.key, visitor.since) == (VISITOR, NOON + 2 * MINUTE_US + SECOND_US)
    assert visitor.event is not None
    assert visitor.event.name == "$identify"
    text = explain.as_text(told(scene, VISITOR))
    assert text.startswith("u:ada (asked for as a:7f3)\n")
    assert "is known as a:7f3 since 2025-03-12T12:02:01.000Z, by $identify" in text
    assert "● Product Viewed [a:7f3]" in text


def test_traits_come_from_all_fragments_and_the_newest_counts() -> None:
    scene = met()
    traits = scene.person(ADA).fragments[f"{VISITOR}#1"].traits
    traits["name"], traits["size"] = TraitWrite("Nobody", NOON, NOON, 1), TraitWrite("XL", NOON, NOON, 1)
    scene.settle()
    assert told(scene, "7f3", 0).traits == {"name": "Ada Byron", "size": "XL"}


def test_a_long_story_is_cut_to_its_newest_steps_over_all_chains() -> None:
    scene = met()
    scene.settle()
    whole = steps_of(told(scene, "ada"))
    cuts = [told(scene, "ada", steps) for steps in range(1, 7)]
    for cut in cuts:
        assert steps_of(cut) == whole[-len(cut.lines) :]
        assert not cut.is_whole
    assert [len(cut.lines) for cut in cuts] == [1, 2, 2, 3, 4, 5], "the hand-over is a step that is told once"


def test_a_chain_of_marks_is_followed_to_its_end() -> None:
    scene = met()
    give(scene, ADA, "u:Ada", NOON + 10 * MINUTE_US)
    scene.settle()
    story = told(scene, VISITOR)
    assert story.key == "u:Ada"
    assert [each.key for each in story.identifiers] == ["u:Ada", ADA, VISITOR]
    assert [text for text, _ in steps_of(story)].count("Product Viewed") == 1
    assert ("became one person with u:ada", ADA) not in steps_of(story)
    assert story.user == ADA, "by the user id of the newest event, whichever profile survived"


def test_marks_that_lead_nowhere_are_no_answer() -> None:
    scene = Scene()
    for number in range(HOPS + 2):
        scene.person(f"u:{number:02}").identity = Identity({1: f"u:{number + 1:02}"})
    scene.person(f"u:{HOPS + 2:02}")
    scene.person("a:1").identity = Identity({1: "u:nobody"})
    scene.settle()
    assert scene.reader.story("u:00") is None
    assert told(scene, "u:02").key == f"u:{HOPS + 2:02}"
    assert scene.reader.find("a:1") is None


def test_after_an_unmerge_both_tell_their_own() -> None:
    scene = met()
    at = NOON + 20 * MINUTE_US
    give_back(scene, ADA, VISITOR, at)
    scene.did(VISITOR, at + MINUTE_US, "Cart Viewed")
    scene.settle()
    visitor, ada = told(scene, VISITOR), told(scene, ADA)
    assert steps_of(visitor) == [
        ("Product Viewed", ""),
        ("Product Added", ""),
        ("became part of u:ada", ""),
        ("got back what is its own from u:ada", ""),
        ("Cart Viewed", ""),
    ]
    assert steps_of(ada) == [
        ("Cart Viewed", ""),
        ("$identify", ""),
        ("became one person with a:7f3", ""),
        ("Order Completed", VISITOR),
        ("gave a:7f3 back what came from there", ""),
    ]
    assert visitor.is_whole
    assert ada.is_whole
    assert visitor.key == VISITOR
    assert [each.key for each in ada.identifiers] == [ADA]


def test_what_came_and_went_and_came_again_is_told_once() -> None:
    scene = met()
    give_back(scene, ADA, VISITOR, NOON + 20 * MINUTE_US)
    scene.did(VISITOR, NOON + 21 * MINUTE_US, "Cart Viewed")
    give(scene, VISITOR, ADA, NOON + 22 * MINUTE_US)
    scene.settle()
    texts = [text for text, _ in steps_of(told(scene, VISITOR))]
    assert [texts.count(text) for text in ("Product Viewed", "Order Completed", "Cart Viewed")] == [1, 1, 2]
    assert texts[-1] == "became one person with a:7f3"


def test_a_device_that_moved_on_leaves_its_past_and_says_so_when_it_is_asked_for() -> None:
    scene = met()
    at = NOON + 30 * MINUTE_US
    scene.did("u:bea", at, "$identify", also=(VISITOR,))
    device = scene.person(VISITOR)
    assert device.identity is not None
    device.epoch = 2
    device.identity.owners[2] = "u:bea"
    refused = TieRefused(at + SECOND_US, VISITOR, "e:x@kettle.example", "a user is stronger")
    scene.rows(VISITOR, scene.tick(VISITOR, at), DeviceMoved(at, 2, "u:bea"))
    scene.rows(VISITOR, scene.tick(VISITOR, at + SECOND_US), refused)
    scene.person("u:bea").fragments[f"{VISITOR}#2"] = Fragment([(VISITOR, 2)], {}, {}, {})
    scene.did("u:bea", at + MINUTE_US, "Cart Viewed")
    scene.settle()
    assert steps_of(told(scene, "bea")) == [("$identify", ""), ("Cart Viewed", "")]
    assert steps_of(told(scene, VISITOR)) == [
        ("$identify", ""),
        ("belongs to u:bea from here on", VISITOR),
        ("a:7f3 and e:x@kettle.example were not tied", VISITOR),
        ("Cart Viewed", ""),
    ]
    assert ("Product Viewed", VISITOR) in steps_of(told(scene, "ada"))


def test_a_device_that_came_from_somebody_else_is_known_before_it_brings_anything() -> None:
    scene = met()
    scene.did("u:bea", NOON + 30 * MINUTE_US, "$identify", also=(VISITOR,))
    device = scene.person(VISITOR)
    assert device.identity is not None
    device.epoch = 2
    device.identity.owners[2] = "u:bea"
    scene.person("u:bea").identity = Identity(ties={VISITOR: True, "a:gone": False, ADA: True})
    scene.settle()
    assert [(each.key, each.is_past) for each in told(scene, "bea").identifiers] == [("u:bea", False), (VISITOR, False)]


def test_who_waits_for_what_is_its_own_says_so() -> None:
    scene = met()
    scene.person("u:cy").identity = Identity(is_waiting=True)
    scene.settle()
    assert told(scene, "cy").is_waiting
    assert "has not come back yet" in explain.as_text(told(scene, "cy"))
    assert not told(scene, "ada").is_waiting


def test_messages_of_every_half_are_found_and_told() -> None:
    scene = met()
    before = scene.person(VISITOR).tail
    assert before
    scene = Scene()
    added = scene.did(VISITOR, NOON, "Product Added")
    reminder = intent(VISITOR, NOON + MINUTE_US, added)
    scene.rows(VISITOR, scene.tick(VISITOR, NOON + MINUTE_US), reminder)
    scene.claim(reminder, NOON + MINUTE_US + 1, "ada@kettle.example", "granted")
    scene.did(ADA, NOON + 2 * MINUTE_US, "$identify", also=(VISITOR,))
    give(scene, VISITOR, ADA, NOON + 2 * MINUTE_US)
    scene.settle()
    kinds = [line.kind for line in told(scene, "ada").lines]
    assert kinds == ["event", "intent", "claim", "event", "tied", "outcome"]
    assert [row.intent.intent for row in scene.reader.messages(text="ada")] == [reminder.intent]
    assert isinstance(reminder, SendMessage)


def test_a_list_names_each_person_once() -> None:
    scene = met()
    scene.settle()
    assert [(person.key, person.name, person.last) for person in scene.reader.people()] == [
        (ADA, "Ada Byron", "Order Completed")
    ]


def test_what_follows_a_merge_says_that_it_did() -> None:
    scene = met()
    at = NOON + 5 * MINUTE_US
    scene.rows(ADA, scene.tick(ADA, at), SegmentEntered(at, "regulars", "merge"))
    scene.settle()
    assert "identifiers were tied" in told(scene, VISITOR).lines[-1].because


def test_consents_say_what_decided_and_through_which_half() -> None:
    scene = met()
    said = scene.person(ADA).fragments
    said[f"{ADA}#1"].consents["marketing.email"] = ConsentWrite(granted=True, timestamp=NOON, received_at=NOON, ref=1)
    said[f"{VISITOR}#1"].consents["analytics"] = ConsentWrite(
        granted=False, timestamp=NOON, received_at=NOON, ref=2, origin="gpc"
    )
    said[f"{ADA}#1"].consents["analytics"] = ConsentWrite(granted=True, timestamp=NOON + 1, received_at=NOON + 1, ref=3)
    scene.settle()
    story = told(scene, "ada")
    assert {each.purpose: (each.granted, each.through) for each in story.consents} == {
        "marketing.email": (True, ""),
        "analytics": (False, VISITOR),
    }
    text = explain.as_text(story)
    assert "marketing.email: granted\n" in text
    assert "analytics: denied by the browser's Global Privacy Control (through a:7f3)\n" in text


def test_a_purpose_that_nobody_decided_says_what_the_policy_does() -> None:
    scene = met()
    scene.consent = '{"purposes": {"orders": {"basis": "contract"}, "analytics": {}}, "region": "opt-in"}'
    scene.settle()
    story = told(scene, "ada", 0)
    assert {each.purpose: (each.granted, each.at, each.origin) for each in story.consents} == {
        "orders": (True, 0, "policy"),
        "analytics": (False, 0, "policy"),
    }
    assert "orders: allowed (contract)" in explain.as_text(story)
    assert explain.as_values(story)["consents"][0]["at"] is None


@pytest.mark.parametrize("verdict", ["anonymous", "count", "drop", "quarantine"])
def test_what_was_not_kept_is_seen_nowhere(verdict: str) -> None:
    scene = met()
    at = NOON + 10 * MINUTE_US
    refused = scene.event("a:secret", at, "Product Viewed")
    partition = partition_of("a:secret", PARTITIONS)
    row = EventRefused(at, "Product Viewed", refused, verdict, "no_permit", "", "nobody permitted analytics")
    group = Group(refused >> 10, "", 0, (row,))
    scene.trail.append(partition, refused >> 10, refused >> 10, encode_groups([group]))
    scene.settle()
    assert "a:secret" not in [event.key for event in scene.reader.live()]
    assert [person.key for person in scene.reader.people()] == [ADA]
    assert scene.reader.story("a:secret") is None


def test_what_no_row_tells_of_is_seen_nowhere() -> None:
    """Of what was only counted or dropped nothing is written down."""
    scene = met()
    scene.event("a:secret", NOON + 10 * MINUTE_US, "Product Viewed")
    scene.settle()
    shown = [event.key for event in scene.reader.live()]
    assert "a:secret" not in shown
    assert ADA in shown


def test_what_is_not_decided_yet_is_seen_only_where_everything_may_be_kept() -> None:
    scene = met()
    scene.settle()
    scene.event("a:new", NOON + 10 * MINUTE_US, "Product Viewed")
    assert "a:new" in [event.key for event in scene.reader.live()]
    scene = met()
    scene.consent = '{"collect": "analytics"}'
    scene.settle()
    scene.event("a:new", NOON + 10 * MINUTE_US, "Product Viewed")
    shown = [event.key for event in scene.reader.live()]
    assert "a:new" not in shown
    assert ADA in shown


def test_an_event_that_came_late_stands_where_it_was_received() -> None:
    scene = Scene()
    late = scene.event(VISITOR, NOON, "Product Viewed", late=10 * MINUTE_US)
    scene.rows(VISITOR, late, EventKept(NOON, "Product Viewed", late))
    scene.did(ADA, NOON + 5 * MINUTE_US, "Cart Viewed")
    give(scene, VISITOR, ADA, NOON + 20 * MINUTE_US)
    scene.settle()
    assert [text for text, _ in steps_of(told(scene, "ada"))][:2] == ["Cart Viewed", "Product Viewed"]


def test_what_has_expired_of_one_half_is_said() -> None:
    scene = met()
    scene.settle()
    of_all = scene.trail.group
    scene.trail.group = (  # type: ignore[method-assign]  # a trail that has lost one chain
        lambda partition, position, key: None if key == VISITOR else of_all(partition, position, key)
    )
    story = told(scene, "ada")
    assert not story.is_whole
    assert ("Cart Viewed", "") in steps_of(story)
