"""The tables of DATA/office.db. What was done, and what definitions said, cannot be changed there, not even by us."""

from tactful.adapters.sqlite.connection import Schema, Tuning

_STAYS = """
CREATE TRIGGER {table}_{when} BEFORE {when} ON {table} BEGIN
  SELECT RAISE(ABORT, 'what stands in {table} stays');
END
"""

SCHEMA = Schema(
    "office",
    0x7AC7_0007,
    (
        (
            """
            CREATE TABLE account (
              name TEXT PRIMARY KEY, role TEXT NOT NULL, at INTEGER NOT NULL, made_by TEXT NOT NULL,
              password TEXT NOT NULL, subject TEXT NOT NULL) WITHOUT ROWID
            """,
            "CREATE UNIQUE INDEX account_by_subject ON account (subject) WHERE subject <> ''",
            """
            CREATE TABLE sign_in (
              id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,
              account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, csrf TEXT NOT NULL, at INTEGER NOT NULL,
              seen INTEGER NOT NULL, until INTEGER NOT NULL, how TEXT NOT NULL, agent TEXT NOT NULL)
            """,
            "CREATE INDEX sign_in_by_account ON sign_in (account)",
            """
            CREATE TABLE link (
              account TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, until INTEGER NOT NULL) WITHOUT ROWID
            """,
            """
            CREATE TABLE token (
              name TEXT PRIMARY KEY, role TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, at INTEGER NOT NULL,
              made_by TEXT NOT NULL, until INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID
            """,
            """
            CREATE TABLE act (
              id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL,
              about TEXT NOT NULL, detail TEXT NOT NULL)
            """,
            "CREATE INDEX act_by_who ON act (who, id)",
            "CREATE INDEX act_by_act ON act (act, id)",
            "CREATE INDEX act_by_about ON act (about, id)",
            """
            CREATE TABLE revision (
              id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, author TEXT NOT NULL, path TEXT NOT NULL,
              before TEXT, after TEXT, version INTEGER NOT NULL)
            """,
            "CREATE INDEX revision_by_path ON revision (path, id)",
            *(_STAYS.format(table=table, when=when) for table in ("act", "revision") for when in ("update", "delete")),
        ),
    ),
)
TUNING = Tuning("FULL", cache_bytes=2 << 20)
