"""Sending: calls one by one as browsers send them, or in batches where many are due, over several lanes.

Everybody has a lane, and a lane sends one request at a time, so that nobody's order overtakes what they put into the
cart. Within the batches of one round, what a page said goes before what the shop's server says of the same people.
"""

import asyncio
import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from tactful.shoppers.calls import Call, dated
from tactful.shoppers.network import Network, Request, insist
from tactful.values import format_time

SINGLES = 60
BATCH = 100
_json = msgspec.json.Encoder()


class Sender:
    """With `is_dated` each call says when it happened, by the server's clock. Up to `singles` calls of a round are sent
    one by one."""

    def __init__(self, network: Network, lanes: int, *, is_dated: bool, singles: int = SINGLES) -> None:
        self._singles = singles
        self._network = network
        self._lanes = lanes
        self._is_dated = is_dated
        self.refused: dict[str, int] = {}
        """Answers of 400, by what the server said."""
        self.sent = 0

    async def send(self, calls: Sequence[Call], now_us: int) -> None:
        """All of them, durable on return. Raises as `insist`."""
        if not calls:
            return
        lanes: list[list[Call]] = [[] for _ in range(self._lanes)]
        for call in calls:
            lanes[call.person % self._lanes].append(call)
        lane = self._one_by_one if len(calls) <= self._singles else self._in_batches
        await asyncio.gather(*(lane(one, now_us) for one in lanes if one))

    async def _one_by_one(self, calls: Sequence[Call], now_us: int) -> None:
        for call in calls:
            await self._post(call.path, call.key, {**self._said(call), "sentAt": format_time(now_us)}, call.has_gpc)

    async def _in_batches(self, calls: Sequence[Call], now_us: int) -> None:
        """Consent to be kept, then who they are, then consent to mail, then what they did."""
        for call in _first_consents(calls, is_first=True):
            await self._post(call.path, call.key, self._said(call), call.has_gpc)
        rest = [call for call in calls if call.path != "consent"]
        accounts = [call for call in rest if call.path == "identify" and not call.body.get("anonymousId")]
        await self._batches(accounts, now_us)
        for call in _first_consents(calls, is_first=False):
            await self._post(call.path, call.key, self._said(call), call.has_gpc)
        done = {id(call) for call in accounts}
        await self._batches([call for call in rest if id(call) not in done], now_us)

    async def _batches(self, calls: Sequence[Call], now_us: int) -> None:
        kinds: dict[tuple[str, bool], list[Call]] = {}
        for call in calls:
            kinds.setdefault((call.key, call.has_gpc), []).append(call)
        # Pages name a device.
        for (key, has_gpc), own in sorted(kinds.items(), key=lambda kind: "anonymousId" not in kind[1][0].body):
            for first in range(0, len(own), BATCH):
                batch = [self._said(call) for call in own[first : first + BATCH]]
                await self._post("batch", key, {"batch": batch, "sentAt": format_time(now_us)}, has_gpc)
                self.sent += len(batch) - 1

    def _said(self, call: Call) -> dict[str, Any]:
        return dated(call) if self._is_dated else call.body

    async def _post(self, path: str, key: str, body: dict[str, Any], has_gpc: bool) -> None:
        headers = [("Content-Type", "application/json"), ("Authorization", _basic(key))]
        if has_gpc:
            headers.append(("Sec-GPC", "1"))
        answer = await insist(self._network, Request("POST", f"/v1/{path}", _json.encode(body), tuple(headers)))
        self.sent += 1
        if answer.status != 200:
            why = answer.body[:200].decode("utf-8", "replace")
            self.refused[why] = self.refused.get(why, 0) + 1


def _first_consents(calls: Sequence[Call], *, is_first: bool) -> list[Call]:
    """Of each person the first consent of these calls (to the banner), or all others."""
    seen: set[int] = set()
    found = []
    for call in calls:
        if call.path != "consent":
            continue
        if (call.person not in seen) is is_first:
            found.append(call)
        seen.add(call.person)
    return found


@cache
def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()
