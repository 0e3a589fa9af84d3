"""Bounced mail from a pipe, a file, an mbox or a maildir: what it tells goes into the log, and bad addresses are
suppressed (`tactful bounces`). The same mail taken again changes nothing.
"""

import mailbox
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tactful.events.identifiers import partition_of
from tactful.events.records import encode
from tactful.messages.links import returned
from tactful.messages.reports.returned import read
from tactful.runtime.house import House
from tactful.runtime.reporting import reported

MAIL_BYTES = 10 * 1024 * 1024
"""More of one mail is not read."""
NOTHING, UNKNOWN = "no bounce", "unknown"


def mails(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Of a maildir, an mbox, a file with one mail, or of `stream` for `-`. Raises OSError."""
    if str(path) == "-":
        yield _without_from(stream.read(MAIL_BYTES))
    elif path.is_dir():
        for folder in ("new", "cur"):
            for one in sorted((path / folder).iterdir()) if (path / folder).is_dir() else ():
                yield _head(one)
    else:
        with path.open("rb") as file:
            is_mbox = file.read(5) == b"From "
        if not is_mbox:
            yield _head(path)
            return
        box = mailbox.mbox(path, create=False)
        try:
            for key in box.iterkeys():
                yield box.get_bytes(key)[:MAIL_BYTES]
        finally:
            box.close()


def take(house: House, mail: bytes, recipient: str, told: Counter[str]) -> None:
    """One mail; what it told is counted by name. Durable on return."""
    keys = house.link_keys()
    report = read(mail, lambda address: returned(keys, address), recipient)
    if report is None:
        told[NOTHING] += 1
        return
    now_us = house.clock.now_us()
    found = reported(house.outbox, [report], now_us)
    if found.unknown:
        told[UNKNOWN] += 1
        return
    for address, reason in found.suppressed:
        house.outbox.suppress(address, reason, now_us)
    by_partition: dict[int, list[bytes]] = {}
    for record in found.records:
        by_partition.setdefault(partition_of(record.key, house.log.partitions), []).append(encode(record))
    house.log.append(by_partition)
    for partition in by_partition:
        house.bells.ring(f"work-{partition}")
    kind = f" ({report.response.kind})" if report.response.kind else ""
    told[report.response.name + kind] += 1


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAIL_BYTES)


def _without_from(mail: bytes) -> bytes:
    """A pipe may bring the line that separates mails of an mbox."""
    return mail.partition(b"\n")[2] if mail.startswith(b"From ") else mail
