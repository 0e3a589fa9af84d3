"""`tactful init`: a new project that is valid as it stands and says by example what goes where.

It begins empty, with one definition of each kind, or as the example shop, with the shop's name, keys and secrets made
anew. The schemas go into the project, and its files name them by a relative path: editors help without a network.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import UsageError

_SETTINGS = """\
# Settings of this installation. Every key is described in docs/configuration.md.

[workspace]
name = {name}
time_zone = "{time_zone}"  # of people whose own is not known
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
Beginning = Literal["empty", "shop"]
_SHOP = (
    "collections",
    "events",
    "segments",
    "journeys",
    "messages",
    "blocks",
    "metrics",
    "features",
    "catalogue",
    "coupons",
    "stories",
)
"""Of the example shop, what a project of one's own begins with."""
_OWN = "nordlicht.example"
"""The example shop's domain."""


class Wanted(Struct, frozen=True):
    """What the three questions ask."""

    name: str
    begin: Beginning
    time_zone: str


class Made(Struct, frozen=True):
    """`files` by folder ("" is the project's own), and the key with which a server sends."""

    files: Mapping[str, int]
    server_key: str


def refuse(folder: Path) -> None:
    """Before anything is asked: raises UsageError where something is in the way."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    for name in ("tactful.toml", "segments", "journeys", "messages"):
        if (folder / name).exists():
            raise UsageError(f"{folder} already has {name}; name another folder, or remove it first")


def init(folder: Path, wanted: Wanted, random_key: Callable[[], str]) -> Made:
    """Write the files of a new project. Raises UsageError where something is in the way, or cannot be written."""
    refuse(folder)
    from tactful.operations.definitions import schemas  # Wanted here only.

    name = "".join(char for char in wanted.name if char.isprintable()).strip() or named(folder)
    wanted, server_key = replace(wanted, name=name), random_key()
    texts = dict(
        _shop(wanted, server_key, random_key) if wanted.begin == "shop" else _empty(wanted, server_key, random_key)
    )
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(_helped(name, schemas.FOLDERS) + text, encoding="utf-8")
        (folder / "tactful.toml").chmod(0o600)
        schemas.write(folder / SCHEMAS)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    counts: dict[str, int] = {}
    for name in texts:
        counts[name.rpartition("/")[0]] = counts.get(name.rpartition("/")[0], 0) + 1
    return Made(counts, server_key)


def examples() -> Path:
    """The example shop: in the package, or beside it in a checkout. Raises UsageError where it is in neither."""
    package = Path(__file__).parents[2]
    for folder in (package / "examples" / "shop", package.parents[1] / "examples" / "shop"):
        if (folder / "tactful.toml").exists():
            return folder
    raise UsageError("the example shop was not installed with this package; begin with an empty project")


def _empty(wanted: Wanted, server_key: str, random_key: Callable[[], str]) -> Iterator[tuple[str, str]]:
    name = json.dumps(wanted.name, ensure_ascii=False)
    keys = {"website_key": random_key(), "server_key": server_key}
    yield "tactful.toml", _SETTINGS.format(name=name, time_zone=wanted.time_zone, **keys)
    yield from _FILES.items()


def _shop(wanted: Wanted, server_key: str, random_key: Callable[[], str]) -> Iterator[tuple[str, str]]:
    """The shop as it stands, under another name and with keys that nobody knows."""
    source, own = examples(), f"{_domain(wanted.name)}.example"
    settings = (source / "tactful.toml").read_text(encoding="utf-8")
    for pattern, value in (
        (
            r"^# The example shop, as .*$",
            "# Settings of this installation. Every key is described in docs/configuration.md.",
        ),
        (r"^name = .*$", f"name = {json.dumps(wanted.name, ensure_ascii=False)}"),
        (r"^time_zone = .*$", f'time_zone = "{wanted.time_zone}"'),
        (r'^write_key = "demo-website"$', f'write_key = "{random_key()}"'),
        (r'^write_key = "demo-backend"$', f'write_key = "{server_key}"'),
        (r"^from = .*$", f"from = {json.dumps(f'{_spoken(wanted.name)} <hello@{own}>', ensure_ascii=False)}"),
        (r"^secrets = .*$", f'secrets = ["{random_key()}{random_key()}"]'),
    ):
        settings, replaced = re.subn(pattern, lambda _, value=value: value, settings, count=1, flags=re.MULTILINE)  # type: ignore[misc]  # a bound default
        assert replaced, f"examples/shop/tactful.toml has no {pattern}"
    yield "tactful.toml", settings.replace(_OWN, own)
    yield ".gitignore", _FILES[".gitignore"]
    for path in sorted(path for folder in _SHOP for path in (source / folder).rglob("*") if path.is_file()):
        name = path.relative_to(source).as_posix()
        if name != "stories/README.md":  # Of the checkout, where it links to what stands around it.
            yield name, path.read_text(encoding="utf-8").replace(_OWN, own)


def _helped(name: str, folders: Mapping[str, str]) -> str:
    """The line by which an editor finds the schema of a definition."""
    kind = next((kind for kind, folder in folders.items() if name.startswith(f"{folder}/")), "")
    return f"# yaml-language-server: $schema=../{SCHEMAS}/{kind}.json\n" if kind else ""


def named(folder: Path) -> str:
    """What a project in this folder is called, unless it is told otherwise."""
    name = "".join(char for char in folder.resolve().name if char.isprintable() and char not in '"\\')
    return name or "Tactful"


def _spoken(name: str) -> str:
    """As it can stand before an address (RFC 5322), without quotes."""
    return " ".join(re.sub(r"[^\w .'&-]", " ", name).split()) or "Shop"


def _domain(name: str) -> str:
    """A label of a domain."""
    plain = name.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "shop"
