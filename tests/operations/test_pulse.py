"""Pulse: what the trail counted by hour, summed, and when it is worth a look."""

from tactful.events.mentions import Tally
from tactful.operations.upkeep.pulse import Pulse, bothers, pulse


def sent(number: int, **responses: int) -> Pulse:
    """A week in which so much was sent and came back."""
    names = {"spam": "Email Marked as Spam", "left": "Unsubscribed", "bounced": "Email Bounced"}
    tallies = [Tally(1, "journey/a", "outcome", "sent", "accepted", number)]
    tallies += [Tally(1, "journey/a", "response", names[name], "", times) for name, times in responses.items()]
    return pulse(tallies)


def test_what_happened_is_summed() -> None:
    found = pulse(
        [
            Tally(7, "", "kept", "Order Completed", "", 3),
            Tally(8, "", "kept", "Order Completed", "", 4),
            Tally(8, "", "kept", "Product Added", "", 1),
            Tally(8, "", "refused", "quarantine", "no_identifier", 2),
            Tally(8, "", "met", "", "", 5),
            Tally(8, "segment/x", "entered", "event", "", 6),
            Tally(8, "segment/x", "left", "time", "", 1),
            Tally(8, "journey/a", "started", "", "", 9),
            Tally(8, "journey/a", "outcome", "sent", "accepted", 7),
            Tally(8, "journey/a", "outcome", "refused", "cap: 2 per day", 2),
            Tally(8, "journey/a", "outcome", "refused", "quiet hours", 1),
            Tally(8, "journey/a", "response", "Email Opened", "machine", 3),
            Tally(8, "journey/a", "response", "Email Opened", "", 2),
            Tally(8, "journey/a", "goal", "", "", 4),
            Tally(8, "journey/a", "goal", "", "again", 1),
            Tally(8, "journey/a", "goal", "holdout", "", 2),
            Tally(8, "message/m", "intent", "a", "", 10),
        ]
    )
    assert (found.events, found.by_hour, found.by_name) == (8, {7: 3, 8: 5}, {"Order Completed": 7, "Product Added": 1})
    assert (found.refused_events, found.met, found.entered, found.left) == (2, 5, 6, 1)
    assert (found.started, found.sent, found.goals) == (9, 7, 4)
    assert (found.capped, found.quiet) == (2, 1)
    assert found.responses == {"Email Opened": 2}
    assert found.by_journey == {"a": (9, 7, 4)}


def test_few_messages_say_nothing() -> None:
    assert bothers(sent(49, spam=20, left=20, bounced=20)) == []


def test_people_who_are_content_are_no_concern() -> None:
    assert bothers(sent(10_000, spam=9, left=150, bounced=100)) == []


def test_complaints_are_graver_the_more_they_are() -> None:
    assert [one.level for one in bothers(sent(10_000, spam=10))] == ["warn"]
    found = bothers(sent(10_000, spam=30))
    assert [one.level for one in found] == ["bad"]
    assert found[0].text.startswith("0.30 % of the messages of a week were called spam")


def test_who_leaves_and_what_bounces_is_said() -> None:
    found = bothers(sent(100, left=2, bounced=3))
    assert [one.text.partition(" of ")[0] for one in found] == ["2.0 %", "3.0 %"]
    assert [one.href for one in found] == ["/journeys", "/outbox?status=rejected"]
