"""What the API changes: traits of a person, and ties. Guarded like the read API; what changes something wants a token.

Everything is a record in the log: the answer says that it is durable, not that it has been applied.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.errors import TransientError, UsageError
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival, encode_draft
from tactful.events.verdicts import Refusal
from tactful.operations.people import patching, unmerging
from tactful.runtime.intake import Busy
from tactful.web.allowed import author_of
from tactful.web.bodies import Disconnected, read_body
from tactful.web.desk import Desk

Submit = Callable[[Sequence[tuple[int, bytes]]], Awaitable[None]]
"""Intake.submit: returns when the (partition, record) pairs are durable."""
BODY_BYTES = patching.SOURCE.event_bytes
_RETRY_S = 2


def routes(desk: Desk, submit: Submit, arrive: Callable[[], Arrival], partitions: int) -> list[Route]:
    """PATCH /v1/profiles/{id} and POST /v1/profiles/{id}/unmerge; `arrive` gives what calls of the source `api` share
    (patching.SOURCE), with the time."""
    changes = Changes(desk, submit, arrive, partitions)
    return [
        Route("/v1/profiles/{person:path}/unmerge", changes.unmerge, methods=["POST"]),
        Route("/v1/profiles/{person:path}", changes.patch, methods=["PATCH"]),
    ]


class Changes:
    def __init__(self, desk: Desk, submit: Submit, arrive: Callable[[], Arrival], partitions: int) -> None:
        self._desk = desk
        self._submit = submit
        self._arrive = arrive
        self._partitions = partitions

    async def patch(self, request: Request) -> Response:
        try:
            body, size = await read_body(request.receive, BODY_BYTES)
        except Disconnected:
            return Response(status_code=400)
        if size > BODY_BYTES:
            return refused(413, "call_too_large", f"the body is larger than {BODY_BYTES:,} bytes")
        given = request.headers.get("idempotency-key", "").strip()
        drafted = patching.draft(request.path_params["person"], body, given, self._arrive())
        if isinstance(drafted, Refusal):
            return refused(413 if drafted.code == "event_too_large" else 400, drafted.code, drafted.message)
        record = (partition_of(drafted.key, self._partitions), encode_draft(drafted))
        return await accepted(self._submit, record, {"messageId": drafted.message_id, "identifier": drafted.key})

    async def unmerge(self, request: Request) -> Response:
        person, now_us = request.path_params["person"], self._arrive().received_at
        if await self._desk.ask(lambda reader: reader.find(person)) is None:
            return refused(404, "not_found", "nobody is known by this identifier")
        try:
            wanted = await self._desk.ask(lambda reader: reader.tie(person))
        except UsageError as error:
            return refused(409, "not_tied", str(error))
        told: dict[str, object] = {
            "identifier": wanted.key,
            "person": wanted.owner,
            "returning": list(wanted.returning),
        }
        record = unmerging.record(wanted, now_us, author_of(request, "", "api"), self._partitions)
        return await accepted(self._submit, record, told)


async def accepted(submit: Submit, record: tuple[int, bytes], told: Mapping[str, object]) -> Response:
    """Put a record into the log; 202 with what is told of it when it is durable, else when to come back."""
    try:
        await submit([record])
    except Busy as busy:
        return refused(429, "busy", str(busy), busy.retry_after_s)
    except TransientError as error:
        return refused(503, "unavailable", str(error), _RETRY_S)
    return Response(json.dumps(told), 202, {"Cache-Control": "no-store"}, "application/json")


def refused(status: int, code: str, message: str, retry_after_s: int = 0) -> Response:
    """`{"code", "message"}`."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    return JSONResponse({"code": code, "message": message}, status, headers)
