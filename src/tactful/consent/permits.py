"""May we? Only a Permit answers yes, and only this module makes one.

A person permits a purpose when at least one fragment grants it and none of those that have decided denies it
(IDENTITY.md 5). Never asked means no. Pure.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tactful.values import format_time


class ConsentWrite(Struct, array_like=True, frozen=True):
    granted: bool
    timestamp: int
    received_at: int
    ref: int
    text_version: str = ""
    origin: str = "api"

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


class Permit(Struct, frozen=True):
    """A yes, with the words that explain it."""

    purpose: str
    because: str


def permit(purpose: str, consents: Iterable[Mapping[str, ConsentWrite]]) -> Permit | None:
    """The permit for a purpose by the decisions of each fragment, or None. A purpose of "" needs none."""
    if not purpose:
        return Permit("", "needs no consent")
    writes = [write for decisions in consents if (write := decisions.get(purpose)) is not None]
    if not writes or any(not write.granted for write in writes):
        return None
    newest = max(writes, key=ConsentWrite.order)
    text = f", text {newest.text_version}" if newest.text_version else ""
    return Permit(purpose, f"{purpose} granted at {format_time(newest.timestamp)}{text}")


def granted(consents: Iterable[Mapping[str, ConsentWrite]]) -> dict[str, bool]:
    """Yes or no by purpose, as `permit` would say it; without the purposes that were never decided."""
    answers: dict[str, bool] = {}
    for decisions in consents:
        for purpose, write in decisions.items():
            answers[purpose] = answers.get(purpose, True) and write.granted
    return answers


def record(decisions: dict[str, ConsentWrite], purpose: str, write: ConsentWrite) -> bool:
    """Fold one decision in; the last in event order wins, whenever it arrives. True where it is now what counts."""
    before = decisions.get(purpose)
    if before is not None and before.order() >= write.order():
        return False
    decisions[purpose] = write
    return True
