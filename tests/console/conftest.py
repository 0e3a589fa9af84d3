"""One living shop for all tests of the console that only look; whoever changes something makes a shop of its own."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.console.serving import Served, serve
from tests.console.shop import Shop


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    """A week of sixty people; made once, never changed by a test."""
    lived = Shop()
    yield lived
    lived.close()


@pytest.fixture(scope="session")
def console(shop: Shop) -> Iterator[Served]:
    """The console over it."""
    with serve(shop) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's own Chromium; nothing is downloaded. For one file of tests: as long as it is there its loop runs in this
    thread, and no other can."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()
