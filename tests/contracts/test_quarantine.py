"""The port Quarantine, over every adapter. The bounds of these: 10 items, 200,000 bytes, 1,000 microseconds."""

from msgspec.structs import replace

from tactful.events.derived import ref
from tests.contracts.conftest import QuarantineMaker
from tests.contracts.values import quarantined


def test_items_get_ids_and_are_listed_newest_first(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([quarantined(1, body=b"one"), quarantined(2, code="unknown_type", body=b"two")])
    quarantine.put([quarantined(3, body=b"three")])
    for view in (quarantine, open_quarantine()):
        rows = view.rows()
        assert [(row.id, row.body, row.code) for row in rows] == [
            (3, b"three", "no_identifier"),
            (2, b"two", "unknown_type"),
            (1, b"one", "no_identifier"),
        ]
        assert [row.id for row in view.rows(code=rows[0].code)] == [row.id for row in rows if row.code == rows[0].code]
        assert view.rows(code="nothing_of_the_kind") == []
        assert (view.rows(before=3, limit=1), view.row(2), view.row(9)) == ([rows[1]], rows[1], None)
        assert view.counts() == {"no_identifier": 2, "unknown_type": 1, "forgotten": 0}


def test_items_are_removed_by_hand(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([quarantined(1), quarantined(2), quarantined(3)])
    assert quarantine.remove([3, 1, 77]) == 2
    assert [row.id for row in quarantine.rows()] == [2]
    quarantine.put([quarantined(4)])
    assert [row.id for row in quarantine.rows()] == [4, 2], "an id is never used again"
    assert quarantine.counts() == {"no_identifier": 2, "forgotten": 0}


def test_it_is_bounded_in_number(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([quarantined(n, body=b"%d" % n) for n in range(14)])
    assert [row.body for row in quarantine.rows()] == [b"%d" % n for n in reversed(range(4, 14))]
    assert quarantine.counts()["forgotten"] == 4


def test_it_is_bounded_in_bytes(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([quarantined(n, body=b"%d" % n * 150_000) for n in range(6)])
    rows = quarantine.rows()
    assert [(row.id, len(row.body), row.size) for row in rows] == [
        (6, 65_536, 150_000),
        (5, 65_536, 150_000),
        (4, 65_536, 150_000),
    ]
    assert quarantine.counts() == {"no_identifier": 3, "forgotten": 3}


def test_it_is_bounded_in_age(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([quarantined(100), quarantined(200)])
    quarantine.put([quarantined(1_150)])
    assert [row.received_at for row in quarantine.rows()] == [1_150, 200]
    assert quarantine.counts() == {"no_identifier": 2, "forgotten": 1}


def test_what_the_engine_refused_is_put_once(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    here, there = [ref(0, position) for position in (5, 6, 7)], ref(1, 5)
    quarantine.put([quarantined(1, ref=here[0], body=b"a"), quarantined(1, ref=here[0], body=b"b"), quarantined(1)])
    assert quarantine.remove([2]) == 1
    again = open_quarantine()
    again.put([quarantined(1, ref=here[0], body=b"a"), quarantined(1, ref=here[0], body=b"b")])
    assert [row.body for row in again.rows()] == [b"{}", b"a"], "also what somebody took away stays away"
    again.put([quarantined(1, ref=number, body=b"%d" % number) for number in (*here, there)])
    again.put([quarantined(1, ref=here[1]), quarantined(1)])
    assert [row.ref for row in quarantine.rows()] == [0, there, here[2], here[1], 0, here[0]]


def test_what_was_vouched_for_is_kept(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([replace(quarantined(1), vouched=("u:1", "e:ada@example.com"))])
    assert open_quarantine().rows()[0].vouched == ("u:1", "e:ada@example.com")


def test_what_is_sent_again_while_it_stands_there_adds_nothing(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    first = replace(quarantined(1, body=b"first"), call="m1")
    quarantine.put([first, replace(first, body=b"within one put")])
    again = open_quarantine()
    again.put([replace(first, body=b"again"), replace(first, source="other"), replace(first, call="m2")])
    again.put([replace(first, call="", body=b"unnamed"), replace(first, call="", body=b"unnamed")])
    rows = quarantine.rows()
    assert [(row.source, row.call, row.body) for row in rows] == [
        ("shop", "", b"unnamed"),
        ("shop", "", b"unnamed"),
        ("shop", "m2", b"first"),
        ("other", "m1", b"first"),
        ("shop", "m1", b"first"),
    ]
    assert quarantine.counts() == {"no_identifier": 5, "forgotten": 0}
    quarantine.remove([rows[-1].id])
    quarantine.put([replace(first, body=b"after it was worked off")])
    assert quarantine.rows()[0].body == b"after it was worked off"


def test_what_adds_nothing_was_told_of_all_the_same(open_quarantine: QuarantineMaker) -> None:
    quarantine = open_quarantine()
    quarantine.put([replace(quarantined(1), call="m1")])
    told = replace(quarantined(2, ref=ref(0, 5)), call="m1")
    quarantine.put([told])
    quarantine.remove([row.id for row in quarantine.rows()])
    quarantine.put([told])
    assert quarantine.rows() == []
