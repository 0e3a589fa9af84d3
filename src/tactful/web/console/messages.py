"""Messages: what each says and what it does. A preview is made as any message is, for sample people or for a real one;
a test goes to testers only, by the same channel, and counts nowhere (operations/messages/proofs.py).
"""

import asyncio
import secrets
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.kernel.definitions import Definitions
from tactful.messages.definition import Message
from tactful.operations.journeys.tallies import EVER
from tactful.operations.reading.reader import Reader
from tactful.web.console.mail_frame import answer, shown
from tactful.web.console.reports import Question, written_to
from tactful.web.console.room import Console, visitor, wants_csv

if TYPE_CHECKING:
    from tactful.operations.messages.rendering import Preview  # Slow to import, and wanted here only.

WIDTHS = (390, 700)
"""Of a phone, and of the column in which mail programs on a desktop show a mail."""
RESPONSES = ("opened", "clicked", "unsubscribed", "complained", "bounced")


def routes(console: Console) -> list[BaseRoute]:
    rooms = Messages(console)
    return [
        console.route("/messages", rooms.all),
        console.route("/messages/{name}", rooms.message),
        console.route("/messages/{name}/html", rooms.html),
        console.route("/messages/{name}/test", rooms.test, may="send", methods=("POST",)),
    ]


class Did(Struct):
    """What became of a message, over all journeys that send it."""

    sent: int = 0
    people: int = 0
    responses: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(RESPONSES, 0))
    """People, by kind."""


class Wanted(Struct, frozen=True):
    """What a preview is asked to show; each from the address of the page."""

    sample: int = 0
    person: str = ""
    variant: str = ""
    language: str = ""
    scheme: str = "light"
    loads: bool = False

    def query(self, **other: str) -> str:
        """As the query of an address, with something else in it."""
        said = {
            "sample": str(self.sample) if self.sample and not self.person else "",
            "person": self.person,
            "variant": self.variant,
            "language": self.language,
            "scheme": self.scheme if self.scheme != "light" else "",
            "pictures": "yes" if self.loads else "",
            **other,
        }
        return urlencode({name: text for name, text in said.items() if text})


