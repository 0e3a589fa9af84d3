"""Signing in and out, by a password or by a link that was printed in the terminal; and one's own account.

These pages are the only ones that strangers reach. Nothing there says whether a name exists. A link is looked at by GET
and used up by POST only, so that a mail scanner or a preview that opens it does no harm. What is posted here must come
from a page of ours (web/guard.py), lest somebody sign a visitor in as somebody else.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tactful.operations.access.access import Access, Opened, TooMany, Wrong
from tactful.web import cookies
from tactful.web.console.room import HEADERS, Console, read_form, visitor
from tactful.web.guard import address_of, is_own

Answer = TypeVar("Answer")
HASHING, WAITING = 2, 8
"""Passwords that are worked on at once (64 MiB each), and how many more may wait for that."""


def routes(console: Console, signing: "Signing") -> list[BaseRoute]:
    return [
        Route("/signin", signing.page, methods=["GET"]),
        Route("/signin", signing.enter, methods=["POST"]),
        Route("/signin/link/{secret}", signing.link, methods=["GET"]),
        Route("/signin/link/{secret}", signing.redeem, methods=["POST"]),
        console.route("/signout", signing.leave, methods=["POST"]),
        console.route("/account", signing.account),
        console.route("/account/password", signing.change, methods=["POST"]),
        console.route("/account/end", signing.end, methods=["POST"]),
    ]


class Signing:
    def __init__(self, console: Console, access: Access) -> None:
        self._console = console
        self._access = access
        openid = access.settings.openid
        self._label = openid.label if openid.issuer else ""
        self._hashing = asyncio.Semaphore(HASHING)
        self._waiting = 0

    # ---- in

    async def page(self, request: Request) -> Response:
        if visitor(request).name:
            return self._console.back(wanted_of(request.query_params.get("next", "")))
        return await self.signin(request)

    async def enter(self, request: Request) -> Response:
        form = await _own_form(request)
        if form is None:
            return await self.signin(request, 403, error="This form did not come from here. Try again.")
        name, password = _text(form, "name"), _text(form, "password")
        agent, address = request.headers.get("user-agent", ""), address_of(request.scope, request.headers)
        try:
            opened = await self._slowly(lambda: self._access.enter(name, password, address, agent))
        except TooMany as error:
            answer = await self.signin(request, 429, name=name, error=f"Too many attempts. Wait {error.wait_s} s.")
            answer.headers["Retry-After"] = str(error.wait_s)
            return answer
        except Wrong as error:
            return await self.signin(request, 403, name=name, error=f"{_sentence(error)}.")
        return await self.let_in(request, opened, wanted_of(_text(form, "next")))

    async def let_in(self, request: Request, opened: Opened, wanted: str) -> Response:
        """With a new cookie; what was signed in before in this browser has ended."""
        if before := cookies.sign_in_secret(request.headers):
            await asyncio.to_thread(self._access.sign_out, before)
        answer = RedirectResponse(wanted, 303, HEADERS)
        is_secure = self.is_secure(request)
        cookies.keep(answer, request.headers, opened.secret, opened.lasts_us, is_secure=is_secure)
        return answer

    def is_secure(self, request: Request) -> bool:
        """Whether the browser came by https: a proxy may have taken that off, but we know our own address."""
        own = urlsplit(self._console.around.address)
        return own.scheme == "https" and own.netloc.lower() == request.headers.get("host", "").lower()

    async def link(self, request: Request) -> Response:
        return await self._link(request)

    async def redeem(self, request: Request) -> Response:
        form = await _own_form(request)
        if form is None:
            return await self._link(request, 403, error="This form did not come from here. Try again.")
        name, password = _text(form, "name"), _text(form, "password")
        if password != _text(form, "again"):
            return await self._link(request, 422, name=name, wrong={"again": "these two are not the same"})
        agent, secret = request.headers.get("user-agent", ""), request.path_params["secret"]
        try:
            opened = await self._slowly(lambda: self._access.redeem(secret, name, password, agent))
        except TooMany as error:
            return await self._link(request, 429, name=name, error=f"Too many attempts. Wait {error.wait_s} s.")
        except Wrong as error:
            wrong = {error.field: str(error)} if error.field else {}
            return await self._link(request, 422, name=name, wrong=wrong, error="" if wrong else f"{_sentence(error)}.")
        return await self.let_in(request, opened, "/")

    # ---- out, and one's own

    async def leave(self, request: Request) -> Response:
        secret = cookies.sign_in_secret(request.headers)
        await asyncio.to_thread(self._access.sign_out, secret)
        answer = RedirectResponse("/signin", 303, {**HEADERS, "Clear-Site-Data": '"cache"'})
        cookies.drop(answer, request.headers, is_secure=self.is_secure(request))
        return answer

    async def account(self, request: Request) -> Response:
        return await self._account(request)

    async def change(self, request: Request) -> Response:
        form = await self._console.form(request)
        secret, address = cookies.sign_in_secret(request.headers), address_of(request.scope, request.headers)
        old, new = _text(form, "old"), _text(form, "password")
        if new != _text(form, "again"):
            return await self._account(request, 422, wrong={"again": "these two are not the same"})
        try:
            await self._slowly(lambda: self._access.change_password(secret, old, new, address))
        except TooMany as error:
            return await self._account(request, 429, wrong={"old": f"too many attempts; wait {error.wait_s} s"})
        except Wrong as error:
            return await self._account(request, 422, wrong={error.field or "old": str(error)})
        return self._console.back("/account?changed=1")

    async def end(self, request: Request) -> Response:
        """One of one's own sign-ins, and nobody else's."""
        number = _text(await self._console.form(request), "id")
        name = visitor(request).name

        def end() -> None:
            own = {str(one.id): one.id for one in self._access.office.accounts.sign_ins(name)}
            if number in own and self._access.office.accounts.end_one(own[number]):
                self._access.note(name, "signed_out", name)

        await asyncio.to_thread(end)
        return self._console.back("/account")

    # ---- pages

    async def signin(self, request: Request, status: int = 200, name: str = "", error: str = "") -> Response:
        has_users = await asyncio.to_thread(self._access.has_users)
        return await self._console.page(
            request,
            "signin/signin.html",
            status,
            name=name,
            error=error,
            wanted=wanted_of(request.query_params.get("next", "")),
            has_users=has_users,
            label=self._label,
            passwords=self._access.settings.passwords,
        )

    async def _link(
        self, request: Request, status: int = 200, name: str = "", error: str = "", wrong: dict[str, str] | None = None
    ) -> Response:
        link = await asyncio.to_thread(self._access.waiting, request.path_params["secret"])
        if link is None:
            return await self._console.page(request, "signin/used.html", 404 if status == 200 else status)
        return await self._console.page(
            request, "signin/link.html", status, account=link.account, name=name, error=error, wrong=wrong or {}
        )

    async def _account(self, request: Request, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
        secret, name = cookies.sign_in_secret(request.headers), visitor(request).name
        here = await asyncio.to_thread(self._access.sign_in_of, secret)
        if here is None:  # A token, or a neighbour: nobody with an account.
            return await self._console.page(request, "signin/no_account.html", 404)
        account = await asyncio.to_thread(self._access.office.accounts.account, name)
        sign_ins = await asyncio.to_thread(self._access.office.accounts.sign_ins, name)
        return await self._console.page(
            request,
            "signin/account.html",
            status,
            account=account,
            sign_ins=sign_ins,
            this=here.id,
            wrong=wrong or {},
        )

    async def _slowly(self, work: Callable[[], Answer]) -> Answer:
        """What hashes a password: a few at a time, and nobody waits behind a crowd."""
        if self._waiting >= WAITING:
            raise TooMany(2)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


async def _own_form(request: Request) -> FormData | None:
    """The fields; None where another site's page has sent them, or far too many."""
    form = await read_form(request)
    return form if is_own(request.headers) else None


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def wanted_of(path: str) -> str:
    """Where somebody wanted to go: within this console only. A browser takes "//host" and "/\\host" for other hosts."""
    is_ours = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and len(path) <= 2_000
    return path if is_ours and not path.startswith(("/signin", "/signout")) else "/"


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
