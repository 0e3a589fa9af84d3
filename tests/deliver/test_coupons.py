"""Coupons: one code, one person, once; whatever crashes, merges, and wants the last one at the same time."""

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events.records import Plan, Publish, unpack
from tactful.kernel.plan import adopt
from tactful.kernel.state import Profile
from tactful.operations.journeys import coupons
from tactful.operations.lists import written
from tactful.runtime.ports import Outbox, Verdict
from tactful.values import SECOND_US
from tests.deliver.gate_desk import Desk, at, person, plan_of

NOON = at("2025-03-01T12:00:00Z")
WITH_CODE = {
    f"messages/{name}.yaml": f"purpose: marketing\ncoupon: {pool}\nsubject: x\nhtml: '{{{{ coupon.code }}}}'\ntext: x\n"
    for name, pool in (("gift", "spring"), ("reminder", "spring"), ("other", "summer"))
} | {
    f"journeys/{name}.yaml": f"start: {{event: A}}\nsend: {{email: {name}}}\n" for name in ("gift", "reminder", "other")
}
PLAN = plan_of({}, WITH_CODE)
CAPPED = plan_of({"cap": ["1 per day"]}, WITH_CODE)


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outbox]:
    box = MemoryOutbox() if request.param == "memory" else SqliteOutbox(tmp_path / "outbox.db")
    box.coupons.load("spring", ["A", "B", "C"], 1)
    yield box
    box.close()


def code(outbox: Outbox, intent: str) -> str:
    """Of a claim, as its message is rendered from."""
    (claim,) = [one for one in outbox.claimed("email") if one.intent.intent == intent]
    return str(unpack(claim.frozen)["coupon"]["code"])  # type: ignore[arg-type]  # msgpack, raw or not


def given_to(outbox: Outbox, pool: str = "spring") -> dict[str, str]:
    return {one.code: one.owner for one in outbox.coupons.given(pool, "", 100)}


def sends(desk: Desk, intent: str, who: Profile, message: str = "gift") -> str:
    fate = desk.sends(intent, who, journey=message)
    return code(desk.outbox, intent) if fate == "claimed" else fate


def test_each_person_gets_one_and_the_same_again(outbox: Outbox) -> None:
    desk, ada, bob = Desk(outbox, PLAN, NOON), person("u:ada"), person("u:bob")
    assert (sends(desk, "a1", ada), sends(desk, "b1", bob)) == ("A", "B")
    assert (sends(desk, "a2", ada, "reminder"), sends(desk, "b2", bob, "reminder")) == ("A", "B")
    assert given_to(outbox) == {"A": "u:ada#1", "B": "u:bob#1"}


def test_a_pool_that_runs_dry(outbox: Outbox) -> None:
    desk = Desk(outbox, PLAN, NOON)
    told = [sends(desk, f"i{n}", person(f"u:{n}")) for n in range(4)]
    assert told == ["A", "B", "C", "refused: no code is left in the pool spring"]
    assert sends(desk, "again", desk.people["u:1"], "reminder") == "B", "who has one keeps it"
    assert sends(desk, "other", desk.people["u:1"], "other") == "refused: no code is left in the pool summer"
    assert outbox.coupons.load("spring", ["A", "D"], 2) == 1
    assert sends(desk, "late", desk.people["u:3"]) == "D"


def test_what_is_refused_takes_none(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, CAPPED, NOON), person("u:ada")
    assert sends(desk, "a1", ada, "gift") == "A"
    assert sends(desk, "b1", person("u:bob", email="u:nobody")).startswith("refused: no e-mail")
    assert sends(desk, "c1", person("u:eve", email="ada@x.example")) == "refused: cap: 1 per day"
    assert given_to(outbox) == {"A": "u:ada#1"}


@pytest.mark.parametrize("fate", ["rejected", "held", "waiting"])
def test_a_code_stays_with_the_person_whatever_becomes_of_the_message(outbox: Outbox, fate: str) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada")
    assert sends(desk, "a1", ada) == "A"
    outbox.hand_off(["a1"], "one")
    outbox.finish([Verdict("a1", fate, "", not_before=NOON + SECOND_US)], NOON)
    assert sends(desk, "b1", person("u:bob")) == "B"
    desk.now += SECOND_US
    assert sends(desk, "a2", ada, "reminder") == "A"
    desk.turn()
    if fate == "waiting":
        assert code(outbox, "a1") == "A", "the next attempt says the same"


