"""`[access]`: how people sign in to the console (docs/access.md). Pure."""

import re
from urllib.parse import urlsplit

from msgspec import Struct, field

from tactful.runtime.roles import Role
from tactful.values import DAY_US, MINUTE_US, parse_duration

LONGEST_US = 366 * DAY_US
_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")


class OpenIdSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider of OpenID Connect."""

    issuer: str = ""
    """Its address, below which `/.well-known/openid-configuration` stands; "" where there is none."""
    client_id: str = ""
    client_secret: str = ""
    """"" of a public client, which has PKCE alone."""
    label: str = "single sign-on"
    """What the button says after "Sign in with"."""
    scopes: list[str] = field(default_factory=lambda: ["openid", "email", "profile"])
    claim: str = "groups"
    """The claim that `roles` speaks of; text, or a list of texts."""
    roles: dict[str, Role] = field(default_factory=dict)
    """Role by a value of the claim: whoever has one may sign in without being invited, and has that role from then on.
    None: only who was invited by their e-mail address."""


class AccessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    idle: str = "12h"
    """A sign-in that was not used for so long is over."""
    longest: str = "14d"
    """And so is one that is so old, however much it is used."""
    passwords: bool = True
    """Whether people may sign in with one; no means OpenID Connect alone, and links printed in the terminal."""
    hosts: list[str] = []
    """Names, beside those of this machine and of public_url, by which the console may be called."""
    openid: OpenIdSettings = OpenIdSettings()


ACCESS_OVERRIDES = {"TACTFUL_OPENID_SECRET": ("access", "openid", "client_secret")}


def access_problem(access: AccessSettings) -> tuple[str, str] | None:
    """What the types cannot say."""
    for name in ("idle", "longest"):
        given = getattr(access, name)
        lasts_us = parse_duration(given)
        if lasts_us is None or not MINUTE_US <= lasts_us <= LONGEST_US:
            return f"access.{name}: {given!r} is no duration from a minute to a year", 'for instance "12h"'
    for host in access.hosts:
        if not _HOST.fullmatch(host):
            return f"access.hosts: {host!r} is no name of a host", 'for instance "tactful.shop.example", without a port'
    return _openid_problem(access)


def _openid_problem(access: AccessSettings) -> tuple[str, str] | None:
    openid = access.openid
    if not openid.issuer:
        if openid.client_id or openid.client_secret or openid.roles:
            return "access.openid.issuer: it is not said who the provider is", 'for instance "https://id.shop.example"'
        if not access.passwords:
            return "access.passwords is off, and there is no other way in", "set [access.openid] up first"
        return None
    parts = urlsplit(openid.issuer)
    is_near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.query or parts.fragment or parts.scheme not in ("https", "http"):
        return f"access.openid.issuer: {openid.issuer!r} is no address", 'for instance "https://id.shop.example"'
    if parts.scheme == "http" and not is_near:
        return "access.openid.issuer: who signs in would be sent there unencrypted", "an address with https"
    if not openid.client_id:
        return "access.openid.client_id: the provider knows this installation by one", "register it there first"
    if "openid" not in openid.scopes:
        return 'access.openid.scopes: without "openid" the provider says nothing', 'add "openid"'
    return None
