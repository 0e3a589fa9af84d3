"""Latency: from an event's call to the mail server that accepted the message, on one core under a steady load.

Two thousand events a second come in batches of twenty, as server libraries send them; fifty a second ask for a mail at
once, each in a call of its own. Run `python -m benchmarks latency`.
"""

import asyncio
import random
import time
from collections.abc import Callable

from benchmarks import load, shop
from benchmarks.place import Place, percentile, table
from benchmarks.sink import Sink

EVENTS_A_S = 2_000
MESSAGES_A_S = 50
WARM_S = 2
BATCH = 20


async def measure(place: Place, seconds: float) -> list[float]:
    """Seconds from the call to the acceptance of each message."""
    sink = Sink()
    await sink.start()
    files = shop.project()
    with place.copy(place.seeded(files)) as data, place.server(data, files, smtp_port=sink.port) as server:
        draw = random.Random(5)
        sent: dict[str, float] = {}

        def ordinary() -> bytes:
            at = load.now()
            events = [load.call(draw, load.user(draw, place.profiles), at) for _ in range(BATCH)]
            return load.batches(events)[0]

        def asking(number: int) -> Callable[[], bytes]:
            def build() -> bytes:
                who = f"user-{draw.randrange(1, place.profiles)}"
                event = load.call(draw, who, load.now(), shop.AT_ONCE)
                event["properties"]["name"] = f"probe-{number}"
                sent[f"probe-{number}"] = time.monotonic()
                return load.request("/v1/track", event)

            return build

        seconds += WARM_S
        begin = time.monotonic() + 0.5
        batches = [
            (begin + number * BATCH / EVENTS_A_S, ordinary) for number in range(int(seconds * EVENTS_A_S / BATCH))
        ]
        asked = [(begin + n / MESSAGES_A_S, asking(n)) for n in range(int(seconds * MESSAGES_A_S))]
        await asyncio.gather(load.Pacer(server.port).send(batches), load.Pacer(server.port).send(asked))
        async with asyncio.timeout(60):
            await sink.wait(len(asked))
    sink.stop()
    return [at - sent[probe] for probe, at in sink.accepted.items() if sent[probe] > begin + WARM_S]


def run(place: Place) -> None:
    taken = asyncio.run(measure(place, place.scaled(20, 2)))
    table(
        f"latency: event to accepted mail, one core, {EVENTS_A_S:,} events/s and {MESSAGES_A_S} messages/s",
        [
            ("median, ms", f"{percentile(taken, 0.5) * 1e3:.1f}"),
            ("p99, ms", f"{percentile(taken, 0.99) * 1e3:.1f}"),
            ("longest, ms", f"{max(taken) * 1e3:.1f}"),
        ],
    )
