"""`tactful doctor`: can what this installation promises be kept? And what `check` refuses about channels.

Mailboxes believe a one-click link only if DKIM covers its headers, and DKIM is signed by whoever holds the domain's
key: this house, the mail provider, or the relay. So it is said here who that is, and where it is this house the DNS is
asked whether the world knows the key. Everything that reaches out comes in from outside, and changes nothing there.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from tactful.errors import UsageError
from tactful.messages import dkim
from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import DkimSettings, EmailSettings, WebhookSettings
from tactful.runtime.settings_responses import HookSettings, TrackingSettings
from tactful.runtime.smtp_url import LOOPBACK, parse_url

Reach = Callable[[], Awaitable[str]]
"""Tries a connection; what was seen there, or OSError with what failed."""
Names = Callable[[str], Awaitable[Sequence[str]]]
"""TXT records of a name; none where there is no such name. OSError where the DNS does not answer."""


class Finding(Struct, frozen=True):
    level: Literal["good", "note", "bad"]
    about: str
    text: str


def check_channels(email: EmailSettings, public_url: str) -> list[str]:
    """What makes a project unpublishable; empty where all is well. Pure: nothing is connected to."""
    if not email.leaves:
        return []
    problems = []
    if urlsplit(public_url).scheme != "https" or not urlsplit(public_url).hostname:
        problems.append(
            "[workspace] public_url must be an https address before mail goes out: "
            "unsubscribe links lead there (RFC 8058 3.1)"
        )
    if email.smtp_url:
        try:
            at = parse_url(email.smtp_url)
        except UsageError as error:
            return [f"[channels.email] {error}"]
        if at.password and at.starttls != "required" and not at.is_tls and at.host not in LOOPBACK:
            problems.append("[channels.email] smtp_url sends a password; it needs starttls=required or smtps://")
    try:
        address(email.sender)
    except AddressError:
        problems.append("[channels.email] from must be an address, such as Shop <hello@shop.example>")
    return problems


class Signing(Struct, frozen=True):
    """Who signs here, with the private key, and how the DNS is asked."""

    settings: DkimSettings
    key: bytes
    names: Names


async def examine(
    email: EmailSettings,
    webhook: WebhookSettings,
    public_url: str,
    mail_server: Reach | None,
    page: Reach | None,
    signing: Signing | None = None,
    others: Mapping[str, Callable[[], str]] | None = None,
) -> list[Finding]:
    """Everything that can be found out about the channels; `page` fetches the public_url's /healthz, `others` makes
    each other channel and says how it is set up, or raises UsageError with what is missing."""
    findings = [Finding("bad", "settings", problem) for problem in check_channels(email, public_url)]
    if not email.leaves:
        findings.append(Finding("note", "mail", "no mail server is set: mail stays in the local outbox"))
    else:
        findings += [await _signed(signing)] if signing else _dkim(email)
        about = f"mail by {email.provider.name}" if email.provider else "mail server"
        findings.append(await _reached(about, mail_server))
        findings.append(await _reached("public_url", page))
    findings += [_made(name, make) for name, make in (others or {}).items()]
    if not webhook.secrets:
        text = "without [channels.webhook] secret receivers cannot tell who calls"
        findings.append(Finding("note", "webhooks", text))
    if webhook.allow_private:
        text = "allow_private is on: a webhook's URL may lead into this machine's own network"
        findings.append(Finding("note", "webhooks", text))
    return findings


def _made(name: str, make: Callable[[], str]) -> Finding:
    try:
        return Finding("good", name, make())
    except UsageError as error:
        # What nobody has begun to set up is no mistake.
        return Finding("note" if str(error).startswith("set ") else "bad", name, str(error))


def look_at_responses(
    email: EmailSettings, tracking: TrackingSettings, hooks: HookSettings, public_url: str
) -> list[Finding]:
    """Whether what comes back from messages finds its way."""
    findings = []
    name = email.provider.name if email.provider is not None else ""
    if name and getattr(hooks, name) == type(getattr(hooks, name))():
        text = f"{name} cannot tell of bounces and complaints: set [hooks.{name}] (docs/responses.md)"
        findings.append(Finding("note", "responses", text))
    if (tracking.clicks or tracking.opens) and not public_url:
        text = "[tracking] is on, but without [workspace] public_url its links lead to this machine"
        findings.append(Finding("bad" if email.leaves else "note", "tracking", text))
    return findings


async def _signed(signing: Signing) -> Finding:
    """Whether the DNS knows the key that mail is signed with."""
    chosen = signing.settings
    name, wanted = f"{chosen.selector}._domainkey.{chosen.domain}", dkim.record(signing.key)
    try:
        records = await signing.names(name)
    except OSError as error:
        return Finding("note", "DKIM", f"the DNS could not be asked for {name}: {error}")
    if any(dkim.is_record_of(record, signing.key) for record in records):
        return Finding("good", "DKIM", f"mail is signed for {chosen.domain}, and the DNS knows the key at {name}")
    what = "holds another key" if records else "does not exist"
    return Finding("bad", "DKIM", f"the TXT record {name} {what}; it must be: {wanted}")


def _dkim(email: EmailSettings) -> list[Finding]:
    if email.provider is not None:
        text = f"{email.provider.name} signs: the domain of {email.sender} must be verified there"
        return [Finding("note", "DKIM", text)]
    try:
        domain, host = address(email.sender).domain, parse_url(email.smtp_url).host
    except (AddressError, UsageError):
        return []
    return [
        Finding(
            "note",
            "DKIM",
            f"Tactful does not sign ([channels.email.dkim]). The server behind {host} signs for {domain} (or is asked "
            "to); its h= must cover From, To, Subject, Date, Message-ID, List-Unsubscribe and List-Unsubscribe-Post, "
            "or mailboxes show no one-click button (RFC 8058 4).",
        )
    ]


async def _reached(about: str, reach: Reach | None) -> Finding:
    if reach is None:
        return Finding("note", about, "not tried")
    try:
        return Finding("good", about, await reach())
    except OSError as error:
        return Finding("bad", about, f"cannot be reached: {error}")
