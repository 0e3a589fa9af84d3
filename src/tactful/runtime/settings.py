"""Settings: tactful.toml, then TACTFUL_* variables, parsed once into frozen structs; unknown keys are refused.

docs/configuration.md documents every key (a test says so). Pure: the text and the variables come in.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from tactful.errors import DefinitionError, Place, Problem
from tactful.events.naming import LETTERS, Naming, naming
from tactful.events.normalize import COUNTRIES, country
from tactful.events.records import CONSENT, IDENTITY, SENDING, SESSION_GAP, SOURCES, TIME_ZONE, Trust
from tactful.events.sources import OWN_SOURCES
from tactful.events.zones import names
from tactful.language.document import PURPOSE, PURPOSE_HINT
from tactful.language.mistakes import did_you_mean
from tactful.runtime.settings_access import ACCESS_OVERRIDES, AccessSettings, access_problem
from tactful.runtime.settings_channels import CHANNEL_OVERRIDES, ChannelSettings, channel_problem
from tactful.runtime.settings_history import HISTORY_OVERRIDES, HistorySettings, history_problem
from tactful.runtime.settings_mistakes import FILE, dotted, error_of, misfit
from tactful.runtime.settings_responses import (
    RESPONSE_OVERRIDES,
    HookSettings,
    TrackingSettings,
    response_problem,
)
from tactful.runtime.settings_sending import SendingSettings, sending_problem
from tactful.runtime.settings_thresholds import ThresholdSettings, threshold_problem
from tactful.values import DAY_US, parse_duration

MIN_SECRET, MAX_SECRETS = 32, 5
"""Bytes that a secret of tokens has at least (RFC 7518 3.2), and how many may hold at the same time."""
NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(18))"'
Unplanned = Literal["keep", "mend", "quarantine", "drop"]


class WorkspaceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    name: str = "Tactful"
    time_zone: str = "UTC"
    session_gap: str = "30m"
    """From one event to the next, so that another session begins."""
    public_url: str = ""
    """Where links in mails lead; https, but for a local outbox."""
    site_url: str = ""
    """The shop: what links of messages that name no host are relative to."""
    testers: tuple[str, ...] = ()
    """Addresses to which messages may be sent as a test."""


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
    delay: str = ""
    """How late its events may come in, for questions by what had happened ("1h"); "": at once."""


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
    log_days: int = 7
    """0: for ever. A file is dropped once it is older, every partition has read it and the lake has what it says."""


class FetchSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Fresh data of messages (`fetch:`)."""

    hosts: tuple[str, ...] = ()
    """May be asked although they are not on the public internet."""


class EngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    partitions: int = 4
    """Fixed when the data folder is made."""
    workers: int = 0
    """Worker processes; 0: one per core, at most one per partition."""
    deliverers: int = 1
    """Processes that send; the slots of a channel are shared among them."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    workspace: WorkspaceSettings = WorkspaceSettings()
    sources: dict[str, SourceSettings] = field(default_factory=dict)
    channels: ChannelSettings = ChannelSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionSettings = RetentionSettings()
    engine: EngineSettings = EngineSettings()
    identity: IdentitySettings = IdentitySettings()
    consent: ConsentSettings = ConsentSettings()
    sending: SendingSettings = SendingSettings()
    tracking: TrackingSettings = TrackingSettings()
    hooks: HookSettings = HookSettings()
    fetch: FetchSettings = FetchSettings()
    history: HistorySettings = HistorySettings()
    thresholds: ThresholdSettings = ThresholdSettings()
    access: AccessSettings = AccessSettings()


OVERRIDES = {
    "TACTFUL_PUBLIC_URL": ("workspace", "public_url"),
    **CHANNEL_OVERRIDES,
    **RESPONSE_OVERRIDES,
    **ACCESS_OVERRIDES,
    **HISTORY_OVERRIDES,
    "TACTFUL_IDENTITY_SECRET": ("identity", "secrets"),
    "TACTFUL_PARTITIONS": ("engine", "partitions"),
    "TACTFUL_WORKERS": ("engine", "workers"),
    "TACTFUL_DELIVERERS": ("engine", "deliverers"),
}
"""Secrets and what differs between installations may come from the environment; a list with spaces between."""


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
            value = variables[variable]
            _put(tree, path, value.split() if path == ("identity", "secrets") else value)
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(error, tree, Settings, text) from None
    problem = _problem(settings)
    if problem:
        raise error_of(*problem, text)
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
        (SENDING, settings.sending, SendingSettings()),
        (SOURCES, {name: one for name, one in sources.items() if one["unplanned"] != "keep"}, {}),
    ):
        if section != default:
            told[key] = msgspec.json.encode(section, order="deterministic").decode()
    return told


def naming_of(identity: IdentitySettings) -> Naming:
    """Whom calls may name."""
    return naming(identity.priority, identity.blocked, is_signed=identity.browser == "signed")


def _put(tree: dict[str, Any], path: tuple[str, ...], value: str | list[str]) -> None:
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
    site = settings.workspace.site_url
    if site and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", site):
        return f"workspace.site_url: {site!r} is no address of a site", 'for instance "https://shop.example"'
    if not 1 <= settings.engine.partitions <= 1024:
        return "engine.partitions must be from 1 to 1024", "4 is a good start"
    if not 1 <= settings.engine.deliverers <= 64:
        return "engine.deliverers must be from 1 to 64", "1 sends some hundred messages a second"
    if settings.limits.mails_per_address < 1:
        return "limits.mails_per_address must be 1 or more", "10 is a good start"
    keys = {"": ""}
    for name, source in settings.sources.items():
        if name in OWN_SOURCES:
            return f"{dotted(('sources', name))}: Tactful calls so what it says itself", 'another name, such as "shop"'
        if keys.setdefault(source.write_key, name) != name:
            return f"{dotted(('sources', name))}.write_key: every source needs a write_key of its own", NEW_KEY
        if source.delay and parse_duration(source.delay) is None:
            return f"{dotted(('sources', name))}.delay: {source.delay!r} is no duration", 'for instance "1h"'
    return (
        channel_problem(settings.channels)
        or sending_problem(settings.sending, settings.consent.purposes)
        or response_problem(settings.tracking, settings.hooks)
        or access_problem(settings.access)
        or history_problem(settings.history)
        or threshold_problem(settings.thresholds)
        or _identity_problem(settings.identity)
        or _consent_problem(settings.consent)
    )


def _identity_problem(identity: IdentitySettings) -> tuple[str, str] | None:
    for kind in identity.ties:
        if kind not in LETTERS or kind == "user":
            return f"identity.ties: {kind!r} is no kind that is tied", "external, email, phone, anonymous, device"
    if sorted(identity.priority) != sorted(LETTERS) or {*identity.priority[-2:]} != {"anonymous", "device"}:
        hint = "for instance user, external, email, phone, anonymous, device; the last two are what may change hands"
        return "identity.priority must name each of the six kinds once, anonymous and device last", hint
    if any(not value.replace("*", "").strip() for value in identity.blocked):
        return "identity.blocked: a value of stars alone would block everybody", 'for instance "test-*"'
    if any(len(secret.encode()) < MIN_SECRET for secret in identity.secrets) or len(identity.secrets) > MAX_SECRETS:
        message = f"identity.secrets: {MAX_SECRETS} at most, each of {MIN_SECRET} bytes or more, hard to guess"
        return message, 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
    for name in ("users", "emails", "phones", "devices", "moves_per_hour"):
        if getattr(identity, name) < 1:
            return f"identity.{name} must be 1 or more", "docs/identity.md says what the limits are for"
    return None


def _meant_country(said: str) -> str:
    """Whatever people call it: USA, Deutschland, uk."""
    code = country(said)
    return f'did you mean "{code}"?' if code in COUNTRIES else ""


def _consent_problem(consent: ConsentSettings) -> tuple[str, str] | None:
    for key, countries in (("opt_in", consent.opt_in), ("opt_out", consent.opt_out)):
        for code in countries:
            if code not in COUNTRIES:
                hint = _meant_country(code) or 'for instance "DE"'
                return f"consent.{key}: {code!r} is no country (ISO 3166 alpha-2)", hint
            if code in consent.opt_in and code in consent.opt_out:
                return f"consent.{key}: {code} stands in both lists", "keep it in one of them"
    used: dict[str, str] = {}
    for name, purpose in consent.purposes.items():
        if not PURPOSE.fullmatch(name):
            return f'{dotted(("consent", "purposes", name))}: "{name}" is no name of a purpose', PURPOSE_HINT
        for category in purpose.categories:
            if category in used:
                hint = 'a purpose above both ("marketing" of "marketing.email") can have it'
                key = dotted(("consent", "purposes", name, "categories"))
                return f'{key}: the category "{category}" is one of {used[category]} already', hint
            used[category] = name
    if consent.collect and consent.collect not in consent.purposes:
        hint = did_you_mean(consent.collect, consent.purposes) or f'add [consent.purposes."{consent.collect}"]'
        return f'consent.collect: no purpose "{consent.collect}" is declared', hint
    return None
