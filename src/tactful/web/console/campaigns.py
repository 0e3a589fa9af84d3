"""Campaigns: whom a launch would reach, approval of that very version, the launch. Stopping is steering, as of any
journey (journeys.py). Who approves and who launches is who is signed in.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.events.records import Launch
from tactful.operations.journeys import campaigns
from tactful.operations.journeys.campaigns import Approval, Approvals, Status
from tactful.operations.reading.reader import Reader
from tactful.web.console.journeys import append
from tactful.web.console.room import Console, visitor, wants_csv


def routes(console: Console) -> list[BaseRoute]:
    rooms = Campaigns(console)
    return [
        console.route("/journeys/{name}/preview", rooms.preview, may="people"),
        console.route("/journeys/{name}/approve", rooms.approve, may="steer", methods=("POST",)),
        console.route("/journeys/{name}/launch", rooms.launch, may="steer", methods=("POST",)),
    ]


class _Noted:
    """Approvals that are noted before they stand."""

    def __init__(self, approvals: Approvals, note: Callable[[], None]) -> None:
        self.read = approvals.read
        self._approvals, self._note = approvals, note

    def write(self, approvals: Mapping[str, Approval]) -> None:
        self._note()
        self._approvals.write(approvals)


class Campaigns:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def preview(self, request: Request) -> Response:
        """Looks through all people, so it takes a while with millions of them."""
        name = request.path_params["name"]
        try:
            version, found = await self._console.slow.ask(lambda reader: self._console.hands.previewed(reader, name))
            status = await self._console.desk.ask(lambda reader: self._status(reader, name))
        except UsageError as error:
            return await self._refused(request, error)
        if wants_csv(request):
            lines: list[tuple[object, ...]] = []
            for one in found.reach:
                what = {"reached": one.reached, "after quiet hours": one.later, **one.reasons}
                lines += [(one.step, one.channel, one.message, *each) for each in what.items()]
            columns = ("step", "channel", "message", "what", "people")
            return self._console.csv(request, f"{name}-preview", columns, lines)
        return await self._console.page(
            request, "journeys/preview.html", name=name, version=version, found=found, campaign=status
        )

    def _status(self, reader: Reader, name: str) -> Status:
        plan, state = reader.compiled(), reader.plan_state()
        return campaigns.status(name, plan, state, reader.partitions(), self._console.hands.approvals)

    async def approve(self, request: Request) -> Response:
        """Of the version that was looked at, which stands in the form."""
        name, form = request.path_params["name"], await self._console.form(request)
        version, note = str(form.get("version", "")), str(form.get("note", "")).strip()
        by, now_us = visitor(request).name, self._console.house.clock.now_us()

        def ask(reader: Reader) -> Approval:
            plan, state = reader.compiled(), reader.plan_state()
            said = f"version {version}{f': {note}' if note else ''}"
            approvals = _Noted(
                self._console.hands.approvals,
                lambda: self._console.note(request, "approve", f"journeys/{name}", said),
            )
            return campaigns.approve(name, by, version, plan, state, approvals, now_us, note)

        try:
            if not version:
                raise UsageError("an approval is of a version: look at the preview, and approve that")
            await self._console.desk.ask(ask)
        except UsageError as error:
            return await self._refused(request, error)
        return self._console.back(f"/journeys/{quote(name)}/preview")

    async def launch(self, request: Request) -> Response:
        name, by = request.path_params["name"], visitor(request).name

        def ask(reader: Reader) -> Launch:
            plan, state, known = reader.compiled(), reader.plan_state(), reader.partition_state()
            return campaigns.launch(name, by, plan, state, known, self._console.hands.approvals)

        try:
            record = await self._console.desk.ask(ask)
        except UsageError as error:
            return await self._refused(request, error)
        self._console.note(request, "launch", f"journeys/{name}", f"version {record.version}")
        answer = await append(self._console, request, record)
        if answer is not None:
            return answer
        return self._console.back(f"/journeys/{quote(name)}")

    async def _refused(self, request: Request, error: UsageError) -> Response:
        name, is_unknown = request.path_params["name"], "there is no campaign" in str(error)
        status = 404 if is_unknown else 409
        return await self._console.page(request, "journeys/refused.html", status, name=name, error=str(error))
