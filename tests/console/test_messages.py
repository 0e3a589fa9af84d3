"""The rooms of messages over the living shop: what each did, and what somebody gets, in a frame that reaches nothing."""

import asyncio
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser

from tactful.operations.messages.proofs import Said
from tactful.runtime.ports import Claimed
from tactful.web.console import mail_frame
from tests.console.serving import Served, serve
from tests.console.shop import Shop
from tests.console.test_journeys import aside, looked, measured, rows

SITE = "https://nordlicht.example"


@pytest.fixture(scope="module")
def sending() -> Iterator[tuple[Served, list[Claimed], list[str]]]:
    """A shop of a few people with a tester, what was sent as a test, and what the channel says of the next ones."""
    shop = aside(lambda: Shop(people=8, days=2))
    workspace = replace(shop.settings.workspace, testers=("test@nordlicht.example",))
    shop.settings = replace(shop.settings, workspace=workspace)
    shop.house.settings = shop.settings
    sent: list[Claimed] = []
    problems: list[str] = []

    def prove(claim: Claimed, _source: bytes) -> Said:
        sent.append(claim)
        return Said(problem=problems.pop() if problems else "")

    with serve(shop) as served:
        served.console.hands = replace(served.console.hands, prove=prove)
        yield served, sent, problems
    shop.close()


def frame(served: Served, name: str, query: str = "") -> str:
    answer = served.get(f"/messages/{name}/html{query}")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    return answer.text


# ---- what they did -------------------------------------------------------------------------------------------------


def test_each_is_listed_with_what_it_did(console: Served) -> None:
    shop = console.shop
    looked(console, "/messages")
    lines = {line["message"]: line for line in rows(console, "/messages")}
    definitions = asyncio.run(console.console.defined.ask(shop.reader.compiled().version))
    assert definitions is not None
    assert sorted(lines) == sorted(definitions.messages)
    sent: dict[str, int] = {}
    opened: dict[str, int] = {}
    for journey in shop.reader.compiled().journeys:
        for step in measured(shop, journey).steps:
            sent[step.message] = sent.get(step.message, 0) + step.sent
            opened[step.message] = opened.get(step.message, 0) + step.responses["opened"].people
    assert sum(sent.values()) > 50
    assert {name: int(line["sent"]) for name, line in lines.items() if int(line["sent"])} == {
        name: count for name, count in sent.items() if count
    }
    assert {name: int(line["opened"]) for name, line in lines.items()} == {name: opened.get(name, 0) for name in lines}
    assert lines["cart_reminder"]["journeys"] == "cart_reminder"


def test_one_that_is_not_there_is_not_found(console: Served) -> None:
    assert console.get("/messages/nothing").status == 404
    assert "It has no HTML part" in console.get("/messages/nothing/html").text


# ---- previews --------------------------------------------------------------------------------------------------------


def test_every_message_is_shown_for_every_sample(console: Served) -> None:
    for name in sorted(line["message"] for line in rows(console, "/messages")):
        text = console.get(f"/messages/{name}").text
        samples = re.findall(r'<option value="(\d+)"', text.partition('id="sample"')[2].partition("</select>")[0])
        assert len(samples) > 1, name
        for sample in samples:
            text = console.get(f"/messages/{name}?sample={sample}").text
            assert 'class="subject"' in text or 'role="alert"' in text, (name, sample)
            assert 'width="390"' in text
            assert 'width="700"' in text


def test_a_real_person_is_found_by_any_identifier(console: Served) -> None:
    shop = console.shop
    row = shop.reader.outbox.rows("sent", None, None, 1)[0]
    name, key = row.intent.message, row.intent.key
    profile = shop.reader.find(key)
    assert profile is not None
    story = shop.reader.story(key)
    assert story is not None
    first, mail = str(story.traits["firstName"]), str(story.traits["email"])
    for asked in (key, mail, key.removeprefix("u:")):
        assert f'value="{asked}"' in unescape(console.get(f"/messages/{name}?person={asked}").text)
    assert first in frame(console, "welcome_1", f"?person={key}")
    answer = console.get(f"/messages/{name}?person=nobody@example.com")
    assert "Nobody is known as nobody@example.com." in answer.text


def test_a_viewer_sees_samples_and_no_person(console: Served) -> None:
    key = console.shop.reader.outbox.rows("sent", None, None, 1)[0].intent.key
    shown = console.get(f"/messages/welcome_1/html?person={key}", role="viewer").text
    assert shown == console.get("/messages/welcome_1/html", role="viewer").text
    assert 'name="person"' not in console.get("/messages/welcome_1", role="viewer").text


def test_light_and_dark_are_chosen_whatever_the_reader_has(console: Served) -> None:
    light, dark = frame(console, "cart_reminder"), frame(console, "cart_reminder", "?scheme=dark")
    assert "prefers-color-scheme" not in light + dark
    assert "(max-width: 0px)" in light
    assert "(min-width: 0px)" in dark


def test_what_cannot_be_rendered_says_why(console: Served) -> None:
    answer = console.get("/messages/cart_reminder?variant=loud")
    assert answer.status == 200
    assert 'has no variant "loud"' in unescape(answer.text)
    assert "has no variant" in frame(console, "cart_reminder", "?variant=loud")


