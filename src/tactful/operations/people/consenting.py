"""Consent, proven: what somebody has decided, from the ledger; and whether the ledger is what it was.

Both read beside a running server. The engine commits a decision before it tells the ledger, so what is on its way is
looked for in the store; and after a power cut the ledger may know more than a store that is still reading.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from tactful.consent.ledger import Entry, Fault, entry, first_fault
from tactful.consent.policy import Policy
from tactful.errors import UsageError
from tactful.events.derived import ConsentChanged, decode_groups
from tactful.kernel.fragments import entry_of
from tactful.kernel.state import PartitionState, decode_partition
from tactful.operations.doctor import Finding
from tactful.operations.people import persons
from tactful.operations.people.finding import candidates, unknown
from tactful.operations.places import States, state_of
from tactful.runtime.keeping import Ledger
from tactful.runtime.ports import Log
from tactful.runtime.settings import ConsentSettings
from tactful.values import format_time

_NOTHING_DECLARED = (
    "no purpose is declared: messages go to who agreed to theirs, and events are kept of everybody (docs/consent.md)"
)
_OTHERWISE = {"anonymous": "kept without identifiers", "count": "only counted", "drop": "dropped"}
_VERDICTS = {
    "anonymous": "events kept without identifiers, for want of consent",
    "count": "only counted, for want of consent",
    "drop": "dropped",
    "quarantine": "put into the quarantine",
}
PAGE = 10_000
"""Entries read at once."""


class Decision(Struct, frozen=True, rename="camel"):
    """One entry of the ledger, for people."""

    decided_at: str
    identifier: str
    """That decided; of one person there may be several."""
    purpose: str
    granted: bool
    text_version: str
    source: str
    origin: str
    """How it was said: `api`, `unsubscribe`, `confirm`, `gpc`, `categories`, ..."""
    recorded_at: str
    entry: str
    """Partition and number in its ledger."""
    commitment: str
    """In hexadecimal digits; with the salt it can be computed again (docs/consent.md)."""
    salt: str


class Checked(Struct, frozen=True):
    """One partition's ledger: its entries, how many of them are of people who were erased, and the first fault."""

    partition: int
    entries: int
    erased: int
    fault: Fault | None


# ---- what somebody decided -------------------------------------------------------------------------------------------


def decisions(text: str, ledger: Ledger, states: Sequence[States]) -> list[Decision]:
    """Everything that the identifiers of a person decided, oldest first. UsageError for somebody never heard of."""
    found = persons.find(text, states)
    if found is None:
        # Somebody may have decided and nothing else, or not be known any more.
        entries = next((entries for key in candidates(text) if (entries := ledger.of([key]))), None)
        if entries is None:
            raise UsageError(unknown(text))
        return [_decision(partition, one) for partition, one in entries]
    keys = dict.fromkeys((found.asked, found.profile.key, *map(entry_of, found.profile.fragments)))
    return [_decision(partition, one) for partition, one in ledger.of(list(keys))]


def _decision(partition: int, one: Entry) -> Decision:
    said = one.opening
    assert said is not None, "found by its opening"
    return Decision(
        format_time(said.timestamp),
        said.key,
        said.purpose,
        said.granted,
        said.text_version,
        said.source,
        said.origin,
        format_time(said.at),
        f"{partition}/{one.number}",
        one.commitment.hex(),
        said.salt.hex(),
    )


# ---- what the doctor says -------------------------------------------------------------------------------------------


def check(consent: ConsentSettings) -> list[Finding]:
    """What the settings ask people for."""
    if not consent.purposes:
        return [Finding("note", "consent", _NOTHING_DECLARED)]
    found = [Finding("good", "consent", f"purposes: {', '.join(sorted(consent.purposes))}")]
    if consent.collect:
        text = f"events are kept of who permits {consent.collect}; of others: {_OTHERWISE[consent.otherwise]}"
        found.append(Finding("good", "consent", text))
    else:
        found.append(Finding("note", "consent", "events are kept of everybody: [consent] collect names no purpose"))
    return found


def refused(partitions: Iterable[PartitionState]) -> Counter[str]:
    """How many events were not kept as they came, by verdict."""
    counts: Counter[str] = Counter()
    for state in partitions:
        counts.update(state.verdicts)
    return counts


def unkept(counts: Mapping[str, int], policy: Policy) -> str:
    """Why somebody who has sent events may be nobody here; "" where consent has kept none out."""
    number = counts.get(policy.otherwise, 0) if policy.collect else 0
    if not number:
        return ""
    those = "1 that came in without that was" if number == 1 else f"{number:,} that came in without that were"
    return (
        f"events are kept of who permits {policy.collect} ([consent] collect); {those} {_OTHERWISE[policy.otherwise]}"
    )


def look(states: Sequence[States]) -> list[Finding]:
    """How many events were not kept as they came."""
    counts = refused(state_of(store) for store in states)
    told = [f"{counts[verdict]:,} {text}" for verdict, text in _VERDICTS.items() if counts[verdict]]
    return [Finding("note", "not kept", ", ".join(told))] if told else []


# ---- whether it is what it was ---------------------------------------------------------------------------------------


def verify(ledger: Ledger, states: Sequence[States], log: Log) -> Iterator[Checked]:
    """Compute every chain again, compare openings with commitments, and both with what the engine remembers."""
    for partition, store in enumerate(states):
        yield _check(partition, ledger, store, log)


def _check(partition: int, ledger: Ledger, store: States, log: Log) -> Checked:
    point = store.checkpoint()
    remembered = decode_partition(point.partition_state) if point.partition_state else PartitionState(partition, 0)
    # A worker tells of a commit before it makes the next, so only the rows of the last one may be on their way.
    coming = {
        row.number: entry(row)
        for _, last, blob in store.derived()
        if last == point.position
        for group in decode_groups(blob)
        for row in group.rows
        if isinstance(row, ConsentChanged) and row.number
    }
    counts = [0, 0]
    found = _entries(partition, ledger, coming, remembered.decisions, counts)
    fault = first_fault(found, remembered.ledger, remembered.decisions)
    end = ledger.end(partition)
    later = store.checkpoint()
    now = decode_partition(later.partition_state).decisions if later.partition_state else 0
    if fault is None and end > now and later.position >= log.end(partition):
        fault = Fault(now + 1, f"the engine remembers {now} entries, the ledger goes on to {end}")
    return Checked(partition, counts[0], counts[1], fault)


def _entries(partition: int, ledger: Ledger, coming: dict[int, Entry], last: int, counts: list[int]) -> Iterator[Entry]:
    """Up to the last that is remembered; those that the ledger has not heard of yet as they will be told."""
    number = 0
    for first in range(1, last + 1, PAGE):
        for one in ledger.entries(partition, first, min(first + PAGE - 1, last)):
            number = one.number
            counts[0] += 1
            counts[1] += one.opening is None
            yield one
    while number < last and (following := coming.get(number + 1)) is not None:
        number += 1
        yield following
