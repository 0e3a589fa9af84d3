"""Providers as they call, and the webhooks over an outbox with one mail that was sent."""

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.errors import TransientError
from tactful.events.derived import SendMessage
from tactful.events.records import EMPTY_MAP, Consent, Event, encode, unpack
from tactful.messages.reports import Report
from tactful.runtime.ports import Claimed, Clock, Verdict
from tactful.runtime.reporting import reported
from tactful.runtime.settings_responses import HookSettings, MailgunHook, PostmarkHook, SendgridHook, SesHook
from tactful.values import DAY_US, SECOND_US, digest, parse_time
from tactful.web.hooks import Doors, routes
from tests.web.asking import Answer, ask

PAYLOADS = Path(__file__).parent / "payloads"
NOW = parse_time("2025-03-11T10:30:00Z") or 0
SENT = parse_time("2025-03-11T09:15:00Z") or 0
INTENT = digest("an intent")
ADDRESS = "ada@reader.example"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=y"
PASSWORD = "a-password-of-the-webhook"
SIGNING_KEY = "key-of-mailgun"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(*, days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime(2025, 3, 11, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    return made.sign(rsa_key(), SHA256()).public_bytes(Encoding.PEM)


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_text().replace("{INTENT}", INTENT).encode()


class House(Clock):
    """The webhooks over an outbox with one mail that was sent."""

    def __init__(self) -> None:
        self.now = NOW
        self.outbox = MemoryOutbox()
        self.events: list[Event] = []
        self.consents: list[Consent] = []
        self.unknown = 0
        self.asked: list[str] = []
        self.pem = certificate()
        self.is_away = False
        key = base64.b64encode(
            ec_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode()
        settings = HookSettings(SesHook([TOPIC]), SendgridHook(key), MailgunHook(SIGNING_KEY), PostmarkHook(PASSWORD))
        self.app = Starlette(routes=routes(Doors(settings, self._take, self._fetch, self)))
        intent = SendMessage(
            SENT, INTENT, "u:42", "welcome", "", "email", "hello", "email_marketing", SENT, SENT + DAY_US, 1, SENT, 1, "",
            EMPTY_MAP, step="first",
        )  # fmt: skip
        self.outbox.put(0, [intent])
        with self.outbox.claiming(0, self.outbox.own(0)) as claiming:
            claiming.claim(Claimed(intent, 0, 1, SENT, 1, ADDRESS, "yes", "", b"\x80"), b"")
        self.outbox.hand_off([INTENT], "d")
        self.outbox.finish([Verdict(INTENT, "sent", "accepted", digest="x")], SENT)

    def now_us(self) -> int:
        return self.now

    async def _take(self, reports: Sequence[Report]) -> None:
        if self.is_away:
            raise TransientError("the disk is full")
        found = reported(self.outbox, reports, self.now)
        for address, reason in found.suppressed:
            self.outbox.suppress(address, reason, self.now)
        self.unknown += found.unknown
        for record in found.records:
            encode(record)
            (self.events if isinstance(record, Event) else self.consents).append(record)  # type: ignore[arg-type]  # of its kind

    async def _fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.pem

    def told(self) -> list[dict[str, Any]]:
        return [{"name": event.name, "at": event.timestamp, **unpack(event.properties)} for event in self.events]

    # ---- as each provider calls ----------------------------------------------------------------------------------

    async def sendgrid(self, body: bytes, *, at: int | None = None, signed: bytes | None = None) -> Answer:
        timestamp = str((at or self.now) // SECOND_US)
        signature = ec_key().sign(timestamp.encode() + (signed or body), ec.ECDSA(SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return await ask(self.app, "POST", "/v1/hooks/sendgrid", headers, body)

    async def mailgun(
        self, event: bytes, *, at: int | None = None, token: str = "t" * 50, key: str = SIGNING_KEY
    ) -> Answer:
        timestamp = str((at or self.now) // SECOND_US)
        made = hmac.new(key.encode(), (timestamp + token).encode(), "sha256").hexdigest()
        signature = json.dumps({"timestamp": timestamp, "token": token, "signature": made}).encode()
        body = b'{"signature":' + signature + b',"event-data":' + event + b"}"
        return await ask(self.app, "POST", "/v1/hooks/mailgun", {}, body)

    async def postmark(self, body: bytes, password: str = PASSWORD) -> Answer:
        basic = "Basic " + base64.b64encode(f"tactful:{password}".encode()).decode()
        return await ask(self.app, "POST", "/v1/hooks/postmark", {"Authorization": basic}, body)

    async def ses(self, message: bytes, **said: Any) -> Answer:
        return await ask(self.app, "POST", "/v1/hooks/ses", {"x-amz-sns-message-type": "x"}, notice(message, **said))


def notice(message: bytes, *, version: str = "2", tamper: bool = False, at: int = NOW, **said: Any) -> bytes:
    values: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message.decode(),
        "Timestamp": datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **said,
    }
    fields = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{values[name]}\n" for name in fields if name in values).encode()
    kind = SHA256() if version == "2" else SHA1()
    values["Signature"] = base64.b64encode(rsa_key().sign(text, PKCS1v15(), kind)).decode()
    if tamper:
        values["Message"] = values["Message"].replace("Bounce", "Delivery")
    return json.dumps(values).encode()
