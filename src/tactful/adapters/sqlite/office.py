"""The office in SQLite: DATA/office.db, fully synced, for its owner only."""

from collections.abc import Mapping
from pathlib import Path

from tactful.adapters.sqlite.accounts import SqliteAccounts, SqliteApiTokens
from tactful.adapters.sqlite.connection import IDS
from tactful.adapters.sqlite.office_file import OfficeFile
from tactful.runtime.office import Act, Revision

_REVISION = "SELECT id, at, author, path, before, after, version FROM revision"


class SqliteOffice:
    """The port `Office`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._file = OfficeFile(path, read_only=read_only)
        self.audit, self.revisions = SqliteAudit(self._file), SqliteRevisions(self._file)
        self.accounts, self.tokens = SqliteAccounts(self._file), SqliteApiTokens(self._file)

    def close(self) -> None:
        self._file.close()


class SqliteAudit:
    """The port `Audit`."""

    def __init__(self, file: OfficeFile) -> None:
        self._file = file

    def note(self, at: int, who: str, act: str, about: str = "", detail: str = "") -> None:
        with self._file.changing() as execute:
            execute(
                "INSERT INTO act (at, who, act, about, detail) VALUES (?, ?, ?, ?, ?)", (at, who, act, about, detail)
            )

    def acts(
        self, before: int | None = None, limit: int = 100, *, who: str = "", act: str = "", about: str = ""
    ) -> list[Act]:
        wanted = {"who": who, "act": act, "about": about}
        given = {name: value for name, value in wanted.items() if value}
        where = "".join(f" AND {name} = ?" for name in given)
        rows = self._file.all(
            f"SELECT id, at, who, act, about, detail FROM act WHERE id < ifnull(?, id + 1){where} "
            "ORDER BY id DESC LIMIT ?",
            (before, *given.values(), limit),
        )
        return [Act(*row) for row in rows]


class SqliteRevisions:
    """The port `Revisions`."""

    def __init__(self, file: OfficeFile) -> None:
        self._file = file

    def note(
        self, at: int, author: str, changes: Mapping[str, tuple[str | None, str | None]], version: int = 0
    ) -> None:
        with self._file.changing() as execute:
            for path, (before, after) in changes.items():
                execute(
                    "INSERT INTO revision (at, author, path, before, after, version) VALUES (?, ?, ?, ?, ?, ?)",
                    (at, author, path, before, after, version),
                )

    def of(self, path: str = "", before: int | None = None, limit: int = 100) -> list[Revision]:
        where, given = (" AND path = ?", (path,)) if path else ("", ())
        rows = self._file.all(
            f"{_REVISION} WHERE id < ifnull(?, id + 1){where} ORDER BY id DESC LIMIT ?", (before, *given, limit)
        )
        return [Revision(*row) for row in rows]

    def revision(self, id: int) -> Revision | None:
        rows = self._file.all(f"{_REVISION} WHERE id = ?", (id,)) if id in IDS else []
        return Revision(*rows[0]) if rows else None