class Messages:
    def __init__(self, console: Console) -> None:
        self._console = console

    # ---- all of them

    async def all(self, request: Request) -> Response:
        definitions = await self._definitions()
        if definitions is None or not definitions.messages:
            return await self._console.page(request, "messages/list.html", rows=[], is_coming=False)
        did, is_coming = await self._did(definitions)
        rows = [
            (one, sent_by(definitions, name), did.get(name, Did()))
            for name, one in sorted(definitions.messages.items())
        ]
        if wants_csv(request):
            columns = ("message", "channel", "journeys", "sent", "people", *RESPONSES)
            lines = [
                (one.name, one.channel, " ".join(journeys), each.sent, each.people, *each.responses.values())
                for one, journeys, each in rows
            ]
            return self._console.csv(request, "messages", columns, lines)
        return await self._console.page(request, "messages/list.html", rows=rows, is_coming=is_coming)

    async def _definitions(self) -> Definitions | None:
        version = await self._console.desk.ask(lambda reader: reader.compiled().version)
        return await self._console.defined.ask(version)

    async def _did(self, definitions: Definitions) -> tuple[dict[str, Did], bool]:
        """By message, from the reports of the journeys that send it; and whether some of them are being computed."""
        names = sorted({journey.name for journey in definitions.journeys.values() if any(journey.sends())})
        written = await self._console.desk.ask(written_to)
        asked = (self._console.reports.ask(Question(name, *EVER), written) for name in names)
        did: dict[str, Did] = {}
        found = await asyncio.gather(*asked)
        for each in found:
            for step in each.kept.report.steps if each.kept is not None else ():
                one = did.setdefault(step.message, Did())
                one.sent += step.sent
                one.people += step.people
                for kind in RESPONSES:
                    one.responses[kind] += step.responses[kind].people
        return did, any(each.is_coming for each in found)

    # ---- one

    async def message(self, request: Request) -> Response:
        found = await self._found(request)
        if found is None:
            return await self._console.page(
                request, "messages/nobody.html", 404, name=request.path_params["name"], problem=""
            )
        message, definitions = found
        wanted, error = self._wanted(request), ""
        preview: Preview | None = None
        try:
            preview = await self._preview(message, definitions, wanted)
        except UsageError as refusal:
            error = str(refusal)
        did, is_coming = await self._did(definitions)
        return await self._console.page(
            request,
            "messages/message.html",
            message=message,
            journeys=sent_by(definitions, message.name),
            did=did.get(message.name, Did()),
            is_coming=is_coming,
            preview=preview,
            error=error,
            wanted=wanted,
            widths=WIDTHS,
            samples=await self._samples(message, definitions),
            languages=languages_of(message),
            testers=self._console.house.settings.workspace.testers,
            test=request.query_params.get("test", ""),
            values=_told(preview.values) if preview is not None else "",
        )

    async def html(self, request: Request) -> Response:
        """The HTML part alone, for a frame."""
        found = await self._found(request)
        try:
            preview = await self._preview(*found, self._wanted(request)) if found is not None else None
        except UsageError as refusal:
            return answer(f"<p>{escape(str(refusal))}</p>")
        if preview is None or preview.mail is None or not preview.mail.html:
            return answer("<p>It has no HTML part.</p>")
        wanted, site = self._wanted(request), self._console.house.settings.workspace.site_url
        html = await asyncio.to_thread(shown, preview.mail.html, site, self._console.project, wanted.scheme)
        return answer(html, loads=wanted.loads)

    async def test(self, request: Request) -> Response:
        found = await self._found(request)
        if found is None:
            return self._console.back("/messages")
        message, definitions = found
        form = await self._console.form(request)
        to, wanted = str(form.get("to", "")), self._wanted(request)
        try:
            preview = await self._preview(message, definitions, wanted)
            said = await self._send(request, message, preview, to)
        except UsageError as refusal:
            said = str(refusal)
        return self._console.back(f"/messages/{quote(message.name)}?{wanted.query(test=said or f'sent to {to}')}#test")

    async def _send(self, request: Request, message: Message, preview: "Preview", to: str) -> str:
        """What went wrong; "" where it was sent."""
        from tactful.operations.messages import proofs  # Likewise.

        address = proofs.refuse_stranger(message, to, self._console.house.settings.workspace.testers)
        now_us, source = self._console.house.clock.now_us(), proofs.marked(message)
        claim = proofs.proof(source, preview.values, address, f"test{secrets.token_hex(12)}", now_us)
        self._console.note(request, "send_test", f"messages/{message.name}", to)
        return (await asyncio.to_thread(self._console.hands.prove, claim, source.encode())).problem

    async def _found(self, request: Request) -> tuple[Message, Definitions] | None:
        definitions = await self._definitions()
        message = definitions.messages.get(request.path_params["name"]) if definitions is not None else None
        return (message, definitions) if message is not None and definitions is not None else None

    def _wanted(self, request: Request) -> Wanted:
        """Real people only for who may see people."""
        asked = request.query_params
        sample = asked.get("sample", "")
        return Wanted(
            sample=int(sample) if sample.isdecimal() and len(sample) < 4 else 0,
            person=asked.get("person", "").strip() if "people" in visitor(request).may else "",
            variant=asked.get("variant", ""),
            language=asked.get("language", ""),
            scheme="dark" if asked.get("scheme") == "dark" else "light",
            loads=asked.get("pictures") == "yes",
        )

    async def _samples(self, message: Message, definitions: Definitions) -> list[str]:
        from tactful.operations.messages.rehearsing import sample_people  # Likewise.

        workspace = self._console.around.workspace
        found = await asyncio.to_thread(sample_people, definitions, message, workspace)
        return [one.about for one in found]

    async def _preview(self, message: Message, definitions: Definitions, wanted: Wanted) -> "Preview":
        """Raises UsageError where it cannot be made."""
        from tactful.operations.messages import rendering  # Likewise.
        from tactful.operations.messages.rehearsing import sample_people

        asked = rendering.Asked(wanted.variant, wanted.language)
        settings, now_us = self._console.house.settings, self._console.house.clock.now_us()
        site, workspace = settings.workspace.site_url, settings.workspace.name

        def make(reader: Reader) -> "Preview":
            if not wanted.person:
                people = sample_people(definitions, message, workspace)
                sample = people[min(wanted.sample, len(people) - 1)]
                return rendering.of_a_sample(
                    message, definitions, asked, site_url=site, workspace=workspace, sample=sample
                )
            profile = reader.find(wanted.person)
            if profile is None:
                raise UsageError(f"nobody is known as {wanted.person}")
            plan = reader.plan_state()
            return rendering.of_a_person(message, profile, plan, asked, now_us, site_url=site, workspace=workspace)

        return await self._console.slow.ask(make)


def sent_by(definitions: Definitions, name: str) -> list[str]:
    """The journeys that send a message."""
    return [
        journey.name
        for journey in definitions.journeys.values()
        if any(step.message == name and step.channel != "webhook" for step in journey.sends())
    ]


def languages_of(message: Message) -> list[str]:
    return sorted({*message.translations, *(tag for one in message.variants for tag in one.translations)})


def _told(values: Mapping[str, Any]) -> str:
    """What it was rendered from, as JSON."""
    return msgspec.json.format(msgspec.json.encode(values, enc_hook=str), indent=2).decode("utf-8", "replace")
