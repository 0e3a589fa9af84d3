"""Who stands at the door in tests: real argon2, with as little memory as it takes."""

from tactful.adapters.memory.office import MemoryOffice
from tactful.adapters.passwords import Argon2Passwords
from tactful.operations.access import Access
from tactful.runtime.ports import Clock
from tactful.runtime.settings_access import AccessSettings

PASSWORDS = Argon2Passwords(memory_kib=64)


def doorkeeper(
    office: MemoryOffice,
    clock: Clock,
    *tokens: str,
    settings: AccessSettings | None = None,
    hosts: tuple[str, ...] = (),
) -> Access:
    fixed = {f"token {number}": token for number, token in enumerate(tokens)}
    return Access(office, PASSWORDS, clock, settings or AccessSettings(), fixed, hosts=hosts)