def test_hostile_values_are_text(console: Served) -> None:
    sign = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (
        f"/messages/{sign}",
        f"/messages/cart_reminder?variant={sign}&language={sign}&person={sign}&scheme={sign}&sample={sign}&test={sign}",
        f"/messages/cart_reminder/html?variant={sign}&person={sign}",
        "/messages/cart_reminder?sample=9999999999999",
    ):
        answer = console.get(path)
        assert answer.status in (200, 404)
        assert "<script>alert" not in answer.text


def test_two_widths_and_no_word_in_the_browsers_console(console: Served, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{console.address}/messages/cart_reminder")
    for number, width in enumerate((390, 700)):
        inside = page.frames[1 + number]
        inside.wait_for_load_state()
        assert inside.evaluate("innerWidth") == width
        assert inside.locator("text=Still thinking about it?").is_visible()
    assert said == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {console.address.split("/")[2]}
    page.close()


# ---- pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "mug.png").write_bytes(b"png")
    (tmp_path / "pictures" / "page.html").write_bytes(b"<script>")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "pictures" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "pictures" / "large.png").write_bytes(bytes(mail_frame.PICTURE_BYTES + 1))
    return tmp_path


@pytest.mark.parametrize("source", [f"{SITE}/pictures/mug.png", f"{SITE}/pictures/mug%2Epng"])
def test_pictures_of_the_project_are_put_in(project: Path, source: str) -> None:
    shown = mail_frame.shown(f'<img alt="" src="{source}">', SITE, project)
    assert shown == '<img alt="" src="data:image/png;base64,cG5n">'


@pytest.mark.parametrize(
    "source",
    [
        f"{SITE}/pictures/../secret.png",
        f"{SITE}/pictures/..%2Fsecret.png",
        f"{SITE}/pictures/%2e%2e/secret.png",
        f"{SITE}/pictures//etc/passwd.png",
        f"{SITE}/pictures/link.png",
        f"{SITE}/pictures/page.html",
        f"{SITE}/pictures/large.png",
        f"{SITE}/pictures/absent.png",
        f"{SITE}/pictures/mug.png%00.png",
        "https://other.example/pictures/mug.png",
        f"{SITE}.other.example/pictures/mug.png",
    ],
)
def test_nothing_else_is_read(project: Path, source: str) -> None:
    html = f'<img src="{source}">'
    assert mail_frame.shown(html, SITE, project) == html


HOSTILE = f"""<link rel="stylesheet" href="https://evil.example/a.css"><style>@import url(https://evil.example/b.css);
p {{ background: url("https://evil.example/c.png") }}</style><img src='https://evil.example/d.png'
srcset="https://evil.example/e.png 2x"><td background="https://evil.example/f.png">
<img src="{SITE}/v1/o/token.gif" width="1"><p style="background:url(https://evil.example/g.png)">"""


def test_a_frame_names_nothing_that_would_be_fetched() -> None:
    body = bytes(mail_frame.answer(HOSTILE).body).decode()
    assert "evil.example" not in body
    assert "/v1/o/" not in body


def test_who_asks_for_pictures_gets_them_and_opens_nothing() -> None:
    answer = mail_frame.answer(HOSTILE, loads=True)
    assert "img-src data: https:;" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "/v1/o/" not in bytes(answer.body).decode()


# ---- tests ---------------------------------------------------------------------------------------------------------


def test_a_test_goes_to_testers_only(sending: tuple[Served, list[Claimed], list[str]]) -> None:
    served, sent, problems = sending
    sent.clear()
    answer = served.post("/messages/welcome_1/test?sample=1", to="test@nordlicht.example")
    assert answer.status == 303
    assert "The test was sent to test@nordlicht.example" in served.get(answer.headers["location"]).text
    assert [(claim.address, claim.intent.journey, claim.intent.purpose) for claim in sent] == [
        ("test@nordlicht.example", "", "")
    ]
    (act,) = served.console.office.audit.acts()
    assert (act.act, act.about, act.detail) == ("send_test", "messages/welcome_1", "test@nordlicht.example")

    answer = served.post("/messages/welcome_1/test", to="somebody@example.com")
    assert "is no tester" in unescape(served.get(answer.headers["location"]).text)
    problems.append("the server said 550")
    answer = served.post("/messages/welcome_1/test", to="test@nordlicht.example")
    assert "It was not sent: the server said 550" in served.get(answer.headers["location"]).text
    assert len(served.console.office.audit.acts()) == 2, "it was noted before it was tried"


@pytest.mark.parametrize(
    "ask",
    [
        lambda served: served.post("/messages/welcome_1/test", role="analyst", to="test@nordlicht.example"),
        lambda served: served.post("/messages/welcome_1/test", csrf="x", to="test@nordlicht.example"),
    ],
)
def test_not_without_permission_and_token(
    sending: tuple[Served, list[Claimed], list[str]], ask: Callable[[Served], object]
) -> None:
    served, sent, _ = sending
    sent.clear()
    assert ask(served).status == 403  # type: ignore[attr-defined]  # an answer
    assert sent == []
