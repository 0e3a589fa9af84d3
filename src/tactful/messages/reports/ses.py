"""Amazon SES's events, as SNS brings them: signed with RSA by the key of a certificate that the message names.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html (signatures),
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (events). The certificate is
believed for its address alone, which must be SNS's own; and since anybody may have a topic that SNS signs, only topics
that are set up count. Our `intent` comes back among the tags of the mail. Pure: whoever calls fetches the certificate.
"""

import binascii
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Struct

from tactful.events import responses
from tactful.events.responses import Response
from tactful.events.verdicts import Refusal
from tactful.messages.reports import Report, Suppression, is_stale
from tactful.values import parse_time

_HOST = r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?/"
_CERTIFICATE = re.compile(_HOST + r"SimpleNotificationService-[0-9a-f]{1,64}\.pem")
_SUBSCRIBE = re.compile(_HOST + r"\?Action=ConfirmSubscription&[\x21-\x7e]{1,2000}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""Fields over which the signature is, in this order, by the type of the message; Subject only where there is one."""


class Notice(Struct, frozen=True, rename={"subscribe_url": "SubscribeURL", "certificate_url": "SigningCertURL"}):
    """One message of SNS; the other fields by their own names."""

    Type: str = ""
    MessageId: str = ""
    TopicArn: str = ""
    Message: str = ""
    Timestamp: str = ""
    SignatureVersion: str = ""
    Signature: str = ""
    Subject: str | None = None
    Token: str | None = None
    subscribe_url: str | None = None
    certificate_url: str = ""


_notice = msgspec.json.Decoder(Notice)


def read_notice(body: bytes, topics: tuple[str, ...]) -> Notice | Refusal:
    """What SNS has sent, not believed yet: `verify` it with the certificate of its `certificate_url`."""
    try:
        notice = _notice.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Refusal("unreadable", "the body is no message of SNS")
    if notice.Type not in _SIGNED:
        return Refusal("unreadable", "there is no such type of message", "Type")
    if notice.TopicArn not in topics:
        return Refusal("not_allowed", "this topic is not in [hooks.ses] topics", "TopicArn")
    if not _CERTIFICATE.fullmatch(notice.certificate_url):
        return Refusal("not_signed", "the certificate is not SNS's", "SigningCertURL")
    return notice


def verify(notice: Notice, certificate: bytes, now_us: int) -> Refusal | None:
    """None where the key of this certificate (PEM) has signed the message, lately."""
    try:
        found = load_pem_x509_certificate(certificate)
        key = found.public_key()
        if not isinstance(key, RSAPublicKey):
            return Refusal("not_signed", "the certificate has no RSA key", "SigningCertURL")
        now = _EPOCH + timedelta(microseconds=now_us)
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            return Refusal("not_signed", "the certificate is not valid now", "SigningCertURL")
        # Version 1 is SHA-1, and what a topic does unless it is told otherwise.
        kind = SHA256() if notice.SignatureVersion == "2" else SHA1()  # noqa: S303  (Amazon's choice)
        key.verify(b64decode(notice.Signature, validate=True), signed(notice), PKCS1v15(), kind)
    except (InvalidSignature, binascii.Error, ValueError):
        return Refusal("not_signed", "the signature is not SNS's", "Signature")
    if is_stale(parse_time(notice.Timestamp) or 0, now_us):
        return Refusal("stale", "it was signed too long ago", "Timestamp")
    return None


def signed(notice: Notice) -> bytes:
    """The bytes that the signature is over."""
    values = {**msgspec.structs.asdict(notice), "SubscribeURL": notice.subscribe_url}
    said = ((name, values[name]) for name in _SIGNED[notice.Type])
    return "".join(f"{name}\n{value}\n" for name, value in said if value is not None).encode()


def confirmation(notice: Notice) -> str | None:
    """Where to ask, so that SNS begins to send; None where the message is none of a new subscription, or asks to go
    elsewhere."""
    url = notice.subscribe_url or ""
    return url if notice.Type == "SubscriptionConfirmation" and _SUBSCRIBE.fullmatch(url) else None


# ---- what SES tells --------------------------------------------------------------------------------------------------


class _Header(Struct):
    name: str = ""
    value: str = ""


class _Mail(Struct):
    tags: dict[str, list[str]] = {}
    headers: list[_Header] = []


class _Recipient(Struct, rename="camel"):
    diagnostic_code: str | None = None
    status: str | None = None


class _Bounce(Struct, rename="camel"):
    bounce_type: str = ""
    bounce_sub_type: str = ""
    timestamp: str = ""
    bounced_recipients: list[_Recipient] = []


class _Complaint(Struct, rename="camel"):
    timestamp: str = ""
    complaint_feedback_type: str | None = None


class _At(Struct, rename="camel"):
    """A delivery, an open, a click, a rejection."""

    timestamp: str = ""
    user_agent: str | None = None
    link: str = ""
    reason: str = ""


class _Preferences(Struct, rename="camel"):
    unsubscribe_all: bool = False


class _Subscription(Struct, rename="camel"):
    timestamp: str = ""
    new_topic_preferences: _Preferences | None = None


class _Told(Struct, rename="camel"):
    event_type: str = ""
    notification_type: str = ""
    mail: _Mail = msgspec.field(default_factory=_Mail)
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None
    delivery: _At | None = None
    open: _At | None = None
    click: _At | None = None
    subscription: _Subscription | None = None


_told = msgspec.json.Decoder(_Told)


def read(notice: Notice) -> list[Report] | Refusal:
    """What a believed notification tells."""
    if notice.Type != "Notification":
        return []
    try:
        told = _told.decode(notice.Message)
    except (msgspec.DecodeError, RecursionError):
        return []  # SNS says hello in words ("Successfully validated SNS topic for Amazon SES event publishing.").
    response, suppression = _response(told)
    if response is None:
        return []
    intent = next(iter(told.mail.tags.get("intent", ())), "")
    message_id = next((one.value for one in told.mail.headers if one.name.lower() == "message-id"), "")
    source = told.open or told.click
    return [
        Report(
            response,
            intent,
            message_id,
            suppression,
            source.user_agent if source is not None else None,
            unsubscribes=response.name == responses.UNSUBSCRIBED,
        )
    ]


def _response(told: _Told) -> tuple[Response | None, Suppression]:
    """What happened, and why the address is to be suppressed."""
    match told.event_type or told.notification_type:
        case "Bounce" if told.bounce is not None:
            bounce = told.bounce
            at, is_hard = _us(bounce.timestamp), bounce.bounce_type == "Permanent"
            said = next(iter(bounce.bounced_recipients), _Recipient())
            reason = said.diagnostic_code or said.status or f"{bounce.bounce_type} {bounce.bounce_sub_type}"
            if is_hard:
                return Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="hard"), "hard bounce"
            return Response(responses.EMAIL_BOUNCED, at, reason=reason, kind="soft"), ""
        case "Complaint" if told.complaint is not None and told.complaint.complaint_feedback_type != "not-spam":
            reason = told.complaint.complaint_feedback_type or ""
            return Response(responses.EMAIL_SPAM, _us(told.complaint.timestamp), reason=reason), "complaint"
        case "Delivery" if told.delivery is not None:
            return Response(responses.EMAIL_DELIVERED, _us(told.delivery.timestamp)), ""
        case "Open" if told.open is not None:
            return Response(responses.EMAIL_OPENED, _us(told.open.timestamp)), ""
        case "Click" if told.click is not None:
            return Response(responses.EMAIL_CLICKED, _us(told.click.timestamp), told.click.link), ""
        case "Subscription" if told.subscription is not None:
            preferences = told.subscription.new_topic_preferences
            if preferences is not None and preferences.unsubscribe_all:
                return Response(responses.UNSUBSCRIBED, _us(told.subscription.timestamp), reason="SES"), ""
    return None, ""


def _us(text: str) -> int:
    return parse_time(text) or 0
