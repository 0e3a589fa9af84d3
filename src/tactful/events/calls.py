"""Tracking calls as they come in (the Segment protocol).

Ordinary calls are decoded in one typed pass that also checks them (types, size of numbers, keys per object, a depth of
five levels); what does not pass is read again with care by coerce.py, which either mends it or says what is wrong and
where. Unknown fields are let be.
"""

from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from tactful.events.coerce import MAX_KEYS, MAX_WHOLE, read_json
from tactful.events.verdicts import Refusal

_Whole = Annotated[int, Meta(ge=-MAX_WHOLE, le=MAX_WHOLE)]
_FAST_DEPTH = 5  # Each level doubles the decoder's tables; contexts of real clients have three or four.


def _values(depth: int) -> Any:
    """The type of a JSON value of at most `depth` levels of objects and lists."""
    if depth == 0:
        return bool | _Whole | float | str | None
    return bool | _Whole | float | str | GenericAlias(list, (_values(depth - 1),)) | _object(depth) | None


def _object(depth: int) -> Any:
    return Annotated[GenericAlias(dict, (str, _values(depth - 1))), Meta(max_length=MAX_KEYS)]


if TYPE_CHECKING:
    _Object = dict[str, Any]
    _Value = Any
else:
    _Object = _object(_FAST_DEPTH)
    _Value = _values(2)


class Call(Struct, rename="camel", gc=False):
    """One tracking call, its types as checked by `read_call`; absent and null are the same."""

    type: str | None = None
    message_id: str | _Whole | None = None
    user_id: str | _Whole | None = None
    anonymous_id: str | _Whole | None = None
    previous_id: str | _Whole | None = None
    group_id: str | _Whole | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    channel: str | None = None
    properties: _Object | None = None
    traits: _Object | None = None
    context: _Object | None = None
    integrations: _Value = None


class ConsentCall(
    Struct,
    rename={
        "message_id": "messageId",
        "user_id": "userId",
        "anonymous_id": "anonymousId",
        "sent_at": "sentAt",
        "original_timestamp": "originalTimestamp",
    },
):
    """`POST /v1/consent`; required fields are checked by intake.py, which can name them."""

    message_id: str | _Whole | None = None
    user_id: str | _Whole | None = None
    anonymous_id: str | _Whole | None = None
    email: str | None = None
    purpose: str | None = None
    granted: bool | None = None
    consents: dict[str, bool] | None = None
    """Several purposes at once, in the place of the two before."""
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    text_version: str | None = None


_call = msgspec.json.Decoder(Call)
_consent = msgspec.json.Decoder(ConsentCall)
TROUBLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that it does not take."""

_TEXT = (str, "a text")
_ID = (str | int, "a text, or a whole number up to 2^53")
_OBJECT = (dict, "an object")
_FIELDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("type", "event", "name", "category", "timestamp", "originalTimestamp", "channel"), _TEXT),
    **dict.fromkeys(("messageId", "userId", "anonymousId", "previousId", "groupId"), _ID),
    **dict.fromkeys(("properties", "traits", "context"), _OBJECT),
}
_CONSENT_FIELDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("purpose", "email", "timestamp", "originalTimestamp", "text_version"), _TEXT),
    **dict.fromkeys(("messageId", "userId", "anonymousId"), _ID),
    "granted": (bool, "true or false"),
    "consents": (dict, "an object of purposes, each true or false"),
}
_CALL_NAMES = [(field.name, field.encode_name) for field in msgspec.structs.fields(Call)]
_CONSENT_NAMES = [(field.name, field.encode_name) for field in msgspec.structs.fields(ConsentCall)]


def read_call(body: bytes | Raw, is_suspect: bool) -> Call | Refusal:
    """One tracking call, coerced and with the types of Call, or why it is none.

    `is_suspect`: the body may hold an escaped NUL, the one trouble that the fast decoder would let through.
    """
    if not is_suspect:
        try:
            return _call.decode(body)
        except TROUBLE:
            pass
    values = _checked(bytes(body), _FIELDS)
    if isinstance(values, Refusal):
        return values
    return Call(**{attribute: values.get(name) for attribute, name in _CALL_NAMES})


def read_consent(body: bytes) -> ConsentCall | Refusal:
    """One consent call, coerced and with the types of ConsentCall, or why it is none."""
    if not is_suspect(body):
        try:
            return _consent.decode(body)
        except TROUBLE:
            pass
    values = _checked(body, _CONSENT_FIELDS)
    if isinstance(values, Refusal):
        return values
    return ConsentCall(**{attribute: values.get(name) for attribute, name in _CONSENT_NAMES})


def is_suspect(body: bytes) -> bool:
    """Whether an escaped NUL, which is good JSON but nothing that a record may hold, stands in the body."""
    # The first search is ten times as fast, and most bodies have no escape at all.
    return b"\\" in body and b"\\u0000" in body


def _checked(body: bytes, fields: dict[str, tuple[Any, str]]) -> dict[str, Any] | Refusal:
    values = read_json(body)
    if isinstance(values, Refusal):
        return values
    if not isinstance(values, dict):
        return Refusal("not_an_object", "the call is not a JSON object")
    for field, (types, wanted) in fields.items():
        value = values.get(field)
        is_flag = isinstance(value, bool) and types is not bool
        if value is not None and (is_flag or not isinstance(value, types)):
            return Refusal("wrong_type", f"{field} must be {wanted}", field)
    if not isinstance(values.get("sentAt"), str):
        values["sentAt"] = None  # Only corrects the clock: not worth an event.
    return values
