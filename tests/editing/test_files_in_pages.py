"""Definitions in a real browser: written, looked at, saved, undone; two tabs, Back, reload, mistakes."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.editing.served import BUYERS, Installation, in_force, opened, text_of

pytestmark = pytest.mark.external


# ---- a file ---------------------------------------------------------------------------------------------------------


def test_a_file_is_written_looked_at_and_put_in_force(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/definitions")
    page.get_by_role("link", name="cart_reminder").first.click()
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Fine")
    new = text_of(shop, "journeys/cart_reminder.yaml").replace("wait: 30m", "wait: 45m")
    page.locator("#text").fill(new)
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator(".diff ins")).to_contain_text(["45m"])
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Saved and published.")).to_be_visible()
    assert text_of(shop, "journeys/cart_reminder.yaml") == in_force(shop, "journeys/cart_reminder.yaml") == new
    plan = shop.house.plan(0)
    assert plan is not None
    assert plan.plan.publish.author == "ann"
    assert [(one.author, one.path) for one in shop.house.office.revisions.of(limit=1)] == [
        ("ann", "journeys/cart_reminder.yaml")
    ]
    assert [act.act for act in shop.house.office.audit.acts()] == ["publish"]


def test_a_mistake_is_underlined_and_keeps_everything_as_it_is(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/definitions/segments/buyers/edit")
    page.locator("#text").fill('when: any("Order Compleated", last="30d")\n')
    expect(page.locator(".marks mark")).to_have_text('"Order Compleated"')
    expect(page.locator("#said")).to_contain_text('did you mean "Order Completed"?')
    page.get_by_role("button", name="line 1").click()
    selected = page.evaluate(
        "(() => { const a = document.activeElement; return a.value.slice(a.selectionStart, a.selectionEnd) })()"
    )
    assert selected == '"Order Compleated"'
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator("#problems")).to_contain_text("Order Compleated")
    expect(page.locator("#text")).to_have_value('when: any("Order Compleated", last="30d")\n')
    page.goto(f"{address}/definitions/segments/buyers/review")
    expect(page.get_by_role("button", name="Save and publish")).to_have_count(0)
    assert "Order Compleated" not in text_of(shop)


def test_two_tabs_cannot_overwrite_each_other(browser: Browser, address: str, shop: Installation) -> None:
    tabs = [opened(browser, address, who=f"{name}/marketer").new_page() for name in ("ann", "bob")]
    for tab, days in zip(tabs, (7, 14), strict=True):
        tab.goto(f"{address}/definitions/segments/buyers/edit")
        tab.locator("#text").fill(f'when: any("Order Completed", last="{days}d")\n')
        tab.get_by_role("button", name="Look at the change").click()
        expect(tab.get_by_role("button", name="Save and publish")).to_be_visible()
    tabs[0].get_by_role("button", name="Save and publish").click()
    expect(tabs[0].get_by_text("Saved and published.")).to_be_visible()
    tabs[1].get_by_role("button", name="Save and publish").click()
    expect(tabs[1].get_by_text("Somebody else has changed this file since you began.")).to_be_visible()
    assert '"7d"' in text_of(shop)
    expect(tabs[1].locator(".diff del")).to_contain_text(['"7d"'])
    expect(tabs[1].locator(".diff ins")).to_contain_text(['"14d"'])
    tabs[1].get_by_role("button", name="Go on with mine").click()
    tabs[1].get_by_role("button", name="Save and publish").click()
    expect(tabs[1].get_by_text("Saved and published.")).to_be_visible()
    assert '"14d"' in text_of(shop)
    assert [one.author for one in shop.house.office.revisions.of(BUYERS, limit=2)] == ["bob", "ann"]
    for tab in tabs:
        tab.context.close()


def test_two_tabs_of_one_person_neither(browser: Browser, address: str, shop: Installation) -> None:
    context = opened(browser, address)
    first, second = context.new_page(), context.new_page()
    for tab, days in ((first, 7), (second, 14)):
        tab.goto(f"{address}/definitions/segments/buyers/edit")
        tab.locator("#text").fill(f'when: any("Order Completed", last="{days}d")\n')
        tab.get_by_role("button", name="Look at the change").click()
        expect(tab.get_by_role("button", name="Save and publish")).to_be_visible()
    first.get_by_role("button", name="Save and publish").click()
    expect(first.locator(".diff ins")).to_contain_text(
        ['"14d"']
    )  # What the other tab wrote is shown before it is saved.
    assert "30d" in text_of(shop)
    first.get_by_role("button", name="Save and publish").click()
    expect(first.get_by_text("Saved and published.")).to_be_visible()
    second.get_by_role("button", name="Save and publish").click()
    expect(second.locator("#text")).to_be_visible()  # There is nothing left to be saved.
    context.close()


def test_back_and_reload_lose_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}/definitions/segments/buyers")
    page.get_by_role("link", name="Edit the file").click()
    page.locator("#text").fill("when: any('Order Completed')\n")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator(".diff")).to_be_visible()
    page.reload()
    expect(page.locator(".diff ins")).to_contain_text(["any('Order Completed')"])
    page.go_back()
    expect(page.locator("#text")).to_have_value("when: any('Order Completed')\n")
    page.reload()
    expect(page.locator("#text")).to_have_value("when: any('Order Completed')\n")
    expect(page.get_by_text("it is not saved")).to_be_visible()
    page.get_by_role("button", name="Throw it away").click()
    expect(page.locator("#text")).to_have_value(
        'description: Ordered in the last 30 days\nwhen: any("Order Completed", last="30d")\n'
    )


def test_what_was_saved_can_be_undone_and_the_undo_too(page: Page, address: str, shop: Installation) -> None:
    before = text_of(shop)
    page.goto(f"{address}/definitions/segments/buyers/edit")
    page.locator("#text").fill("when: any('Order Completed')\n")
    page.get_by_role("button", name="Look at the change").click()
    page.get_by_role("button", name="Save and publish").click()
    for expected in (before, "when: any('Order Completed')\n"):
        page.goto(f"{address}/definitions/revisions")
        page.locator("tbody tr").first.get_by_role("link", name="changed").click()
        page.get_by_role("link", name="Undo").click()
        page.get_by_role("button", name="Undo and publish").click()
        expect(page.get_by_text("Saved and published.")).to_be_visible()
        assert text_of(shop) == in_force(shop) == expected
    assert [act.act for act in shop.house.office.audit.acts()] == ["revert", "revert", "publish"]


def test_what_an_editor_does_is_noted_as_such(page: Page, address: str, shop: Installation) -> None:
    (shop.project / BUYERS).write_text('when: any("Order Completed", last="2d")\n')
    page.goto(f"{address}/definitions/segments/buyers")
    expect(page.get_by_text("This file is changed, not published.")).to_be_visible()
    shop.publish("dev")
    page.goto(f"{address}/definitions/revisions")
    expect(page.locator("tbody tr").first).to_contain_text("outside of the console")
    expect(page.locator("tbody tr").first).to_contain_text("segments/buyers.yaml")


def test_a_save_shows_what_else_it_publishes(page: Page, address: str, shop: Installation) -> None:
    (shop.project / "segments/lapsed.yaml").write_text('when: time_since("Order Completed") > "50d"\n')
    page.goto(f"{address}/definitions/segments/buyers/edit")
    page.locator("#text").fill("when: any('Order Completed')\n")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.get_by_text("Published with it")).to_be_visible()
    expect(page.locator("code", has_text="segments/lapsed.yaml").first).to_be_visible()


def test_rename_takes_all_who_name_it_along(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/definitions/segments/lapsed")
    page.get_by_role("link", name="Rename").click()
    page.locator("#to").fill("Long Gone")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator("#to-error")).to_contain_text("small letters")
    page.locator("#to").fill("long_gone")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.locator(".diff ins")).to_contain_text(["+start: {segment: long_gone}"])
    page.get_by_role("button", name="Rename and publish").click()
    expect(page.get_by_text("Saved and published.")).to_be_visible()
    assert not (shop.project / "segments/lapsed.yaml").exists()
    assert "long_gone" in (in_force(shop, "journeys/win_back.yaml") or "")


def test_what_others_name_is_not_removed(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/definitions/segments/lapsed")
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_text("It cannot be removed while others name it.")).to_be_visible()
    expect(page.get_by_role("link", name="journeys/win_back.yaml")).to_be_visible()
    expect(page.get_by_role("button", name="Remove and publish")).to_have_count(0)
    page.goto(f"{address}/definitions/segments/buyers/remove")
    page.get_by_role("button", name="Remove and publish").click()
    expect(page).to_have_url(f"{address}/definitions")
    assert in_force(shop) is None
    page.goto(f"{address}/definitions/segments/buyers")
    expect(page.get_by_text("The file is gone.")).to_be_visible()


def test_a_new_file_begins_with_a_template(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/definitions/new?kind=metrics")
    page.locator("#name").fill("spend_90d")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#name-error")).to_contain_text("is there already")
    page.locator("#name").fill("spend_1y")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#text")).to_have_value(
        'description: What was spent in 90 days\nvalue: sum("Order Completed", total, last="90d")\n'
    )
    page.get_by_role("button", name="Look at the change").click()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Saved and published.")).to_be_visible()
    assert in_force(shop, "metrics/spend_1y.yaml") is not None


def test_who_may_not_edit_is_not_offered_it(browser: Browser, address: str) -> None:
    context = opened(browser, address, who="vic/viewer")
    page = context.new_page()
    page.goto(f"{address}/definitions/segments/buyers")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    for path in ("edit", "remove", "rename", "review"):
        answer = page.goto(f"{address}/definitions/segments/buyers/{path}")
        assert answer is not None
        assert answer.status == 403
    context.close()


def test_every_page_is_whole(browser: Browser, address: str) -> None:
    """Wide, and as narrow as a phone."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    paths = [
        "/definitions",
        "/definitions/new?kind=journeys",
        "/definitions/segments/lapsed",
        "/definitions/messages/welcome_1/edit",
        "/definitions/segments/lapsed/remove",
        "/definitions/segments/lapsed/rename",
        "/definitions/segments/lapsed/rename?to=gone",
        "/definitions/revisions",
        "/definitions/revisions/1",
        "/segments/new",
        "/segments/city_runners/edit",
        "/segments/city_runners/edit?as=text",
        "/segments/left_cart/edit",
    ]
    for path in paths:
        answer = page.goto(address + path)
        assert answer is not None
        assert answer.status == 200, path
        expect(page.locator("h1")).to_be_visible()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert too_wide <= 0, f"{path} is {too_wide} px too wide at {width}"
    assert wrong == []
    page.close()
