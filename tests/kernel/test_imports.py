"""What is brought in afterwards counts, flips segments, ends runs and reaches goals as if it had come in time, and
starts nothing."""

import pytest
from msgspec.structs import replace

from tactful.events.derived import GoalReached, RunEnded, RunStarted, SegmentEntered, SegmentLeft, SendMessage
from tactful.events.records import Consent, Enter, Event, Imported, Outcome, Score, Unmerge
from tests.kernel.journeying import ADA, DAY, HOOK, HOUR, MINUTE, MONDAY, Shop

SEND = f'send: {{webhook: "{HOOK}/x"}}\n'


class Archive(Shop):
    """A shop in whose books somebody finds what happened before."""

    is_importing = False

    def tell_home(self, record: Event | Consent | Enter | Unmerge | Outcome) -> None:
        if self.is_importing and isinstance(record, Event | Consent):
            record = replace(record, is_import=True)
        super().tell_home(record)


def archive(journey: str, segments: dict[str, str] | None = None, partitions: int = 1) -> Archive:
    shop = Archive(partitions)
    shop.publish({"j": journey}, segments)
    shop.is_importing = True
    return shop


def flips(shop: Shop) -> list[tuple[str, str, str]]:
    groups = [group for driver in shop.drivers for group in driver.groups]
    rows = [row for group in groups for row in group.rows if isinstance(row, SegmentEntered | SegmentLeft)]
    return [("in" if isinstance(row, SegmentEntered) else "out", row.segment, row.cause) for row in rows]


def runs(shop: Shop) -> list[str]:
    return [type(row).__name__ for row in shop.rows() if isinstance(row, RunStarted | RunEnded | SendMessage)]


@pytest.mark.parametrize("timestamp", [MONDAY, MONDAY - HOUR, MONDAY - 400 * DAY])
def test_an_imported_event_starts_no_journey_and_leaves_no_reason_why_not(timestamp: int) -> None:
    shop = archive(f"start: {{event: Added}}\n{SEND}")
    shop.event("Added", timestamp=timestamp)
    assert runs(shop) == []
    shop.is_importing = False
    shop.event("Added")
    assert runs(shop)[:1] == ["RunStarted"]


def test_segments_flip_and_what_enters_or_leaves_them_starts_nothing() -> None:
    shop = archive(f"start: {{segment: buyers}}\n{SEND}", {"buyers": 'any("Bought") and not any("Returned")'})
    shop.event("Bought", timestamp=MONDAY - 30 * DAY)
    shop.event("Returned", timestamp=MONDAY - 20 * DAY)
    assert flips(shop) == [("in", "buyers", "import"), ("out", "buyers", "import")]
    assert runs(shop) == []
    left = archive(f"start: {{left: buyers}}\n{SEND}", {"buyers": 'any("Bought") and not any("Returned")'})
    left.event("Bought")
    left.event("Returned")
    assert runs(left) == []


def test_traits_decisions_and_scores_flip_segments_in_the_same_way() -> None:
    segments = {"germans": 'profile.country == "DE"', "willing": 'consents("news")', "unsure": 'score("churn") > 0.5'}
    for segment in segments:
        shop = archive(f"start: {{segment: {segment}}}\n{SEND}", segments)
        shop.identify(country="DE")
        shop.consent("news", True)
        shop.tell(0, Score(1, "import", "server", ADA, "s1", "churn", 0.9, shop.at, is_import=True))
        assert flips(shop) == [("in", name, "import") for name in segments]
        assert runs(shop) == []


def test_what_becomes_true_by_itself_afterwards_starts_what_it_starts_for_everybody() -> None:
    segments = {"lapsed": 'any("Bought") and not any("Bought", last="30d")'}
    shop = archive(f"start: {{segment: lapsed}}\n{SEND}", segments)
    shop.event("Bought", timestamp=MONDAY - 29 * DAY)
    shop.pass_time(MONDAY + 2 * DAY)
    assert flips(shop) == [("in", "lapsed", "time")]
    assert runs(shop)[:1] == ["RunStarted"]


def test_an_imported_order_ends_the_run_that_it_would_have_ended_in_time_and_reaches_its_goal() -> None:
    journey = f"start: {{event: Added}}\nwait: 2h\nunless: Bought\ngoal: {{event: Bought, within: 1d}}\n{SEND}"
    shop = archive(journey)
    shop.is_importing = False
    shop.event("Added")
    shop.at = MONDAY + HOUR
    shop.is_importing = True
    shop.event("Bought", timestamp=MONDAY - MINUTE)
    assert runs(shop) == ["RunStarted"], "it was bought before"
    shop.event("Bought", timestamp=MONDAY + 30 * MINUTE)
    assert [row.reason for row in shop.rows() if isinstance(row, RunEnded)] == ["Bought came first"]
    assert len([row for row in shop.rows() if isinstance(row, GoalReached)]) == 1
    shop.pass_time(MONDAY + DAY)
    assert "SendMessage" not in runs(shop)


def test_a_run_that_waits_for_an_event_goes_on_when_it_is_imported() -> None:
    journey = f"""
start: {{event: Added}}
steps:
  - wait: {{for: Bought, at_most: 1d}}
  - {{name: thanks, send: {{webhook: "{HOOK}/thanks"}}}}
"""
    shop = archive(journey)
    shop.is_importing = False
    shop.event("Added")
    shop.at = MONDAY + HOUR
    shop.is_importing = True
    shop.event("Bought", timestamp=MONDAY - HOUR)
    assert runs(shop) == ["RunStarted"], "before the run began"
    shop.event("Bought", timestamp=MONDAY + MINUTE)
    assert runs(shop) == ["RunStarted", "SendMessage"], "the run was begun by what happened live"


@pytest.mark.parametrize("partitions", [1, 2, 3])
def test_two_who_turn_out_to_be_one_by_an_import_start_nothing_either(partitions: int) -> None:
    """Also where a journey asks for what enters by a merge."""
    journey = f"start: {{segment: keen}}\non_merge: start\n{SEND}"
    segments = {"keen": 'count("Viewed") >= 3'}
    for is_import in (True, False):
        shop = archive(journey, segments, partitions)
        shop.event("Viewed", "a:1", timestamp=MONDAY - DAY)
        shop.event("Viewed", "a:1", timestamp=MONDAY - DAY)
        shop.event("Viewed", ADA, timestamp=MONDAY - DAY)
        assert flips(shop) == []
        shop.is_importing = is_import
        shop.identify(ADA, ids=("a:1",))
        assert [(segment, cause) for what, segment, cause in flips(shop) if what == "in"] == [
            ("keen", "import" if is_import else "merge")
        ]
        assert ("RunStarted" in runs(shop)) is not is_import


def test_a_backfill_says_how_far_it_came_and_does_not_make_a_replay_of_what_is_live() -> None:
    shop = archive(f"start: {{event: Added}}\n{SEND}")
    shop.tell(0, Imported(shop.at, "digest", 17, is_backfill=True))
    state = shop.drivers[0].state
    shop.drivers[0].cut()
    state = shop.drivers[0].state
    assert (state.imports, state.is_replay) == ({"digest": (17, False)}, False)
