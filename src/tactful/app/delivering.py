"""A process that sends: its lanes, one per channel, and the loop that takes claims to them."""

import asyncio
import gc
import os
import secrets
import signal
from pathlib import Path

import uvloop

from tactful.adapters.alive import Alive, gone
from tactful.adapters.installation import Installation
from tactful.app.lanes import Share, lanes
from tactful.runtime.deliver import Deliverer


def run(house: Installation, project: Path, data: Path, address: str, share: Share) -> None:
    """Until a signal comes. `address` is where this machine's own pages are, `share` which of the processes that send
    this one is."""
    name = f"deliver-{share.number}-{os.getpid()}-{secrets.token_hex(4)}"
    alive = Alive(data / "run", name)
    ways = lanes(house, project, data, address, share)

    async def deliver() -> None:
        deliverer = Deliverer(
            name,
            house.outbox,
            house.log,
            house.bells,
            house.clock,
            ways,
            gone=lambda names: gone(data / "run", names),
            bell=house.deliver_bells[share.number],
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, deliverer.stop)
        await deliverer.run()

    # What was imported stays: the collector of cycles need not look through it again and again.
    gc.collect()
    gc.freeze()
    uvloop.run(deliver())
    alive.close()
