"""Settings as the parts that need them want them."""

from pathlib import Path

from tactful.events.sources import Source
from tactful.messages.mail import AddressError, address
from tactful.messages.tracking import Tracking
from tactful.runtime.channels import (
    AppriseSettings,
    DkimSettings,
    EmailSettings,
    ProviderSettings,
    WebhookSettings,
    WebPushSettings,
)
from tactful.runtime.settings import Settings

ADMIN_TOKEN = "TACTFUL_ADMIN_TOKEN"  # noqa: S105  (the variable's name)


def sources_of(settings: Settings) -> list[Source]:
    return [
        Source(
            name,
            source.write_key,
            source.trust,
            source.events_per_second,
            event_bytes=source.event_bytes,
            call_bytes=source.call_bytes,
            call_events=source.call_events,
        )
        for name, source in settings.sources.items()
    ]


def email_of(settings: Settings, project: Path = Path()) -> EmailSettings:
    """Names of files are from the project's folder."""
    email = settings.channels.email
    domain = sender_domain(email.sender)
    provider = None
    if email.provider != "smtp":
        provider = ProviderSettings(
            name=email.provider,
            api_key=email.api_key,
            key_id=email.key_id,
            region=email.region,
            domain=email.domain or domain,
            endpoint=email.endpoint,
            message_stream=email.message_stream,
            configuration_set=email.configuration_set,
        )
    dkim = None
    if email.dkim.selector:
        key_file = str(project / email.dkim.key_file)
        dkim = DkimSettings(email.dkim.domain or domain, email.dkim.selector, key_file)
    return EmailSettings(
        email.sender,
        email.smtp_url,
        email.slots,
        provider=provider,
        bounce_address=email.bounce_address,
        dkim=dkim,
    )


def sender_domain(sender: str) -> str:
    """Nothing where the sender is no address, which `check` says."""
    try:
        return address(sender).domain
    except AddressError:
        return ""


def apprise_of(settings: Settings, channel: str) -> AppriseSettings:
    chosen = getattr(settings.channels, channel)
    return AppriseSettings(channel, chosen.url, chosen.slots)


def web_push_of(settings: Settings, email: EmailSettings, private_key: str) -> WebPushSettings:
    channel = settings.channels.web_push
    try:
        contact = channel.contact or f"mailto:{address(email.sender).spec}"
    except AddressError:
        contact = settings.workspace.public_url
    return WebPushSettings(contact, private_key, channel.allow_private, channel.slots)


def webhook_of(settings: Settings) -> WebhookSettings:
    webhook = settings.channels.webhook
    return WebhookSettings((webhook.secret,) if webhook.secret else (), webhook.allow_private, webhook.slots)


def tracking_of(settings: Settings) -> Tracking:
    tracking = settings.tracking
    return Tracking(tracking.clicks, tracking.opens, tracking.trap, tuple(tracking.hosts))
