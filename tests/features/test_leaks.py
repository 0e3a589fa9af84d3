"""Nothing that comes later is in a feature: as if the history had ended at the instant, whatever stands behind it.

The table of a whole history is held against that of the same history cut off. Each leak that somebody might build is
planted, and must be found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlglot import exp

from tactful.events import derived
from tactful.history import producer
from tactful.kernel import deciding, person
from tactful.language.sql import build, seeing
from tactful.language.sql.build import Sql
from tactful.language.sql.layout import CONSENTS, EVENTS, IDENTITY, SCORES, THRESHOLDS, TRAITS
from tactful.language.sql.seeing import Seeing
from tactful.operations.features.feature_proposal import seen
from tactful.operations.features.tables import Wanted
from tactful.operations.history.terms import Terms
from tactful.values import DAY_US, HOUR_US, MINUTE_US
from tests.features.lives import BEGIN, DAYS, DELAYS_US, FILES, TEXTS, happened, lines
from tests.features.story import features, history, instant, rows_of

TERMS = Terms(delays_us=DELAYS_US)
SEEDS = range(2)


def leaks(seed: int, instants: int = 4, only: str = "") -> Iterator[str]:
    """Names of features (or `who is there`) that are others when the history ends at the instant."""
    random = Random(seed)
    every = lines(random)
    asked = features({only: TEXTS[only]} if only in TEXTS else TEXTS, FILES)
    with history(every, FILES, TERMS) as whole:
        for at in sorted(BEGIN + random.randrange(DAYS * DAY_US) for _ in range(instants)):
            of_all = {row["person"]: row for row in rows_of(whole, Wanted(asked, [at]))}
            with history(happened(every, at) or every[:1], FILES, TERMS) as cut:
                of_past = {row["person"]: row for row in rows_of(cut, Wanted(asked, [at]))}
            if set(of_all) != set(of_past):
                yield "who is there"
            for who in of_all.keys() & of_past.keys():
                yield from (one.name for one in asked if of_all[who][one.name] != of_past[who][one.name])


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_later_is_in_no_feature(seed: int) -> None:
    assert list(leaks(seed)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_what_comes_later_is_in_no_feature_of_many_histories(seed: int) -> None:
    assert list(leaks(seed, 20)) == []


# ---- planted ---------------------------------------------------------------------------------------------------------

Plant = Callable[[Seeing, str, str], Sql]
_in_time = Seeing._in_time


def _everything_of(*tables: str) -> Plant:
    """Rows of these tables count whenever they came."""
    return lambda seeing, alias, table: build.TRUE if table in tables else _in_time(seeing, alias, table)


def _by_receipt(seeing: Seeing, alias: str, table: str) -> Sql:
    """What had come in by then, with no regard to when it happened."""
    return build.compared("<=", build.column(alias, "received_at"), build.T)


def _without_delay(seeing: Seeing, alias: str, table: str) -> Sql:
    return _in_time(Seeing("happened"), alias, table)


def _a_little_later(seeing: Seeing, alias: str, table: str) -> Sql:
    """A whole day is rounded up."""
    at = build.column(alias, "timestamp" if table not in (SCORES, THRESHOLDS) else "received_at")
    return build.compared("<=", at, build.calculated("+", build.T, build.whole(DAY_US)))


@pytest.mark.parametrize(
    ("plant", "seen_by"),
    [
        (_everything_of(EVENTS), "orders"),
        (_everything_of(TRAITS), "plan"),
        (_everything_of(SCORES), "score"),
        (_everything_of(THRESHOLDS), "top"),
        (_everything_of(CONSENTS), "yes"),
        (_everything_of(IDENTITY), "visits"),
        (_by_receipt, "visits"),
        (_without_delay, "visits"),
        (_a_little_later, "orders"),
    ],
    ids=["events", "traits", "scores", "thresholds", "consents", "ties", "receipt", "no delay", "a day later"],
)
def test_planted_leaks_are_found(monkeypatch: pytest.MonkeyPatch, plant: Plant, seen_by: str) -> None:
    monkeypatch.setattr(Seeing, "_in_time", plant)
    assert any(found for seed in range(5) for found in leaks(seed, 8, seen_by))


def a_period_counts_before_it_begins(patch: pytest.MonkeyPatch) -> None:
    begun = seeing._begun

    def at_once(each: build.Select, names: Sequence[str]) -> build.Select:
        found = begun(each, names)
        for one in list(found.find_all(exp.Window)):
            one.replace(build.column("q", "found"))
        return found

    patch.setattr(seeing, "_begun", at_once)


def a_period_without_records_never_begins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(producer, "_MADE", {**producer._MADE, derived.DeviceMoved: lambda *_: iter(())})


def what_was_taken_back_goes_on(patch: pytest.MonkeyPatch) -> None:
    record = producer._record
    kept = lambda row, *rest: record(replace(row, begun=0), *rest)  # noqa: E731  (one line of a table)
    patch.setattr(producer, "_MADE", {**producer._MADE, derived.RecordKept: kept})


def a_tie_is_as_new_as_what_it_brings(patch: pytest.MonkeyPatch) -> None:
    fragment_of = deciding.fragment_of
    late = lambda turn, profile, entry, rows: fragment_of(  # noqa: E731  (one line of a table)
        turn, profile, replace(entry, tied=turn.state.clock), rows
    )
    patch.setattr(deciding, "fragment_of", late)
    patch.setattr(person, "fragment_of", late)


@pytest.mark.long
@pytest.mark.parametrize(
    "plant",
    [
        a_period_counts_before_it_begins,
        a_period_without_records_never_begins,
    ],
    ids=lambda plant: plant.__name__,
)
def test_whose_it_was_is_found_out_too_late(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    assert any(found for seed in range(100, 124) for found in leaks(seed, 8, "visits"))


def _counted(lines: Sequence[Mapping[str, Any]], *instants: str, terms: Terms = TERMS) -> list[dict[str, object]]:
    asked = features({"n": 'count("A")'})
    with history(lines, terms=terms) as opened:
        rows = [rows_of(opened, Wanted(asked, [instant(at)], terms=terms)) for at in instants]
    return [{row["person"]: row["n"] for row in each} for each in rows]


def _what_was_before_it_was_taken_back() -> bool:
    """What came in late of a device from before its un-merge is its owner's, until then."""

    def line(kind: str, day: int, received: int, **said: Any) -> dict[str, Any]:
        at, came = (f"2025-03-{one:02}T00:00:00Z" for one in (day, received))
        return {"type": kind, "timestamp": at, "receivedAt": came, "anonymousId": "x", **said}

    lines = [
        line("identify", 1, 1, userId="u1"),
        line("track", 2, 2, event="A"),
        line("unmerge", 10, 10),
        line("track", 5, 12, event="A"),
    ]
    found = _counted(lines, "2025-03-07T00:00:00Z", "2025-03-11T00:00:00Z", terms=Terms())
    return found == [{"u:u1": 2}, {"u:u1": 0, "a:x": 2}]


