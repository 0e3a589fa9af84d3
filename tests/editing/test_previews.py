"""What an expression says of everybody, on pages: with a script beside the condition, and without one."""

import re
from html import unescape
from threading import Event
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tactful.adapters.memory.lake import MemoryLake
from tactful.history.lake import Loss
from tactful.values import DAY_US, format_time
from tests.editing.served import Installation, Visiting

VIEWS = 'count("Product Viewed") >= 1'
SPENT = 'sum("Order Completed", total)'


@pytest.fixture
def client(address: str) -> Visiting:
    return Visiting(address)


def asked(client: Visiting, when: str, **more: str) -> Any:
    query = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return client.get(f"/segments/preview?expression={quote(when)}{query}")


def test_a_page_says_how_many_and_who(client: Visiting) -> None:
    page = asked(client, f"{SPENT} > 30").text
    assert "It holds for" in page
    assert "of 30 people" in page
    assert "/people/u%3A27" in page or "/people/u:27" in page
    assert "People by value" in page


def test_an_expression_goes_from_page_to_page_by_its_address(client: Visiting) -> None:
    seen = re.findall(r'href="(/segments/preview[?][^"]*)"', client.get("/segments/buyers").text)
    page = client.get(unescape(seen[0])).text
    assert "any(&#34;Order Completed&#34;, last=&#34;30d&#34;)</textarea>" in page
    (new,) = re.findall(r'href="(/segments/new[^"]*)"', page)
    assert "Order Completed" in client.get(unescape(new)).text
    (new,) = re.findall(r'href="(/segments/new[^"]*)"', asked(client, SPENT).text)
    assert new == "/segments/new", "a value is no condition"


def test_a_purpose_stays_with_an_expression(client: Visiting) -> None:
    page = asked(client, VIEWS, purpose="email_marketing").text
    assert '<input type="hidden" name="purpose" value="email_marketing">' in page
    assert "Only of those who permit" in page


def test_a_value_is_shown_by_its_values(client: Visiting) -> None:
    page = asked(client, 'latest("Product Viewed", category)').text
    assert "Most frequent" in page
    assert "Chairs" in page and "Rugs" in page


def test_a_mistake_is_told(client: Visiting) -> None:
    wrong = asked(client, 'any("Product Vieved")').text
    assert "no event" in wrong
    assert "any(&#34;Product Vieved&#34;)\n    ^</code>" in wrong, "where it is"
    assert (
        "any(&#34;Product Vieved&#34;)\n    ^</code>" in asked(client, 'any("Product Vieved")', purpose="orders").text
    )
    assert "this is no moment" in asked(client, VIEWS, at="yesterday").text
    assert "this is still to come" in asked(client, VIEWS, at="2999-01-01T00:00").text


def test_before_anything_happened_nobody_is_known(client: Visiting) -> None:
    early = asked(client, VIEWS, at="2001-01-01T00:00").text
    assert "nobody was known" in early and "what had happened by then is asked for" in early
    early = asked(client, VIEWS, at="2001-01-01T00:00", sees="happened").text
    assert "what had happened by then is asked for" not in early
    assert "The first of whom anything is known came at" in early
    assert re.search(r'<option value="happened"[^>]* selected', early)


def test_who_may_not_see_persons_asks_nothing(client: Visiting) -> None:
    """A condition may name one person, and its number say what is known of them."""
    assert client.get(f"/segments/preview?expression={quote(VIEWS)}", who="vic/viewer").status_code == 403
    assert "/segments/preview" not in client.get("/segments", who="vic/viewer").text


def test_who_types_waits_for_no_long_question(client: Visiting, shop: Installation) -> None:
    """Such as what a change would do, or who was where."""
    *_, past = shop.desks
    done = Event()
    past._thread.submit(done.wait)
    try:
        assert "It holds for" in asked(client, VIEWS).text
    finally:
        done.set()


