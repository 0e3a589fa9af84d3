"""What must be true after any fault, once all is quiet: nothing acknowledged is lost, and nothing happened twice."""

from collections import Counter
from collections.abc import Iterable

from tests.acceptance.customers import Crowd
from tests.acceptance.installation import Running
from tests.acceptance.receivers import Hooks, Mailbox


def demand_all(
    running: Running, crowds: Iterable[Crowd], mailbox: Mailbox, hooks: Hooks, more: Iterable[str] = ()
) -> None:
    """`more` are ids of events that others sent."""
    assert "Traceback" not in running.said(), f"a process failed by itself:\n{running.said()[-6000:]}"
    crowds = list(crowds)
    sent = set().union(*(crowd.events() for crowd in crowds), more)
    demand_events(running, sent)
    expected = {pair: kind for crowd in crowds for pair, kind in crowd.intents().items()}
    rows = running.intents()
    made = Counter((row.intent.journey, row.intent.key) for row in rows)
    assert {pair: number for pair, number in made.items() if number > 1} == {}, "intents that were made twice"
    assert expected.keys() - made.keys() == set(), "intents that are missing"
    assert made.keys() - expected.keys() == set(), "intents that should not be"
    allowed = {"thanks": {"sent", "held"}, "reminder": {"sent", "held"}, "hook": {"sent"}}
    for row in rows:
        kind = expected[row.intent.journey, row.intent.key]
        if kind == "silent":
            assert (row.status, row.reason) == ("refused", "no consent: email_marketing")
        else:
            assert row.status in allowed[row.intent.journey], f"{row.status}: {row.reason} {row.detail}"
    twice = {name: number for name, number in mailbox.accepted.items() if number > 1}
    assert twice == {}, "mails that were accepted twice"
    mails = {row.intent.intent: row.status for row in rows if row.intent.channel == "email"}
    assert {name for name, status in mails.items() if status == "sent"} - mailbox.accepted.keys() == set()
    wrongly = {name: mails.get(name) for name in mailbox.accepted if mails.get(name) not in ("sent", "held")}
    assert wrongly == {}, "mails that nobody should have got"
    assert hooks.wrong == []
    assert hooks.taken.keys() == {row.intent.intent for row in rows if row.intent.channel == "webhook"}


def demand_events(running: Running, sent: set[str]) -> None:
    """Each is listed exactly once; and what came of messages, once for each that was sent."""
    listed = running.events()
    told = Counter(
        event["properties"]["intent"] for event in listed if event["event"] in ("Email Sent", "Message Sent")
    )
    assert told == Counter(row.intent.intent for row in running.intents() if row.status == "sent")
    kept = Counter(event["messageId"] for event in listed if event["type"] != "message")
    assert {message: number for message, number in kept.items() if number > 1} == {}, "events that were applied twice"
    assert sent - kept.keys() == set(), "events that are missing"
    assert kept.keys() - sent == set(), "events that nobody sent"
