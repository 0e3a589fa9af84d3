"""Finding a person by what somebody typed: an identifier as the log writes it, or a bare id, e-mail or phone number."""

from tactful.events.identifiers import normalize_email, normalize_phone

KINDS = ("u", "x", "e", "p", "a", "d")
"""Kinds of identifiers, strongest first (events/records.py)."""


def candidates(text: str) -> tuple[str, ...]:
    """Keys that the text may mean, likeliest first."""
    text = text.strip()
    if not text:
        return ()
    kind, colon, value = text.partition(":")
    keys = [text] if colon and kind in KINDS and value else []
    email = normalize_email(text)
    phone = normalize_phone(text)
    keys += [f"e:{email}"] if email else []
    keys += [f"u:{text}"]
    keys += [f"p:{phone}"] if phone else []
    keys += [f"a:{text}", f"d:{text}"]
    return tuple(dict.fromkeys(keys))
