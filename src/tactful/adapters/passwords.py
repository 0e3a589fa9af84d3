"""Passwords by argon2id, with what RFC 9106 recommends where memory is not plenty: 64 MiB, three passes, four lanes."""

from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Passwords:
    """The port `Passwords`. `memory_kib` is lowered by tests only."""

    def __init__(self, memory_kib: int = 65_536) -> None:
        self._hasher = PasswordHasher(memory_cost=memory_kib)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody has this one")

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, kept: str, given: str) -> bool:
        try:
            self._hasher.verify(kept or self._nobodys, given)
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)

    def is_outdated(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)
