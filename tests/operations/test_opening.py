"""A lake that begins anew: what it has of people whose events are gone is what the states say, now and from then on."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import UsageError
from tactful.events.records import Consent
from tactful.kernel.definitions import read_published
from tactful.kernel.state import FIRST_KEY, decode_profile
from tactful.language.sql.layout import CONSENTS, IDENTITY, MEMBERSHIPS
from tactful.operations.evaluation.evaluate_lines import read_lines
from tactful.operations.history.new_lake import begin, since_us, trimmed
from tactful.runtime.archive import Archiver
from tactful.runtime.settings import Settings, naming_of
from tactful.values import DAY_US, format_time
from tests.histories import Life, lived

FILES = {
    "segments/gold.yaml": 'when: plan == "gold"\n',
    "segments/agreed.yaml": 'when: consents("ads")\n',
    "segments/likely.yaml": 'when: score("buys") > 0.5\n',
    "segments/seen.yaml": 'when: any("Seen")\n',
}
ALIKE = ("gold", "agreed", "likely")
"""Segments that ask of no event."""
UNSAID = ("applied", "source")
"""What states do not keep of a decision: at which place it was made, and who sent it."""
_numbers = count()


def call(day: int, kind: str, who: str, **more: Any) -> dict[str, Any]:
    number = next(_numbers)
    name = {"anonymousId": who[2:]} if who.startswith("a:") else {"userId": who[2:]}
    if kind == "track":
        more.setdefault("event", "Seen")
    at = f"2026-01-{day:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    return {"type": kind, "messageId": f"m{number}", "receivedAt": at, **name, **more}


def agrees(day: int, who: str, *, granted: bool = True) -> dict[str, Any]:
    return call(day, "consent", who, purpose="ads", granted=granted)


def before() -> Iterator[dict[str, Any]]:
    for one in range(8):
        yield call(1, "track", f"a:v{one}")
        yield call(1, "identify", f"u:p{one}", anonymousId=f"v{one}", traits={"plan": "gold" if one % 2 else "tin"})
        yield agrees(2, f"u:p{one}", granted=one % 3 != 0)
        yield call(2, "score", f"u:p{one}", model="buys", value=one / 8)
    # A no of the visitor's own, behind it a yes of the person whose they are.
    yield agrees(1, "a:torn", granted=False)
    yield call(1, "identify", "u:torn", anonymousId="torn", traits={})
    yield agrees(2, "u:torn")
    yield agrees(2, "a:lone")
    yield call(1, "identify", "u:heard", traits={})
    yield call(2, "identify", "u:cleared", traits={"plan": "gold"})
    yield call(2, "identify", "u:cleared", traits={"plan": None})


def tied() -> Iterator[dict[str, Any]]:
    """Devices come to somebody in another order than their names have, heard of later than they were tied; and one
    by way of an address."""
    for device, day in (("z", 2), ("k", 1), ("m", 1)):
        yield call(2, "identify", "u:several", anonymousId=device, traits={}, timestamp=f"2026-01-{day:02}T00:00:00Z")
    yield call(2, "track", "a:k")
    yield call(2, "identify", "a:way", traits={"email": "way@x.example"}, timestamp="2026-01-01T00:00:00Z")
    yield call(2, "identify", "u:way", traits={"email": "way@x.example"}, timestamp="2026-01-02T00:00:00Z")
    yield agrees(2, "u:several")
    yield agrees(2, "a:m", granted=False)


def after() -> Iterator[dict[str, Any]]:
    """Somebody changes, is tied, comes anew; most do nothing."""
    yield call(5, "identify", "u:p0", traits={"plan": "gold"})
    yield call(5, "identify", "u:p1", traits={"plan": "tin"})
    yield agrees(5, "u:p2", granted=False)
    yield agrees(5, "u:p3")
    yield call(5, "score", "u:p4", model="buys", value=0.1)
    yield call(5, "track", "u:p5", anonymousId="lone")
    yield call(6, "identify", "u:new", traits={"plan": "gold"})
    yield call(6, "track", "a:v8")


def members(life: Life) -> dict[str, set[str]]:
    """By the states."""
    found: dict[str, set[str]] = {}
    for partition, store in enumerate(life.house.stores()):
        plan = life.house.plan(partition)
        assert plan is not None
        names = {number: name.partition("/")[2] for name, number in plan.numbers.items() if name.startswith("segment/")}
        for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
            profile = decode_profile(body)
            if profile.owner() is None:
                for number in profile.segments:
                    found.setdefault(names[number], set()).add(key)
    return found


def begun(life: Life) -> MemoryLake:
    """A new lake in place of the old one."""
    life.lake = lake = MemoryLake(buckets=4)
    begin(lake, life.house, trimmed(life.house.log), {})
    return lake


@pytest.fixture
def life() -> Life:
    """The log no longer has the first days."""
    life = lived(FILES, [], Settings(), partitions=3)
    # A browser's yes counts for nothing once a server knows whose it is.
    ((_, record),) = read_lines([agrees(1, "u:heard")], naming_of(life.house.settings.identity))
    assert isinstance(record, Consent)
    life.take(replace(record, trust="browser"))
    life.live([*before(), *tied()])
    life.live([call(3, "track", f"a:v{one}") for one in range(8)])
    life.archive()
    life.house.log.trim(life.clock.now_us() + DAY_US, dict.fromkeys(range(3), 1 << 40))
    assert all(trimmed(life.house.log).values())
    return life


def demand(life: Life) -> None:
    live = members(life)
    assert {name: len(live[name]) for name in ALIKE} != dict.fromkeys(ALIKE, 0)
    with life.history().open() as opened:
        plan = life.house.plan(0)
        assert plan is not None
        segments = read_published(plan.plan.publish).segments
        asked = {name: segments[name].when.tree for name in ALIKE}
        found: dict[str, set[str]] = {name: set() for name in ALIKE}
        people = set()
        for person, values in opened.ask(asked, life.clock.now_us()):
            people.add(person)
            for name in ALIKE:
                if values[name] is True:
                    found[name].add(person)
        assert found == {name: live[name] for name in ALIKE}
        rows = opened.session.rows(
            f"SELECT segment, identifier, sum(CASE WHEN entered THEN 1 ELSE -1 END) FROM {MEMBERSHIPS} GROUP BY ALL"
        )
        told: dict[str, set[str]] = {}
        for segment, identifier, number in rows:
            assert number in (0, 1), (segment, identifier, number)
            if number:
                told.setdefault(segment, set()).add(identifier)
        assert told == live
        assert people == set(everybody(life))


def test_at_once(life: Life) -> None:
    begun(life)
    demand(life)


def whose(lake: MemoryLake) -> dict[tuple[str, int], tuple[str, int, int]]:
    """Of each fragment that is not its own identifier's or has gone over: to whom, since when, and how often it went."""
    rows = rows_of(lake, IDENTITY)
    rows.sort(key=lambda row: (row["received_at"], row["hop"]))
    found = {(row["identifier"], row["epoch"]): (row["person"], row["timestamp"], row["hop"]) for row in rows}
    return {fragment: last for fragment, last in found.items() if last[0] != fragment[0] or last[2]}


