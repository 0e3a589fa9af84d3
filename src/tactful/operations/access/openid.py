"""OpenID Connect: what a provider says of somebody becomes an account, or a no.

An account belongs to a subject of an issuer from the first time on, never to an e-mail address again: addresses change
hands. The first time, the address is enough where the provider has verified it and an administrator has invited it; or
a role that `[access.openid] roles` gives to a group. Whoever came in by a group alone has the role of their group, each
time anew, and comes in no more once they are in none.
"""

from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from tactful.operations.access.access import Access, Wrong, checked_name, plain_name
from tactful.runtime.accounts import Account
from tactful.runtime.roles import Role
from tactful.runtime.settings_access import OpenIdSettings

BY = "single sign-on"
"""Who made the accounts of those that came in by a group."""


class Begun(Struct, frozen=True):
    """A sign-in that is under way: what the browser keeps until it comes back (RFC 6749, RFC 7636, OpenID Core 3.1)."""

    state: str
    nonce: str
    verifier: str


class Provider(Protocol):
    async def address(self, begun: Begun, back: str) -> str:
        """Where the browser goes; it will come back to `back`. Raises TransientError."""
        ...

    async def claims(self, begun: Begun, code: str, back: str) -> dict[str, Any]:
        """What is certain of whoever came back with this code: the claims of a verified ID token. Raises Wrong, or
        TransientError."""
        ...


def admit(access: Access, settings: OpenIdSettings, claims: dict[str, Any]) -> Account:
    """The account of somebody; made or bound where that may be. Raises Wrong."""
    subject, role = f"{settings.issuer} {claims['sub']}", _role(settings, claims)
    email = plain_name(str(claims.get("email") or "")) if claims.get("email_verified") is True else ""
    known = access.office.accounts.of_subject(subject)
    if known is not None:
        return _again(access, known, role) if known.by == BY else known
    invited = access.office.accounts.account(email) if email else None
    if invited is not None and not invited.subject:
        bound = replace(invited, subject=subject)
        access.office.accounts.put(bound)
        access.note(invited.name, "openid_bound", invited.name, subject)
        return bound
    if role is None:
        raise Wrong(f"nobody has invited {email or 'you'}; ask an administrator for it")
    name = checked_name(email or str(claims.get("preferred_username") or claims["sub"]))
    if access.office.accounts.account(name) is not None:
        raise Wrong(f"{name} is somebody else's name here; ask an administrator")
    account = Account(name, role, access.clock.now_us(), BY, subject=subject)
    access.office.accounts.put(account)
    access.note(BY, "user_added", name, role)
    return account


def _again(access: Access, account: Account, role: Role | None) -> Account:
    if role is None:
        access.office.accounts.end(account.name)
        access.note(BY, "signed_out", account.name, "in no group that has a role any more")
        raise Wrong("you are in no group that may come in here")
    if role == account.role:
        return account
    access.office.accounts.end(account.name)
    now = replace(account, role=role)
    access.office.accounts.put(now)
    access.note(BY, "user_changed", account.name, f"{account.role} → {role}")
    return now


def _role(settings: OpenIdSettings, claims: dict[str, Any]) -> Role | None:
    """Of the first group in the settings that somebody is in."""
    said = claims.get(settings.claim)
    groups = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return next((role for group, role in settings.roles.items() if group in groups), None)
