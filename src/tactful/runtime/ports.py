"""The ports: what the loops need of the world. One contract suite per port (tests/contracts) holds for every adapter.
Time and bells stand in waking.py, those for what is kept for readers alone, the trail and the ledger, in keeping.py,
what happens within one transaction of the outbox in claiming.py.

Nothing here knows an engine. Times are microseconds, positions count from 1 within a partition, bodies are encoded
records (events/records.py). An adapter raises TransientError where the world fails (disk full, locked, away), and
Fenced where another worker owns the partition; everything else is a bug.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from tactful.events.derived import SendMessage
from tactful.runtime.waking import Bell as Bell  # noqa: PLC0414  (exported again)
from tactful.runtime.waking import Bells as Bells  # noqa: PLC0414  (exported again)
from tactful.runtime.waking import Clock as Clock  # noqa: PLC0414  (exported again)

if TYPE_CHECKING:  # Each speaks of the other; and who only waits for a bell need not load the gate.
    from tactful.kernel.gate import Facts
    from tactful.runtime.claiming import Claiming, Coupons


# ---- log -------------------------------------------------------------------------------------------------------


class Log(Protocol):
    """What happened, in order, by partition."""

    partitions: int

    def append(self, records: Mapping[int, Sequence[bytes]]) -> dict[int, int]:
        """Append to several partitions at once, all or nothing; durable (power cut included) on return.

        Returns the position of the first record appended to each partition. Many processes may append.
        """
        ...

    def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Records at positions > `after` in order, with their positions; about `limit` of them (whole frames)."""
        ...

    def end(self, partition: int) -> int:
        """The highest position (0 if empty)."""
        ...

    def start(self, partition: int) -> int:
        """The highest position that was trimmed (0: everything is there); a reader behind it has lost records."""
        ...

    def trim(self, before_us: int, keep_after: Mapping[int, int]) -> int:
        """Drop whole files written wholly before `before_us` whose every position is <= `keep_after[partition]`."""
        ...


# ---- store -----------------------------------------------------------------------------------------------------


class StateWrite(Struct, frozen=True):
    key: str
    state: bytes | None
    """None forgets the profile."""
    wake_at: int | None


class Outgoing(Struct, frozen=True):
    """A record for another partition, numbered consecutively from 1 per destination."""

    dst: int
    seq: int
    record: bytes


class Commit(Struct, frozen=True):
    """All that one turn of a worker changed in one partition, committed together (I3)."""

    version: int
    """The commit counter that the worker believes in; the store then holds version + 1."""
    position: int
    partition_state: bytes
    states: Sequence[StateWrite]
    derived: bytes
    """encode_groups() of the turn; b"" if none."""
    first_position: int
    """The first position whose groups may be in `derived`."""
    outgoing: Sequence[Outgoing]
    relayed: int
    """Derived blobs whose last position is <= this have reached outbox and trail: forget them."""
    sent: Mapping[int, int]
    """Outgoing rows of dst with seq <= this stand in its log: forget them."""


class Checkpoint(Struct, frozen=True):
    version: int
    position: int
    partition_state: bytes
    """b"" in a new store."""


class Store(Protocol):
    """One partition's states, wake-ups and position. A lost tail (power cut) is replayed from the log: commits need
    not be durable at once, only atomic and in order."""

    def checkpoint(self) -> Checkpoint: ...

    def load(self, keys: Sequence[str]) -> dict[str, bytes]:
        """States of those of the keys that exist."""
        ...

    def due(self, at_us: int, limit: int) -> list[str]:
        """Keys with wake_at <= at_us, ordered by (wake_at, key)."""
        ...

    def next_wake(self) -> int | None: ...

    def keys_after(self, cursor: str, limit: int) -> list[str]:
        """Keys in ascending order, for the sweep."""
        ...

    def sample(self, share: float, seed: int) -> dict[str, bytes]:
        """States of about this share of all keys of people, drawn by chance; with 1 or more of all. The same for the
        same seed, as long as nobody comes."""
        ...

    def commit(self, commit: Commit) -> None:
        """Raises Fenced, and changes nothing, where the stored version is not `commit.version`."""
        ...

    def derived(self) -> list[tuple[int, int, bytes]]:
        """(first position, last position, blob) not yet forgotten, in order."""
        ...

    def outgoing(self) -> list[Outgoing]:
        """Not yet forgotten, by (dst, seq)."""
        ...

    def maintain(self) -> None:
        """Housekeeping that must not delay a commit (checkpoints of the write-ahead log); called between turns."""
        ...

    def close(self) -> None: ...


