"""Settings as the parts that need them want them."""

from tactful.events.sources import Source
from tactful.messages.tracking import Tracking
from tactful.runtime.channels import EmailSettings, WebhookSettings
from tactful.runtime.settings import Settings


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


def email_of(settings: Settings) -> EmailSettings:
    email = settings.channels.email
    return EmailSettings(email.sender, email.smtp_url, email.slots)


def webhook_of(settings: Settings) -> WebhookSettings:
    webhook = settings.channels.webhook
    return WebhookSettings((webhook.secret,) if webhook.secret else (), webhook.allow_private, webhook.slots)


def tracking_of(settings: Settings) -> Tracking:
    tracking = settings.tracking
    return Tracking(tracking.clicks, tracking.opens, tracking.trap, tuple(tracking.hosts))
