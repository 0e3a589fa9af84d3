"""Workshop: what the rooms share in which definitions are written: the folder as it is now, drafts, and the one road by
which a change is put in force.

A draft is what somebody has written and not saved: one for each person and file, in memory, so that reload, Back and a
page of review in between lose nothing. What is saved goes through operations/definitions/folder.py and
operations/definitions/publish.py, and is noted as a revision and in the audit log."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from msgspec import Struct
from starlette.requests import Request

from tactful.errors import DefinitionError, Problem, TransientError, UsageError
from tactful.kernel.definitions import Definitions, read_project, vocabulary_of
from tactful.kernel.state import PlanState
from tactful.language.vocabulary import DEFAULT_GAP_US, Vocabulary
from tactful.operations.definitions.checking import as_values, examine_files
from tactful.operations.definitions.counting import seen_names
from tactful.operations.definitions.folder import Edits, edited
from tactful.operations.definitions.project import load
from tactful.operations.definitions.proposing import Proposal, propose
from tactful.operations.definitions.publish import on_their_way, publication
from tactful.operations.definitions.revising import Revising
from tactful.operations.definitions.saving import Changed, held, refuse_changed, write
from tactful.operations.reading.reader import Reader
from tactful.runtime.intake import Busy
from tactful.values import digest, parse_duration
from tactful.web.console.room import Console, visitor
from tactful.web.wording import path as quoted

Answer = TypeVar("Answer")
MOST_DRAFTS = 500
KINDS = {
    "segments": "segment",
    "journeys": "journey",
    "messages": "message",
    "blocks": "block",
    "events": "event",
    "collections": "collection",
    "metrics": "metric",
    "features": "feature set",
}
"""Folders in the order in which they are shown, and what one of theirs is called."""


class Draft(Struct):
    """What somebody has written and not saved."""

    path: str
    text: str
    shown: str
    """Digest of the file that it began with; "" where there was none."""
    at: int

    @property
    def digest(self) -> str:
        return digest(self.text)


def address(path: str) -> str:
    """Of a file's page."""
    kind, _, file = path.partition("/")
    return f"/definitions/{kind}/{quoted(file.removesuffix('.yaml'))}"


