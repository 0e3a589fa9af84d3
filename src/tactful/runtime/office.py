"""The office: who may look and change, what they did, and which texts definitions had. One contract suite
(tests/contracts) holds for every adapter.

Nothing here decides about a person's data; what changes that is a record in the log. What stands here is about the
people who run an installation, so it lives beside the log and is durable on return.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from tactful.runtime.accounts import Accounts, ApiTokens
from tactful.runtime.roles import Permission


class Visitor(Struct, frozen=True):
    """Who asks: somebody signed in, a token, or whoever sits at this machine before there are users."""

    name: str
    """As the audit log has it."""
    role: str
    """"" of a neighbour on this machine."""
    may: frozenset[Permission]
    csrf: str = ""
    """What forms and scripts of this sign-in must send along; "" where nothing is signed in."""
    names_others: bool = False
    """Whether it may say for whom it acts: the token of the server itself, which belongs to whoever runs it."""


class Act(Struct, frozen=True):
    """One administrative act, as the audit log keeps it."""

    id: int
    at: int
    who: str
    act: str
    """A word: `publish`, `pause`, `sign_in`, ..."""
    about: str
    """What was acted on: "journeys/welcome", "u:42", ..."""
    detail: str = ""


class Audit(Protocol):
    """Acts in order; never changed, never forgotten."""

    def note(self, at: int, who: str, act: str, about: str = "", detail: str = "") -> None: ...

    def acts(
        self, before: int | None = None, limit: int = 100, *, who: str = "", act: str = "", about: str = ""
    ) -> list[Act]:
        """Newest first; `before` is an id to page on."""
        ...


class Revision(Struct, frozen=True):
    """One file of definitions as it was put in force."""

    id: int
    at: int
    author: str
    path: str
    before: str | None
    """None: it was not there."""
    after: str | None
    """None: it was removed."""
    version: int = 0
    """Of the plan that it came with; 0 where that is not known."""


class Revisions(Protocol):
    """What definitions said when; never changed."""

    def note(
        self, at: int, author: str, changes: Mapping[str, tuple[str | None, str | None]], version: int = 0
    ) -> None:
        """{path: (before, after)}, together."""
        ...

    def of(self, path: str = "", before: int | None = None, limit: int = 100) -> list[Revision]:
        """Of a file, or of all; newest first; `before` is an id to page on."""
        ...

    def revision(self, id: int) -> Revision | None: ...


class Office(Protocol):
    """Who may use an installation (runtime/accounts.py), and what they did."""

    @property
    def audit(self) -> Audit: ...
    @property
    def revisions(self) -> Revisions: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def tokens(self) -> ApiTokens: ...

    def close(self) -> None: ...
