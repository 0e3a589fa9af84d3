"""Access, put together: the office, argon2, the world's clock, and the tokens that stand in no table."""

import getpass
import os
from pathlib import Path
from urllib.parse import urlsplit

from tactful.adapters import standing
from tactful.adapters.installation import Installation
from tactful.adapters.passwords import Argon2Passwords
from tactful.app.clocks import SystemClock
from tactful.app.parts import ADMIN_TOKEN
from tactful.errors import UsageError
from tactful.operations.access.access import Access
from tactful.operations.access.guarding import check
from tactful.operations.access.openid import Provider
from tactful.operations.doctor import Finding
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings

HERE = "this machine"
"""In the audit log: a command beside the server (adapters/standing.py)."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def near(host: str, port: int) -> str:
    """Where a server on this host is reached from this machine."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def access_of(house: Installation, settings: Settings) -> Access:
    """By the world's clock: a sign-in does not get old faster where the installation's clock runs faster."""

    def own() -> dict[str, str]:
        here = standing.read(house.data)
        return {HERE: here.token} if here is not None else {}

    fixed = {ADMIN_TOKEN: os.environ.get(ADMIN_TOKEN, "")}
    return Access(
        house.office,
        Argon2Passwords(),
        SystemClock(),
        settings.access,
        fixed,
        own,
        hosts=hosts_of(settings),
        of_acts=house.clock,
    )


def provider_of(settings: Settings) -> Provider | None:
    if not settings.access.openid.issuer:
        return None
    from tactful.adapters.openid import OpenIdProvider

    return OpenIdProvider(settings.access.openid)


def hosts_of(settings: Settings) -> tuple[str, ...]:
    host = urlsplit(settings.workspace.public_url).hostname
    return (host,) if host else ()


def refuse_open_door(host: str, data: Path, clock: Clock) -> None:
    """Other machines are let in once somebody can say no to them (DESIGN 9)."""
    if host in LOOPBACK or os.environ.get(ADMIN_TOKEN):
        return
    if (data / "office.db").exists():
        house = Installation(data, Settings(), clock, read_only=True)
        try:
            accounts = house.office.accounts.all()
        finally:
            house.close()
        if any(one.role == "admin" and (one.password or one.subject) for one in accounts):
            return
    raise UsageError(
        f"--host {host} would open the pages to other machines before there is an administrator: start with 127.0.0.1 "
        f"and sign in by the link that is printed, or set {ADMIN_TOKEN} to a long random text"
    )


def welcome(house: Installation, address: str) -> str:
    """Said at the start as long as nobody has an account: only who reads the terminal can become the first
    administrator."""
    secret = access_of(house, house.settings).first_link()
    if not secret:
        return ""
    lost = f"Whoever had one before: {house.data / 'office.db'} is a new one. Stop, and put back a backup of it."
    return (
        "Nobody has an account yet. This link makes you the administrator, once, within an hour:\n"
        f"  {house.settings.workspace.public_url or address}/signin/link/{secret}"
        + (f"\n{lost}" if house.is_office_lost else "")
    )


def at_terminal() -> str:
    """With a space, so that no user can have this name."""
    try:
        return f"terminal {getpass.getuser()}"
    except (KeyError, OSError):  # A container may run as a number that has no name.
        return f"terminal {os.getuid()}"


def findings(settings: Settings, data: Path | None, clock: Clock) -> list[Finding]:
    """What the doctor says of access; nothing where there is no data folder yet."""
    if data is None or not (data / "office.db").exists():
        return []
    house = Installation(data, settings, clock, read_only=True)
    try:
        accounts, tokens = house.office.accounts.all(), house.office.tokens.all()
    finally:
        house.close()
    return check(settings.access, settings.workspace.public_url, os.environ.get(ADMIN_TOKEN, ""), accounts, tokens)


def answers(address: str, patience_s: float) -> bool:
    """Whether pages are there already."""
    from urllib.request import ProxyHandler, build_opener  # Wanted here only.

    try:
        with build_opener(ProxyHandler({})).open(f"{address}/signin", timeout=patience_s) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
