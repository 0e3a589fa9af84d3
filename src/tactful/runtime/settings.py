"""Settings: tactful.toml, then TACTFUL_* variables, parsed once into frozen structs; unknown keys are refused.

docs/configuration.md documents every key (a test says so). Pure: the text and the variables come in.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct, field

from tactful.errors import DefinitionError, Place, Problem
from tactful.events.records import CONSENT, IDENTITY, SESSION_GAP, SOURCES, TIME_ZONE, Trust
from tactful.events.zones import names
from tactful.language.mistakes import did_you_mean
from tactful.values import DAY_US, parse_duration

FILE = "tactful.toml"
Unplanned = Literal["keep", "mend", "quarantine", "drop"]


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
    unplanned: Unplanned = "keep"
    """What becomes of an event that does not fit events/: kept and flagged, mended where that can be done, put into
    the quarantine, or dropped."""


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
    mails_per_address: int = 10
    """To one address within 24 hours, whatever any definition says."""


class IdentitySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is who (docs/identity.md)."""

    browser: Literal["open", "signed"] = "open"
    """Whether a browser may name a user without a token of the shop's server."""
    secrets: list[str] = []
    """What such tokens are signed with (HS256), the newest first."""
    ties: tuple[str, ...] = ("external", "email", "phone", "anonymous", "device")
    """Kinds of identifiers that a call ties to the stronger one that it names."""
    priority: tuple[str, ...] = ("user", "external", "email", "phone", "anonymous", "device")
    """Which of the identifiers of a call is the strongest; fixed when the data folder is made."""
    blocked: list[str] = []
    """Values that name nobody, beside those that never do; * stands for anything."""
    shared: list[str] = []
    """Devices and anonymous ids that are never tied (a kiosk)."""
    users: int = 8
    emails: int = 5
    phones: int = 3
    devices: int = 50
    """How many of a kind one identifier may be tied to."""
    moves_per_hour: int = 20
    """A device that goes from one person to another more often is taken for a shared one."""


class PurposeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A purpose of processing, and what allows it."""

    basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] = "consent"
    categories: list[str] = []
    """Names of it in `context.consent.categoryPreferences`."""
    gpc: bool = False
    """Whether Global Privacy Control objects to it."""


class ConsentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be done with what people do (docs/consent.md)."""

    region: Literal["opt-in", "opt-out"] = "opt-in"
    """Of people whose country is unknown or stands in neither list: may we before they were asked?"""
    opt_in: list[str] = []
    opt_out: list[str] = []
    """Countries (ISO 3166 alpha-2)."""
    collect: str = ""
    """The purpose that keeping events of a person needs; none unless it is named."""
    otherwise: Literal["anonymous", "count", "drop"] = "count"
    """What becomes of events without it: kept without identifiers, counted by name, dropped."""
    purposes: dict[str, PurposeSettings] = field(default_factory=dict)


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
    identity: IdentitySettings = IdentitySettings()
    consent: ConsentSettings = ConsentSettings()


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
    told = {TIME_ZONE: workspace.time_zone, SESSION_GAP: workspace.session_gap}
    sources = {name: {"trust": one.trust, "unplanned": one.unplanned} for name, one in settings.sources.items()}
    identity = msgspec.structs.replace(settings.identity, secrets=[])
    for key, section, default in (
        (IDENTITY, identity, IdentitySettings()),
        (CONSENT, settings.consent, ConsentSettings()),
        (SOURCES, {name: one for name, one in sources.items() if one["unplanned"] != "keep"}, {}),
    ):
        if section != default:
            told[key] = msgspec.json.encode(section, order="deterministic").decode()
    return told


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
