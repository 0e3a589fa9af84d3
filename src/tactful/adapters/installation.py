"""Installation: the house (runtime/house.py) on one machine, a data folder with SQLite in it.

installation.json   how many partitions, and a name that no other has; fixed when the folder is made
keys.json           of signed links; for the owner only        web_push.pem  likewise, of web push
log/  store/  trail/  outbox.db  quarantine.db  ledger.db
office.db           accounts, tokens, audit, revisions; for the owner only
mail/               the local outbox        run/   bells        lock   held by whoever runs on it
"""

import json
import secrets
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tactful.adapters.bells import SocketBells
from tactful.adapters.secrets import write_private
from tactful.adapters.sqlite.connection import NotMadeYet
from tactful.adapters.sqlite.ledger import SqliteLedger
from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.office import SqliteOffice
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.quarantine import SqliteQuarantine
from tactful.adapters.sqlite.seeds import SqliteSeeds
from tactful.adapters.sqlite.store import SqliteStore
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.errors import UsageError
from tactful.kernel.state import PlanState, decode_partition
from tactful.operations.definitions.publish import published
from tactful.operations.upkeep.soundness import look_over, refuse_missing
from tactful.runtime.ports import Checkpoint, Clock
from tactful.runtime.settings import Settings
from tactful.runtime.settings_channels import slots_of
from tactful.runtime.worker import Worker
from tactful.values import DAY_US

T = TypeVar("T")
FORMAT = 5
"""Of the data folder; 1 kept the counts of a smaller language, 3 runs that could only wait once, 4 derived rows that do
not say all that the history needs."""


