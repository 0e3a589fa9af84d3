"""Masking: the token of forms and scripts (synchronizer token, OWASP CSRF) is another text in every page.

Pages go out packed, and how well they pack must not say what the token is (BREACH, 2013): a pad of its own hides it, as
in Django and Rails.
"""

import hmac
import secrets


def masked(token: str) -> str:
    """Another text each time; "" stays."""
    body = token.encode()
    pad = secrets.token_bytes(len(body))
    return (pad + _either(pad, body)).hex()


def is_token(given: str, token: str) -> bool:
    """Whether this is the token, masked or not; never where there is none."""
    texts = given, unmasked(given)
    return token != "" and any(hmac.compare_digest(one.encode("utf-8", "replace"), token.encode()) for one in texts)


def unmasked(text: str) -> str:
    """The token; what is none stays as it is."""
    try:
        body = bytes.fromhex(text)
        half = len(body) // 2
        return _either(body[:half], body[half:]).decode()
    except ValueError:
        return text


def _either(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
