"""Room: what every part of the console is made of: pages from templates, tables as CSV, forms, and who may enter.

A room is a module of this package with `routes(console)`; all of them stand in rooms.py. Each route names the
permission that it wants (runtime/office.py), and a form is read and its token compared before the endpoint is called,
so that no endpoint can forget either. No address outside of this server is named in a page, and the policy in each
answer's headers lets nothing else in.
"""

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tactful.consent.policy import DEFAULT, Policy
from tactful.errors import TransientError, UsageError
from tactful.events.intake import Arrival
from tactful.operations.definitions.first_calls import about_consent, first_calls
from tactful.runtime.house import House
from tactful.runtime.office import Office, Visitor
from tactful.runtime.roles import Permission
from tactful.web import wording
from tactful.web.allowed import open_to_lines
from tactful.web.bodies import Disconnected, read_body
from tactful.web.changes import Submit
from tactful.web.console.compiled import environment
from tactful.web.console.defined import Defined
from tactful.web.console.hands import Hands
from tactful.web.console.packing import packed
from tactful.web.console.reports import Reports
from tactful.web.desk import Desk, News, Overtaken
from tactful.web.guard import NOBODY
from tactful.web.masking import is_token, masked

LOOKING = ("GET", "HEAD")
FORM_FIELDS = 1_000
FORM_BYTES = 4 << 20
"""A file of definitions has at most 1 MiB, and may be three times as long in a form."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # Without any, browsers say that our own forms come from nowhere.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MOST_NAME = 80
"""Letters of a table's file name."""
_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""How formulas begin; wide letters as well, in spreadsheets that are used with them."""
_FIRST = re.compile(rf"[\t\r\n]|\s*[{_STARTS}]")
_INNER = re.compile(rf'([;\t\r\n][\s"]*)(?=[{_STARTS}])')
Endpoint = Callable[[Request], Awaitable[Response]]


class Frame(Struct, frozen=True):
    """What stands around every page."""

    workspace: str
    time_zone: str
    address: str
    """Where this server is reached, for the lines that pages teach: "http://127.0.0.1:8080"."""
    write_key: str
    """Of a server source, for the same lines; "" where there is none."""

    def calls(self, event: str, properties: Mapping[str, Any], policy: Policy) -> str:
        """What somebody types to see such an event here."""
        return "\n".join(first_calls(self.address, self.write_key or "WRITE_KEY", event, properties, policy))


def visitor(request: Request) -> Visitor:
    """Who asks; the guard has put it there."""
    found = getattr(request.state, "visitor", NOBODY)
    assert isinstance(found, Visitor)
    return found


class Console:
    """What rooms have in common. `desk` answers quick questions, `slow` those that take more than some 20 ms, and
    `counting` how many people a condition holds for, which may take a second and nobody else shall wait for, and `past`
    what else is asked of the history, for which nobody shall wait who types; `mail` gives the bytes of a mail by its
    intent where they were kept (the local outbox), in the thread that reads."""

    def __init__(
        self,
        desk: Desk,
        slow: Desk,
        news: News,
        house: House,
        office: Office,
        project: Path,
        around: Frame,
        submit: Submit,
        arrive: Callable[[], Arrival],
        mail: Callable[[str], bytes | None],
        hands: Hands,
        counting: Desk | None = None,
        past: Desk | None = None,
    ) -> None:
        self.desk = desk
        self.slow = slow
        self.counting = counting or slow
        self.past = past or self.counting
        self.news = news
        self.house = house
        self.office = office
        self.project = project
        self.around = around
        self.submit = submit
        self.arrive = arrive
        self.mail = mail
        self.hands = hands
        self.reports = Reports(slow, house.clock)
        self.defined = Defined(slow)
        self.zone = ZoneInfo(around.time_zone)
        self.templates = environment()
        self.templates.globals.update({"around": around, "about_consent": about_consent})
        self.templates.filters.update(wording.filters(self.zone))

    # ---- ways in

    def route(
        self, path: str, endpoint: Endpoint, may: Permission = "look", methods: Sequence[str] = ("GET",)
    ) -> Route:
        """A route that only who has the permission gets through; what changes something also needs the form's token."""

        async def enter(request: Request) -> Response:
            who = visitor(request)
            self.news.begin()
            request.state.news = self.news.number  # Before anything is read for the page.
            if may not in who.may:
                return await self.page(request, "forbidden.html", 403, may=may)
            if request.method not in LOOKING:
                form = await read_form(request)
                if form is None:
                    return await self.page(request, "too_large.html", 413)
                request.state.form = form
                if not _is_own_form(request, who):
                    return await self.page(request, "stale_form.html", 403)
            try:
                return await endpoint(request)
            except Overtaken:  # The script that asked has asked again, and throws this away.
                return Response(status_code=204, headers=HEADERS)
            except TransientError as error:
                return await self.page(request, "trouble.html", 503, error=str(error), is_act=request.method != "GET")
            except UsageError as error:  # Such as a link in the project that leads out of it.
                return await self.page(request, "trouble.html", 409, error=str(error), is_act=request.method != "GET")

        route = open_to_lines(Route(path, enter, methods=list(methods), name=path))
        route.may = may  # type: ignore[attr-defined]  # read by the test that goes through all routes
        return route

    async def form(self, request: Request) -> FormData:
        """The fields of a form that was sent from one of our own pages."""
        form = request.state.form
        assert isinstance(form, FormData)
        return form

    # ---- ways out

    async def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A template, with `here` (the first part of the path), `path` (as links spell it), `query` and `visitor`."""
        where = request.url.path
        around = {
            "here": where.split("/")[1] or "home",
            "path": path_of(request),
            "query": dict(request.query_params),
            "visitor": replace(visitor(request), csrf=masked(visitor(request).csrf)),
            "may": visitor(request).may,
            "news": getattr(request.state, "news", self.news.number),
        }
        answer = html(self.templates.get_template(template).render({**around, **values}), status)
        return packed(request.headers, answer)

    async def taught(self, *, is_empty: bool) -> dict[str, Any]:
        """What a page that has nothing to show says beside that: what consent has kept out (`unkept`), and what a first
        call has to say of it (`policy`, of the plan in force)."""
        if not is_empty:
            return {"unkept": "", "policy": DEFAULT}
        return await self.desk.ask(lambda reader: {"unkept": reader.unkept(), "policy": reader.compiled().policy})

    async def warm(self) -> None:
        """Load all templates, one after the other beside what is asked: each takes some ten milliseconds where it was
        not compiled before, and the first page of a kind would wait for its own."""
        for name in self.templates.list_templates(["html"]):
            await asyncio.to_thread(self.templates.get_template, name)

    def csv(self, request: Request, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
        """A table as a file (RFC 4180); what a spreadsheet would take for a formula is text in it."""
        if "export" not in visitor(request).may:
            return Response("this needs the permission to export", 403, HEADERS, "text/plain")
        return csv_file(name, columns, rows)

    def note(self, request: Request, act: str, about: str = "", detail: str = "") -> None:
        """Who did what, into the audit log."""
        self.office.audit.note(self.house.clock.now_us(), self.who(request), act, about, detail)

    def who(self, request: Request) -> str:
        """The name by which an act is noted, and that stands beside it in the log."""
        return visitor(request).name or "this machine"

    def permissions(self, request: Request) -> frozenset[Permission]:
        return visitor(request).may

    def back(self, address: str) -> Response:
        """After an act: to the page that shows it."""
        return RedirectResponse(address, 303, HEADERS)


def turn_of(request: Request) -> str:
    """Which of a visitor's places it is that asks again and again, as its script says (X-Turn); "" of all else."""
    said = request.headers.get("x-turn", "")[:MOST_NAME]
    return f"{visitor(request).name}\n{request.url.path}\n{said}" if said else ""


