"""Explain: a story as text for a terminal, and as values for machines."""

import json
from typing import Any

from tactful.operations.people.telling import ORIGINS
from tactful.operations.people.telling_runs import HELD_OUT
from tactful.operations.stories import Known, Permission, Scalar, SeenEvent, Story, StoryLine, Waits, Why
from tactful.values import format_time

_MARKS = {
    "event": "●",
    "entered": "→",
    "left": "←",
    "started": "▸",
    "ended": "▪",
    "intent": "✉",
    "claim": "✓",
    "outcome": "✓",
    "consent": "§",
    "tied": "⊕",
    "went": "⊖",
    "apart": "≠",
    "barred": "✗",
    "wait": "…",
    "came": "→",
    "over": "→",
    "branch": "⑂",
    "split": "⑂",
    "set": "✎",
    "withheld": "✗",
    "goal": "★",
    "response": "↩",
}
_INDENT = " " * 4
_REASON = " " * 31
"""Under the text of a step, behind its time and mark."""
_PROPERTIES = 6
"""So many properties of an event are shown on a line."""


def as_text(story: Story) -> str:
    """The whole story, oldest step first, one line per step and one per reason."""
    lines = [story.user, ""]
    if story.asked != story.user:
        lines[0] += f" (asked for as {story.asked})"
    if story.is_waiting:
        lines.append(f"{_INDENT}is being un-merged: some of what is its own has not come back yet")
    lines += [f"{_INDENT}{_known(each)}" for each in story.identifiers if each.key != story.user]
    lines += [f"{_INDENT}{name}: {_short(value)}" for name, value in sorted(story.traits.items())]
    lines += [f"{_INDENT}in the segment {each.segment} since {format_time(each.since)}" for each in story.segments]
    for consent in story.consents:
        lines.append(f"{_INDENT}{consent.purpose}: {permission(consent)}")
    for run in story.runs:
        lines.append(f"{_INDENT}{waits(run)}")
    if len(lines) > 2:
        lines.append("")
    if not story.is_whole:
        lines += ["(older steps are left out, or have expired with their log)", ""]
    for line in story.lines:
        lines += step_lines(line)
    return "\n".join(lines) + "\n"


def waits(run: Waits) -> str:
    """`waits in the journey cart for c-7 at remind until ... (Order Completed, at most 2d)`."""
    about = f" for {_short(run.entry_key)}" if run.entry_key else ""
    step = f" at {run.step}" if run.step else ""
    what = f" ({run.waits_for})" if run.waits_for else ""
    out = f"; {HELD_OUT[run.arm]}: nothing will be sent" if run.arm in HELD_OUT else ""
    return f"waits in the journey {run.journey}{about}{step} until {format_time(run.due)}{what}{out}"


def permission(consent: Permission) -> str:
    """`granted`, `denied (through a:7f3)`; where nobody decided, what the policy says."""
    if not consent.at:
        word = "allowed" if consent.granted else "not allowed"
        return f"{word} ({consent.because.partition(': ')[2] or consent.because})" if consent.because else word
    origin = f" {ORIGINS[consent.origin]}" if consent.origin in ORIGINS and consent.origin != "api" else ""
    through = f" (through {consent.through})" if consent.through else ""
    return f"{'granted' if consent.granted else 'denied'}{origin}{through}"


def _known(each: Known) -> str:
    if each.is_past:
        return f"was known as {each.key}, which belongs to somebody else by now"
    since = f" since {format_time(each.since)}" if each.since else ""
    return f"is known as {each.key}{since}{f', by {each.event.name}' if each.event is not None else ''}"


def step_lines(line: StoryLine) -> list[str]:
    """One line of a story, and below it its reasons."""
    mark = "✗" if line.status in ("refused", "rejected", "lapsed", "dropped") else _MARKS.get(line.kind, "·")
    shown = f" {properties(line.event)}".rstrip() if line.kind == "event" and line.event is not None else ""
    because = f" ({line.because})" if line.because else ""
    through = f" [{line.through}]" if line.through else ""
    lines = [f"{format_time(line.at)}  {mark} {line.text}{shown}{because}{through}"]
    if line.event is not None and line.kind != "event":
        lines.append(f"{_REASON}{happened(line.event)}")
    for why in line.why:
        lines.append(f"{_REASON}because {reason(why)}")
        lines += [f"{_REASON}{_INDENT}{happened(event)}" for event in why.events]
        if why.expired:
            lines.append(f"{_REASON}{_INDENT}and {why.expired} earlier")
    return lines


