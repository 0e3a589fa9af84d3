"""Channels: what carries a claim out of the house, and what it may answer.

The answers draw the one line that matters (I4): `Retry` is for a channel that is certain that the receiver has not
accepted, `Unknown` for one that is not. A channel never raises for what the world does; what it cannot classify is
Unknown. `gone` are addresses of the claim that will never take anything (a device that is not there any more): they are
suppressed, each by itself. Settings are parsed elsewhere and passed in.
"""

from typing import Protocol

from msgspec import Struct

from tactful.runtime.ports import Claimed


class Sent(Struct, frozen=True):
    """The receiver has accepted it; of several devices, one at least."""

    detail: str = ""
    gone: tuple[str, ...] = ()


class Rejected(Struct, frozen=True):
    """The receiver will never accept it; with `suppress` because the address itself is bad."""

    reason: str
    detail: str = ""
    suppress: bool = False
    gone: tuple[str, ...] = ()


class Retry(Struct, frozen=True):
    """Certainly not accepted; may be tried again, at the earliest `after_us` from now."""

    reason: str
    detail: str = ""
    after_us: int = 0
    gone: tuple[str, ...] = ()


class Unknown(Struct, frozen=True):
    """Perhaps accepted: somebody has to look."""

    reason: str
    detail: str = ""
    gone: tuple[str, ...] = ()


Answer = Sent | Rejected | Retry | Unknown


class Channel(Protocol):
    """One way out. Sends of one channel run side by side, `slots` at most."""

    name: str
    """`email`, `sms`, `push`, `web_push`, `chat` or `webhook`, as intents name it."""
    slots: int
    is_repeatable: bool
    """The receiver drops what it has seen (webhooks, by intent id): at least once instead of at most once."""

    async def send(self, claim: Claimed, body: bytes) -> Answer: ...

    async def close(self) -> None: ...


class ProviderSettings(Struct, frozen=True):
    """A mail provider's API."""

    name: str
    """ses, sendgrid, postmark or mailgun."""
    api_key: str = ""
    key_id: str = ""
    region: str = ""
    domain: str = ""
    endpoint: str = ""
    """"" is the provider's own."""
    message_stream: str = ""
    configuration_set: str = ""
    timeout_s: float = 60.0
    """From the whole request to the whole answer. Beyond, the outcome is unknown."""


class DkimSettings(Struct, frozen=True):
    """Whose name is signed with, and where the private key lies (PEM)."""

    domain: str
    selector: str
    key_file: str


class EmailSettings(Struct, frozen=True):
    """`[channels.email]`. `smtp_url`: smtp://user:pass@host:587?starttls=required, smtps://host; "" keeps mail in
    the local outbox. Names and passwords in it are percent-encoded. `starttls` is required (unless the host is
    loopback), opportunistic, or never."""

    sender: str = ""
    """`Shop <hello@shop.example>`: what a message without `from` is sent by."""
    smtp_url: str = ""
    slots: int = 10
    connect_timeout_s: float = 15.0
    command_timeout_s: float = 30.0
    body_timeout_s: float = 180.0
    """RFC 5321 4.5.3.2.5: a block of the mail."""
    accept_timeout_s: float = 600.0
    """RFC 5321 4.5.3.2.6: from the end of the mail to its answer. Beyond, the outcome is unknown."""
    idle_s: float = 30.0
    mails_per_connection: int = 100
    provider: ProviderSettings | None = None
    """Instead of `smtp_url`."""
    bounce_address: str = ""
    """What envelopes are marked from (VERP); "" sends by the From address."""
    dkim: DkimSettings | None = None

    @property
    def leaves(self) -> bool:
        """Whether mail goes out at all, or stays in the local outbox."""
        return bool(self.smtp_url or self.provider)


class WebhookSettings(Struct, frozen=True):
    """`[channels.webhook]`. `secrets` sign side by side (the newest first), so that one can be exchanged."""

    secrets: tuple[str, ...] = ()
    allow_private: bool = False
    slots: int = 20
    timeout_s: float = 15.0
    answer_bytes: int = 4096
    """Of an answer that are read at most."""


class AppriseSettings(Struct, frozen=True):
    """`[channels.sms]`, `[channels.chat]`, `[channels.push]`: `url` with {address} in it."""

    channel: str
    url: str = ""
    slots: int = 10


class WebPushSettings(Struct, frozen=True):
    """`[channels.web_push]`: `contact` is the subject of the tokens by which push services know us (RFC 8292)."""

    contact: str
    private_key: str
    """PEM, P-256."""
    allow_private: bool = False
    slots: int = 20
    timeout_s: float = 30.0


class RetryRule(Struct, frozen=True):
    """How long to wait after an attempt that certainly failed: doubling from `first_us` to `longest_us`."""

    first_us: int = 5_000_000
    longest_us: int = 900_000_000
    attempts: int = 200
    """After so many an intent is rejected, however long it would be valid."""
