"""Explain, of one journey: a person's runs as text for a terminal, and as values for machines."""

from typing import Any

from tactful.operations.people.explain import step_lines, step_values
from tactful.operations.people.journeying import MessageStory, RunStory
from tactful.operations.people.telling_runs import HELD_OUT, entry, in_words
from tactful.values import format_time

_INDENT = " " * 4
_STATES = {
    "waiting": "is inside",
    "sending": "went to its end; messages are still on their way",
    "ended": "has ended",
    "never": "did not begin",
}


def as_text(user: str, journey: str, runs: tuple[RunStory, ...]) -> str:
    """Every run, oldest first: where it stands, line for line what happened, and its messages."""
    if not runs:
        return f"{user} was never in the journey {journey}, as far as the trail reaches\n"
    lines = [f"{user} in the journey {journey}", ""]
    for run in runs:
        lines += [*_run(run), ""]
    return "\n".join(lines)


def _run(run: RunStory) -> list[str]:
    lines = [f"run{entry(run.entry_key)} of {format_time(run.started_at)}: {_STATES[run.state]}{_because(run)}"]
    if run.version:
        lines.append(f"{_INDENT}version {run.version}")
    if run.arm in HELD_OUT:
        lines.append(f"{_INDENT}held out: {HELD_OUT[run.arm]}; nothing is sent")
    if run.state == "waiting":
        what = f" for {run.waits_for}" if run.waits_for else ""
        lines.append(f"{_INDENT}waits at {run.step or 'its start'}{what}, until {format_time(run.due)}")
    if run.steered:
        lines.append(f"{_INDENT}the journey is {run.steered}")
    if run.goals:
        lines.append(f"{_INDENT}goal reached {_times(run.goals)}{f', worth {run.worth:g}' if run.worth else ''}")
    for line in run.lines:
        lines += [f"{_INDENT}{each}" for each in step_lines(line)]
    for message in run.messages:
        lines += [f"{_INDENT}{each}" for each in _message(message)]
    return lines


def _because(run: RunStory) -> str:
    return f" ({in_words(run.ended)})" if run.ended else ""


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _message(message: MessageStory) -> list[str]:
    at = f" at {message.step}" if message.step else ""
    lines = [f"✉ {message.channel} {message.message}{at}: {message.status}"]
    gate = ": ".join(part for part in (message.reason, message.detail) if part)
    if gate:
        lines[0] += f" ({gate})"
    if message.status == "waiting":
        until = format_time(message.valid_until)
        lines.append(f"{_INDENT}not before {format_time(message.not_before)}, valid until {until}")
    told = (
        ("to", message.address),
        ("allowed by", message.permit),
        ("version of the message", message.version),
        ("variant", message.variant),
        ("digest of what was sent", message.digest),
    )
    lines += [f"{_INDENT}{name} {value}" for name, value in told if value]
    lines += [f"{_INDENT}{format_time(line.at)} {line.text}{_detail(line.because)}" for line in message.responses]
    return lines


def _detail(because: str) -> str:
    return f" ({because})" if because else ""


# ---- for machines ----------------------------------------------------------------------------------------------------


def as_values(person: str, journey: str, runs: tuple[RunStory, ...]) -> dict[str, Any]:
    """JSON values; times as ISO 8601 with Z, null where there is none."""
    return {"person": person, "journey": journey, "runs": [_values(run) for run in runs]}


def _values(run: RunStory) -> dict[str, Any]:
    return {
        "key": run.entry_key,
        "startedAt": format_time(run.started_at),
        "version": run.version,
        "arm": run.arm,
        "state": run.state,
        "step": run.step,
        "waitsFor": run.waits_for,
        "due": _time(run.due),
        "ended": run.ended,
        "steered": run.steered,
        "goals": run.goals,
        "worth": run.worth,
        "story": [step_values(line) for line in run.lines],
        "messages": [_message_values(message) for message in run.messages],
    }


def _message_values(message: MessageStory) -> dict[str, Any]:
    return {
        "intent": message.intent,
        "at": format_time(message.at),
        "step": message.step,
        "channel": message.channel,
        "message": message.message,
        "status": message.status,
        "reason": message.reason,
        "detail": message.detail,
        "address": message.address,
        "permit": message.permit,
        "notBefore": _time(message.not_before),
        "validUntil": format_time(message.valid_until),
        "finishedAt": _time(message.finished_at),
        "version": message.version,
        "variant": message.variant,
        "digest": message.digest,
        "responses": [step_values(line) for line in message.responses],
    }


def _time(at: int) -> str | None:
    return format_time(at) if at else None
