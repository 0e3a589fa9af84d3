"""What the contract suites write and read."""

from collections.abc import Sequence

from msgspec import Raw

from tactful.consent.ledger import Entry, commitment, entry, link, plain_salt
from tactful.events.derived import ConsentChanged, Group, RunStarted, SegmentEntered, SendMessage, decode_groups
from tactful.runtime.ports import Claimed, Clock, Commit, Outgoing, Quarantined, StateWrite

SLICE_US = 1_000


class HandClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.us = 1_000_000

    def now_us(self) -> int:
        return self.us


def commit(
    version: int,
    position: int,
    states: Sequence[StateWrite] = (),
    *,
    derived: bytes = b"",
    first: int = 0,
    outgoing: Sequence[Outgoing] = (),
    relayed: int = 0,
    sent: dict[int, int] | None = None,
) -> Commit:
    state = b"partition state at %d" % position
    return Commit(version, position, state, states, derived, first or position, outgoing, relayed, sent or {})


def intent(
    name: str,
    *,
    key: str = "u:1",
    due: int = 50,
    channel: str = "email",
    journey: str = "cart",
    is_replay: bool = False,
) -> SendMessage:
    return SendMessage(
        at=40,
        intent=name,
        key=key,
        journey=journey,
        entry_key="",
        channel=channel,
        message="reminder",
        purpose="email_marketing",
        due=due,
        valid_until=due + 1_000,
        plan=1,
        started_at=30,
        started_ref=7,
        event="Product Added",
        properties=Raw(b"\x80"),
        is_replay=is_replay,
    )


def claimed(one: SendMessage, *, at: int = 60, attempt: int = 1, address: str = "ada@example.com") -> Claimed:
    return Claimed(one, 0, attempt, at, 12, address, "granted on the web", "digest", b"frozen")


def group(position: int, key: str = "u:1", before: int = 0) -> Group:
    return Group(position, key, before, (SegmentEntered(position, "loyal", "event"),))


def started(position: int, key: str = "u:1") -> Group:
    return Group(position, key, 0, (RunStarted(position, "cart", "", position + 5),))


def positions(blobs: Sequence[bytes]) -> list[list[int]]:
    return [[group.position for group in decode_groups(blob)] for blob in blobs]


def quarantined(at: int, *, code: str = "no_identifier", body: bytes = b"{}", ref: int = 0) -> Quarantined:
    return Quarantined(0, at, "shop", code, "userId", "No identifier in the call.", body, len(body), ref)


def decided(*keys: str) -> list[Entry]:
    """A ledger of grants and denials, an hour apart."""
    chain, entries = b"", []
    for number, key in enumerate(keys, 1):
        at, granted, salt = number * 3_600_000_000, number % 2 == 1, plain_salt(f"m{number} {key}", number << 10)
        said = (key, "marketing.email", granted, at - 1, at, "v2", "api", "shop")
        chain = link(chain, number, commitment(salt, *said, number))
        row = ConsentChanged(at, "marketing.email", granted, "api", "v2", number, key, at - 1, "shop", salt, chain)
        entries.append(entry(row))
    return entries
