"""Attacks, as an attacker would try them: over HTTP, against a running server."""

import socket
from base64 import b64encode
from collections.abc import Iterator

import pytest

from tactful.operations.access import users
from tactful.values import MINUTE_US, SECOND_US
from tactful.web.cookies import SECURE_NAME
from tactful.web.patience import Patient
from tests.web.access.browsing import PASSWORD, Browser, moved_in, someone
from tests.web.doorkeeping import Moved
from tests.web.scene import afternoon
from tests.web.serving import Served, serve


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
def shop(clock: Moved) -> Iterator[Served]:
    with serve(afternoon(), ("letter-of-marque",), clock) as served:
        yield served


def raw(shop: Served, request: bytes) -> bytes:
    """The first bytes of whatever comes back."""
    host, _, port = Browser(shop).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


# ---- sessions --------------------------------------------------------------------------------------------------


def test_a_sign_in_is_never_one_that_somebody_else_chose(shop: Served) -> None:
    """Session fixation: the browser comes with a cookie that an attacker has put there."""
    moved_in(shop)
    attacker = someone(shop, "eve", "viewer")
    victim = Browser(shop)
    victim.cookies = dict(attacker.cookies)
    assert victim.sign_in("ada@example.com").status == 303
    assert victim.secret != attacker.secret
    assert victim.get("/access").status == 200
    assert attacker.get("/access").status in (303, 403), "what the attacker knows is not Ada's sign-in"
    made_up = Browser(shop)
    made_up.cookies = dict.fromkeys(attacker.cookies, "known-to-the-attacker")
    made_up.sign_in("ada@example.com")
    assert made_up.secret != "known-to-the-attacker"


def test_what_is_kept_of_a_sign_in_signs_nobody_in(shop: Served) -> None:
    """Session theft from the file: digests are no secrets."""
    browser = moved_in(shop)
    (kept,) = shop.access.office.accounts.sign_ins()
    thief = Browser(shop)
    (name,) = browser.cookies
    for stolen in (kept.digest.hex(), b64encode(kept.digest).decode(), kept.csrf, str(kept.id)):
        thief.cookies = {name: stolen}
        assert thief.get("/access").status == 303
    account = shop.access.office.accounts.account("ada@example.com")
    assert account is not None and account.password.startswith("$argon2id$")
    assert Browser(shop).sign_in("ada@example.com", account.password).status == 403


def test_a_cookie_of_ours_is_for_no_script_and_no_other_site(shop: Served) -> None:
    moved_in(shop)
    cookie = Browser(shop).sign_in("ada@example.com").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "domain" not in cookie


def test_by_https_the_cookie_is_bound_to_the_host() -> None:
    with serve(afternoon(), address="https://tactful.shop.example") as shop:
        shop.access.hosts |= {"tactful.shop.example"}
        moved_in(shop)
        browser = Browser(shop)
        page = browser.sign_in("ada@example.com", Host="tactful.shop.example", Origin="https://tactful.shop.example")
        cookie = page.headers["set-cookie"]
        assert page.status == 303 and cookie.startswith(f"{SECURE_NAME}=") and "Secure" in cookie


def test_a_link_signs_in_one_of_those_who_open_it_at_once(shop: Served) -> None:
    link = f"/signin/link/{shop.access.first_link()}"
    fields = {"password": PASSWORD, "again": PASSWORD}
    statuses = sorted(Browser(shop).post(link, {"name": f"n{number}", **fields}).status for number in range(4))
    assert statuses == [303, 422, 422, 422]
    assert len(shop.access.office.accounts.all()) == 1


def test_links_cannot_be_guessed_nor_taken_for_one_another(shop: Served) -> None:
    moved_in(shop)
    users.add(shop.access, "ben", "viewer", "a test")
    for secret in ("", "x", "..", "%2e%2e", "0" * 43, "%00", "'%20OR%201=1--"):
        page = Browser(shop).post(f"/signin/link/{secret}", {"name": "eve", "password": PASSWORD, "again": PASSWORD})
        assert page.status in (303, 404, 405, 422)
        assert "set-cookie" not in page.headers
    assert [one.name for one in shop.access.office.accounts.all()] == ["ada@example.com", "ben"]


# ---- other sites -----------------------------------------------------------------------------------------------

