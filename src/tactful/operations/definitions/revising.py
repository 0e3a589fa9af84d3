"""Revising: the history of definitions, file by file: who said what, and what was changed without the console.

Every published plan holds all texts, so the history needs nobody's cooperation: whatever a plan says that the newest
revision does not was changed outside (an editor, git, `tactful publish`), and is noted as such. An undo is a new
revision with the old text, by the same road as every other change.
"""

from collections.abc import Mapping
from threading import Lock

from tactful.kernel.state import PlanState
from tactful.operations.definitions.folder import tidy
from tactful.runtime.office import Revision, Revisions

OUTSIDE = ""
"""The author of what was changed without the console."""
_WAYS = ("", "up", "dev")
"""What a plan has for an author where it was published from the folder."""
PAGE = 1_000


class Revising:
    """Reads what others have noted before it notes anything, so there may be several; each may be asked from several
    threads."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions
        self._texts: dict[str, str] = {}
        """What every file said last, up to the revision `_seen`."""
        self._seen = 0
        self._version = 0
        """Of the plan that the newest revision belongs to; pages may see the one before it for a moment."""
        self._followed = 0
        """Of the plan up to which everything is noted."""
        self._lock = Lock()

    def follow(self, plan: PlanState | None) -> None:
        """Note what a plan says that no revision does."""
        with self._lock:
            if plan is None or plan.plan.version <= self._followed:
                return
            self._read()
            if plan.plan.version < self._version:
                return
            texts, publish = self._texts, plan.plan.publish
            now = {path: tidy(text) for path, text in publish.files.items()}
            changed = {
                path: (texts.get(path), now.get(path))
                for path in sorted({*texts, *now})
                if texts.get(path) != now.get(path)
            }
            author = OUTSIDE if publish.author in _WAYS else publish.author
            self._note(publish.received_at, author, changed, plan.plan.version)
            self._followed = plan.plan.version

    def note(
        self,
        at: int,
        author: str,
        changed: Mapping[str, tuple[str | None, str | None]],
        version: int,
    ) -> None:
        """What somebody has just published, as that version, where nobody has noted it meanwhile."""
        with self._lock:
            self._read()
            changed = {path: texts for path, texts in changed.items() if self._texts.get(path) != texts[1]}
            self._note(at, author, changed, version)

    def _note(self, at: int, author: str, changed: Mapping[str, tuple[str | None, str | None]], version: int) -> None:
        if changed:
            self._revisions.note(at, author, changed, version)
            self._read()
        self._version = max(self._version, version)

    def _read(self) -> None:
        """What was noted since the last look, by whomever."""
        fresh: list[Revision] = []
        page = self._revisions.of(limit=PAGE)
        while page:
            fresh += [one for one in page if one.id > self._seen]
            if page[-1].id <= self._seen:
                break
            page = self._revisions.of(before=page[-1].id, limit=PAGE)
        for one in reversed(fresh):
            if one.after is None:
                self._texts.pop(one.path, None)
            else:
                self._texts[one.path] = one.after
            self._seen, self._version = one.id, max(self._version, one.version)
