"""Of `make pictures`: some of the shop's letters as a phone shows them, and the shop's own drawings as mailboxes take them."""

from html import escape
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Route

from tests.messages.letters import SHOP, SITE, letters

SHOWN = ("cart_reminder", "winter_arrivals", "thank_you")
_PAGE = """<!doctype html><meta name="color-scheme" content="light dark">
<style>body {{ margin: 0; padding: 24px; display: flex; gap: 24px; background: {} }} iframe {{ border: 0; border-radius: 20px }}</style>
"""
_DRAWN = "<style>* {{ margin: 0 }} svg {{ display: block; width: {}px; height: {}px }}</style>"
_WIDE = {"winter": (600, 280)}
"""In CSS pixels; all others are tiles."""


def draw(browser: Browser) -> None:
    """examples/shop/pictures: many mailboxes show no SVG. A tile is shown at half its size, so that it is sharp."""
    for drawing in sorted((SHOP / "pictures").glob("*.svg")):
        width, height = _WIDE.get(drawing.stem, (144, 144))
        scale = 2 if drawing.stem in _WIDE else 1
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
        page.set_content(_DRAWN.format(width, height) + drawing.read_text(encoding="utf-8"))
        page.screenshot(path=drawing.with_suffix(".png"))
        page.close()


def take(browser: Browser, folder: Path) -> None:
    mails = {letter.name: letter.mail for letter in letters()}
    schemes: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "#d8d3ca"), ("dark", "#2c3130"))
    for scheme, ground in schemes:
        page = browser.new_page(viewport={"width": 3 * 390 + 96, "height": 1060}, color_scheme=scheme)
        page.route("**/*", _answer)
        frames = (f'<iframe width="390" height="1012" srcdoc="{escape(mails[name].html)}"></iframe>' for name in SHOWN)
        page.set_content(_PAGE.format(ground) + "".join(frames))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"letters-{scheme}.png")
        page.close()


def _answer(route: Route) -> None:
    picture = SHOP / "pictures" / route.request.url.removeprefix(f"{SITE}/pictures/")
    if picture.is_file():
        route.fulfill(path=picture)
    else:
        route.abort()