# ---- outbox ----------------------------------------------------------------------------------------------------


class Claimed(Struct, frozen=True):
    """A claim as the outbox keeps it: durable before a socket opens."""

    intent: SendMessage
    partition: int
    attempt: int
    claimed_at: int
    position: int
    """Of the state on which the gate decided."""
    address: str
    """As the channel knows it (kernel/addresses.py), of several devices one on each line; or the URL."""
    permit: str
    """What allowed it, in words, for explain."""
    template: str
    """Digest of the frozen message source (`Outbox.template`); "" for webhooks."""
    frozen: bytes
    """msgpack map: what is rendered from."""
    variant: str = ""
    """Of the message."""
    is_capped: bool = True
    """It counts against caps."""
    is_confirmation: bool = False


class OutboxRow(Struct, frozen=True):
    """One intent as lists and pages show it."""

    intent: SendMessage
    partition: int
    """-1 while it is on the way to another person's."""
    status: str
    """waiting, claimed, sent, refused, rejected, lapsed, held, dropped."""
    attempt: int
    not_before: int
    claimed_at: int | None
    position: int | None
    address: str
    permit: str
    reason: str
    detail: str
    finished_at: int | None
    digest: str = ""
    """Of the bytes that were sent."""
    template: str = ""
    variant: str = ""


class Moved(Struct, frozen=True):
    """Where an intent belongs now, since its person was merged or un-merged."""

    intent: str
    key: str
    """"" while it is on the way."""
    partition: int
    """-1 while it is on the way: nobody claims it."""
    hop: int
    """Of two the higher is right."""


class Verdict(Struct, frozen=True):
    """How an intent ended, or came back to wait (`status` "waiting" with `not_before`)."""

    intent: str
    status: str
    reason: str
    detail: str = ""
    digest: str = ""
    not_before: int = 0


