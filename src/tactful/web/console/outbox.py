"""Outbox: what waits, what was sent and what was not, with the reason; a mail as a mail client would show it.

A mail is shown in a frame that may run nothing, load nothing and reach nothing. Held means that nobody knows whether it
was sent: whoever has looked releases it or drops it here.
"""

import asyncio
import re
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.kernel.addresses import readable
from tactful.operations.messages import outbox as operations
from tactful.operations.messages import suppressions
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import OutboxRow
from tactful.web import wording
from tactful.web.console import mail_frame
from tactful.web.console.room import Console, wants_csv
from tactful.web.mailview import read_mail

STATUSES = ("waiting", "claimed", "sent", "held", "refused", "rejected", "lapsed", "dropped")
ROWS = 50
EXPORTED = 10_000
AT_ONCE = 1_000
"""Held messages that one press releases or drops."""
_DONE = re.compile(r"[0-9]{1,6}")


def routes(console: Console) -> list[BaseRoute]:
    outbox, suppressed = Outbox(console), Suppressions(console)
    return [
        console.route("/outbox", outbox.index, may="people"),
        console.route("/outbox/release", outbox.release, may="send", methods=("POST",)),
        console.route("/outbox/drop", outbox.drop, may="send", methods=("POST",)),
        console.route("/outbox/suppressions", suppressed.index, may="people"),
        console.route("/outbox/suppressions/add", suppressed.add, may="send", methods=("POST",)),
        console.route("/outbox/suppressions/remove", suppressed.remove, may="privacy", methods=("POST",)),
        console.route("/outbox/{intent}", outbox.message, may="people"),
        console.route("/outbox/{intent}/html", outbox.html, may="people"),
    ]


class Outbox:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def index(self, request: Request) -> Response:
        asked = request.query_params
        status = asked.get("status", "") if asked.get("status", "") in STATUSES else ""
        person, before = asked.get("q", "").strip(), _number(asked.get("before", ""))
        limit = EXPORTED if wants_csv(request) else ROWS
        rows, counts, knows = await self._console.desk.ask(
            lambda reader: (
                reader.messages(status or None, person, before, limit),
                reader.outbox.counts(),
                not person or reader.find(person) is not None,
            )
        )
        if wants_csv(request):
            values = [operations.as_values(row) for row in rows]
            columns = list(values[0]) if values else ["intent"]
            return self._console.csv(request, "outbox", columns, (list(one.values()) for one in values))
        following = {"status": status, "q": person, "before": str(rows[-1].intent.due)} if len(rows) == ROWS else {}
        return await self._console.page(
            request,
            "outbox/list.html",
            rows=rows,
            counts=counts,
            chosen=status,
            statuses=STATUSES,
            person=person,
            knows=knows,
            older="?" + urlencode({name: text for name, text in following.items() if text}) if following else "",
            done=_done(request),
            **await self._console.taught(is_empty=not rows),
        )

    async def message(self, request: Request) -> Response:
        intent, desk = request.path_params["intent"], self._console.desk
        row, raw = await desk.ask(lambda reader: self._message(reader, intent))
        if row is None:
            return await self._console.page(request, "nothing.html", 404)
        responses = await desk.ask(lambda reader: reader.responses(row)) if row.status == "sent" else ()
        mail = read_mail(raw) if raw else None
        return await self._console.page(
            request, "outbox/message.html", row=row, mail=mail, responses=responses, done=_done(request)
        )

    def _message(self, reader: Reader, intent: str) -> tuple[OutboxRow | None, bytes | None]:
        row = reader.outbox.row(intent)
        return row, self._console.mail(intent) if row is not None and row.intent.channel == "email" else None

    async def html(self, request: Request) -> Response:
        """The HTML part alone, for the frame."""
        intent = request.path_params["intent"]
        _, raw = await self._console.desk.ask(lambda reader: self._message(reader, intent))
        mail = read_mail(raw) if raw else None
        if mail is None or not mail.html:
            return await self._console.page(request, "nothing.html", 404)
        site = self._console.house.settings.workspace.site_url
        shown = await asyncio.to_thread(mail_frame.shown, mail.html, site, self._console.project)
        return mail_frame.answer(shown)

    # ---- what somebody decides of those that are held

    async def release(self, request: Request) -> Response:
        house, intents = self._console.house, await self._meant(request)
        self._note(request, "release", intents)
        done = await asyncio.to_thread(operations.release, house.outbox, house.bells, house.clock, intents)
        return self._told(intents, done)

    async def drop(self, request: Request) -> Response:
        house, intents = self._console.house, await self._meant(request)
        reason = f"dropped by {self._console.who(request)}"
        self._note(request, "drop", intents)
        done = await asyncio.to_thread(operations.drop, house.outbox, house.bells, house.clock, intents, reason)
        return self._told(intents, done)

    async def _meant(self, request: Request) -> list[str]:
        """One message, or all that are held."""
        intent = str((await self._console.form(request)).get("intent", ""))
        if intent:
            return [intent]
        rows = await self._console.desk.ask(lambda reader: reader.outbox.rows("held", None, None, AT_ONCE))
        return [row.intent.intent for row in rows]

    def _note(self, request: Request, act: str, intents: list[str]) -> None:
        about = f"outbox/{intents[0]}" if len(intents) == 1 else "outbox"
        self._console.note(request, act, about, "" if len(intents) == 1 else f"{len(intents)} messages")

    def _told(self, intents: list[str], done: operations.Done) -> Response:
        told = urlencode({"changed": len(done.changed), "of": len(intents)})
        return self._console.back(
            f"/outbox/{wording.path(intents[0])}?{told}" if len(intents) == 1 else f"/outbox?{told}"
        )


