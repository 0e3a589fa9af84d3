"""What links in mails lead to: small pages of their own, and the one form that each has.

A GET shows a page and changes nothing, since scanners follow links; a POST changes something by a record like any
other, durable before the answer. No cookies, no redirect, no sign-in, no script: the token in the path is the
permission, and nothing but the sealed link and the workspace's name is ever shown.
"""

from email import message_from_bytes, policy
from html import escape
from string import Template
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

FORM_BYTES = 16 * 1024
SALT_BYTES = 16

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title><style>
body{font:16px/1.5 system-ui,sans-serif;color:#1d2430;background:#f5f6f8;margin:0;display:grid;min-height:100vh;
place-items:center}main{background:#fff;border-radius:12px;padding:2.5rem;margin:1rem;max-width:26rem;
box-shadow:0 1px 4px rgba(20,30,50,.12);overflow-wrap:anywhere}h1{font-size:1.3rem;margin:0 0 .75rem}
button{font:inherit;color:#fff;background:#1d4ed8;border:0;border-radius:8px;padding:.7rem 1.4rem;cursor:pointer}
button:focus-visible{outline:3px solid #93b4ff;outline-offset:2px}p{margin:0 0 1.25rem}
.after{margin:1.25rem 0 0;color:#5a6372;font-size:.9rem}
</style></head><body><main><h1>$title</h1><p>$text</p>$form</main></body></html>
""")


def page(title: str, text: str, *, status: int = 200, form: str = "") -> HTMLResponse:
    """`form` is HTML (`form`), the others are texts."""
    return HTMLResponse(_PAGE.substitute(title=escape(title), text=escape(text), form=form), status, dict(_HEADERS))


def form(field: str, value: str, button: str, after: str = "") -> str:
    """One button, and a line below it. Posts `field=value` to the page's own address."""
    below = f'<p class="after">{escape(after)}</p>' if after else ""
    return (
        f'<form method="post"><input type="hidden" name="{escape(field)}" value="{escape(value)}">'
        f'<button type="submit">{escape(button)}</button></form>{below}'
    )


def bad_link() -> Response:
    return page("This link does not work", "Please use the link exactly as it stands in the mail.", status=404)


def not_yet() -> Response:
    answer = page("Not yet", "This could not be saved just now. Please try again in a minute.", status=503)
    answer.headers["Retry-After"] = "60"
    return answer


def said(purpose: str) -> str:
    """A purpose as people read it."""
    return purpose.replace("_", " ").replace(".", " ")


async def has_posted(request: Request, field: str, value: str) -> bool:
    """Whether the body says `field=value`, urlencoded or multipart, whatever else is with it."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_BYTES:
                return False
    except ClientDisconnect:
        return False
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        whole = b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + bytes(body)
        parts = message_from_bytes(whole, policy=policy.HTTP).iter_parts()
        return any(
            part.get_param("name", header="content-disposition") == field and str(part.get_payload()).strip() == value
            for part in parts
        )
    return value in parse_qs(body.decode("latin-1")).get(field, ())
