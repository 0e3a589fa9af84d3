"""Channels: what carries a claim out of the house, and what it may answer.

The answers draw the one line that matters (I4): `Retry` is for a channel that is certain that the receiver has not
accepted, `Unknown` for one that is not. A channel never raises for what the world does; what it cannot classify is
Unknown. Settings are parsed elsewhere and passed in.
"""

from typing import Protocol

from msgspec import Struct

from tactful.runtime.ports import Claimed


class Sent(Struct, frozen=True):
    """The receiver has accepted it."""

    detail: str = ""


class Rejected(Struct, frozen=True):
    """The receiver will never accept it; with `suppress` because the address itself is bad."""

    reason: str
    detail: str = ""
    suppress: bool = False


class Retry(Struct, frozen=True):
    """Certainly not accepted; may be tried again, at the earliest `after_us` from now."""

    reason: str
    detail: str = ""
    after_us: int = 0


class Unknown(Struct, frozen=True):
    """Perhaps accepted: somebody has to look."""

    reason: str
    detail: str = ""


Answer = Sent | Rejected | Retry | Unknown


class Channel(Protocol):
    """One way out. Sends of one channel run side by side, `slots` at most."""

    name: str
    """`email` or `webhook`, as intents name it."""
    slots: int
    is_repeatable: bool
    """The receiver drops what it has seen (webhooks, by intent id): at least once instead of at most once."""

    async def send(self, claim: Claimed, body: bytes) -> Answer: ...

    async def close(self) -> None: ...


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


class WebhookSettings(Struct, frozen=True):
    """`[channels.webhook]`. `secrets` sign side by side (the newest first), so that one can be exchanged."""

    secrets: tuple[str, ...] = ()
    allow_private: bool = False
    slots: int = 20
    timeout_s: float = 15.0
    answer_bytes: int = 4096
    """Of an answer that are read at most."""


class RetryRule(Struct, frozen=True):
    """How long to wait after an attempt that certainly failed: doubling from `first_us` to `longest_us`."""

    first_us: int = 5_000_000
    longest_us: int = 900_000_000
    attempts: int = 200
    """After so many an intent is rejected, however long it would be valid."""
