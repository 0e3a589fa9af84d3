"""Mail by Mailgun: POST /v3/DOMAIN/messages.mime (https://documentation.mailgun.com/docs/mailgun/api-reference/send).

Takes the bytes of the mail. The intent goes as a variable, which its webhooks give back; its own tracking is off, since
links and pixels are ours. Of its server errors none says that nothing was taken.
"""

import base64
import re

from tactful.adapters.mail_api import NO_SENSE, Answered, Request, judged
from tactful.messages.mail import address
from tactful.runtime.channels import Answer, ProviderSettings, Rejected, Sent, Unknown
from tactful.runtime.ports import Claimed

ADDRESS = "https://api.mailgun.net"
_BAD_TO = re.compile(r"'?to'? parameter is not a valid address", re.IGNORECASE)


class Mailgun:
    """A `Provider` (mail_api.py)."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._domain = settings.domain
        self._address = (settings.endpoint or ADDRESS).rstrip("/")
        key = base64.b64encode(f"api:{settings.api_key}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {key}"}

    async def request(self, claim: Claimed, body: bytes) -> Request:
        form: tuple[tuple[str, str | bytes], ...] = (
            ("to", address(claim.address).spec),
            ("v:intent", claim.intent.intent),
            ("o:tracking", "no"),
            ("message", body),
        )
        return Request(f"{self._address}/v3/{self._domain}/messages.mime", self._headers, form=form)

    def judge(self, answered: Answered, now_us: int) -> Answer:
        if answered.status == 200:
            number = answered.fields().get("id")
            return Sent(str(number)) if number else Unknown(NO_SENSE, answered.detail)
        return judged(answered, now_us, _refused)

    async def look(self) -> Request:
        return Request(f"{self._address}/v4/domains/{self._domain}", self._headers, method="GET")

    def seen(self, answered: Answered) -> str:
        domain = answered.fields().get("domain")
        state = domain.get("state") if isinstance(domain, dict) else None
        if state != "active":
            raise OSError(f"the domain {self._domain} is {state} at Mailgun, not active: verify it there")
        return f"Mailgun knows the key, and the domain {self._domain} is active"


def _refused(answered: Answered) -> Answer:
    is_bad = bool(_BAD_TO.search(str(answered.fields().get("message", ""))))
    return Rejected("mail refused", answered.detail, suppress=is_bad)
