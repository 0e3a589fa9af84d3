"""The port Claiming, beyond what test_outbox.py says: order, putting off, parking, what counts against caps."""

from msgspec.structs import replace

from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events.derived import SendMessage
from tactful.runtime.claiming import Given, Pool
from tactful.runtime.ports import Moved, Outbox, Verdict
from tests.contracts.conftest import OutboxMaker
from tests.contracts.values import claimed, intent

SUBSCRIPTIONS = "\n".join(
    f'{{"endpoint":"https://push.example/{name}","keys":{{"auth":"a","p256dh":"b"}}}}' for name in "ab"
)


def claim(outbox: Outbox, one: SendMessage, at: int, address: str, *, is_capped: bool = True) -> None:
    outbox.put(0, [one])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        told = replace(claimed(one, at=at, address=address), is_capped=is_capped)
        claiming.claim(told, b"source")


def counted(outbox: Outbox, channel: str, since: int, keys: list[str], spellings: list[str]) -> int:
    with outbox.claiming(0, outbox.own(0)) as claiming:
        return claiming.counted_all(channel, since, keys, spellings)


def waiting(outbox: Outbox, now: int, limit: int = 99, channel: str = "email") -> list[str]:
    with outbox.claiming(0, outbox.own(0)) as claiming:
        return [one.intent.intent for one in claiming.waiting(0, channel, now, limit)]


