"""Foresights: what publishing a change would do to people, beside the change. It takes as long as the history is long,
so it is worked out beside the page and kept for as long as the change, and what is in force, stay the same."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tactful.errors import TransientError, UsageError
from tactful.operations.backtesting.bench import Job
from tactful.operations.definitions.folder import Edits, edited
from tactful.operations.reading.reader import Reader
from tactful.values import digest
from tactful.web.console.kept import Kept
from tactful.web.console.room import Console
from tactful.web.console.workshop import Workshop

if TYPE_CHECKING:
    from tactful.operations.previews.foreseeing import Foresight

REMEMBERED = 20
"""Changes for which it is kept."""
LASTS_S = 30.0
PATIENCE_S = 1.5
"""So long the page of a change waits for it."""


class Foresights:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop
        self._kept: OrderedDict[str, Kept[Foresight | str]] = OrderedDict()

    async def of(self, edits: Edits, silent: Mapping[str, int | None]) -> "Foresight | str | None":
        """Of changes without mistakes; a text says why it cannot be told, None that it is being worked out."""
        version = await self._workshop.ask(lambda reader: self._key(reader, edits))
        if version not in self._kept:
            made = Kept(lambda: self._ask(edits, tuple(silent)), self._console.house.clock, LASTS_S)
            self._kept[version] = made
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        self._kept.move_to_end(version)
        return await self._kept[version].get(PATIENCE_S)

    def played(self, journey: str, edits: Edits) -> Job | None:
        """The newest backtest of a journey with just this change, where somebody has asked for one."""
        return next((job for job in self._console.hands.bench.of(journey) if job.asked.edits == edits), None)

    def _key(self, reader: Reader, edits: Edits) -> str:
        plan = reader.published()
        files = edited(self._workshop.files(), edits)
        version = str(plan.plan.version) if plan is not None else ""
        return digest(version, *(part for item in sorted(files.items()) for part in item))

    async def _ask(self, edits: Edits, silent: tuple[str, ...]) -> "Foresight | str":
        now_us = self._console.house.clock.now_us()

        def ask(reader: Reader) -> "Foresight":
            from tactful.operations.previews.foreseeing import foresee, on_their_way  # Slow to import.

            before = reader.published()
            settings = before.plan.publish.settings if before is not None else {}
            inside = on_their_way(reader.people_states())
            files = edited(self._workshop.files(), edits)
            with reader.history().open() as history:
                return foresee(history, before, files, settings, now_us, inside, silent)

        try:
            return await self._console.past.ask(ask)
        except (TransientError, UsageError) as error:
            return str(error)