class Installation:
    """What is opened is opened on first use."""

    def __init__(self, data: Path, settings: Settings, clock: Clock, *, read_only: bool) -> None:
        self.data = data
        self.settings = settings
        self.clock = clock
        self._read_only = read_only
        described = data / "installation.json"
        self._was_there = described.exists()
        self.is_office_lost = False
        """The folder was there and its office was not, before it was looked over."""
        if not self._was_there:
            if read_only:
                raise UsageError(f"{data} is no data folder of Tactful; `tactful up` makes one")
            _make(data, settings.engine.partitions)
            write_private(described, json.dumps(_described(settings.engine.partitions)))
        found, self.partitions, self.name = _read(
            described, lambda values: (int(values["format"]), int(values["partitions"]), str(values.get("name", "")))
        )
        if found != FORMAT:
            raise UsageError(_other_format(data, found))
        self._stores: dict[int, SqliteStore] = {}

    @cached_property
    def log(self) -> SqliteLog:
        return SqliteLog(self.data / "log", self.partitions, self.clock, read_only=self._read_only)

    @cached_property
    def outbox(self) -> SqliteOutbox:
        return SqliteOutbox(self.data / "outbox.db", read_only=self._read_only)

    @cached_property
    def trail(self) -> SqliteTrail:
        return SqliteTrail(self.data / "trail", read_only=self._read_only)

    @cached_property
    def quarantine(self) -> SqliteQuarantine:
        limits = self.settings.limits
        return SqliteQuarantine(
            self.data / "quarantine.db",
            items=limits.quarantine_items,
            size=limits.quarantine_bytes,
            age_us=limits.quarantine_days * DAY_US,
            read_only=self._read_only,
        )

    @cached_property
    def ledger(self) -> SqliteLedger:
        return SqliteLedger(self.data / "ledger.db", read_only=self._read_only)

    @cached_property
    def office(self) -> SqliteOffice:
        return SqliteOffice(self.data / "office.db", read_only=self._read_only)

    @cached_property
    def seeds(self) -> SqliteSeeds:
        return SqliteSeeds(self.data / "seeds", self.clock)

    @cached_property
    def bells(self) -> SocketBells:
        groups = {"deliver": self.deliver_bells, "watch": ["watch", "archive"], "plan": ["plan", "survey"]}
        return SocketBells(self.data / "run", groups)

    def store(self, partition: int) -> SqliteStore:
        if partition not in self._stores:
            self._stores[partition] = SqliteStore(self.data / "store", partition, read_only=True)
        return self._stores[partition]

    def stores(self) -> Sequence[SqliteStore]:
        return [self.store(partition) for partition in range(self.partitions)]

    def plan(self, partition: int) -> PlanState | None:
        """The plan in force in a partition; None before the first, or before its worker has made the store."""
        try:
            return published(self.store(partition))
        except NotMadeYet:
            return None

    def worker(self, partition: int, clock: Clock, *, claims: bool = True) -> Worker:
        slots = slots_of(self.settings.channels) if claims else {}
        store = SqliteStore(self.data / "store", partition)
        most = self.settings.limits.mails_per_address
        ports = (self.log, store, self.outbox, self.trail, self.quarantine, self.ledger, self.bells)
        return Worker(partition, *ports, clock, slots, mails_per_address=most, seeds=self.seeds)

    @property
    def deliver_bells(self) -> list[str]:
        """One for each process that sends; `deliver` rings them all."""
        return ["deliver", *(f"deliver-{number}" for number in range(1, self.settings.engine.deliverers))]

    def web_push_key(self) -> str:
        """The private key by which push services know us (PEM, P-256); made on first use, readable by the owner only.
        Browsers subscribe with its public half: another key would be another sender to them."""
        path = self.data / "web_push.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
            write_private(path, text)
        return path.read_text(encoding="ascii")

    def link_keys(self) -> dict[int, bytes]:
        """Keys of signed links by version; made on first use, readable by the owner only."""
        path = self.data / "keys.json"
        if not path.exists():
            write_private(path, json.dumps({"links": {"1": secrets.token_hex(64)}}))
        return _read(path, lambda values: {int(number): bytes.fromhex(key) for number, key in values["links"].items()})

    def look_over(self) -> None:
        """Before anything runs on it: raises UsageError or TransientError where the files do not belong together."""
        points = [self._checkpoint(partition) for partition in range(self.partitions)]
        positions = [point.position for point in points]
        refuse_missing(self.data / "outbox.db", positions)
        states = [decode_partition(point.partition_state) for point in points if point.partition_state]
        refuse_missing(self.data / "ledger.db", [state.decisions for state in states])
        # Looked into without making what is missing.
        log = SqliteLog(self.data / "log", self.partitions, self.clock, read_only=True)
        look_over(self.data, log, positions, self.outbox, self.trail, self.quarantine)
        log.close()
        self.link_keys()
        self.web_push_key()
        self.is_office_lost = self._was_there and not (self.data / "office.db").exists()
        self.office.accounts.all()  # Made where it is missing, before whoever only reads asks for it.

    def _checkpoint(self, partition: int) -> Checkpoint:
        try:
            return self.store(partition).checkpoint()
        except NotMadeYet:
            return Checkpoint(0, 0, b"")

    def close(self) -> None:
        for name in ("log", "outbox", "trail", "quarantine", "ledger", "office", "seeds", "bells"):
            if name in self.__dict__:
                self.__dict__[name].close()
        for store in self._stores.values():
            store.close()


def _make(data: Path, partitions: int) -> None:
    """States and the ledger, empty: what only reads is told that nothing has happened yet, and not that files are
    missing. Written before installation.json, without which the folder is none."""
    data.mkdir(parents=True, exist_ok=True)
    for partition in range(partitions):
        SqliteStore(data / "store", partition).close()
    SqliteLedger(data / "ledger.db").close()


def _described(partitions: int) -> dict[str, object]:
    return {"format": FORMAT, "partitions": partitions, "name": secrets.token_hex(8)}


def _other_format(data: Path, found: int) -> str:
    if found > FORMAT:
        return f"{data} was made by a newer version of Tactful (format {found}, this one reads {FORMAT}); install that"
    return (
        f"{data} was made by an older version of Tactful (format {found}), whose states this one cannot read. "
        "Name a new folder with --data and bring the history in with `tactful import --replay`; nothing was changed."
    )


def _read(path: Path, take: Callable[[Any], T]) -> T:
    """What stands in a small file of ours; UsageError where somebody else, or a disk, has written into it."""
    try:
        return take(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is damaged ({error}). Put back a backup of it; nothing was changed.") from None
