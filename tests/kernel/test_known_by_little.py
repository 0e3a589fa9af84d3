"""Somebody of whom next to nothing is known is looked at all the same, and whom a server comes to know is looked at
again: who is in a segment is for whom its condition holds (I5), also where no event says so."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.events.records import Consent, Enter, Event, pack
from tactful.history import columns
from tactful.language.sql import build
from tactful.operations.history import asof
from tactful.runtime.settings import ConsentSettings, PurposeSettings, Settings, SourceSettings
from tests.histories import Life

BEGIN = 1_767_225_600_000_000
FILES = {
    "segments/strangers.yaml": 'when: not any("Order Completed")\n',
    "segments/mailed.yaml": 'when: consents("mail")\n',
}


def lived(*records: Any, partitions: int = 3) -> dict[str, set[str]]:
    """By segment who is in it, where that is for whom the condition holds."""
    life = Life(Settings(), partitions, BEGIN)
    life.publish(FILES)
    for nth, one in enumerate(records, 1):
        at = BEGIN + nth
        life.until(at)
        life.take(
            replace(one, received_at=at) if isinstance(one, Enter) else replace(one, timestamp=at, received_at=at)
        )
    found = {}
    with life.history().open() as opened:
        for name in ("strangers", "mailed"):
            said = asof.segment(opened, name, life.clock.now_us())
            holds = asof.expression(opened, said.when, life.clock.now_us())
            found[name] = {one.person for one in said.members}
            assert found[name] == {one.person for one in holds.members}
    return found


def event(who: str, *others: str, trust: Any = "server", kind: Any = "track", **said: Any) -> Event:
    name = "$identify" if kind == "identify" else "Product Viewed"
    ids = (who, *others)
    return Event(1, "shop", trust, kind, name, who, ids, f"{ids} {trust} {said}", 0, 0, pack(said))


def yes(who: str, trust: Any = "browser", **more: Any) -> Consent:
    return Consent(1, "shop", trust, who, f"c {who} {trust} {more}", "mail", True, 0, 0, **more)


@pytest.mark.parametrize("partitions", [1, 2, 3, 5])
def test_whoever_is_known_by_a_tie_alone(partitions: int) -> None:
    """Ties that are made, and one that is refused: of two users neither is the other's."""
    for one, other in (("u:1", "a:1"), ("u:2", "e:x@example.com"), ("u:3", "u:4")):
        found = lived(event(one, other, kind="identify"), partitions=partitions)
        assert one in found["strangers"]


def test_whoever_is_to_enter_a_journey_that_there_is_not() -> None:
    assert lived(Enter(1, "api", "server", "u:1", "m", "nothing", "k", 0))["strangers"] == {"u:1"}


def test_a_browser_is_not_heard_of_whom_a_server_knows_however_it_came_to_know_them() -> None:
    assert lived(yes("a:1"))["mailed"] == {"a:1"}
    assert lived(yes("a:1"), event("a:1"))["mailed"] == set()
    assert lived(yes("a:1"), event("a:1", trust="browser"))["mailed"] == {"a:1"}
    assert lived(yes("a:1"), event("u:1", "a:1", kind="identify"))["mailed"] == set()
    assert lived(yes("a:1"), event("u:1"), event("u:1", "a:1", kind="identify", trust="browser"))["mailed"] == set()
    no = replace(yes("a:1", "server"), purpose="other", granted=False)
    assert lived(yes("a:1"), no)["mailed"] == set()
    # Its own yes counts; and a no counts from whomever.
    assert lived(event("a:1"), yes("a:1", "server"))["mailed"] == {"a:1"}
    assert lived(yes("a:1", "server"), replace(yes("a:1"), granted=False))["mailed"] == set()


def test_what_the_engine_says_itself_is_no_servers_word() -> None:
    enter = Enter(1, "api", "server", "a:1", "m", "nothing", "k", 0)
    away = replace(yes("a:1", "server", origin="unsubscribe"), source="unsubscribe", purpose="other", granted=False)
    set_ = replace(event("a:1", kind="identify", plan="gold"), source="tactful")
    assert lived(yes("a:1"), enter, away, set_)["mailed"] == {"a:1"}


def test_who_confirmed_an_address_agrees_for_whom_mail_goes_there() -> None:
    confirmed = replace(yes("a:1", "server", origin="confirm"), source="confirm", address="ada@example.com")
    mine = event("a:1", kind="identify", trust="browser", email="ada@example.com")
    assert lived(mine, confirmed)["mailed"] == {"a:1"}
    tied = event("u:1", "a:1", kind="identify", email="ada@example.com")
    assert lived(mine, confirmed, tied)["mailed"] == {"u:1"}
    assert lived(mine, confirmed, replace(tied, properties=pack({"email": "bob@example.com"})))["mailed"] == set()
    later = event("u:1", "a:1", trust="browser")
    assert lived(mine, confirmed, later, event("u:1"))["mailed"] == {"u:1"}


