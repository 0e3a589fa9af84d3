"""Accounts: who runs an installation, how they came in, and the tokens that their programs carry.

What proves somebody (the secret of a sign-in's cookie, of a link, of a token) is kept as its SHA-256 only: each has 256
random bits, so that nothing can be tried out against the digest. A password is guessable, and goes through argon2 first
(`Passwords`). Who reads the file can therefore sign in as nobody.
"""

from typing import Protocol

from msgspec import Struct

from tactful.runtime.roles import Role


class Account(Struct, frozen=True):
    """Somebody who may sign in."""

    name: str
    """What is typed to sign in, mostly an e-mail address; lower case."""
    role: Role
    at: int
    """When it was made, microseconds since 1970, UTC, like all times here."""
    by: str
    password: str = ""
    """As argon2 writes it (PHC string); "" of who has none (yet)."""
    subject: str = ""
    """"ISSUER SUBJECT" of who comes by OpenID Connect; set when they first do."""


class SignIn(Struct, frozen=True):
    """One browser in which somebody is signed in."""

    id: int
    """0 of one that is not open yet."""
    digest: bytes
    account: str
    csrf: str
    at: int
    seen: int
    until: int
    """Beyond it nobody is signed in by this, whatever they do."""
    how: str
    """`link`, `password`, `openid`."""
    agent: str = ""
    """What the browser says that it is."""


class Link(Struct, frozen=True):
    """Signs in once whoever opens it."""

    digest: bytes
    account: str
    """"" of the link that makes the first administrator, whose name is not known yet."""
    until: int


class ApiToken(Struct, frozen=True):
    """What a program shows instead of signing in."""

    name: str
    role: Role
    digest: bytes
    at: int
    by: str
    until: int = 0
    """0: until it is removed."""
    seen: int = 0


class Accounts(Protocol):
    """People, their sign-ins and the links that wait for them. Durable on return."""

    def all(self) -> list[Account]:
        """By name."""
        ...

    def account(self, name: str) -> Account | None: ...

    def of_subject(self, subject: str) -> Account | None: ...

    def put(self, account: Account) -> None:
        """As it shall be from now on, by its name."""
        ...

    def remove(self, name: str) -> bool:
        """With all its sign-ins and links; whether there was one."""
        ...

    def leave(self, link: Link) -> None:
        """Instead of any other link of the same account."""
        ...

    def take(self, digest: bytes, now_us: int) -> Link | None:
        """The link, which is none from now on, also where two ask at once; None where it was used, is over, or never
        was."""
        ...

    def link(self, digest: bytes, now_us: int) -> Link | None:
        """The same, and it stays."""
        ...

    def open(self, sign_in: SignIn) -> None: ...

    def sign_in(self, digest: bytes) -> tuple[SignIn, Account] | None: ...

    def sign_ins(self, account: str = "") -> list[SignIn]:
        """Of one account, or of all; those seen last come first."""
        ...

    def saw(self, id: int, at_us: int) -> None: ...

    def end(self, account: str, but: int = 0) -> int:
        """All sign-ins of an account but one, and its links; how many sign-ins that were."""
        ...

    def end_one(self, id: int) -> bool: ...

    def forget(self, before_us: int, seen_before_us: int) -> int:
        """Sign-ins and links that were over, or that nobody used, before that; how many."""
        ...


class ApiTokens(Protocol):
    """Durable on return."""

    def all(self) -> list[ApiToken]:
        """By name."""
        ...

    def token(self, digest: bytes) -> ApiToken | None: ...

    def add(self, token: ApiToken) -> bool:
        """False where one of this name stands already; nothing has changed then."""
        ...

    def remove(self, name: str) -> bool: ...

    def saw(self, name: str, at_us: int) -> None: ...


class Passwords(Protocol):
    """A slow hash."""

    def hash(self, password: str) -> str: ...

    def verify(self, kept: str, given: str) -> bool:
        """Takes as long for "" as for a password, so that the time tells nothing of who has one."""
        ...

    def is_outdated(self, kept: str) -> bool:
        """Made with less effort than today's."""
        ...
