"""The lanes of a process that sends: each channel by its settings, with the writer that writes what it takes."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tactful.adapters.apprise import Apprise
from tactful.adapters.fetch import HttpFetch
from tactful.adapters.installation import Installation
from tactful.adapters.mail_api import MailApi, Provider
from tactful.adapters.mailgun import Mailgun
from tactful.adapters.missing import Missing
from tactful.adapters.postmark import Postmark
from tactful.adapters.sendgrid import SendGrid
from tactful.adapters.ses import Ses
from tactful.adapters.smtp import Smtp
from tactful.adapters.spool import Spool
from tactful.adapters.web_push import WebPush
from tactful.adapters.webhook import Webhook
from tactful.app.parts import apprise_of, email_of, tracking_of, web_push_of, webhook_of
from tactful.errors import UsageError
from tactful.messages import dkim, fields, links, mail
from tactful.runtime.channels import AppriseSettings, Channel, DkimSettings, EmailSettings, ProviderSettings
from tactful.runtime.deliver import Lane
from tactful.runtime.fetching import Fetcher
from tactful.runtime.ports import Claimed, Clock
from tactful.runtime.settings_channels import leaving
from tactful.runtime.writing import Letterhead, Writer, call_writer, mail_writer, note_writer

_log = logging.getLogger(__name__)

PROVIDERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {
    "ses": Ses,
    "sendgrid": SendGrid,
    "postmark": Postmark,
    "mailgun": Mailgun,
}
_STAYS = "nothing leaves this machine while its clock runs fast"
TAKE_FIELDS = frozenset({"sendgrid", "postmark"})
"""Providers that put the mail together themselves; all others take its bytes."""


class Share(Struct, frozen=True):
    """Which of how many processes that send this one is: a channel's slots are shared among them."""

    number: int = 0
    of: int = 1

    def slots(self, slots: int) -> int:
        return -(-slots // self.of)


def lanes(
    house: Installation,
    project: Path,
    data: Path,
    address: str,
    share: Share,
    template: Callable[[str], bytes] | None = None,
) -> list[Lane]:
    """`address` is where this machine's own pages are. Raises UsageError where mail cannot be sent as it is set up; of
    other channels it is said, and what they should carry waits. `template` is where sources of messages come from, if
    not from the outbox."""
    settings, template = house.settings, template or house.outbox.template
    is_fast = house.clock.speed != 1
    if is_fast and leaving(settings.channels):
        raise UsageError(f"{data} has a fast clock: {', '.join(leaving(settings.channels))} may not be set")
    email, calls = email_of(settings, project), webhook_of(settings)
    letterhead = Letterhead(
        settings.workspace.name,
        email.sender or f"{settings.workspace.name} <hello@localhost>",
        settings.workspace.public_url or address,
        house.link_keys(),
        tracking_of(settings),
        settings.workspace.site_url,
    )
    ask = HttpFetch(settings.fetch.hosts)
    fetcher = Fetcher(ask, house.clock, template, {"name": settings.workspace.name})
    takes_fields = email.provider is not None and email.provider.name in TAKE_FIELDS
    write = mail_writer(letterhead, template, fields.compose if takes_fields else mail.compose)
    email = replace(email, slots=share.slots(email.slots))
    webhook: Channel = Webhook(replace(calls, slots=share.slots(calls.slots)), house.clock)
    if is_fast:
        webhook = Missing("webhook", _STAYS, webhook.slots)
    found = [
        Lane(mail_channel(email, data, house.clock, letterhead.link_keys), signed(write, email.dkim), fetcher=fetcher),
        Lane(webhook, call_writer()),
    ]
    for name, make in note_channels(house, email).items():
        slots = share.slots(getattr(settings.channels, name).slots)
        found.append(Lane(_made(name, make, slots), note_writer(letterhead, template), fetcher=fetcher))
    return found


def mail_channel(email: EmailSettings, data: Path, clock: Clock, link_keys: Mapping[int, bytes]) -> Channel:
    """By a provider, by SMTP, or into the local outbox. Raises UsageError where the provider cannot be used."""
    if email.provider is not None:
        return mail_api(email.provider, clock, email.slots)
    if not email.smtp_url:
        return Spool(data / "mail", email.slots)

    def return_path(claim: Claimed) -> str:
        return links.return_path(email.bounce_address, link_keys, claim.intent.intent)

    return Smtp(email, return_path=return_path if email.bounce_address else None)


def refuse_unusable(email: EmailSettings, clock: Clock) -> None:
    """Before anything starts: raises UsageError where mail could not be sent as it is set up."""
    signed(lambda _: b"", email.dkim)
    if email.provider is not None:
        mail_api(email.provider, clock)


def mail_api(settings: ProviderSettings, clock: Clock, slots: int = 1) -> MailApi:
    return MailApi(PROVIDERS[settings.name](settings), settings, clock, slots)


def signed(write: Writer, settings: DkimSettings | None) -> Writer:
    """What is written, with the domain's signature. Raises UsageError where the key cannot be used."""
    if settings is None:
        return write
    sign = dkim.signer(settings.domain, settings.selector, dkim_key(settings))

    def write_and_sign(claim: Claimed) -> bytes:
        return sign(write(claim), claim.claimed_at)

    return write_and_sign


def dkim_key(settings: DkimSettings) -> bytes:
    """The private key. Raises UsageError where it is not there, or none."""
    try:
        pem = Path(settings.key_file).read_bytes()
        dkim.record(pem)
    except OSError as error:
        raise UsageError(f"[channels.email.dkim] key_file {settings.key_file}: {error.strerror}") from None
    except dkim.DkimError as error:
        raise UsageError(f"[channels.email.dkim] key_file {settings.key_file}: {error}") from None
    return pem


def note_channels(house: Installation, email: EmailSettings) -> dict[str, Callable[[], Channel]]:
    """How the channels beside mail and webhooks are made; each raises UsageError where it cannot be."""
    if house.clock.speed != 1:
        return {name: partial(_stays, name) for name in ("sms", "chat", "push", "web_push")}
    return {
        **{name: partial(_apprise, apprise_of(house.settings, name)) for name in ("sms", "chat", "push")},
        "web_push": lambda: WebPush(web_push_of(house.settings, email, house.web_push_key()), house.clock),
    }


def _stays(name: str) -> Channel:
    return Missing(name, _STAYS, 1)


def _apprise(settings: AppriseSettings) -> Apprise:
    if not settings.url:
        raise UsageError(f"set [channels.{settings.channel}] url")
    return Apprise(settings)


def _made(name: str, make: Callable[[], Channel], slots: int) -> Channel:
    try:
        channel = make()
    except UsageError as error:
        _log.debug("%s is not set up: %s", name, error)  # `check` says so where a journey sends by it.
        return Missing(name, str(error), slots)
    channel.slots = slots
    return channel
