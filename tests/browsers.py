"""A real browser for tests of pages and letters."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE_MS = 30_000
"""For what a page is to show; on a busy machine it takes longer than the five seconds that are usual."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's own; nothing is downloaded. Where there is the one without windows, that: a page costs it a quarter of
    the processor time. As long as it is there its loop runs in this thread, and no other can."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program, "a browser is missing: apt-get install chromium-headless-shell (or chromium)"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        try:
            yield found
        finally:
            found.close()
