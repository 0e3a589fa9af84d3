"""The tables of DATA/outbox.db, and how a row becomes what the port speaks of.

`status` is one of waiting, claimed, sent, refused, rejected, lapsed, held, dropped. `unreported` is 1 until the outcome
of an ended or held row stands in the log, then NULL, so that its index stays small; the same goes for the indexes of
what waits and of what is claimed. `hop` counts how often the intent went to another person's (Outbox.moved). `inbox` is
what a claim is counted by beside its person (kernel/addresses.py); where it goes to devices, of which there may be
several, they stand in `device`. `parked` is the `not_before` that what a switch holds back had. `tally` is kept by
triggers: nobody counts millions of rows for a page.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tactful.adapters.sqlite.connection import Schema, Tuning
from tactful.events.derived import SendMessage
from tactful.runtime.claiming import Waiting
from tactful.runtime.ports import Claimed, OutboxRow

SCHEMA = Schema(
    "outbox",
    0x7AC7_0003,
    (
        (
            """
            CREATE TABLE intent (
              id INTEGER PRIMARY KEY,
              intent TEXT NOT NULL UNIQUE,
              partition INTEGER NOT NULL,
              key TEXT NOT NULL,
              journey TEXT NOT NULL,
              channel TEXT NOT NULL,
              due INTEGER NOT NULL,
              status TEXT NOT NULL,
              attempt INTEGER NOT NULL DEFAULT 1,
              not_before INTEGER NOT NULL,
              claimed_at INTEGER,
              position INTEGER,
              address TEXT NOT NULL DEFAULT '',
              permit TEXT NOT NULL DEFAULT '',
              template TEXT NOT NULL DEFAULT '',
              deliverer TEXT NOT NULL DEFAULT '',
              reason TEXT NOT NULL DEFAULT '',
              detail TEXT NOT NULL DEFAULT '',
              digest TEXT NOT NULL DEFAULT '',
              finished_at INTEGER,
              unreported INTEGER,
              message BLOB NOT NULL,
              frozen BLOB NOT NULL DEFAULT x'')
            """,
            "CREATE INDEX waiting_by_channel ON intent (partition, channel, not_before) WHERE status = 'waiting'",
            "CREATE INDEX waiting_by_time ON intent (partition, not_before) WHERE status = 'waiting'",
            "CREATE INDEX claimed_by_channel ON intent (channel, claimed_at) WHERE status = 'claimed'",
            "CREATE INDEX counted_by_key ON intent (journey, key, claimed_at) WHERE claimed_at IS NOT NULL",
            "CREATE INDEX counted_by_address ON intent (journey, address, claimed_at) WHERE claimed_at IS NOT NULL",
            "CREATE INDEX not_reported ON intent (unreported) WHERE unreported IS NOT NULL",
            "CREATE INDEX by_due ON intent (due)",
            "CREATE INDEX by_status ON intent (status, due)",
            "CREATE INDEX by_key ON intent (key, due)",
            "CREATE TABLE tally (status TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
            """
            CREATE TRIGGER tally_new AFTER INSERT ON intent BEGIN
              INSERT INTO tally VALUES (new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
            END
            """,
            """
            CREATE TRIGGER tally_moved AFTER UPDATE OF status ON intent WHEN old.status <> new.status BEGIN
              UPDATE tally SET number = number - 1 WHERE status = old.status;
              INSERT INTO tally VALUES (new.status, 1) ON CONFLICT DO UPDATE SET number = number + 1;
            END
            """,
            "CREATE TABLE template (digest TEXT PRIMARY KEY, source BLOB NOT NULL) WITHOUT ROWID",
            """
            CREATE TABLE suppression (
              address TEXT PRIMARY KEY, reason TEXT NOT NULL, at_us INTEGER NOT NULL) WITHOUT ROWID
            """,
            "CREATE TABLE owner (partition INTEGER PRIMARY KEY, token INTEGER NOT NULL)",
        ),
        (
            "ALTER TABLE intent ADD COLUMN hop INTEGER NOT NULL DEFAULT 0",
            # What is counted by address is counted by e-mail address, over one journey or over all.
            "DROP INDEX counted_by_address",
            """
            CREATE INDEX counted_by_address ON intent (address, claimed_at)
            WHERE claimed_at IS NOT NULL AND channel = 'email'
            """,
        ),
        (
            "ALTER TABLE intent ADD COLUMN inbox TEXT NOT NULL DEFAULT ''",
            "UPDATE intent SET inbox = address WHERE claimed_at IS NOT NULL AND channel = 'email'",
            "DROP INDEX counted_by_address",
            """
            CREATE INDEX counted_by_inbox ON intent (inbox, claimed_at)
            WHERE claimed_at IS NOT NULL AND channel = 'email'
            """,
        ),
        (
            "ALTER TABLE intent ADD COLUMN priority INTEGER NOT NULL DEFAULT 50",
            "ALTER TABLE intent ADD COLUMN variant TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE intent ADD COLUMN is_capped INTEGER NOT NULL DEFAULT 1",
            "ALTER TABLE intent ADD COLUMN is_confirmation INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE intent ADD COLUMN parked INTEGER",
            # Within one decision the more important goes first.
            "DROP INDEX waiting_by_channel",
            """
            CREATE INDEX waiting_by_channel ON intent (partition, channel, priority, not_before)
            WHERE status = 'waiting'
            """,
            "CREATE INDEX parked_by_partition ON intent (partition) WHERE parked IS NOT NULL AND status = 'waiting'",
            # Caps count over all journeys, and by the address of any channel.
            "DROP INDEX counted_by_key",
            "CREATE INDEX counted_by_person ON intent (key, claimed_at) WHERE claimed_at IS NOT NULL",
            "DROP INDEX counted_by_inbox",
            """
            CREATE INDEX counted_by_inbox ON intent (inbox, claimed_at) WHERE claimed_at IS NOT NULL AND inbox <> ''
            """,
            "CREATE TABLE device (spelling TEXT, id INTEGER, PRIMARY KEY (spelling, id)) WITHOUT ROWID",
            """
            CREATE TABLE coupon (
              id INTEGER PRIMARY KEY, pool TEXT NOT NULL, code TEXT NOT NULL, owner TEXT, intent TEXT, at_us INTEGER,
              UNIQUE (pool, code))
            """,
            "CREATE INDEX coupon_free ON coupon (pool, id) WHERE owner IS NULL",
            "CREATE INDEX coupon_given ON coupon (pool, owner, at_us) WHERE owner IS NOT NULL",
        ),
    ),
)
TUNING = Tuning("FULL", cache_bytes=8 << 20)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SendMessage)

WAITING = "message, key, partition, attempt, not_before"
CLAIMED = (
    "message, key, partition, attempt, claimed_at, position, address, permit, template, frozen, variant, is_capped, "
    "is_confirmation"
)
ROW = (
    "message, key, partition, status, attempt, not_before, claimed_at, position, address, permit, reason, detail, "
    "finished_at, digest, template, variant"
)


def packed(intent: SendMessage) -> bytes:
    return _encoder.encode(intent)


def as_waiting(row: Any) -> Waiting:
    return Waiting(_intent(row), *row[2:])


def as_claimed(row: Any) -> Claimed:
    *values, is_capped, is_confirmation = row[2:]
    return Claimed(_intent(row), *(*values, bool(is_capped), bool(is_confirmation)))


def as_row(row: Any) -> OutboxRow:
    return OutboxRow(_intent(row), *row[2:])


def _intent(row: Any) -> SendMessage:
    """As it was put; of one that was moved, with the key that it has now."""
    intent = _decoder.decode(row[0])
    return intent if intent.key == row[1] else replace(intent, key=row[1])
