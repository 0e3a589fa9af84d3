"""`on_publish: start`: whom a publication brings into the segment, the journey begins for at once, live and played."""

import pytest

from tactful.events.records import Publish
from tactful.operations.backtesting.tally import Sent
from tactful.runtime.settings import Settings, plan_settings
from tactful.values import DAY_US, format_time
from tests.backtesting.shop_life import backtested, sent
from tests.backtesting.test_small_histories import BEGIN, HELLO, event, known, together
from tests.histories import Life

STARTS = 'start: {segment: adders}\non_publish: start\nif: any("Product Viewed")\nwait: 30m\nsend: {email: hello}\n'
ONCE = 'when: any("Product Added")\n'
TWICE = 'when: count("Product Added") >= 2\n'
BEFORE = {
    "messages/hello.yaml": HELLO,
    "segments/counted.yaml": 'when: any("Product Added") and count("Product Added") >= 0 and any("Product Viewed")\n',
}
"""So all that is asked later is counted from the first day on, and exact at once."""
LATER = BEGIN + 3 * DAY_US


def lived(before: dict[str, str], then: dict[str, str]) -> Life:
    """Twelve people who add, half of them twice, and all but three of whom look; and the second publication."""
    life = Life(Settings(), 3, BEGIN)
    life.take(Publish(BEGIN, {**BEFORE, **before}, plan_settings(Settings())))
    for number in range(12):
        who = f"u:{number}"
        together(life, known(who, BEGIN + number + 1))
        for nth in range(1 + number % 2):
            together(life, [event("Product Added", [who], BEGIN + DAY_US + 100 * nth + number)])
        if number > 2:
            together(life, [event("Product Viewed", [who], BEGIN + DAY_US + 1000 + number)])
    life.until(LATER)
    if then:
        life.take(Publish(LATER, {**BEFORE, **then}, plan_settings(Settings())))
    for number in (12, 13):
        at = LATER + DAY_US + number
        together(life, known(f"u:{number}", at))
        together(
            life,
            [event("Product Viewed", [f"u:{number}"], at + 100), event("Product Added", [f"u:{number}"], at + 100)],
        )
    life.until(LATER + 3 * DAY_US)
    return life


def played(life: Life, files: dict[str, str], first: int = LATER) -> list[Sent]:
    whole = {**BEFORE, **files}
    _, (messages, _) = backtested(life, "remind", files=whole, first=format_time(first))
    return messages


NEW = {"segments/adders.yaml": ONCE, "journeys/remind.yaml": STARTS}


@pytest.mark.parametrize("text", [STARTS, STARTS.replace("on_publish: start\n", "")], ids=["start", "ignore"])
@pytest.mark.parametrize("first", [LATER, BEGIN], ids=["then", "before"])
def test_a_new_segment_brings_everybody_in_it(text: str, first: int) -> None:
    """As it was published in fact, from then on and in a period that begins before it."""
    files = {**NEW, "journeys/remind.yaml": text}
    life = lived({}, files)
    was = sent(life, "remind")
    assert len(was) == (9 if "on_publish" in text else 0) + 2
    messages = played(life, files, first)
    if first == LATER:
        assert {one.intent: one.at for one in messages} == was
    else:  # In force from the first day on, who enters is met as they do.
        assert {one.at for one in messages if one.at > LATER} >= {at for at in was.values() if at > LATER + DAY_US}


def test_before_it_is_published_it_is_foreseen() -> None:
    """The same history without the second publication: a backtest from that day on finds what it would have sent."""
    was, would = lived({}, NEW), lived({}, {})
    messages = played(would, NEW)
    assert sent(would, "remind") == {}
    assert {(one.person, one.at) for one in messages} == {(one.person, one.at) for one in played(was, NEW)}
    assert len(messages) == 11


def test_a_changed_segment_brings_who_was_not_in_it() -> None:
    before = {"segments/adders.yaml": TWICE}
    life = lived(before, NEW)
    was = sent(life, "remind")
    assert len(was) == 4 + 2  # Of those who have looked, who added once.
    assert {one.intent: one.at for one in played(life, NEW)} == was
    would = lived(before, {})
    messages = played(would, NEW)
    assert sorted(one.at for one in messages) == sorted(was.values())
    assert all(one.segments in (("adders", "counted"), ("adders",)) for one in messages)  # And in no other.


def test_a_segment_that_was_there_brings_nobody() -> None:
    before = {"segments/adders.yaml": ONCE}
    life = lived(before, NEW)
    assert len(sent(life, "remind")) == 2
    assert {one.intent: one.at for one in played(life, NEW)} == sent(life, "remind")
