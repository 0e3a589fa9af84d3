"""Mail by Postmark: POST /email (https://postmarkapp.com/developer/api/email-api).

Takes fields. Our Message-ID is kept (X-PM-KeepID), the intent stands in the metadata, by which its webhooks are
matched; its own tracking is off, since links and pixels are ours. An answer carries Postmark's code beside the HTTP
status.
"""

import re

import msgspec

from tactful.adapters.mail_api import NO_SENSE, OPERATOR_US, REFUSES_US, Answered, Request, judged
from tactful.messages import fields
from tactful.runtime.channels import Answer, ProviderSettings, Rejected, Retry, Sent, Unknown
from tactful.runtime.ports import Claimed

ADDRESS = "https://api.postmarkapp.com"
_INACTIVE = 406
"""The address bounced, complained or was unsubscribed there."""
_INVALID = 300
_OURS = frozenset({10, 400, 401, 405, 412, 413})
"""Token, sender signature, credits, a pending account: about us, not about the mail."""
_BAD_TO = re.compile(r"'To' address|'To' field|Illegal email|Error parsing 'To'", re.IGNORECASE)
_OUTAGE = frozenset({503})
"""Documented: returned during planned outages, in which nothing is taken."""


class Postmark:
    """A `Provider` (mail_api.py)."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._address = (settings.endpoint or ADDRESS).rstrip("/")

    async def request(self, claim: Claimed, body: bytes) -> Request:
        letter = fields.decode(body)
        content = {
            "From": f'"{_quoted(letter.sender_name)}" <{letter.sender}>' if letter.sender_name else letter.sender,
            "To": letter.to,
            "Subject": letter.subject,
            "TextBody": letter.text,
            "Headers": [{"Name": name, "Value": value} for name, value in (*letter.headers, ("X-PM-KeepID", "true"))],
            "Metadata": {"intent": claim.intent.intent[:80]},
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if letter.html:
            content["HtmlBody"] = letter.html
        if self._settings.message_stream:
            content["MessageStream"] = self._settings.message_stream
        return Request(f"{self._address}/email", self._headers(), msgspec.json.encode(content))

    def judge(self, answered: Answered, now_us: int) -> Answer:
        if answered.status == 200:
            said = answered.fields()
            if said.get("ErrorCode") == 0 and said.get("MessageID"):
                return Sent(str(said["MessageID"]))
            return Unknown(NO_SENSE, answered.detail)
        return judged(answered, now_us, _refused, certain=_OUTAGE)

    async def look(self) -> Request:
        return Request(f"{self._address}/server", self._headers(), method="GET")

    def seen(self, answered: Answered) -> str:
        said = answered.fields()
        if said.get("DeliveryType") == "Sandbox":
            raise OSError(f"the server {said.get('Name')!r} is a sandbox, which delivers nothing")
        return f"Postmark knows the key of the server {said.get('Name')!r}"

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Postmark-Server-Token": self._settings.api_key,
        }


def _refused(answered: Answered) -> Answer:
    said = answered.fields()
    code, text = said.get("ErrorCode"), str(said.get("Message", ""))
    if code in _OURS:
        return Retry(REFUSES_US, answered.detail, OPERATOR_US)
    if code == _INACTIVE:
        return Rejected("the provider knows the address as inactive", answered.detail, suppress=True)
    return Rejected("mail refused", answered.detail, suppress=code == _INVALID and bool(_BAD_TO.search(text)))


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