class Workshop:
    """One for each console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        console.templates.filters["definition"] = address
        self.revising = Revising(console.office.revisions)
        self._drafts: OrderedDict[tuple[str, str], Draft] = OrderedDict()
        self._read: tuple[str, Definitions] | None = None

    async def ask(self, question: Callable[[Reader], Answer]) -> Answer:
        """Reading the folder, checking and counting all take more than a moment."""
        return await self.console.slow.ask(question)

    # ---- drafts

    def draft(self, request: Request, path: str) -> Draft | None:
        return self._drafts.get((visitor(request).name, path))

    def keep(self, request: Request, path: str, text: str, shown: str) -> Draft:
        """Before it is looked at."""
        key = (visitor(request).name, path)
        draft = self._drafts[key] = Draft(path, text, shown, self.console.house.clock.now_us())
        self._drafts.move_to_end(key)
        while len(self._drafts) > MOST_DRAFTS:
            self._drafts.popitem(last=False)
        return draft

    def drop(self, request: Request, path: str) -> None:
        self._drafts.pop((visitor(request).name, path), None)

    # ---- what there is

    def plan(self, reader: Reader) -> PlanState | None:
        """In force; what it says and no revision does is noted on the way."""
        plan = reader.plan_state()
        if not plan.plan.version:
            return None
        self.revising.follow(plan)
        return plan

    def files(self) -> dict[str, str]:
        """The folder's. Where files cannot be read it is as if there were none; whoever saves is told."""
        try:
            return load(self.console.project)
        except DefinitionError:
            return {}

    def definitions(self) -> Definitions:
        """Of the folder as far as it can be read; the same until a file changes."""
        files = self.files()
        now = digest(*(part for item in sorted(files.items()) for part in item))
        if self._read is None or self._read[0] != now:
            self._read = now, self._readable(files)
        return self._read[1]

    def _readable(self, files: dict[str, str]) -> Definitions:
        """Files with mistakes are left out, so that one of them takes nobody's vocabulary away."""
        while True:
            try:
                return read_project(files, is_strict=False)
            except DefinitionError as error:
                wrong = {problem.place.file for problem in error.problems}
                left = {path: text for path, text in files.items() if path not in wrong}
                if len(left) == len(files):
                    return read_project({}, is_strict=False)
                files = left

    def vocabulary(self, reader: Reader) -> Vocabulary:
        """What a condition may name in this project."""
        settings = self.console.house.settings
        gap_us = parse_duration(settings.workspace.session_gap) or DEFAULT_GAP_US
        purposes = frozenset(settings.consent.purposes)
        return vocabulary_of(self.definitions(), gap_us=gap_us, seen=self.seen(reader), purposes=purposes)

    def seen(self, reader: Reader) -> dict[str, int]:
        return seen_names(reader.people_states(), self.console.house.clock.now_us())

    # ---- changes

    def check(self, reader: Reader, edits: Edits) -> dict[str, Any]:
        """Problems and warnings of the whole project with these changes, as JSON."""
        from tactful.messages.template import check_template  # Slow to import.

        files = edited(self.files(), edits)
        report = examine_files(files, self.console.house.settings, check_template, self.seen(reader))
        warnings = [one for one in report.warnings if one.place.file in edits]
        return {"problems": list(map(as_values, report.problems)), "warnings": list(map(as_values, warnings))}

    def propose(self, reader: Reader, edits: Edits) -> Proposal:
        """Raises UsageError where there is no project, DefinitionError where its files cannot be read."""
        house = self.console.house
        plan = self.plan(reader)
        return propose(
            self.console.project,
            edits,
            house.settings,
            plan,
            self.seen(reader),
            reader.people_states(),
            house.clock.now_us(),
        )

    async def publish(
        self, request: Request, edits: Edits, shown: Mapping[str, str], about: str, detail: str, act: str = "publish"
    ) -> None:
        """Check, note, write and put in force. Raises Conflict as write() does, DefinitionError for mistakes, and
        UsageError and TransientError with what to do; what cannot be noted is not done.

        The folder is held until the record is in the log, so that `up --dev` finds in force what it finds there."""
        console = self.console
        who, now_us = visitor(request).name, console.house.clock.now_us()
        holding = ExitStack()

        def put(reader: Reader) -> tuple[bytes, int, Changed]:
            holding.enter_context(held(console.project))
            before, version = self._next(reader)
            settings = before.plan.publish.settings if before is not None else {}
            refuse_changed(console.project, edits, shown)
            record = publication(edited(load(console.project), edits), settings, now_us, who)
            console.note(request, act, about, detail)
            return record, version, write(console.project, edits, shown)

        try:
            record, version, changed = await self.ask(put)
            try:
                await console.submit([(0, record)])
            except (Busy, TransientError) as error:
                raise UsageError(
                    f"the files are saved and not published: {error}. Save once more, or `tactful publish`"
                ) from None
        finally:
            holding.close()
        for path in edits:
            self.drop(request, path)
        await self.ask(lambda reader: self.revising.note(now_us, who, changed, version))

    def _next(self, reader: Reader) -> tuple[PlanState | None, int]:
        """The plan in force, and as which version the next one will be."""
        while True:
            before = self.plan(reader)
            waiting = on_their_way(reader.log, reader.people_states()[0])
            version = before.plan.version if before is not None else 0
            now = reader.published()
            if (now.plan.version if now is not None else 0) == version:  # It was the same all the while.
                return before, version + len(waiting) + 1


def problems_in(problems: Sequence[Problem], path: str) -> tuple[list[Problem], list[Problem]]:
    """Those of a file, and those of all others."""
    own = [one for one in problems if one.place.file == path]
    return own, [one for one in problems if one.place.file != path]
