"""The port Ledger, over every adapter."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tactful.adapters.sqlite.ledger import SqliteLedger
from tactful.consent.ledger import first_fault
from tactful.errors import UsageError
from tests.contracts.conftest import LedgerMaker
from tests.contracts.values import decided


def test_what_was_appended_is_there_once_and_in_order(open_ledger: LedgerMaker) -> None:
    ledger = open_ledger()
    entries = decided("u:1", "a:2", "u:1", "u:3", "u:1")
    other = decided("u:1")
    ledger.append(0, entries[:3])
    ledger.append(1, other)
    ledger.append(0, entries[1:4])
    ledger.append(0, entries[:2])
    ledger.append(0, [])
    ledger.append(0, entries)
    for view in (ledger, open_ledger()):
        assert view.entries(0, 1, 99) == entries
        assert (view.entries(0, 2, 3), view.entries(0, 9, 12), view.entries(7, 1, 9)) == (entries[1:3], [], [])
        assert (view.end(0), view.end(1), view.end(2)) == (5, 1, 0)
        assert view.of(["u:1", "a:2"]) == [(0, entries[0]), (1, other[0]), *[(0, entries[n]) for n in (1, 2, 4)]]
        assert (view.of(["u:9"]), view.of([])) == ([], [])


def test_a_gap_is_refused_and_changes_nothing(open_ledger: LedgerMaker) -> None:
    ledger = open_ledger()
    entries = decided("u:1", "u:2", "u:3", "u:4")
    for gap in (entries[1:], [entries[0], entries[2]]):
        with pytest.raises(UsageError, match="backup"):
            ledger.append(0, gap)
    assert ledger.end(0) == 0
    ledger.append(0, entries[:2])
    with pytest.raises(UsageError, match="ends with entry 2, the next to be written is 4"):
        ledger.append(0, entries[3:])
    assert ledger.entries(0, 1, 9) == entries[:2]


def test_another_history_is_refused(open_ledger: LedgerMaker) -> None:
    """The ledger of one backup, the states of another."""
    ledger = open_ledger()
    entries, others = decided("u:1", "u:2", "u:3"), decided("u:1", "u:9", "u:3", "u:4")
    ledger.append(0, entries)
    for apart in (others[1:2], others[:3], others[3:], others):
        with pytest.raises(UsageError, match="does not belong to the states"):
            ledger.append(0, apart)
    assert ledger.entries(0, 1, 9) == entries


def test_who_is_forgotten_leaves_the_chain_whole(open_ledger: LedgerMaker) -> None:
    ledger = open_ledger()
    entries = decided("u:1", "a:2", "u:1", "u:3")
    ledger.append(0, entries)
    ledger.append(1, decided("u:1"))
    assert ledger.forget(["u:1", "a:2", "u:77"]) == 4
    assert ledger.forget(["u:1"]) == 0
    assert ledger.forget([]) == 0
    ledger.append(0, entries)
    left = open_ledger().entries(0, 1, 9)
    assert left == [*(replace(one, opening=None) for one in entries[:3]), entries[3]], "told again, nothing comes back"
    assert first_fault(left, entries[-1].chain, 4) is None
    assert (ledger.of(["u:1", "a:2"]), ledger.of(["u:3"])) == ([], [(0, entries[3])])
    more = decided("u:1", "a:2", "u:1", "u:3", "u:5")
    ledger.append(0, more[4:])
    assert ledger.end(0) == 5


def test_nothing_of_who_is_forgotten_is_left_in_the_files(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    # So many that whole pages of the file become free.
    ledger.append(0, decided(*[f"u:planted-{n}" for n in range(500)], *[f"u:kept-{n}" for n in range(50)]))
    salts = [one.opening.salt for one in ledger.entries(0, 1, 500) if one.opening]
    assert len(salts) == 500

    def found(needle: bytes) -> bool:
        return any(needle in path.read_bytes() for path in tmp_path.iterdir())

    assert found(b"planted") and found(salts[7])
    ledger.forget([f"u:planted-{n}" for n in range(500)])
    assert not found(b"planted")
    assert not any(found(salt) for salt in salts)
    assert found(b"kept")
    ledger.close()
    assert not found(b"planted")
