"""Patching: traits that a server sets by the read API, as an identify call of the source `api`.

What is written goes to the identifier that was named, as with every call, and is passed on from there to whoever it
belongs to; it is never looked up first, so that a call sent again enters at the same place. Pure.
"""

import json
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.events.identifiers import email_key, order, phone_key
from tactful.events.intake import Arrival, Draft, draft_of
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal

SOURCE = Source("api", "", "server", event_bytes=64 * 1024)
"""Of everything that is told by the API with a token; it has no write key."""
_KINDS: dict[str, Literal["userId", "anonymousId"]] = {"u": "userId", "a": "anonymousId", "e": "userId", "p": "userId"}


class _Patch(Struct, forbid_unknown_fields=True, rename="camel"):
    traits: dict[str, Any]
    message_id: str = ""


def draft(text: str, body: bytes, key: str, arrival: Arrival) -> Draft | Refusal:
    """The call for `PATCH /v1/profiles/{text}`; `key` is the Idempotency-Key, "" where there is none.

    `text` is an identifier as the log writes it ("u:42", "a:7f3", "e:ada@x.example") or a bare user id.
    """
    try:
        patch = msgspec.json.decode(body, type=_Patch)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("bad_patch", f'the body must be {{"traits": {{...}}}} as JSON: {error}', "traits")
    if not patch.traits:
        return Refusal("traits_missing", "traits names no trait; null clears one", "traits")
    if key and patch.message_id and key != patch.message_id:
        return Refusal("bad_patch", "the Idempotency-Key and the messageId are two different ones", "messageId")
    written = text.strip()
    kind, separator, value = written.partition(":")
    if not separator or len(kind) != 1:
        kind, value = "u", written
        if email_key(value) or phone_key(value):
            return Refusal("ambiguous_identifier", f"say whether {value} is u:{value} or another kind (e:, p:)", "id")
    named = _named(kind, value)
    if named is None:
        return Refusal("bad_identifier", f"{text!r} is none of u:, x:type:id, e:, p:, a:, d: or a bare user id", "id")
    call = {"type": "identify", **named, "traits": patch.traits, "messageId": key or patch.message_id}
    drafted = draft_of(json.dumps(call).encode(), arrival)
    if isinstance(drafted, Refusal) or kind not in "ep":
        return drafted
    own = email_key(value) if kind == "e" else phone_key(value)
    if own is None:
        return Refusal("bad_identifier", f"{value} is no {'e-mail address' if kind == 'e' else 'phone number'}", "id")
    others = [each for each in drafted.ids if each[0] in "ep" and each[0] != kind]
    ids = tuple(sorted((own, *others), key=lambda each: order(each, arrival.naming.priority)))
    return replace(drafted, key=ids[0], ids=ids)


def _named(kind: str, value: str) -> dict[str, Any] | None:
    """The fields of a call that name the identifier. A call cannot be addressed to an e-mail or a phone alone without
    setting the trait: these stand in for a userId, until the draft is made."""
    if field := _KINDS.get(kind):
        return {field: value}
    if kind == "d":
        return {"context": {"device": {"id": value}}}
    if kind == "x":
        name, _, identity = value.partition(":")
        unescaped = name.replace("%3A", ":").replace("%25", "%")
        return {"context": {"externalIds": [{"type": unescaped, "id": identity}]}}
    return None
