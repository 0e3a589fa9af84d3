"""The doctor's hands: how each channel is tried, without sending anything."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tactful.adapters import reach
from tactful.adapters.apprise import Apprise
from tactful.adapters.smtp import Smtp
from tactful.adapters.web_push import WebPush, public_key
from tactful.app.lanes import dkim_key, mail_api
from tactful.app.parts import apprise_of, email_of, web_push_of, webhook_of
from tactful.errors import UsageError
from tactful.operations.doctor import Finding, Reach, Signing, examine, look_at_responses
from tactful.runtime.channels import AppriseSettings, EmailSettings
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings
from tactful.runtime.settings_channels import WebPushChannel


def channels(settings: Settings, project: Path, data: Path | None, clock: Clock) -> list[Finding]:
    """What can be found out about the channels of a project, and of its data folder where there is one."""
    email, public_url = email_of(settings, project), settings.workspace.public_url
    signing = None
    findings: list[Finding] = []
    if email.dkim is not None:
        try:
            signing = Signing(email.dkim, dkim_key(email.dkim), reach.names)
        except UsageError as error:
            findings.append(Finding("bad", "DKIM", str(error)))
    others: dict[str, Callable[[], str]] = {
        name: partial(_apprise, apprise_of(settings, name)) for name in ("sms", "chat", "push")
    }
    others["web_push"] = lambda: _web_push(settings, email, data, clock)
    page: Reach | None = (lambda: reach.page(public_url)) if public_url else None
    mail_server = _mail_server(email, clock)
    findings += look_at_responses(email, settings.tracking, settings.hooks, public_url)
    return findings + asyncio.run(examine(email, webhook_of(settings), public_url, mail_server, page, signing, others))


def _mail_server(email: EmailSettings, clock: Clock) -> Reach | None:
    if email.smtp_url:
        return Smtp(email).probe
    if email.provider is None:
        return None
    provider = email.provider

    async def probe() -> str:
        try:
            return await mail_api(provider, clock).probe()
        except UsageError as error:
            raise OSError(str(error)) from error

    return probe


def _apprise(settings: AppriseSettings) -> str:
    """Apprise has no call that looks without sending: only that the service is known, and the URL complete."""
    if not settings.url:
        raise UsageError(f"set [channels.{settings.channel}] url")
    return f"by {Apprise(settings).service}; whether it takes the key shows with the first message"


def _web_push(settings: Settings, email: EmailSettings, data: Path | None, clock: Clock) -> str:
    key = data / "web_push.pem" if data else None
    if key is None or not key.exists():
        raise UsageError("set up by the first start: it makes the key that browsers subscribe with")
    pem = key.read_text(encoding="ascii")
    chosen = web_push_of(settings, email, pem)
    if not chosen.contact:
        raise UsageError("set [channels.web_push] contact: push services want to know whom to turn to")
    try:
        WebPush(chosen, clock)
    except UsageError as error:
        if settings.channels.web_push != WebPushChannel():
            raise
        raise UsageError(f"set it up if pages shall push: {error}") from None
    return f"pages subscribe with the applicationServerKey {public_key(pem)}"
