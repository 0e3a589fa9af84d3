"""Mail by SendGrid: POST /v3/mail/send (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send).

Takes fields. The intent goes as a custom argument, which its event webhook gives back; its own tracking is off, since
links and pixels are ours.
"""

import msgspec

from tactful.adapters.mail_api import Answered, Request, judged
from tactful.messages import fields
from tactful.runtime.channels import Answer, ProviderSettings, Rejected, Sent
from tactful.runtime.ports import Claimed

ADDRESS = "https://api.sendgrid.com"
_AWAY = frozenset({503})
"""Documented: the API is not available."""
_OFF = {"enable": False}


class SendGrid:
    """A `Provider` (mail_api.py)."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._address = (settings.endpoint or ADDRESS).rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings.api_key}", "Content-Type": "application/json"}

    async def request(self, claim: Claimed, body: bytes) -> Request:
        letter = fields.decode(body)
        parts = (("text/plain", letter.text), ("text/x-amp-html", letter.amp), ("text/html", letter.html))
        content = {
            "personalizations": [{"to": [{"email": letter.to}], "custom_args": {"intent": claim.intent.intent}}],
            "from": {"email": letter.sender, **({"name": letter.sender_name} if letter.sender_name else {})},
            "subject": letter.subject,
            "content": [{"type": kind, "value": text} for kind, text in parts if text],
            "headers": dict(letter.headers),
            "tracking_settings": {
                "click_tracking": {**_OFF, "enable_text": False},
                "open_tracking": _OFF,
                "subscription_tracking": _OFF,
            },
        }
        return Request(f"{self._address}/v3/mail/send", self._headers, msgspec.json.encode(content))

    def judge(self, answered: Answered, now_us: int) -> Answer:
        if answered.status == 202:
            return Sent(answered.headers.get("x-message-id", "202"))
        return judged(answered, now_us, _refused, certain=_AWAY)

    async def look(self) -> Request:
        return Request(f"{self._address}/v3/scopes", self._headers, method="GET")

    def seen(self, answered: Answered) -> str:
        if "mail.send" not in answered.fields().get("scopes", ()):
            raise OSError("the key may not send: give it the scope mail.send")
        return "SendGrid knows the key, which may send"


def _refused(answered: Answered) -> Answer:
    """Each error names the field that it is about."""
    errors = answered.fields().get("errors")
    named = [str(error.get("field")) for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    is_bad = bool(named) and all(field.startswith("personalizations.0.to") for field in named)
    return Rejected("mail refused", answered.detail, suppress=is_bad)
