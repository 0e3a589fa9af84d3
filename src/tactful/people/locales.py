"""Languages that people are told to read: tags in one spelling, and what the newest call said of it.

Browsers and apps send `context.locale` with each call, as their user has set it; the person's own traits go before
(messages/languages.py). Pure.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[.@-].*)?")


class LocaleSeen(Struct, array_like=True):
    """Of the last call in event order whose context names a language."""

    tag: str
    timestamp: int
    received_at: int
    ref: int

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


def see(before: LocaleSeen | None, said: object, timestamp: int, received_at: int, ref: int) -> LocaleSeen | None:
    """Fold one call in, whose context says `said`, whatever that is: what is to be kept from now on. The same language
    seen again, which is nearly every call of a browser, moves `before` on."""
    if before is not None and (timestamp, received_at, ref) <= before.order():
        return before
    if before is not None and said == before.tag:
        before.timestamp, before.received_at, before.ref = timestamp, received_at, ref
        return before
    found = tag(said)
    return LocaleSeen(found, timestamp, received_at, ref) if found else before


def newest(seen: Iterable[LocaleSeen | None]) -> str:
    """The language, "" where no call named one; `seen` of every fragment."""
    found = max((one for one in seen if one is not None), key=LocaleSeen.order, default=None)
    return found.tag if found is not None else ""


def tag(text: object) -> str:
    """A language tag in its one spelling (BCP 47: zh-Hant-TW); "" for what is none."""
    return _spelled(text) if isinstance(text, str) and len(text) <= 64 else ""


@lru_cache(1024)
def _spelled(text: str) -> str:
    match = _TAG.fullmatch(text.strip())
    if match is None:
        return ""
    language, script, region = match.groups()
    return "-".join(part for part in (language.lower(), (script or "").title(), (region or "").upper()) if part)
