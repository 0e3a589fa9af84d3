"""Desk: the outbox of a backtest. What waits, what was claimed, and what counts against caps, for one unit of people.

It answers what the gate and the worker's claims ask (runtime/claims.py, kernel/gate.py), as the outbox of an
installation would, but by dictionaries and without a disk. Nothing here can reach a channel: what is claimed is taken
for sent at that very instant.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import IntentMoved, SendMessage
from tactful.kernel.addresses import counted_as
from tactful.messages.mail import inbox
from tactful.runtime.claiming import Waiting
from tactful.runtime.ports import Claimed, Verdict

PARTITION = 0
CODE = "CODE-"
"""Coupons are called so, and numbered: the real ones lie in a data folder."""


class _Row(Struct):
    intent: SendMessage
    not_before: int
    number: int
    """In the order in which they came."""
    hop: int = 0
    parked: int | None = None
    """Of an intent that an order to its journey holds back: when it wanted to leave."""


class _Counted(Struct, frozen=True):
    """A claim, as caps see it."""

    at: int
    intent: str
    journey: str
    channel: str
    key: str
    address: str
    is_capped: bool
    is_confirmation: bool


class Desk:
    """The part of the port `Outbox` that claims need, and the port `Claiming`; `now` is to be set before either is
    asked."""

    def __init__(self, suppressed: Mapping[str, int], empty: Mapping[str, int]) -> None:
        """`suppressed`: by address, since when nothing goes there; `empty`: by pool of coupons, since when none is
        left."""
        self.now = 0
        self.claims: list[Claimed] = []
        """Made since somebody took them away."""
        self.ended: list[tuple[SendMessage, Verdict]] = []
        """Likewise, of those that the gate refused."""
        self.postponed: list[tuple[SendMessage, str]] = []
        """Likewise: what waits on, and why."""
        self.codes: dict[tuple[str, str], str] = {}
        """By pool and owner."""
        self._suppressed, self._empty = suppressed, empty
        self._number = 0
        self._waiting: dict[str, _Row] = {}
        self._times: list[tuple[int, str]] = []
        """A heap; entries whose row waits for another instant by now are passed over."""
        self._ready: dict[str, _Row] = {}
        """Those whose instant has come."""
        self._by_key: dict[str, list[_Counted]] = {}
        self._by_address: dict[str, list[_Counted]] = {}

    # ---- what waits ------------------------------------------------------------------------------------------------

    def put(self, intents: Iterable[SendMessage]) -> None:
        for one in intents:
            if one.intent not in self._waiting:
                self._number += 1
                self._wait(_Row(one, one.due, self._number))

    def _wait(self, row: _Row) -> None:
        name = row.intent.intent
        self._waiting[name] = row
        self._ready.pop(name, None)
        heappush(self._times, (row.not_before, name))

    def moved(self, rows: Iterable[IntentMoved]) -> None:
        """Whose an intent is, since its person was merged or un-merged."""
        for one in rows:
            row = self._waiting.get(one.intent)
            if row is not None and one.hop > row.hop:
                row.hop = one.hop
                row.intent = replace(row.intent, key=one.key) if one.key else row.intent

    def own(self, partition: int) -> int:
        return partition

    def next_waiting(self, partition: int, after: int = -1) -> int | None:
        """As the port's."""
        ready = [row.not_before for row in self._ready.values() if row.not_before > after]
        if ready:
            return min(ready)
        times = self._times
        while times and not self._stands(*times[0]):
            heappop(times)
        if not times or times[0][0] > after:
            return times[0][0] if times else None
        return min((row.not_before for row in self._waiting.values() if row.not_before > after), default=None)

    def _stands(self, at: int, name: str) -> bool:
        row = self._waiting.get(name)
        return row is not None and row.not_before == at and name not in self._ready

    @contextmanager
    def claiming(self, partition: int, token: int) -> Iterator["Desk"]:
        yield self

    # ---- one transaction -------------------------------------------------------------------------------------------

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> list[Waiting]:
        times = self._times
        while times and times[0][0] <= now_us:
            at, name = heappop(times)
            if self._stands(at, name):
                self._ready[name] = self._waiting[name]
        rows = [row for row in self._ready.values() if row.intent.channel == channel]
        rows.sort(key=lambda row: (-row.intent.priority, row.not_before, row.number))
        return [Waiting(row.intent, PARTITION, 1, row.not_before) for row in rows[:limit]]

    def in_flight(self, channel: str) -> int:
        return 0

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        intent = claimed.intent
        self._gone(intent.intent)
        self.claims.append(claimed)
        one = _Counted(
            claimed.claimed_at,
            intent.intent,
            intent.journey,
            intent.channel,
            intent.key,
            claimed.address,
            claimed.is_capped,
            claimed.is_confirmation,
        )
        self._by_key.setdefault(intent.key, []).append(one)
        for address in {claimed.address, *counted_as(intent.channel, claimed.address)}:
            self._by_address.setdefault(address, []).append(one)

    def close(self, verdict: Verdict, at_us: int) -> None:
        self.ended.append((self._gone(verdict.intent), verdict))

    def _gone(self, intent: str) -> SendMessage:
        self._ready.pop(intent, None)
        return self._waiting.pop(intent).intent

    def postpone(self, intent: str, not_before: int, reason: str, detail: str = "") -> None:
        row = self._waiting[intent]
        self.postponed.append((row.intent, reason))
        row.not_before = not_before
        self._wait(row)

    def park(self, intent: str, not_before: int, reason: str) -> None:
        row = self._waiting[intent]
        if row.parked is None:
            self.postponed.append((row.intent, reason))
            row.parked = row.not_before
        row.not_before = not_before
        self._wait(row)

    def unpark(self, partition: int, still: Sequence[str], limit: int) -> int:
        parked = [row for row in self._waiting.values() if row.parked is not None and row.intent.journey not in still]
        for row in parked[:limit]:
            row.not_before, row.parked = row.parked or 0, None
            self._wait(row)
        return len(parked[:limit])

    def take_back(self, partition: int, journeys: Sequence[str] | None, limit: int) -> int:
        """What is claimed is sent at once."""
        return 0

    def give(self, pool: str, code: str, owner: str, intent: str, at_us: int) -> None:
        self.codes.setdefault((pool, owner), code)

    # ---- what the gate asks ----------------------------------------------------------------------------------------

    def is_suppressed(self, address: str) -> bool:
        since = self._suppressed.get(address)
        return since is not None and since <= self.now

    def _claims_of(self, keys: Sequence[str], addresses: Iterable[str], since_us: int) -> Iterator[_Counted]:
        """Those at or after an instant, each once; both lists are in order of time."""
        seen: set[str] = set()
        for index, names in ((self._by_key, keys), (self._by_address, addresses)):
            for name in names:
                for one in reversed(index.get(name, ())):
                    if one.at < since_us:
                        break
                    if one.intent not in seen:
                        seen.add(one.intent)
                        yield one

    def counted(self, journey: str, since_us: int, keys: Sequence[str], address: str) -> int:
        found = self._claims_of(keys, [address] if address else (), since_us + 1)
        return sum(one.journey == journey and (one.key in keys or one.address == address) for one in found)

    def counted_all(self, channel: str, since_us: int, keys: Sequence[str], spellings: Sequence[str]) -> int:
        return sum(
            one.is_capped
            and (one.channel == channel if channel else one.channel != "webhook")
            and (one.key in keys or not {*counted_as(one.channel, one.address)}.isdisjoint(spellings))
            for one in self._claims_of(keys, spellings, since_us)
        )

    def mails_to(self, address: str, since_us: int, *, are_confirmations: bool = False) -> int:
        return sum(
            one.channel == "email" and (one.is_confirmation or not are_confirmations)
            for one in self._claims_of((), [inbox(address)], since_us + 1)
        )

    def code(self, pool: str, owners: Sequence[str]) -> str | None:
        mine = (self.codes[pool, owner] for owner in owners if (pool, owner) in self.codes)
        since = self._empty.get(pool)
        return next(mine, None if since is not None and since <= self.now else f"{CODE}{len(self.codes) + 1}")
