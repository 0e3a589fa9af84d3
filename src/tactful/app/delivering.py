"""The process that sends: its lanes, one per channel, and the loop that takes claims to them."""

import asyncio
import os
import secrets
import signal
from pathlib import Path

import uvloop

from tactful.adapters import spool
from tactful.adapters.installation import Installation
from tactful.adapters.smtp import Smtp
from tactful.adapters.webhook import Webhook
from tactful.app.parts import email_of, tracking_of, webhook_of
from tactful.runtime.deliver import Deliverer, Lane
from tactful.runtime.writing import Letterhead, call_writer, mail_writer


def run(house: Installation, data: Path, address: str) -> None:
    """Until a signal comes. `address` is where this machine's own pages are."""
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    lanes = _lanes(house, data, address)

    async def deliver() -> None:
        deliverer = Deliverer(name, house.outbox, house.log, house.bells, house.clock, lanes)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, deliverer.stop)
        await deliverer.run()

    uvloop.run(deliver())


def _lanes(house: Installation, data: Path, address: str) -> list[Lane]:
    email, workspace = email_of(house.settings), house.settings.workspace
    letterhead = Letterhead(
        workspace.name,
        email.sender or f"{workspace.name} <hello@localhost>",
        workspace.public_url or address,
        house.link_keys(),
        tracking_of(house.settings),
    )
    mail = Smtp(email) if email.smtp_url else spool.Spool(data / "mail", email.slots)
    calls = Webhook(webhook_of(house.settings), house.clock)
    return [Lane(mail, mail_writer(letterhead, house.outbox.template)), Lane(calls, call_writer())]