def test_the_highest_priority_is_first_and_of_those_the_oldest(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    for name, priority, due in (
        ("a", 50, 50),
        ("b", 90, 60),
        ("c", 90, 55),
        ("d", 1, 10),
        ("e", 100, 99),
        ("f", 50, 50),
    ):
        outbox.put(0, [replace(intent(name, due=due), priority=priority)])
    assert waiting(outbox, 60) == ["c", "b", "a", "f", "d"]
    assert waiting(outbox, 60, 3) == ["c", "b", "a"]
    assert waiting(outbox, 99, 1) == ["e"]
    assert waiting(outbox, 60, channel="sms") == []


def test_what_is_put_off_says_why_and_comes_again(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.postpone("a", 500, "quiet hours until 08:00", "UTC")
        assert claiming.waiting(0, "email", 499, 9) == []
    row = open_outbox().row("a")
    assert row is not None
    assert (row.status, row.not_before, row.reason, row.detail, row.attempt) == (
        "waiting",
        500,
        "quiet hours until 08:00",
        "UTC",
        1,
    )
    assert (outbox.next_waiting(0), waiting(outbox, 500), outbox.unreported(9)) == (500, ["a"], [])
    claim_now = claimed(intent("a"), at=500)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.claim(claim_now, b"")
    row = outbox.row("a")
    assert row is not None and (row.reason, row.detail) == ("", "")


def test_what_is_parked_comes_back_to_its_place(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b", journey="other", due=60), intent("c", due=55)])
    outbox.put(1, [intent("elsewhere")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        for name in "abc":
            claiming.park(name, 900, "paused")
            claiming.park(name, 950, "all sending is paused")
    assert (waiting(outbox, 899), outbox.next_waiting(0)) == ([], 950)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.unpark(1, [], 9) == 0
        assert claiming.unpark(0, ["cart"], 9) == 1
        assert claiming.unpark(0, ["cart"], 9) == 0
    assert waiting(outbox, 60) == ["b"]
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert [claiming.unpark(0, [], 1) for _ in range(3)] == [1, 1, 0]
    assert waiting(outbox, 60) == ["a", "c", "b"]
    row = outbox.row("a")
    assert row is not None and (row.not_before, row.reason) == (50, "")


def test_what_is_parked_and_moves_waits_there_as_it_did(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a"), intent("b")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.park("a", 900, "paused")
        claiming.park("b", 900, "paused")
    outbox.moved([Moved("a", "u:2", 1, 1)])
    assert outbox.next_waiting(1) == 50
    outbox.drop(["b"], "enough", 70)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.unpark(0, [], 9) == 0, "what has ended does not come back"


def test_what_counts_against_caps(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    claim(outbox, intent("mail"), 60, "a.da+x@gmail.com")
    claim(outbox, intent("sms", channel="sms", key="u:2"), 61, "+4930123456")
    claim(outbox, intent("push", channel="push", key="u:3"), 62, "one\ntablet")
    claim(outbox, intent("web", channel="web_push", key="u:3"), 63, SUBSCRIPTIONS)
    claim(outbox, intent("hook", channel="webhook"), 64, "https://crm.example/")
    claim(outbox, intent("receipt"), 65, "ada@gmail.com", is_capped=False)
    assert counted(outbox, "", 0, ["u:1"], []) == 1, "neither webhooks nor what no cap is for"
    assert counted(outbox, "webhook", 0, ["u:1"], []) == 1
    assert counted(outbox, "webhook", 0, [], ["https://crm.example/"]) == 0
    assert [counted(outbox, "", since, ["u:1"], []) for since in (60, 61)] == [1, 0], "at or after"
    assert counted(outbox, "", 0, ["u:1", "u:2"], ["ada@gmail.com"]) == 2, "each claim once"
    assert counted(outbox, "email", 0, ["u:1", "u:2"], ["+4930123456"]) == 1
    assert counted(outbox, "sms", 0, ["u:9"], ["+4930123456"]) == 1
    assert counted(outbox, "", 0, [], ["tablet"]) == 1
    assert counted(outbox, "", 0, [], ["tablet", "one", "https://push.example/b"]) == 2
    assert counted(outbox, "", 0, [], []) == counted(outbox, "", 0, [], [""]) == 0
    for name, fate in (("sms", "rejected"), ("push", "waiting"), ("web", "held")):
        outbox.finish([Verdict(name, fate, "", not_before=99)], 70)
    assert counted(outbox, "", 0, ["u:1", "u:2", "u:3"], ["tablet", "+4930123456"]) == 2


def test_a_claim_says_which_variant_of_which_message(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.put(0, [intent("a")])
    told = replace(claimed(intent("a")), variant="bold", is_capped=False, is_confirmation=True)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.claim(told, b"source")
        assert claiming.mails_to("ada@example.com", 0, are_confirmations=True) == 1
    assert outbox.claimed("email") == [told]
    row = outbox.row("a")
    assert row is not None and (row.template, row.variant) == ("digest", "bold")


def test_codes_are_given_in_the_order_in_which_they_came(open_outbox: OutboxMaker) -> None:
    outbox, other = open_outbox(), open_outbox()
    assert outbox.coupons.load("p", ["z", "a", "z", "m"], 1) == 3
    assert other.coupons.load("p", ["a", "new"], 2) == 1
    assert other.coupons.load("q", ["a"], 2) == 1
    with outbox.claiming(0, outbox.own(0)) as claiming:
        assert claiming.code("p", ["u:1#1"]) == "z"
        claiming.give("p", "z", "u:1#1", "i1", 60)
        assert (claiming.code("p", ["u:2#1"]), claiming.code("p", ["u:1#1", "u:2#1"])) == ("a", "z")
        claiming.give("p", "z", "u:2#1", "i2", 61)
        claiming.give("p", "a", "u:2#1", "i2", 61)
        assert claiming.code("p", ["u:2#1", "u:1#1"]) == "z", "the first that either got"
        assert claiming.code("none", ["u:1#1"]) is None
    assert other.coupons.pools() == [Pool("p", 4, 2), Pool("q", 1, 1)]
    assert other.coupons.given("p", "", 9) == [Given("p", "a", "u:2#1", "i2", 61), Given("p", "z", "u:1#1", "i1", 60)]
    assert other.coupons.given("p", "a", 9) == other.coupons.given("p", "", 9)[1:]
    assert len(other.coupons.given("p", "", 1)) == 1


def test_addresses_come_in_by_the_list(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.suppress("a@x.example", "hard bounce", 5)
    assert outbox.suppress_all([("a@x.example", "list"), ("b@x.example", "list"), ("b@x.example", "again")], 6) == 1
    assert outbox.suppressions() == [("a@x.example", "hard bounce", 5), ("b@x.example", "list", 6)]
    assert (outbox.release_address("a@x.example"), outbox.release_address("a@x.example")) == (True, False)
    assert outbox.suppress_all([], 7) == 0
    assert outbox.suppressions() == [("b@x.example", "list", 6)]


def test_what_the_gate_asks_is_found_by_an_index(open_outbox: OutboxMaker) -> None:
    """No question may read what was sent to everybody, or what waits for later."""
    outbox = open_outbox()
    if not isinstance(outbox, SqliteOutbox):
        return
    asked: list[str] = []
    connection = outbox._connection
    connection.set_trace_callback(asked.append)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.waiting(0, "email", 60, 9)
        claiming.counted("cart", 0, ["u:1", "u:2"], "a@x.example")
        claiming.counted_all("", 0, ["u:1", "u:2"], ["a@x.example"])
        claiming.counted_all("sms", 0, ["u:1"], ["+4930123456"])
        claiming.mails_to("a@x.example", 0)
        claiming.code("p", ["u:1#1"])
        claiming.unpark(0, ["cart"], 9)
    connection.set_trace_callback(None)
    for sql in (one for one in asked if one.lstrip().startswith(("SELECT", "UPDATE"))):
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in plan if step.startswith("SCAN") and "(subquery" not in step], (sql, plan)
        assert not [step for step in plan if "by_status" in step or "by_due" in step], (sql, plan)


def test_of_several_codes_the_one_that_was_given_first(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    outbox.coupons.load("p", ["a", "b"], 1)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.give("p", "b", "u:1#1", "i1", 60)
        claiming.give("p", "a", "u:2#1", "i2", 61)
        assert claiming.code("p", ["u:1#1", "u:2#1"]) == "b"
