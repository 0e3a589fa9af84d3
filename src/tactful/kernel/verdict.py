"""The verdict on an event, before anything is made of it: keep it (as it is, flagged or mended), keep it without
identifiers, count it, drop it, or put it into the quarantine.

First what is true whoever the person is: may this source say so, and does it fit the tracking plan. Then, with what the
person has decided, whether it may be kept at all. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tactful.events.intake import Draft
from tactful.events.records import Event, unpack
from tactful.events.tracking import Misfit, fit
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.readers import EventReader

KEEP, ANONYMOUS, COUNT, DROP, QUARANTINE = "keep", "anonymous", "count", "drop", "quarantine"
NO_FLAGS: tuple[str, ...] = ()


class Said(Struct, gc=False):
    """What the engine itself reads of an event's context, whatever it is."""

    timezone: Any = None
    consent: Any = None
    gpc: Any = None
    location: Any = None
    locale: Any = None

    def country(self) -> Any:
        return self.location.get("country") if type(self.location) is dict else None


class Judged(Struct, frozen=True):
    """`properties` are None where nobody had to read them."""

    verdict: str = KEEP
    code: str = ""
    field: str = ""
    message: str = ""
    flags: tuple[str, ...] = NO_FLAGS
    properties: Mapping[str, Any] | None = None
    is_mended: bool = False
    """They are others than those that came."""


_said = msgspec.msgpack.Decoder(Said)  # Skipping the rest is four times as fast as decoding it.
_NOTHING = Said()
_KEPT = Judged()
_EMPTY = b"\x80"


def said(event: Event) -> Said:
    """What the context says; nothing where it holds what it may not."""
    context = event.context
    return _NOTHING if context == _EMPTY else _said.decode(context)


def judge(plan: CompiledPlan, event: Event, reader: EventReader) -> Judged:
    """The verdict as far as it is the same for everybody."""
    if event.trust == "server" and not plan.tracking:
        return _KEPT
    return judge_said(plan, event, reader, lambda: unpack(event.properties))


def judge_said(
    plan: CompiledPlan, event: Event | Draft, reader: EventReader, properties: Callable[[], dict[str, Any]]
) -> Judged:
    """As `judge`, of what need not be packed yet. Of an event that fits as it is, the properties are those given."""
    rule = reader.rule
    if event.trust == "browser":
        if rule is not None and rule.is_server_only:
            return Judged(QUARANTINE, "server_only", "event", f"{event.name} may only come from a server's source")
        if plan.identity.is_signed and not event.is_verified and event.key[0] not in "ad":
            message = "a browser may only name a user with a token of the shop's server ([identity] browser)"
            return Judged(QUARANTINE, "identity_unproved", "userId", message)
    if not plan.has_tracking:
        return _KEPT
    unplanned = plan.sources.get(event.source, KEEP)
    if rule is None:
        if unplanned == KEEP or event.kind != "track":
            return _KEPT
        return _misfitting(unplanned, (Misfit("undeclared", "event", f"{event.name} is not in events/"),), None)
    given = properties()
    found, misfits = fit(rule, given, mends=unplanned == "mend")
    is_mended = found is not given
    if not misfits:
        return Judged(properties=found, is_mended=is_mended)
    return _misfitting(unplanned, misfits, found, is_mended=is_mended)


def _misfitting(
    unplanned: str, misfits: tuple[Misfit, ...], properties: Mapping[str, Any] | None, *, is_mended: bool = False
) -> Judged:
    if unplanned in (QUARANTINE, DROP):
        first = misfits[0]
        return Judged(unplanned, first.code, first.field, first.message)
    told = tuple(misfit.message for misfit in misfits)
    return Judged(flags=told, properties=properties, is_mended=is_mended)
