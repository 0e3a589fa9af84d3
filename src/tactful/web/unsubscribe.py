"""The way out: the link at the foot of every mail, and the one click of a mailbox (RFC 8058).

A GET shows a page and changes nothing, since scanners follow links; a POST withdraws the consent by a record like any
other, durable before the answer. No cookies, no redirect, no sign-in: the token in the path is the permission.
"""

from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from html import escape
from string import Template
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.events.records import Consent
from tactful.messages.links import Unsubscribe
from tactful.runtime.ports import Clock
from tactful.values import MINUTE_US

FORM_BYTES = 16 * 1024

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
box-shadow:0 1px 4px rgba(20,30,50,.12)}h1{font-size:1.3rem;margin:0 0 .75rem}button{font:inherit;color:#fff;
background:#1d4ed8;border:0;border-radius:8px;padding:.7rem 1.4rem;cursor:pointer}p{margin:0 0 1.25rem}
</style></head><body><main><h1>$title</h1><p>$text</p>$form</main></body></html>
""")
_FORM = (
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    '<button type="submit">Unsubscribe</button></form>'
)


def routes(
    unseal: Callable[[str], Unsubscribe | None],
    submit: Callable[[Consent], Awaitable[None]],
    clock: Clock,
    workspace: str,
) -> list[Route]:
    """`unseal` reads a token (messages/links.py); `submit` returns when the record is durable."""

    async def show(request: Request) -> Response:
        wanted = unseal(request.path_params["token"])
        if wanted is None:
            return _bad_link()
        text = f"No more mail of the kind “{_said(wanted.purpose)}” from {workspace}?"
        return _page("Unsubscribe", text, form=_FORM)

    async def withdraw(request: Request) -> Response:
        wanted = unseal(request.path_params["token"])
        if wanted is None:
            return _bad_link()
        if not await _is_one_click(request):
            return _page("Unsubscribe", "Please press the button to unsubscribe.", status=400, form=_FORM)
        try:
            await submit(consent(wanted, clock.now_us()))
        except TransientError:
            answer = _page("Not yet", "This could not be saved just now. Please try again in a minute.", status=503)
            answer.headers["Retry-After"] = "60"
            return answer
        return _page("You are unsubscribed", f"{workspace} will send you no more “{_said(wanted.purpose)}”.")

    return [
        Route("/v1/unsubscribe/{token}", show, methods=["GET"]),
        Route("/v1/unsubscribe/{token}", withdraw, methods=["POST"]),
    ]


def consent(wanted: Unsubscribe, now_us: int) -> Consent:
    """The record. A mailbox that repeats its POST repeats the messageId; a click on the same mail another time (after
    the person had agreed again) must count, so the id tells minutes apart."""
    return Consent(
        version=1,
        source="unsubscribe",
        trust="server",
        key=wanted.key,
        message_id=f"unsubscribe:{wanted.intent}:{now_us // MINUTE_US}",
        purpose=wanted.purpose,
        granted=False,
        timestamp=now_us,
        received_at=now_us,
        origin="unsubscribe",
    )


async def _is_one_click(request: Request) -> bool:
    """`List-Unsubscribe=One-Click`, urlencoded or multipart, whatever else is with it."""
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
            part.get_param("name", header="content-disposition") == "List-Unsubscribe"
            and str(part.get_payload()).strip() == "One-Click"
            for part in parts
        )
    fields = parse_qs(body.decode("latin-1"))
    return "One-Click" in fields.get("List-Unsubscribe", ())


def _page(title: str, text: str, *, status: int = 200, form: str = "") -> HTMLResponse:
    return HTMLResponse(_PAGE.substitute(title=escape(title), text=escape(text), form=form), status, dict(_HEADERS))


def _bad_link() -> HTMLResponse:
    return _page("This link does not work", "Please use the link exactly as it stands in the mail.", status=404)


def _said(purpose: str) -> str:
    return purpose.replace("_", " ")
