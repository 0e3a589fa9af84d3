"""The people behind a number, page by page: nobody twice, nobody left out, wherever a page ends."""

import random
from collections import Counter

import pytest

from tactful.adapters.memory.trail import MemoryTrail
from tactful.events.derived import GoalReached, Group, OutcomeNoted, Responded, RunStarted, encode_groups
from tactful.operations.journeys import behind as module
from tactful.operations.journeys.behind import PAGE, Entry, Listed, Wanted, behind
from tactful.runtime.ports import OutboxRow
from tactful.values import MINUTE_US

ENTERED = Wanted("entered")


def started(key: str, at: int, journey: str = "cart", version: str = "v1") -> Group:
    return Group(0, key, 0, (RunStarted(at, journey, "", at, (), version, "", at),))


class Told:
    """A trail, written piece by piece."""

    def __init__(self, partitions: int = 2) -> None:
        self.trail = MemoryTrail()
        self.partitions = partitions
        self._ends = [0] * partitions

    def at_once(self, partition: int, *groups: Group) -> None:
        """All at one position, as a tick or a sweep does."""
        self._ends[partition] += 1
        position = self._ends[partition]
        body = encode_groups([Group(position, group.key, 0, group.rows) for group in groups])
        self.trail.append(partition, position, position, body)

    def page(self, wanted: Wanted = ENTERED, cursor: str = "") -> Listed:
        return behind(self.trail, self.partitions, "cart", wanted, self.find, cursor)

    def find(self, _intent: str) -> OutboxRow | None:
        return None

    def pages(self, wanted: Wanted = ENTERED) -> list[Listed]:
        found = [self.page(wanted)]
        while found[-1].next:
            found.append(self.page(wanted, found[-1].next))
            assert len(found) < 1_000, "it comes to an end"
        return found

    def entries(self, wanted: Wanted = ENTERED) -> list[Entry]:
        return [entry for page in self.pages(wanted) for entry in page.entries]


def test_nobody_is_left_out_or_told_twice_wherever_pages_end() -> None:
    for seed in range(15):
        rng = random.Random(seed)
        told = Told(rng.choice((1, 2, 5)))
        expected: Counter[str] = Counter()
        for number in range(rng.randrange(200)):
            crowd = [f"u:{number}-{n}" for n in range(rng.choice((1, 1, 1, 2, 70)))]
            journey = rng.choice(("cart", "cart", "other"))
            told.at_once(rng.randrange(told.partitions), *(started(key, number * MINUTE_US, journey) for key in crowd))
            expected.update(crowd if journey == "cart" else ())
        pages = told.pages()
        assert Counter(entry.key for page in pages for entry in page.entries) == expected, seed
        assert all(page.entries for page in pages[1:]), "no page leads to nothing"
        assert all(len(page.entries) < PAGE + 70 for page in pages), "full, but for a crowd at its end"


def test_newest_stand_first_over_all_partitions() -> None:
    told = Told(3)
    for number in range(200):
        told.at_once(number % 3, started(f"u:{number}", number * MINUTE_US))
    assert [entry.at for entry in told.entries()] == [number * MINUTE_US for number in reversed(range(200))]


def test_what_was_not_looked_at_is_said_and_looked_at_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED", 30)
    monkeypatch.setattr(module, "GROUPS", 10)
    told = Told()
    for number in range(300):
        told.at_once(number % 2, started(f"u:{number}", number * MINUTE_US, version="v2" if number == 3 else "v1"))
    first, *_ = pages = told.pages(Wanted("entered", version="v2"))
    assert (first.entries, first.is_short) == ((), True)
    assert [entry.key for page in pages for entry in page.entries] == ["u:3"]
    assert len(pages) > 3
    assert not pages[-1].is_short


def test_what_expired_from_the_outbox_is_of_no_version() -> None:
    """Whether it belongs to a filter cannot be said any more, so that it is only told without one."""
    told = Told()
    told.at_once(0, Group(0, "u:1", 0, (OutcomeNoted(1, "i1", "cart", "sent", ""),)))
    told.at_once(1, Group(0, "u:2", 0, (Responded(2, "cart", "i1", "Email Opened"),)))
    assert [entry.text for entry in told.entries(Wanted("status", "sent"))] == ["sent"]
    assert [entry.text for entry in told.entries(Wanted("response", "opened"))] == ["Email Opened"]
    assert told.entries(Wanted("status", "sent", version="v1")) == []
    assert told.entries(Wanted("response", "opened", from_us=0)) == []


def test_each_says_what_happened() -> None:
    told = Told()
    told.at_once(0, Group(0, "u:1", 0, (GoalReached(5, "cart", "k", 1, "v1", "", 0, 2, 12.5),)))
    (entry,) = told.entries(Wanted("goal"))
    assert (entry.text, entry.entry_key, entry.version) == (
        "reached the goal, the 2. of this run, worth 12.50",
        "k",
        "v1",
    )


def test_a_cursor_that_is_none_begins_at_the_newest() -> None:
    told = Told()
    told.at_once(0, started("u:1", 1))
    for cursor in ("x", "1", "1.2.3", "-1.-1", "a.b"):
        assert [entry.key for entry in told.page(cursor=cursor).entries] in (["u:1"], []), cursor