def as_they_came(lake: MemoryLake) -> dict[str, list[tuple[str, int]]]:
    """The fragments of each person."""
    last = whose(lake)
    found: dict[str, list[tuple[str, int]]] = {}
    for row in sorted(rows_of(lake, IDENTITY), key=lambda row: (row["applied"], row["place"], row["identifier"])):
        fragment = row["identifier"], row["epoch"]
        if last.get(fragment) == (row["person"], row["timestamp"], row["hop"]):
            found.setdefault(row["person"], []).append(fragment)
    return found


def rows_of(lake: MemoryLake, table: str) -> list[dict[str, Any]]:
    return lake.snapshot().source(table).to_table().to_pylist()  # type: ignore[union-attr, no-any-return]  # in memory it is a data set


def test_ties_are_as_they_were(life: Life) -> None:
    """Since when, how often a fragment has gone over, and in which order they came."""
    old, new = life.lake, begun(life)
    assert isinstance(old, MemoryLake)
    assert len(whose(old)) > 10
    assert whose(new) == whose(old)
    assert as_they_came(new)["u:several"] == [("a:z", 1), ("a:k", 1), ("a:m", 1)]
    assert as_they_came(new) == as_they_came(old)


def test_decisions_are_there_once(life: Life) -> None:
    """Those that count."""
    old, new = (
        [tuple((name, row[name]) for name in row if name not in UNSAID) for row in rows_of(lake, CONSENTS)]
        for lake in (life.lake, begun(life))
        if isinstance(lake, MemoryLake)
    )
    assert len(new) > 15
    assert len({*new}) == len(new)
    assert {*new} <= {*old}


