"""/openapi.json: all HTTP routes of this server as OpenAPI 3.1."""

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.web import collect_openapi, openapi_journeys
from tactful.web.openapi_examples import with_examples

NOTHING: Mapping[str, str] = MappingProxyType({})
_ANSWER = {"content": {"application/json": {"schema": {"type": "object"}}}}


def _get(summary: str, *parameters: str, guarded: bool = True, query: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """A route that reads; guarded ones answer on loopback, or with an administrator's token. `query` says what may be
    asked behind the ?."""
    answers = {"200": {"description": "What was asked for", **_ANSWER}}
    if guarded:
        answers["403"] = {"description": "Not from this machine, and no token"}
    if parameters:
        answers["404"] = {"description": "There is none"}
    given: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
    ]
    given += [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in query.items()
    ]
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


def _door(summary: str, answer: str, *parameters: str, refused: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """What a mail, or a provider, leads to: the path or a signature is the permission."""
    answers = {status: {"description": text} for status, text in refused.items()}
    given = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters]
    return {"summary": summary, "parameters": given, "responses": {"200": {"description": answer}, **answers}}


_TOKEN = {"404": "No such token, or one that was altered"}
_LIMIT = {"limit": "How many at most"}
_THEN = {
    "at": "When (ISO 8601); else now",
    "sees": "`known`: by what was known then; `happened`: by what had happened until then",
}
_PAGED = {"after": "People behind this one, in the order of their names", **_LIMIT}
_PATCH = {
    "type": "object",
    "required": ["traits"],
    "additionalProperties": False,
    "properties": {
        "traits": {"type": "object", "minProperties": 1, "description": "null clears a trait"},
        "messageId": {"type": "string", "description": "Sent again, it changes nothing; as the Idempotency-Key"},
    },
}
_PREVIEW = {
    "type": "object",
    "required": ["expression"],
    "properties": {
        "expression": {"type": "string", "description": "A condition or a value over a person, as in a segment"},
        "at": {"type": "string", "description": "As it was known then (ISO 8601); else now"},
        "days": {"type": "integer", "description": "So far back it is asked as well, day by day: 30; 0 is not at all"},
        "sees": {
            "type": "string",
            "enum": ["known", "happened"],
            "description": "By what was known then, or by what had happened until then, whenever it came in",
        },
    },
}
_BOUNCE = {
    "200": "What it told, which is durable; nothing of a mail that is no bounce",
    "413": "It is too large",
    "503": "It cannot be stored now",
}
_BACKTEST = {
    "type": "object",
    "required": ["journey"],
    "additionalProperties": False,
    "properties": {
        "journey": {"type": "string", "description": "Its name"},
        "text": {"type": "string", "description": "What its file says; else what it says in the project"},
        "from": {"type": "string", "description": "From when on it is in force (ISO 8601); else 30 days"},
        "to": {"type": "string", "description": "Up to when; else the end of history"},
        "against": {"type": "string", "enum": ["", "published", "without"], "description": "Beside what"},
        "other": {"type": "string", "description": "The text of another version, to be compared with"},
        "files": {
            "type": "object",
            "additionalProperties": {"type": ["string", "null"]},
            "description": "Other definitions as they would be, by path: what is in force keeps its own; null: removed",
        },
        "orders": {
            "type": "boolean",
            "description": "It is paused, stopped and launched, and all sending switched off and on, when it was",
        },
    },
}
PATHS = {
    "/v1/profiles": _get("People who did something last, the newest first", query=_LIMIT),
    "/v1/profiles/{id}": {
        **_get(
            "Identifiers, traits, segments, permits and runs of the person whose identifier this is; with `at` what "
            "the profile looked like then",
            "id",
            query=_THEN,
        ),
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
    "/v1/segments/{name}/members": _get(
        "Who was in a segment at an instant, and in which version of it", "name", query={**_THEN, **_PAGED}
    ),
    "/v1/members": _get(
        "For whom a condition held at an instant",
        query={"when": "The condition, as in a segment", **_THEN, **_PAGED},
    ),
    "/v1/explain/{id}": _get(
        "The story of a person, with the reasons; or the runs through one journey",
        "id",
        query={"journey": "Only the runs through this one", "limit": "How many steps at most"},
    ),
    "/v1/outbox": _get(
        "Messages and webhooks, the newest first",
        query={
            "status": "waiting, claimed, sent, refused, rejected, lapsed, held or dropped",
            "person": "By any identifier",
            "before": "Due before this instant (ISO 8601)",
            **_LIMIT,
        },
    ),
    "/v1/outbox/{intent}": _get("One message or webhook", "intent"),
    "/v1/outbox/{intent}/mail": {
        "get": {
            **_get("A mail as it was sent (message/rfc822), where the local outbox keeps it", "intent")["get"],
            "responses": {"200": {"description": "The mail"}, "404": {"description": "None is kept here"}},
        }
    },
    "/v1/preview": {
        "post": {
            **_get("For how many people an expression holds, now and day by day, and how its values lie over people")[
                "get"
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _PREVIEW}}},
        }
    },
    "/v1/backtests": {
        **_get("Backtests that were asked for lately, without what they found"),
        "post": {
            "summary": "Play a journey over the history; nothing is sent or changed",
            "parameters": [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _BACKTEST}}},
            "responses": {
                "202": {"description": "Its number: ask for it until it is done", **_ANSWER},
                "400": {"description": "What is wrong with it", **_ANSWER},
                "403": {"description": "Not from this machine, and no token"},
            },
            "security": [{"administrator": []}, {}],
        },
    },
    "/v1/backtests/{number}": {
        **_get("How far a backtest is, and what it found", "number"),
        "delete": {
            **_get("", "number")["get"],
            "summary": "Stop a backtest",
            "responses": {
                "202": {"description": "It stops", **_ANSWER},
                "404": {"description": "There is none that could be stopped", **_ANSWER},
            },
        },
    },
    "/v1/backtests/{number}/lines": _get(
        "The lines that a number of a backtest counts, in order of time; other fields name which of them",
        "number",
        query={
            "what": "`message`, `began`, `start`, `run`, `gate`, `held`, `inside`, `other`, `fact`",
            "version": "Of which; else the first",
            "after": "From where on: `next` of the answer before",
            **_LIMIT,
        },
    ),
    "/v1/responses": _get("How often links and pixels of mails were asked for since the start"),
    "/v1/bounces": {
        "post": {
            **_change("Take one mail that came back, as it came (message/rfc822)", None, _BOUNCE),
            "parameters": [
                {"name": "to", "in": "query", "schema": {"type": "string"}, "description": "The address it came to"}
            ],
        }
    },
    "/v1/hooks/{provider}": {
        "post": _door(
            "What a provider tells of messages: ses, sendgrid, mailgun, postmark, where it is set up",
            "It is durable",
            "provider",
            refused={
                "400": "It cannot be read",
                "403": "It is not theirs, or too old",
                "413": "It is too large",
                "503": "It cannot be stored now; come again after Retry-After",
            },
        )
    },
    "/v1/c/{token}": {
        "get": {
            **_door("A link of a mail: sends its reader on to where it led", "", "token"),
            "responses": {"302": {"description": "To exactly there"}, "404": {"description": _TOKEN["404"]}},
        }
    },
    "/v1/o/{token}.gif": {"get": _door("The pixel of a mail", "A picture of one point", "token")},
    "/v1/unsubscribe/{token}": {
        "get": _door(
            "Asks whether its reader wants no more of these; changes nothing", "A page", "token", refused=_TOKEN
        ),
        "post": _door("No more of these (RFC 8058: one click)", "It is durable", "token", refused=_TOKEN),
    },
    "/v1/confirm/{token}": {
        "get": _door("Asks whether the address is its reader's; changes nothing", "A page", "token", refused=_TOKEN),
        "post": _door("It is, and they agree", "It is durable", "token", refused=_TOKEN),
    },
    "/v1/clock": _get(
        "The instant in the installation, and how many times as fast as the world its clock runs", guarded=False
    ),
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
        "paths": {**collect_openapi.PATHS, **with_examples({**PATHS, **openapi_journeys.PATHS})},
        "components": {**components, "securitySchemes": schemes},
    }


async def _show(request: Request) -> Response:
    return JSONResponse(document())


ROUTE = Route("/openapi.json", _show)
