"""`tactful consent`: what somebody decided, and whether anybody has been at the ledger."""

import pytest
from msgspec.structs import replace

from tactful.consent.ledger import Entry, committed, link
from tactful.errors import TransientError, UsageError
from tactful.operations.people.consenting import check, decisions, look, verify
from tactful.runtime.settings import ConsentSettings, PurposeSettings, Settings, plan_settings
from tests.operations.engine import Engine
from tests.operations.test_relay import failing


def decided(engine: Engine, count: int = 12) -> None:
    engine.publish({})
    for n in range(count):
        engine.take(engine.consent(f"u:{n % 3}", "marketing.email", granted=n % 2 == 0, text=f"v{n}"))
    engine.run()


def faults(engine: Engine) -> dict[int, tuple[int, str]]:
    found = verify(engine.ledger, engine.stores, engine.log)
    return {one.partition: (one.fault.number, one.fault.reason) for one in found if one.fault is not None}


def test_an_untouched_ledger_is_whole() -> None:
    engine = Engine(2)
    assert faults(engine) == {}
    decided(engine)
    engine.ledger.forget(["u:1"])
    checked = list(verify(engine.ledger, engine.stores, engine.log))
    assert [one.fault for one in checked] == [None, None]
    assert (sum(one.entries for one in checked), sum(one.erased for one in checked)) == (12, 4)


def test_the_doctor_says_what_people_are_asked_for() -> None:
    (said,) = check(ConsentSettings())
    assert said.level == "note" and "no purpose is declared" in said.text
    purposes = {"b": PurposeSettings(), "a": PurposeSettings()}
    named, kept = check(ConsentSettings(purposes=purposes))
    assert named.text == "purposes: a, b" and kept.level == "note"
    _, kept = check(ConsentSettings(purposes=purposes, collect="a", otherwise="anonymous"))
    assert kept.text == "events are kept of who permits a; of others: kept without identifiers"


def test_the_doctor_counts_what_was_not_kept() -> None:
    engine = Engine(2)
    assert look(engine.stores) == []
    engine.settings |= plan_settings(Settings(consent=ConsentSettings(collect="a", purposes={"a": PurposeSettings()})))
    engine.publish({})
    engine.take(*(engine.event("Seen", f"u:{n}") for n in range(3)))
    engine.run()
    (said,) = look(engine.stores)
    assert said.text == "3 only counted, for want of consent"


@pytest.mark.parametrize("number", [1, 5, 12])
def test_an_altered_entry_is_the_first_that_is_told(number: int) -> None:
    engine = Engine(1)
    decided(engine)
    entries = engine.ledger._entries[0]
    opening = entries[number - 1].opening
    assert opening is not None
    entries[number - 1] = replace(entries[number - 1], opening=replace(opening, granted=not opening.granted))
    assert faults(engine) == {0: (number, "what was decided is not what was committed to")}


def test_a_ledger_cut_short_and_one_with_an_entry_less() -> None:
    engine = Engine(1)
    decided(engine)
    engine.take(engine.event("Seen", "u:1"))
    engine.run()
    entries = list(engine.ledger._entries[0])
    engine.ledger._entries[0] = entries[:9]
    assert faults(engine) == {0: (10, "the ledger ends with entry 9, the engine remembers 12")}
    engine.ledger._entries[0] = entries[:4] + entries[5:]
    assert faults(engine) == {0: (5, "entry 5 is missing")}
    engine.ledger._entries[0] = []
    assert faults(engine) == {0: (1, "the ledger ends with entry 0, the engine remembers 12")}


def forged(entries: list[Entry], number: int) -> list[Entry]:
    """As somebody would who knows how chains are made."""
    chain, made = b"", []
    for one in entries:
        opening = one.opening
        if one.number >= number and opening is not None:
            opening = replace(opening, granted=True)
        sealed = committed(opening, one.number) if opening is not None else one.commitment
        chain = link(chain, one.number, sealed)
        made.append(Entry(one.number, sealed, chain, opening))
    return made


def test_one_written_anew_from_somewhere_on_does_not_match_the_state() -> None:
    engine = Engine(1)
    decided(engine)
    engine.ledger._entries[0] = forged(engine.ledger._entries[0], 4)
    ((partition, (number, reason)),) = faults(engine).items()
    assert (partition, number) == (0, 12) and "not what the engine remembers" in reason


def test_an_entry_that_nobody_decided() -> None:
    engine = Engine(1)
    decided(engine)
    last = engine.ledger._entries[0][-1]
    assert last.opening is not None
    sealed = committed(last.opening, 13)
    engine.ledger._entries[0].append(Entry(13, sealed, link(last.chain, 13, sealed), last.opening))
    assert faults(engine) == {0: (13, "the engine remembers 12 entries, the ledger goes on to 13")}


def test_what_is_on_its_way_is_no_fault() -> None:
    engine = Engine(1)
    decided(engine)
    engine.take(engine.consent("u:1", "marketing.email", granted=False))
    failing(engine.ledger, "append")
    with pytest.raises(TransientError):
        engine.run()
    assert (engine.ledger.end(0), faults(engine)) == (12, {})
    engine.run()
    assert (engine.ledger.end(0), faults(engine)) == (13, {})


def test_a_store_that_lost_its_tail_is_no_fault_while_it_reads_again() -> None:
    engine = Engine(1)
    decided(engine)
    engine.take(engine.consent("u:1", "marketing.email", granted=False))
    engine.run()
    engine.stores[0].power_cut(2)
    assert (engine.ledger.end(0), faults(engine)) == (13, {})


def test_a_person_is_shown_with_what_all_their_identifiers_decided() -> None:
    engine = Engine(4)
    engine.publish({})
    engine.take(engine.consent("a:7", "marketing.email", granted=True))
    engine.run()
    engine.take(engine.event("Login", "u:1", "a:7"), engine.consent("u:1", "marketing.email", granted=False, text="v2"))
    engine.take(engine.consent("u:2", "marketing.email", granted=True))
    engine.run()
    for asked in ("1", "a:7", "u:1"):
        found = decisions(asked, engine.ledger, engine.stores)
        assert [(one.identifier, one.granted, one.text_version) for one in found] == [
            ("a:7", True, "v1"),
            ("u:1", False, "v2"),
        ]
    assert found[0].decided_at == "2025-03-03T11:06:41.000Z"
    with pytest.raises(UsageError, match="nobody is known"):
        decisions("somebody", engine.ledger, engine.stores)
    engine.ledger.forget(["u:1", "a:7"])
    assert decisions("1", engine.ledger, engine.stores) == []
