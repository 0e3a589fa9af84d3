"""A preview of a campaign, asked for by name, and as text."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from tactful.operations.journeys.campaigns import campaign, version_of
from tactful.operations.journeys.previewing import Preview, Previewer, Reach
from tactful.operations.people.telling_runs import HELD_OUT
from tactful.operations.places import People
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock, Outbox
from tactful.runtime.settings import Settings

_LINES = 6
"""Of a message's text."""


class Place(Protocol):
    """What is needed of a House."""

    @property
    def outbox(self) -> Outbox: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...


def preview(name: str, reader: Reader, house: Place) -> tuple[str, Preview]:
    """The version in force, and whom it would reach now. Raises UsageError where there is no such campaign."""
    plan, state = reader.compiled(), reader.plan_state()
    rule = campaign(name, plan)
    states: list[People] = reader.people_states()
    settings, facts = house.settings, house.outbox.facts()
    most, workspace = settings.limits.mails_per_address, settings.workspace.name
    found = Previewer(rule, plan, state, states, facts, house.clock.now_us(), most, workspace).preview()
    return version_of(rule, plan, state), found


def values(name: str, reader: Reader, house: Place) -> dict[str, object]:
    """The same as JSON values."""
    return as_values(*preview(name, reader, house))


def as_values(version: str, preview: Preview) -> dict[str, object]:
    return {"version": version, **msgspec.to_builtins(preview)}


def as_text(version: str, preview: Preview) -> str:
    lines = [
        f"{preview.campaign}, version {version}",
        *(["a new definition is being brought to everybody: the numbers still move"] if preview.is_settling else []),
        "",
        f"  {preview.audience:,} of {preview.people:,} people are in its segment now",
        f"  {preview.entering:,} would enter",
        *(f"    {count:,} would not: {reason}" for reason, count in preview.not_entering.items()),
        *(f"    {count:,} are held out ({HELD_OUT.get(arm, arm)})" for arm, count in preview.held_out.items()),
    ]
    for reach in preview.reach:
        lines += ["", *_reach(reach)]
    if preview.sample:
        lines += ["", f"for instance {', '.join(preview.sample)}"]
    for shown in preview.shown:
        variant = f", variant {shown.variant}" if shown.variant else ""
        lines += ["", f"{shown.message} to {shown.address} ({shown.person}{variant})"]
        lines += [f"    {line}" for line in (shown.subject, *_cut(shown.text)) if line]
    lines += ["", f"to agree: tactful campaign approve {preview.campaign} --version {version} --by WHO"]
    return "\n".join(lines) + "\n"


def _reach(reach: Reach) -> Iterator[str]:
    yield f"  {reach.channel} {reach.message} at {reach.step} would reach {reach.reached:,} of them now"
    if reach.later:
        yield f"    {reach.later:,} after their quiet hours"
    yield from _reasons(reach.reasons)


def _reasons(reasons: Mapping[str, int]) -> Iterator[str]:
    for reason, count in reasons.items():
        yield f"    {count:,} not: {reason}"


def _cut(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines if len(lines) <= _LINES else [*lines[:_LINES], "..."]
