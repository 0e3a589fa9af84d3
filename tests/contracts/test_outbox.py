"""The port Outbox, over every adapter."""

import pytest

from tactful.errors import Fenced
from tactful.events.derived import SendMessage
from tactful.runtime.ports import Moved, Outbox, Verdict
from tests.contracts.conftest import OutboxMaker
from tests.contracts.values import claimed, intent


def claim(outbox: Outbox, *intents: SendMessage, at: int = 60, address: str = "ada@example.com") -> None:
    with outbox.claiming(0, outbox.own(0)) as claiming:
        for one in intents:
            row = outbox.row(one.intent)
            claiming.claim(claimed(one, at=at, address=address, attempt=row.attempt if row else 0), b"template source")


def statuses(outbox: Outbox) -> dict[str, str]:
    return {row.intent.intent: row.status for row in outbox.rows()}


def test_an_intent_seen_again_changes_nothing(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b", due=40)])
    outbox.put(0, [intent("a", due=99), intent("c")])
    assert statuses(outbox) == {"a": "waiting", "b": "waiting", "c": "waiting"}
    row = outbox.row("a")
    assert row is not None and (row.intent, row.attempt, row.not_before, row.partition) == (intent("a"), 1, 50, 0)
    assert (outbox.next_waiting(0), outbox.next_waiting(0, 40), outbox.next_waiting(0, 50)) == (40, 50, None)
    assert outbox.next_waiting(1) is None
    claim(outbox, intent("a"))
    outbox.put(0, [intent("a")])
    assert outbox.counts() == {"claimed": 1, "waiting": 2}


def test_a_replayed_intent_is_closed_at_once(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a", is_replay=True)])
    row = outbox.row("a")
    assert row is not None and (row.status, row.reason) == ("lapsed", "replay")
    assert (outbox.unreported(9), outbox.next_waiting(0)) == ([], None)


def test_what_waits_is_offered_when_its_time_has_come_oldest_first(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("late", due=90), intent("b", due=60), intent("a", due=50), intent("hook", channel="webhook")])
    outbox.put(1, [intent("elsewhere")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert [one.intent.intent for one in claiming.waiting(0, "email", 60, 9)] == ["a", "b"]
        assert [one.intent.intent for one in claiming.waiting(0, "email", 99, 1)] == ["a"]
        assert [one.intent.intent for one in claiming.waiting(0, "webhook", 60, 9)] == ["hook"]
        assert [one.not_before for one in claiming.waiting(0, "email", 99, 9)] == [50, 60, 90]


def test_a_claim_keeps_what_was_decided(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.claim(claimed(intent("a"), at=60), b"source")
        assert (claiming.in_flight("email"), claiming.in_flight("webhook")) == (1, 0)
        claiming.claim(claimed(intent("b"), at=55), b"another source under the same digest")
    assert outbox.claimed("email") == [claimed(intent("b"), at=55), claimed(intent("a"), at=60)]
    assert (outbox.claimed("webhook"), outbox.template("digest")) == ([], b"source")
    row = open_outbox().row("a")
    assert row is not None
    assert (row.status, row.claimed_at, row.position, row.address, row.permit) == (
        "claimed",
        60,
        12,
        "ada@example.com",
        "granted on the web",
    )


def test_a_block_that_fails_decides_nothing(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b")])
    token = outbox.own(0)

    def claim_twice() -> None:
        with outbox.claiming(0, token) as claiming:
            claiming.claim(claimed(intent("a")), b"source")
            claiming.close(Verdict("b", "refused", "no permit"), 61)
            claiming.claim(claimed(intent("b")), b"source")

    with pytest.raises(AssertionError, match="does not wait"):
        claim_twice()
    assert outbox.counts() == {"waiting": 2}
    with outbox.claiming(0, token) as claiming:
        claiming.claim(claimed(intent("a")), b"source")
    assert outbox.counts() == {"claimed": 1, "waiting": 1}


def test_only_the_newest_owner_claims(open_outbox: OutboxMaker) -> None:
    mine, other = open_outbox(), open_outbox()
    mine.put(0, [intent("a")])
    old = mine.own(0)
    new = other.own(0)
    assert new > old
    for partition, token in ((0, old), (1, new)):
        with pytest.raises(Fenced), mine.claiming(partition, token):
            raise AssertionError("the block of a fenced worker must not run")
    with other.claiming(0, new) as claiming:
        claiming.claim(claimed(intent("a")), b"")
    assert mine.counts() == {"claimed": 1}


def test_refused_and_lapsed_are_reported_once(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.close(Verdict("a", "refused", "no permit", "never asked"), 61)
        claiming.close(Verdict("b", "lapsed", "too late"), 61)
    rows = outbox.unreported(9)
    assert [(row.intent.intent, row.status, row.reason, row.detail, row.finished_at) for row in rows] == [
        ("a", "refused", "no permit", "never asked", 61),
        ("b", "lapsed", "too late", "", 61),
    ]
    assert len(outbox.unreported(1)) == 1
    outbox.reported([("a", "refused", "u:2"), ("a", "refused", "u:1"), ("b", "sent", "u:1")])
    assert [row.intent.intent for row in open_outbox().unreported(9)] == ["b"], "another status is another outcome"


def test_caps_count_claims_per_person_and_per_address(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(
        0,
        [
            intent("a"),
            intent("b", key="u:2"),
            intent("c", journey="other"),
            intent("d"),
            intent("e"),
            intent("f", key="u:3"),
        ],
    )
    claim(outbox, intent("a"), at=60)
    claim(outbox, intent("b", key="u:2"), at=70)
    claim(outbox, intent("c", journey="other"), at=80)
    claim(outbox, intent("d"), at=65, address="")
    claim(outbox, intent("e"), at=66, address="")
    claim(outbox, intent("f", key="u:3"), at=67, address="")
    outbox.finish(
        [Verdict("a", "sent", ""), Verdict("d", "rejected", "550"), Verdict("e", "waiting", "451", not_before=99)], 90
    )
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.counted("cart", 0, ["u:1"], "ada@example.com") == 2, "by person or by address, each claim once"
        assert claiming.counted("cart", 0, ["u:1"], "") == 1, "what was rejected, or waits again, gives it back"
        assert claiming.counted("cart", 60, ["u:1"], "") == 0, "after, not at"
        assert claiming.counted("cart", 0, ["u:9"], "") == 0, "no address is nobody's address"
        assert claiming.counted("other", 79, ["u:9"], "ada@example.com") == 1
    outbox.finish([Verdict("b", "held", "outcome unknown")], 95)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.counted("cart", 0, ["u:2"], "") == 1, "what is held counts"
    outbox.drop(["b"], "looked at", 96)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.counted("cart", 0, ["u:2"], "") == 0


def test_a_claim_is_begun_by_one_deliverer(open_outbox: OutboxMaker) -> None:
    one, other = open_outbox(), open_outbox()
    one.put(0, [intent("a"), intent("b"), intent("c")])
    claim(one, intent("a"), intent("b"))
    assert one.hand_off(["a", "c", "unknown"], "first") == ["a"]
    assert other.hand_off(["a", "b"], "second") == ["b"]
    assert one.claimed("email") == []


def test_no_more_claims_than_asked_for(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent(name) for name in "abc"])
    for number, name in enumerate("cab"):
        claim(outbox, intent(name), at=60 + number)
    assert [one.intent.intent for one in outbox.claimed("email", 2)] == ["c", "a"]


def test_what_a_dead_deliverer_began_is_held_and_listed(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    hook = intent("hook", channel="webhook")
    outbox.put(0, [intent("a"), intent("b"), intent("free"), hook])
    claim(outbox, intent("a"), intent("b"), intent("free"), hook)
    outbox.hand_off(["a", "hook"], "dead")
    outbox.hand_off(["b"], "alive")
    assert outbox.deliverers() == ["alive", "dead"]
    assert outbox.hold_orphans(["dead", "long dead"], ["email"], 70) == ["a"]
    assert statuses(outbox) == {"a": "held", "b": "claimed", "free": "claimed", "hook": "claimed"}
    row = outbox.row("a")
    assert row is not None and (row.reason, row.finished_at) == ("outcome unknown", 70)
    assert [row.intent.intent for row in outbox.unreported(9)] == ["a"]
    assert outbox.deliverers() == ["alive", "dead"]
    assert outbox.retry_orphans(["dead"], ["webhook"], 71) == ["hook"]
    assert outbox.deliverers() == ["alive"]
    row = outbox.row("hook")
    assert row is not None and (row.status, row.attempt, row.not_before) == ("waiting", 2, 71)
    outbox.finish([Verdict("a", "sent", "the dead one speaks")], 99)
    assert statuses(outbox)["a"] == "held"


def test_outcomes_end_a_claim_once(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent(name) for name in "abcd"])
    claim(outbox, *(intent(name) for name in "abc"))
    outbox.hand_off(["a", "b", "c"], "me")
    outbox.finish(
        [
            Verdict("a", "sent", "250", "ok", "d1"),
            Verdict("b", "rejected", "550"),
            Verdict("c", "held", "lost"),
            Verdict("d", "sent", ""),
        ],
        70,
    )
    outbox.finish([Verdict("a", "rejected", "again")], 80)
    assert statuses(outbox) == {"a": "sent", "b": "rejected", "c": "held", "d": "waiting"}
    row = outbox.row("a")
    assert row is not None and (row.reason, row.detail, row.digest, row.finished_at) == ("250", "ok", "d1", 70)
    assert [row.intent.intent for row in outbox.unreported(9)] == ["a", "b", "c"]
    assert outbox.counts() == {"sent": 1, "rejected": 1, "held": 1, "waiting": 1}


def test_a_retry_waits_again_and_is_claimed_anew(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a")])
    claim(outbox, intent("a"))
    outbox.hand_off(["a"], "me")
    outbox.finish([Verdict("a", "waiting", "451", "try later", not_before=500)], 70)
    row = outbox.row("a")
    assert row is not None
    assert (row.status, row.attempt, row.not_before, row.claimed_at, row.reason) == ("waiting", 2, 500, None, "451")
    assert (outbox.unreported(9), outbox.next_waiting(0)) == ([], 500)
    claim(outbox, intent("a"), at=501)
    assert outbox.claimed("email") == [claimed(intent("a"), at=501, attempt=2)], "free for the next deliverer"
    assert outbox.hand_off(["a"], "next") == ["a"]


def test_people_release_and_drop(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent(name) for name in "abcd"])
    claim(outbox, *(intent(name) for name in "abc"))
    outbox.finish([Verdict("a", "held", "?"), Verdict("b", "held", "?"), Verdict("c", "sent", "250")], 70)
    assert outbox.release(["a", "c", "d", "unknown"], 80) == ["a"]
    row = outbox.row("a")
    assert row is not None and (row.status, row.not_before, row.attempt) == ("waiting", 80, 2)
    assert outbox.drop(["b", "c", "d", "unknown"], "a test", 81) == ["b", "d"]
    assert statuses(outbox) == {"a": "waiting", "b": "dropped", "c": "sent", "d": "dropped"}
    assert sorted(row.intent.intent for row in outbox.unreported(9)) == ["b", "c", "d"]


def test_suppression_is_seen_by_the_next_claim(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.suppress("ada@example.com", "hard bounce", 5)
    outbox.suppress("ada@example.com", "asked again", 6)
    outbox.suppress("bob@example.com", "complaint", 4)
    assert outbox.suppressions() == [("bob@example.com", "complaint", 4), ("ada@example.com", "hard bounce", 5)]
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.is_suppressed("ada@example.com")
        assert not claiming.is_suppressed("eve@example.com")


def test_lists_are_newest_first_and_page(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent(f"{n}", due=n, key=f"u:{n % 2}") for n in range(9)])
    claim(outbox, intent("4", due=4, key="u:0"))
    assert [row.intent.due for row in outbox.rows(limit=3)] == [8, 7, 6]
    assert [row.intent.due for row in outbox.rows(before=6, limit=3)] == [5, 4, 3]
    assert [row.intent.due for row in outbox.rows(key="u:0", status="waiting")] == [8, 6, 2, 0]
    assert [row.intent.due for row in outbox.rows("claimed")] == [4]
    assert outbox.row("unknown") is None


def test_what_waits_is_counted_by_channel(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    assert outbox.waiting_by_channel() == {}
    outbox.put(0, [intent("a"), intent("b"), intent("c", channel="sms")])
    outbox.put(1, [intent("d")])
    claim(outbox, intent("b"))
    assert outbox.waiting_by_channel() == {"email": 2, "sms": 1}


def moves(name: str, key: str, partition: int, hop: int) -> Moved:
    return Moved(name, key, partition, hop)


def waits(outbox: Outbox, partition: int) -> list[tuple[str, str, int]]:
    with outbox.claiming(partition, outbox.own(partition)) as claiming:
        found = claiming.waiting(partition, "email", 999, 9)
    return [(one.intent.intent, one.intent.key, one.partition) for one in found]


def test_what_waits_goes_with_its_person(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b", due=60)])
    outbox.moved([moves("a", "", -1, 1), moves("unknown", "u:9", 1, 1)])
    assert waits(outbox, 0) == [("b", "u:1", 0)], "on the way nobody claims it"
    assert (waits(outbox, -1), outbox.next_waiting(0), outbox.next_waiting(1)) == ([("a", "u:1", -1)], 60, None)
    outbox.moved([moves("a", "u:2", 1, 2)])
    assert (waits(outbox, 0), waits(outbox, 1)) == ([("b", "u:1", 0)], [("a", "u:2", 1)])
    assert outbox.next_waiting(1) == 50
    row = open_outbox().row("a")
    assert row is not None and (row.intent, row.partition) == (intent("a", key="u:2"), 1)
    assert [row.intent.intent for row in outbox.rows(key="u:2")] == ["a"]


def test_of_two_moves_the_later_hop_is_right_whenever_it_is_heard_of(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a")])
    outbox.moved([moves("a", "u:3", 0, 4), moves("a", "u:2", 1, 2), moves("a", "", -1, 3), moves("a", "u:4", 1, 4)])
    outbox.put(0, [intent("a")])
    assert (waits(outbox, 0), waits(outbox, 1), waits(outbox, -1)) == ([("a", "u:3", 0)], [], [])


def test_a_claim_goes_on_and_waits_at_the_new_place_if_it_comes_back(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b"), intent("c")])
    claim(outbox, intent("a"), intent("b"), intent("c"))
    outbox.moved([moves("a", "", -1, 1), moves("b", "u:2", 1, 2), moves("c", "", -1, 1)])
    assert len(outbox.claimed("email")) == 3
    outbox.finish(
        [Verdict("a", "sent", "250"), Verdict("b", "waiting", "451", not_before=70), Verdict("c", "held", "?")], 65
    )
    assert waits(outbox, 1) == [("b", "u:2", 1)]
    claimed_again = open_outbox()
    with claimed_again.claiming(1, claimed_again.own(1)) as claiming:
        (one,) = claiming.waiting(1, "email", 99, 9)
        claiming.close(Verdict("b", "refused", "no consent"), 80)
        assert one.attempt == 2
    outbox.release(["c"], 81)
    outbox.moved([moves("b", "u:1", 0, 2), moves("c", "u:2", 1, 2)])
    assert waits(outbox, 1) == [("c", "u:2", 1)]
    (row,) = [row for row in outbox.unreported(9) if row.status == "refused"]
    assert (row.intent.key, row.partition) == ("u:2", 1), "its outcome goes where the person is"


def test_several_identifiers_of_a_person_count_together(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b", key="a:1"), intent("c", key="u:2")])
    claim(outbox, intent("a"), address="ada@example.com")
    claim(outbox, intent("b", key="a:1"), address="old@example.com")
    claim(outbox, intent("c", key="u:2"), address="bob@example.com")
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.counted("cart", 0, ["u:1", "a:1"], "") == 2
        assert claiming.counted("cart", 0, ["u:1", "a:1", "e:ada@example.com"], "ada@example.com") == 2
        assert claiming.counted("cart", 0, ["u:1"], "old@example.com") == 2
        assert claiming.counted("cart", 0, [], "bob@example.com") == 1


def test_mails_to_an_address_count_over_all_journeys(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    hook = intent("hook", channel="webhook")
    outbox.put(0, [intent("a"), intent("b", journey="other", key="u:2"), intent("c"), intent("d"), hook])
    claim(outbox, intent("a"), hook, at=60)
    claim(outbox, intent("b", journey="other", key="u:2"), intent("c"), at=70)
    claim(outbox, intent("d"), at=71, address="bob@example.com")
    outbox.finish([Verdict("a", "sent", "250"), Verdict("c", "rejected", "550")], 80)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.mails_to("ada@example.com", 0) == 2, "no webhook, and nothing that was given back"
        assert claiming.mails_to("ada@example.com", 60) == 1, "after, not at"
        assert claiming.mails_to("eve@example.com", 0) == 0
        assert claiming.mails_to("ada@example.com", 0, are_confirmations=True) == 0


def test_mails_to_one_inbox_count_under_all_its_addresses(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b"), intent("c"), intent("d")])
    claim(outbox, intent("a"), address="ada@example.com")
    claim(outbox, intent("b"), address="ada+1@example.com")
    claim(outbox, intent("c"), address="a.d.a+1@gmail.com")
    claim(outbox, intent("d"), address="+@example.com")
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.mails_to("ada+2@example.com", 0) == claiming.mails_to("ada@example.com", 0) == 2
        assert claiming.mails_to("ada@googlemail.com", 0) == 1
        assert [claiming.mails_to(one, 0) for one in ("+@example.com", "a.da@example.com", "adam@example.com")] == [
            1,
            0,
            0,
        ]
        assert claiming.counted("cart", 0, [], "ada@example.com") == 1, "a journey's limit is an address's"


def test_an_outcome_on_the_way_is_told_again_on_arrival(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.close(Verdict("a", "refused", "no permit"), 61)
    outbox.moved([moves("a", "", -1, 1), moves("b", "", -1, 1)])
    [(told, key)] = [(row.status, row.intent.key) for row in outbox.unreported(9)]
    outbox.moved([moves("a", "u:2", 1, 2), moves("b", "u:2", 1, 2)])
    outbox.reported([("a", told, key)])
    assert [(row.intent.intent, row.intent.key) for row in outbox.unreported(9)] == [("a", "u:2")]
    outbox.reported([("a", told, "u:2")])
    assert outbox.unreported(9) == []
