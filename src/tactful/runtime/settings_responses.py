"""`[tracking]` and `[hooks.*]`: what is to come back from messages, and how providers prove what they tell. Pure."""

import binascii
import re
from base64 import b64decode

from msgspec import Struct

MIN_PASSWORD = 16
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")


class TrackingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a message's links and opens is told (docs/responses.md); nothing, unless somebody wants it."""

    clicks: bool = False
    opens: bool = False
    trap: bool = False
    """With clicks: a link that no person sees."""
    hosts: list[str] = []
    """Only links to these hosts, and those below them, lead through here; none: all."""


class SesHook(Struct, frozen=True, forbid_unknown_fields=True):
    topics: list[str] = []
    """ARNs of the topics of SNS that SES publishes to. Anybody may have a topic that Amazon signs."""


class SendgridHook(Struct, frozen=True, forbid_unknown_fields=True):
    public_key: str = ""
    """The verification key of the signed event webhook, base64."""


class MailgunHook(Struct, frozen=True, forbid_unknown_fields=True):
    signing_key: str = ""
    """The HTTP webhook signing key."""


class PostmarkHook(Struct, frozen=True, forbid_unknown_fields=True):
    password: str = ""
    """Of the webhook's basic authentication; Postmark signs nothing."""


class HookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Webhooks of providers; one that is not set up here is not there."""

    ses: SesHook = SesHook()
    sendgrid: SendgridHook = SendgridHook()
    mailgun: MailgunHook = MailgunHook()
    postmark: PostmarkHook = PostmarkHook()


RESPONSE_OVERRIDES = {
    "TACTFUL_MAILGUN_SIGNING_KEY": ("hooks", "mailgun", "signing_key"),
    "TACTFUL_POSTMARK_PASSWORD": ("hooks", "postmark", "password"),
}


def response_problem(tracking: TrackingSettings, hooks: HookSettings) -> tuple[str, str] | None:
    """What the types cannot say: the key with what is wrong, and what to write."""
    for host in tracking.hosts:
        if not _HOST.fullmatch(host):
            return f"tracking.hosts: {host!r} is no host in small letters", 'for instance "shop.example"'
    if tracking.trap and not tracking.clicks:
        return "tracking.trap is of no use without clicks", "write clicks = true, or leave it out"
    for topic in hooks.ses.topics:
        if not _TOPIC.fullmatch(topic):
            hint = 'for instance "arn:aws:sns:eu-central-1:123456789012:mail-events"'
            return f"hooks.ses.topics: {topic!r} is no ARN of a topic", hint
    if hooks.sendgrid.public_key and not _is_base64(hooks.sendgrid.public_key):
        return "hooks.sendgrid.public_key is no base64", "copy the verification key of the signed event webhook"
    if hooks.postmark.password and len(hooks.postmark.password) < MIN_PASSWORD:
        message = f"hooks.postmark.password must have {MIN_PASSWORD} characters or more, hard to guess"
        return message, 'python -c "import secrets; print(secrets.token_urlsafe(24))"'
    return None


def _is_base64(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) > 0
    except (binascii.Error, ValueError):
        return False
