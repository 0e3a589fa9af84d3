"""Standing: what commands beside a running server may know of it. DATA/run/server.json, for the owner only, as long as
the server stands: where it is reached, and an administrator's token that is good for no other run.

Whoever can read the file could read and change the whole data folder as well, so that it gives nobody more than they
have.
"""

import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

from tactful.adapters.secrets import write_private

FILE = "server.json"


class Standing(Struct, frozen=True):
    address: str
    """Of this machine: "http://127.0.0.1:8080"."""
    token: str
    """As a Bearer's."""
    public: str = ""
    """Where browsers find it; the same where nothing else is said."""


def stand(data: Path, address: str, public: str = "") -> Standing:
    """From now on, with a new token."""
    (data / "run").mkdir(parents=True, exist_ok=True)
    standing = Standing(address, secrets.token_urlsafe(32), public or address)
    write_private(data / "run" / FILE, msgspec.json.encode(standing).decode())
    return standing


def read(data: Path) -> Standing | None:
    """None where no server runs on the folder, or it may not be known."""
    try:
        return msgspec.json.decode((data / "run" / FILE).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None


def leave(data: Path) -> None:
    (data / "run" / FILE).unlink(missing_ok=True)
