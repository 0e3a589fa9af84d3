"""OpenID Connect: against a real provider, and against one that lies."""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tactful.operations.access import users
from tactful.runtime.settings_access import AccessSettings, OpenIdSettings
from tests.web.access.browsing import Browser, Page, moved_in
from tests.web.access.providers import OTHER_KEY, Liar, lying_provider, real_provider
from tests.web.scene import afternoon
from tests.web.serving import Served, serve

ADA = {"sub": "ada-17", "email": "ada@example.com", "email_verified": True, "groups": ["everybody"]}
BEN = {"sub": "ben-18", "email": "ben@example.com", "email_verified": True, "groups": ["everybody", "marketing"]}
EVE = {"sub": "eve-19", "email": "ada@example.com", "email_verified": False}
ROLES: dict[str, Any] = {"marketing": "marketer"}


def settings(issuer: str, **more: Any) -> AccessSettings:
    return AccessSettings(openid=OpenIdSettings(issuer, "shop", "s3cret", "Nordlicht ID", **more))


def come_back(browser: Browser, address: str, sub: str) -> Page:
    """What a browser does at the provider: authorize, and be sent back."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=20)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", f"{parts.path}?{parts.query}", urlencode({"sub": sub}), form)
    answer = connection.getresponse()
    back = urlsplit(answer.headers["location"])
    connection.close()
    return browser.get(f"{back.path}?{back.query}", Sec_Fetch_Site="cross-site")


def test_a_real_provider_lets_in_who_was_invited_by_address(capsys: pytest.CaptureFixture[str]) -> None:
    with real_provider(ADA, EVE) as issuer, serve(afternoon(), settings=settings(issuer)) as shop:
        users.add(shop.access, "ada@example.com", "analyst", "a test")
        browser = Browser(shop)
        assert "Sign in with Nordlicht ID" in browser.get("/signin").body
        begun = browser.get("/signin/openid?next=/people")
        assert begun.status == 303 and begun.goes_to.startswith(issuer)
        assert "code_challenge_method=S256" in begun.goes_to
        back = come_back(browser, begun.goes_to, "ada-17")
        assert (back.status, back.goes_to) == (303, "/people")
        assert browser.get("/people").status == 200
        account = shop.access.office.accounts.account("ada@example.com")
        assert account is not None and account.subject == f"{issuer} ada-17"
        eve = Browser(shop)
        page = come_back(eve, eve.get("/signin/openid").goes_to, "eve-19")
        assert page.status == 403 and "nobody has invited" in page.body.lower()
        assert eve.get("/people").status == 303


def test_a_real_provider_says_who_is_in_which_group() -> None:
    with real_provider(ADA, BEN) as issuer, serve(afternoon(), settings=settings(issuer, roles=ROLES)) as shop:
        moved_in(shop, "owner")
        ben = Browser(shop)
        assert come_back(ben, ben.get("/signin/openid").goes_to, "ben-18").goes_to == "/"
        account = shop.access.office.accounts.account("ben@example.com")
        assert account is not None and (account.role, account.by) == ("marketer", "single sign-on")
        ada = Browser(shop)
        assert come_back(ada, ada.get("/signin/openid").goes_to, "ada-17").status == 403
        assert [one.name for one in shop.access.office.accounts.all()] == ["ben@example.com", "owner"]


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying_provider() as made:
        yield made


@pytest.fixture
def shop(liar: Liar) -> Iterator[Served]:
    with serve(afternoon(), settings=settings(liar.issuer, roles={"boss": "admin"})) as served:
        moved_in(served, "owner")
        users.add(served.access, "ada@example.com", "viewer", "a test")
        yield served


def enter(shop: Served, liar: Liar, browser: Browser | None = None, more: str = "") -> Page:
    browser = browser or Browser(shop)
    query = liar.authorize(browser.get("/signin/openid").goes_to)
    return browser.get(f"/signin/openid/back?{query}{more}")


def test_a_strict_provider_gets_all_it_demands(shop: Served, liar: Liar) -> None:
    assert enter(shop, liar).status == 303
    assert enter(shop, liar).status == 303, "by its subject, from now on"
    liar.claims |= {"email": "somebody@else.example"}
    assert enter(shop, liar).status == 303, "whatever the address becomes"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["shop", "another"], "azp": "another"},
        {"exp": 1_000_000},
        {"exp": None},
        {"sub": None},
        {"nonce": "another"},
        {"nonce": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "nobody@example.com"},
        {"email": None},
        {"email": "owner"},
    ],
)
def test_a_token_that_does_not_hold_lets_nobody_in(shop: Served, liar: Liar, claims: dict[str, Any]) -> None:
    liar.claims |= claims
    if claims == {"email": "owner"}:
        liar.claims["email_verified"] = False
    browser = Browser(shop)
    assert enter(shop, liar, browser).status == 403
    assert browser.get("/people").status == 303


def test_a_token_signed_by_somebody_else_lets_nobody_in(shop: Served, liar: Liar) -> None:
    liar.key = OTHER_KEY
    assert enter(shop, liar).status == 403
    liar.key, liar.algorithm = "s3cret" * 8, "HS256"
    assert enter(shop, liar).status == 403, "who knows the client's secret is not the provider"
    liar.key, liar.algorithm = None, "none"
    assert enter(shop, liar).status == 403
    liar.key, liar.algorithm, liar.headers = OTHER_KEY, "RS256", {"kid": "2"}
    assert enter(shop, liar).status == 403


def test_an_answer_counts_only_in_the_browser_that_asked(shop: Served, liar: Liar) -> None:
    victim, attacker = Browser(shop), Browser(shop)
    query = liar.authorize(attacker.get("/signin/openid").goes_to)
    assert victim.get(f"/signin/openid/back?{query}").status == 403, "nobody is signed in as somebody else"
    victim.get("/signin/openid")
    assert victim.get(f"/signin/openid/back?{query}").status == 403
    assert victim.get("/signin/openid/back?code=c0de&state=").status == 403
    assert victim.get("/signin/openid/back").status == 403
    assert attacker.get(f"/signin/openid/back?{query}").status == 303
    assert attacker.get(f"/signin/openid/back?{query}").status == 403, "once"


def test_a_code_that_was_caught_is_worth_nothing_without_the_verifier(shop: Served, liar: Liar) -> None:
    thief = Browser(shop)
    thief.get("/signin/openid")
    state = next(iter(thief.cookies.values())).split(".")[0]
    liar.authorize(Browser(shop).get("/signin/openid").goes_to)
    assert thief.get(f"/signin/openid/back?code=c0de&state={state}").status == 403


def test_a_provider_that_says_no_and_one_that_says_it_is_another(shop: Served, liar: Liar) -> None:
    browser = Browser(shop)
    state = liar.authorize(browser.get("/signin/openid").goes_to).partition("state=")[2]
    page = browser.get(f"/signin/openid/back?error=access_denied&error_description=%3Cb%3Eno&state={state}")
    assert page.status == 403 and "&lt;b&gt;no" in page.body
    assert enter(shop, liar, more="&iss=https://evil.example").status == 403
    liar.described = {"issuer": "https://evil.example"}
    assert Browser(shop).get("/signin/openid").status == 502
    liar.described = {"token_endpoint": "http://evil.example/token"}
    assert Browser(shop).get("/signin/openid").status == 502


def test_who_leaves_the_group_comes_in_no_more(shop: Served, liar: Liar) -> None:
    liar.claims = {"sub": "99", "email": "cleo@example.com", "email_verified": True, "groups": ["boss"]}
    browser = Browser(shop)
    assert enter(shop, liar, browser).status == 303
    assert browser.get("/access").status == 200
    liar.claims["groups"] = ["everybody"]
    assert enter(shop, liar).status == 403
    assert browser.get("/access").status == 303, "nor do they stay in elsewhere"
    liar.claims = {"sub": "100", "preferred_username": "owner", "groups": "boss"}
    page = enter(shop, liar)
    assert page.status == 403 and "somebody else" in page.body, "a name that is taken is not taken over"
