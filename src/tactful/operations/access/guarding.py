"""What the doctor says of who may come in."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from tactful.operations.doctor import Finding
from tactful.runtime.accounts import Account, ApiToken
from tactful.runtime.settings_access import AccessSettings

ABOUT = "access"
MIN_TOKEN = 24


def check(
    settings: AccessSettings, public_url: str, admin_token: str, accounts: Sequence[Account], tokens: Sequence[ApiToken]
) -> list[Finding]:
    """Of an installation; `admin_token` is what TACTFUL_ADMIN_TOKEN says."""
    found = []
    admins = [one for one in accounts if one.role == "admin" and (one.password or one.subject)]
    if not admins:
        found.append(
            Finding("note", ABOUT, "there is no administrator; `tactful users link` prints a link that makes one")
        )
    elif len(admins) == 1:
        text = f"{admins[0].name} is the only administrator; a second one could let them in again"
        found.append(Finding("note", ABOUT, text))
    else:
        found.append(Finding("good", ABOUT, f"{len(accounts)} users, {len(admins)} of them administrators"))
    if admin_token and len(admin_token) < MIN_TOKEN:
        text = f"TACTFUL_ADMIN_TOKEN could be guessed: make it {MIN_TOKEN} letters or more, by chance"
        found.append(Finding("bad", ABOUT, text))
    if endless := [one.name for one in tokens if not one.until and one.role == "admin"]:
        text = (
            f"tokens of administrators without an end: {', '.join(endless)}; `tactful tokens add --days` gives them one"
        )
        found.append(Finding("note", ABOUT, text))
    if settings.openid.issuer and urlsplit(public_url).scheme != "https":
        text = "[access.openid] sends people back to public_url, which should be an https address"
        found.append(Finding("bad" if public_url else "note", ABOUT, text))
    return found
