"""The consent ledger: what it notices."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tactful.consent.ledger import Entry, commitment, entry, first_fault, link, plain_salt
from tactful.events.derived import ConsentChanged

HOUR_US = 3_600_000_000


def written(decisions: int, partition: int = 0) -> list[Entry]:
    """A ledger as step() writes it."""
    chain, entries = b"", []
    for number in range(1, decisions + 1):
        salt = plain_salt(f"m{number}", number << 10 | partition)
        said = ("u:1", "marketing.email", number % 2 == 0, number * HOUR_US, number * HOUR_US + 1, "v2", "api", "web")
        chain = link(chain, number, commitment(salt, *said, number))
        key, purpose, granted, timestamp, at, text, origin, source = said
        row = ConsentChanged(
            at,
            purpose,
            granted,
            origin,
            text,
            number=number,
            key=key,
            timestamp=timestamp,
            source=source,
            salt=salt,
            chain=chain,
        )
        entries.append(entry(row))
    return entries


def head(entries: list[Entry]) -> bytes:
    return entries[-1].chain if entries else b""


@given(st.integers(0, 8))
def test_what_was_written_is_in_order(decisions: int) -> None:
    entries = written(decisions)
    assert first_fault(entries, head(entries), decisions) is None


@given(st.data())
def test_whatever_is_altered_shows_where(data: st.DataObject) -> None:
    entries = written(6)
    at = data.draw(st.integers(0, 5))
    opening = entries[at].opening
    assert opening is not None
    altered = data.draw(
        st.sampled_from(
            [
                replace(opening, granted=not opening.granted),
                replace(opening, key="u:2"),
                replace(opening, purpose="marketing.sms"),
                replace(opening, timestamp=opening.timestamp - 1),
                replace(opening, at=opening.at + 1),
                replace(opening, text_version="v1"),
                replace(opening, origin="unsubscribe"),
                replace(opening, source="app"),
                replace(opening, salt=b""),
            ]
        )
    )
    forged = [*entries[:at], replace(entries[at], opening=altered), *entries[at + 1 :]]
    fault = first_fault(forged, head(entries), 6)
    assert fault is not None and fault.number == at + 1


def test_a_thorough_forger_is_told_by_the_head() -> None:
    """Everything from an entry on written anew, so that the ledger agrees with itself."""
    entries = written(5)
    chain, forged = b"", []
    for number, one in enumerate(entries, 1):
        assert one.opening is not None
        opening = replace(one.opening, granted=True)
        said = (opening.key, opening.purpose, True, opening.timestamp, opening.at, "v2", "api", "web")
        sealed = commitment(opening.salt, *said, number)
        chain = link(chain, number, sealed)
        forged.append(Entry(number, sealed, chain, opening))
    fault = first_fault(forged, head(entries), 5)
    assert fault is not None and "the engine remembers" in fault.reason


def test_an_entry_taken_out_or_put_elsewhere() -> None:
    entries = written(5)
    for without in ([*entries[:2], *entries[3:]], [*entries[:2], entries[3], entries[2], entries[4]]):
        fault = first_fault(without, head(entries), 5)
        assert fault is not None and fault.number == 3


def test_a_tail_cut_off_and_one_too_many() -> None:
    entries = written(5)
    cut = first_fault(entries[:3], head(entries), 5)
    assert cut is not None and cut.number == 4 and "ends with entry 3" in cut.reason
    more = first_fault(entries, entries[3].chain, 4)
    assert more is not None and more.number == 5


def test_erased_people_leave_the_chain_whole() -> None:
    entries = written(5)
    erased = [replace(one, opening=None) if one.number in (2, 4) else one for one in entries]
    assert first_fault(erased, head(entries), 5) is None
    assert (
        first_fault([*erased[:1], replace(erased[1], commitment=b"x" * 32), *erased[2:]], head(entries), 5) is not None
    )


def test_two_equal_decisions_do_not_look_alike() -> None:
    said = ("u:1", "marketing.email", True, HOUR_US, HOUR_US, "v2", "api", "web")
    one, other = plain_salt("m1", 5), plain_salt("m2", 6)
    assert commitment(one, *said, 1) != commitment(other, *said, 1)
    assert commitment(one, *said, 1) != commitment(one, *said, 2)
    assert len(commitment(one, *said, 1)) == len(link(b"", 1, b"x" * 32)) == 32
