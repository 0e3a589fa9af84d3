"""The texts of a message: which ones each channel has, and how one message stands on top of another.

A variant and a translation are a few texts that take the place of the message's own. Whoever replaces the body of a
mail replaces what was made of it as well: a text part or an AMP part of other words than the HTML tells two stories.
"""

from collections.abc import Mapping
from typing import Literal

ChannelName = Literal["email", "sms", "push", "web_push", "chat"]

TEXTS: Mapping[str, tuple[str, ...]] = {
    "email": ("subject", "preheader", "html", "mjml", "text", "amp"),
    "sms": ("text",),
    "push": ("title", "text", "url", "icon"),
    "web_push": ("title", "text", "url", "icon"),
    "chat": ("title", "text"),
}
"""Which texts a message of a channel may have; all are Liquid templates."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "email": ("subject",),
    "sms": ("text",),
    "push": ("title", "text"),
    "web_push": ("title", "text"),
    "chat": ("text",),
}

PURPOSES: Mapping[str, str] = {
    "email": "email_marketing",
    "sms": "sms_marketing",
    "push": "push_marketing",
    "web_push": "push_marketing",
    "chat": "chat_marketing",
}
"""Of a message that names none."""

ALL = ("subject", "preheader", "html", "mjml", "text", "amp", "title", "url", "icon")
LINES = frozenset({"subject", "preheader", "title", "url", "icon"})
"""One line each, without control characters."""
ESCAPED = frozenset({"html", "mjml", "amp"})
"""Where values are escaped for HTML."""
_BODIES = ("html", "mjml")


def over(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """The texts of `below` with those of `above` in their places."""
    kept = dict(below)
    if any(name in above for name in _BODIES):
        for name in (*_BODIES, "text", "amp"):
            kept.pop(name, None)
    return {**kept, **above}
