"""The collect routes as OpenAPI 3.1 paths and components, for /openapi.json."""

from typing import Any

_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_OBJECT = {"type": ["object", "null"]}
_ID = {"type": ["string", "integer", "null"]}

_CALL = {
    "type": "object",
    "description": "One tracking call (Segment spec). It needs a userId or an anonymousId; unknown fields are ignored.",
    "properties": {
        "type": {"enum": ["track", "identify", "page", "screen", "group", "alias"]},
        "messageId": _ID | {"description": "Repeats of it are dropped."},
        "userId": _ID,
        "anonymousId": _ID,
        "previousId": _ID,
        "groupId": _ID,
        "event": _TEXT | {"description": "The event's name; track only."},
        "name": _TEXT,
        "category": _TEXT,
        "timestamp": _TIME,
        "originalTimestamp": _TIME,
        "sentAt": _TIME | {"description": "Corrects the client's clock."},
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": _OBJECT
        | {
            "description": "identityToken: a JWT of the shop's server for the userId (a browser's); it is not stored. "
            "consent.categoryPreferences and gpc are heard.",
        },
        "integrations": {},
    },
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "description": "At most 2,500 calls, 256 KiB each, 5 MiB unpacked. A bad call goes to the quarantine by itself.",
    "properties": {
        "batch": {"type": "array", "maxItems": 2500, "items": {"$ref": "#/components/schemas/Call"}},
        "sentAt": _TIME,
        "context": _OBJECT,
        "writeKey": {"type": "string"},
    },
}
_CONSENT = {
    "type": "object",
    "description": "Needs purpose and granted, or consents. A server names a userId, an anonymousId or an email; "
    "a browser its own anonymousId, or the userId of its token (X-Identity-Token).",
    "properties": {
        "messageId": _ID,
        "userId": _ID,
        "anonymousId": _ID,
        "email": _TEXT,
        "purpose": _TEXT | {"examples": ["email_marketing"]},
        "granted": {"type": ["boolean", "null"]},
        "consents": {
            "type": ["object", "null"],
            "description": "Several purposes at once.",
            "additionalProperties": {"type": "boolean"},
            "maxProperties": 50,
            "examples": [{"marketing.email": True, "profiling": False}],
        },
        "timestamp": _TIME,
        "text_version": _TEXT | {"description": "Which wording the person saw."},
    },
}
_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "examples": ["no_identifier", "identity_unproved", "not_json"]},
        "message": {"type": "string"},
        "field": {"type": "string", "examples": ["userId", "properties.price"]},
    },
}

COMPONENTS: dict[str, Any] = {
    "schemas": {"Call": _CALL, "Batch": _BATCH, "ConsentCall": _CONSENT, "Error": _ERROR},
    "securitySchemes": {
        "writeKey": {"type": "http", "scheme": "basic", "description": "The write key as user, no password."},
        "writeKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
        "writeKeyQuery": {"type": "apiKey", "in": "query", "name": "writeKey"},
    },
}


def _answer(description: str, schema: dict[str, Any], *headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    if headers:
        answer["headers"] = {name: {"schema": {"type": "integer"}} for name in headers}
    return answer


_HEADERS = [
    {
        "name": "X-Identity-Token",
        "in": "header",
        "description": "A JWT (HS256) of the shop's server: who sits at the browser. For every event of the call.",
        "schema": {"type": "string"},
    },
    {
        "name": "Sec-GPC",
        "in": "header",
        "description": "1: Global Privacy Control, for every event of the call.",
        "schema": {"enum": ["1"]},
    },
]
_ERROR_REF = {"$ref": "#/components/schemas/Error"}
_TAKEN = {"type": "object", "properties": {"success": {"const": True}}}


def _post(summary: str, schema: str, **more: dict[str, Any]) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    answers = {
        "200": _answer("Everything in the call is durable, in the log or in the quarantine.", _TAKEN),
        "400": _answer("The call cannot be taken; it is kept in the quarantine.", _ERROR_REF),
        "401": _answer("The write key names no source.", _ERROR_REF),
        "413": _answer("Too large; it is kept in the quarantine, cut.", _ERROR_REF),
        "429": _answer("Too fast, or the log has fallen behind: send the same again later.", _ERROR_REF, "Retry-After"),
        "503": _answer("Nothing can be stored now: send the same again later.", _ERROR_REF, "Retry-After"),
    }
    return {
        "post": {
            "summary": summary,
            "description": "The body may be gzip under any label; its Content-Type is not looked at.",
            "security": [{name: []} for name in COMPONENTS["securitySchemes"]],
            "parameters": _HEADERS,
            "requestBody": {"required": True, "content": body},
            "responses": answers | more,
        }
    }


def _document(summary: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": _answer("The document.", {"type": "object"})}}}


_NAMES = ("track", "identify", "page", "screen", "group", "alias")
_FORBIDDEN = {"403": _answer("A browser named somebody else than itself.", _ERROR_REF)}

PATHS: dict[str, Any] = {
    **{f"/v1/{name}": _post(f"One {name} call (short form /v1/{name[0]})", "Call") for name in _NAMES},
    "/v1/batch": _post("Many calls (also /v1/b, /v1/import)", "Batch"),
    "/beacon/v1/batch": _post("Many calls from a page that is being left", "Batch"),
    "/v1/consent": _post("Somebody allows or forbids a purpose", "ConsentCall", **_FORBIDDEN),
    "/v1/projects/{writeKey}/settings": _document("What analytics-next asks for before it sends")
    | {"parameters": [{"name": "writeKey", "in": "path", "required": True, "schema": {"type": "string"}}]},
    "/sourceConfig/": _document("What rudder-js asks for before it sends"),
}
