"""Signing in, over a real server: by the printed link, by a password, and out again."""

from collections.abc import Iterator

import pytest

from tactful.operations.access import users
from tactful.values import DAY_US, HOUR_US, MINUTE_US
from tests.web.access.browsing import OTHER, PASSWORD, Browser, moved_in, someone
from tests.web.doorkeeping import Moved
from tests.web.scene import afternoon
from tests.web.serving import Served, serve


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
def shop(clock: Moved) -> Iterator[Served]:
    with serve(afternoon(), clock=clock) as served:
        yield served


def acts(shop: Served) -> list[tuple[str, str]]:
    return [(one.who, one.act) for one in reversed(shop.access.office.audit.acts())]


def test_before_there_are_users_this_machine_may_look_and_change_nothing(shop: Served) -> None:
    browser = Browser(shop)
    assert browser.get("/people").status == 200
    assert "Nobody lives here yet" in browser.get("/signin").body
    assert browser.get("/access").status == 403
    assert browser.get("/audit").status == 403
    assert browser.post("/access/users/add", {"name": "eve", "role": "admin"}).status in (401, 403)
    assert shop.access.office.accounts.all() == []


def test_the_printed_link_makes_the_first_administrator_once(shop: Served) -> None:
    link = f"/signin/link/{shop.access.first_link()}"
    browser = Browser(shop)
    for _ in range(2):
        page = browser.get(link)
        assert page.status == 200 and "You are the first one here" in page.body, "looking uses nothing up"
    done = browser.post(link, {"name": "Ada@Example.com ", "password": PASSWORD, "again": PASSWORD})
    assert (done.status, done.goes_to) == (303, "/")
    assert "ada@example.com" in browser.get("/").body
    assert browser.get("/access").status == 200
    late = Browser(shop)
    assert late.get(link).status == 404
    assert late.post(link, {"name": "eve", "password": PASSWORD, "again": PASSWORD}).status == 422
    assert [(one.name, one.role) for one in shop.access.office.accounts.all()] == [("ada@example.com", "admin")]
    assert shop.access.first_link() == ""
    assert acts(shop) == [
        (browser_name := "ada@example.com", "user_added"),
        (browser_name, "password_set"),
        (browser_name, "sign_in"),
    ]


def test_the_link_is_over_after_an_hour(shop: Served, clock: Moved) -> None:
    link = f"/signin/link/{shop.access.first_link()}"
    clock.us += HOUR_US - 1
    assert Browser(shop).get(link).status == 200
    clock.us += 1
    assert Browser(shop).get(link).status == 404
    assert Browser(shop).post(link, {"name": "a", "password": PASSWORD, "again": PASSWORD}).status == 422


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "password": PASSWORD, "again": PASSWORD}, "a name is needed"),
        ({"name": "token x", "password": PASSWORD, "again": PASSWORD}, "letters, digits"),
        ({"name": "<b>", "password": PASSWORD, "again": PASSWORD}, "letters, digits"),
        ({"name": "ada", "password": "too short", "again": "too short"}, "at least 12"),
        ({"name": "ada", "password": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"}, "would guess"),
        ({"name": "ada.lovelace", "password": "ada.lovelace1", "again": "ada.lovelace1"}, "would guess"),
        ({"name": "ada", "password": "x1y2" * 65, "again": "x1y2" * 65}, "256 letters at most"),
        ({"name": "ada", "password": PASSWORD, "again": OTHER}, "not the same"),
    ],
)
def test_what_does_not_do_is_said_beside_its_field(shop: Served, fields: dict[str, str], said: str) -> None:
    link = f"/signin/link/{shop.access.first_link()}"
    page = Browser(shop).post(link, fields)
    assert page.status == 422 and said in page.body
    assert fields["password"] not in page.body
    assert Browser(shop).get(link).status == 200, "the link still stands"


def test_as_soon_as_there_is_a_user_everybody_signs_in(shop: Served) -> None:
    moved_in(shop)
    stranger = Browser(shop)
    page = stranger.get("/people?q=ada")
    assert (page.status, page.goes_to) == (303, "/signin?next=/people%3Fq%3Dada")
    assert stranger.ask("GET", "/news").status == 401
    assert stranger.ask("GET", "/v1/profiles").status == 401
    assert stranger.get("/v1/profiles").status == 401, "an address of the API leads nowhere else"
    assert stranger.ask("GET", "/healthz").status == 200
    assert stranger.get("/static/tactful.css").status == 200


