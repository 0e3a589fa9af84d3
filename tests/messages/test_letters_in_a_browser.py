"""The example shop's letters in a real browser: on a phone and on a desk, in light and in dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browsers import chromium
from tests.messages.letters import LEAVE, SHOP, SITE, STRANGER, Letter, letters

pytestmark = pytest.mark.external

SHAPES = [(width, scheme) for width in (390, 700) for scheme in ("light", "dark")]
PICTURES = f"{SITE}/pictures/"
CONTRAST = 4.5
"""WCAG 2.2, 1.4.3."""
TALL = 44
"""CSS pixels of what a thumb meets (WCAG 2.2, 2.5.5)."""

# What each text stands on is the nearest background behind it; colours with alpha are laid over each other.
MEASURE = """() => {
  const rgba = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [high, low] = [light(a), light(b)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };
  const behind = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(rgba(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const said = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({opacityProperty: true}) || element.closest('style')) continue;
    const range = document.createRange(); range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), style = getComputedStyle(element), ground = behind(element);
    let holder = element; while (getComputedStyle(holder).display.startsWith('inline') && holder.parentElement) holder = holder.parentElement;
    said.push({text: node.data.trim(), contrast: ratio(over(rgba(style.color), ground), ground), size: parseFloat(style.fontSize),
      left: box.left, right: box.right, isClipped: holder.scrollWidth > holder.clientWidth + 1 || holder.scrollHeight > holder.clientHeight + 1 && getComputedStyle(holder).overflow !== 'visible'});
  }
  const links = [...document.querySelectorAll('a')].map(a => ({href: a.getAttribute('href'), height: a.getBoundingClientRect().height,
    text: a.innerText.trim(), isInText: getComputedStyle(a).display === 'inline'}));
  const pictures = [...document.querySelectorAll('img')].map(img => ({src: img.getAttribute('src'), alt: img.getAttribute('alt'),
    isThere: img.complete && img.naturalWidth > 0, contrast: ratio(rgba(getComputedStyle(img).color), behind(img)), width: img.getBoundingClientRect().width, height: img.getBoundingClientRect().height}));
  return {said, links, pictures, tooWide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    scheme: getComputedStyle(document.querySelector('.card')).backgroundColor};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def shown(page: Page, html: str) -> tuple[dict[str, Any], list[str]]:
    """What is measured of a mail, and every address that it asked for."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        asked.append(url)
        picture = SHOP / "pictures" / url.removeprefix(PICTURES)
        if url.startswith(PICTURES) and picture.is_file():
            route.fulfill(path=picture)
        else:
            route.abort()

    page.route("**/*", answer)
    page.set_content(html)
    page.wait_for_load_state("load")
    return page.evaluate(MEASURE), asked


@pytest.mark.parametrize(("width", "scheme"), SHAPES)
@pytest.mark.parametrize("letter", letters(), ids=lambda one: one.name)
def test_a_letter_is_whole(browser: Browser, letter: Letter, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal
    found, asked = shown(context.new_page(), letter.mail.html)
    context.close()
    assert found["scheme"] == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(29, 34, 32)")
    assert found["tooWide"] <= 0
    assert len(found["said"]) > 4
    for one in found["said"]:
        assert one["contrast"] >= CONTRAST, one
        assert one["size"] >= 13, one
        assert not one["isClipped"], one
        assert one["left"] >= 0, one
        assert one["right"] <= width, one
    assert found["links"]
    for link in found["links"]:
        assert link["href"].startswith((f"{SITE}/", LEAVE)), link
        assert link["text"], link
        assert link["isInText"] or link["height"] >= TALL, link
    assert not any(link["isInText"] for link in found["links"]), "the letters have buttons, rows and a footer"
    for picture in found["pictures"]:
        assert picture["alt"] is not None, picture
        assert picture["contrast"] >= CONTRAST or not picture["alt"], "the words in its place can be read"
        assert picture["isThere"], picture
        assert picture["width"] >= 72, picture
    assert set(asked) == {picture["src"] for picture in found["pictures"]}


@pytest.mark.parametrize("letter", letters(STRANGER), ids=lambda one: one.name)
def test_a_letter_to_a_stranger_without_pictures_is_whole(browser: Browser, letter: Letter) -> None:
    """As most mailboxes show a first mail, on the smallest phone."""
    context = browser.new_context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(letter.mail.html)
    found = page.evaluate(MEASURE)
    context.close()
    assert found["tooWide"] <= 0
    assert all(one["contrast"] >= CONTRAST for one in found["said"])
    assert not any(picture["isThere"] for picture in found["pictures"])
