"""/openapi.json: all HTTP routes of this server as OpenAPI 3.1."""

from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.web import collect_openapi, openapi_journeys

_ANSWER = {"content": {"application/json": {"schema": {"type": "object"}}}}


def _get(summary: str, *parameters: str, guarded: bool = True) -> dict[str, Any]:
    """A route that reads; guarded ones answer on loopback, or with an administrator's token."""
    answers = {"200": {"description": "What was asked for", **_ANSWER}}
    if guarded:
        answers["403"] = {"description": "Not from this machine, and no token"}
    if parameters:
        answers["404"] = {"description": "There is none"}
    given = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters]
    security: dict[str, Any] = {"security": [{"administrator": []}, {}]} if guarded else {}
    return {"get": {"summary": summary, "parameters": given, "responses": answers, **security}}


def _change(summary: str, body: dict[str, Any] | None, answers: dict[str, str]) -> dict[str, Any]:
    """A route that changes something of a person; it always wants a token."""
    responses = {status: {"description": text, **_ANSWER} for status, text in answers.items()}
    responses |= {
        "401": {"description": "No administrator's token", **_ANSWER},
        "429": {"description": "The log has fallen behind; come back after Retry-After", **_ANSWER},
        "503": {"description": "It could not be made durable; come back after Retry-After", **_ANSWER},
    }
    given = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    described: dict[str, Any] = {"summary": summary, "parameters": given, "responses": responses}
    if body is not None:
        given.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}})
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {**described, "security": [{"administrator": []}]}


_PATCH = {
    "type": "object",
    "required": ["traits"],
    "additionalProperties": False,
    "properties": {
        "traits": {"type": "object", "minProperties": 1, "description": "null clears a trait"},
        "messageId": {"type": "string", "description": "Sent again, it changes nothing; as the Idempotency-Key"},
    },
}
_BOUNCE = {
    "200": "What it told, which is durable; nothing of a mail that is no bounce",
    "413": "It is too large",
    "503": "It cannot be stored now",
}
PATHS = {
    "/v1/profiles": _get("People who did something last, the newest first"),
    "/v1/profiles/{id}": {
        **_get("Identifiers, traits, segments, permits and runs of the person whose identifier this is", "id"),
        "patch": _change(
            "Set traits of a person, as an identify call of a server",
            _PATCH,
            {"202": "It is durable, and will be applied", "400": "What is wrong with it", "413": "It is too large"},
        ),
    },
    "/v1/profiles/{id}/unmerge": {
        "post": _change(
            "Make an identifier a person of its own again",
            None,
            {"202": "It is durable; what goes back", "404": "There is none", "409": "It belongs to nobody else"},
        )
    },
    "/v1/explain/{id}": _get("The story of a person, with the reasons; ?journey= tells the runs of that one", "id"),
    "/v1/outbox": _get("Messages and webhooks, the newest first"),
    "/v1/outbox/{intent}": _get("One message or webhook", "intent"),
    "/v1/responses": _get("How often links and pixels of mails were asked for since the start"),
    "/v1/bounces": {
        "post": {
            **_change("Take one mail that came back, as it came (message/rfc822)", None, _BOUNCE),
            "parameters": [
                {"name": "to", "in": "query", "schema": {"type": "string"}, "description": "The address it came to"}
            ],
        }
    },
    "/healthz": _get("Is the process alive?", guarded=False),
    "/readyz": _get("Can it answer?", guarded=False),
    "/metrics": _get("Counts for Prometheus (text)"),
}


def document() -> dict[str, Any]:
    """The whole description."""
    components = dict(collect_openapi.COMPONENTS)
    schemes = {**components.get("securitySchemes", {}), "administrator": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tactful", "version": version("tactful"), "license": {"name": "Apache-2.0"}},
        "paths": {**collect_openapi.PATHS, **PATHS, **openapi_journeys.PATHS},
        "components": {**components, "securitySchemes": schemes},
    }


async def _show(request: Request) -> Response:
    return JSONResponse(document())


ROUTE = Route("/openapi.json", _show)
