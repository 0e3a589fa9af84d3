"""Behind each number of a backtest stand as many lines, and those that it counts."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tactful.errors import UsageError
from tactful.operations.backtesting import behind as module
from tactful.operations.backtesting import dealing, report
from tactful.operations.backtesting.behind import MESSAGE, WHATS, Behind, Wanted
from tactful.operations.backtesting.tally import Line, Noted, Sent
from tests.backtesting.shop_life import SHOP, lived_shop, told

FROM, TO = "2025-03-02", "2025-03-12"


@pytest.fixture(scope="module")
def found() -> Iterator[tuple[dict[str, Any], Behind]]:
    """Of the cart reminder, beside a slower one, with small batches and small units."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", 7)
        patch.setattr(dealing, "UNIT_ROWS", 60)
        kept = Behind()
        slower = SHOP["journeys/cart_reminder.yaml"].replace("30m", "3h")
        report_, lines = told(
            lived_shop(), "cart_reminder", first=FROM, last=TO, against=slower, against_label="slower"
        )
        for version, some in enumerate(lines):
            for one in some:
                kept.add(version, one)
        kept.done()
        yield report.as_values(report_), kept
        kept.close()


def behind(kept: Behind, version: int, what: str, **fields: str) -> list[Line]:
    """All of them, page by page."""
    lines: list[Line] = []
    after: int | None = 0
    while after is not None:
        page = kept.page(version, Wanted(what, fields, "UTC"), after, 5)
        assert len(page.lines) <= 5
        lines += page.lines
        after = page.next
    return lines


def sums(version: Mapping[str, Any]) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Each number of a version, and which lines it counts."""
    yield version["messages"], MESSAGE, {}
    yield version["runs"], "began", {}
    yield version["runsInside"], "inside", {}
    yield version["sentInFact"], "fact", {}
    for arm, runs in version["arms"].items():
        yield runs, "began", {"arm": arm}
    for day in version["byDay"]:
        yield day["messages"], MESSAGE, {"day": day["day"]}
        yield day["runs"], "began", {"day": day["day"]}
    for hour, number in version["byHour"].items():
        yield number, MESSAGE, {"hour": hour}
    for many, people in version["messagesPerPerson"].items():
        yield int(many) * people, MESSAGE, {"many": many}
    for row in version["reasons"]:
        yield row["times"], row["where"], {"reason": row["reason"]}
    for reason, times in version["heldBack"].items():
        yield times, "held", {"reason": reason}
    for segment, number in version["bySegment"].items():
        yield number, MESSAGE, {"segment": segment}
    for channel, number in version["byChannel"].items():
        yield number, MESSAGE, {"channel": channel}
    for row in version["otherJourneys"]:
        yield row["messages"], "other", {"journey": row["journey"]}
        yield row["withinADay"], MESSAGE, {"near": row["journey"]}
    for key, name in (("before", "before"), ("after", "after"), ("both", "both"), ("windowStillOpen", "open")):
        yield version["cameAnyway"][key], MESSAGE, {"anyway": name}


def test_behind_each_number_stand_as_many_lines(found: tuple[dict[str, Any], Behind]) -> None:
    values, kept = found
    seen: set[str] = set()
    for number, version in enumerate(values["versions"]):
        for count, what, fields in sums(version):
            assert len(behind(kept, number, what, **fields)) == count, (what, fields)
            seen |= {what} if count else set()
        people = {one.person for one in behind(kept, number, MESSAGE)}
        assert len(people) == version["people"]
        for row in version["otherJourneys"]:
            both = {one.person for one in behind(kept, number, MESSAGE, beside=row["journey"])}
            assert len(both) == row["peopleOfBoth"]
    assert {MESSAGE, "began", "run", "gate", "held", "other", "fact"} <= seen


def test_what_one_version_has_alone_is_marked(found: tuple[dict[str, Any], Behind]) -> None:
    values, kept = found
    told = values["difference"]
    for number, name in enumerate(("this", "slower")):
        alone = behind(kept, number, MESSAGE, alone="message")
        people = {one.person for one in behind(kept, number, MESSAGE, alone="person")}
        assert (len(alone), len(people)) == (told["messages"][name], told["people"][name])
        assert values["versions"][number]["messages"] - len(alone) == told["messages"]["same"]
    assert told["messages"]["this"] and told["messages"]["slower"]


def test_they_come_in_order_and_together(found: tuple[dict[str, Any], Behind]) -> None:
    _, kept = found
    lines = behind(kept, 0, MESSAGE)
    assert [one.at for one in lines] == sorted(one.at for one in lines)
    person, step = lines[0].person, lines[0].step
    mine = behind(kept, 0, MESSAGE, person=person, step=step)
    assert mine == [one for one in lines if one.person == person and one.step == step]


def test_of_a_rare_thing_so_many_lines_are_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "LOOKED", 30)
    kept = Behind()
    for number in range(100):
        kept.add(0, Sent(number, f"u:{number}", f"i{number}", "1", "hello", "email", "", "", number, "x"))
    kept.done()
    page = kept.page(0, Wanted(MESSAGE, {"person": "u:95"}, "UTC"))
    assert (page.lines, page.next, page.is_short) == ([], 30, True)
    assert [one.person for one in behind(kept, 0, MESSAGE, person="u:95")] == ["u:95"]
    kept.close()


def test_what_is_gone_or_nobody_can_want_is_said() -> None:
    kept = Behind()
    kept.add(0, Noted(1, "u:1", "start", "no consent"))
    kept.done()
    assert len(kept.page(0, Wanted("start", {"reason": "no consent"}, "UTC")).lines) == 1
    assert kept.page(1, Wanted("start", {}, "UTC")).lines == []
    with pytest.raises(UsageError, match="none of message, began"):
        kept.page(0, Wanted("nothing", {}, "UTC"))
    with pytest.raises(UsageError, match="'hat' is none of"):
        kept.page(0, Wanted(WHATS[0], {"hat": "red"}, "UTC"))
    kept.close()
    with pytest.raises(UsageError, match="play it once more"):
        kept.page(0, Wanted("start", {}, "UTC"))
