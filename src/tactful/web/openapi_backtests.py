"""Examples of backtests for /openapi.json."""

from typing import Any

_JOB = {
    "number": 3,
    "journey": "cart_reminder",
    "state": "waiting",
    "share": 0.0,
    "at": "2025-03-12T12:44:02.000Z",
    "by": "bea",
    "problem": "",
    "found": None,
}
_SENT = {
    "at": "2025-03-03T16:07:50.758Z",
    "person": "u:ada",
    "message": "cart_reminder",
    "step": "2",
    "channel": "email",
    "variant": "",
    "key": "",
    "start": "Product Added",
    "due": "2025-03-03T16:07:50.758Z",
    "cameBefore": 0,
    "cameAfter": 1,
    "intent": "cbb4aece57cacbfcca9d20bb39fcb9f8",
    "segments": ["left_cart"],
}
_VERSION = {
    "version": "this",
    "messages": 1,
    "people": 1,
    "peopleKnown": 68,
    "runs": 3,
    "runsInside": 1,
    "byDay": [{"day": "2025-03-03", "messages": 1, "runs": 3, "steps": {"2 cart_reminder": 1}}],
    "byHour": {"16": 1},
    "messagesPerPerson": {"1": 1},
    "arms": {"sent to": 2, "holdout": 1},
    "reasons": [{"where": "run", "reason": "Order Completed came first", "times": 1}],
    "heldBack": {"quiet hours": 1},
    "bySegment": {"left_cart": 1},
    "byChannel": {"email": 1},
    "variants": [{"message": "cart_reminder", "variant": "short", "messages": 1}],
    "otherJourneys": [{"journey": "welcome", "messages": 81, "peopleOfBoth": 1, "withinADay": 1}],
    "cameAnyway": {"before": 0, "after": 1, "both": 0, "windowStillOpen": 0},
    "goals": {"sent to": 1},
    "coupons": {"spring": 1},
    "sentInFact": 0,
    "samples": [_SENT],
}
_FOUND = {
    "journey": "cart_reminder",
    "from": "2025-02-10T00:00:00.000Z",
    "to": "2025-03-12T00:00:00.000Z",
    "historyFrom": "2024-06-01T08:12:44.000Z",
    "records": 2_493,
    "versions": [_VERSION, {**_VERSION, "version": "published"}],
    "difference": {
        "people": {"both": 1, "this": 0, "published": 0},
        "messages": {"same": 1, "this": 0, "published": 0},
    },
}
ANSWERS: dict[tuple[str, str], Any] = {
    ("/v1/backtests", "get"): {"backtests": [_JOB]},
    ("/v1/backtests", "post"): _JOB,
    ("/v1/backtests/{number}", "get"): {**_JOB, "state": "done", "share": 1.0, "found": _FOUND},
    ("/v1/backtests/{number}/lines", "get"): {
        "version": "this",
        "what": "message",
        "lines": [{"what": "message", **_SENT}],
        "next": None,
    },
    ("/v1/backtests/{number}", "delete"): {"number": 3, "state": "stopping"},
}
ASKED: dict[tuple[str, str], Any] = {
    ("/v1/backtests", "post"): {"journey": "cart_reminder", "from": "2025-02-10", "against": "published"}
}
