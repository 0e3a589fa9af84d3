"""The routes of journeys and campaigns for /openapi.json."""

from typing import Any

_ANSWER = {"content": {"application/json": {"schema": {"type": "object"}}}}
_GUARDED: dict[str, Any] = {"security": [{"administrator": []}, {}]}
_TOKEN: dict[str, Any] = {"security": [{"administrator": []}]}
_TEXT = {"type": "string"}
_ENTRY = {
    "type": "object",
    "additionalProperties": False,
    "description": "One of userId, anonymousId, email and phone at least",
    "properties": {
        "userId": _TEXT,
        "anonymousId": _TEXT,
        "email": _TEXT,
        "phone": _TEXT,
        "key": {"description": "What the run is about; the journey is entered once for each", "type": "string"},
        "properties": {"type": "object", "description": "What messages see as event.properties"},
        "messageId": {"type": "string", "description": "Sent again, it changes nothing; as the Idempotency-Key"},
    },
}


def _said(*names: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": dict.fromkeys(names, _TEXT)}


def _asked(*names: str, place: str = "path") -> list[dict[str, Any]]:
    return [{"name": name, "in": place, "required": place == "path", "schema": _TEXT} for name in names]


def _get(summary: str, *names: str, query: tuple[str, ...] = ()) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "200": {"description": "What was asked for", **_ANSWER},
        "403": {"description": "Not from this machine, and no token"},
    }
    if names:
        answers["404"] = {"description": "There is none", **_ANSWER}
    parameters = [*_asked(*names), *_asked(*query, place="query")]
    return {"get": {"summary": summary, "parameters": parameters, "responses": answers, **_GUARDED}}


def _post(summary: str, body: dict[str, Any], answers: dict[str, str], *names: str) -> dict[str, Any]:
    responses = {status: {"description": text, **_ANSWER} for status, text in answers.items()}
    responses |= {
        "401": {"description": "No administrator's token", **_ANSWER},
        "404": {"description": "There is none", **_ANSWER},
    }
    if "202" in answers:
        responses |= {
            "429": {"description": "The log has fallen behind; come back after Retry-After", **_ANSWER},
            "503": {"description": "It could not be made durable; come back after Retry-After", **_ANSWER},
        }
    content = {
        "required": "required" in body and bool(body["required"]),
        "content": {"application/json": {"schema": body}},
    }
    described = {"summary": summary, "parameters": _asked(*names), "requestBody": content, "responses": responses}
    return {"post": {**described, **_TOKEN}}


_DURABLE = {"202": "It is durable, and will be followed", "400": "What is wrong with it"}
_REFUSED = {"409": "Why it may not be"}
_ORDER = _said("by", "reason")
PATHS = {
    "/v1/journeys": _get("How all journeys stand", query=("inside",)),
    "/v1/journeys/{name}": _get(
        "How a journey stands, and how many are inside at each step", "name", query=("inside",)
    ),
    "/v1/journeys/{name}/feed": _get(
        "What happened in a journey since then: starts, steps, messages, goals, in order", "name", query=("after",)
    ),
    "/v1/journeys/{name}/report": _get("What a journey did, by version", "name", query=("from", "to")),
    "/v1/journeys/{name}/enter": _post(
        "Let somebody enter a journey that starts by a call",
        _ENTRY,
        {**_DURABLE, "409": "No call starts it", "413": "It is too large"},
        "name",
    ),
    "/v1/journeys/{name}/{order}": _post("Pause, resume, drain or stop a journey", _ORDER, _DURABLE, "name", "order"),
    "/v1/sending/{switch}": _post("Switch all sending off, or on", _ORDER, _DURABLE, "switch"),
    "/v1/campaigns": _get("How all campaigns stand"),
    "/v1/campaigns/{name}": _get("How a campaign stands", "name"),
    "/v1/campaigns/{name}/preview": _get("Whom a campaign would reach if it were launched now", "name"),
    "/v1/campaigns/{name}/approve": _post(
        "Approve the version of a campaign that is in force",
        _said("by", "version", "note"),
        {"200": "It is approved", "400": "What is wrong with it", **_REFUSED},
        "name",
    ),
    "/v1/campaigns/{name}/launch": _post("Launch a campaign", _said("by"), {**_DURABLE, **_REFUSED}, "name"),
    "/v1/campaigns/{name}/stop": _post("Stop a campaign", _ORDER, {**_DURABLE, **_REFUSED}, "name"),
}
