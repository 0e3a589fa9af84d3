"""Webhooks of mail providers: what they tell of messages, once it is certain that it is they who tell it.

A 200 says that everything of the call is durable, or of no interest. What is forged, stale or not set up gets a 403 and
changes nothing, what cannot be read a 400; where nothing can be stored a 503 lets the provider come again. Reports of
messages that are not ours are passed over with a 200, or they would be sent for days.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tactful.errors import TransientError
from tactful.events.verdicts import Refusal
from tactful.messages.reports import CALL_BYTES, Report, mailgun, postmark, sendgrid, ses
from tactful.runtime.intake import Busy
from tactful.runtime.ports import Clock
from tactful.runtime.settings_responses import HookSettings
from tactful.web.bodies import Disconnected, read_body

MOST_CERTIFICATES = 16
MOST_TOKENS = 100_000
RETRY_AFTER_S = 60
_STATUS = {"unreadable": 400, "too_large": 413}

Take = Callable[[Sequence[Report]], Awaitable[None]]
"""Returns when everything is durable; raises Busy or TransientError."""
Fetch = Callable[[str], Awaitable[bytes]]
"""GET of an https address of Amazon's, some kilobytes at most; raises TransientError."""
Reading = list[Report] | Refusal

_log = logging.getLogger(__name__)


class Doors(Struct, frozen=True):
    """What the webhooks need of the house."""

    settings: HookSettings
    take: Take
    fetch: Fetch
    clock: Clock


def routes(doors: Doors) -> list[Route]:
    """POST /v1/hooks/PROVIDER, of those that are set up."""
    settings, hooks = doors.settings, Hooks(doors)
    there = {
        "ses": (bool(settings.ses.topics), hooks.ses),
        "sendgrid": (bool(settings.sendgrid.public_key), hooks.sendgrid),
        "mailgun": (bool(settings.mailgun.signing_key), hooks.mailgun),
        "postmark": (bool(settings.postmark.password), hooks.postmark),
    }
    return [
        Route(f"/v1/hooks/{name}", hooks.door(read), methods=["POST"])
        for name, (is_set_up, read) in there.items()
        if is_set_up
    ]


class Hooks:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._certificates: OrderedDict[str, bytes] = OrderedDict()
        self._tokens: OrderedDict[str, bytes] = OrderedDict()

    def door(self, read: Callable[[Request, bytes], Awaitable[Reading]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body, size = await read_body(request.receive, CALL_BYTES)
                if size > CALL_BYTES:
                    return _refused(Refusal("too_large", f"the call is larger than {CALL_BYTES:,} bytes"))
                found = await read(request, body)
                if isinstance(found, Refusal):
                    _log.warning("%s: %s (%s)", request.url.path, found.message, found.code)
                    return _refused(found)
                if found:
                    await self._doors.take(found)
            except Disconnected:
                return Response(status_code=400)
            except (Busy, TransientError) as error:
                _log.warning("%s: nothing can be stored now: %s", request.url.path, error)
                return JSONResponse({"code": "unavailable"}, 503, {"Retry-After": str(RETRY_AFTER_S)})
            return JSONResponse({"taken": len(found)})

        return answer

    async def sendgrid(self, request: Request, body: bytes) -> Reading:
        signature, timestamp = (request.headers.get(name, "") for name in (sendgrid.SIGNATURE, sendgrid.TIMESTAMP))
        key = self._doors.settings.sendgrid.public_key
        return sendgrid.verify(key, signature, timestamp, body, self._doors.clock.now_us()) or sendgrid.read(body)

    async def postmark(self, request: Request, body: bytes) -> Reading:
        password, given = self._doors.settings.postmark.password, request.headers.get("authorization", "")
        return postmark.verify(password, given) or postmark.read(body)

    async def mailgun(self, _request: Request, body: bytes) -> Reading:
        found = mailgun.read(body, self._doors.settings.mailgun.signing_key, self._doors.clock.now_us())
        if isinstance(found, Refusal):
            return found
        # The signature is over the token alone: with another body it is somebody's copy.
        digest, token = blake2b(body, digest_size=16).digest(), mailgun.token_of(body)
        if self._tokens.setdefault(token, digest) != digest:
            return Refusal("not_signed", "this token came with another event before", "signature.token")
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        return found

    async def ses(self, _request: Request, body: bytes) -> Reading:
        notice = ses.read_notice(body, tuple(self._doors.settings.ses.topics))
        if isinstance(notice, Refusal):
            return notice
        certificate = await self._certificate(notice.certificate_url)
        refusal = ses.verify(notice, certificate, self._doors.clock.now_us())
        if refusal is not None:
            return refusal
        url = ses.confirmation(notice)
        if url is not None:
            await self._doors.fetch(url)
            _log.info("subscribed to %s", notice.TopicArn)
            return []
        return ses.read(notice)

    async def _certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            self._certificates[url] = await self._doors.fetch(url)
            if len(self._certificates) > MOST_CERTIFICATES:
                self._certificates.popitem(last=False)
        return self._certificates[url]


def _refused(refusal: Refusal) -> Response:
    status = _STATUS.get(refusal.code, 403)
    return JSONResponse({"code": refusal.code, "message": refusal.message, "field": refusal.field}, status)
