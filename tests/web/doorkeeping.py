"""Who stands at the door in tests: real argon2, with as little memory as it takes."""

from tactful.adapters.memory.office import MemoryOffice
from tactful.adapters.passwords import Argon2Passwords
from tactful.operations.access.access import Access
from tactful.runtime.ports import Clock
from tactful.runtime.settings_access import AccessSettings
from tactful.values import SECOND_US

NOON = 1_760_000_000_000_000
PASSWORDS = Argon2Passwords(memory_kib=64)


class Walking(Clock):
    """A second further whenever somebody looks, so that no rate is ever used up."""

    def __init__(self) -> None:
        self._us = NOON

    def now_us(self) -> int:
        self._us += SECOND_US
        return self._us


class Moved(Clock):
    """Stands until a test moves it."""

    def __init__(self) -> None:
        self.us = NOON

    def now_us(self) -> int:
        return self.us


def doorkeeper(
    office: MemoryOffice,
    clock: Clock,
    *tokens: str,
    settings: AccessSettings | None = None,
    hosts: tuple[str, ...] = (),
) -> Access:
    fixed = {f"token {number}": token for number, token in enumerate(tokens)}
    return Access(office, PASSWORDS, clock, settings or AccessSettings(), fixed, hosts=hosts)
