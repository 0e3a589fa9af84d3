"""What comes back from messages, put together: links and pixels, webhooks of providers, bounced mail, the way out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from starlette.routing import Route

from tactful.adapters.fetch import HttpFetch
from tactful.adapters.installation import Installation
from tactful.errors import TransientError
from tactful.events import responses
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, Event, encode
from tactful.events.responses import About, Response
from tactful.messages.links import Unsubscribe, returned
from tactful.messages.reports import Report
from tactful.messages.reports.returned import read as read_returned
from tactful.runtime.intake import Intake
from tactful.runtime.outcomes import about
from tactful.runtime.reporting import Reported, reported
from tactful.runtime.responding import Responding
from tactful.web import bounces, hooks
from tactful.web.hooks import Doors
from tactful.web.responses import counted
from tactful.web.responses import routes as follow

PATIENCE_S = 10.0
"""With Amazon, whose certificate a webhook names."""


class Answering:
    """`salted` puts the salt of the ledger into a decision."""

    def __init__(
        self, house: Installation, keys: Mapping[int, bytes], intake: Intake, salted: Callable[[Consent], Consent]
    ) -> None:
        self._house = house
        self._keys = keys
        self._intake = intake
        self._salted = salted
        self._ask = HttpFetch()
        self.responding = Responding(self._submit)

    @property
    def doors(self) -> list[Route]:
        """Open to everybody: each call brings its own proof."""
        house = self._house
        doors = Doors(house.settings.hooks, self._take, self._fetch, house.clock)
        return [*follow(self._keys, self.responding, house.clock), *hooks.routes(doors)]

    @property
    def guarded(self) -> list[Route]:
        """For who has the token of the API."""
        read = bounces.routes(lambda mail, to: read_returned(mail, self._find, to), self._take)
        return [*read, counted(lambda: self.responding.counts)]

    async def unsubscribe(self, wanted: Unsubscribe, consent: Consent) -> None:
        """The decision, and what expressions find of it, in one append."""
        try:
            row = await asyncio.to_thread(self._house.outbox.row, wanted.intent)
        except TransientError:
            row = None
        message = about(row.intent) if row is not None else About(wanted.intent, wanted.key)
        told = Response(responses.UNSUBSCRIBED, consent.timestamp, purpose=wanted.purpose)
        await self._submit([consent, responses.event(message, told, consent.received_at)])

    async def run(self) -> None:
        """While the server runs."""
        await self.responding.run(self._house.clock)

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """What waits is still told."""
        running.cancel()
        await self.responding.flush(self._house.clock.now_us(), all_=True)
        await self._ask.close()

    async def _take(self, reports: Sequence[Report]) -> None:
        found = await asyncio.to_thread(self._settle, reports)
        await self._submit(found.records)

    def _settle(self, reports: Sequence[Report]) -> Reported:
        now_us = self._house.clock.now_us()
        found = reported(self._house.outbox, reports, now_us)
        for address, reason in found.suppressed:
            self._house.outbox.suppress(address, reason, now_us)
        return found

    async def _submit(self, records: Sequence[Event | Consent]) -> None:
        partitions = self._house.partitions
        salted = (self._salted(one) if isinstance(one, Consent) else one for one in records)
        await self._intake.submit([(partition_of(one.key, partitions), encode(one)) for one in salted])

    async def _fetch(self, url: str) -> bytes:
        try:
            return await self._ask(url, PATIENCE_S)
        except OSError as error:
            raise TransientError(f"{url}: {error}") from None

    def _find(self, address: str) -> str | None:
        return returned(self._keys, address)
