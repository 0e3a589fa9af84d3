"""`tactful doctor`: can what this installation promises be kept? And what `check` refuses about channels.

Mailboxes believe a one-click link only if DKIM covers its headers, and DKIM is signed by whoever holds the domain's
key: the mail provider or relay, never Tactful. So it is said here who that is and what the signature must cover.
"""

from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from tactful.errors import UsageError
from tactful.messages.mail import AddressError, address
from tactful.runtime.channels import EmailSettings, WebhookSettings
from tactful.runtime.smtp_url import LOOPBACK, parse_url

Reach = Callable[[], Awaitable[str]]
"""Tries a connection; what was seen there, or OSError with what failed."""


class Finding(Struct, frozen=True):
    level: Literal["good", "note", "bad"]
    about: str
    text: str


def check_channels(email: EmailSettings, public_url: str) -> list[str]:
    """What makes a project unpublishable; empty where all is well. Pure: nothing is connected to."""
    if not email.smtp_url:
        return []
    problems = []
    try:
        at = parse_url(email.smtp_url)
    except UsageError as error:
        return [f"[channels.email] {error}"]
    if urlsplit(public_url).scheme != "https" or not urlsplit(public_url).hostname:
        problems.append(
            "[workspace] public_url must be an https address before mail goes out by SMTP: "
            "unsubscribe links lead there (RFC 8058 3.1)"
        )
    if at.password and at.starttls != "required" and not at.is_tls and at.host not in LOOPBACK:
        problems.append("[channels.email] smtp_url sends a password; it needs starttls=required or smtps://")
    try:
        address(email.sender)
    except AddressError:
        problems.append("[channels.email] from must be an address, such as Shop <hello@shop.example>")
    return problems


async def examine(
    email: EmailSettings, webhook: WebhookSettings, public_url: str, mail_server: Reach | None, page: Reach | None
) -> list[Finding]:
    """Everything that can be found out about the channels; `page` fetches the public_url's /healthz."""
    findings = [Finding("bad", "settings", problem) for problem in check_channels(email, public_url)]
    if not email.smtp_url:
        findings.append(Finding("note", "mail", "no mail server is set: mail stays in the local outbox"))
    else:
        findings += _dkim(email)
        findings.append(await _reached("mail server", mail_server))
        findings.append(await _reached("public_url", page))
    if not webhook.secrets:
        text = "without [channels.webhook] secret receivers cannot tell who calls"
        findings.append(Finding("note", "webhooks", text))
    if webhook.allow_private:
        text = "allow_private is on: a webhook's URL may lead into this machine's own network"
        findings.append(Finding("note", "webhooks", text))
    return findings


def _dkim(email: EmailSettings) -> list[Finding]:
    try:
        domain, host = address(email.sender).domain, parse_url(email.smtp_url).host
    except (AddressError, UsageError):
        return []
    return [
        Finding(
            "note",
            "DKIM",
            f"Tactful does not sign. The server behind {host} signs for {domain} (or is asked to); its h= must cover "
            "From, To, Subject, Date, Message-ID, List-Unsubscribe and List-Unsubscribe-Post, or mailboxes show no "
            "one-click button (RFC 8058 4).",
        )
    ]


async def _reached(about: str, reach: Reach | None) -> Finding:
    if reach is None:
        return Finding("note", about, "not tried")
    try:
        return Finding("good", about, await reach())
    except OSError as error:
        return Finding("bad", about, f"cannot be reached: {error}")
