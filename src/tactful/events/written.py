"""An event written back as the tracking call that makes it again (events/intake.py), for the quarantine.

What only its surroundings told is in it: the type, the corrected timestamp, the context of its batch. What naming left
out of its identifiers stays out. Pure.
"""

from typing import Any

import msgspec

from tactful.events.records import Event, unpack
from tactful.values import format_time

_encode = msgspec.json.Encoder().encode


def call_of(event: Event) -> bytes:
    """The JSON of one call. Accepted from the same source with the same receive time, it gives an event that says the
    same; only the time that the client had written is no longer told beside the corrected one."""
    return _encode({name: value for name, value in _fields(event).items() if value is not None})


def _fields(event: Event) -> dict[str, Any]:
    values, extra = unpack(event.properties), unpack(event.extra)
    user, anonymous = _names(event, extra)
    return {
        "type": event.kind,
        "event": event.name if event.kind == "track" else None,
        "messageId": event.message_id,
        "userId": user,
        "anonymousId": anonymous,
        "timestamp": format_time(event.timestamp),
        "traits" if event.kind in ("identify", "group") else "properties": values,
        "context": unpack(event.context),
        **{name: extra.get(name) for name in ("groupId", "previousId", "channel", "integrations")},
    }


def _names(event: Event, extra: dict[str, Any]) -> tuple[str | None, str | None]:
    """userId and anonymousId; the other identifiers stand in traits and context."""
    users = [key for key in event.ids if key.startswith("u:")]
    others = [key for key in event.ids if key.startswith("a:")]
    previous = str(extra.get("previousId", "")).strip()
    if event.kind == "alias" and previous:
        # It is named as a user and as an anonymous id; only as the latter where it repeats the anonymousId.
        if f"u:{previous}" in users:
            others = [key for key in others if key != f"a:{previous}"]
        users = [key for key in users if key != f"u:{previous}"] or users
    return (users[0][2:] if users else None), (others[0][2:] if others else None)