def test_a_password_lets_in_to_where_one_was_going(shop: Served) -> None:
    moved_in(shop)
    browser = Browser(shop)
    fields = {"name": " ADA@example.com", "password": PASSWORD, "next": "/people?q=x"}
    page = browser.post("/signin", fields)
    assert (page.status, page.goes_to) == (303, "/people?q=x")
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert browser.get("/people").status == 200
    assert (browser.get("/signin").status, browser.get("/signin").goes_to) == (303, "/")


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\r\nX: y", "/signout", "javascript:1"],
)
def test_nobody_is_sent_to_another_site(shop: Served, wanted: str) -> None:
    moved_in(shop)
    page = Browser(shop).post("/signin", {"name": "ada@example.com", "password": PASSWORD, "next": wanted})
    assert (page.status, page.goes_to) == (303, "/")


def test_a_wrong_name_and_a_wrong_password_look_the_same(shop: Served) -> None:
    moved_in(shop)
    pages = [Browser(shop).sign_in(name, "not the password") for name in ("ada@example.com", "nobody")]
    assert [page.status for page in pages] == [403, 403]
    bodies = {page.body.replace("ada@example.com", "X").replace("nobody", "X") for page in pages}
    assert len(bodies) == 1
    assert [one.who for one in shop.access.office.audit.acts(act="sign_in_failed")] == ["nobody", "ada@example.com"]


def test_after_signing_out_the_cookie_is_worth_nothing(shop: Served) -> None:
    browser = moved_in(shop)
    kept = dict(browser.cookies)
    page = browser.post("/signout", {"csrf": browser.get("/account").csrf})
    assert (page.status, page.goes_to, browser.cookies) == (303, "/signin", {})
    browser.cookies = kept
    assert browser.get("/people").status == 303


def test_a_sign_in_that_nobody_uses_is_over_and_so_is_an_old_one(shop: Served, clock: Moved) -> None:
    browser = moved_in(shop)
    clock.us += 12 * HOUR_US - MINUTE_US
    assert browser.get("/people").status == 200
    clock.us += 12 * HOUR_US - MINUTE_US
    assert browser.get("/people").status == 200, "it was seen in between"
    clock.us += 12 * HOUR_US
    assert browser.get("/people").status == 303
    browser.sign_in("ada@example.com")
    for _ in range(14 * 3):
        assert browser.get("/people").status == 200
        clock.us += 8 * HOUR_US
    assert browser.get("/people").status == 303, "however much it is used"


def test_another_password_ends_all_other_sign_ins(shop: Served) -> None:
    browser = moved_in(shop)
    elsewhere = Browser(shop)
    elsewhere.sign_in("ada@example.com")
    csrf = browser.get("/account").csrf
    fields = {"csrf": csrf, "password": OTHER, "again": OTHER}
    assert browser.post("/account/password", {**fields, "old": "not this one"}).status == 422
    assert elsewhere.get("/people").status == 200
    assert browser.post("/account/password", {**fields, "old": PASSWORD}).status == 303
    assert elsewhere.get("/people").status == 303
    assert browser.get("/people").status == 200
    assert Browser(shop).sign_in("ada@example.com").status == 403
    assert Browser(shop).sign_in("ada@example.com", OTHER).status == 303


def test_ones_own_sign_ins_are_listed_and_ended_and_nobody_elses(shop: Served) -> None:
    browser = moved_in(shop)
    ben = someone(shop, "ben", "viewer")
    elsewhere = Browser(shop)
    elsewhere.sign_in("ada@example.com", User_Agent="Elsewhere 1.0 <script>")
    page = browser.get("/account")
    assert "Elsewhere 1.0 &lt;script&gt;" in page.body and "ben" not in page.body
    number = {one.agent: one.id for one in shop.access.office.accounts.sign_ins("ada@example.com")}[
        "Elsewhere 1.0 <script>"
    ]
    assert ben.post("/account/end", {"csrf": ben.get("/account").csrf, "id": str(number)}).status == 303
    assert elsewhere.get("/people").status == 200, "this was not Ben's"
    browser.post("/account/end", {"csrf": page.csrf, "id": str(number)})
    assert elsewhere.get("/people").status == 303


