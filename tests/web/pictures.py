"""`make pictures`: the pages as pictures in docs/pictures, over the same afternoon that the tests compare them with; and
the letters of the example shop."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.messages import pictures as letters
from tests.web.scene import afternoon
from tests.web.serving import serve

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PAGES = {"live": "/", "person": "/people/u:ada", "outbox": "/outbox", "mail": "/outbox/cart_reminder-ada"}
SHAPES = (("wide-light", 1440, 900, "light"), ("narrow-dark", 390, 844, "dark"))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with serve(afternoon()) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for shape, width, height, scheme in SHAPES:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal
            page = context.new_page()
            for name, path in PAGES.items():
                page.goto(served.address + path)
                page.wait_for_load_state("load")
                page.screenshot(path=FOLDER / f"{name}-{shape}.png")
            context.close()
        letters.draw(browser)
        letters.take(browser, FOLDER)
        browser.close()


if __name__ == "__main__":
    main()
