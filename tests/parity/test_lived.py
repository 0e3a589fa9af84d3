"""Live states of several partitions, SQL over lake and tail, and the naive oracle agree (I5): at the instant, afterwards,
and as of positions; with merges, un-merges, retention and decisions, and the log trimmed behind the lake."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from tactful.events.derived import BecameKnown, ConsentChanged, FragmentsCame, RecordKept
from tactful.history import keeping, kept, producer
from tactful.history.cells import IdentityRow, Item, KeptEvent
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.values import parse_time
from tests.parity import lived
from tests.parity.__main__ import show
from tests.parity.batches import Size, batch

ENGINES = {"house": lived.house, "lake": lived.lake}
SIZE = Size(16, 30, 3)
LONG_SEEDS = range(200, 230)
Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("seed", [1])
def test_what_live_says_is_what_lake_and_tail_say(seed: int) -> None:
    report = show(batch(seed, SIZE), ENGINES, 1)
    assert not report, report


@pytest.mark.long
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_many_more(seed: int) -> None:
    report = show(batch(seed, Size(50, 100, 10)), ENGINES, 1)
    assert not report, report


# ---- faults that must be found ---------------------------------------------------------------------------------------


def _instant(text: str) -> int:
    at = parse_time(text)
    assert at is not None
    return at


def _line(day: int, **said: Any) -> dict[str, Any]:
    at = f"2026-03-{day:02}T10:00:00Z"
    said = {"type": "track", **said}
    return {"receivedAt": at, **({"timestamp": at} if said["type"] in ("track", "identify", "alias") else {}), **said}


STORY = [
    _line(1, event="A", anonymousId="x", context={"timezone": "Asia/Tokyo"}),
    _line(1, type="consent", anonymousId="x", purpose="mail", granted=True),
    _line(2, type="identify", userId="1", anonymousId="x", traits={"city": "Bonn"}),
    _line(3, event="A", anonymousId="x"),
    _line(3, type="consent", userId="1", purpose="mail", granted=False),
    _line(4, event="A", userId="2", anonymousId="y"),
    _line(4, type="alias", userId="1", previousId="2"),
    _line(5, type="unmerge", anonymousId="x"),
    _line(6, event="A", anonymousId="x"),
    _line(7, type="alias", userId="4", previousId="5"),
    _line(7, type="alias", userId="8", previousId="7"),
    _line(8, type="unmerge", userId="5"),
    _line(8, type="unmerge", userId="8"),
    _line(9, type="score", model="churn", userId="9", value=0.5),
    _line(10, type="alias", userId="1", previousId="6"),
    _line(11, event="A", userId="6"),
]
FILES = {"events/a.yaml": "name: A\nretention: 10d\n"}
DAYS = (3, 4, 6, 9, 18)


def differs(files: Mapping[str, str]) -> bool:
    """Whether states and lake say different things somewhere."""
    asked = {
        "0": 'count("A", last="10d")',
        "1": 'consents("mail")',
        "2": "city",
        "3": "local_hour()",
        "4": 'score("churn")',
    }
    question = Question(asked, files)
    instants = [_instant(f"2026-03-{day:02}T12:00:00Z") for day in DAYS]
    told = lived.Lived(question, STORY, instants, 1, archives=0.1)
    if any(lived.first(told.then[at], told.live[at]) for at in instants):
        return True
    try:
        told.demand_the_same_afterwards()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("files", [{}, FILES], ids=["kept", "retained"])
def test_the_story_is_told_the_same(files: Mapping[str, str]) -> None:
    assert not differs(files)


@pytest.mark.parametrize(("kind", "latest"), [(lived.Lived, 1), (lived.Level, 2)])
def test_what_two_partitions_receive_at_one_instant_is_ordered_by_position(
    kind: type[lived.Lived], latest: int
) -> None:
    """With five partitions; z, of whom more was said before, is in the one of x, so that what x does stands later."""
    lines = [
        _line(1, type="identify", userId="1", anonymousId="x"),
        *(_line(2, event="B", anonymousId="z") for _ in range(9)),
        _line(3, event="A", anonymousId="x", properties={"n": 1}),
        _line(3, event="A", userId="1", properties={"n": 2}),
    ]
    at = _instant("2026-03-04T12:00:00Z")
    told = kind(Question({"0": 'latest("A", n)'}), lines, [at], seed=5)
    assert told.live == told.then
    assert told.live[at]["0"]["1"].value == latest


def nobody_is_known_by_a_tie_alone(patch: Patch) -> None:
    patch.setitem(producer._MADE, BecameKnown, lambda *_: iter(()))


def a_decision_covers_nothing_else(patch: Patch) -> None:
    made = producer._MADE[ConsentChanged]
    patch.setitem(producer._MADE, ConsentChanged, lambda *told: list(made(*told))[:1])


def fragments_that_come_back_are_overlooked(patch: Patch) -> None:
    made = producer._MADE[FragmentsCame]
    patch.setitem(producer._MADE, FragmentsCame, lambda row, *told: made(row, *told) if row.cause != "unmerge" else ())


def a_fragment_goes_by_its_first_owner(patch: Patch) -> None:
    made = producer._MADE[FragmentsCame]

    def turned(*told: Any) -> Iterator[Item]:
        for row in made(*told):
            assert isinstance(row, IdentityRow)
            row.hop, row.received_at = -row.hop, 0
            yield row

    patch.setitem(producer._MADE, FragmentsCame, turned)


def periods_are_lost(patch: Patch) -> None:
    calls = kept.Sifted.calls

    def in_one(self: kept.Sifted, *told: Any) -> tuple[kept.Calls, list[Item]]:
        found, others = calls(self, *told)
        lost = [one._replace(epoch=7) if isinstance(one, KeptEvent) else one for one in others]
        return msgspec.structs.replace(found, epochs=np.full(len(found), 7)), lost

    patch.setattr(kept.Sifted, "calls", in_one)


def scores_are_markers_alone(patch: Patch) -> None:
    made = producer._MADE[RecordKept]
    patch.setitem(producer._MADE, RecordKept, lambda *told: list(made(*told))[:1])


def of_what_expires_nothing_stays(patch: Patch) -> None:
    patch.setattr(keeping, "with_remains", lambda events, gone: events.filter(np.logical_not(gone)))


PLANTED: list[Callable[[Patch], None]] = [
    nobody_is_known_by_a_tie_alone,
    a_decision_covers_nothing_else,
    fragments_that_come_back_are_overlooked,
    a_fragment_goes_by_its_first_owner,
    scores_are_markers_alone,
    periods_are_lost,
    of_what_expires_nothing_stays,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_is_planted_is_found(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert differs(FILES if plant is of_what_expires_nothing_stays else {})
