"""Live in a real browser: rows come by themselves, are counted where they are too many, and stop when told to."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.serving import Served, serve
from tests.console.shop import Shop

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def own() -> Iterator[Served]:
    shop = Shop(people=8, days=3)
    with serve(shop) as served:
        yield served
    shop.close()


@pytest.fixture
def page(own: Served, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    found = context.new_page()
    wrong: list[str] = []
    found.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    yield found
    context.close()
    assert wrong == []


def come(own: Served, number: int, name: str, key: str = "u:1001") -> None:
    for each in range(number):
        own.shop.did(name, key, product_id=f"p{each}")
    own.shop.pass_time()
    own.bells.ring("watch")


def opened(page: Page, own: Served, path: str) -> None:
    page.goto(own.address + path)
    expect(page.locator("[data-pulse]")).to_have_text("Live")
    expect(page.locator("[data-live-said]")).not_to_contain_text("Reload")


def test_rows_come_by_themselves_and_lead_to_the_person(own: Served, page: Page) -> None:
    opened(page, own, "/live")
    come(own, 1, "Product Viewed")
    expect(page.locator("li.new")).to_contain_text("Product Viewed")
    page.locator("li.new a.person").click()
    expect(page).to_have_url(f"{own.address}/people/u:1001")


def test_of_many_at_once_twenty_are_shown_and_the_others_counted(own: Served, page: Page) -> None:
    opened(page, own, "/live")
    come(own, 300, "Product Viewed")
    expect(page.locator("[data-live-said]")).to_contain_text("280 came too fast to be shown")
    expect(page.locator("[data-live] li")).to_have_count(70)


def test_what_is_filtered_is_found_among_all(own: Served, page: Page) -> None:
    """One event among hundreds that nobody wants to see."""
    opened(page, own, "/live?event=Rare+One&source=backend")
    expect(page.get_by_text("No such event among the newest ones")).to_be_visible()
    come(own, 150, "Product Viewed")
    come(own, 1, "Rare One")
    come(own, 150, "Product Viewed")
    expect(page.locator("[data-live] li")).to_have_count(1)
    expect(page.locator("[data-live] li")).to_contain_text("Rare One")
    expect(page.get_by_text("No such event among the newest ones")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-live] li")).to_contain_text("Rare One")
    page.get_by_role("link", name="all events").click()
    expect(page.locator("[data-live] li")).to_have_count(50)


def test_a_pause_lasts_until_one_goes_on(own: Served, page: Page) -> None:
    opened(page, own, "/live")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. What comes meanwhile is not lost")).to_be_visible()
    come(own, 1, "While Paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-live] li").first).to_contain_text("While Paused")
    come(own, 1, "Afterwards")
    expect(page.locator("[data-live] li").first).to_contain_text("Afterwards")


def test_two_pages_see_the_same(own: Served, page: Page) -> None:
    opened(page, own, "/live")
    other = page.context.new_page()
    opened(other, own, "/live")
    come(own, 1, "Seen Twice")
    for each in (page, other):
        expect(each.locator("[data-live] li").first).to_contain_text("Seen Twice")
    other.close()


def test_without_a_script_the_filter_works_and_reload_shows_what_is_new(own: Served, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(own.address + "/live")
    page.get_by_label("Event", exact=True).fill("Without Script")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No such event among the newest ones")).to_be_visible()
    come(own, 1, "Without Script")
    page.reload()
    expect(page.locator("[data-live] li")).to_have_count(1)
    assert not page.get_by_role("button", name="Pause").is_visible()
    context.close()


def test_the_rows_are_a_table_to_take_along(own: Served) -> None:
    come(own, 1, "For The Table")
    lines = own.get("/live?format=csv&event=For+The+Table").text.splitlines()
    assert lines[0] == "received,event,person,source,properties"
    assert len(lines) == 2
