"""A browser without scripts: keeps cookies, follows nothing by itself, and says where its forms came from."""

import re
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from tactful.operations.access import users
from tests.web.serving import Served

PASSWORD = "four words are good"
OTHER = "another five words are good"


class Page(NamedTuple):
    status: int
    headers: HTTPMessage
    body: str

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', self.body)
        assert found is not None, "this page has no token of forms"
        return found[1]

    @property
    def goes_to(self) -> str:
        return str(self.headers["location"])


class Browser:
    def __init__(self, served: Served) -> None:
        self.netloc = urlsplit(served.address).netloc
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Page:
        connection = HTTPConnection(self.netloc, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        is_stream = answer.headers.get_content_type() == "text/event-stream"  # It has no end.
        text = "" if is_stream else answer.read().decode()
        for value in answer.headers.get_all("set-cookie") or []:
            for name, morsel in SimpleCookie(value).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        connection.close()
        return Page(answer.status, answer.headers, text)

    def get(self, path: str, **headers: str) -> Page:
        return self.ask("GET", path, None, Accept="text/html", Sec_Fetch_Mode="navigate", **headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.netloc}",
            "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.ask("POST", path, urlencode(fields).encode(), **sent)

    def sign_in(self, name: str, password: str = PASSWORD, **headers: str) -> Page:
        return self.post("/signin", {"name": name, "password": password}, **headers)

    @property
    def secret(self) -> str:
        (value,) = self.cookies.values()
        return value


def someone(served: Served, name: str, role: str, password: str = PASSWORD) -> Browser:
    """A new user, signed in."""
    secret = users.add(served.access, name, role, "a test")
    served.access.redeem(secret, name, password, "")
    served.access.office.accounts.end(name)
    browser = Browser(served)
    assert browser.sign_in(name, password).status == 303
    return browser


def moved_in(served: Served, name: str = "ada@example.com") -> Browser:
    """The first administrator, by the printed link."""
    browser = Browser(served)
    link = f"/signin/link/{served.access.first_link()}"
    assert browser.post(link, {"name": name, "password": PASSWORD, "again": PASSWORD}).status == 303
    return browser