Known = tuple[set[str], dict[tuple[str, int], str]]


def known_at(life: Life, at_us: int) -> Known:
    """Who is there, and whose fragments are that are not their own identifier's."""
    with life.history().open() as opened:
        people = {person for person, _ in opened.ask({}, at_us)}
        rows = opened.session.rows(
            "SELECT identifier, epoch, arg_max(person, (received_at, hop)) AS person"
            f" FROM {IDENTITY} WHERE received_at <= {at_us} GROUP BY ALL HAVING person <> identifier"
        )
    return people, {(identifier, epoch): person for identifier, epoch, person in rows}


def ties() -> Iterator[dict[str, Any]]:
    """What ties and unties whom the states have tied before."""
    yield call(5, "identify", "u:p4", anonymousId="lone", traits={})
    yield call(5, "unmerge", "a:z")
    yield call(6, "alias", "u:p7", previousId="p6")
    yield call(6, "identify", "u:p1", anonymousId="k", traits={})
    yield call(6, "track", "a:k")
    yield call(7, "unmerge", "a:v3")
    yield call(7, "identify", "u:p2", anonymousId="v3", traits={})
    yield call(7, "track", "u:late")
    yield call(7, "identify", "u:late", anonymousId="later", traits={})
    yield call(7, "track", "a:later")


def test_who_is_who_since_then_is_as_it_was(life: Life) -> None:
    """The states know of everybody, and of all ties, whenever they came."""
    since = since_us(life.house.log, trimmed(life.house.log))
    assert since is not None
    life.live([*ties()])
    instants = [since + DAY_US * part // 4 for part in range(20)]
    before = [known_at(life, at) for at in instants]
    assert len({frozenset(people) for people, _ in before}) > 2 < len({len(whose) for _, whose in before})
    begun(life)
    assert [known_at(life, at) for at in instants] == before


def test_what_was_before_it_began_is_not_answered(life: Life) -> None:
    lake = begun(life)
    since = lake.snapshot().since_us
    assert since is not None
    with life.history().open() as opened:
        assert opened.plan_at(since) is not None
        with pytest.raises(UsageError, match=f"the lake begins at {format_time(since)}, anew"):
            opened.plan_at(since - 1)


def test_and_from_then_on(life: Life) -> None:
    """What comes is archived behind it, and changes what stood there."""
    lake = begun(life)
    life.live([*after()])
    demand(life)
    house = life.house
    Archiver(house.log, house.trail, lake, life.clock, name=house.name).archive()
    demand(life)
    assert lake.snapshot().since_us == since_us(house.log, trimmed(house.log))


def test_what_has_changed_since_the_log_begins_comes_from_there(life: Life) -> None:
    """The states are of now, and the lake begins days before."""
    life.live([*after()])
    begun(life)
    demand(life)
    life.archive()
    demand(life)


def everybody(life: Life) -> Iterator[str]:
    for store in life.house.stores():
        for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
            if decode_profile(body).owner() is None:
                yield key
