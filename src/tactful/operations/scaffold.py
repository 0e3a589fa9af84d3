"""`tactful init`: a new project that is valid as it stands and says by example what goes where.

The schemas go into the project, and its files name them by a relative path: editors help without a network.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tactful.errors import UsageError

_SETTINGS = """\
# Settings of this installation. Every key is described in docs/configuration.md.

[workspace]
name = "{name}"
# time_zone = "Europe/Lisbon"            # of people whose own is not known; default UTC
# public_url = "https://mail.example.com"  # where links in mails lead; needed to send mail

# Each source has a write key. A browser's key is public: it may send events, never read.
[sources.website]
write_key = "{website_key}"
trust = "browser"

[sources.server]
write_key = "{server_key}"
trust = "server"

# Without a mail server, mail goes to a local outbox that the page shows.
# [channels.email]
# smtp_url = "smtp://user:password@mail.example.com:587?starttls=required"
# from = "Shop <hello@shop.example>"

# [channels.webhook]
# secret = "..."                          # signs each call, so that the receiver can trust it

# [identity]
# browser = "signed"                      # a page names its user by a token of your server (docs/identity.md)

# [consent]
# collect = "analytics"                   # keep events of who permits that, and only count others (docs/consent.md)
# [consent.purposes.analytics]
# categories = ["Analytics"]              # its name in the consent banner
# [consent.purposes.email_marketing]
"""

_FILES = {
    "segments/recent_buyers.yaml": """\
description: Ordered something in the last 30 days
when: any("Order Completed", last="30d")
""",
    "journeys/cart_reminder.yaml": """\
description: Reminds of a product that was put into the cart and not bought
start:
  event: Product Added
wait: 30m
unless: Order Completed
repeat: restart
limit: 1 per 24h
send:
  email: cart_reminder
""",
    "messages/cart_reminder.yaml": """\
purpose: email_marketing
subject: 'Still thinking about {{ event.properties.name | default: "it" }}?'
html: |
  <p>Hello {{ profile.first_name | default: "there" }},</p>
  <p>{{ event.properties.name | default: "your choice" }} is waiting in your cart.</p>
  <p><a href="{{ unsubscribe_url }}">No more of these</a></p>
text: |
  Hello {{ profile.first_name | default: "there" }},

  {{ event.properties.name | default: "your choice" }} is waiting in your cart.

  No more of these: {{ unsubscribe_url }}
""",
    ".gitignore": "data/\n",
}


SCHEMAS = ".schemas"
"""Hidden, so that it is no folder of definitions."""


def init(folder: Path, random_key: Callable[[], str]) -> list[str]:
    """Write the files of a new project and say which. Raises UsageError where something is in the way."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    from tactful.operations import schemas  # Wanted here only.

    settings = _SETTINGS.format(name=_quoted(folder), website_key=random_key(), server_key=random_key())
    files = {"tactful.toml": settings, **{name: _helped(name, schemas.FOLDERS) + text for name, text in _FILES.items()}}
    for name in ("tactful.toml", "segments", "journeys", "messages"):
        if (folder / name).exists():
            raise UsageError(f"{folder} already has {name}; name another folder, or remove it first")
    written = []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(text, encoding="utf-8")
                written.append(str(path))
        (folder / "tactful.toml").chmod(0o600)
        schemas.write(folder / SCHEMAS)
        written.append(f"{folder / SCHEMAS} (for editors)")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    return written


def _helped(name: str, folders: Mapping[str, str]) -> str:
    """The line by which an editor finds the schema of a definition."""
    kind = next((kind for kind, folder in folders.items() if name.startswith(f"{folder}/")), "")
    return f"# yaml-language-server: $schema=../{SCHEMAS}/{kind}.json\n" if kind else ""


def _quoted(folder: Path) -> str:
    """The folder's name as it can stand in a TOML text."""
    name = "".join(char for char in folder.resolve().name if char.isprintable() and char not in '"\\')
    return name or "Tactful"
