"""What the port Outbox counts for readers, over every adapter."""

from tactful.runtime.ports import Verdict
from tests.contracts.conftest import OutboxMaker
from tests.contracts.values import claimed, intent


def test_people_are_counted_by_what_they_got(open_outbox: OutboxMaker) -> None:
    outbox = open_outbox()
    assert outbox.per_person(0) == {}
    sent = [intent(f"a{n}", due=n, key="u:a") for n in (1, 5, 6)] + [intent("b", due=7, key="u:b")]
    sent += [intent("hook", due=7, key="u:c", channel="webhook")]
    outbox.put(0, [*sent, intent("waits", due=8, key="u:b")])
    with outbox.claiming(0, outbox.own(0)) as claiming:
        for one in sent:
            claiming.claim(claimed(one), b"template source")
    outbox.finish([Verdict(one.intent, "sent", "accepted") for one in sent], 9)
    assert outbox.per_person(0) == {1: 1, 3: 1}
    assert outbox.per_person(5) == {1: 1, 2: 1}
    assert outbox.per_person(8) == {}