def test_merged_people_keep_the_earliest(outbox: Outbox) -> None:
    desk = Desk(outbox, PLAN, NOON)
    assert sends(desk, "b", person("u:bob")) == "A"
    desk.now += 1
    assert sends(desk, "a", person("a:7")) == "B"
    desk.now += 1
    assert sends(desk, "z", person("u:zoe", "", "a:7", "u:bob")) == "A"
    assert sends(desk, "y", person("u:yan", "", "a:7")) == "B"


def test_a_device_that_goes_to_somebody_else_leaves_its_code_behind(outbox: Outbox) -> None:
    desk, device = Desk(outbox, PLAN, NOON), person("a:7")
    assert sends(desk, "a", device) == "A"
    later = person("u:bob")
    later.fragments["a:7#2"] = later.fragments["u:bob#1"]
    assert sends(desk, "b", later) == "B", "the second period of the same device"


def test_who_has_no_fragment_of_their_own_yet(outbox: Outbox) -> None:
    desk, ada = Desk(outbox, PLAN, NOON), person("u:ada", "", "a:7")
    ada.fragments["a:7#1"] = ada.fragments.pop("u:ada#1")
    assert sends(desk, "a", ada) == "A"
    assert given_to(outbox) == {"A": "a:7#1"}


def test_a_crash_between_claim_and_send_keeps_the_code(tmp_path: Path) -> None:
    before = SqliteOutbox(tmp_path / "outbox.db")
    before.coupons.load("spring", ["A", "B"], 1)
    desk, ada = Desk(before, PLAN, NOON), person("u:ada")
    assert sends(desk, "a1", ada) == "A"
    before.hand_off(["a1"], "dead")
    before.close()
    outbox = SqliteOutbox(tmp_path / "outbox.db")
    assert outbox.hold_orphans(["dead"], ["email"], NOON) == ["a1"]
    outbox.release(["a1"], NOON)
    desk.outbox, desk.workers = outbox, []
    desk.workers = [desk.worker(0)]
    desk.turn()
    assert code(outbox, "a1") == "A"
    outbox.close()


def test_a_transaction_that_fails_gives_nothing(outbox: Outbox) -> None:
    token = outbox.own(0)

    def give_and_fail() -> None:
        with outbox.claiming(0, token) as claiming:
            claiming.give("spring", "A", "u:1#1", "i", 1)
            assert claiming.code("spring", ["u:1#1"]) == "A"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_and_fail()
    assert given_to(outbox) == {}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["gift", "reminder"])), max_size=30))
def test_never_two_people_one_code(wanted: list[tuple[int, str]]) -> None:
    outbox = MemoryOutbox()
    outbox.coupons.load("spring", ["A", "B", "C"], 1)
    desk, got = Desk(outbox, PLAN, NOON), dict[int, str]()
    for number, (who, message) in enumerate(wanted):
        told = sends(desk, f"i{number}", desk.people.get(f"u:{who}") or person(f"u:{who}"), message)
        if not told.startswith("refused"):
            assert got.setdefault(who, told) == told
    assert len(set(got.values())) == len(got) <= 3


# ---- several workers at once -----------------------------------------------------------------------------------------


def test_two_partitions_at_once_never_exceed_an_address_cap_nor_give_a_code_twice(tmp_path: Path) -> None:
    """Two connections to one file, each in its thread; people of one inbox are in both."""
    path, many = tmp_path / "outbox.db", 60
    shared = SqliteOutbox(path)
    shared.coupons.load("spring", [f"c{n}" for n in range(many)], 1)
    desk = Desk(shared, CAPPED, NOON, partitions=2, slots=3 * many)
    for number in range(many):
        for partition in (0, 1):
            who = person(f"u:{number}-{partition}", email=f"p{number}+{partition}@x.example", phone=None)
            desk.put(f"i{number}-{partition}", who, journey="gift", partition=partition)
    boxes = [SqliteOutbox(path), SqliteOutbox(path)]
    desk.workers = [desk.worker(number, box) for number, box in enumerate(boxes)]
    together = threading.Barrier(2)

    def work(partition: int) -> None:
        together.wait()
        desk.turn(partition)

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.counts() == {"claimed": many, "refused": many}
    codes = [unpack(one.frozen)["coupon"]["code"] for one in shared.claimed("email", 1000)]  # type: ignore[arg-type]  # msgpack, raw or not
    assert len(set(codes)) == len(codes) == many
    for box in (shared, *boxes):
        box.close()