def test_who_is_invited_chooses_a_password_by_a_link(shop: Served) -> None:
    admin = moved_in(shop)
    page = admin.post("/access/users/add", {"csrf": admin.get("/access").csrf, "name": "ben", "role": "viewer"})
    assert page.status == 200
    link = page.body.partition("/signin/link/")[2].partition("<")[0]
    ben = Browser(shop)
    assert "signs in <b>ben</b>" in ben.get(f"/signin/link/{link}").body
    fields = {"name": "ada@example.com", "password": OTHER, "again": OTHER}
    assert ben.post(f"/signin/link/{link}", fields).status == 303
    assert ">ben<" in ben.get("/account").body or "ben" in ben.get("/account").body
    assert ben.get("/segments").status in (200, 404)
    assert ben.get("/people").status == 403, "a viewer sees no persons"
    assert Browser(shop).sign_in("ada@example.com").status == 303, "the name in the form changed nobody else's password"


def test_another_role_ends_what_was_seen_with_the_one_before(shop: Served) -> None:
    admin = moved_in(shop)
    ben = someone(shop, "ben", "analyst")
    assert ben.get("/people").status == 200
    admin.post("/access/users/change", {"csrf": admin.get("/access").csrf, "name": "ben", "role": "viewer"})
    assert ben.get("/people").status == 303
    ben.sign_in("ben")
    assert ben.get("/people").status == 403
    admin.post("/access/users/remove", {"csrf": admin.get("/access").csrf, "name": "ben"})
    assert ben.get("/account").status == 303
    assert Browser(shop).sign_in("ben").status == 403


def test_the_last_administrator_stays(shop: Served) -> None:
    admin = moved_in(shop)
    csrf = admin.get("/access").csrf
    for path, more in (("/access/users/remove", {}), ("/access/users/change", {"role": "viewer"})):
        page = admin.post(path, {"csrf": csrf, "name": "ada@example.com", **more})
        assert page.status == 409 and "last administrator" in page.body
    users.add(shop.access, "ben", "admin", "a test")
    assert admin.post("/access/users/remove", {"csrf": csrf, "name": "ada@example.com"}).status == 303


def test_a_token_is_shown_once_and_works_until_it_is_removed(shop: Served, clock: Moved) -> None:
    admin = moved_in(shop)
    csrf = admin.get("/access/tokens").csrf
    page = admin.post("/access/tokens/add", {"csrf": csrf, "name": "nightly", "role": "analyst", "days": "30"})
    token = page.body.partition("<code>tactful_")[2].partition("<")[0]
    assert page.status == 200 and len(token) == 43
    assert token not in admin.get("/access/tokens").body
    program = Browser(shop)
    bearer = f"Bearer tactful_{token}"
    assert program.ask("GET", "/v1/profiles", Authorization=bearer).status == 200
    assert program.ask("GET", "/access", Authorization=bearer).status == 403
    clock.us += 30 * DAY_US - 1
    assert program.ask("GET", "/v1/profiles", Authorization=bearer).status == 200
    clock.us += 1
    assert program.ask("GET", "/v1/profiles", Authorization=bearer).status == 401
    admin.sign_in("ada@example.com")
    again = admin.post(
        "/access/tokens/add", {"csrf": admin.get("/access/tokens").csrf, "name": "n2", "role": "viewer", "days": "0"}
    )
    bearer = "Bearer tactful_" + again.body.partition("<code>tactful_")[2].partition("<")[0]
    assert program.ask("GET", "/v1/profiles", Authorization=bearer).status == 403, "a viewer sees no persons"
    admin.post("/access/tokens/remove", {"csrf": admin.get("/access/tokens").csrf, "name": "n2"})
    assert program.ask("GET", "/v1/profiles", Authorization=bearer).status == 401


def test_what_was_done_is_listed_by_who_and_what(shop: Served) -> None:
    admin = moved_in(shop)
    someone(shop, "ben", "viewer")
    page = admin.get("/audit?about=ben")
    assert "user added" in page.body and "a test" in page.body and "password set" in page.body
    assert "ada@example.com</a>" not in page.body.partition("<table")[2]
    table = admin.get("/audit?who=ada@example.com&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "user_added" in table.body and "a test" not in table.body
