"""The pages in a real browser: fresh by themselves, no error, no foreign request, readable at 390 px."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tactful.values import MINUTE_US
from tests.browsers import chromium
from tests.web.merging import VISITOR, met
from tests.web.scene import NOON, Scene, afternoon
from tests.web.serving import serve

pytestmark = pytest.mark.external

PAGES = ("/", "/live", "/people", "/people/u:ada", "/outbox", "/outbox/cart_reminder-ada", "/outbox/cart_reminder-chen")
TALL = {"width": 1440, "height": 900}
SMALL = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, width: dict[str, int], **options: str | bool) -> tuple[Page, list[str]]:
    """A new page, and what went wrong on it, as it comes."""
    context = browser.new_context(viewport={"width": width["width"], "height": width["height"]}, **options)  # type: ignore[arg-type]  # options of several kinds
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if "//127.0.0.1:" in request.url else wrong.append(request.url))
    return page, wrong


@pytest.mark.parametrize(("width", "scheme"), [(TALL, "light"), (SMALL, "dark")], ids=["1440", "390"])
def test_every_page_is_whole(browser: Browser, width: dict[str, int], scheme: str) -> None:
    with serve(afternoon()) as served:
        page, wrong = opened(browser, width, color_scheme=scheme)
        for path in PAGES:
            page.goto(served.address + path)
            expect(page.locator("h1")).to_be_visible()
            too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert too_wide <= 0, f"{path} is {too_wide} px too wide"
        assert wrong == []
        page.context.close()


@pytest.mark.parametrize("width", [TALL, SMALL], ids=["1440", "390"])
def test_a_person_of_several_identifiers_is_one_page(browser: Browser, width: dict[str, int]) -> None:
    scene = met()
    scene.settle()
    with serve(scene) as served:
        page, wrong = opened(browser, width)
        page.goto(f"{served.address}/people?q={VISITOR}")
        expect(page).to_have_url(f"{served.address}/people/u:ada")
        expect(page.locator("aside")).to_contain_text("Known as")
        expect(page.locator("aside")).to_contain_text("anonymous 7f3 since 12 Mar 2025, 12:02:01, by $identify")
        expect(page.locator(".timeline .tied")).to_contain_text("Became one person with a:7f3")
        expect(page.locator(".timeline .event").first).to_contain_text("through anonymous 7f3")
        page.goto(f"{served.address}/people/{VISITOR}")
        expect(page.locator("h1")).to_contain_text("Ada Byron")
        expect(page.get_by_text("What was asked for, anonymous 7f3, belongs to this person")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert wrong == []
        page.context.close()


def test_a_new_event_appears_by_itself(browser: Browser) -> None:
    scene = afternoon()
    with serve(scene) as served:
        page, wrong = opened(browser, TALL)
        page.goto(served.address + "/live")
        expect(page.get_by_text("Live", exact=True).last).to_be_visible()
        scene.event("u:fay", NOON + 300 * MINUTE_US, "Product Searched", query="samovar")
        served.bells.ring("watch")
        expect(page.locator("li.new")).to_contain_text("Product Searched")
        expect(page.locator(".rows li").first).to_contain_text("samovar")
        assert wrong == []
        page.context.close()


def test_the_first_event_takes_the_lesson_away(browser: Browser) -> None:
    scene = Scene()
    with serve(scene) as served:
        page, _ = opened(browser, TALL)
        page.goto(served.address + "/live")
        expect(page.get_by_role("heading", name="Send the first event")).to_be_visible()
        expect(page.locator("[data-pulse]")).to_have_text("Live")
        scene.event("u:ada", NOON, "Product Added", name="Kettle")
        served.bells.ring("watch")
        expect(page.locator(".rows li")).to_have_count(1)
        page.context.close()


def test_from_an_event_to_the_person_to_the_mail(browser: Browser) -> None:
    with serve(afternoon()) as served:
        page, wrong = opened(browser, SMALL)
        page.goto(served.address + "/live")
        page.get_by_role("link", name="user ada").first.click()
        expect(page.get_by_text("Entered the segment regulars")).to_be_visible()
        page.get_by_role("link", name="show").first.click()
        mail = page.frame_locator("iframe")
        expect(mail.get_by_role("heading", name="Your kettle is still warm, Ada")).to_be_visible()
        page.get_by_text("Text part").click()
        expect(page.get_by_text("You left an Enamel kettle in your cart.")).to_be_visible()
        assert wrong == []
        page.context.close()


def test_a_mail_runs_and_loads_nothing(browser: Browser) -> None:
    scene = afternoon()
    nasty = b"Subject: x\nContent-Type: text/html\n\n<script>parent.document.title='mine'</script><img src='http://127.0.0.1:9/p.gif' onerror=\"document.title='mine'\"><p>hello</p>"
    scene.mails["cart_reminder-ada"] = nasty
    with serve(scene) as served:
        page, wrong = opened(browser, TALL)
        page.goto(served.address + "/outbox/cart_reminder-ada")
        expect(page.frame_locator("iframe").get_by_text("hello")).to_be_visible()
        assert page.title().startswith("x")
        assert wrong, "the browser says what it has blocked"
        assert [
            each
            for each in wrong
            if "blocked" not in each.lower() and "violates" not in each.lower() and "p.gif" not in each
        ] == []
        page.context.close()


def test_it_works_without_javascript(browser: Browser) -> None:
    with serve(afternoon()) as served:
        page, _ = opened(browser, TALL, java_script_enabled=False)
        page.goto(served.address + "/people")
        page.get_by_role("searchbox").fill("eve@kettle.example")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("outcome unknown")).to_be_visible()
        page.context.close()


def is_refused(page: Page, address: str) -> bool:
    """Asked for a password it has none: a browser with windows says so itself, one without shows what came with that."""
    try:
        answer = page.goto(address)
    except Error as error:
        return "ERR_INVALID_AUTH_CREDENTIALS" in str(error)
    return answer is not None and answer.status == 401


def test_the_token_opens_the_page_for_a_browser(browser: Browser) -> None:
    """A name that is not this machine's is refused without the token, as a bent name would be."""
    with serve(afternoon(), tokens=("secret",)) as served:
        context = browser.new_context(extra_http_headers={"X-Forwarded-For": "203.0.113.9"})
        assert is_refused(context.new_page(), served.address)
        context.close()
        context = browser.new_context(
            http_credentials={"username": "admin", "password": "secret"},
            extra_http_headers={"X-Forwarded-For": "203.0.113.9"},
        )
        answer = context.new_page().goto(served.address)
        assert answer is not None
        assert answer.status == 200
        context.close()
