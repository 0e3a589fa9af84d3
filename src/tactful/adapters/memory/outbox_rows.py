"""The rows of the outbox in memory, and the changes of status that the deliverer and a claiming share.

Rows are values and are replaced, never changed, so that a copy of the map is all that a rollback needs.
"""

from msgspec import Struct
from msgspec.structs import replace

from tactful.runtime.claiming import Given
from tactful.runtime.ports import Claimed, OutboxRow, Verdict


class Row(Struct, frozen=True):
    """A row as shown, and what only the outbox knows of it."""

    shown: OutboxRow
    claimed: Claimed | None = None
    deliverer: str = ""
    is_unreported: bool = False
    hop: int = 0
    parked: int | None = None
    """The `not_before` that what a switch holds back had."""


class Rows:
    """By intent id, in the order in which they came."""

    def __init__(self) -> None:
        self.by_intent: dict[str, Row] = {}
        self.templates: dict[str, bytes] = {}
        self.suppressed: dict[str, tuple[str, int]] = {}
        self.codes: dict[tuple[str, str], Given | None] = {}
        """By pool and code, in the order in which they were loaded: whose it is."""

    def of(self, status: str) -> list[OutboxRow]:
        return [row.shown for row in self.by_intent.values() if row.shown.status == status]

    def in_flight(self, channel: str) -> list[Row]:
        rows = [row for row in self.by_intent.values() if row.shown.status == "claimed"]
        return sorted(
            (row for row in rows if row.shown.intent.channel == channel), key=lambda row: row.shown.claimed_at or 0
        )

    def end(self, intent: str, verdict: Verdict, at_us: int) -> None:
        row = self.by_intent[intent]
        shown = replace(
            row.shown,
            status=verdict.status,
            reason=verdict.reason,
            detail=verdict.detail,
            digest=verdict.digest,
            finished_at=at_us,
        )
        self.by_intent[intent] = replace(row, shown=shown, is_unreported=True)

    def wait_again(self, intent: str, reason: str, detail: str, not_before: int) -> None:
        shown = replace(
            self.by_intent[intent].shown,
            status="waiting",
            attempt=self.by_intent[intent].shown.attempt + 1,
            reason=reason,
            detail=detail,
            not_before=not_before,
            claimed_at=None,
            finished_at=None,
        )
        self.by_intent[intent] = Row(shown, hop=self.by_intent[intent].hop)
