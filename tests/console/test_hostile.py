"""Every page and every table over a shop in which every name and value is an attack, looked at by a real browser."""

import csv
import io
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.console import hostile
from tests.console.crawling import crawl, kinds
from tests.console.serving import Served, serve
from tests.console.test_journeys import aside

pytestmark = pytest.mark.external

WORDS = (
    "q status code before who act about path kind name to from span step steps show saved next template until what "
    "variant version test source scheme sample problem pictures person message language is format fact event detail "
    "cursor cause as also window sort taken of why dropped changed"
)
PARAMETERS = WORDS.split()
"""All that any page reads from its address."""
STREAMS = ("/live/rows", "/news")
"""Which do not end."""
DATA = ("/definitions/vocabulary",)
"""JSON, which no browser takes for a page (nosniff)."""
STARTS = (
    *(f"/people/{quote(key, safe='')}" for key in (*hostile.KEYS, hostile.NAMED)),
    *(f"/consent/of/{quote(key, safe='')}" for key in hostile.KEYS),
    "/events",
    "/quarantine",
    "/definitions/revisions",
    "/audit",
    "/access",
)
SEEN = f"""[...document.querySelectorAll("{hostile.TAG}, [onclick], [onerror], [onload], [href^='javascript' i]")]
    .map(one => one.outerHTML.slice(0, 200)).concat(window.hostile === 1 ? ["a script ran"] : [])"""
