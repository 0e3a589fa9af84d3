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
    has_traits = event.kind in ("identify", "group")
    user, anonymous = _names(event, extra)
    return {
        "type": event.kind,
        "event": event.name if event.kind in ("track", "message") else None,
        "messageId": event.message_id,
        "userId": user,
        "anonymousId": anonymous,
        "timestamp": format_time(event.timestamp),
        "properties": None if has_traits else values,
        "traits": values if has_traits else _addresses(event),
        "context": unpack(event.context),
        **{name: extra.get(name) for name in ("groupId", "previousId", "channel", "integrations")},
    }


def _addresses(event: Event) -> dict[str, str] | None:
    """Traits of a call that keeps none, but was named by them."""
    kinds = {"e": "email", "p": "phone"}
    return {kinds[key[0]]: key[2:] for key in event.ids if key[0] in kinds} or None


def _names(event: Event, extra: dict[str, Any]) -> tuple[str | None, str | None]:
    """userId and anonymousId; what else names somebody stands in traits and context."""
    users = [key for key in event.ids if key.startswith("u:")]
    others = [key for key in event.ids if key.startswith("a:")]
    previous = extra.get("previousId")
    if event.kind == "alias" and previous:
        # It is named as an anonymous id, and, where the source may and it does not repeat the anonymousId, as a user.
        as_user, as_anonymous = f"u:{previous.strip()}", f"a:{previous.strip()}"
        rest = [key for key in others if key != as_anonymous]
        if others and not rest and as_user not in users:
            rest = [f"a:{previous}"]
        others = rest
        users = [key for key in users if key != as_user] or users
    return (users[0][2:] if users else None), (others[0][2:] if others else None)
