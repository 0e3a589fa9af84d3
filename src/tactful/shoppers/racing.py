"""As fast as possible: shoppers who wait for nothing, in several processes, until the server can take no more.

Their days pass as fast as their calls are taken; calls say no time, so that they happened when the server got them. No
mail is looked at, and no truth told: it would need the server's time. Each process has households of its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import uvloop
from msgspec import Struct

from tactful.shoppers.calls import Door
from tactful.shoppers.catalogue import Catalogue, Product
from tactful.shoppers.crowd import Crowd
from tactful.shoppers.network import Times, Wire
from tactful.shoppers.people import Town
from tactful.shoppers.sending import BATCH, Sender
from tactful.values import SECOND_US

LANES = 16
"""Connections of one process."""
ROUND = 3 * LANES * BATCH
"""Calls that are made up together: enough that most batches are full."""
SWITCH_S = 0.0005
"""After so long who makes calls up lets go of the interpreter, so that an answer is met by the next request."""


class Race(Struct, frozen=True):
    """`most` is how many events a process sends (0: any number), `seconds` how long it goes on (0: for ever)."""

    url: str
    town: Town
    products: tuple[Product, ...]
    door: Door
    seconds: float = 0.0
    most: int = 0


class Result(Struct, frozen=True):
    events: int
    seconds: float
    """Of sending; making people up and telling of their accounts is not in it."""
    refused: dict[str, int]


def households(people: int, process: int, processes: int) -> range | list[int]:
    """The people of one process; those who live together stay together."""
    return [number for number in range(people) if number // 2 % processes == process]


def run_all(race: Race, processes: int) -> list[Result]:
    """Run it; the results of all processes. Raises what a process raised."""
    if processes == 1:
        return [run(race, 0, 1)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        racing = [pool.submit(run, race, number, processes) for number in range(processes)]
        return [one.result() for one in racing]


def run(race: Race, process: int, processes: int) -> Result:
    """One process of it."""
    return uvloop.run(_run(race, households(race.town.people, process, processes)))


async def _run(race: Race, numbers: Sequence[int]) -> Result:
    wire = Wire(race.url, LANES)
    try:
        start = await Times(wire).look()
        crowd = Crowd(race.town, Catalogue(race.town.seed, race.products), race.door, start, numbers, keeps=False)
        await Sender(wire, LANES, is_dated=True).send(crowd.joining(), start)
        sender, begun_us = Sender(wire, LANES, is_dated=False), wire.steady_us()
        sys.setswitchinterval(SWITCH_S)
        sending: asyncio.Task[None] | None = None
        while True:
            # The next calls are made up beside the lanes, of which none waits for that.
            calls, _ = await asyncio.to_thread(crowd.due, 1 << 62, ROUND)
            if sending is not None:
                await sending
            passed_s = (wire.steady_us() - begun_us) / SECOND_US
            if (race.seconds and passed_s >= race.seconds) or (race.most and sender.sent >= race.most):
                return Result(sender.sent, passed_s, sender.refused)
            sending = asyncio.create_task(sender.send(calls, start))
    finally:
        await wire.close()
