"""Every address of the console and of the API, for every role: who is let through, and who is not.

The table is not written down here: each route names its permission, and what is tried is that this is what happens, over
HTTP, for each method that it takes. What is written down is which addresses need none, so that a new one cannot slip in.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from tactful.operations.access import users
from tactful.operations.access.users import role_of
from tactful.runtime.roles import ROLES
from tactful.web.allowed import NEEDS
from tactful.web.guard import Guard
from tests.web.access.browsing import Browser, moved_in, someone
from tests.web.scene import afternoon
from tests.web.serving import Served, serve

DOORS = {"/signin", "/signin/link/{secret}", "/static"}
OPEN = {"/healthz", "/readyz", "/openapi.json"}
NOT_FOUND = "-"


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    with serve(afternoon()) as served:
        moved_in(served)
        yield served


@pytest.fixture(scope="module")
def browsers(shop: Served) -> dict[str, Browser]:
    return {role: someone(shop, role.replace(" ", "-"), role) for role in ROLES}


def routes_of(shop: Served) -> list[BaseRoute]:
    assert isinstance(shop.app, Guard)
    inner: Any = shop.app.inner
    assert isinstance(inner, Starlette)
    return inner.routes


def needs(shop: Served) -> list[tuple[str, str, str | None]]:
    """(method, path, permission) of all that is not open to everybody."""
    found: list[tuple[str, str, str | None]] = []
    for route in routes_of(shop):
        path: str = getattr(route, "path", "")
        if path in DOORS | OPEN:
            continue
        assert isinstance(route, Route), f"{path} is nothing that a role could be asked for"
        for method in sorted((route.methods or set()) - {"HEAD"}):
            need = NEEDS[method, path].permission if (method, path) in NEEDS else getattr(route, "may", NOT_FOUND)
            assert need in ROLES["admin"], f"{method} {path} names no permission"
            found.append((method, path, need))
    return found


def filled(path: str) -> str:
    """With something in the place of each part; nothing is there by that name."""
    whole = ""
    for part in path.split("{"):
        name, closing, rest = part.partition("}")
        whole += ("999999" if name.endswith(":int") else "none-such") + rest if closing else part
    return whole


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_what_it_may_and_nothing_else(shop: Served, browsers: dict[str, Browser], role: str) -> None:
    browser = browsers[role]
    wrong = []
    for method, path, need in needs(shop):
        if path == "/signout":  # Would end this browser's sign-in.
            continue
        headers = {
            "X-CSRF-Token": "not this one",
            "Origin": f"http://{browser.netloc}",
            "Sec-Fetch-Site": "same-origin",
        }
        if path.startswith("/v1/"):
            found = shop.access.of_sign_in(browser.secret)
            assert found is not None
            headers["X-CSRF-Token"] = found.csrf
        page = browser.ask(method, filled(path), b"" if method != "GET" else None, Accept="text/html", **headers)
        is_refused = page.status == 403 and (
            f"permission “{need}”" in page.body or f'permission \\"{need}\\"' in page.body
        )
        if is_refused == (need in ROLES[role_of(role)]):
            wrong.append((method, path, need, page.status))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_a_token_may_do_what_its_role_may(shop: Served, role: str) -> None:
    secret = users.make_token(shop.access, f"of-{role.replace(' ', '-')}", role, "a test")
    program = Browser(shop)
    for method, path, need in needs(shop):
        if not path.startswith("/v1/") and path != "/metrics":
            continue
        page = program.ask(method, filled(path), None, Authorization=f"Bearer {secret}")
        assert (page.status == 403) == (need not in ROLES[role_of(role)]), (method, path)


def test_strangers_reach_nothing(shop: Served) -> None:
    stranger = Browser(shop)
    for method, path, _ in needs(shop):
        page = stranger.ask(method, filled(path), b"" if method != "GET" else None)
        assert page.status == 401, (method, path)


def test_all_that_the_console_changes_is_behind_a_form_of_its_own(shop: Served, browsers: dict[str, Browser]) -> None:
    """Without the token of the form nothing is done, whoever asks: admin or not."""
    browser = browsers["admin"]
    for method, path, _ in needs(shop):
        if method == "GET" or path.startswith("/v1/"):
            continue
        for fields in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
            page = browser.post(filled(path), dict(fields))
            assert page.status == 403, (method, path)


@pytest.mark.parametrize("role", ["viewer", "analyst", "marketer", "privacy officer"])
def test_nobody_gives_themselves_a_role(shop: Served, browsers: dict[str, Browser], role: str) -> None:
    browser, name = browsers[role], role.replace(" ", "-")
    csrf = browser.get("/account").csrf
    for path, fields in (
        ("/access/users/change", {"name": name, "role": "admin"}),
        ("/access/users/add", {"name": "friend", "role": "admin"}),
        ("/access/users/link", {"name": "ada@example.com"}),
        ("/access/tokens/add", {"name": "mine", "role": "admin", "days": "0"}),
        ("/access/sign-ins/end", {"id": "1"}),
    ):
        assert browser.post(path, {"csrf": csrf, **fields}).status == 403, path
    account = shop.access.office.accounts.account(name)
    assert account is not None and account.role == role
    more = {"old": "four words are good", "password": "four other words", "again": "four other words", "role": "admin"}
    assert browser.post("/account/password", {"csrf": csrf, **more, "name": "ada@example.com"}).status == 303
    account = shop.access.office.accounts.account(name)
    assert account is not None and account.role == role
