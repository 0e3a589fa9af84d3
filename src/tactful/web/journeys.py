"""Journeys by the API: how they stand, what is said of them, who enters, what they brought. Guarded like the read API;
what changes something wants a token, is a record in the log, and is answered when it is durable.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tactful.errors import UsageError
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival
from tactful.events.records import Steer, encode
from tactful.events.verdicts import Refusal
from tactful.operations.journeys import entering, steering
from tactful.operations.reading.reader import Reader
from tactful.web.allowed import author_of
from tactful.web.bodies import Disconnected, read_body
from tactful.web.changes import Submit, accepted, refused
from tactful.web.desk import Desk

AUTHOR = "api"


def routes(
    desk: Desk, submit: Submit, arrive: Callable[[], Arrival], partitions: int, slow: Desk | None = None
) -> list[Route]:
    """GET /v1/journeys[/{name}[/report]]; POST /v1/journeys/{name}/{order} and /enter, /v1/sending/{off|on}. `slow`
    answers what takes seconds, so that nobody else waits for it."""
    api = Journeys(desk, submit, arrive, partitions, slow or desk)
    return [
        Route("/v1/journeys", api.journeys),
        Route("/v1/journeys/{name}", api.journey),
        Route("/v1/journeys/{name}/report", api.report),
        Route("/v1/journeys/{name}/enter", api.enter, methods=["POST"]),
        Route("/v1/journeys/{name}/{order:str}", api.steer, methods=["POST"]),
        Route("/v1/sending/{switch:str}", api.switch, methods=["POST"]),
    ]


class Journeys:
    def __init__(self, desk: Desk, submit: Submit, arrive: Callable[[], Arrival], partitions: int, slow: Desk) -> None:
        self._desk = desk
        self._slow = slow
        self._submit = submit
        self._arrive = arrive
        self._partitions = partitions

    # ---- how they stand ----------------------------------------------------------------------------------------

    async def journeys(self, request: Request) -> Response:
        """With `?inside=true` runs are counted, which looks through all people."""
        is_counted = request.query_params.get("inside") == "true"
        desk = self._slow if is_counted else self._desk
        found = await desk.ask(lambda reader: reader.journeys(counts=is_counted))
        return shown(_values(found))

    async def journey(self, request: Request) -> Response:
        name = request.path_params["name"]
        is_counted = request.query_params.get("inside", "true") == "true"
        desk = self._slow if is_counted else self._desk
        found = await desk.ask(lambda reader: reader.journeys(counts=is_counted, name=name))
        if not found.journeys:
            return refused(404, "not_found", f"there is no journey {name!r}")
        return shown(msgspec.to_builtins(found.journeys[0]))

    async def report(self, request: Request) -> Response:
        """What a journey did; `?from=` and `?to=` bound the moments of the runs."""
        from tactful.operations.reading import measured  # Slow to import, and wanted here only.

        name, asked = request.path_params["name"], request.query_params
        try:
            found = await self._slow.ask(
                lambda reader: measured.ask(reader, name, asked.get("from", ""), asked.get("to", ""))
            )
        except UsageError as error:
            is_unknown = "there is no journey" in str(error)
            return refused(404 if is_unknown else 400, "not_found" if is_unknown else "bad_time", str(error))
        return shown(measured.as_values(found))

    # ---- what is said of them ----------------------------------------------------------------------------------

    async def steer(self, request: Request) -> Response:
        """`pause`, `resume`, `drain` and `stop`."""
        return await self._order(request, request.path_params["name"], request.path_params["order"])

    async def switch(self, request: Request) -> Response:
        """All sending, `off` and `on`."""
        wanted = steering.SWITCH.get(request.path_params["switch"])
        if wanted is None:
            return refused(404, "not_found", "sending is switched off or on")
        return await self._order(request, steering.ALL, wanted)

    async def _order(self, request: Request, name: str, wanted: str) -> Response:
        if wanted not in steering.ORDERS:
            return refused(404, "not_found", f"there is no order {wanted!r}; there are: {', '.join(steering.ORDERS)}")
        said = await body_of(request)
        if isinstance(said, Response):
            return said
        author, reason = author_of(request, said.get("by"), AUTHOR), str(said.get("reason") or "")

        def ask(reader: Reader) -> Steer:
            return steering.order(name, wanted, reader.compiled(), reader.partition_state(), author, reason)

        try:
            record = await self._desk.ask(ask)
        except UsageError as error:
            return refused(404 if "there is no journey" in str(error) else 400, "not_possible", str(error))
        stamped = msgspec.structs.replace(record, received_at=self._arrive().received_at)
        told = {"journey": name or None, "order": wanted, "by": author, "reason": reason}
        return await accepted(self._submit, (0, encode(stamped)), told)

    # ---- who enters --------------------------------------------------------------------------------------------

    async def enter(self, request: Request) -> Response:
        name = request.path_params["name"]
        body = await _bytes_of(request)
        if isinstance(body, Response):
            return body
        try:
            await self._desk.ask(lambda reader: entering.require_call(name, reader.compiled()))
        except UsageError as error:
            is_unknown = "there is no journey" in str(error)
            return refused(404 if is_unknown else 409, "not_found" if is_unknown else "not_callable", str(error))
        call = entering.read_call(body)
        if isinstance(call, Refusal):
            return refused(400, call.code, call.message)
        arrival = self._arrive()
        given = request.headers.get("idempotency-key", "").strip()
        if given and call.message_id and given != call.message_id:
            return refused(400, "bad_entry", "the Idempotency-Key and the messageId are two different ones")
        stands_in = given or entering.derived_id(name, body, arrival.received_at)
        record = entering.enter_of(call, name, arrival.received_at, stands_in, arrival.naming, AUTHOR)
        if isinstance(record, Refusal):
            return refused(400, record.code, record.message)
        told = {"messageId": record.message_id, "identifier": record.key, "journey": name, "key": record.entry_key}
        return await accepted(self._submit, (partition_of(record.key, self._partitions), encode(record)), told)


async def body_of(request: Request) -> dict[str, Any] | Response:
    """A small JSON object, or none at all."""
    body = await _bytes_of(request)
    if isinstance(body, Response):
        return body
    if not body.strip():
        return {}
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return refused(400, "not_json", f"the body is no JSON object: {error}")
    return said if isinstance(said, dict) else refused(400, "not_json", "the body is no JSON object")


def shown(values: Any, status: int = 200) -> Response:
    """JSON that nobody keeps."""
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def _values(found: steering.Journeys) -> dict[str, Any]:
    off = {"since": found.since, "by": found.author, "reason": found.reason} if not found.is_sending else None
    listed: Sequence[Any] = [msgspec.to_builtins(one) for one in found.journeys]
    return {"sending": found.is_sending, "off": off, "journeys": listed}


async def _bytes_of(request: Request) -> bytes | Response:
    try:
        body, size = await read_body(request.receive, entering.BODY_BYTES)
    except Disconnected:
        return Response(status_code=400)
    if size > entering.BODY_BYTES:
        return refused(413, "call_too_large", f"the body is larger than {entering.BODY_BYTES:,} bytes")
    return body
