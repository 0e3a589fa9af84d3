"""`[channels.*]`: what carries messages out, and what each way needs. Pure.

E-mail goes by SMTP or by one provider's API; SMS, chat and app push by whatever service an Apprise URL names; web push
by the browsers' own services. A channel without its settings is there all the same: what is sent by it is refused with
the line that is missing.
"""

import re
from typing import Literal

from msgspec import Struct

PROVIDERS = ("smtp", "ses", "sendgrid", "postmark", "mailgun")
_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})+")
_MAILBOX = re.compile(r"([A-Za-z0-9._-]{1,24})@(.+)")
_SELECTOR = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")


class DkimKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs (RFC 6376); without a selector nobody does here."""

    domain: str = ""
    """"" is the domain of the sender's address."""
    selector: str = ""
    key_file: str = "dkim.pem"
    """PEM, RSA or Ed25519; from the project's folder."""


class EmailChannel(Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    provider: Literal["smtp", "ses", "sendgrid", "postmark", "mailgun"] = "smtp"
    smtp_url: str = ""
    sender: str = ""
    slots: int = 10
    api_key: str = ""
    """Of a provider; with SES the secret access key."""
    key_id: str = ""
    """SES: the access key's id; without one botocore looks where AWS's own tools do."""
    region: str = ""
    """SES: "eu-central-1"."""
    domain: str = ""
    """Mailgun: the sending domain; "" is that of the sender's address."""
    endpoint: str = ""
    """Another address of the API: Mailgun and SendGrid have one for Europe."""
    message_stream: str = ""
    """Postmark: "broadcast", or "outbound"."""
    configuration_set: str = ""
    """SES: what publishes its events."""
    bounce_address: str = ""
    """SMTP: where undeliverable mail comes back to, each with a mark of its own (VERP)."""
    dkim: DkimKeys = DkimKeys()


class WebhookChannel(Struct, frozen=True, forbid_unknown_fields=True):
    secret: str = ""
    allow_private: bool = False
    slots: int = 20


class AppriseChannel(Struct, frozen=True, forbid_unknown_fields=True):
    """SMS, chat or app push."""

    url: str = ""
    """Of Apprise, with {address} where the person's goes: "twilio://SID:TOKEN@+15550100/{address}"."""
    slots: int = 10


class WebPushChannel(Struct, frozen=True, forbid_unknown_fields=True):
    contact: str = ""
    """`mailto:` or `https:`, for the operators of push services (RFC 8292 2.1); "" is the mail's sender."""
    allow_private: bool = False
    slots: int = 20


class ChannelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    email: EmailChannel = EmailChannel()
    webhook: WebhookChannel = WebhookChannel()
    sms: AppriseChannel = AppriseChannel()
    chat: AppriseChannel = AppriseChannel()
    push: AppriseChannel = AppriseChannel()
    web_push: WebPushChannel = WebPushChannel()


def slots_of(channels: ChannelSettings) -> dict[str, int]:
    """How many of each channel may be on their way at the same time."""
    return {name: getattr(channels, name).slots for name in channels.__struct_fields__}


def leaving(channels: ChannelSettings) -> list[str]:
    """The settings by which messages leave this machine."""
    email = channels.email
    found = [f'channels.email.provider = "{email.provider}"'] if email.provider != "smtp" else []
    found += ["channels.email.smtp_url"] if email.smtp_url else []
    found += [f"channels.{name}.url" for name in ("sms", "chat", "push") if getattr(channels, name).url]
    return found + (["channels.webhook.secret"] if channels.webhook.secret else [])


CHANNEL_OVERRIDES = {
    "TACTFUL_SMTP_URL": ("channels", "email", "smtp_url"),
    "TACTFUL_EMAIL_API_KEY": ("channels", "email", "api_key"),
    "TACTFUL_EMAIL_KEY_ID": ("channels", "email", "key_id"),
    "TACTFUL_DKIM_KEY_FILE": ("channels", "email", "dkim", "key_file"),
    "TACTFUL_WEBHOOK_SECRET": ("channels", "webhook", "secret"),
    "TACTFUL_SMS_URL": ("channels", "sms", "url"),
    "TACTFUL_CHAT_URL": ("channels", "chat", "url"),
    "TACTFUL_PUSH_URL": ("channels", "push", "url"),
}


def channel_problem(channels: ChannelSettings) -> tuple[str, str] | None:
    """What the types cannot say: the mistake, and what to write instead."""
    for name, slots in slots_of(channels).items():
        if not 1 <= slots <= 1000:
            return f"channels.{name}.slots must be from 1 to 1000", "10 is a good start"
    for name in ("sms", "chat", "push"):
        url = getattr(channels, name).url
        if url and ("://" not in url or "{address}" not in url):
            hint = 'for instance "twilio://SID:TOKEN@+15550100/{address}"'
            return f"channels.{name}.url is no Apprise URL with {{address}} in it", hint
    contact = channels.web_push.contact
    if contact and not contact.startswith(("mailto:", "https://")):
        return "channels.web_push.contact must begin with mailto: or https://", 'for instance "mailto:ops@shop.example"'
    return _email_problem(channels.email)


def _email_problem(email: EmailChannel) -> tuple[str, str] | None:
    if email.provider == "smtp":
        if email.api_key or email.key_id:
            hint = f"name the provider: {', '.join(PROVIDERS[1:])}"
            return 'channels.email.api_key is of no use with provider = "smtp"', hint
    elif email.smtp_url:
        return (
            f'channels.email.smtp_url is of no use with provider = "{email.provider}"',
            'leave it out, or write provider = "smtp"',
        )
    if email.provider == "ses" and not email.region and not email.endpoint:
        return 'channels.email.region is missing: provider = "ses" needs one', 'for instance "eu-central-1"'
    if email.provider == "ses" and bool(email.key_id) != bool(email.api_key):
        return "channels.email: key_id and api_key go together", "without both, AWS's own settings are used"
    if email.provider in {"sendgrid", "postmark", "mailgun"} and not email.api_key:
        return (
            f'channels.email.api_key is missing: provider = "{email.provider}" needs one',
            "it may come from the environment: TACTFUL_EMAIL_API_KEY",
        )
    if email.endpoint and not email.endpoint.startswith(("https://", "http://")):
        return "channels.email.endpoint is no address of an API", 'for instance "https://api.eu.mailgun.net"'
    if email.bounce_address:
        match = _MAILBOX.fullmatch(email.bounce_address)
        if match is None or not _DOMAIN.fullmatch(match[2]):
            hint = 'for instance "bounces@shop.example"; a mark is put behind the name, so it has 24 letters at most'
            return f"channels.email.bounce_address: {email.bounce_address!r} is no plain address", hint
        if email.provider != "smtp":
            hint = f"{email.provider} takes bounces itself and tells of them by its own webhook"
            return "channels.email.bounce_address is for SMTP alone", hint
    return _dkim_problem(email)


def _dkim_problem(email: EmailChannel) -> tuple[str, str] | None:
    dkim = email.dkim
    if not dkim.selector:
        if dkim != DkimKeys():
            return "channels.email.dkim.selector is missing", 'for instance "tactful"; its key stands in the DNS'
        return None
    if email.provider != "smtp":
        hint = f"{email.provider} signs with keys of its own: verify the domain there"
        return "channels.email.dkim is for SMTP alone", hint
    if not _SELECTOR.fullmatch(dkim.selector):
        return f"channels.email.dkim.selector: {dkim.selector!r} is no name in the DNS", 'for instance "tactful"'
    if dkim.domain and not _DOMAIN.fullmatch(dkim.domain):
        return f"channels.email.dkim.domain: {dkim.domain!r} is no domain", 'for instance "shop.example"'
    return None
