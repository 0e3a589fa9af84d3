"""The cookie of a sign-in: for us only, for no script, for no other site.

Over https its name says so (`__Host-`, RFC 6265bis 4.1.3), so that neither an unencrypted page nor another host of the
same domain can set it. Over http, which is this machine, the port is in the name: browsers share cookies among ports.
"""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from tactful.values import SECOND_US

SECURE_NAME = "__Host-tactful"
MAX_SECRET = 100


def sign_in_secret(headers: Headers) -> str:
    """What the browser shows; "" where it shows nothing."""
    given = cookie_parser(headers.get("cookie", "")[:8_192])
    secret = given.get(SECURE_NAME) or given.get(_plain_name(headers), "")
    return secret if len(secret) <= MAX_SECRET else ""


def keep(response: Response, headers: Headers, secret: str, lasts_us: int, *, is_secure: bool) -> None:
    name = SECURE_NAME if is_secure else _plain_name(headers)
    response.set_cookie(
        name, secret, max_age=lasts_us // SECOND_US, path="/", secure=is_secure, httponly=True, samesite="lax"
    )


def drop(response: Response, headers: Headers, *, is_secure: bool) -> None:
    keep(response, headers, "", 0, is_secure=is_secure)


def _plain_name(headers: Headers) -> str:
    port = headers.get("host", "").rpartition(":")[2]
    return f"tactful-{port if port.isdecimal() else 80}"
