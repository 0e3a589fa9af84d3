"""A moment is picked, and pages show who was where and what was known then."""

import re
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from tactful.adapters.memory.lake import MemoryLake, MemorySnapshot
from tactful.history.lake import Loss
from tactful.operations.history import asof
from tactful.values import DAY_US, HOUR_US, SECOND_US
from tactful.web.console import recalled
from tactful.web.console.moments import written
from tactful.web.wording import local
from tests.editing.served import START, Installation, Visiting

UTC = ZoneInfo("UTC")


@pytest.fixture
def client(address: str) -> Visiting:
    return Visiting(address)


def moment(at_us: int) -> str:
    return written(at_us, UTC)


def test_who_was_in_a_segment(client: Visiting, shop: Installation) -> None:
    shop.clock.us += 2 * DAY_US
    shop.happen("Order Completed", "u:1", total=9.0)
    shop.run()
    before = client.get(f"/segments/buyers/then?at={moment(START + DAY_US)}").text
    now = client.get("/segments/buyers/then").text
    assert "<b>10</b> people" in before
    assert "<b>11</b> people" in now
    assert "/people/u:27?at=" in before.replace("%3A", ":")
    assert 'last="30d"' in before or "last=&#34;30d&#34;" in before


def test_as_a_table_there_is_everybody(client: Visiting, shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not only who is named at once elsewhere."""
    shop.clock.us += 2 * DAY_US
    monkeypatch.setattr(asof, "MOST", 3)
    monkeypatch.setattr(recalled, "PAGE", 2)
    path = f"/segments/buyers/then?at={moment(START + DAY_US)}"
    assert client.get(path).text.count('<th scope="row">') == 2
    assert len(client.get(f"{path}&format=csv").text.splitlines()) == 1 + 10


def test_before_anything_was_published_there_was_no_segment(client: Visiting) -> None:
    answer = client.get(f"/segments/buyers/then?at={moment(START - DAY_US)}")
    assert answer.status_code == 404
    assert "There was no segment" in answer.text and "it was first published at" in answer.text
    assert "--happened" not in answer.text and "sees=happened)" not in answer.text, "that is for commands"
    (link,) = re.findall(r'href="(/segments/preview[^"]*)"', answer.text)
    preview = client.get(unescape(link)).text
    assert "segment(&#34;buyers&#34;)" in preview and "It holds for" in preview


def test_what_was_known_of_a_person(client: Visiting, shop: Installation) -> None:
    shop.clock.us += DAY_US
    early = client.get(f"/people/u:3?at={moment(START + HOUR_US)}").text
    assert "What was known at a moment" in early
    assert "buyers" in early
    nobody = client.get(f"/people/u:3?at={moment(START - DAY_US)}")
    assert nobody.status_code == 404
    assert "Nobody was known" in nobody.text
    assert "sees=happened" in nobody.text and 'href="/people/u:3"' in nobody.text.replace("%3A", ":")
    assert "?at" in client.get("/people/u:3").text


def test_a_time_among_what_was_known_is_shown_as_all_others_are(client: Visiting, shop: Installation) -> None:
    shop.happen("Product Added", "u:2", product_id="mug-tide", price=24.0, quantity=1)
    shop.run()
    shop.clock.us += HOUR_US
    page = client.get(f"/people/u:2?at={moment(shop.clock.us)}").text
    _, _, changed = page.partition("changed_at</span> ")
    assert changed.startswith(f"{local(START, UTC):%-d %b %Y}, ")


def test_what_is_no_moment_is_said(client: Visiting) -> None:
    assert "This is no moment" in client.get("/people/u:3?at=soon").text
    assert "This is no moment" in client.get("/segments/buyers/then?at=soon").text
    for page in ("/people/u:3?at=2999-01-01T00:00", "/segments/buyers/then?at=2999-01-01T00:00"):
        assert "This is still to come; it is 3 Mar 2025" in client.get(page).text


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59-12:00", "1969-01-01", "x" * 999]
)
def test_no_moment_breaks_a_page(client: Visiting, text: str) -> None:
    for path in ("/segments/buyers/then", "/people/u:3", "/segments/preview"):
        assert client.get(f"{path}?expression=true&at={text}").status_code in (200, 404)


def test_who_may_not_see_persons_does_not(client: Visiting) -> None:
    assert client.get("/segments/buyers/then", who="vic/viewer").status_code == 403


def test_before_it_was_published_its_first_version_is_asked(client: Visiting) -> None:
    known = client.get(f"/segments/buyers/then?at={moment(START - DAY_US)}").text
    (link,) = re.findall(r'href="([?]at=[^"]*)"', known)
    answer = client.get(f"/segments/buyers/then{unescape(link)}")
    assert answer.status_code == 200
    assert "It was not there yet. This is its first version" in answer.text


def test_before_the_lake_began_anew_another_moment_may_be_picked(
    client: Visiting, shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = MemoryLake.snapshot

    def later(lake: MemoryLake) -> MemorySnapshot:
        found = snapshot(lake)
        found.since_us = START + DAY_US
        return found

    shop.clock.us += 2 * DAY_US
    monkeypatch.setattr(MemoryLake, "snapshot", later)
    for page in ("/segments/buyers/then", "/people/u:3"):
        answer = client.get(f"{page}?at={moment(START + HOUR_US)}")
        assert answer.status_code == 404
        assert "The lake begins at" in answer.text and 'name="at"' in answer.text, page


def test_what_the_lake_has_lost_is_said_beside_what_was_then(
    client: Visiting, shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.clock.us += DAY_US
    at = f"at={moment(START + HOUR_US)}"
    pages = [f"/segments/buyers/then?{at}", f"/people/u:3?{at}", f"/people/u:nobody?{at}"]
    said = re.compile("The lake has lost up to 7 rows of events, from 1 Jan 1970, 00:00:00 to 1 Jan 1970, 00:00:01")
    assert not any(said.search(client.get(page).text) for page in pages)
    monkeypatch.setattr(MemoryLake, "losses", (Loss("events", "one", 7, 0, SECOND_US),))
    for page in pages:
        assert said.search(client.get(page).text), page
