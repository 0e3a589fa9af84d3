"""What is asked and answered, for /openapi.json: one example for each route that takes or gives JSON. Tests compare the
names in them with what is answered."""

from typing import Any

from tactful.web import openapi_backtests

_TIME = "2025-03-12T12:44:02.000Z"
_INTENT = "086af98e7272844462ac5dae1262e6b3"
_RUN = {
    "journey": "welcome",
    "key": "",
    "startedAt": "2025-03-12T12:14:02.000Z",
    "due": "2025-03-14T12:14:02.000Z",
    "step": "2",
    "waitsFor": "2d",
    "arm": "",
}
_PROFILE = {
    "person": "u:ada",
    "userId": "ada",
    "identifiers": [{"id": "u:ada"}, {"id": "a:7f3", "since": _TIME}],
    "waiting": False,
    "traits": {"email": "ada@shop.example", "country": "DE"},
    "segments": [{"segment": "regulars", "since": _TIME}],
    "consents": [
        {
            "purpose": "email_marketing",
            "granted": True,
            "at": _TIME,
            "origin": "api",
            "because": f"email_marketing granted at {_TIME}, text 2025-03",
        }
    ],
    "runs": [_RUN],
}
_STORY = {
    "at": "2025-03-12T12:14:02.000Z",
    "kind": "started",
    "text": "started the journey cart_reminder, due 2025-03-12T12:44:02.000Z",
}
_MESSAGE = {
    "intent": _INTENT,
    "status": "sent",
    "reason": "accepted",
    "detail": "250 2.0.0 Ok: queued as 4F1",
    "person": "u:ada",
    "journey": "cart_reminder",
    "key": "",
    "step": "remind",
    "channel": "email",
    "message": "cart_reminder",
    "variant": "",
    "purpose": "email_marketing",
    "address": "ada@shop.example",
    "permit": f"email_marketing granted at {_TIME}, text 2025-03",
    "attempt": 1,
    "startedAt": "2025-03-12T12:14:02.000Z",
    "due": _TIME,
    "validUntil": "2025-03-13T12:44:02.000Z",
    "notBefore": None,
    "claimedAt": "2025-03-12T12:44:02.011Z",
    "finishedAt": "2025-03-12T12:44:02.054Z",
    "digest": "263b924de369fe7565eb2499e7f03978",
    "template": "54502a4c887256ecbdf3b8c96b497370",
    "version": "e678f12d",
    "plan": 3,
}
_JOURNEY = {
    "journey": "cart_reminder",
    "state": "paused",
    "since": _TIME,
    "by": "ann",
    "reason": "prices are wrong",
    "version": "e678f12d",
    "kind": "event",
    "inside": {"1": 12, "curious": 3},
    "waiting": 4,
}
_CAMPAIGN = {
    "campaign": "spring",
    "version": "c89f3bb2-9d4e8787b245",
    "approvedBy": "bea",
    "approvedAt": _TIME,
    "isApproved": True,
    "launchedAt": None,
    "state": "approved",
}
_REPORT = {
    "journey": "cart_reminder",
    "total": {
        "version": "",
        "runs": 43,
        "people": 31,
        "reached": 12,
        "messages": {"intents": 22, "sent": 14, "refused": 8},
    },
    "versions": [{"version": "e678f12d", "runs": 43, "people": 31, "reached": 12}],
    "daily": {},
    "steps": [],
}
_ORDER = {"by": "ann", "reason": "prices are wrong"}

