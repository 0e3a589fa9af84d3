"""Double opt-in: the link of a confirmation, by which the reader of an address says that it is theirs, and yes.

Only who reads mail at the address has the link, and it names that address; so whoever presses the button may speak for
it, and for no other that the person has meanwhile.
"""

from collections.abc import Awaitable, Callable
from secrets import token_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.events.records import Consent
from tactful.messages.links import Confirm
from tactful.runtime.ports import Clock
from tactful.values import MINUTE_US
from tactful.web.mail_pages import SALT_BYTES, bad_link, form, has_posted, not_yet, page, said

_YES = ("confirm", "yes")
_TITLE = "Confirm your address"
_FORM = form(*_YES, "Yes, confirm", "If you did not ask for this, close this page: nothing happens.")


def routes(
    unseal: Callable[[str], Confirm | None],
    submit: Callable[[Consent], Awaitable[None]],
    clock: Clock,
    workspace: str,
) -> list[Route]:
    """`unseal` reads a token (messages/links.py: unseal_confirm); `submit` returns when the record is durable."""

    def read(request: Request) -> Confirm | Response:
        wanted = unseal(request.path_params["token"])
        if wanted is None:
            return bad_link()
        if clock.now_us() >= wanted.expires_at:
            text = f"Please ask {workspace} for a new one: enter your address again where you did before."
            return page("This link has expired", text, status=410)
        return wanted

    async def show(request: Request) -> Response:
        wanted = read(request)
        if isinstance(wanted, Response):
            return wanted
        text = f"Is {wanted.address} yours, and may {workspace} send you mail of the kind “{said(wanted.purpose)}”?"
        return page(_TITLE, text, form=_FORM)

    async def grant(request: Request) -> Response:
        wanted = read(request)
        if isinstance(wanted, Response):
            return wanted
        if not await has_posted(request, *_YES):
            return page(_TITLE, "Please press the button to confirm.", status=400, form=_FORM)
        try:
            await submit(consent(wanted, clock.now_us()))
        except TransientError:
            return not_yet()
        text = f"{workspace} may now send you “{said(wanted.purpose)}” at {wanted.address}."
        return page("Thank you", f"{text} Every such mail has a link to end it.")

    return [
        Route("/v1/confirm/{token}", show, methods=["GET"]),
        Route("/v1/confirm/{token}", grant, methods=["POST"]),
    ]


def consent(wanted: Confirm, now_us: int) -> Consent:
    """The record. A repeated POST repeats the messageId; another time, after a withdrawal, the reader means it anew, so
    the id tells minutes apart."""
    return Consent(
        version=1,
        source="confirm",
        trust="server",
        key=wanted.key,
        message_id=f"confirm:{wanted.intent}:{now_us // MINUTE_US}",
        purpose=wanted.purpose,
        granted=True,
        timestamp=now_us,
        received_at=now_us,
        origin="confirm",
        address=wanted.address,
        salt=token_bytes(SALT_BYTES),
    )
