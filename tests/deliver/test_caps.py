"""Caps, quiet hours and priorities, as a worker asks them: each answer at its exact instant, over both outboxes."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events.zones import known, local_date, offset_us
from tactful.people.traits import TraitWrite
from tactful.runtime.ports import Outbox, Verdict
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from tests.deliver.gate_desk import Desk, at, person, plan_of
from tests.tries import tries

NOON = at("2025-03-01T12:00:00Z")
QUIET = {"quiet": "21:00-08:00"}


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outbox]:
    box = MemoryOutbox() if request.param == "memory" else SqliteOutbox(tmp_path / "outbox.db")
    yield box
    box.close()


# ---- caps ------------------------------------------------------------------------------------------------------------


def test_a_cap_is_of_the_day_of_the_person(outbox: Outbox) -> None:
    desk = Desk(outbox, plan_of({"cap": ["2 per day"]}), at("2025-02-28T23:30:00Z"))
    ada, ken = person("u:ada", "Europe/Berlin"), person("u:ken", "Asia/Tokyo", phone="+81312345678")
    assert [desk.sends(f"a{n}", ada) for n in range(3)] == ["claimed", "claimed", "refused: cap: 2 per day"]
    assert [desk.sends(f"k{n}", ken) for n in range(3)] == ["claimed", "claimed", "refused: cap: 2 per day"]
    row = outbox.row("a2")
    assert row is not None and row.detail == "2 claimed for this person or address since midnight in Europe/Berlin"
    desk.now = at("2025-03-01T15:00:00Z") - 1
    assert desk.sends("k3", ken) == "refused: cap: 2 per day"
    desk.now += 1  # Midnight in Tokyo, and not in Berlin.
    assert (desk.sends("k4", ken), desk.sends("a4", ada)) == ("claimed", "refused: cap: 2 per day")
    desk.now = at("2025-03-01T23:00:00Z")
    assert desk.sends("a5", ada) == "claimed"


@pytest.mark.parametrize(
    ("first", "next_day"),
    [
        ("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"),  # A day of 23 hours in Berlin.
        ("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),  # One of 25.
        ("2024-02-28T23:00:00Z", "2024-02-29T23:00:00Z"),
    ],
)
def test_days_are_as_long_as_they_are(outbox: Outbox, first: str, next_day: str) -> None:
    desk, ada = Desk(outbox, plan_of({"cap": ["1 per day"]}), at(first)), person("u:ada", "Europe/Berlin")
    assert desk.sends("a", ada) == "claimed"
    desk.now = at(next_day) - 1
    assert desk.sends("b", ada) == "refused: cap: 1 per day"
    desk.now += 1
    assert desk.sends("c", ada) == "claimed"


def test_a_window_is_open_at_its_old_end(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of({"cap": ["1 per 7d"]}), NOON), person("u:ada")
    assert desk.sends("a", ada) == "claimed"
    desk.now = NOON + 7 * DAY_US - 1
    assert desk.sends("b", ada) == "refused: cap: 1 per 1w"
    desk.now += 1
    assert desk.sends("c", ada) == "claimed"


def test_channels_have_caps_of_their_own_beside_those_of_all(outbox: Outbox) -> None:
    sending = {"cap": ["4 per day"], "channels": {"sms": {"cap": ["1 per day"]}, "webhook": {"cap": ["2 per 1h"]}}}
    desk, ada = Desk(outbox, plan_of(sending), NOON), person("u:ada")
    assert [desk.sends(f"h{n}", ada, "webhook") for n in range(3)] == [
        "claimed",
        "claimed",
        "refused: cap: 2 webhook per 1h",
    ]
    assert [desk.sends(f"s{n}", ada, "sms") for n in range(2)] == ["claimed", "refused: cap: 1 sms per day"]
    assert [desk.sends(f"o{n}", ada, one) for n, one in enumerate(("email", "chat", "push", "web_push"))] == [
        "claimed",
        "claimed",
        "claimed",
        "refused: cap: 4 per day",
    ]
    assert desk.sends("h9", person("u:bob", phone="+4940123456"), "webhook") == "claimed", "the URL is everybody's"


ADDRESSES = {
    "email": ("email", "ada@gmail.com", "a.da+x@googlemail.com", "adam@gmail.com"),
    "sms": ("phone", "+4930123456", "+49 (0)30 123456", "+4930123457"),
    "push": ("push_tokens", ["one", "tablet"], ["tablet", "two"], ["two", "three"]),
    "chat": ("chat", "@ada", " @ada ", "@adam"),
}


@pytest.mark.parametrize("channel", ADDRESSES)
def test_an_address_counts_whosever_it_is(outbox: Outbox, channel: str) -> None:
    trait, value, same, other = ADDRESSES[channel]
    desk = Desk(outbox, plan_of({"cap": ["1 per day"]}), NOON)
    ada, bob, eve = (person(f"u:{n}", "", **{trait: said}) for n, said in enumerate((value, same, other)))
    assert desk.sends("a", ada, channel) == "claimed"
    assert desk.sends("b", bob, channel) == "refused: cap: 1 per day"
    assert desk.sends("c", eve, channel) == "claimed"


def test_a_person_counts_under_all_identifiers(outbox: Outbox) -> None:
    desk = Desk(outbox, plan_of({"cap": ["1 per day"]}), NOON)
    assert desk.sends("a", person("a:1", phone="+4940123456", email="old@x.example")) == "claimed"
    assert desk.sends("b", person("u:ada", "", "a:1")) == "refused: cap: 1 per day"


def test_what_did_not_go_out_gives_it_back(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of({"cap": ["1 per day"]}), NOON), person("u:ada")
    assert desk.sends("a", ada) == "claimed"
    outbox.finish([Verdict("a", "rejected", "550")], desk.now)
    assert desk.sends("b", ada) == "claimed"
    outbox.finish([Verdict("b", "waiting", "451", not_before=desk.now + 2)], desk.now)
    assert desk.sends("c", ada) == "claimed", "what waits for another attempt has not been sent"
    outbox.finish([Verdict("c", "held", "outcome unknown")], desk.now)
    assert desk.sends("d", ada) == "refused: cap: 1 per day", "what may have been sent counts"
    desk.now += 2
    desk.turn()
    assert desk.fate("b") == "refused: cap: 1 per day", "and asks anew"
    outbox.drop(["c"], "it was not sent", desk.now)
    assert desk.sends("e", ada) == "claimed"


def test_what_a_contract_demands_counts_not_and_is_not_counted(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of({"cap": ["1 per day"], **QUIET}), at("2025-03-01T23:00:00Z")), person("u:ada")
    assert [desk.sends(f"r{n}", ada, journey="receipt") for n in range(3)] == ["claimed"] * 3
    desk.now = at("2025-03-02T08:00:00Z")
    assert [desk.sends(f"r{n}", ada, journey="receipt") for n in (3, 4)] == ["claimed"] * 2
    assert desk.sends("a", ada) == "claimed"
    assert desk.sends("r5", ada, journey="receipt") == "claimed"


def test_a_cap_goes_to_the_more_important_of_what_waits(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of({"cap": ["2 per day"]}), NOON), person("u:ada")
    desk.put("low", ada, priority=10)
    desk.put("older", ada, "sms", priority=70, due=NOON - SECOND_US)
    desk.put("newer", ada, priority=70)
    desk.put("high", ada, "push", priority=90)
    desk.put("later", ada, "chat", priority=100, due=NOON + SECOND_US)
    desk.turn()
    assert [desk.fate(one) for one in ("high", "older", "newer", "low", "later")] == [
        "claimed",
        "claimed",
        "refused: cap: 2 per day",
        "refused: cap: 2 per day",
        "waiting",
    ]


def test_slots_go_to_the_more_important(outbox: Outbox) -> None:
    desk = Desk(outbox, plan_of({}), NOON, slots=2)
    for number, priority in enumerate((10, 90, 50, 70)):
        desk.put(f"i{priority}", person(f"u:{number}"), priority=priority)
    desk.turn()
    assert [desk.fate(f"i{priority}") for priority in (90, 70, 50, 10)] == ["claimed", "claimed", "waiting", "waiting"]


# ---- quiet hours -----------------------------------------------------------------------------------------------------


def test_quiet_hours_move_a_message_to_their_end(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of(QUIET), at("2025-03-29T20:00:00Z")), person("u:ada", "Europe/Berlin")
    assert desk.sends("a", ada) == "waiting: quiet hours until 08:00"
    row = outbox.row("a")
    assert row is not None and (row.detail, row.attempt) == ("Europe/Berlin", 1)
    assert row.not_before == outbox.next_waiting(0) == at("2025-03-30T06:00:00Z"), "the clocks go forward meanwhile"
    desk.now = row.not_before - 1
    assert not desk.step()
    desk.now += 1
    desk.turn()
    assert desk.fate("a") == "claimed"


def test_what_is_no_longer_valid_then_lapses_at_once(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of(QUIET), at("2025-03-01T22:30:00Z")), person("u:ada", "Europe/Berlin")
    assert desk.sends("a", ada, valid_us=8 * HOUR_US) == "lapsed: quiet hours until 08:00, valid until 07:30"
    assert desk.sends("b", ada, valid_us=8 * HOUR_US + 30 * MINUTE_US - 1).startswith("lapsed")
    assert desk.sends("c", ada, valid_us=8 * HOUR_US + 30 * MINUTE_US) == "waiting: quiet hours until 08:00"
    desk.now = at("2025-03-02T07:00:00Z")
    desk.turn()
    assert desk.fate("c") == "claimed", "valid to the very instant"


def test_who_changes_zone_meanwhile_is_asked_again(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of(QUIET), at("2025-03-01T21:00:00Z")), person("u:ada", "Europe/London")
    assert desk.sends("a", ada) == "waiting: quiet hours until 08:00"
    ada.fragments["u:ada#1"].traits["timezone"] = TraitWrite("America/New_York", 2, 2, 2)
    desk.now = at("2025-03-02T08:00:00Z")
    desk.turn()
    assert desk.fate("a") == "waiting: quiet hours until 08:00", "it is three in the morning there"
    assert outbox.next_waiting(0) == at("2025-03-02T13:00:00Z")
    ada.fragments["u:ada#1"].traits["timezone"] = TraitWrite("Asia/Tokyo", 3, 3, 3)
    desk.now = at("2025-03-02T13:00:00Z")
    desk.turn()
    assert desk.fate("a") == "lapsed: quiet hours until 08:00, valid until 06:00", "ten in the evening"


def test_channels_may_have_hours_of_their_own(outbox: Outbox) -> None:
    sending = {**QUIET, "channels": {"push": {"quiet": ""}, "sms": {"quiet": "19:00-10:00"}}}
    desk, ada = Desk(outbox, plan_of(sending), at("2025-03-01T20:00:00Z")), person("u:ada")
    told = [desk.sends(one, ada, one) for one in ("email", "sms", "push", "webhook")]
    assert told == ["claimed", "waiting: quiet hours until 10:00", "claimed", "claimed"]
    desk.now = at("2025-03-01T21:00:00Z")
    told = [desk.sends(f"{one}2", ada, one) for one in ("email", "push", "webhook")]
    assert told == ["waiting: quiet hours until 08:00", "claimed", "claimed"]


def test_a_cap_is_asked_when_the_hours_are_over(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, plan_of({**QUIET, "cap": ["1 per day"]}), at("2025-03-01T20:00:00Z")), person("u:ada")
    assert desk.sends("a", ada) == "claimed"
    desk.now = at("2025-03-01T21:00:00Z")
    desk.put("low", ada, priority=1)
    desk.now = at("2025-03-02T01:00:00Z")
    desk.put("high", ada, priority=99)
    desk.turn()
    assert {desk.fate("low"), desk.fate("high")} == {"waiting: quiet hours until 08:00"}
    desk.now = at("2025-03-02T08:00:00Z")
    desk.turn()
    assert (desk.fate("high"), desk.fate("low")) == ("claimed", "refused: cap: 1 per day")


def test_a_night_of_many_holds_nobody_up(outbox: Outbox) -> None:
    desk = Desk(outbox, plan_of(QUIET), at("2025-03-01T23:00:00Z"), slots=2)
    for number in range(50):
        desk.put(f"i{number}", person(f"u:{number}"))
    awake = person("u:ken", "Asia/Tokyo")
    desk.put("ken", awake)
    desk.turn()
    assert desk.fate("ken") == "claimed"
    assert outbox.counts() == {"claimed": 1, "waiting": 50}
    assert outbox.next_waiting(0) == at("2025-03-02T08:00:00Z")


# ---- whatever happens ------------------------------------------------------------------------------------------------

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
RULES = {
    "cap": ["2 per day", "4 per 3d"],
    "quiet": "21:00-08:00",
    "channels": {"sms": {"cap": ["1 per day"]}, "push": {"quiet": "23:30-02:30"}},
}
PLAN = plan_of(RULES)


@settings(max_examples=tries(40), deadline=None)
@given(st.integers(0, 2**32))
def test_nobody_ever_gets_more_than_a_cap_and_nothing_leaves_in_quiet_hours(seed: int) -> None:
    chance = Random(seed)
    begin = at(chance.choice(["2025-03-28T12:00:00Z", "2025-10-24T12:00:00Z", "2024-02-27T12:00:00Z"]))
    desk = Desk(MemoryOutbox(), PLAN, begin, slots=chance.choice([1, 3, 100]), partitions=2)
    mailboxes, phones = ["one@x.example", "one+a@x.example", "two@x.example"], ["+4930123456", "+4930654321"]
    people = [
        person(f"u:{n}", chance.choice(ZONES), email=chance.choice(mailboxes), phone=chance.choice(phones))
        for n in range(4)
    ]
    left: list[tuple[int, str, str, str]] = []
    for number in range(60):
        desk.now += chance.choice([0, MINUTE_US, HOUR_US, 5 * HOUR_US])
        who, channel = chance.choice(people), chance.choice(["email", "sms", "push", "chat"])
        desk.put(f"i{number}", who, channel, priority=chance.randint(1, 3), partition=int(who.key[2:]) % 2)
        if chance.random() < 0.7:
            desk.turn(chance.randint(0, 1))
        for claim in [one for each in ("email", "sms", "push", "chat") for one in desk.outbox.claimed(each)]:
            fate = chance.choice(["sent", "sent", "held", "rejected"])
            desk.outbox.finish([Verdict(claim.intent.intent, fate, "")], desk.now)
            if fate != "rejected":
                left.append((claim.claimed_at, claim.intent.key, claim.intent.channel, claim.address))
    assert left
    _check(left, {one.key: zone_of(one) for one in people})


def zone_of(profile: object) -> str:
    return str(profile.fragments[f"{profile.key}#1"].traits["timezone"].value)  # type: ignore[attr-defined]  # a Profile


def _check(left: list[tuple[int, str, str, str]], zones: dict[str, str]) -> None:
    """Counted the slow way."""
    for moment, key, channel, _ in left:
        zone = known(zones[key])
        minute = (moment + offset_us(zone, moment)) % DAY_US // MINUTE_US
        if channel == "push":
            assert not (minute >= 23 * 60 + 30 or minute < 150)
        else:
            assert 8 * 60 <= minute < 21 * 60
    days, of_sms = defaultdict[tuple[str, int], int](int), defaultdict[tuple[str, int], int](int)
    for moment, key, channel, _ in left:
        day = local_date(known(zones[key]), moment)
        days[key, day] += 1
        of_sms[key, day] += channel == "sms"
    assert max(days.values()) <= 2 and max(of_sms.values()) <= 1
    addresses = {
        (channel, address.replace("+a@", "@")) for _, _, channel, address in left if channel in ("email", "sms")
    }
    for subject in {*zones, *addresses}:
        times = sorted(
            moment
            for moment, key, channel, address in left
            if subject == key or subject == (channel, address.replace("+a@", "@"))
        )
        for first, fifth in zip(times, times[4:], strict=False):
            assert fifth - first >= 3 * DAY_US
