"""Reasons as they are counted: a text that says why, without what is different each time."""

import re

_INSTANT = re.compile(r"\s*\(?\d{4}-\d\d-\d\d(T[0-9:.]+Z?)?\)?")
_OPENINGS = ("too late", "valid until", "quiet hours")
"""Reasons behind whose first words every instance says something else."""


def reason_of(text: str) -> str:
    """A reason without what is different each time."""
    for opening in _OPENINGS:
        if text.startswith(opening):
            return opening
    return _INSTANT.sub("", text).strip() or "no reason given"