def _what_comes_at_once_of_who_was_tied_long_ago() -> bool:
    """A tie of a slow source, and long afterwards the first that is heard of the device alone, by a quick one."""

    def line(kind: str, day: int, source: str, **said: Any) -> dict[str, Any]:
        return {"type": kind, "receivedAt": f"2025-03-{day:02}T00:00:00Z", "source": source, "anonymousId": "x", **said}

    lines = [
        line("identify", 1, "app", userId="u1"),
        line("unmerge", 2, "app"),
        line("identify", 3, "app", userId="u2"),
        line("track", 5, "web", event="A"),
    ]
    return _counted(lines, "2025-03-05T01:00:00Z") == [{"u:u1": 0, "u:u2": 1}]


CASES = {
    _what_was_before_it_was_taken_back: what_was_taken_back_goes_on,
    _what_comes_at_once_of_who_was_tied_long_ago: a_tie_is_as_new_as_what_it_brings,
}


@pytest.mark.parametrize("holds", CASES)
def test_whose_a_device_was(monkeypatch: pytest.MonkeyPatch, holds: Callable[[], bool]) -> None:
    assert holds()
    CASES[holds](monkeypatch)
    assert not holds(), "nobody noticed"


def test_what_is_proposed_is_chosen_by_what_had_happened() -> None:
    early = [
        {"type": "track", "event": "Product Viewed", "userId": "a", "properties": {"category": "Hats"}},
        {"type": "track", "event": "Product Viewed", "userId": "a", "properties": {"category": "Shoes"}},
        {"type": "track", "event": "Order Completed", "userId": "a", "properties": {"total": 3}},
    ]
    every = [{**line, "receivedAt": f"2025-03-0{day}T00:00:00Z"} for day, line in enumerate(early, 1)]
    with history(every) as opened:
        then = seen(opened, BEGIN + HOUR_US)
        assert (list(then.events), list(then.categories)) == (["Product Viewed"], ["Hats"])
        assert "total" in seen(opened, BEGIN + 9 * DAY_US).properties["Order Completed"]


def test_who_is_only_told_of_is_there_as_soon_as_it_is_told() -> None:
    """Nobody does a score, so that it waits for no delay."""
    score = {"type": "score", "model": "churn", "value": 0.5, "userId": "u1", "receivedAt": "2025-03-01T00:00:00Z"}
    assert _counted([score], "2025-03-01T00:00:00Z") == [{"u:u1": 0}]


def test_who_was_set_apart_is_there_when_that_is_heard_of() -> None:
    """What unties waits as long as what ties."""
    about = {"anonymousId": "x", "source": "app"}
    lines = [
        {"type": "identify", "userId": "u1", "receivedAt": "2025-03-01T00:00:00Z", **about},
        {"type": "unmerge", "receivedAt": "2025-03-01T01:00:00Z", **about},
    ]
    at = ("2025-03-01T05:00:00Z", "2025-03-01T06:00:00Z", "2025-03-01T07:00:00Z")
    assert _counted(lines, *at) == [{}, {"u:u1": 0}, {"u:u1": 0, "a:x": 0}]


def test_a_delay_is_kept_to_the_microsecond() -> None:
    line: dict[str, Any] = {"type": "track", "event": "A", "userId": "a", "receivedAt": "2025-03-01T00:00:00Z"}
    asked = features({"n": 'count("A")'})
    with history([line, {**line, "userId": "b", "source": "app"}]) as opened:
        for terms, first in ((Terms(), 0), (Terms(delay_us=MINUTE_US), MINUTE_US)):
            assert rows_of(opened, Wanted(asked, [BEGIN + first - 1], terms=terms)) == []
            assert len(rows_of(opened, Wanted(asked, [BEGIN + first], terms=terms))) == 2
        both = Terms(delay_us=MINUTE_US, delays_us={"app": 0})
        assert [row["person"] for row in rows_of(opened, Wanted(asked, [BEGIN], terms=both))] == ["u:b"]
