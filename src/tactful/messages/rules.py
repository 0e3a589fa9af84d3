"""A message as the gate needs it: which variant a person gets, and what of the person its templates look at.

Both are decided on the state at the claim and frozen there, so that what is rendered, whenever it is, is what was
decided. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.compiled import Condition, Valued, View
from tactful.messages.definition import Message
from tactful.messages.seen import METRIC, SEGMENT, SEGMENTS
from tactful.messages.variants import ranges
from tactful.values import Duration, Time, format_time

LOCAL_DATE = "local_date"
"""The filter that writes an instant as the person's clock shows it."""
_WHOLE = 2**53


class VariantRule(Struct, frozen=True):
    name: str
    condition: Condition | None
    ready_at: int
    """Before that the condition has not seen its whole window, and says nothing."""
    low: float
    high: float
    """From where to where its share lies in [0, 1)."""


class SeenRule(Struct, frozen=True):
    path: tuple[str, ...]
    valued: Valued
    ready_at: int = 0


class MessageRule(Struct, frozen=True):
    """A compiled message."""

    name: str
    variants: tuple[VariantRule, ...] = ()
    seen: tuple[SeenRule, ...] = ()
    wants: frozenset[str] = frozenset()
    """Every word in its templates' tags."""


def conditions(message: Message) -> dict[str, Checked]:
    """To be compiled: of each variant, by "message/NAME/VARIANT"."""
    return {_variant(message, one.name): one.condition for one in message.variants if one.condition is not None}


def values(message: Message) -> dict[str, Checked]:
    """To be compiled: what its templates look at, by "message/NAME/PATH"."""
    return {_value(message, one.path): one.value for one in message.sees}


def rule_of(
    message: Message,
    compiled: Mapping[str, Condition],
    ready_at: Callable[[str], int],
    valued: Mapping[str, Valued],
    metric_ready_at: Callable[[str], int] = lambda name: 0,
) -> MessageRule:
    """`compiled` and `valued` hold what `conditions` and `values` asked for, `ready_at` says from when a condition has
    seen its whole window, `metric_ready_at` the same of a metric. A collection is shown as far as it is known."""
    variants = []
    for one, (low, high) in zip(message.variants, ranges(message.variants), strict=True):
        key = _variant(message, one.name)
        condition = compiled.get(key)
        variants.append(VariantRule(one.name, condition, ready_at(key) if condition else 0, low, high))
    seen = tuple(
        SeenRule(
            one.path, valued[_value(message, one.path)], metric_ready_at(one.path[1]) if one.path[0] == METRIC else 0
        )
        for one in message.sees
    )
    return MessageRule(message.name, tuple(variants), seen, message.names)


def partial_rule(message: Message, compiled: Mapping[str, Condition], valued: Mapping[str, Valued]) -> MessageRule:
    """The rule of a message of which not everything can be answered: variants that ask what is not there fit nobody,
    and such values are missing. For looking at, never for sending."""
    variants = [
        VariantRule(one.name, compiled.get(_variant(message, one.name)), 0, low, high)
        for one, (low, high) in zip(message.variants, ranges(message.variants), strict=True)
        if one.condition is None or _variant(message, one.name) in compiled
    ]
    seen = [SeenRule(one.path, found) for one in message.sees if (found := valued.get(_value(message, one.path)))]
    return MessageRule(message.name, tuple(variants), tuple(seen), message.names)


def _variant(message: Message, variant: str) -> str:
    return f"message/{message.name}/{variant}"


def _value(message: Message, path: tuple[str, ...]) -> str:
    return f"message/{message.name}/{'.'.join(path)}"


# ---- at the claim ----------------------------------------------------------------------------------------------------


def frozen(
    rule: MessageRule, view: View, key: str, now: int, segments: Callable[[], Iterable[str]] = tuple
) -> dict[str, Any]:
    """What belongs to the values that the message is rendered from: {variant, seen: {collection: {part: value}},
    segments: [names], zone}, each only where there is any. `key` is the person's, `segments` gives the names of those
    that the person is in."""
    found: dict[str, Any] = {}
    if variant := choose(rule, view, key, now):
        found["variant"] = variant
    if rule.seen:
        seen: dict[str, dict[str, Any]] = {}
        for one in rule.seen:
            value = one.valued.value(view, now) if now >= one.ready_at else None
            seen.setdefault(one.path[0], {})[one.path[1]] = _plain(value)
        found["seen"] = seen
    if LOCAL_DATE in rule.wants:
        found["zone"] = view.zone
    if SEGMENT in rule.wants or SEGMENTS in rule.wants:
        found["segments"] = sorted(segments())
    return found


def choose(rule: MessageRule, view: View, key: str, now: int) -> str:
    """The first variant that the person fits; "" for the message as it stands."""
    if not rule.variants:
        return ""
    at = place(rule.name, key)
    for one in rule.variants:
        if not one.low <= at < one.high:
            continue
        if one.condition is None or (now >= one.ready_at and one.condition.holds(view, now)):
            return one.name
    return ""


def place(message: str, key: str) -> float:
    """Where a person stands among all for this message, in [0, 1): always the same, and for each message another."""
    drawn = blake2b(f"variant\0{message}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(drawn) >> 11) / _WHOLE


def _plain(value: Any) -> Any:
    """As templates take it: times as texts, durations in seconds."""
    if isinstance(value, Time):
        return format_time(value)
    if isinstance(value, Duration):
        return value / 1_000_000
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
