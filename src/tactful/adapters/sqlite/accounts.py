"""Accounts and tokens in DATA/office.db."""

from msgspec.structs import astuple

from tactful.adapters.sqlite.office_file import OfficeFile
from tactful.runtime.accounts import Account, ApiToken, Link, SignIn

_ACCOUNT = "account.name, account.role, account.at, account.made_by, account.password, account.subject"
_SIGN_IN = (
    "sign_in.id, sign_in.digest, sign_in.account, sign_in.csrf, sign_in.at, sign_in.seen, sign_in.until, sign_in.how, "
    "sign_in.agent"
)
_SIGN_IN_FIELDS = len(SignIn.__struct_fields__)
_TOKEN = "name, role, digest, at, made_by, until, seen"  # noqa: S105  (names of columns)


class SqliteAccounts:
    """The port `Accounts`."""

    def __init__(self, file: OfficeFile) -> None:
        self._file = file

    def all(self) -> list[Account]:
        return [Account(*row) for row in self._file.all(f"SELECT {_ACCOUNT} FROM account ORDER BY name")]

    def account(self, name: str) -> Account | None:
        rows = self._file.all(f"SELECT {_ACCOUNT} FROM account WHERE name = ?", (name,))
        return Account(*rows[0]) if rows else None

    def of_subject(self, subject: str) -> Account | None:
        rows = self._file.all(f"SELECT {_ACCOUNT} FROM account WHERE subject = ? AND subject <> ''", (subject,))
        return Account(*rows[0]) if rows else None

    def put(self, account: Account) -> None:
        with self._file.changing() as execute:
            execute(
                "INSERT INTO account (name, role, at, made_by, password, subject) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET role = excluded.role, at = excluded.at, made_by = excluded.made_by, "
                "password = excluded.password, subject = excluded.subject",
                astuple(account),
            )

    def remove(self, name: str) -> bool:
        with self._file.changing() as execute:
            execute("DELETE FROM link WHERE account = ?", (name,))
            return execute("DELETE FROM account WHERE name = ?", (name,)).rowcount > 0  # Its sign-ins go with it.

    # ---- links

    def leave(self, link: Link) -> None:
        with self._file.changing() as execute:
            execute(
                "INSERT INTO link (digest, account, until) VALUES (?, ?, ?) "
                "ON CONFLICT (account) DO UPDATE SET digest = excluded.digest, until = excluded.until",
                astuple(link),
            )

    def take(self, digest: bytes, now_us: int) -> Link | None:
        with self._file.changing() as execute:
            rows = execute("DELETE FROM link WHERE digest = ? RETURNING digest, account, until", (digest,)).fetchall()
        return Link(*rows[0]) if rows and rows[0][2] > now_us else None

    def link(self, digest: bytes, now_us: int) -> Link | None:
        rows = self._file.all(
            "SELECT digest, account, until FROM link WHERE digest = ? AND until > ?", (digest, now_us)
        )
        return Link(*rows[0]) if rows else None

    # ---- sign-ins

    def open(self, sign_in: SignIn) -> None:
        with self._file.changing() as execute:
            execute(
                "INSERT INTO sign_in (digest, account, csrf, at, seen, until, how, agent) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                astuple(sign_in)[1:],
            )

    def sign_in(self, digest: bytes) -> tuple[SignIn, Account] | None:
        rows = self._file.all(
            f"SELECT {_SIGN_IN}, {_ACCOUNT} FROM sign_in JOIN account ON account.name = sign_in.account "
            "WHERE digest = ?",
            (digest,),
        )
        return (SignIn(*rows[0][:_SIGN_IN_FIELDS]), Account(*rows[0][_SIGN_IN_FIELDS:])) if rows else None

    def sign_ins(self, account: str = "") -> list[SignIn]:
        rows = self._file.all(
            f"SELECT {_SIGN_IN} FROM sign_in WHERE ? IN ('', account) ORDER BY seen DESC, id DESC", (account,)
        )
        return [SignIn(*row) for row in rows]

    def saw(self, id: int, at_us: int) -> None:
        with self._file.changing() as execute:
            execute("UPDATE sign_in SET seen = ? WHERE id = ?", (at_us, id))

    def end(self, account: str, but: int = 0) -> int:
        with self._file.changing() as execute:
            execute("DELETE FROM link WHERE account = ?", (account,))
            return execute("DELETE FROM sign_in WHERE account = ? AND id <> ?", (account, but)).rowcount

    def end_one(self, id: int) -> bool:
        with self._file.changing() as execute:
            return execute("DELETE FROM sign_in WHERE id = ?", (id,)).rowcount > 0

    def forget(self, before_us: int, seen_before_us: int) -> int:
        with self._file.changing() as execute:
            links = execute("DELETE FROM link WHERE until <= ?", (before_us,)).rowcount
            return (
                links
                + execute("DELETE FROM sign_in WHERE until <= ? OR seen <= ?", (before_us, seen_before_us)).rowcount
            )


class SqliteApiTokens:
    """The port `ApiTokens`."""

    def __init__(self, file: OfficeFile) -> None:
        self._file = file

    def all(self) -> list[ApiToken]:
        return [ApiToken(*row) for row in self._file.all(f"SELECT {_TOKEN} FROM token ORDER BY name")]

    def token(self, digest: bytes) -> ApiToken | None:
        rows = self._file.all(f"SELECT {_TOKEN} FROM token WHERE digest = ?", (digest,))
        return ApiToken(*rows[0]) if rows else None

    def add(self, token: ApiToken) -> bool:
        with self._file.changing() as execute:
            sql = f"INSERT INTO token ({_TOKEN}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
            return execute(sql, astuple(token)).rowcount > 0

    def remove(self, name: str) -> bool:
        with self._file.changing() as execute:
            return execute("DELETE FROM token WHERE name = ?", (name,)).rowcount > 0

    def saw(self, name: str, at_us: int) -> None:
        with self._file.changing() as execute:
            execute("UPDATE token SET seen = ? WHERE name = ?", (at_us, name))
