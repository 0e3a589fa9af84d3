"""Definitions in a real browser: written, looked at, saved, undone; two tabs, Back, reload, errors, no script, keys only."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.editing.served import Installation, serve

pytestmark = pytest.mark.external
BUYERS = "segments/buyers.yaml"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    installation = Installation(Path(shutil.copytree("examples/shop", tmp_path / "shop")))
    for number in range(30):
        installation.happen("Product Viewed", f"u:{number}", category="Chairs" if number % 2 else "Rugs", price=number)
        if number % 3 == 0:
            installation.happen("Order Completed", f"u:{number}", total=20.0 + number)
    installation.run()
    return installation


@pytest.fixture
def address(shop: Installation) -> Iterator[str]:
    with serve(shop) as found:
        yield found


def opened(browser: Browser, address: str, *, who: str = "ann/marketer", script: bool = True) -> BrowserContext:
    """A browser of somebody; what goes wrong on its pages fails the test that closes it."""
    context = browser.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "who", "value": who, "url": address}])
    return context


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = opened(browser, address)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert [one for one in wrong if "422" not in one and "409" not in one] == []


@pytest.fixture
def plain(browser: Browser, address: str) -> Iterator[Page]:
    """Without scripts."""
    context = opened(browser, address, script=False)
    yield context.new_page()
    context.close()


def text_of(shop: Installation, path: str = BUYERS) -> str:
    return (shop.project / path).read_text()


def in_force(shop: Installation, path: str = BUYERS) -> str | None:
    plan = shop.house.plan(0)
    assert plan is not None
    return plan.plan.publish.files.get(path)


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
    assert [act.act for act in shop.house.office.audit.acts()] == ["publish", "save"]


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
    assert [act.act for act in shop.house.office.audit.acts()][:3] == ["revert", "publish", "save"]


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


# ---- a condition ----------------------------------------------------------------------------------------------------


def test_completion_knows_where_the_caret_stands(page: Page, address: str) -> None:
    page.goto(f"{address}/segments/buyers/edit?as=text")
    area, offers = page.locator("#when"), page.get_by_role("listbox", name="Completions")
    area.fill("")
    area.press_sequentially("cou")
    expect(offers.get_by_role("option").first).to_contain_text("count(EVENT")
    area.press("Tab")
    expect(area).to_have_value('count("')
    area.press_sequentially("viewed")
    expect(offers.get_by_role("option", selected=True)).to_contain_text("Product Viewed")
    area.press("Enter")
    area.press_sequentially('", where=cat')
    expect(offers.get_by_role("option", selected=True)).to_contain_text("category")
    assert area.get_attribute("aria-activedescendant") == "when-offers-0"
    area.press("Enter")
    area.press_sequentially(' == "Chairs", la')
    expect(offers.get_by_role("option", selected=True)).to_contain_text("last=")
    area.press("Enter")
    area.press_sequentially('"')
    area.press("ArrowDown")
    area.press("ArrowDown")
    expect(offers.get_by_role("option", selected=True)).to_contain_text("7d")
    area.press("Enter")
    area.press_sequentially('") >= 1 ')
    area.press("Escape")
    expect(offers).to_be_hidden()
    expect(area).to_have_value('count("Product Viewed", where=category == "Chairs", last="7d") >= 1 ')
    expect(page.locator("#said .people")).to_have_text("15 of 30 people now.")


def test_a_place_is_underlined_and_mended(page: Page, address: str) -> None:
    page.goto(f"{address}/segments/buyers/edit?as=text")
    page.locator("#when").fill('any("Order Compleated", last="30d")')
    expect(page.locator(".marks mark")).to_have_text('"Order Compleated"')
    page.get_by_role("button", name='Write "Order Completed"').click()
    expect(page.locator("#when")).to_have_value('any("Order Completed", last="30d")')
    expect(page.locator("#said .people")).to_have_text("10 people now.")


def test_rows_are_chosen_with_keys_alone(page: Page, address: str, shop: Installation) -> None:
    page.goto(f"{address}/segments/new")
    page.locator("#name").fill("chair_lookers")
    quantity = page.get_by_label("Line 1: what")
    quantity.focus()
    page.keyboard.type("how o")
    expect(page.locator("#writes")).to_contain_text('count("Order Completed", last="30d") >= 1')
    page.get_by_label("Line 1: event").select_option("Product Viewed")
    page.get_by_role("button", name="where …").press("Enter")
    expect(page.get_by_label("Line 1, where 1: property")).to_be_focused()
    page.keyboard.type("category")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Chairs")
    page.get_by_label("Line 1: value").fill("1")
    expect(page.locator("#writes code")).to_have_text(
        'count("Product Viewed", where=category == "Chairs", last="30d") >= 1'
    )
    expect(page.locator("#writes .people")).to_have_text("15 of 30 people now.")
    page.get_by_role("button", name="Text", exact=True).press("Enter")
    expect(page.locator("#when")).to_have_value('count("Product Viewed", where=category == "Chairs", last="30d") >= 1')
    expect(page.locator("#name")).to_have_value("chair_lookers")
    page.get_by_role("button", name="Drop-downs").click()
    page.get_by_role("button", name="Look at the change").click()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Saved and published.")).to_be_visible()
    assert "category" in (in_force(shop, "segments/chair_lookers.yaml") or "")


def test_the_file_keeps_what_the_editor_does_not_show(page: Page, address: str, shop: Installation) -> None:
    text = '# Ours.\ndescription: Bought   # lately\npurpose: profiling\nwhen: any("Order Completed", last="30d")\n'
    (shop.project / BUYERS).write_text(text)
    page.goto(f"{address}/segments/buyers/edit")
    page.get_by_label("Line 1: in the last").fill("60d")
    expect(page.locator("#writes code")).to_contain_text("60d")
    page.get_by_role("button", name="Look at the change").click()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Saved and published.")).to_be_visible()
    assert text_of(shop) == text.replace("30d", "60d")


def test_without_a_script_the_rows_work_as_well(plain: Page, address: str, shop: Installation) -> None:
    plain.goto(f"{address}/segments/hesitating/edit")
    plain.get_by_role("button", name="Line", exact=True).click()
    plain.get_by_label("Line 3: what").select_option("field")
    plain.get_by_role("button", name="Show again").click()
    plain.get_by_label("Line 3: which").fill("gender")
    plain.get_by_label("Line 3: how").select_option("in")
    plain.get_by_role("button", name="Show again").click()
    plain.get_by_label("Line 3: value").fill("DE, AT")
    plain.get_by_role("button", name="Remove line 1").click()
    expect(plain.locator("#writes code")).to_have_text(
        'not any("Order Completed", last="1d") and gender in ("DE", "AT")'
    )
    plain.get_by_role("button", name="Look at the change").click()
    plain.get_by_role("button", name="Save and publish").click()
    assert 'gender in ("DE", "AT")' in (in_force(shop, "segments/hesitating.yaml") or "")


def test_what_is_still_to_be_chosen_is_said(page: Page, address: str) -> None:
    page.goto(f"{address}/segments/new")
    page.get_by_role("button", name="Line", exact=True).click()
    expect(page.locator("#writes .unfinished")).to_have_text("Line 2: choose an event.")
    page.locator("#name").fill("x")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2: choose an event.")


def test_what_no_row_shows_is_said_and_kept(page: Page, address: str, shop: Installation) -> None:
    (shop.project / BUYERS).write_text('when: gender == "DE" and count("Order Completed") > count("Product Viewed")\n')
    page.goto(f"{address}/segments/buyers/edit")
    expect(page.get_by_text("No drop-down shows this; it stays as it is written.")).to_be_visible()
    page.get_by_label("Line 1: value").fill("AT")
    expect(page.locator("#writes code")).to_contain_text(
        'gender == "AT" and (count("Order Completed") > count("Product Viewed"))'
    )


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


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_whole(browser: Browser, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
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
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{path} is {too_wide} px too wide"
    assert wrong == []
    context.close()
