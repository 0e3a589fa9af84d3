"""What scripts and strangers send: checks, counts, and requests that no form of ours makes."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tactful.operations.reading.matching import Matched
from tactful.web.console.conditions import in_words
from tests.editing.served import BUYERS, Installation, Visiting, in_force, serve, text_of

Post = Callable[..., tuple[int, str]]
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = Installation(Path(shutil.copytree("examples/shop", tmp_path_factory.mktemp("project") / "shop")))
    for number in range(12):
        installation.happen("Product Viewed", f"u:{number}", category="Chairs")
    installation.run()
    return installation


@pytest.fixture(scope="module")
def client(shop: Installation) -> Iterator[Visiting]:
    with serve(shop) as address:
        yield Visiting(address)


@pytest.fixture
def post(client: Visiting) -> Post:
    def sent(path: str, /, **fields: str) -> tuple[int, str]:
        answer = client.post(path, **fields)
        return answer.status_code, answer.headers.get("location") or answer.text

    return sent


def test_a_condition_is_looked_at(post: Post) -> None:
    _, body = post("/definitions/condition", text='any("Product Vieved") and\r\n vip')
    problem = json.loads(body)["problem"]
    assert problem["message"] == 'no event "Product Vieved" is declared'
    assert (problem["offset"], problem["end"], problem["line"], problem["column"]) == (4, 20, 1, 5)
    assert problem["instead"] == '"Product Viewed"'
    _, body = post("/definitions/condition", text="local_hour() == 3")
    assert "problem" in json.loads(body), "a segment may not ask the clock"


def test_people_are_counted(post: Post) -> None:
    count = json.loads(post("/definitions/matching", text='any("Product Viewed")')[1])
    assert count == {"people": "12 of 12 people now."}
    permitted = json.loads(post("/definitions/matching", text='any("Product Viewed")', purpose="profiling")[1])
    assert permitted == {
        "people": "0 of 12 people now. Only those who permit profiling count.",
    }
    assert json.loads(post("/definitions/matching", text="nonsense(")[1]) == {"people": ""}
    injected = json.loads(
        post("/definitions/matching", text='any("Product Viewed")', purpose='x") or True or consents("y')[1]
    )
    assert injected == count, "what is no purpose is none"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Matched(0, 0, 0), "Nobody is known yet."),
        (Matched(1204, 9310, 0), "1,204 people now."),
        (Matched(3, 30, 30), "3 of 30 people now."),
        (Matched(4321, 86_412, 4000, 20), "About 4,300 of 86,000 people: 1 person in 20 was looked at."),
        (
            Matched(4321, 86_412, 4000, 20, (3712, 5021)),
            "About 4,300 of 86,000 people (3,700 to 5,000): 1 person in 20 was looked at.",
        ),
        (Matched(7, 86_412, 4000, 20), "About 7 of 86,000 people: 1 person in 20 was looked at."),
    ],
)
def test_a_count_says_what_it_rests_on(found: Matched, words: str) -> None:
    assert in_words(found) == words


WRITES = [
    "/definitions/new",
    "/definitions/check",
    "/definitions/condition",
    "/definitions/matching",
    "/definitions/segments/buyers/edit",
    "/definitions/segments/buyers/review",
    "/definitions/segments/buyers/remove",
    "/definitions/segments/buyers/rename",
    "/definitions/revisions/1/undo",
    "/segments/new",
    "/segments/buyers/edit",
]


@pytest.mark.parametrize("path", WRITES)
def test_a_form_of_another_site_does_nothing(post: Post, shop: Installation, path: str) -> None:
    before = text_of(shop)
    assert post(path, csrf="guessed", text="when: vip\n", to="x", do="review")[0] == 403
    assert post(path, csrf="", text="when: vip\n", to="x", do="review")[0] == 403
    assert post(path, who="vic/viewer")[0] == 403
    assert post(path, who="ana/analyst")[0] == 403
    assert text_of(shop) == before


NAMES = [
    "..",
    "../../etc/passwd",
    "a/b",
    EVIL,
    "x\r\nSet-Cookie: a=b",
    "X",
    "",
    "a" * 65,
    "a.yaml",
    "%2e%2e",
    "\u202e",
    "tactful.toml",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_anywhere(post: Post, client: Visiting, shop: Installation, name: str) -> None:
    before = sorted(path for path in shop.project.rglob("*"))
    status, body = post("/definitions/new", kind="segments", name=name)
    assert status == 422
    assert EVIL not in body
    status, body = post("/segments/new", name=name, when="vip", do="review", **{"as": "text"})
    assert status == 422
    assert EVIL not in body
    assert client.get(f"/definitions/segments/{name}").status_code in (200, 404)
    status, body = post("/definitions/segments/buyers/rename", to=name)
    assert status in (200, 422)
    assert EVIL not in body
    assert post("/definitions/check", path=f"segments/{name}.yaml", text="when: vip")[0] == 200
    assert sorted(path for path in shop.project.rglob("*")) == before


def test_what_somebody_writes_is_text_on_every_page(post: Post, client: Visiting, shop: Installation) -> None:
    text = f"description: '{EVIL}'\nwhen: plan == \"</textarea>{EVIL}\"\n"
    post("/definitions/segments/buyers/edit", text=text, shown="")
    for path in (
        "/definitions/segments/buyers/edit",
        "/definitions/segments/buyers/review",
        "/segments/buyers/edit",
        "/segments/buyers/edit?as=text",
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert EVIL not in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
    (shop.project / BUYERS).write_text(text)
    for path in (
        "/definitions",
        "/definitions/segments/buyers",
        "/definitions?kind=segments&x=" + EVIL,
        "/definitions/revisions?path=" + EVIL,
    ):
        assert EVIL not in client.get(path).text
    table = client.get("/definitions?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    shutil.copy("examples/shop/segments/buyers.yaml", shop.project / BUYERS)
    post("/definitions/segments/buyers/edit", do="drop")


def test_what_was_not_shown_is_not_saved(post: Post, shop: Installation) -> None:
    before = text_of(shop)
    status, _ = post("/definitions/segments/buyers/remove")
    assert status == 409, "no digest of the file came along"
    status, where = post("/definitions/segments/buyers/review", draft="x")
    assert (status, where) == (303, "/definitions/segments/buyers/edit"), "there is no draft"
    assert text_of(shop) == before
    assert in_force(shop) == before


def test_a_page_for_nothing_is_not_found(client: Visiting) -> None:
    for path in (
        "/definitions/segments/nobody",
        "/definitions/segments/nobody/edit",
        "/definitions/segments/nobody/remove",
        "/definitions/segments/nobody/rename",
        "/definitions/secrets/x",
        "/definitions/revisions/999999",
        "/definitions/revisions/999999/undo",
        "/segments/nobody/edit",
    ):
        assert client.get(path).status_code == 404, path


def test_a_project_that_cannot_be_read_is_no_fault_of_ours(client: Visiting, post: Post, shop: Installation) -> None:
    wrong, binary = shop.project / "segments/wrong.yaml", shop.project / "segments/binary.yaml"
    wrong.write_text("when: [\n")
    try:
        for path in (
            "/definitions",
            "/definitions/segments/buyers",
            "/segments/buyers/edit",
            "/definitions/vocabulary",
        ):
            assert client.get(path).status_code == 200, path
        assert client.get("/segments/wrong/edit").headers["location"] == "/definitions/segments/wrong/edit"
        found = json.loads(post("/definitions/matching", text='segment("lapsed")')[1])
        assert found["people"] == "0 people now."
        binary.write_bytes(b"\xff\xfe\x00")
        for path in ("/definitions", "/segments/buyers/edit", "/definitions/segments/binary"):
            assert client.get(path).status_code == 200, path
        assert post("/definitions/segments/lapsed/edit", text="when: vip\n", shown="x")[0] == 303
        assert client.get("/definitions/segments/lapsed/review").status_code == 409
    finally:
        wrong.unlink()
        binary.unlink(missing_ok=True)
