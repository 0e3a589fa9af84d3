"""Access: users, tokens and who is signed in where; for administrators. What is secret is shown once, on the page that
answers the form that made it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.operations.access import users
from tactful.operations.access.access import Access, Wrong
from tactful.runtime.roles import ROLES, Permission
from tactful.web.console.room import Console, Endpoint, visitor, wants_csv

Answer = TypeVar("Answer")
DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("0", "until it is removed"))
CHOOSE = tuple((role, role.capitalize()) for role in ROLES)
MEANINGS: dict[Permission, str] = {
    "look": "see numbers and definitions",
    "people": "see people and what was sent to them",
    "edit": "change definitions and put them in force",
    "steer": "pause, launch and stop journeys, switch sending off",
    "send": "send tests, and decide about what was held",
    "export": "take tables away as CSV",
    "privacy": "decide about consent, un-merge people",
    "admin": "users, tokens, the audit log",
}


def routes(console: Console, access: Access) -> list[BaseRoute]:
    room = Room(console, access)

    def post(path: str, endpoint: Endpoint) -> BaseRoute:
        return console.route(path, endpoint, may="admin", methods=("POST",))

    return [
        console.route("/access", room.people, may="admin"),
        console.route("/access/tokens", room.tokens, may="admin"),
        console.route("/access/sign-ins", room.sign_ins, may="admin"),
        post("/access/users/add", room.add),
        post("/access/users/change", room.change),
        post("/access/users/link", room.link),
        post("/access/users/end", room.end),
        post("/access/users/remove", room.remove),
        post("/access/tokens/add", room.make_token),
        post("/access/tokens/remove", room.remove_token),
        post("/access/sign-ins/end", room.end_one),
    ]


class Room:
    def __init__(self, console: Console, access: Access) -> None:
        self._console = console
        self._access = access

    # ---- pages

    async def people(self, request: Request) -> Response:
        return await self._people(request)

    async def tokens(self, request: Request) -> Response:
        return await self._tokens(request)

    async def sign_ins(self, request: Request) -> Response:
        rows = await asyncio.to_thread(self._access.office.accounts.sign_ins)
        if wants_csv(request):
            return self._console.csv(
                request,
                "sign-ins",
                ("user", "how", "since", "seen", "browser"),
                [(one.account, one.how, one.at, one.seen, one.agent) for one in rows],
            )
        return await self._console.page(request, "access/sign_ins.html", rows=rows)

    async def _people(self, request: Request, status: int = 200, **more: object) -> Response:
        accounts = await asyncio.to_thread(self._access.office.accounts.all)
        sign_ins = await asyncio.to_thread(self._access.office.accounts.sign_ins)
        seen = {one.account: one.seen for one in reversed(sign_ins)}
        if wants_csv(request):
            columns = ("name", "role", "since", "by", "password", "seen")
            rows = [(one.name, one.role, one.at, one.by, bool(one.password), seen.get(one.name)) for one in accounts]
            return self._console.csv(request, "users", columns, rows)
        shown = {"link": "", "for_whom": "", "error": "", "wrong": {}, "name": "", "role": "viewer", **more}
        return await self._console.page(
            request, "access/users.html", status, accounts=accounts, seen=seen, roles=ROLES, meanings=MEANINGS, **shown
        )

    async def _tokens(self, request: Request, status: int = 200, **more: object) -> Response:
        tokens = await asyncio.to_thread(self._access.office.tokens.all)
        if wants_csv(request):
            columns = ("name", "role", "since", "by", "until", "seen")
            rows = [(one.name, one.role, one.at, one.by, one.until or None, one.seen or None) for one in tokens]
            return self._console.csv(request, "tokens", columns, rows)
        shown = {"secret": "", "wrong": {}, "error": "", "name": "", "role": "analyst", "days": "90", **more}
        now_us = self._access.clock.now_us()
        return await self._console.page(
            request, "access/tokens.html", status, tokens=tokens, choose=CHOOSE, choices=DAYS, now_us=now_us, **shown
        )

    # ---- users

    async def add(self, request: Request) -> Response:
        fields = await self._fields(request)
        name, role = fields.get("name", ""), fields.get("role", "")
        try:
            secret = await self._do(request, lambda by: users.add(self._access, name, role, by))
        except Wrong as error:
            return await self._people(request, 422, wrong={error.field: str(error)}, name=name, role=role)
        return await self._people(request, link=self._link(secret), for_whom=name)

    async def link(self, request: Request) -> Response:
        name = (await self._fields(request)).get("name", "")
        try:
            secret = await self._do(request, lambda by: self._access.link(name, by))
        except UsageError as error:
            return await self._people(request, 409, error=str(error))
        return await self._people(request, link=self._link(secret), for_whom=name)

    async def change(self, request: Request) -> Response:
        fields = await self._fields(request)
        name, role = fields.get("name", ""), fields.get("role", "")
        return await self._acted(request, lambda by: users.change(self._access, name, role, by))

    async def end(self, request: Request) -> Response:
        name = (await self._fields(request)).get("name", "")
        return await self._acted(request, lambda by: users.end(self._access, name, by))

    async def remove(self, request: Request) -> Response:
        name = (await self._fields(request)).get("name", "")
        return await self._acted(request, lambda by: users.remove(self._access, name, by))

    async def _acted(self, request: Request, act: Callable[[str], object]) -> Response:
        try:
            await self._do(request, act)
        except UsageError as error:
            return await self._people(request, 409, error=str(error))
        return self._console.back("/access")

    def _link(self, secret: str) -> str:
        return f"{self._console.around.address}/signin/link/{secret}"

    # ---- tokens and sign-ins

    async def make_token(self, request: Request) -> Response:
        fields = await self._fields(request)
        name, role, days = fields.get("name", ""), fields.get("role", ""), fields.get("days", "")
        lasts = int(days) if days.isdecimal() and len(days) < 6 else -1
        try:
            secret = await self._do(request, lambda by: users.make_token(self._access, name, role, by, lasts))
        except Wrong as error:
            return await self._tokens(request, 422, wrong={error.field: str(error)}, name=name, role=role, days=days)
        return await self._tokens(request, secret=secret)

    async def remove_token(self, request: Request) -> Response:
        name = (await self._fields(request)).get("name", "")
        try:
            await self._do(request, lambda by: users.remove_token(self._access, name, by))
        except UsageError as error:
            return await self._tokens(request, 409, error=str(error))
        return self._console.back("/access/tokens")

    async def end_one(self, request: Request) -> Response:
        given = (await self._fields(request)).get("id", "")
        number = int(given) if given.isdecimal() and len(given) < 16 else 0
        with suppress(UsageError):  # It is over already, which is what was wanted.
            await self._do(request, lambda by: users.end_one(self._access, number, by))
        return self._console.back("/access/sign-ins")

    async def _do(self, request: Request, act: Callable[[str], Answer]) -> Answer:
        """In a thread, under the visitor's name."""
        by = visitor(request).name
        return await asyncio.to_thread(act, by)

    async def _fields(self, request: Request) -> dict[str, str]:
        form = await self._console.form(request)
        return {name: value for name, value in form.items() if isinstance(value, str)}
