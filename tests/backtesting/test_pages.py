"""Backtests in the console and by the API: asked for, looked at, shown, stopped; with real ones behind them."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from threading import Event
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import UsageError
from tactful.history.lake import Loss
from tactful.operations.backtesting import preparing, report, running
from tactful.operations.backtesting.behind import Behind
from tactful.operations.backtesting.bench import WAITING, Bench
from tactful.operations.backtesting.crew import Alone
from tactful.operations.backtesting.preparing import Asked
from tactful.operations.history.archived import lacks
from tactful.operations.reading import previewed
from tactful.runtime.settings import plan_settings
from tactful.web.console.hands import Hands
from tests.backtesting.shop_life import SHOP, lived_shop
from tests.console.serving import Served, serve
from tests.console.shop import Shop
from tests.web.serving import Approved, nobody_sends


def play(asked: Asked, progress: Callable[[float], None], behind: Behind) -> dict[str, Any]:
    """As app/backtesting.py does, over a life."""
    house = lived_shop().house
    with lived_shop().history().open() as opened:
        told = plan_settings(house.settings)
        wanted = preparing.wanted(asked, SHOP, told, house.plan(0), opened, house.outbox, 10)
        found = running.backtest(opened, wanted, Alone(), lambda told: progress(told.of_all), behind.add)
        return report.as_values(found) | lacks(opened)


def idle(bench: Bench) -> None:
    """Until nothing is played any more."""
    done = Event()
    assert bench._thread is not None
    bench._thread.submit(done.set)
    assert done.wait(60)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Served, Bench]]:
    shop, bench = Shop(), Bench(play)
    hands = Hands(
        Approved(), lambda reader, name: previewed.preview(name, reader, shop.house), nobody_sends, bench=bench
    )
    with serve(shop, hands) as console:
        yield console, bench
    bench.close()
    shop.close()


def test_one_is_played_and_shown(served: tuple[Served, Bench]) -> None:
    console, bench = served
    page = "/journeys/cart_reminder/backtest"
    assert "Nothing was played yet" in console.get(page).text
    answer = console.post(page, **{"from": "2025-03-01", "to": "2025-03-11", "against": "without"})
    assert answer.status == 303
    idle(bench)
    shown = console.get(answer.headers["location"]).text
    assert "Messages by day" in shown
    assert "Order Completed came first" in shown
    assert "Came anyway" in shown
    assert "Side by side" in shown
    assert "Beside other journeys" in shown
    assert "Some of them" in shown
    assert "held out: the holdout of the journey" in shown and "holdout: holdout" not in shown
    assert "Some of them" not in console.get(answer.headers["location"], role="viewer").text


def test_behind_each_number_there_is_a_page(served: tuple[Served, Bench]) -> None:
    """With the lines that it counts, as a table and as CSV, for who may see people."""
    console, bench = served
    page = "/journeys/cart_reminder/backtest"
    answer = console.post(page, **{"from": "2025-03-01", "to": "2025-03-11", "against": "without"})
    idle(bench)
    (job, *_) = bench.of("cart_reminder")
    assert job.found is not None
    shown = console.get(answer.headers["location"]).text
    links = [unescape(one) for one in re.findall(rf'href="({page}/lines[^"]+)"', shown)]
    assert len(links) > 20
    for kind in ("message", "began", "run", "other"):
        assert any(f"what={kind}" in one for one in links)
    for link in links:
        lines = console.get(link).text
        assert "<h1>" in lines and "None." not in lines, link
    everything = f"{page}/lines?job={job.number}&of=0&what=message"
    table = console.get(f"{everything}&format=csv").text.splitlines()
    assert len(table) == 1 + job.found["versions"][0]["messages"]
    assert console.get(everything, role="viewer").status == 403
    reasons = job.found["versions"][0]["reasons"]
    (ran, *_) = [row for row in reasons if row["where"] == "run"]
    held = console.get(f"{page}/lines?job={job.number}&of=0&what=run&reason={quote('holdout: holdout')}").text
    assert held.count("held out: the holdout of the journey") > 1 and "holdout: holdout</" not in held
    why = console.get(f"{page}/lines?job={job.number}&of=0&what=run&reason={quote(ran['reason'])}&format=csv").text
    assert why.count(ran["reason"]) == ran["times"]


def test_lines_that_are_not_there_are_said_to_be_gone(served: tuple[Served, Bench]) -> None:
    console, _ = served
    page = "/journeys/cart_reminder/backtest"
    for query in ("", "?job=9999", "?job=x", "?job=1&of=7", "?job=1&what=hats", "?job=1&hat=red", "?job=1&after=-1"):
        answer = console.get(f"{page}/lines{query}")
        assert (answer.status, "There is nothing here" in answer.text) == (404, True), query
    assert console.get("/journeys/welcome/backtest/lines?job=1").status == 404


def test_a_change_is_played_before_it_is_saved(served: tuple[Served, Bench]) -> None:
    """Of the journey itself, and of what it sends."""
    console, bench = served
    page, own = "/journeys/cart_reminder/backtest", "journeys/cart_reminder.yaml"
    slower = SHOP[own].replace("30m", "3h")
    assert slower != SHOP[own]
    answer = console.post(page, **{"against": "published", f"edit {own}": slower.replace("\n", "\r\n")})
    idle(bench)
    (job, *_) = bench.of("cart_reminder")
    assert (job.state, job.problem, job.asked.edits) == ("done", "", {own: slower})
    assert job.found is not None
    assert job.found["difference"]["messages"]["same"] < job.found["versions"][1]["messages"]
    shown = console.get(answer.headers["location"]).text
    assert "With a change that was only looked at" in shown and own in shown
    gone = console.post(page, against="published", gone="messages/cart_reminder.yaml")
    idle(bench)
    assert "no message" in console.get(gone.headers["location"]).text
    assert "no definition" in console.post(page, **{"edit ../x/y.yaml": "when: true\n"}).text


def test_the_form_remembers_what_was_asked(served: tuple[Served, Bench]) -> None:
    """With the change that is not saved yet, until it is left out."""
    console, bench = served
    page, path = "/journeys/cart_reminder/backtest", "messages/cart_reminder.yaml"
    other = SHOP["journeys/cart_reminder.yaml"].replace("30m", "3h")
    asked = {"from": "2025-03-02", "to": "2025-03-09", "against": "other", "other": other, "orders": "yes"}
    answer = console.post(page, **asked, **{f"edit {path}": SHOP[path] + "# looked at\n"})
    idle(bench)
    (job, *_) = bench.of("cart_reminder")
    assert (job.state, job.asked.orders) == ("done", True)
    shown = console.get(answer.headers["location"]).text
    for said in ('value="2025-03-02"', 'value="2025-03-09"', 'value="other" selected', "3h", 'value="yes" checked'):
        assert said in shown, said
    assert f'name="edit {path}"' in shown
    without = console.get(f"{page}?job=new").text
    assert "2025-03-02" not in without and f'name="edit {path}"' not in without


def test_days_are_those_of_the_workspace(served: tuple[Served, Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """As in all filters, and with all of the last one; here over the day that summer time begins with."""
    console, bench = served
    monkeypatch.setattr(console.console, "zone", ZoneInfo("America/New_York"))
    page = "/journeys/cart_reminder/backtest"
    answer = console.post(page, **{"from": "2025-03-02", "to": "2025-03-09", "against": "without"})
    idle(bench)
    (job, *_) = bench.of("cart_reminder")
    assert (job.asked.first, job.asked.last) == ("2025-03-02T05:00:00.000Z", "2025-03-10T04:00:00.000Z")
    shown = console.get(answer.headers["location"]).text
    assert 'value="2025-03-02"' in shown and 'value="2025-03-09"' in shown
    assert job.found is not None
    (first, *_) = [one["day"] for version in job.found["versions"] for one in version["byDay"] if one["messages"]]
    assert f"{int(first[8:])} Mar 2025, 00:00:00" in shown, "in pictures too"
    wrong = console.post(page, **{"from": "soon"})
    assert (wrong.status, "are no dates" in wrong.text) == (400, True)


def test_what_is_wrong_is_said(served: tuple[Served, Bench]) -> None:
    console, bench = served
    page = "/journeys/cart_reminder/backtest"
    assert console.get("/journeys/nobody/backtest").status == 404
    assert console.post(page, csrf="another").status == 403
    assert "Paste the other version" in console.post(page, against="other").text
    broken = console.post(page, against="other", other="start: {event: Product Added}\nsend: {email: nowhere}\n")
    idle(bench)
    told = console.get(broken.headers["location"]).text
    assert "The other version:2:15: there is no message &#34;nowhere&#34;<" in told
    assert "<code>    send: {email: nowhere}\n                  ^" in told
    late = console.post(page, **{"from": "2025-03-12", "to": "2025-03-01"})
    idle(bench)
    told = console.get(late.headers["location"]).text
    assert "The period ends before it begins" in told and "--from" not in told


def test_what_the_lake_has_lost_is_said(served: tuple[Served, Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    console, bench = served
    monkeypatch.setattr(MemoryLake, "losses", (Loss("events", "one", 7, 0, 1),))
    answer = console.post("/journeys/cart_reminder/backtest", **{"from": "2025-03-01", "to": "2025-03-03"})
    idle(bench)
    assert "The lake has lost up to 7 rows of events" in console.get(answer.headers["location"]).text


def test_one_is_played_at_a_time_and_may_be_stopped() -> None:
    begun, go_on = Event(), Event()

    def slow(asked: Asked, progress: Callable[[float], None], behind: Behind) -> dict[str, Any]:
        begun.set()
        assert go_on.wait(60)
        progress(0.5)
        return {}

    bench, asked = Bench(slow), Asked("a", "")
    first = bench.begin(asked, 1, "nina")
    assert begun.wait(60)
    others = [bench.begin(asked, 2, "nina") for _ in range(WAITING)]
    with pytest.raises(UsageError, match="too many"):
        bench.begin(asked, 3, "nina")
    assert bench.stop(first.number)
    assert bench.stop(others[0].number)
    go_on.set()
    idle(bench)
    states = [job.state for job in reversed(bench.of("a"))]
    assert states == ["stopped", "stopped", *["done"] * (WAITING - 1)]
    assert not bench.stop(first.number)
    bench.close()


def test_values_are_json() -> None:
    behind = Behind()
    found = play(Asked("cart_reminder", SHOP["journeys/cart_reminder.yaml"], "published"), lambda _: None, behind)
    behind.close()
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
    assert found["difference"]["people"]["published"] == 0  # It is what is published.
