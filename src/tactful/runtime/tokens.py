"""Tokens: what the shop's server signs so that a browser may name its user (JWT, RFC 7519, HS256 only).

A token says who sits at the browser (`sub`, the userId), until when (`exp`, seconds since 1970, required), and perhaps
an `email` and `phone` that the shop knows to be theirs. Several secrets hold at the same time, so that one can be
changed while tokens of the other are still out. The instant comes in: what was received at it decides, not the clock.
A token that is not right costs a browser its proof, never its event; how many there were is counted.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jwt
from jwt.types import Options
from msgspec import Struct

from tactful.events.identifiers import email_key, phone_key, user_key
from tactful.events.naming import TOKEN, Proof
from tactful.events.verdicts import Refusal
from tactful.values import SECOND_US

AUDIENCE = "tactful"
"""Where a token says whom it is for, that must be we: one for another service of the shop is no proof here."""
MAX_LENGTH = 4_096
LEEWAY_US = 30 * SECOND_US
"""As much may the shop's clock differ from ours."""
_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""The claims are looked at here, at the instant of the call."""
_TROUBLE = (jwt.PyJWTError, ValueError, TypeError, RecursionError)
"""What the library raises for texts that are no tokens."""
_MESSAGES = {
    "unreadable": "the identity token is no JWT signed with HS256",
    "forged": "the identity token is signed with none of [identity] secrets",
    "incomplete": "the identity token needs the claims sub (the userId) and exp (seconds since 1970)",
    "foreign": f'the identity token is for somebody else: its aud does not name "{AUDIENCE}"',
    "early": "the identity token is not valid yet",
    "expired": "the identity token has expired: ask the shop's server for a new one",
}


class _Signed(Struct, frozen=True):
    """A token with a good signature: valid from (seconds since 1970), until, and of whom."""

    begins: float
    ends: float
    proof: Proof


class Tokens:
    """Looks at tokens with a workspace's secrets; `counts` says how many were good, and what was wrong with others."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._secrets = tuple(secrets)
        # A browser sends the same one with every call until it expires.
        self._read = lru_cache(1024)(self._look)

    def prove(self, token: object, at_us: int) -> Proof | Refusal:
        """What the token proves at that instant, or what is wrong with it."""
        is_text = isinstance(token, str) and len(token) <= MAX_LENGTH
        found = self._read(token) if is_text else "unreadable"
        if isinstance(found, _Signed):
            if at_us > found.ends * SECOND_US + LEEWAY_US:
                found = "expired"
            elif at_us < found.begins * SECOND_US - LEEWAY_US:
                found = "early"
            else:
                self.counts["good"] += 1
                return found.proof
        self.counts[found] += 1
        return Refusal("token_invalid", _MESSAGES[found], f"context.{TOKEN}")

    def _look(self, token: str) -> _Signed | str:
        is_readable = False
        for secret in self._secrets:
            try:
                claims = jwt.decode(token, secret, algorithms=["HS256"], options=_SIGNATURE_ONLY)
            except jwt.InvalidSignatureError:
                is_readable = True
            except _TROUBLE:
                return "unreadable"
            else:
                return _signed(claims)
        return "forged" if is_readable else "unreadable"


def _signed(claims: dict[str, Any]) -> _Signed | str:
    user, ends, begins = user_key(claims.get("sub")), _instant(claims.get("exp")), _instant(claims.get("nbf", 0))
    if user is None or ends is None or begins is None:
        return "incomplete"
    if "aud" in claims:
        audience = claims["aud"]
        if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
            return "foreign"
    addresses = (email_key(claims.get("email")), phone_key(claims.get("phone")))
    return _Signed(begins, ends, Proof(user, tuple(key for key in addresses if key)))


def _instant(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = float(value) if abs(value) < 1e15 else math.inf  # Longer whole numbers are no doubles.
    return seconds if math.isfinite(seconds) else None