async def read_form(request: Request) -> FormData | None:
    """The fields of a form or of a script's call (application/x-www-form-urlencoded); None of one that is too large."""
    try:
        body, size = await read_body(request.receive, FORM_BYTES)
        if size > FORM_BYTES:
            return None
        text = body.decode("utf-8", "replace")
        fields: list[tuple[str, str | UploadFile]] = []
        fields += parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
        return FormData(fields)
    except Disconnected:
        return FormData()
    except ValueError:  # More fields than any form of ours has.
        return None


def path_of(request: Request) -> str:
    """The path of this page as it was asked for: what was spelled anew could lead elsewhere ("..", "/", "?")."""
    raw: bytes = request.scope.get("raw_path") or quote(request.url.path).encode()
    return quote(raw.partition(b"?")[0], safe="/%:@+!$&'()*,;=~")


def wants_csv(request: Request) -> bool:
    return request.query_params.get("format") == "csv"


def html(body: str, status: int = 200, headers: Mapping[str, str] = HEADERS) -> Response:
    return Response(body.encode("utf-8", "replace"), status, headers, "text/html")


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([harmless(column) for column in columns])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in name)
    plain = safe[:MOST_NAME] or "table"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{plain}.csv"'}
    return Response(text.getvalue().encode("utf-8", "replace"), 200, headers, "text/csv; charset=utf-8")


def harmless(cell: object) -> object:
    """Text that a spreadsheet would run begins with an apostrophe, also where it would be a cell of its own because the
    spreadsheet parts by semicolons, tabs or lines (OWASP, CSV injection); numbers stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, bool | int | float):
        return cell
    text = _INNER.sub(r"\1'", str(cell).replace("\0", ""))
    return f"'{text}" if _FIRST.match(text) else text


def _is_own_form(request: Request, who: Visitor) -> bool:
    """Synchronizer token (OWASP, CSRF): in the form, or in the header that scripts send."""
    given = request.headers.get("x-csrf-token") or request.state.form.get("csrf", "")
    return isinstance(given, str) and is_token(given, who.csrf)
