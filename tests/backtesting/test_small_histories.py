"""Backtests of small histories, each for one thing: who stands together, what came at one instant, what is imported, what
an installation knows beside its people."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, Publish, Score, Threshold, encode, pack
from tactful.operations.backtesting import dealing
from tactful.operations.backtesting.dealing import Circles, unit_of
from tactful.runtime.settings import IdentitySettings, Settings, plan_settings
from tactful.values import DAY_US, MINUTE_US
from tests.backtesting.shop_life import backtested, sent
from tests.histories import Life

BEGIN = 1_767_225_600_000_000
REMIND = "start: {event: Product Added}\nholdout: 50%\nwait: 30m\nsend: {email: hello}\n"
HELLO = "purpose: email_marketing\nsubject: Hello\ntext: Hello\n"
FILES = {"journeys/remind.yaml": REMIND, "messages/hello.yaml": HELLO}
FILES_FOR_ALL = {**FILES, "journeys/remind.yaml": REMIND.replace("holdout: 50%\n", "")}
"""Nobody is held out."""
_numbers = count(1)


def event(name: str, ids: Sequence[str], at: int, **properties: Any) -> Event:
    kind: Any = "identify" if name == "$identify" else "track"
    number = f"m{next(_numbers)}"
    return Event(1, "shop", "server", kind, name, ids[0], tuple(ids), number, at, at, pack(properties))


def known(who: str, at: int, email: str = "") -> list[Event | Consent]:
    """Somebody with an address, who agrees to mail."""
    told = event("$identify", [who], at, email=email or f"{who[2:]}@x.example")
    yes = Consent(1, "shop", "server", who, f"c{next(_numbers)}", "email_marketing", True, at, at)
    return [told, yes]


def begun(files: dict[str, str], partitions: int = 3, settings: Settings | None = None) -> Life:
    settings = settings or Settings()
    life = Life(settings, partitions, BEGIN)
    life.take(Publish(BEGIN, files, plan_settings(settings)))
    return life


def together(life: Life, records: Sequence[Event | Consent]) -> None:
    """All of one call, as collect puts it into the log: at once, each in its partition."""
    life.until(records[0].received_at)
    by_partition: dict[int, list[bytes]] = {}
    for one in records:
        by_partition.setdefault(partition_of(one.key, life.house.log.partitions), []).append(encode(one))
    life.house.log.append(by_partition)
    life.settle()


def agree(life: Life, files: dict[str, str], journey: str = "remind") -> int:
    _, (messages, _) = backtested(life, journey, files=files)
    assert {one.intent: one.at for one in messages} == sent(life, journey)
    return len(messages)


def test_a_visitor_who_signs_in_with_the_same_call_was_a_visitor_first() -> None:
    """The holdout is drawn for whom they were when the run began, and the partitions have heard in the same order."""
    life = begun(FILES)
    for number in range(30):
        at, user, visitor = BEGIN + (number + 1) * MINUTE_US, f"u:{number}", f"a:{number}"
        together(life, known(user, at))
        later = at + DAY_US // 24
        together(life, [event("Product Added", [visitor], later), event("$identify", [user, visitor], later)])
    life.until(BEGIN + DAY_US)
    assert agree(life, FILES) > 5


def test_whoever_shares_an_address_shares_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "UNIT_ROWS", 1)
    files = {**FILES, "journeys/remind.yaml": REMIND.replace("holdout: 50%", "limit: 1 per 24h")}
    life = begun(files)
    for number in range(6):
        together(life, known(f"u:{number}", BEGIN + number + 1, "family@x.example"))
        together(life, [event("Product Added", [f"u:{number}"], BEGIN + MINUTE_US + number)])
    life.until(BEGIN + DAY_US)
    assert agree(life, files) == 1


def test_what_was_imported_is_played_when_it_happened() -> None:
    """Live it started nothing; a backtest asks what would have been."""
    life = begun(FILES)
    for number in range(8):
        together(life, known(f"u:{number}", BEGIN + number + 1))
    for number in range(8):
        at = BEGIN + 2 * DAY_US + number
        came = replace(event("Product Added", [f"u:{number}"], BEGIN + DAY_US), received_at=at, is_import=True)
        together(life, [came])
    life.until(BEGIN + 3 * DAY_US)
    _, (messages, _) = backtested(life, "remind", files=FILES)
    assert sent(life, "remind") == {}
    assert {one.at for one in messages} == {BEGIN + DAY_US + 30 * MINUTE_US}


def test_addresses_are_suppressed_from_when_they_were() -> None:
    life = begun(FILES_FOR_ALL)
    together(life, known("u:1", BEGIN + 1))
    together(life, [event("Product Added", ["u:1"], BEGIN + 2)])
    life.until(BEGIN + DAY_US)
    life.house.outbox.suppress("1@x.example", "bounced", BEGIN + DAY_US)
    together(life, [event("Product Added", ["u:1"], BEGIN + DAY_US + 1)])
    life.until(BEGIN + 2 * DAY_US)
    assert agree(life, FILES_FOR_ALL) == 1


def test_a_yes_that_a_browser_has_proved_is_proved_again() -> None:
    """A server knows both of them, so that what a browser says without a token is hearsay."""
    life = begun(FILES_FOR_ALL)
    for nth, is_verified in enumerate((True, False)):
        told, yes = known(f"u:{nth}", BEGIN + nth + 1)
        proved = replace(yes, trust="browser", is_verified=is_verified)
        together(life, [told, proved, event("Product Added", [f"u:{nth}"], BEGIN + nth + 1)])
    life.until(BEGIN + DAY_US)
    assert agree(life, FILES_FOR_ALL) == 1


def test_a_call_that_a_browser_has_proved_is_proved_again() -> None:
    """Browsers may name nobody here without a token."""
    life = begun(FILES_FOR_ALL, settings=Settings(identity=IdentitySettings(browser="signed")))
    for nth, is_verified in enumerate((True, False)):
        added = event("Product Added", [f"u:{nth}"], BEGIN + nth + 1)
        called = replace(added, trust="browser", is_verified=is_verified)
        together(life, [*known(f"u:{nth}", BEGIN + nth + 1), called])
    life.until(BEGIN + DAY_US)
    assert agree(life, FILES_FOR_ALL) == 1


def test_thresholds_take_effect_when_they_were_told() -> None:
    text = "start: {segment: top}\nsend: {email: hello}\n"
    metric = 'value: sum("Order Completed", total)\n'
    segment = 'when: percentile("spent") >= 80\n'
    files = {
        "journeys/remind.yaml": text,
        "messages/hello.yaml": HELLO,
        "metrics/spent.yaml": metric,
        "segments/top.yaml": segment,
    }
    life = begun(files)
    for number in range(6):
        together(life, known(f"u:{number}", BEGIN + number + 1))
        together(life, [event("Order Completed", [f"u:{number}"], BEGIN + MINUTE_US + number, total=10 * number)])
    for nth, value in enumerate((35.0, 15.0)):
        life.until(BEGIN + (nth + 1) * DAY_US)
        life.take(Threshold(BEGIN + (nth + 1) * DAY_US, "spent", 80.0, value))
    life.until(BEGIN + 3 * DAY_US)
    assert agree(life, files) == 4


def test_scores_are_told_when_they_were() -> None:
    text = 'start: {event: Product Added}\nif: score("churn") >= 0.5\nsend: {email: hello}\n'
    files = {"journeys/remind.yaml": text, "messages/hello.yaml": HELLO}
    life = begun(files)
    for number in range(6):
        at = BEGIN + number * MINUTE_US
        together(life, known(f"u:{number}", at + 1))
        together(life, [event("Product Added", [f"u:{number}"], at + 2)])
        life.until(at + 3)
        life.take(Score(1, "shop", "server", f"u:{number}", f"s{number}", "churn", number / 5, at + 3))
        together(life, [event("Product Added", [f"u:{number}"], at + 4)])
    life.until(BEGIN + DAY_US)
    assert agree(life, files) == 3


def test_what_another_text_of_the_journey_had_set_was_never_set() -> None:
    """It is compared with what an installation had sent that had this text in place of the other."""
    begins = 'start: {event: Product Added}\nif: not (plan == "vip")\n'
    sets = begins + "steps:\n  - set: {plan: '\"vip\"'}\n  - send: {email: hello}\n"
    sends = begins + "send: {email: hello}\n"
    lives = []
    for text in (sets, sends):
        life = begun({"journeys/remind.yaml": text, "messages/hello.yaml": HELLO})
        together(life, known("u:1", BEGIN + 1))
        for nth in range(3):
            together(life, [replace(event("Product Added", ["u:1"], BEGIN + (nth + 1) * DAY_US), message_id=f"p{nth}")])
        life.until(BEGIN + 5 * DAY_US)
        lives.append(life)
    was, other = lives
    files = {"journeys/remind.yaml": sends, "messages/hello.yaml": HELLO}
    _, (messages, _) = backtested(was, "remind", files=files)
    assert sent(was, "remind") == {}  # What is set makes it true no longer.
    assert [one.at for one in messages] == sorted(sent(other, "remind").values())
    assert len(messages) == 3


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ('start: {event: Product Added}\nif: count("Email Sent") < 2\nsend: {email: hello}\n', 2),
        ("start: {event: Email Sent}\nlimit: 1 per 24h\nwait: 1h\nsend: {email: hello}\n", 3),
        ("start: {event: Product Added}\nwait: 2d\nunless: Email Sent\nsend: {email: hello}\n", 0),
    ],
)
def test_that_a_message_was_sent_is_told_where_something_asks_for_it(text: str, messages: int) -> None:
    at_once = "start: {event: Product Added}\nsend: {email: hello}\n"
    files = {"journeys/remind.yaml": text, "messages/hello.yaml": HELLO, "journeys/at_once.yaml": at_once}
    if "count" in text:
        del files["journeys/at_once.yaml"]
    life = begun(files)
    together(life, known("u:1", BEGIN + 1))
    for nth in range(3):
        together(life, [event("Product Added", ["u:1"], BEGIN + (nth + 1) * DAY_US)])
    life.until(BEGIN + 7 * DAY_US)
    assert agree(life, files) == messages


def test_segments_that_move_nobody_are_asked_when_a_message_leaves() -> None:
    """Of windows that have closed by themselves, thresholds as they are by then, and traits."""
    segments = {
        "fresh": 'any("Product Added", last="20m")',
        "lately": 'any("Product Added", last="2d")',
        "top": 'percentile("spent") >= 80',
        "here": 'email == "1@x.example"',
    }
    files = {**FILES_FOR_ALL, "metrics/spent.yaml": 'value: sum("Order Completed", total)\n'}
    files |= {f"segments/{name}.yaml": f"when: '{when}'\n" for name, when in segments.items()}
    life = begun(files)
    for number in range(2):
        together(life, known(f"u:{number}", BEGIN + number + 1))
        together(life, [event("Order Completed", [f"u:{number}"], BEGIN + MINUTE_US, total=10 * number)])
    for nth, value in enumerate((10.0, 20.0)):
        life.until(BEGIN + (nth + 1) * DAY_US)
        life.take(Threshold(BEGIN + (nth + 1) * DAY_US, "spent", 80.0, value))
        for number in range(2):
            together(life, [event("Product Added", [f"u:{number}"], BEGIN + (nth + 1) * DAY_US + number)])
    life.until(BEGIN + 4 * DAY_US)
    _, (messages, _) = backtested(life, "remind", files=files)
    assert [(one.person, one.segments) for one in messages] == [
        ("u:0", ("lately",)),
        ("u:1", ("here", "lately", "top")),
        ("u:0", ("lately",)),
        ("u:1", ("here", "lately")),
    ]


def test_circles_grow_together_in_any_order() -> None:
    one, other = Circles(), Circles()
    pairs = [("u:1", "a:1"), ("u:2", "@family"), ("a:1", "@family"), ("u:3", "a:9")]
    for left, right in pairs:
        one.join(left, right)
    for left, right in reversed(pairs):
        other.join(right, left)
    for circle in (one, other):
        assert len({circle.of(name) for name in ("u:1", "a:1", "u:2", "@family")}) == 1
        assert circle.of("u:3") == circle.of("a:9") != circle.of("u:1")
        assert circle.of("u:7") == "u:7"
    assert [one.of(name) for name in ("u:1", "u:3")] == [other.of(name) for name in ("u:1", "u:3")]
    assert {unit_of(f"u:{number}", 7) for number in range(200)} == set(range(7))
