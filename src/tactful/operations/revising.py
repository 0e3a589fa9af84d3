"""Revising: the history of definitions, file by file: who said what, and what was changed without the console.

Every published plan holds all texts, so the history needs nobody's cooperation: whatever a plan says that the newest
revision does not was changed outside (an editor, git, `tactful publish`), and is noted as such. An undo is a new
revision with the old text, by the same road as every other change.
"""

from collections.abc import Mapping
from threading import Lock

from tactful.kernel.state import PlanState
from tactful.operations.folder import tidy
from tactful.runtime.office import Revision, Revisions

OUTSIDE = ""
"""The author of what was changed without the console."""
_WAYS = ("", "up", "dev")
"""What a plan has for an author where it was published from the folder."""
PAGE = 1_000


class Revising:
    """One for each process; may be asked from several threads."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions
        self._texts: dict[str, str] | None = None
        self._version = 0
        """Of the plan up to which everything is noted."""
        self._lock = Lock()

    def follow(self, plan: PlanState | None) -> None:
        """Note what a plan says that no revision does."""
        with self._lock:
            texts = self._known()
            if plan is None or plan.plan.version <= self._version:
                return
            publish = plan.plan.publish
            now = {path: tidy(text) for path, text in publish.files.items()}
            changed = {
                path: (texts.get(path), now.get(path))
                for path in sorted({*texts, *now})
                if texts.get(path) != now.get(path)
            }
            author = OUTSIDE if publish.author in _WAYS else publish.author
            self._note(publish.received_at, author, changed, plan.plan.version)

    def note(
        self,
        at: int,
        author: str,
        changed: Mapping[str, tuple[str | None, str | None]],
        before: PlanState | None,
    ) -> None:
        """What somebody has just published over the plan `before`."""
        with self._lock:
            self._known()
            self._note(at, author, changed, (before.plan.version if before is not None else 0) + 1)

    def _note(self, at: int, author: str, changed: Mapping[str, tuple[str | None, str | None]], version: int) -> None:
        assert self._texts is not None
        if changed:
            self._revisions.note(at, author, changed, version)
        for path, (_, after) in changed.items():
            if after is None:
                self._texts.pop(path, None)
            else:
                self._texts[path] = after
        self._version = version

    def _known(self) -> dict[str, str]:
        """What every file said last, from all revisions; read once."""
        if self._texts is None:
            newest: dict[str, Revision] = {}
            before, page = None, self._revisions.of(limit=PAGE)
            while page:
                for one in page:
                    newest.setdefault(one.path, one)
                    self._version = max(self._version, one.version)
                before = page[-1].id
                page = self._revisions.of(before=before, limit=PAGE)
            self._texts = {path: one.after for path, one in newest.items() if one.after is not None}
        return self._texts
