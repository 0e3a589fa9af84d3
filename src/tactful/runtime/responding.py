"""Responding: requests for pixels and links become events, judged as a person's or a machine's.

A reader is answered at once. What the request says is kept in memory for a moment, since whether a click is a person's
shows in what else of the same mail is clicked within the second; then it goes to the log with everything that waited.
So a process that is killed may lose the clicks of its last moments, and a process that stops loses none. What is kept
is bounded: of one mail's opens and clicks so many become events, and the rest is counted, or anybody with one mail
could fill the log with its pixel.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from msgspec import Struct

from tactful.errors import TransientError
from tactful.events import responses
from tactful.events.records import Event
from tactful.events.responses import About, Response
from tactful.messages import machines
from tactful.messages.links import Click, Open
from tactful.messages.machines import Request, Seen
from tactful.runtime.intake import Busy
from tactful.runtime.ports import Clock
from tactful.values import SECOND_US

HOLD_US = 3 * SECOND_US // 2
"""How long a request waits to be judged: as long as a burst may go on, and half of it more. By the installation's
clock, as all that is said of readers."""
AGAIN_S = 0.05
"""Between two flushes at least, in real time."""
MOST_EACH = 100
"""Of one mail so many opens, and as many clicks, become events; more are only counted."""
MOST_MAILS = 100_000
"""Mails that are kept in mind; the one that was quiet for longest is forgotten first."""
MOST_HELD = 50_000
"""Requests that wait; more are only counted."""

Submit = Callable[[Sequence[Event]], Awaitable[None]]
"""Returns when the records are durable; raises Busy or TransientError where they are not."""


class Held(Struct):
    """A request that waits to be judged."""

    about: About
    what: Literal["open", "click"]
    at: int
    link: str
    rule: str
    """By which it is a machine's, by itself."""


class _Mail(Struct):
    opens: int = 0
    clicks: int = 0
    trapped_at: int | None = None
    recent: list[Held] = []
    """Clicks of the last moments, waiting or gone already, in order of time."""


class Responding:
    """`opened` and `clicked` take a request in; `flush` makes events of those that have waited long enough."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._held: deque[Held] = deque()
        self._mails: OrderedDict[str, _Mail] = OrderedDict()
        self._rung = asyncio.Event()
        self.counts: Counter[str] = Counter()
        """`opens`, `clicks`; of them `machine`, `beyond` (of one mail too many), `lost` (the log had no room)."""

    def opened(self, link: Open, request: Request, now_us: int) -> None:
        mail = self._mail(link.about.intent)
        mail.opens += 1
        self.counts["opens"] += 1
        rule = machines.alone(Seen("open", request, now_us - link.sent_at))
        self._hold(mail.opens, Held(link.about, "open", now_us, "", rule))

    def clicked(self, link: Click, request: Request, now_us: int) -> None:
        mail = self._mail(link.about.intent)
        if not link.target:
            self.counts["traps"] += 1
            mail.trapped_at = now_us
            return
        mail.clicks += 1
        self.counts["clicks"] += 1
        rule = machines.alone(Seen("click", request, now_us - link.sent_at))
        held = Held(link.about, "click", now_us, link.target, rule)
        if self._hold(mail.clicks, held):
            mail.recent = [one for one in mail.recent if one.at > now_us - 2 * machines.BURST_US]
            mail.recent.append(held)
            for place in machines.in_bursts([(one.at, one.link) for one in mail.recent]):
                mail.recent[place].rule = mail.recent[place].rule or machines.BURST

    def next_flush(self) -> int | None:
        """When the oldest that waits is to be judged; None where none does."""
        return self._held[0].at + HOLD_US if self._held else None

    async def run(self, clock: Clock) -> None:
        """For ever; whoever cancels it flushes what waits."""
        while True:
            at = self.next_flush()
            if at is None:
                self._rung.clear()
                await self._rung.wait()
            else:
                await asyncio.sleep(max(clock.until_s(at), AGAIN_S))
                await self.flush(clock.now_us())

    async def flush(self, now_us: int, *, all_: bool = False) -> None:
        """Everything that has waited long enough, or all that waits, goes to the log. What finds no room there waits
        on, for the next time."""
        ready: list[Held] = []
        while self._held and (all_ or self._held[0].at + HOLD_US <= now_us):
            ready.append(self._held.popleft())
        if not ready:
            return
        for one in ready:
            mail = self._mails.get(one.about.intent)
            trapped_at = mail.trapped_at if mail is not None else None
            if one.what == "click" and not one.rule and trapped_at is not None:
                one.rule = machines.TRAP if one.at - trapped_at < machines.TRAP_US else ""
        try:
            await self._submit([event(one, now_us) for one in ready])
        except (Busy, TransientError):
            room = max(MOST_HELD - len(self._held), 0)
            self.counts["lost"] += len(ready[room:])
            self._held.extendleft(reversed(ready[:room]))
            return
        self.counts["machine"] += sum(one.rule != "" for one in ready)

    def _hold(self, nth: int, held: Held) -> bool:
        if nth > MOST_EACH or len(self._held) >= MOST_HELD:
            self.counts["beyond" if nth > MOST_EACH else "lost"] += 1
            return False
        self._held.append(held)
        self._rung.set()
        return True

    def _mail(self, intent: str) -> _Mail:
        mail = self._mails.pop(intent, None) or _Mail()
        self._mails[intent] = mail
        if len(self._mails) > MOST_MAILS:
            self._mails.popitem(last=False)
        return mail


def event(held: Held, received_at: int) -> Event:
    """The record of a request that was judged."""
    is_email = held.about.channel == "email"
    if held.what == "open":
        name = responses.EMAIL_OPENED
    else:
        name = responses.EMAIL_CLICKED if is_email else responses.MESSAGE_CLICKED
    told = Response(name, held.at, held.link, held.rule, machine=held.rule != "")
    return responses.event(held.about, told, received_at)
