"""`make pictures`: every room as a picture in docs/pictures, over the week that the tests of the console look at; and the
letters of the example shop. Each in at most 255 colours, which nobody sees and which makes it a third as large.

Wide and light, narrow and dark are kept; ARGS="--all DIR" takes all four shapes of every page that links lead to, for
whoever changes how things look.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browsers import chromium
from tests.console.crawling import crawl
from tests.console.serving import Served, serve
from tests.console.shop import PROJECT, Shop
from tests.messages import pictures as letters

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDE, NARROW = (1440, 900), (390, 844)
KEPT = (("wide-light", *WIDE, "light"), ("narrow-dark", *NARROW, "dark"))
ALL = (*KEPT, ("wide-dark", *WIDE, "dark"), ("narrow-light", *NARROW, "light"))
ROOMS = {
    "home": "/",
    "live": "/live",
    "people": "/people",
    "segments": "/segments",
    "segment": "/segments/subscribers",
    "compare": "/segments/subscribers/compare",
    "then": "/segments/subscribers/then",
    "preview": "/segments/preview?days=7&expression="
    + quote('sum("Order Completed", total, last="90d") > 100')
    + "#preview",
    "builder": "/segments/category_fans/edit?as=builder",
    "editor": "/segments/category_fans/edit?as=text",
    "journeys": "/journeys",
    "journey": "/journeys/cart_reminder",
    "messages": "/messages",
    "message": "/messages/cart_reminder",
    "outbox": "/outbox",
    "quarantine": "/quarantine",
    "events": "/events",
    "consent": "/consent",
    "definitions": "/definitions",
    "health": "/health",
    "signin": "/signin",
    "access": "/access",
    "audit": "/audit",
}
"""What is kept, by the name of its picture."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR", help="every page in every shape, into this folder")
    everything = parser.parse_args().all
    # By its relative path, since pages show where the files lie, and pictures go everywhere.
    shop = Shop(project=PROJECT.relative_to(Path.cwd()))
    with serve(shop) as served, chromium() as browser:
        if everything:
            found = {_name(paths[0]): paths[0] for paths in crawl(served).pages.values()}
            _take(browser, served, everything, found, ALL, is_whole=True)
        else:
            person = max(served.shop.reader.people(20), key=lambda one: len(one.segments)).key
            mail = served.shop.world.outbox.rows("sent")[0].intent.intent
            found = {"person": f"/people/{person}", "mail": f"/outbox/{mail}", "backtest": served.played()}
            _take(browser, served, FOLDER, {**ROOMS, **found}, KEPT)
            letters.draw(browser)
            letters.take(browser, FOLDER)
            for picture in FOLDER.glob("*.png"):
                _make_small(picture)
    shop.close()


def _take(
    browser: Browser,
    served: Served,
    folder: Path,
    pages: Mapping[str, str],
    shapes: tuple[tuple[str, int, int, str], ...],
    *,
    is_whole: bool = False,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shape, width, height, scheme in shapes:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal
        context.add_cookies([served.move_in()])  # type: ignore[list-item]  # three of its fields, as a dict
        page = context.new_page()
        for name, path in pages.items():
            _show(page, served.address + path)
            page.screenshot(path=folder / f"{name}-{shape}.png", full_page=is_whole)
        context.close()


def _show(page: Page, address: str) -> None:
    """Twice, so that what a page leaves for later is there; with the news that came by then, and with what the history
    says of a condition that is edited."""
    page.goto(address)
    page.goto(address)
    page.wait_for_load_state("load")
    if "/edit?as=" in address:
        page.wait_for_selector("#preview .tiles")
    page.evaluate("document.fonts.ready")


def _make_small(picture: Path) -> None:
    with Image.open(picture) as taken:
        few = taken.convert("RGB").quantize(255, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


def _name(path: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]+", "-", path).strip("-") or "home"


if __name__ == "__main__":
    main()
