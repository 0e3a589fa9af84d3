"""Users and tokens, as administrators make, change and remove them, in the console and in the terminal.

`by` is who did it, for the audit log. The last administrator can neither be removed nor made anything less. All raise
UsageError where it cannot be.
"""

import secrets
from typing import get_args

from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.operations.access.access import TOKEN, Access, Wrong, checked_name, digest_of, plain_name
from tactful.runtime.accounts import Account, ApiToken
from tactful.runtime.roles import ROLES, Role

ROLE_NAMES: tuple[Role, ...] = get_args(Role)


def role_of(text: str) -> Role:
    for role in ROLE_NAMES:
        if text.strip().casefold().replace("-", " ").replace("_", " ") == role:
            return role
    raise Wrong(f"{text!r} is no role; there are {', '.join(ROLES)}", "role")


def add(access: Access, name: str, role: str, by: str) -> str:
    """The secret of a link by which the new user chooses a password."""
    name = checked_name(name)
    if access.office.accounts.account(name) is not None:
        raise Wrong(f"there is a user {name} already", "name")
    account = Account(name, role_of(role), access.clock.now_us(), by)
    access.office.accounts.put(account)
    access.note(by, "user_added", name, account.role)
    return access.link(name, by)


def change(access: Access, name: str, role: str, by: str) -> None:
    """Their sign-ins end, so that no page stays open with what they may no longer see."""
    account, now = _known(access, name), role_of(role)
    if account.role == now:
        return
    if now != "admin":
        _keep_one_admin(access, account)
    access.office.accounts.put(replace(account, role=now))
    access.office.accounts.end(account.name)
    access.note(by, "user_changed", account.name, f"{account.role} → {now}")


def remove(access: Access, name: str, by: str) -> None:
    account = _known(access, name)
    _keep_one_admin(access, account)
    access.office.accounts.remove(account.name)
    access.note(by, "user_removed", account.name, account.role)


def end(access: Access, name: str, by: str) -> int:
    """Signs somebody out everywhere."""
    account = _known(access, name)
    ended = access.office.accounts.end(account.name)
    access.note(by, "signed_out", account.name, f"{ended} sign-ins")
    return ended


def end_one(access: Access, number: int, by: str) -> None:
    found = next((one for one in access.office.accounts.sign_ins() if one.id == number), None)
    if found is None or not access.office.accounts.end_one(number):
        raise UsageError("this sign-in has ended already")
    access.note(by, "signed_out", found.account, found.agent)


def make_token(access: Access, name: str, role: str, by: str, days: int = 0) -> str:
    """The token, which is shown once. `days`: 0 for one that lasts until it is removed."""
    name, now_us = checked_name(name), access.clock.now_us()
    secret = TOKEN + secrets.token_urlsafe(32)
    until = now_us + days * 86_400_000_000 if days else 0
    if days < 0 or days > 3_650:
        raise Wrong("from 1 to 3650 days, or 0 for no end", "days")
    token = ApiToken(name, role_of(role), digest_of(secret), now_us, by, until)
    if not access.office.tokens.add(token):
        raise Wrong(f"there is a token {name} already", "name")
    access.note(by, "token_made", f"token {name}", token.role)
    return secret


def remove_token(access: Access, name: str, by: str) -> None:
    if not access.office.tokens.remove(plain_name(name)):
        raise UsageError(f"there is no token {name!r}; `tactful tokens` lists them")
    access.note(by, "token_removed", f"token {plain_name(name)}")


def _known(access: Access, name: str) -> Account:
    account = access.office.accounts.account(plain_name(name))
    if account is None:
        raise UsageError(f"there is no user {name!r}; `tactful users` lists them")
    return account


def _keep_one_admin(access: Access, account: Account) -> None:
    others = [one for one in access.office.accounts.all() if one.role == "admin" and one.name != account.name]
    if account.role == "admin" and not others:
        raise UsageError(f"{account.name} is the last administrator; make another one first")
