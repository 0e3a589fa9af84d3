"""Proving: one test message, written and sent by the lane of its channel (operations/messages/proofs.py)."""

import asyncio
from pathlib import Path

from tactful.adapters.installation import Installation
from tactful.app.lanes import Share, lanes
from tactful.errors import TransientError
from tactful.operations.messages.proofs import Said
from tactful.runtime.channels import Rejected, Retry, Sent
from tactful.runtime.deliver import Lane
from tactful.runtime.ports import Claimed
from tactful.runtime.writing import Unwritable

HERE = "http://127.0.0.1:8080"
"""What links to us would be relative to; a test carries none."""


def proof(house: Installation, project: Path, data: Path, claim: Claimed, source: bytes) -> Said:
    ways = lanes(house, project, data, HERE, Share(), lambda digest: source)
    lane = next(one for one in ways if one.channel.name == claim.intent.channel)
    return asyncio.run(_send(lane, claim))


async def _send(lane: Lane, claim: Claimed) -> Said:
    try:
        if lane.fetcher is not None:
            claim = await lane.fetcher.prepare(claim)
        answer = await lane.channel.send(claim, lane.write(claim))
    except (Unwritable, TransientError) as error:
        return Said(problem=str(error))
    finally:
        await lane.channel.close()
        if lane.fetcher is not None:
            await lane.fetcher.close()
    match answer:
        case Sent(detail):
            return Said(detail)
        case Rejected(reason, detail) | Retry(reason, detail):
            return Said(problem=": ".join(one for one in (reason, detail) if one))
    return Said(problem=f"outcome unknown: {answer.reason}")
