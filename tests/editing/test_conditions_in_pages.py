"""Conditions in a real browser: completion, marks, rows of drop-downs by keys alone, without a script, and what they keep."""

import pytest
from playwright.sync_api import Page, expect

from tests.editing.served import BUYERS, Installation, in_force, text_of

pytestmark = pytest.mark.external


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
    # By arrows: a browser forgets what was typed into a list when the machine takes a second over it.
    for _ in range(quantity.locator("option").count()):
        if quantity.locator("option:checked").inner_text() == "how often":
            break
        page.keyboard.press("ArrowDown")
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
