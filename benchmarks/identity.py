"""Identity and consent: what they add to step(), how many ties a second the engine makes, how soon segments follow, and
what other people feel of a burst.

Off: everybody is one identifier, and nothing asks for consent. On: everybody was a visitor first and is tied (two
fragments, each with a history), calls name both identifiers, and events are kept by consent. Then the process tree on
one core: identify calls that each tie a visitor to a new user, at a steady rate and 10,000 at once, between the calls
of others. Run `python -m benchmarks identity`.
"""

import asyncio
import gc
import random
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks import load, retail, shop
from benchmarks.language import FIRST_SEGMENTS, Shop
from benchmarks.place import Place, percentile, table
from benchmarks.server import Server, Watched
from tactful.events.derived import EventKept, FragmentsCame, decode_groups
from tactful.events.records import Consent, Event
from tactful.values import DAY_US

EVENTS, PEOPLE = 60_000, 5_000
VISITS = 10_000
CONSENT = msgspec.json.encode(
    {
        "region": "opt-in",
        "collect": "analytics",
        "otherwise": "drop",
        "purposes": {"analytics": {"basis": "consent"}, "email_marketing": {"basis": "consent"}},
    }
).decode()
TIES_A_S, TIED_S, BURST = 500, 10, 10_000
OTHERS_A_S = 200


# ---- step() ----------------------------------------------------------------------------------------------------------


def _life(place: Place) -> tuple[list[Event | Consent], list[Event]]:
    """What everybody did first, and what is timed: calls of users."""
    events = list(retail.events(1, place.scaled(EVENTS, 3_000), place.scaled(PEOPLE, 300)))
    begun: list[Event | Consent] = []
    for number, who in enumerate(sorted({event.key for event in events})):
        at = retail.START + number
        begun.append(Consent(1, "web", "server", who, f"yes-{who}", "analytics", True, at, at))
    for number, event in enumerate(events[: place.scaled(VISITS, 1_000)]):
        at = retail.START + DAY_US // 8 + number
        begun.append(replace(event, message_id=f"visit-{number}", timestamp=at, received_at=at))
    later = DAY_US // 4
    return begun, [replace(one, timestamp=one.timestamp + later, received_at=one.received_at + later) for one in events]


def _device(user: str) -> str:
    return f"a:{user[2:]}"


def _as_visitor(record: Event | Consent) -> Event | Consent:
    """The same, done by somebody who is not known yet."""
    key = _device(record.key)
    return replace(record, key=key, ids=(key,)) if isinstance(record, Event) else replace(record, key=key)


def _driven(segments: dict[str, str], begun: Sequence[Event | Consent], events: Sequence[Event], *, on: bool) -> float:
    """Microseconds of step() per event."""
    shop_ = Shop(segments, {"consent": CONSENT} if on else {})
    if on:
        begun = [_as_visitor(record) for record in begun]
        events = [replace(event, ids=(event.key, _device(event.key))) for event in events]
    gc.collect()
    gc.disable()
    try:
        shop_.seconds(begun)
        return shop_.seconds(events) / (len(events) / 2) * 1e6
    finally:
        gc.enable()


def _tell_step(place: Place) -> None:
    begun, events = _life(place)
    rows = []
    for name, segments in (("no", {}), ("6", FIRST_SEGMENTS), ("50", retail.SEGMENTS)):
        off, on = [], []
        for _ in range(place.rounds):
            off.append(_driven(segments, begun, events, on=False))
            on.append(_driven(segments, begun, events, on=True))
        rows.append((f"{name} segments: off, on, us", f"{min(off):.1f}, {min(on):.1f}"))
        rows.append((f"{name} segments: on / off", f"{min(on) / min(off):.2f} (goal: 1.15)"))
    note = f"the best of {place.rounds} rounds, in turns"
    table(f"identity: step() per event, {len(events):,} events of a shop", rows, note)


# ---- the process tree ------------------------------------------------------------------------------------------------


class _Watch:
    """When which positions were committed, seen from outside."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.first = [watched.trail.end(partition) for partition in watched.partitions]
        self._seen: list[list[tuple[int, float]]] = [[] for _ in watched.partitions]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over.wait(0.002):
            for partition, seen in enumerate(self._seen):
                end = self.watched.trail.end(partition)
                if not seen or seen[-1][0] < end:
                    seen.append((end, time.monotonic()))

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def at(self, partition: int, position: int) -> float:
        """time.monotonic() at which it was seen, within the pause between two looks."""
        seen = self._seen[partition]
        return seen[bisect_left(seen, position, key=lambda one: one[0])][1]

    def came(self) -> tuple[dict[str, float], dict[str, float]]:
        """By key: when a person was merged and looked at again, and when a person's newest event was in."""
        merged: dict[str, float] = {}
        kept: dict[str, float] = {}
        for partition, first in enumerate(self.first):
            last = self._seen[partition][-1][0] if self._seen[partition] else first
            for blob in self.watched.trail.between(partition, first + 1, last):
                for group in decode_groups(blob):
                    if not first < group.position <= last:
                        continue
                    for row in group.rows:
                        if isinstance(row, FragmentsCame) and row.cause == "merge":
                            merged[group.key] = self.at(partition, group.position)
                        elif isinstance(row, EventKept):
                            kept[group.key] = self.at(partition, group.position)
        return merged, kept


def _visit(draw: random.Random, who: str) -> dict[str, Any]:
    return {**load.call(draw, "", load.now(), "Product Viewed"), "userId": None, "anonymousId": who}