# ---- files of codes --------------------------------------------------------------------------------------------------


def test_a_file_of_codes(outbox: Outbox) -> None:
    body = (
        b"code\r\nD\r\n\r\n  E  \r\nA\nE\n\xff\xfe\n\x00\nTWO WORDS\n'=2+2\n"
        + b"x" * 129
        + b"\n"
        + b"y" * 200_000
        + b"\nlast"
    )
    told = coupons.load(outbox.coupons, "spring", io.BytesIO(body), 5)
    assert (told.lines, told.new, told.known, told.bad) == (11, 5, 2, 4)
    assert [(line.number, line.message) for line in told.shown] == [
        (7, "the line is not UTF-8"),
        (8, "a code has 1 to 128 signs, none of them a control character"),
        (11, "a code has 1 to 128 signs, none of them a control character"),
        (12, "the line is longer than 65,536 bytes"),
    ]
    again = coupons.load(outbox.coupons, "spring", io.BytesIO(body), 6)
    assert (again.new, again.known, again.bad) == (0, 7, 4)
    assert [(one.pool, one.codes, one.left) for one in coupons.listed(outbox.coupons)] == [("spring", 8, 8)]


def test_what_goes_out_is_no_formula(outbox: Outbox) -> None:
    outbox.coupons.load("risky", ["=HYPERLINK(1)", "@SUM(A1)", '"quoted", twice', "-1"], 1)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        for one in ("=HYPERLINK(1)", "@SUM(A1)", '"quoted", twice', "-1"):
            claiming.give("risky", one, f"{one}#1", "i", NOON)
    text = "".join(written(coupons.EXPORTED, coupons.exported(outbox.coupons, "risky")))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == list(coupons.EXPORTED) and len(rows) == 5
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert ["risky", '"quoted", twice', '"quoted", twice', "2025-03-01T12:00:00.000Z", "i"] in rows


def test_a_pool_that_is_low_is_told(outbox: Outbox) -> None:
    assert coupons.look(outbox.coupons, None) == []
    outbox.coupons.load("great", (f"c{n}" for n in range(20)), 1)
    with outbox.claiming(0, outbox.own(0)) as claiming:
        for number in range(19):
            claiming.give("great", f"c{number}", f"u:{number}#1", "i", 1)
    (finding,) = coupons.look(outbox.coupons, None)
    assert (finding.level, finding.text) == ("note", "1 of 20 codes are left in the pool great")


def test_a_pool_that_a_message_names_and_nobody_has_loaded_is_told(outbox: Outbox) -> None:
    files = {
        "messages/gift.yaml": "subject: x\ntext: '{{ coupon.code }}'\ncoupon: summer\n",
        "messages/plain.yaml": "subject: x\ntext: x\n",
    }
    plan = adopt(None, Plan(1, Publish(NOON, files, {})), NOON, is_empty=True)[0]
    (finding,) = coupons.look(outbox.coupons, plan)
    assert finding.level == "note"
    assert finding.text.startswith("the pool summer of messages/gift.yaml was never loaded")
    outbox.coupons.load("summer", ["c"], 1)
    assert coupons.look(outbox.coupons, plan) == []


class _Million(io.RawIOBase):
    """A file that is never whole in memory."""

    def __init__(self, lines: int) -> None:
        self.left = lines

    def readline(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        return b"CODE-%d\n" % self.left if self.left >= 0 else b""


def test_a_million_codes_are_read_line_by_line(tmp_path: Path) -> None:
    """A tenth of it, over SQLite; a file of any length goes the same way."""
    outbox = SqliteOutbox(tmp_path / "outbox.db")
    told = coupons.load(outbox.coupons, "many", _Million(100_000), 1)  # type: ignore[arg-type]  # as much of a file as is read
    assert (told.lines, told.new) == (100_000, 100_000)
    assert coupons.listed(outbox.coupons)[0].left == 100_000
    outbox.close()