def reason(why: Why) -> str:
    """`count("Order Completed", last="30d") >= 3 was true`."""
    return f"{why.text} was {value(why.value)}"


def value(seen: Scalar) -> str:
    """As the language writes it."""
    if seen is None:
        return "missing"
    if isinstance(seen, bool):
        return "true" if seen else "false"
    return f"{seen:g}" if isinstance(seen, float) else _short(seen)


def happened(event: SeenEvent) -> str:
    """`Order Completed at 2025-03-01T10:00:00.000Z total=12`."""
    return f"{event.name} at {format_time(event.at)} {properties(event)}".rstrip()


def properties(event: SeenEvent) -> str:
    """The first few properties, as `name=value`."""
    shown = [f"{name}={_short(each)}" for name, each in list(event.properties.items())[:_PROPERTIES]]
    more = len(event.properties) - len(shown)
    return " ".join([*shown, f"… {more} more" if more > 0 else ""]).strip()


def plain(each: Any) -> str:
    """A JSON value as text; a whole number without its point, since all numbers are of one kind."""
    if isinstance(each, float) and each.is_integer():
        return f"{each:.0f}"
    return each if isinstance(each, str) else json.dumps(each, ensure_ascii=False, default=str)


def _short(each: Any) -> str:
    text = plain(each)
    text = "".join(sign if sign.isprintable() else "�" for sign in text)
    return text if len(text) <= 60 else text[:59] + "…"


# ---- for machines ------------------------------------------------------------------------------------------------


def as_values(story: Story) -> dict[str, Any]:
    """JSON values; times as ISO 8601 with Z."""
    return {
        "person": story.key,
        "userId": story.user[2:] if story.user.startswith("u:") else None,
        "asked": story.asked,
        "identifiers": [_known_values(each) for each in story.identifiers],
        "waiting": story.is_waiting,
        "partition": story.partition,
        "traits": story.traits,
        "segments": [{"segment": each.segment, "since": format_time(each.since)} for each in story.segments],
        "consents": [
            {
                "purpose": each.purpose,
                "granted": each.granted,
                "at": format_time(each.at) if each.at else None,
                "origin": each.origin,
                "because": each.because,
            }
            | ({"through": each.through} if each.through else {})
            for each in story.consents
        ],
        "runs": [_run_values(run) for run in story.runs],
        "whole": story.is_whole,
        "story": [step_values(line) for line in story.lines],
    }


def _known_values(each: Known) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": each.key}
    if each.since:
        shown["since"] = format_time(each.since)
    if each.event is not None:
        shown["by"] = event_values(each.event)
    if each.is_past:
        shown["past"] = True
    return shown


def _run_values(run: Waits) -> dict[str, Any]:
    return {
        "journey": run.journey,
        "key": run.entry_key,
        "startedAt": format_time(run.started_at),
        "due": format_time(run.due),
        "step": run.step,
        "waitsFor": run.waits_for,
        "arm": run.arm,
    }


def step_values(line: StoryLine) -> dict[str, Any]:
    step: dict[str, Any] = {"at": format_time(line.at), "kind": line.kind, "text": line.text}
    if line.because:
        step["because"] = line.because
    if line.why:
        step["why"] = [why_values(why) for why in line.why]
    if line.event is not None:
        step["event"] = event_values(line.event)
    if line.intent:
        step["intent"] = line.intent
    if line.status:
        step["status"] = line.status
    if line.through:
        step["through"] = line.through
    return step


def why_values(why: Why) -> dict[str, Any]:
    """One predicate with the events behind it."""
    return {
        "expression": why.text,
        "value": why.value,
        "events": [event_values(event) for event in why.events],
        "earlier": why.expired,
    }


def event_values(event: SeenEvent) -> dict[str, Any]:
    """An event as the read API shows it."""
    return {
        "type": event.kind,
        "event": event.name,
        "messageId": event.message_id,
        "person": event.key,
        "timestamp": format_time(event.at),
        "receivedAt": format_time(event.received_at),
        "source": event.source,
        "properties": event.properties,
        "partition": event.partition,
        "position": event.position,
    }