def _identify(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "type": "identify",
        "messageId": f"{draw.getrandbits(128):032x}",
        "userId": f"new-{number}",
        "anonymousId": f"visitor-{number}",
        "timestamp": load.now().isoformat(),
        "traits": {"plan": "free"},
    }


def _one(draw: random.Random, who: str) -> list[dict[str, Any]]:
    return [load.call(draw, who, load.now())]


def _identifies(draw: random.Random, numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [_identify(draw, number) for number in numbers]


def _sending(
    build: Callable[[], list[dict[str, Any]]], keys: Sequence[str], sent: dict[str, float]
) -> Callable[[], bytes]:
    def request() -> bytes:
        sent.update(dict.fromkeys(keys, time.monotonic()))
        return load.batches(build())[0]

    return request


def _others(draw: random.Random, begin: float, seconds: float, sent: dict[str, float]) -> list[tuple[float, Any]]:
    """Single calls of others, each of somebody new, so that each is told apart."""
    calls = []
    for number in range(int(seconds * OTHERS_A_S)):
        who = f"other-{int(begin)}-{number}"
        build = partial(_one, draw, who)
        calls.append((begin + number / OTHERS_A_S, _sending(build, [f"u:{who}"], sent)))
    return calls


async def _paced(
    server: Server, draw: random.Random, ties: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Ties at a steady rate, in calls of ten."""
    sent: dict[str, float] = {}
    begin = time.monotonic() + 0.5
    tying = []
    for at in range(0, ties, 10):
        numbers = range(at, at + 10)
        keys = [f"u:new-{number}" for number in numbers]
        tying.append((begin + at / ties * seconds, _sending(partial(_identifies, draw, numbers), keys, sent)))
    others = _others(draw, begin, seconds, sent)
    await asyncio.gather(load.Pacer(server.port).send(tying), load.Pacer(server.port).send(others))
    return {key: at for key, at in sent.items() if "new" in key}, {
        key: at for key, at in sent.items() if "other" in key
    }


async def _burst(server: Server, draw: random.Random, calls: list[dict[str, Any]], seconds: float) -> dict[str, float]:
    """All of them at once, one second after others began to call; when the others' were sent."""
    sent: dict[str, float] = {}
    requests = load.batches(calls)
    begin = time.monotonic() + 0.5

    async def at_once() -> None:
        await asyncio.sleep(begin + 1 - time.monotonic())
        await load.send_all(server.port, requests)

    await asyncio.gather(load.Pacer(server.port).send(_others(draw, begin, seconds, sent)), at_once())
    return sent


def _measure(place: Place, rounds_s: float, ties: int, burst: int) -> Iterator[tuple[str, str]]:
    files = shop.project()
    draw = random.Random(7)
    with place.copy(place.seeded(files)) as data, place.server(data, files) as server:
        visits = [_visit(draw, f"visitor-{number}") for number in range(ties + burst) for _ in range(2)]
        asyncio.run(load.send_all(server.port, load.batches(visits)))
        server.watched.wait(server.watched.last_events())
        watch = _Watch(server.watched)
        tied, others = asyncio.run(_paced(server, draw, ties, rounds_s))
        _until(watch, len(tied))
        merged, kept = watch.came()
        took = [merged[key] - at for key, at in tied.items()]
        yield f"{ties / rounds_s:,.0f} ties/s: identify to segments, median, ms", f"{percentile(took, 0.5) * 1e3:.0f}"
        yield (
            f"{ties / rounds_s:,.0f} ties/s: identify to segments, p99, ms",
            f"{percentile(took, 0.99) * 1e3:.0f} (goal: 200)",
        )
        calm = [kept[key] - at for key, at in others.items()]
        yield "others' events meanwhile, p99, ms", f"{percentile(calm, 0.99) * 1e3:.0f}"
        calls = [_identify(draw, ties + number) for number in range(burst)]
        watch = _Watch(server.watched)
        felt = asyncio.run(_burst(server, draw, calls, max(3.0, rounds_s / 2)))
        _until(watch, burst)
        merged, kept = watch.came()
        yield f"a burst of {burst:,}: ties/s", f"{burst / (max(merged.values()) - min(felt.values()) - 1):,.0f}"
        yield from _felt("ties", kept, felt)
        plain = [load.call(draw, f"user-{number}", load.now()) for number in range(1, burst + 1)]
        watch = _Watch(server.watched)
        felt = asyncio.run(_burst(server, draw, plain, max(3.0, rounds_s / 2)))
        server.watched.wait(server.watched.last_events())
        time.sleep(0.1)
        watch.stop()
        yield from _felt("plain calls", watch.came()[1], felt)


def _felt(what: str, kept: dict[str, float], sent: dict[str, float]) -> Iterator[tuple[str, str]]:
    delays = [kept[key] - at for key, at in sent.items()]
    shown = f"{percentile(delays, 0.5) * 1e3:.0f}, {percentile(delays, 0.99) * 1e3:.0f}"
    yield f"others' events during a burst of {what}, median, p99, ms", shown


def _until(watch: _Watch, ties: int) -> None:
    deadline = time.monotonic() + 120
    while len(watch.came()[0]) < ties:
        assert time.monotonic() < deadline, "ties are missing"
        time.sleep(0.2)
    watch.stop()


def run(place: Place) -> None:
    _tell_step(place)
    seconds = place.scaled(TIED_S, 1)
    rows = _measure(place, seconds, place.scaled(TIES_A_S * TIED_S, 100), place.scaled(BURST, 200))
    table("identity: visitors become users, the whole engine on one core", rows)
