"""Access, put together: the office, argon2, the world's clock, and the tokens that stand in no table."""

import os
from urllib.parse import urlsplit

from tactful.adapters import standing
from tactful.adapters.installation import Installation
from tactful.adapters.passwords import Argon2Passwords
from tactful.app.clocks import SystemClock
from tactful.app.parts import ADMIN_TOKEN
from tactful.operations.access import Access
from tactful.runtime.settings import Settings

HERE = "this machine"
"""In the audit log: a command beside the server (adapters/standing.py)."""


def access_of(house: Installation, settings: Settings) -> Access:
    """By the world's clock: a sign-in does not get old faster where the installation's clock runs faster."""
    here = standing.read(house.data)
    fixed = {ADMIN_TOKEN: os.environ.get(ADMIN_TOKEN, "")}
    return Access(
        house.office,
        Argon2Passwords(),
        SystemClock(),
        settings.access,
        fixed,
        {HERE: here.token if here is not None else ""},
        hosts=hosts_of(settings),
    )


def hosts_of(settings: Settings) -> tuple[str, ...]:
    host = urlsplit(settings.workspace.public_url).hostname
    return (host,) if host else ()