class Outbox(Protocol):
    """Where intents wait; the one road out. Every change is durable on return."""

    def own(self, partition: int) -> int:
        """Take the partition over; returns a token, newer than all before."""
        ...

    def put(self, partition: int, intents: Sequence[SendMessage]) -> None:
        """An id seen before changes nothing. Replayed ones are closed as lapsed with reason "replay", reported."""
        ...

    def moved(self, rows: Sequence[Moved]) -> None:
        """What waits, waits there from now on, and so does what comes back to wait; claims go on. Only a higher hop
        than the one known changes anything. On the way, an intent keeps the key that it had; where it ended meanwhile,
        its outcome is told once more when it has arrived, since nobody had its run before."""
        ...

    def claiming(self, partition: int, token: int) -> "AbstractContextManager[Claiming]":
        """Raises Fenced where the token is not the newest."""
        ...

    def facts(self) -> "Facts":
        """What the gate would be told now, outside of any transaction: for previews, never for a claim."""
        ...

    def next_waiting(self, partition: int, after: int = -1) -> int | None:
        """The earliest not_before, later than `after`, among those that wait."""
        ...

    def claimed(self, channel: str, limit: int = 1000) -> list[Claimed]:
        """Claims not finished and not handed to a deliverer yet (see `hand_off`), the oldest so many, oldest first."""
        ...

    def hand_off(self, intents: Sequence[str], deliverer: str) -> list[str]:
        """Mark claims as begun by this deliverer (durable before a socket opens); returns those still free."""
        ...

    def deliverers(self) -> list[str]:
        """Who has begun claims that are not finished."""
        ...

    def hold_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        """Claims of these channels begun by these deliverers become held. Their processes must be gone: a name is never
        used again, so who is gone once is gone for good, whatever else starts meanwhile."""
        ...

    def retry_orphans(self, gone: Sequence[str], channels: Sequence[str], at_us: int) -> list[str]:
        """As `hold_orphans`, for channels whose receivers drop repeats (webhooks): such claims wait again."""
        ...

    def template(self, digest: str) -> bytes: ...

    def finish(self, verdicts: Sequence[Verdict], at_us: int) -> None:
        """claimed -> sent, rejected, held, or waiting again; of what is not claimed (any more), nothing changes."""
        ...

    def unreported(self, limit: int) -> list[OutboxRow]:
        """Ended or held rows whose outcome does not stand in the log yet."""
        ...

    def reported(self, intents: Sequence[tuple[str, str, str]]) -> None:
        """(intent, status, key) whose outcome now stands in the log, told to this key."""
        ...

    def suppress(self, address: str, reason: str, at_us: int) -> None:
        """Nothing goes there any more; `address` as kernel/addresses.py spells it."""
        ...

    def suppress_all(self, rows: Sequence[tuple[str, str]], at_us: int) -> int:
        """(address, reason) of many at once; returns how many are new."""
        ...

    def release_address(self, address: str) -> bool:
        """It may be written to again; False where it was not suppressed."""
        ...

    def suppressions(self) -> list[tuple[str, str, int]]: ...

    @property
    def coupons(self) -> "Coupons": ...

    def rows(
        self, status: str | None = None, key: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[OutboxRow]:
        """Newest first; `before` is a `due` time to page on."""
        ...

    def row(self, intent: str) -> OutboxRow | None: ...

    def release(self, intents: Sequence[str], at_us: int) -> list[str]:
        """held -> waiting (somebody has looked); returns those that were held."""
        ...

    def drop(self, intents: Sequence[str], reason: str, at_us: int) -> list[str]:
        """held or waiting -> dropped; returns those that were."""
        ...

    def counts(self) -> dict[str, int]:
        """How many rows there are of each status."""
        ...

    def waiting_by_channel(self) -> dict[str, int]:
        """How many intents wait, of channels for which any does; counted one by one."""
        ...

    def per_person(self, since_us: int) -> dict[int, int]:
        """How many people got so many messages, by that number; sent and due since then, webhooks left out."""
        ...

    def close(self) -> None: ...


# ---- quarantine ------------------------------------------------------------------------------------------------


class Quarantined(Struct, frozen=True):
    id: int
    received_at: int
    source: str
    code: str
    """Why, as a word: `unknown_type`, `no_identifier`, `timestamp_absurd`, ..."""
    field: str
    message: str
    body: bytes
    """What came, cut at 64 KiB."""
    size: int
    """Of what came."""
    ref: int = 0
    """Where in the logs the engine refused it (events/derived.py); 0: refused at the door."""
    vouched: tuple[str, ...] = ()
    """Identifiers that a token of the shop's server vouched for when it came; the token is not kept."""
    call: str = ""
    """Digest of all it says but when it was sent, by which it is known when it comes again; "": without messageId. Of
    what was imported it begins so (relay.py: IMPORT)."""


class Quarantine(Protocol):
    """What could not be taken, with its reason; bounded by number, bytes and age (the oldest go first, counted)."""

    def put(self, items: Sequence[Quarantined]) -> None:
        """Durable on return; `id` is given by the quarantine. An item whose `ref` lies at or below the highest position
        of its partition that was put before changes nothing, also where that one is gone; nor does one of the same
        source and `call` as one that is there: a client that sends again what was refused adds nothing."""
        ...

    def rows(self, before: int | None = None, limit: int = 100, code: str = "") -> list[Quarantined]:
        """Newest first, of all or of one code; `before` is an id to page on."""
        ...

    def row(self, id: int) -> Quarantined | None: ...

    def remove(self, ids: Sequence[int]) -> int: ...

    def counts(self) -> dict[str, int]:
        """By code, and `forgotten`: how many the bounds pushed out."""
        ...
