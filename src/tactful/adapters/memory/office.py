"""The office in memory, for tests and trials."""

from collections.abc import Mapping

from tactful.adapters.memory.accounts import MemoryAccounts, MemoryApiTokens
from tactful.runtime.office import Act, Revision


class MemoryAudit:
    """The port `Audit`."""

    def __init__(self) -> None:
        self._acts: list[Act] = []

    def note(self, at: int, who: str, act: str, about: str = "", detail: str = "") -> None:
        self._acts.append(Act(len(self._acts) + 1, at, who, act, about, detail))

    def acts(
        self, before: int | None = None, limit: int = 100, *, who: str = "", act: str = "", about: str = ""
    ) -> list[Act]:
        found = (
            one
            for one in reversed(self._acts)
            if (before is None or one.id < before)
            and who in ("", one.who)
            and act in ("", one.act)
            and about in ("", one.about)
        )
        return [one for _, one in zip(range(limit), found, strict=False)]


class MemoryRevisions:
    """The port `Revisions`."""

    def __init__(self) -> None:
        self._rows: list[Revision] = []

    def note(
        self, at: int, author: str, changes: Mapping[str, tuple[str | None, str | None]], version: int = 0
    ) -> None:
        for path, (before, after) in changes.items():
            self._rows.append(Revision(len(self._rows) + 1, at, author, path, before, after, version))

    def of(self, path: str = "", before: int | None = None, limit: int = 100) -> list[Revision]:
        found = (row for row in reversed(self._rows) if path in ("", row.path) and (before is None or row.id < before))
        return [row for _, row in zip(range(limit), found, strict=False)]

    def revision(self, id: int) -> Revision | None:
        return self._rows[id - 1] if 0 < id <= len(self._rows) else None


class MemoryOffice:
    """The port `Office`."""

    def __init__(self) -> None:
        self.audit = MemoryAudit()
        self.revisions = MemoryRevisions()
        self.accounts = MemoryAccounts()
        self.tokens = MemoryApiTokens()

    def close(self) -> None:
        """Others may go on with it."""
