"""Every page of the console that can be reached from home: whole, quiet, readable for machines that read aloud."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.console.crawling import Crawled, crawl
from tests.console.serving import Served, serve
from tests.console.shop import Shop

pytestmark = pytest.mark.external

AXE = Path(__file__).parents[1] / "clients" / "node_modules" / "axe-core" / "axe.min.js"
SHAPES = [(1440, 900, "light"), (390, 844, "dark")]
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_SHAPE = ["color-contrast", "target-size", "scrollable-region-focusable", "css-orientation-lock", "meta-viewport"]
"""The rules of those that may say something else of the same page in another shape."""
LOOKED_AT = """axe.run(document, OPTIONS).then(({violations}) => {
  const {scrollWidth, clientWidth} = document.documentElement;
  return {violations, tooWide: scrollWidth - clientWidth, headings: document.querySelectorAll("h1").length};
})"""


@pytest.fixture(scope="module")
def console() -> Iterator[Served]:
    """One with users, so that the rooms about them show some."""
    shop = Shop()
    with serve(shop) as served:
        served.move_in()
        yield served
    shop.close()


@pytest.fixture(scope="module")
def crawled(console: Served) -> Crawled:
    return crawl(console)


@pytest.fixture(scope="module")
def pages(console: Served, crawled: Crawled) -> list[str]:
    """One of each kind, with those to which no link leads: one's own, the doors, and what was asked of the history."""
    link = console.access.link("carla@nordlicht.example", "nina")
    own = ["/account", "/signin", f"/signin/link/{link}"]
    said = [
        'sum("Order Completed", total) > 100',
        'latest("Product Viewed", category)',
        'count("Product Viewd") > 2',
        "summ(",
    ]
    asked = [f"/segments/preview?days=7&expression={quote(one)}" for one in said]
    played = console.played()
    lines = [
        f"{played.replace('backtest?', 'backtest/lines?')}&of=0&what={what}" for what in ("message", "began", "run")
    ]
    return [*(paths[0] for paths in crawled.pages.values()), *own, *asked, played, *lines]


def test_the_rooms_of_whoever_lets_others_in_are_among_them(crawled: Crawled) -> None:
    assert {"/access", "/access/tokens", "/access/sign-ins", "/audit", "/definitions/new"} <= set(crawled.pages)


def opened(
    console: Served, browser: Browser, width: int, height: int, scheme: Any, **options: Any
) -> tuple[Page, list[str]]:
    """A new page of an administrator's browser, and what went wrong on it, as it comes."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
    context.add_cookies([console.move_in()])  # type: ignore[list-item]  # three of its fields, as a dict
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message.type, message.text) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if _is_foreign(page, request) else None)
    return page, wrong


def test_no_link_leads_nowhere(crawled: Crawled) -> None:
    assert crawled.dead == []


def _is_wrong(kind: str, text: str) -> bool:
    """A browser says of each picture in a mail that it was kept from loading; that is meant. And axe asks the frame of
    a mail, which is nobody's origin and lets it nowhere."""
    is_meant = text.startswith("Loading the image") or "'postMessage' on 'DOMWindow'" in text
    return kind in ("error", "warning") and not is_meant


def _is_foreign(page: Page, request: Request) -> bool:
    """What a mail asks for in its frame never leaves the browser."""
    return "//127.0.0.1:" not in request.url and request.frame == page.main_frame


def test_axe_finds_nothing_and_nothing_is_too_wide(console: Served, chromium: Browser, pages: list[str]) -> None:
    """Each page is loaded once, every other one in the first shape, and takes the other one on."""
    page, wrong = opened(console, chromium, *SHAPES[0])
    page.add_init_script(f"if (window === top) {{ {AXE.read_text(encoding='utf-8')} }}")
    found: list[str] = []
    for place, path in enumerate(pages):
        first, other = SHAPES if place % 2 == 0 else SHAPES[::-1]
        page.goto(console.address + path, wait_until="load")
        found += [f"{path}: {one}" for one in looked_at(page, first[0])]
        take_shape(page, *other)
        found += [f"{path}: {one}" for one in looked_at(page, other[0])]
        found += [f"{path}: {text}" for text in wrong]
        wrong.clear()
    page.context.close()
    assert not found, "\n".join(found)


def take_shape(page: Page, width: int, height: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)


def looked_at(page: Page, width: int) -> Iterator[str]:
    """What is wrong with a page that has this width: with the wide one by all rules."""
    rules = {"type": "tag", "values": ALL} if width > 1_000 else {"type": "rule", "values": OF_SHAPE}
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
    seen = page.evaluate(LOOKED_AT.replace("OPTIONS", options))
    for violation in seen["violations"]:
        where = [node["html"][:200] for node in violation["nodes"][:3]]
        yield f"{violation['id']} at {width}: {violation['help']}: {where}"
    if seen["tooWide"] > 0:
        yield f"{seen['tooWide']} px too wide at {width}"
    if seen["headings"] != 1:
        yield f"{seen['headings']} h1"


def test_every_page_works_without_a_script(console: Served, chromium: Browser, pages: list[str]) -> None:
    """The same headings stand there, and the way through the rooms."""
    page, _ = opened(console, chromium, 390, 844, "light", java_script_enabled=False)
    for path in pages:
        page.goto(console.address + path)
        assert page.locator("h1").is_visible(), path
    page.goto(console.address + "/health")
    assert not page.get_by_role("link", name="Segments", exact=True).is_visible()
    page.get_by_role("button", name="Menu").click()
    assert page.get_by_role("link", name="Segments", exact=True).is_visible()
    page.context.close()


def test_a_first_view_is_small(console: Served, chromium: Browser) -> None:
    """What a browser fetches for home with an empty cache, type and icons included; drawn charts are in the page."""
    page, _ = opened(console, chromium, 1440, 900, "light")
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: sizes.__setitem__(answer.url, len(answer.body())) if "/news" not in answer.url else None,
    )
    page.goto(console.address, wait_until="load")
    page.context.close()
    assert sum(sizes.values()) < 150_000, sizes