def _mailed_by_the_first_address() -> set[str]:
    """Of somebody who was known by another address first, which no server has named."""
    mine = event("a:1", kind="identify", trust="browser", email="ada@example.com")
    first = event("u:1", kind="identify", trust="browser", email="bob@example.com")
    confirmed = replace(yes("a:1", "server", origin="confirm"), source="confirm", address="ada@example.com")
    return lived(first, mine, confirmed, event("u:1", "a:1", trust="browser"), event("u:1"))["mailed"]


def _mailed_by_the_servers_address() -> set[str]:
    """Of somebody of whom a server has named another address, before a browser named the one that is confirmed."""
    told = event("u:1", kind="identify", email="bob@example.com")
    mine = event("a:1", kind="identify", trust="browser", email="ada@example.com")
    confirmed = replace(yes("a:1", "server", origin="confirm"), source="confirm", address="ada@example.com")
    return lived(told, mine, confirmed, event("u:1", "a:1", trust="browser"))["mailed"]


def the_address_named_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(build, "at_least", build.at_greatest)


def what_browsers_say_is_a_servers_word(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(columns, "is_hearsay", lambda *_: False)


@pytest.mark.parametrize(
    ("mailed", "plant"),
    [
        (_mailed_by_the_first_address, the_address_named_last),
        (_mailed_by_the_servers_address, what_browsers_say_is_a_servers_word),
    ],
)
def test_whose_address_it_is(
    monkeypatch: pytest.MonkeyPatch, mailed: Callable[[], set[str]], plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """By state and by SQL alike; a planted bug in SQL is noticed."""
    assert mailed() == set()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        mailed()


def test_what_the_tracking_plan_mends_is_mended_in_the_history() -> None:
    life = Life(Settings(sources={"shop": SourceSettings(write_key="SK", trust="server", unplanned="mend")}), 2, BEGIN)
    life.publish({"events/viewed.yaml": "name: Product Viewed\nproperties: {price: number}\n"})
    life.until(BEGIN + 1)
    life.take(replace(event("u:1", price="12.5"), timestamp=BEGIN + 1, received_at=BEGIN + 1))
    with life.history().open() as opened:
        found = asof.expression(opened, 'sum("Product Viewed", price) == 12.5', life.clock.now_us())
    assert {one.person for one in found.members} == {"u:1"}


def test_what_another_reader_confirmed_keeps_nothing_of_whom_a_server_knows() -> None:
    """The purpose of `collect` is permitted as any other."""
    collects = Settings(consent=ConsentSettings(collect="mail", otherwise="drop", purposes={"mail": PurposeSettings()}))
    confirmed = replace(yes("a:1", "server", origin="confirm"), source="confirm", address="ada@example.com")
    mine = event("a:1", kind="identify", trust="browser", email="ada@example.com")
    for address, kept in (("ada@example.com", {"u:1"}), ("bob@example.com", set())):
        tied = event("u:1", "a:1", kind="identify", email=address)
        life = Life(collects, 2, BEGIN)
        life.publish(FILES)
        said: list[Event | Consent] = [yes("a:1"), mine, confirmed, tied, event("u:1", trust="browser")]
        for nth, one in enumerate(said, 1):
            life.until(BEGIN + nth)
            life.take(replace(one, timestamp=BEGIN + nth, received_at=BEGIN + nth))
        with life.history().open() as opened:
            found = asof.expression(opened, 'any("Product Viewed")', life.clock.now_us())
        assert {one.person for one in found.members} == kept


@pytest.mark.parametrize("is_archived", [False, True])
def test_what_a_browser_may_not_say_is_not_in_the_history(is_archived: bool) -> None:
    """The rest of what it says is."""
    told = event("u:1", kind="identify", email="ada@example.com")
    said = event("u:1", kind="identify", trust="browser", email="eve@example.com", plan="gold")
    life = Life(Settings(), 2, BEGIN)
    life.publish(FILES)
    for nth, one in enumerate((told, said), 1):
        life.until(BEGIN + nth)
        life.take(replace(one, timestamp=BEGIN + nth, received_at=BEGIN + nth))
    if is_archived:
        life.archive()
    with life.history().open() as opened:
        found = asof.expression(opened, 'email == "ada@example.com" and plan == "gold"', life.clock.now_us())
    assert {one.person for one in found.members} == {"u:1"}
