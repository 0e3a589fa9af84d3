"""A shop with people, a browser, and pages of somebody who may edit."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browsers import chromium
from tests.editing.served import Installation, opened, serve


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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
