"""Signing in at a provider of OpenID Connect: there, and back.

What must be the same when the browser comes back (state, nonce, verifier, where it was going) is kept by the browser
itself, in a cookie that only these two addresses see: nothing is kept here for somebody who may never return.
"""

import asyncio
import hmac
import logging
import secrets
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tactful.errors import TransientError
from tactful.operations.access.access import Access, Wrong
from tactful.operations.access.openid import Begun, Provider, admit
from tactful.web.console.room import HEADERS, Console
from tactful.web.console.signing import Signing, wanted_of

COOKIE = "tactful-openid"
PATH = "/signin/openid"
LASTS_S = 600

_log = logging.getLogger(__name__)


def routes(console: Console, access: Access, signing: Signing, provider: Provider) -> list[BaseRoute]:
    there = There(console, access, signing, provider)
    return [Route(PATH, there.begin, methods=["GET"]), Route(f"{PATH}/back", there.back, methods=["GET"])]


class There:
    def __init__(self, console: Console, access: Access, signing: Signing, provider: Provider) -> None:
        self._access = access
        self._signing = signing
        self._provider = provider
        self._back = f"{console.around.address.rstrip('/')}{PATH}/back"

    async def begin(self, request: Request) -> Response:
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        try:
            address = await self._provider.address(begun, self._back)
        except TransientError as error:
            return await self._failed(request, error)
        answer = RedirectResponse(address, 303, HEADERS)
        wanted = quote(wanted_of(request.query_params.get("next", "")), safe="")
        self._keep(request, answer, f"{begun.state}.{begun.nonce}.{begun.verifier}.{wanted}", LASTS_S)
        return answer

    async def back(self, request: Request) -> Response:
        kept = request.cookies.get(COOKIE, "")
        state, nonce, verifier, wanted = (kept if kept.count(".") >= 3 else "...").split(".", 3)
        said = request.query_params
        try:
            if not state or not hmac.compare_digest(state.encode(), said.get("state", "").encode()):
                raise Wrong("this sign-in did not begin in this browser, or too long ago; try again")
            if said.get("iss", self._access.settings.openid.issuer) != self._access.settings.openid.issuer:
                raise Wrong("somebody else answered for the provider")  # RFC 9207.
            if "error" in said:
                raise Wrong(f"the provider says: {said.get('error_description') or said['error']}"[:300])
            claims = await self._provider.claims(Begun(state, nonce, verifier), said.get("code", ""), self._back)
            account = await asyncio.to_thread(admit, self._access, self._access.settings.openid, claims)
            agent = request.headers.get("user-agent", "")
            opened = await asyncio.to_thread(self._access.open, account, "openid", agent)
        except TransientError as error:
            answer = await self._failed(request, error)
        except Wrong as error:
            answer = await self._signing.signin(request, 403, error=f"{str(error)[:1].upper()}{str(error)[1:]}.")
        else:
            answer = await self._signing.let_in(request, opened, wanted_of(unquote(wanted)))
        self._keep(request, answer, "", 0)
        return answer

    async def _failed(self, request: Request, error: TransientError) -> Response:
        _log.error("nobody can sign in by OpenID Connect at the moment: %s", error)
        return await self._signing.signin(request, 502, error="The provider cannot be reached at the moment.")

    def _keep(self, request: Request, answer: Response, value: str, lasts_s: int) -> None:
        is_secure = self._signing.is_secure(request)
        answer.set_cookie(COOKIE, value, lasts_s, path=PATH, secure=is_secure, httponly=True, samesite="lax")
