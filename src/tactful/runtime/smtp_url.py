"""`smtp_url`: where the mail server is and how it is spoken to, in one line of the settings."""

from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from tactful.errors import UsageError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SmtpAddress(Struct, frozen=True):
    """Where and how: the parts of `smtp_url`. `starttls`: required, opportunistic or never."""

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool
    starttls: str


def parse_url(url: str) -> SmtpAddress:
    """Raises UsageError with what is wrong (without the password)."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise UsageError("smtp_url must look like smtp://user:password@host:587?starttls=required or smtps://host")
    options = parse_qs(parts.query)
    starttls = options.pop("starttls", ["opportunistic" if parts.hostname in LOOPBACK else "required"])[-1]
    if options or starttls not in {"required", "opportunistic", "never"}:
        raise UsageError("smtp_url takes one option: starttls=required, opportunistic or never")
    is_tls = parts.scheme == "smtps"
    return SmtpAddress(
        host=parts.hostname,
        port=parts.port or (465 if is_tls else 587 if starttls == "required" else 25),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        is_tls=is_tls,
        starttls="never" if is_tls else starttls,
    )