_PREVIEWED = {
    "kind": "condition",
    "at": _TIME,
    "sees": "known",
    "everybody": 9310,
    "people": 1204,
    "sample": [{"person": "u:ada", "value": None}],
    "overTime": [
        {"at": "2025-03-11T12:44:02.000Z", "people": 1180, "low": 1180, "high": 1180, "percentiles": {}},
        {"at": _TIME, "people": 1204, "low": 1204, "high": 1204, "percentiles": {}},
    ],
    "onePersonIn": 1,
    "spreads": [
        {
            "value": 'sum("Order Completed", total, last="90d")',
            "unit": None,
            "people": 9310,
            "missing": 0,
            "low": 0.0,
            "high": 2410.5,
            "percentiles": {"10": 0.0, "50": 0.0, "80": 61.0, "90": 140.0, "95": 260.5, "99": 610.0},
            "bars": [{"from": 0.0, "people": 7002}, {"from": 50.0, "people": 1104}, {"from": 100.0, "people": 1204}],
            "width": 50.0,
            "isOpen": True,
            "comparison": {"op": ">", "threshold": 100.0, "people": 1204},
        }
    ],
    "values": [],
    "neverCame": [],
}
_MEMBERS = {"at": _TIME, "sees": "known", "plan": 9, "when": 'count("Order Completed") >= 2', "people": 1204}
ANSWERS: dict[tuple[str, str], Any] = {
    ("/v1/profiles", "get"): {
        "profiles": [
            {"person": "u:ada", "name": "Ada", "at": _TIME, "last": "Product Viewed", "segments": ["regulars"]}
        ]
    },
    ("/v1/profiles/{id}", "get"): _PROFILE,
    ("/v1/segments/{name}/members", "get"): {
        "segment": "regulars",
        "version": 7,
        "publishedAt": "2025-03-02T09:00:00.000Z",
        **_MEMBERS,
        "members": [{"person": "u:ada", "since": "2025-03-11T12:44:02.000Z"}],
    },
    ("/v1/members", "get"): {**_MEMBERS, "members": [{"person": "u:ada", "since": None}], "neverCame": []},
    ("/v1/profiles/{id}", "patch"): {"messageId": "7d1f", "identifier": "u:ada"},
    ("/v1/profiles/{id}/unmerge", "post"): {"identifier": "a:7f3", "person": "u:ada", "returning": ["d:laptop"]},
    ("/v1/explain/{id}", "get"): {**_PROFILE, "asked": "ada", "partition": 2, "whole": True, "story": [_STORY]},
    ("/v1/outbox", "get"): {"messages": [_MESSAGE]},
    ("/v1/outbox/{intent}", "get"): _MESSAGE,
    ("/v1/preview", "post"): _PREVIEWED,
    **openapi_backtests.ANSWERS,
    ("/v1/responses", "get"): {"clicks": 12, "machine": 4, "opens": 31},
    ("/v1/bounces", "post"): {
        "told": "Email Bounced",
        "kind": "hard",
        "reason": "5.1.1 no such user",
        "intent": _INTENT,
    },
    ("/v1/hooks/{provider}", "post"): {"taken": 2},
    ("/v1/clock", "get"): {"now": "2025-03-12T12:14:02.000Z", "now_us": 1741781642000000, "speed": 1},
    ("/healthz", "get"): {"status": "ok"},
    ("/readyz", "get"): {"status": "ready"},
    ("/v1/journeys", "get"): {"sending": True, "off": None, "journeys": [_JOURNEY]},
    ("/v1/journeys/{name}", "get"): _JOURNEY,
    ("/v1/journeys/{name}/report", "get"): _REPORT,
    ("/v1/journeys/{name}/feed", "get"): {
        "rows": [
            {
                "person": "u:ada",
                "at": _TIME,
                "under": "a:7f3",
                "key": "",
                "startedAt": _TIME,
                "what": "started",
                "version": "e678f12d",
                "arm": "",
            }
        ],
        "next": "12.40.7.3",
        "definition": "start: {event: Product Added}\n",
    },
    ("/v1/journeys/{name}/enter", "post"): {
        "messageId": "vip-ada-2025",
        "identifier": "u:ada",
        "journey": "vip",
        "key": "2025",
    },
    ("/v1/journeys/{name}/{order}", "post"): {"journey": "cart_reminder", "order": "pause", **_ORDER},
    ("/v1/sending/{switch}", "post"): {"journey": None, "order": "pause", **_ORDER},
    ("/v1/campaigns", "get"): {"campaigns": [_CAMPAIGN]},
    ("/v1/campaigns/{name}", "get"): _CAMPAIGN,
    ("/v1/campaigns/{name}/preview", "get"): {
        "version": "c89f3bb2-9d4e8787b245",
        "campaign": "spring",
        "people": 12000,
        "audience": 830,
        "entering": 812,
        "heldOut": {"holdout": 79},
        "notEntering": {"again: entered too short a time before": 18},
        "reach": [
            {
                "step": "1",
                "channel": "email",
                "message": "spring",
                "reached": 690,
                "later": 0,
                "reasons": {"no consent": 43},
            }
        ],
        "sample": ["u:ada"],
        "shown": [],
        "isSettling": False,
    },
    ("/v1/campaigns/{name}/approve", "post"): {
        "campaign": "spring",
        "version": "c89f3bb2-9d4e8787b245",
        "approvedBy": "bea",
    },
    ("/v1/campaigns/{name}/launch", "post"): {
        "campaign": "spring",
        "version": "c89f3bb2",
        "by": "ann",
        "approvedBy": "bea",
    },
    ("/v1/campaigns/{name}/stop", "post"): {"campaign": "spring", "order": "stop"},
}
ASKED: dict[tuple[str, str], Any] = {
    **openapi_backtests.ASKED,
    ("/v1/preview", "post"): {"expression": 'sum("Order Completed", total, last="90d") > 100', "days": 1},
    ("/v1/profiles/{id}", "patch"): {"traits": {"tier": "gold", "nickname": None}, "messageId": "7d1f"},
    ("/v1/journeys/{name}/enter", "post"): {"userId": "ada", "key": "2025", "properties": {"tier": "gold"}},
    ("/v1/journeys/{name}/{order}", "post"): _ORDER,
    ("/v1/sending/{switch}", "post"): _ORDER,
    ("/v1/campaigns/{name}/approve", "post"): {
        "by": "bea",
        "version": "c89f3bb2-9d4e8787b245",
        "note": "read all three",
    },
    ("/v1/campaigns/{name}/launch", "post"): {"by": "ann"},
    ("/v1/campaigns/{name}/stop", "post"): {"by": "ann", "reason": "wrong price"},
}


def with_examples(paths: dict[str, Any]) -> dict[str, Any]:
    """The same descriptions, each with what is asked and what is answered."""
    return {
        path: {method: _exemplified(path, method, described) for method, described in methods.items()}
        for path, methods in paths.items()
    }


def _exemplified(path: str, method: str, described: Any) -> Any:
    answer, asked = ANSWERS.get((path, method)), ASKED.get((path, method))
    if answer is not None:
        responses = {
            status: _with(one, answer) if status in ("200", "202") else one
            for status, one in described["responses"].items()
        }
        described = {**described, "responses": responses}
    if asked is not None:
        described = {**described, "requestBody": _with(described["requestBody"], asked)}
    return described


def _with(holder: dict[str, Any], example: Any) -> dict[str, Any]:
    content = holder.get("content", {}).get("application/json", {"schema": {"type": "object"}})
    return {**holder, "content": {"application/json": {**content, "example": example}}}