class Suppressions:
    """Addresses to which nothing goes, whoever they belong to."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def index(self, request: Request) -> Response:
        console, wanted = self._console, request.query_params.get("q", "").strip()
        listed = await asyncio.to_thread(suppressions.listed, console.house.outbox)
        found = [one for one in reversed(listed) if not wanted or wanted.lower() in one.address.lower()]
        if wants_csv(request):
            rows = ((one.address, one.reason, one.since) for one in found)
            return console.csv(request, "suppressions", suppressions.EXPORTED, rows)
        return await console.page(
            request,
            "outbox/suppressions.html",
            found=found[:ROWS],
            number=len(found),
            total=len(listed),
            wanted=wanted,
            problem=request.query_params.get("problem", "") == "address",
        )

    async def add(self, request: Request) -> Response:
        console, form = self._console, await self._console.form(request)
        said, reason = str(form.get("address", "")).strip(), " ".join(str(form.get("reason", "")).split())
        address = readable(said)
        if address is None:
            return console.back("/outbox/suppressions?problem=address")
        house, why = console.house, reason[: suppressions.REASON_CHARS] or f"by {console.who(request)}"
        console.note(request, "suppress", address, why)
        await asyncio.to_thread(house.outbox.suppress, address, why, house.clock.now_us())
        return console.back("/outbox/suppressions")

    async def remove(self, request: Request) -> Response:
        console, form = self._console, await self._console.form(request)
        outbox, said = console.house.outbox, str(form.get("address", ""))
        address = readable(said)
        listed = await asyncio.to_thread(outbox.suppressions)
        if address is None or all(address != one for one, _, _ in listed):
            return console.back("/outbox/suppressions?problem=address")
        console.note(request, "allow", address)
        await asyncio.to_thread(outbox.release_address, address)
        return console.back("/outbox/suppressions")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _done(request: Request) -> dict[str, str]:
    """What an act before this page has done: numbers, so that a link cannot put words here."""
    given = {name: request.query_params.get(name, "") for name in ("changed", "of")}
    return given if all(_DONE.fullmatch(text) for text in given.values()) else {}
