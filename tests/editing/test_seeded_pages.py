"""From the editor to its people: a segment that asks about all time is foreseen, published, warming, seeded, and then has
exactly the people who were foreseen."""

from playwright.sync_api import Page, expect

from tests.editing.served import Installation

WHEN = 'sum("Order Completed", total, where=total > 1) >= 41 and count("Product Viewed") >= 1'
EXPECTED = {"user 21", "user 24", "user 27"}
"""Of 0, 3, ..., 27, who spent twenty more than their number; nobody was in it before."""


def test_what_is_foreseen_is_what_comes(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/segments/new?as=text")
    page.fill("#name", "spenders")
    page.fill("#when", WHEN)
    expect(page.locator("#said .people")).to_have_text("3 of 30 people now.")
    page.get_by_role("button", name="Look at the change").click()

    foresight = page.locator(".foresight")
    row = foresight.locator("tbody tr")
    expect(row).to_contain_text("spenders")
    assert [row.locator("td").nth(place).inner_text().split()[0] for place in range(2)] == ["0", "3"]
    assert {link.inner_text() for link in row.locator("td").nth(2).locator("a.person").all()} == EXPECTED
    expect(foresight).to_contain_text("2 aggregates are counted for the first time: 40 events are read for it")
    expect(foresight).to_contain_text("Until then segments/spenders.yaml says nothing")
    expect(page.locator("main")).not_to_contain_text("Silent at first")
    page.get_by_role("button", name="Save and publish").click()

    page.goto(f"{address}/segments/spenders")
    expect(page.locator("main")).to_contain_text("It says nothing yet: what it counts is being read from the history")
    shop.happen("Order Completed", "u:0", total=30.0)  # While it is warming; together it is enough.
    shop.happen("Order Completed", "u:1", total=30.0)
    shop.run()
    page.reload()
    expect(page.locator("main")).to_contain_text("It says nothing yet")

    shop.seed()
    page.reload()
    expect(page.locator("main")).not_to_contain_text("It says nothing yet")
    page.goto(f"{address}/segments/spenders/people")
    expect(page.locator("main a.person")).to_have_count(4)
    assert {link.inner_text() for link in page.locator("main a.person").all()} == {*EXPECTED, "user 0"}
