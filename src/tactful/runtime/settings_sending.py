"""`[sending]`: what holds for everything that leaves (docs/configuration.md). Pure."""

from collections.abc import Collection, Iterator
from typing import Literal

from msgspec import Struct, field

from tactful.journeys.definition import CHANNELS
from tactful.journeys.notation import share
from tactful.kernel.sending import cap, quiet
from tactful.language.document import PURPOSE, PURPOSE_HINT
from tactful.language.mistakes import did_you_mean

_QUIET_HINT = 'local times of a day, "21:00-08:00"; leave it out for none'


class ChannelSending(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for one channel; `quiet` of "" has none, without the key it is that of all (a webhook's: none)."""

    cap: list[str] = []
    quiet: str | None = None


class SendingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for everything that leaves (docs/journeys.md)."""

    holdout: str = ""
    """Share of people who are sent nothing by any journey: "5%"."""
    cap: list[str] = []
    """Over all channels but webhooks: "3 per day" (the calendar day of the person), "8 per 7d"."""
    quiet: str = ""
    """Local hours in which nothing leaves: "21:00-08:00"."""
    channels: dict[str, ChannelSending] = field(default_factory=dict)
    """By name: email, sms, push, web_push, chat, webhook."""
    track_purpose: str = ""
    """What a person must permit before the links and the pixel of their mails are tracked; "": everybody's are."""
    approval: Literal["anybody", "second_person"] = "anybody"
    """Who may approve a campaign: anybody, whoever launches it too, or somebody else than who launches it."""


def sending_problem(sending: SendingSettings, purposes: Collection[str]) -> tuple[str, str] | None:
    """What the types cannot say: the key with what is wrong, and what to write. `purposes` are those declared."""
    tracking = sending.track_purpose
    if tracking and not PURPOSE.fullmatch(tracking):
        return f'sending.track_purpose: "{tracking}" is no name of a purpose', PURPOSE_HINT
    if tracking and purposes and tracking not in purposes:
        hint = did_you_mean(tracking, purposes) or f'add [consent.purposes."{tracking}"]'
        return f'sending.track_purpose: no purpose "{tracking}" is declared', hint
    if sending.holdout and share(sending.holdout) is None:
        return f"sending.holdout: {sending.holdout!r} is no share", 'for instance "5%" or "2.5%"'
    for key, caps, hours in _rules(sending):
        for text in caps:
            if cap(text) is None:
                return f"{key}.cap: {text!r} is no cap", 'for instance "3 per day" or "8 per 7d"'
        found = quiet(hours or "")
        if hours and found is None:
            return f"{key}.quiet: {hours!r} are no hours", _QUIET_HINT
        if found is not None and found[0] == found[1]:
            return f"{key}.quiet: {hours!r} begin and end at the same time", _QUIET_HINT
    for name in sending.channels:
        if name not in CHANNELS:
            hint = did_you_mean(name, CHANNELS) or ", ".join(CHANNELS)
            return f"sending.channels.{name}: there is no channel {name!r}", hint
    return None


def _rules(sending: SendingSettings) -> Iterator[tuple[str, list[str], str | None]]:
    """The key of each section, with what it says."""
    yield "sending", sending.cap, sending.quiet
    for name, one in sending.channels.items():
        yield f"sending.channels.{name}", one.cap, one.quiet
