"""The way out: the link at the foot of every mail, and the one click of a mailbox (RFC 8058)."""

from collections.abc import Awaitable, Callable
from secrets import token_bytes

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.events.records import Consent
from tactful.messages.links import Unsubscribe
from tactful.runtime.ports import Clock
from tactful.runtime.reporting import withdrawal
from tactful.web.mail_pages import SALT_BYTES, bad_link, form, has_posted, not_yet, page, said

_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_FORM = form(*_ONE_CLICK, "Unsubscribe")


def routes(
    unseal: Callable[[str], Unsubscribe | None],
    submit: Callable[[Unsubscribe, Consent], Awaitable[None]],
    clock: Clock,
    workspace: str,
) -> list[Route]:
    """`unseal` reads a token (messages/links.py); `submit` returns when the record is durable, and with
    it what expressions find of it (events/responses.py)."""

    async def show(request: Request) -> Response:
        wanted = unseal(request.path_params["token"])
        if wanted is None:
            return bad_link()
        return page("Unsubscribe", f"No more mail of the kind “{said(wanted.purpose)}” from {workspace}?", form=_FORM)

    async def withdraw(request: Request) -> Response:
        wanted = unseal(request.path_params["token"])
        if wanted is None:
            return bad_link()
        if not await has_posted(request, *_ONE_CLICK):
            return page("Unsubscribe", "Please press the button to unsubscribe.", status=400, form=_FORM)
        try:
            await submit(wanted, consent(wanted, clock.now_us()))
        except TransientError:
            return not_yet()
        return page("You are unsubscribed", f"{workspace} will send you no more “{said(wanted.purpose)}”.")

    return [
        Route("/v1/unsubscribe/{token}", show, methods=["GET"]),
        Route("/v1/unsubscribe/{token}", withdraw, methods=["POST"]),
    ]


def consent(wanted: Unsubscribe, now_us: int) -> Consent:
    """The record. A mailbox that repeats its POST repeats the messageId."""
    return replace(withdrawal(wanted, now_us, now_us), salt=token_bytes(SALT_BYTES))