"""What of theirs was taken for markup, and is in no page of ours."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    shop = aside(lambda: hostile.HostileShop(tmp_path_factory.mktemp("hostile")))
    with serve(shop) as one:
        first = next(iter(shop.reader.compiled().journeys))
        one.post(f"/journeys/{first}/steer", order="pause", reason=hostile.ALL)
        one.post("/sending", switch="off", reason=hostile.ALL)
        one.post("/outbox/suppressions/add", address="a@b.example", reason=hostile.ALL)
        aside(shop.pass_time)
        yield one
    shop.close()


class Walked:
    def __init__(self, served: Served) -> None:
        found = crawl(served, "/", STARTS)
        self.dead = found.dead
        self.pages = [path for paths in found.pages.values() for path in paths]
        self.answers = found.answers
        self.tables = {path: served.get(f"{path}{'&' if '?' in path else '?'}format=csv") for path in self.pages}
        """What each says when it is asked for a table: its page where it has none."""


@pytest.fixture(scope="module")
def walked(served: Served) -> Walked:
    return Walked(served)


def test_no_link_leads_nowhere_whatever_it_is_named_after(walked: Walked) -> None:
    assert walked.dead == []
    assert len(walked.pages) > 60


def test_headers_are_ours_alone(walked: Walked) -> None:
    for path in walked.pages:
        for answer in (walked.answers[path], walked.tables[path]):
            assert answer.status == 200, path
            assert "x-injected" not in answer.headers
            named = answer.headers.get("content-disposition")
            assert named is None or re.fullmatch(r'attachment; filename="[A-Za-z0-9_-]{1,200}\.csv"', named), named


def test_no_cell_of_a_table_is_a_formula(walked: Walked) -> None:
    """Neither by its first letter nor where a spreadsheet parts cells by semicolons or tabs (OWASP, CSV injection)."""
    tables = 0
    for path, answer in walked.tables.items():
        if not answer.headers["content-type"].startswith("text/csv"):
            continue
        tables += 1
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert len({len(row) for row in rows}) == 1, path
        for cell in (cell for row in rows for cell in row):
            is_number = re.fullmatch(r"-?[0-9.e+-]+", cell)
            assert is_number or cell.lstrip()[:1] not in tuple("=+-@\t\r"), (path, cell)
        for separator in ";\t":
            for row in csv.reader(io.StringIO(answer.text, newline=""), delimiter=separator):
                for cell in row[1:]:
                    assert cell.strip()[:1] not in tuple("=+-@"), (path, separator, cell)
    assert tables > 15


def bad_in(page: Page | Frame) -> list[str]:
    found: list[str] = page.evaluate(SEEN)
    return found


def opened(browser: Browser) -> tuple[Page, list[str]]:
    page = browser.new_context(java_script_enabled=True).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on(
        "console",
        lambda told: wrong.append(told.text) if told.type == "error" and "Content Security" in told.text else None,
    )
    page.on("request", lambda asked: wrong.append(asked.url) if "//127.0.0.1:" not in asked.url else None)
    return page, wrong


def test_nothing_of_theirs_is_markup_and_no_script_of_theirs_runs(
    served: Served, chromium: Browser, walked: Walked
) -> None:
    page, wrong = opened(chromium)
    found: list[str] = []
    for path in walked.pages:
        page.goto(served.address + path, wait_until="load")
        for frame in page.frames:
            found += [f"{path}: {one}" for one in bad_in(frame)]
        found += [f"{path}: {one}" for one in wrong]
        wrong.clear()
    page.context.close()
    assert found == []


@pytest.mark.parametrize("value", [*hostile.VALUES, "\ud800", "-1", "9" * 30, "\u0663", ""], ids=range(11))
def test_what_stands_in_an_address_breaks_no_page(served: Served, value: str) -> None:
    found: list[str] = []
    query = "?" + urlencode(dict.fromkeys(PARAMETERS, value), errors="surrogatepass")
    for route in kinds(served):
        if "GET" not in (route.methods or ()) or route.path in STREAMS:
            continue
        parts = (quote(value, errors="surrogatepass", safe="")[:900] or "x", "cart_reminder", "buyers", "segments")
        for path in {_filled(route.path, part) for part in parts}:
            answer = served.get(path + query[:7_000])
            assert answer.status < 500, (path, answer.text[-300:])
            assert "x-injected" not in answer.headers
            assert not re.search(r'[\r\n"<>]', answer.headers.get("location", "")), path
            assert answer.headers.get("location", "/").startswith("/"), path
            assert not answer.headers.get("location", "/").startswith(("//", "/\\")), path
            if f"<{hostile.TAG}" in answer.text and answer.headers["content-type"].startswith("text/html"):
                found.append(path)
    assert found == []


def test_markup_in_an_address_is_text_for_a_browser(served: Served, chromium: Browser) -> None:
    page, wrong = opened(chromium)
    found: list[str] = []
    query = "?" + urlencode(dict.fromkeys(PARAMETERS, hostile.MARKUP))
    for path in {route.path for route in kinds(served) if "GET" in (route.methods or ()) and "{" not in route.path}:
        if path not in (*STREAMS, *DATA):
            page.goto(served.address + path + query, wait_until="load")
            found += [f"{path}: {one}" for one in (*bad_in(page), *wrong)]
            wrong.clear()
    page.context.close()
    assert found == []


LONG_NUMBER = "9" * 5_000
"""More digits than int() takes."""


def test_a_number_of_thousands_of_digits_is_no_number(served: Served) -> None:
    rooms = ("/people/u:named", "/audit", "/outbox", "/quarantine", "/definitions/revisions", "/live", "/people")
    seen = ("/segments/buyers", "/segments/buyers/people", "/journeys/cart_reminder", "/messages/cart_reminder")
    broken = [
        (page, name)
        for page in (*rooms, *seen, "/journeys/cart_reminder/people", "/messages/cart_reminder/html", "/events")
        for name in ("before", "steps", "sample", "cursor", "step", "limit", "span", "from", "until", "fact", "version")
        if served.get(f"{page}?{name}={LONG_NUMBER}").status >= 500
    ]
    assert broken == []


def _filled(path: str, part: str) -> str:
    return re.sub(r"\{[a-z]+(:[a-z]+)?\}", lambda found: "1" if found[1] == ":int" else part, path)


# ---- mails -----------------------------------------------------------------------------------------------------------


def test_a_trait_is_text_in_a_mail_and_never_code_nor_markup(served: Served) -> None:
    accepted = served.shop.world.receiver.accepted
    mails = [one.body for one in accepted if one.channel == "email"]
    assert mails
    named = []
    for body in mails:
        mail = message_from_bytes(body, policy=policy.default)
        text, markup = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None and markup is not None
        html = markup.get_content()
        assert f"<{hostile.TAG}" not in html and f'"{hostile.HIT}' not in html
        assert mail["X-Injected"] is None and mail["Bcc"] is None
        assert len(mail.get_all("To", [])) == len(mail.get_all("From", [])) == len(mail.get_all("Subject", [])) == 1
        if "named@example.com" in mail["To"]:
            named.append(f"{mail['Subject']} {text.get_content()}")
    assert named
    whole = " ".join(named)
    assert "{{ 7 | times: 7 }}" in whole, "their name is what they say it is"
    assert "49" not in whole


def test_a_mail_is_shown_in_a_frame_that_may_do_nothing(served: Served, chromium: Browser, walked: Walked) -> None:
    page, _ = opened(chromium)
    frames = [path for path in walked.pages if path.endswith("/html") or "/html?" in path]
    rows = served.shop.world.outbox.rows("sent", None, None, 1_000)
    frames += [f"/outbox/{quote(row.intent.intent, safe='')}/html" for row in rows[:20]]
    for path in frames:
        answer = served.get(path)
        assert "sandbox" in answer.headers["content-security-policy"]
        page.goto(served.address + path, wait_until="load")
        assert bad_in(page) == [], path
    assert len(frames) > 3
    page.context.close()


def test_the_project_is_the_hostile_one(served: Served, walked: Walked) -> None:
    """Whoever mends the shop for its own sake should know that these tests would look at nothing any more."""
    whole = "".join(answer.text for answer in walked.answers.values())
    for sign in ("&lt;hostile-tag", "{{ 7 | times: 7 }}", "DROP TABLE person", "/C calc"):
        assert sign in whole, sign
    assert Path(served.console.project).name.startswith("hostile")
