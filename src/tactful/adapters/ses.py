"""Mail by Amazon SES: SendEmail of its API v2, with the bytes of the mail
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).

The intent goes as a tag of the mail, which its events give back. Requests are signed by botocore (extra `ses`), whose
client is not used: it tries again by itself what may have been taken. SES documents that a call which it answers with
an error has sent nothing; such an answer carries the error's type.
"""

import asyncio
import base64
import re
from typing import Any

import msgspec

from tactful.adapters.mail_api import NO_SENSE, OPERATOR_US, REFUSES_US, Answered, Request, after_us, judged
from tactful.errors import UsageError
from tactful.messages.mail import address
from tactful.runtime.channels import Answer, ProviderSettings, Rejected, Retry, Sent, Unknown
from tactful.runtime.ports import Claimed
from tactful.values import MINUTE_US

_SERVICE = "ses"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_SLOWER = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
_QUOTA_US = 10 * MINUTE_US
"""For a used up quota Amazon proposes to wait so long."""
_REFUSED = frozenset({"MessageRejected", "BadRequestException"})


class Ses:
    """A `Provider` (mail_api.py). Raises UsageError where botocore is not there, or finds no credentials."""

    def __init__(self, settings: ProviderSettings) -> None:
        try:
            from botocore.credentials import Credentials
            from botocore.session import Session
        except ModuleNotFoundError:
            raise UsageError('mail by SES needs an extra: pip install "tactful[ses]"') from None
        self._settings = settings
        self._region = settings.region or "us-east-1"
        self._address = (settings.endpoint or f"https://email.{self._region}.amazonaws.com").rstrip("/")
        self._credentials: Any
        if settings.key_id:
            self._credentials = Credentials(settings.key_id, settings.api_key)
        else:
            self._credentials = Session().get_credentials()
        if self._credentials is None:
            raise UsageError(
                "AWS credentials are missing: set [channels.email] key_id and api_key (TACTFUL_EMAIL_KEY_ID, "
                "TACTFUL_EMAIL_API_KEY), or what AWS's own tools read"
            )

    async def request(self, claim: Claimed, body: bytes) -> Request:
        intent = claim.intent.intent
        content: dict[str, Any] = {
            "Destination": {"ToAddresses": [address(claim.address).spec]},
            "Content": {"Raw": {"Data": base64.b64encode(body).decode("ascii")}},
        }
        if _TAG.fullmatch(intent):
            content["EmailTags"] = [{"Name": "intent", "Value": intent}]
        if self._settings.configuration_set:
            content["ConfigurationSetName"] = self._settings.configuration_set
        return await self._signed("POST", "/v2/email/outbound-emails", msgspec.json.encode(content))

    def judge(self, answered: Answered, now_us: int) -> Answer:
        if answered.status == 200:
            number = answered.fields().get("MessageId")
            return Sent(str(number)) if number else Unknown(NO_SENSE, answered.detail)
        kind, detail = error_type(answered), answered.detail
        if not kind:
            return judged(answered, now_us, lambda _: Unknown(NO_SENSE, detail))
        detail = f"{kind}: {detail}"[:500]
        if kind in _SLOWER:
            wait_us = _QUOTA_US if "quota" in answered.text.lower() else after_us(answered, now_us)
            return Retry("the provider asks to come again", detail, wait_us)
        if kind in _REFUSED:
            return Rejected("mail refused", detail)
        if answered.status >= 500:
            return Retry("the provider failed, and has not taken it", detail)
        return Retry(REFUSES_US, detail, OPERATOR_US)

    async def look(self) -> Request:
        return await self._signed("GET", "/v2/email/account", b"")

    def seen(self, answered: Answered) -> str:
        said = answered.fields()
        if said.get("SendingEnabled") is False:
            raise OSError(f"sending is paused for this account in {self._region}")
        if said.get("ProductionAccessEnabled") is False:
            raise OSError(f"the account is in the sandbox in {self._region}: only verified addresses get mail")
        quota = said.get("SendQuota")
        rate = f", {quota.get('MaxSendRate'):g} mails a second at most" if isinstance(quota, dict) else ""
        return f"SES knows the key{rate}"

    async def _signed(self, method: str, path: str, body: bytes) -> Request:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        url = f"{self._address}{path}"
        headers = {"Content-Type": "application/json"} if body else {}
        # Fresh ones may have to be fetched.
        credentials = await asyncio.to_thread(self._credentials.get_frozen_credentials)
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        SigV4Auth(credentials, _SERVICE, self._region).add_auth(request)
        return Request(url, dict(request.headers.items()), body, method=method)


def error_type(answered: Answered) -> str:
    """As AWS names it: in a header, or in the body; "" for an answer that is none of its API's."""
    said = answered.headers.get("x-amzn-errortype") or str(answered.fields().get("__type", ""))
    return said.partition(":")[0].rpartition("#")[2].strip()
