"""Campaigns by the API: how they stand, whom they would reach, approval, launch, stop. Guarded like the read API."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import UsageError
from tactful.events.intake import Arrival
from tactful.events.records import Launch, Steer, encode
from tactful.operations.journeys import campaigns, steering
from tactful.operations.journeys.campaigns import Approval, Approvals, Status
from tactful.operations.reading.reader import Reader
from tactful.web.allowed import author_of
from tactful.web.changes import Submit, accepted, refused
from tactful.web.desk import Desk
from tactful.web.journeys import AUTHOR, body_of, shown

Preview = Callable[[Reader, str], dict[str, object]]
"""operations/reading/previewed.py, over what app/ has opened."""


def routes(
    desk: Desk, slow: Desk, submit: Submit, arrive: Callable[[], Arrival], approvals: Approvals, preview: Preview
) -> list[Route]:
    """GET /v1/campaigns[/{name}[/preview]]; POST /v1/campaigns/{name}/{approve|launch|stop}. `slow` answers what looks
    through all people."""
    api = Campaigns(desk, slow, submit, arrive, approvals, preview)
    return [
        Route("/v1/campaigns", api.listed),
        Route("/v1/campaigns/{name}", api.status),
        Route("/v1/campaigns/{name}/preview", api.preview),
        Route("/v1/campaigns/{name}/approve", api.approve, methods=["POST"]),
        Route("/v1/campaigns/{name}/launch", api.launch, methods=["POST"]),
        Route("/v1/campaigns/{name}/stop", api.stop, methods=["POST"]),
    ]


class Campaigns:
    def __init__(
        self,
        desk: Desk,
        slow: Desk,
        submit: Submit,
        arrive: Callable[[], Arrival],
        approvals: Approvals,
        preview: Preview,
    ) -> None:
        self._desk, self._slow = desk, slow
        self._submit, self._arrive = submit, arrive
        self._approvals, self._preview = approvals, preview

    async def listed(self, _request: Request) -> Response:
        def ask(reader: Reader) -> list[Status]:
            plan = reader.compiled()
            names = sorted(rule.name for rule in plan.journeys.values() if rule.is_campaign)
            told = (plan, reader.plan_state(), reader.partitions(), self._approvals) if names else None
            return [campaigns.status(name, *told) for name in names] if told is not None else []

        return shown({"campaigns": [msgspec.to_builtins(one) for one in await self._desk.ask(ask)]})

    async def status(self, request: Request) -> Response:
        name = request.path_params["name"]

        def ask(reader: Reader) -> Status:
            return campaigns.status(name, reader.compiled(), reader.plan_state(), reader.partitions(), self._approvals)

        try:
            return shown(msgspec.to_builtins(await self._desk.ask(ask)))
        except UsageError as error:
            return _refused(error)

    async def preview(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            return shown(await self._slow.ask(lambda reader: self._preview(reader, name)))
        except UsageError as error:
            return _refused(error)

    async def approve(self, request: Request) -> Response:
        """`{"by"?, "version"?, "note"?}`; durable when it is answered."""
        said = await body_of(request)
        if isinstance(said, Response):
            return said
        name, now_us = request.path_params["name"], self._arrive().received_at
        by, version, note = (
            author_of(request, said.get("by")),
            str(said.get("version") or ""),
            str(said.get("note") or ""),
        )

        def ask(reader: Reader) -> Approval:
            plan, state = reader.compiled(), reader.plan_state()
            return campaigns.approve(name, by, version, plan, state, self._approvals, now_us, note)

        try:
            done = await self._desk.ask(ask)
        except UsageError as error:
            return _refused(error)
        return shown({"campaign": name, "version": done.version, "approvedBy": done.by})

    async def launch(self, request: Request) -> Response:
        """`{"by"?}`."""
        said = await body_of(request)
        if isinstance(said, Response):
            return said
        name, by = request.path_params["name"], author_of(request, said.get("by"))

        def ask(reader: Reader) -> Launch:
            state, known = reader.plan_state(), reader.partition_state()
            return campaigns.launch(name, by, reader.compiled(), state, known, self._approvals)

        try:
            record = await self._desk.ask(ask)
        except UsageError as error:
            return _refused(error)
        told = {"campaign": name, "version": record.version, "by": record.author, "approvedBy": record.approved_by}
        stamped = msgspec.structs.replace(record, received_at=self._arrive().received_at)
        return await accepted(self._submit, (0, encode(stamped)), told)

    async def stop(self, request: Request) -> Response:
        """`{"by"?, "reason"?}`."""
        said = await body_of(request)
        if isinstance(said, Response):
            return said
        name = request.path_params["name"]
        author, reason = author_of(request, said.get("by"), AUTHOR), str(said.get("reason") or "")

        def ask(reader: Reader) -> Steer:
            plan = reader.compiled()
            campaigns.campaign(name, plan)
            return steering.order(name, "stop", plan, reader.partition_state(), author, reason)

        try:
            record = await self._desk.ask(ask)
        except UsageError as error:
            return _refused(error)
        stamped = msgspec.structs.replace(record, received_at=self._arrive().received_at)
        return await accepted(self._submit, (0, encode(stamped)), {"campaign": name, "order": "stop"})


def _refused(error: UsageError) -> Response:
    is_unknown = "there is no campaign" in str(error)
    return refused(404 if is_unknown else 409, "not_found" if is_unknown else "not_possible", str(error))