def test_what_the_lake_has_lost_is_said(
    client: Visiting, page: Page, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a preview, while one types as well, and beside what a change would do."""
    said = "The lake has lost up to 7 rows of events"
    assert said not in asked(client, VIEWS).text
    monkeypatch.setattr(MemoryLake, "losses", (Loss("events", "one", 7, 0, 1),))
    assert said in asked(client, VIEWS).text
    page.goto(f"{address}/segments/new?as=text")
    page.fill("#when", VIEWS)
    expect(page.locator("#preview")).to_contain_text(said, timeout=15_000)
    page.goto(f"{address}/definitions/segments/buyers/edit")
    page.locator("#text").fill(f"when: {VIEWS}\n")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator(".foresight")).to_contain_text(said, timeout=15_000)


def test_it_is_shown_while_one_types_and_a_threshold_moves(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/segments/new?as=text")
    page.fill("#when", f"{SPENT} > 30")
    section = page.locator("#preview .spread")
    expect(section).to_be_visible(timeout=15_000)
    expect(page.locator("#preview")).to_contain_text("It holds for")
    slider = section.get_by_label("Threshold")
    before = section.locator("output").inner_text()
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    assert section.locator("output").inner_text() != before
    section.get_by_role("button", name="Write it").click()
    assert page.input_value("#when") != f"{SPENT} > 30"
    expect(page.locator("#preview .tiles")).not_to_contain_text("nobody")
    page.fill("#when", "summ(")
    expect(page.locator("#preview .spread")).to_have_count(0)
    expect(page.get_by_text("never closed")).to_have_count(1)


def test_on_its_own_page_a_threshold_is_written_and_asked(page: Page, address: str) -> None:
    page.goto(f"{address}/segments/preview?expression={quote(f'{SPENT} >= 30')}")
    section = page.locator("#preview .spread")
    for _ in range(4):
        section.get_by_label("Threshold").press("ArrowRight")
    said = section.locator("output").inner_text()
    section.get_by_role("button", name="Write it").click()
    page.wait_for_url("**/segments/preview?expression=*")
    expect(page.get_by_label("An expression")).not_to_have_value(f"{SPENT} >= 30")
    expect(page.locator("#preview .tiles")).to_contain_text(said.split(": ")[1].split(" ")[0])


def test_a_change_says_what_it_would_do_to_people(page: Page, address: str) -> None:
    page.goto(f"{address}/definitions/segments/buyers/edit")
    page.locator("#text").fill('when: count("Product Viewed", last="20d") >= 1\n')
    page.get_by_role("button", name="Look at the change").click()
    foresight = page.locator(".foresight")
    expect(foresight.locator("table")).to_contain_text("buyers")
    row = foresight.locator("tbody tr")
    expect(row.locator("td").nth(0)).to_have_text("10")
    expect(row.locator("td").nth(1)).to_have_text("30")
    expect(row.locator("td").nth(2)).to_contain_text("20")
    expect(row.locator("td").nth(2).locator("a.person")).to_have_count(5)
    expect(foresight).to_contain_text("Nobody is messaged for the past")
    expect(foresight).to_contain_text("counted for the first time")
    expect(page.get_by_role("button", name="Save and publish")).to_be_visible()


def test_a_change_is_played_from_its_page(page: Page, address: str, shop: Installation) -> None:
    """And what was found stands there from then on."""
    page.goto(f"{address}/definitions/messages/cart_reminder/edit")
    text = page.locator("#text").input_value()
    page.locator("#text").fill(f"{text}\n# looked at\n")
    page.get_by_role("button", name="Look at the change").click()
    review, touched = page.url, page.locator(".foresight li", has_text="cart_reminder")
    expect(touched).to_contain_text("is touched by message cart_reminder")
    touched.get_by_role("button", name="Backtest it").click()
    expect(page.get_by_role("heading", name="Backtest")).to_be_visible()
    expect(page.locator("main")).to_contain_text("With a change that was only looked at: messages/cart_reminder.yaml")
    while (job := shop.bench.of("cart_reminder")[0]).state in ("waiting", "playing"):
        page.wait_for_timeout(20)
    assert (job.state, job.problem, job.asked.against) == ("done", "", "published")
    assert job.asked.first == format_time((shop.clock.us - 7 * DAY_US) // DAY_US * DAY_US), (
        "the seven days that are told"
    )
    page.goto(review)
    expect(touched).to_contain_text("it would have sent 0 messages to 0 people, and as it is 0", timeout=15_000)
