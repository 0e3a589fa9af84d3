"""Settings: tactful.toml, then TACTFUL_* variables, parsed once into frozen structs; unknown keys are refused.

docs/configuration.md documents every key (a test says so). Pure: the text and the variables come in.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from tactful.errors import DefinitionError, Place, Problem
from tactful.events.records import SESSION_GAP, TIME_ZONE, Trust
from tactful.events.zones import names
from tactful.language.mistakes import did_you_mean
from tactful.values import DAY_US, parse_duration

FILE = "tactful.toml"


class WorkspaceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    name: str = "Tactful"
    time_zone: str = "UTC"
    session_gap: str = "30m"
    """From one event to the next, so that another session begins."""
    public_url: str = ""
    """Where links in mails lead; https, but for a local outbox."""


class SourceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    write_key: str
    trust: Trust = "browser"
    events_per_second: int = 0
    """0: no limit of its own."""
    event_bytes: int = 256 * 1024
    call_bytes: int = 5 * 1024 * 1024
    call_events: int = 2500


class EmailChannel(Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    smtp_url: str = ""
    sender: str = ""
    slots: int = 10


class WebhookChannel(Struct, frozen=True, forbid_unknown_fields=True):
    secret: str = ""
    allow_private: bool = False
    slots: int = 20


class ChannelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    email: EmailChannel = EmailChannel()
    webhook: WebhookChannel = WebhookChannel()


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    waiting_bytes: int = 64 * 1024 * 1024
    """Accepted and not yet durable; beyond it, callers are asked to come again (429)."""
    quarantine_items: int = 10_000
    quarantine_bytes: int = 256 * 1024 * 1024
    quarantine_days: int = 30


class RetentionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    log_days: int = 0
    """0: for ever. A file is dropped once it is older and every partition has read it."""


class EngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    partitions: int = 4
    """Fixed when the data folder is made."""
    workers: int = 0
    """Worker processes; 0: one per core, at most one per partition."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    workspace: WorkspaceSettings = WorkspaceSettings()
    sources: dict[str, SourceSettings] = field(default_factory=dict)
    channels: ChannelSettings = ChannelSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionSettings = RetentionSettings()
    engine: EngineSettings = EngineSettings()


OVERRIDES = {
    "TACTFUL_PUBLIC_URL": ("workspace", "public_url"),
    "TACTFUL_SMTP_URL": ("channels", "email", "smtp_url"),
    "TACTFUL_WEBHOOK_SECRET": ("channels", "webhook", "secret"),
    "TACTFUL_PARTITIONS": ("engine", "partitions"),
    "TACTFUL_WORKERS": ("engine", "workers"),
}
"""Secrets and what differs between installations may come from the environment."""


def read_settings(text: str, variables: Mapping[str, str]) -> Settings:
    """Raises DefinitionError, naming the key, where the file or a variable is wrong."""
    try:
        tree: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (1, 1)
        place = Place(FILE, line, column, text.splitlines()[line - 1] if at else "")
        raise DefinitionError(Problem(f"this is no TOML: {error}", place, "see https://toml.io")) from None
    for variable, path in OVERRIDES.items():
        if variable in variables:
            _put(tree, path, variables[variable])
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field `(\w+)`", str(error))
        hint = did_you_mean(unknown[1], _keys(Settings)) if unknown else ""
        raise _wrong(str(error), hint or "docs/configuration.md lists every key", text) from None
    problem = _problem(settings)
    if problem:
        raise _wrong(*problem, text)
    return settings


def plan_settings(settings: Settings) -> dict[str, str]:
    """What a plan takes with it, since the meaning of definitions depends on it (records.Publish)."""
    workspace = settings.workspace
    return {TIME_ZONE: workspace.time_zone, SESSION_GAP: workspace.session_gap}


def _keys(struct: type[Struct]) -> Iterator[str]:
    """Every key and section of the file."""
    for one in msgspec.structs.fields(struct):
        yield one.encode_name
        for inner in (one.type, *get_args(one.type)):
            if isinstance(inner, type) and issubclass(inner, Struct):
                yield from _keys(inner)


def _put(tree: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _problem(settings: Settings) -> tuple[str, str] | None:
    """What the types cannot say."""
    if settings.workspace.time_zone not in names():
        return (
            f"workspace.time_zone: there is no time zone {settings.workspace.time_zone!r}",
            'for instance "Europe/Lisbon"',
        )
    gap_us = parse_duration(settings.workspace.session_gap)
    if gap_us is None or gap_us > DAY_US:
        return (
            f"workspace.session_gap: {settings.workspace.session_gap!r} is no duration of a day at most",
            'for instance "30m"',
        )
    if not 1 <= settings.engine.partitions <= 1024:
        return "engine.partitions must be from 1 to 1024", "4 is a good start"
    keys = [source.write_key for source in settings.sources.values()]
    if len(set(keys)) != len(keys) or "" in keys:
        return "every source needs a write_key of its own", "`tactful init` makes one"
    return None


def _wrong(message: str, hint: str, text: str) -> DefinitionError:
    return DefinitionError(Problem(message, _place(message, text), hint))


def _place(message: str, text: str) -> Place:
    """The line of the key that a message names: `workspace.time_zone: ...`, or as msgspec does, an unknown field and
    where it is (`$.retention`). The beginning of the file where the key is not in it."""
    named = re.match(r"(\w+)\.(\w+)", message) or re.search(r"at `\$(?:\.(\w+))?.*?\.?(\w+)?`", message)
    unknown = re.search(r"unknown field `(\w+)`", message)
    key = unknown[1] if unknown else named[2] if named else None
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(rf"\s*(?:\[{key}\]|{key}\s*=)", line) if key else None
        if found:
            return Place(FILE, number, len(line) - len(line.lstrip()) + 1, line)
    return Place(FILE, 1, 1)
