"""One living shop for all tests of the console that only look; whoever changes something makes a shop of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browsers import chromium
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


@pytest.fixture(scope="module", name="chromium")
def a_browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