FOREIGN = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_changes_nothing_even_with_the_right_token(shop: Served, headers: dict[str, str]) -> None:
    admin = moved_in(shop)
    fields = {"csrf": admin.get("/access").csrf, "name": "eve", "role": "admin"}
    assert admin.post("/access/users/add", fields, **headers).status == 403
    assert shop.access.office.accounts.account("eve") is None


def test_an_old_browser_is_known_by_its_origin(shop: Served) -> None:
    admin = moved_in(shop)
    fields = {"csrf": admin.get("/access").csrf, "name": "eve", "role": "admin"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    for origin in ("https://evil.example", "null", f"http://{admin.netloc}.evil.example"):
        assert admin.ask("POST", "/access/users/add", body, Origin=origin, **form).status == 403
    assert admin.ask("POST", "/access/users/add", body, Origin=f"http://{admin.netloc}", **form).status == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_nobody_is_signed_in_by_another_site(shop: Served, headers: dict[str, str]) -> None:
    moved_in(shop)
    page = Browser(shop).sign_in("ada@example.com", **headers)
    assert page.status == 403 and "set-cookie" not in page.headers


def test_a_cookie_does_not_drive_the_api_from_another_page(shop: Served) -> None:
    admin = moved_in(shop)
    csrf = admin.get("/account").csrf
    own = {"Origin": f"http://{admin.netloc}", "Sec-Fetch-Site": "same-origin"}
    assert admin.ask("PATCH", "/v1/profiles/u:ada", b"{}", **own).status == 403
    assert admin.ask("PATCH", "/v1/profiles/u:ada", b"{}", X_CSRF_Token=csrf, **FOREIGN[0]).status == 403
    assert admin.ask("PATCH", "/v1/profiles/u:ada", b"{}", X_CSRF_Token=csrf, **own).status in (404, 405), (
        "not served here"
    )
    basic = "Basic " + b64encode(b"any:letter-of-marque").decode()
    assert Browser(shop).ask("POST", "/v1/x", b"", Authorization=basic, **FOREIGN[0]).status == 403


def test_no_answer_of_the_console_may_be_read_or_framed_by_another_site(shop: Served) -> None:
    admin = moved_in(shop)
    for path in ("/", "/access", "/signin", "/v1/profiles", "/account"):
        headers = admin.get(path, Origin="https://evil.example").headers
        assert "access-control-allow-origin" not in headers, path
    for path in ("/access", "/signin/link/x", "/account"):
        headers = admin.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"] and headers["x-frame-options"] == "DENY"
        assert "unsafe" not in headers["content-security-policy"] and headers["cache-control"] == "no-store"


# ---- names and places ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "a b"])
def test_a_strange_host_gets_neither_pages_nor_forms(shop: Served, host: str) -> None:
    """DNS rebinding: a name of the attacker leads to this address, and the browser believes that it is one site."""
    admin = moved_in(shop)
    (name, secret), *_ = admin.cookies.items()
    for path in ("/access", "/signin"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {name}={secret}; tactful-80={secret}\r\n\r\n"
        assert raw(shop, request.encode()).split(b" ")[1] in (b"400", b"421"), path


def test_what_a_host_says_is_in_no_link_of_ours(shop: Served) -> None:
    """Poisoned links: the address of an invitation comes from the settings, not from the request."""
    admin = moved_in(shop)
    fields = {"csrf": admin.get("/access").csrf, "name": "ben", "role": "viewer"}
    page = admin.post("/access/users/add", fields, X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    assert page.status == 200 and "evil.example" not in page.body and f"{shop.address}/signin/link/" in page.body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../guard.py",
        "/static/..%2fguard.py",
        "/static/%2e%2e/guard.py",
        "/static/....//guard.py",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "/static//etc/passwd",
        "/static/%00",
        "/static/..\\guard.py",
    ],
)
def test_no_path_leads_out_of_what_is_served(shop: Served, path: str) -> None:
    answer = raw(shop, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    status = answer.split(b" ")[1]
    assert status in (b"400", b"401", b"403", b"404", b"405"), answer[:200]
    assert b"class Guard" not in answer and b"root:" not in answer


@pytest.mark.parametrize(
    "path", ["/signin/../access", "/static/../access", "/signin/%2e%2e/access", "//access", "/healthz/../access"]
)
def test_an_open_path_is_no_way_around_the_guard(shop: Served, path: str) -> None:
    moved_in(shop)
    answer = raw(shop, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"303", b"401", b"404"), answer[:200]
    assert b"Invite somebody" not in answer


# ---- guessing and flooding -------------------------------------------------------------------------------------


def test_passwords_are_not_guessed_quickly(shop: Served, clock: Moved) -> None:
    moved_in(shop)
    guessing = Browser(shop)
    statuses = [guessing.sign_in("ada@example.com", f"guess number {number}").status for number in range(8)]
    assert statuses == [403] * 5 + [429] * 3
    refused = guessing.sign_in("ada@example.com")
    assert refused.status == 429 and int(refused.headers["retry-after"]) <= 12, "the right one has to wait as well"
    clock.us += 12 * SECOND_US
    assert Browser(shop).sign_in("ada@example.com").status == 303


def test_one_address_does_not_try_all_names(shop: Served, clock: Moved) -> None:
    moved_in(shop)
    statuses = [Browser(shop).sign_in(f"name{number}", "some password").status for number in range(25)]
    assert statuses == [403] * 20 + [429] * 5
    elsewhere = Browser(shop).sign_in("ada@example.com", X_Forwarded_For="198.51.100.7, 203.0.113.9")
    assert elsewhere.status == 303, "another one behind the same proxy is not held up"
    clock.us += 10 * MINUTE_US
    assert Browser(shop).sign_in("ada@example.com").status == 303


def test_a_browser_that_floods_is_asked_to_wait(shop: Served, clock: Moved) -> None:
    admin = moved_in(shop)
    statuses = {admin.get("/account").status for _ in range(290)}
    assert statuses == {200}
    limited = [page for page in (admin.get("/account") for _ in range(20)) if page.status == 429]
    assert limited and limited[0].headers["retry-after"] == "1"
    assert Browser(shop).ask("GET", "/v1/profiles", Authorization="Bearer letter-of-marque").status == 200
    clock.us += SECOND_US
    assert admin.get("/account").status == 200


def test_a_form_of_many_fields_or_bytes_is_refused(shop: Served) -> None:
    admin = moved_in(shop)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    for body in (b"a=1&" * 2_000, b"a=" + b"x" * (5 << 20)):
        assert admin.ask("POST", "/access/users/add", body, **form).status == 413
    assert Browser(shop).ask("POST", "/signin", b"a=1&" * 2_000, **form).status == 403
    long = {"name": "x" * 100_000, "password": "y" * 100_000}
    assert Browser(shop).post("/signin", long).status == 403
    assert Browser(shop).get("/", Cookie="a=" + "b" * 50_000).status == 303


# ---- one face against the other --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/people", "/access", "/v1/profiles", "/v1/outbox", "/metrics"])
def test_a_write_key_opens_nothing(shop: Served, path: str) -> None:
    moved_in(shop)
    basic = "Basic " + b64encode(b"kettle-server-key:").decode()
    swapped = "Basic " + b64encode(b"any:kettle-server-key").decode()
    for headers in (
        {"Authorization": basic},
        {"Authorization": swapped},
        {"Authorization": "Bearer kettle-server-key"},
        {"X-Write-Key": "kettle-server-key"},
    ):
        assert Browser(shop).ask("GET", path, None, **headers).status == 401
    assert Browser(shop).get(f"{path}?writeKey=kettle-server-key").status in (303, 401)


def test_a_sign_in_beside_a_write_key_counts_for_nothing(shop: Served) -> None:
    admin = moved_in(shop)
    assert admin.ask("GET", "/people", X_Write_Key="kettle-server-key").status == 401


# ---- slow and oversized ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /signin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nname=",
        b"POST /signin HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n",
    ],
)
def test_who_does_not_finish_is_not_waited_for(shop: Served, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(Patient, "head_s", 0.05)
    monkeypatch.setattr(Patient, "body_s", 0.05)
    host, _, port = Browser(shop).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(begun)
        got = b"".join(iter(lambda: connection.recv(65_536), b""))  # To the end, which is the server's doing.
    assert got.split(b" ")[1:2] == [b"408"]


def test_a_head_without_end_is_cut_off(shop: Served) -> None:
    host, _, port = Browser(shop).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        got = b""
        for number in range(10_000):
            try:
                connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 1_000))
            except OSError:
                break
        else:
            raise AssertionError("ten megabytes of headers were taken")
        try:
            got = connection.recv(65_536)
        except ConnectionResetError:
            got = b"HTTP/1.1 431 "
    assert got.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_a_request_that_two_servers_would_read_differently_is_refused(shop: Served, request_: bytes) -> None:
    assert raw(shop, request_).split(b" ")[1] == b"400"
