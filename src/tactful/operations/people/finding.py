"""Finding a person by what somebody typed: an identifier as the log writes it, or a bare id, e-mail or phone number."""

from tactful.events.identifiers import email_key, phone_key, user_key

KINDS = ("u", "x", "e", "p", "a", "d")
"""Kinds of identifiers, strongest first (events/records.py)."""


def unknown(text: str, unkept: str = "") -> str:
    """What is said where nobody is found; `unkept` is what consent may have to do with it (consenting.unkept)."""
    hint = ""
    if "@" in text:
        hint = "; an address that only browsers have named finds nobody, since anybody can type it"
    elif not text.startswith(tuple(f"{kind}:" for kind in KINDS)):
        hint = "; the id of another system is written x:TYPE:ID"
    return f"nobody is known as {text!r} here{hint}{unkept and f'; {unkept}'}"


def candidates(text: str) -> tuple[str, ...]:
    """Keys that the text may mean, likeliest first."""
    text = text.strip()
    if not text:
        return ()
    kind, _, value = text.partition(":")
    written_out = text if kind in KINDS and value else None
    keys = (written_out, user_key(text), email_key(text), phone_key(text), f"a:{text}", f"d:{text}")
    return tuple(dict.fromkeys(key for key in keys if key is not None))
