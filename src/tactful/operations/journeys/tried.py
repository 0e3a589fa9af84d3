"""What `tactful try` reads and shows: a journey with its surroundings, and what was looked at as text and as values."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from tactful.consent import policy
from tactful.errors import UsageError
from tactful.events.records import CONSENT, IDENTITY
from tactful.kernel.definitions import read_project
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.messages.template import check_template
from tactful.operations.definitions.project import load
from tactful.operations.evaluation.evaluate_lines import Question, naming_of, read_lines
from tactful.operations.journeys.trying import Look, Message
from tactful.operations.lines import History
from tactful.operations.people.explain import reason, step_lines, step_values, why_values
from tactful.runtime.settings import Settings, plan_settings
from tactful.values import format_time, parse_duration

_INDENT = " " * 31


class Tried(Struct, frozen=True):
    """What is to be tried: one journey, what it may name, and over what."""

    journey: str
    files: dict[str, str]
    settings: dict[str, str]
    """As a plan takes them."""
    records: tuple[History, ...]
    stand_ins: tuple[str, ...]
    """Messages that nobody has written: they stand for themselves."""


def own_project(path: Path) -> Path | None:
    """The project that a journey's file lies in."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "journeys" else None


def read(path: Path, project: Path | None, settings: Settings, lines: list[bytes]) -> Tried:
    """Raises DefinitionError for mistakes in what the journey stands on, UsageError for a line."""
    name = path.stem
    files = load(project) if project is not None else {}
    files = {at: text for at, text in files.items() if not at.startswith("journeys/")}
    files[f"journeys/{name}.yaml"] = text = path.read_text(encoding="utf-8")
    stand_ins = () if project is not None else tuple(_stand_in(text, files))
    told = plan_settings(settings)
    gap_us = parse_duration(settings.workspace.session_gap) or DEFAULT_GAP_US
    purposes = policy.read(told.get(CONSENT, "")).purposes
    read_project(files, check_template, gap_us=gap_us, purposes=purposes)
    naming = naming_of(Question({}, identity=told.get(IDENTITY, "")))
    records = tuple(record for _, record in read_lines(lines, naming, with_repeats=True))
    if not records:
        raise UsageError("the file of events is empty; nothing would happen")
    return Tried(name, files, told, records, stand_ins)


def _stand_in(text: str, files: dict[str, str]) -> Iterator[str]:
    """Put a message that says its name where the journey, outside of a project, names one."""
    try:
        journey = yaml.safe_load(text)
    except yaml.YAMLError:
        return  # It is told with its place when the project is read.
    for channel, message in dict.fromkeys(_sends(journey)):
        at = f"messages/{message}.yaml"
        if at not in files and message.isidentifier():
            body = f"subject: {message}\ntext: {message}\n" if channel == "email" else f"text: {message}\n"
            files[at] = body if channel == "email" else f"channel: {channel}\n{body}"
            yield message


def _sends(node: object) -> Iterator[tuple[str, str]]:
    """Channel and message of every `send:`."""
    if isinstance(node, Mapping):
        sent = node.get("send")
        for channel, message in sent.items() if isinstance(sent, Mapping) else ():
            if isinstance(message, str) and channel != "webhook":
                yield str(channel), message
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for one in inner:
        yield from _sends(one)


# ---- for people ------------------------------------------------------------------------------------------------------


def as_text(look: Look) -> str:
    """One look: what happened, then how every predicate stands, then what would be sent."""
    lines: list[str] = []
    for line in look.lines:
        lines += step_lines(msgspec.structs.replace(line, through=look.person))
    lines += [f"{_INDENT}? {reason(why)}" for why in look.predicates]
    for message in look.messages:
        lines += [f"{_INDENT}{text}" for text in _would(message)]
    if not look.lines:
        lines.insert(0, f"{format_time(look.at)}  · {look.person}")
    return "\n".join(lines)


def _would(message: Message) -> list[str]:
    variant = f", variant {message.variant}" if message.variant else ""
    lines = [f"would be sent: {message.channel} {message.message} to {message.address}{variant}"]
    return [*lines, f"  {message.subject}"] if message.subject else lines


# ---- for machines ----------------------------------------------------------------------------------------------------


def as_values(look: Look) -> dict[str, Any]:
    """JSON values; times as ISO 8601 with Z."""
    return {
        "at": format_time(look.at),
        "person": look.person,
        "asked": look.is_asked,
        "story": [step_values(line) for line in look.lines],
        "predicates": [why_values(why) for why in look.predicates],
        "messages": [msgspec.to_builtins(message) for message in look.messages],
    }
