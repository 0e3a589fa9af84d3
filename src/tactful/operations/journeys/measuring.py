"""Measuring: what a journey did, by version, from the trail (docs/measuring.md says what every number means).

The columns of tallies.py become a report, over all versions and for each. Runs are of a cohort: those whose moment lies
in the time asked for, with all that followed from them whenever it came. A person counts once, in the group to which
the first of these runs assigned them, and an event counts once for a person, however many runs it is a goal of.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tactful.events import zones
from tactful.operations.journeys.arrays import Hashes, Whole, array, hashes, joined, of_version, owners, resolved
from tactful.operations.journeys.tallies import ARMS, EVER, RESPONSES, STATUSES, Tallies
from tactful.operations.lift import Amounts, Compared, Rate, compare_amounts, compare_rates
from tactful.runtime.keeping import Trail
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US

BUCKETS = (
    (SECOND_US, "1s"),
    (5 * SECOND_US, "5s"),
    (15 * SECOND_US, "15s"),
    (MINUTE_US, "1m"),
    (5 * MINUTE_US, "5m"),
    (15 * MINUTE_US, "15m"),
    (HOUR_US, "1h"),
    (6 * HOUR_US, "6h"),
    (DAY_US, "1d"),
    (7 * DAY_US, "7d"),
)
"""Upper bounds of a histogram of delays, not included; behind them is one more."""
_QUARTER_US = 15 * MINUTE_US


class Delays(Struct, frozen=True):
    """How long it took: a histogram over BUCKETS, and what half and 95 of 100 stayed below (microseconds)."""

    counts: tuple[int, ...]
    half_us: int
    most_us: int


class Response(Struct, frozen=True):
    """Of one kind, with and without what machines did."""

    messages: int
    people: int
    messages_raw: int
    people_raw: int


class Group(Struct, frozen=True):
    """People by what the first of their runs assigned them to."""

    people: int
    reached_goal: int
    revenue: float
    paying: int
    squares: float
    """Of revenue by person: their sum."""


class Measured(Struct, frozen=True):
    """One version of a journey, or all together (version "")."""

    version: str
    runs: int
    people: int
    """Who entered."""
    reached: int
    """People to whom something was sent."""
    intents: int
    statuses: dict[str, int]
    """Of intents, by what became of the message; `waiting` where nothing did yet, `replayed` of an import."""
    reasons: dict[str, int]
    """Of intents that did not leave."""
    without: dict[str, int]
    """Where there was no intent: why runs did not begin or ended, and why messages were withheld."""
    responses: dict[str, Response]
    goal_runs: int
    goal_people: int
    goal_events: int
    revenue: float
    groups: dict[str, Group]
    """By arm: "" (not held out), "holdout", "global"."""
    crossed: int
    """People whom later runs assigned otherwise: they stay where they were first."""
    control: str
    """The arm that is compared with: `holdout`, else `global`; "" where nobody is held out."""
    conversion: Compared | None
    revenue_per_person: Compared | None
    from_due: Delays
    """From the instant at which the message was due to the outcome."""
    from_start: Delays
    """From the moment of the run: the waits are in it."""


class Sending(Struct, frozen=True):
    """What one step sent; once for each message where that was changed."""

    step: str
    message: str
    intents: int
    sent: int
    people: int
    """To whom it was sent."""
    responses: dict[str, Response]


class Report(Struct, frozen=True):
    journey: str
    rows: int
    """That were read."""
    total: Measured
    versions: tuple[Measured, ...]
    daily: dict[str, dict[str, int]]
    """By day of the workspace, how often: `intents`, statuses, and reasons ("refused: ...", "ended: ...")."""
    steps: tuple[Sending, ...] = ()
    """Of all versions, in the order in which they were met."""


def measure(
    trail: Trail, partitions: int, journey: str, *, from_us: int = EVER[0], until_us: int = EVER[1], zone: str = "UTC"
) -> Report:
    """The report of a journey for runs whose moment lies in [from_us, until_us)."""
    day = days_of(zone)
    tallies = Tallies(journey, from_us, until_us, day)
    tallies.gather(trail, partitions)
    return report(tallies, day)


def days_of(zone: str) -> Callable[[int], str]:
    """The local day of an instant, as YYYY-MM-DD."""
    where = zones.zone(zone) or zones.known("UTC")
    known: dict[int, str] = {}

    def day(at: int) -> str:
        quarter = at // _QUARTER_US  # Clocks change on a full quarter of an hour.
        if quarter not in known:
            known[quarter] = _date(zones.local_date(where, at))
        return known[quarter]

    return day


def _date(days: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).strftime("%Y-%m-%d")


def report(tallies: Tallies, day: Callable[[int], str]) -> Report:
    columns = Columns(tallies)
    versions = tuple(columns.measured(name, number) for name, number in tallies.versions.items())
    total, daily = columns.measured("", None), _daily(tallies, columns, day)
    return Report(tallies.journey, tallies.rows, total, versions, daily, tuple(columns.sendings()))


class Columns:
    """The tallies as arrays, with people resolved to whom they are now, and outcomes to their intents."""

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies
        given = owners(tallies)
        self.starts_person = resolved(hashes(tallies.starts_person), *given)
        self.goals_person = resolved(hashes(tallies.goals_person), *given)
        self.starts_version, self.starts_arm = array(tallies.starts_version), array(tallies.starts_arm)
        self.starts_at = array(tallies.starts_at)
        self.goals_version = array(tallies.goals_version)
        intents = hashes(tallies.sends_intent)
        _, first = np.unique(intents, return_index=True)  # Sorted by intent; a row seen twice counts once.
        self.intents = intents[first]
        self.sends_person = resolved(hashes(tallies.sends_person)[first], *given)
        self.sends_version, self.sends_replay = (
            array(tallies.sends_version)[first],
            array(tallies.sends_replay)[first],
        )
        self.sends_step = array(tallies.sends_step)[first]
        self.sends_due, self.sends_started = array(tallies.sends_due)[first], array(tallies.sends_started)[first]
        self.status, self.reason, self.ended_at = self._outcomes()
        responses, self.response_intent = joined(hashes(tallies.responses_intent), self.intents)
        self.response_kind = array(tallies.responses_kind)[responses]
        self.response_machine = array(tallies.responses_machine)[responses] != 0

    def _outcomes(self) -> tuple[Whole, Whole, Whole]:
        """Per intent what became of it last: status (-1: nothing yet), reason, instant."""
        tallies, number = self._tallies, len(self.intents)
        status, reason, at = np.full(number, -1), np.zeros(number, np.int64), np.zeros(number, np.int64)
        rows, of = joined(hashes(tallies.noted_intent), self.intents)
        noted_at = array(tallies.noted_at)[rows]
        order = np.lexsort((np.arange(len(rows)), noted_at))
        # Of several assignments to one place the last counts.
        status[of[order]] = array(tallies.noted_status)[rows][order]
        reason[of[order]] = array(tallies.noted_reason)[rows][order]
        at[of[order]] = noted_at[order]
        return status, reason, at

    def measured(self, version: str, number: int | None) -> Measured:
        """One version, or all of them."""
        tallies = self._tallies
        starts = of_version(self.starts_version, number)
        sends = of_version(self.sends_version, number)
        goals = of_version(self.goals_version, number)
        people, groups, crossed = self._groups(starts, goals)
        sent = sends & (self.status == STATUSES.index("sent"))
        control = next((arm for arm in ARMS[1:] if groups[arm].people), "")
        first = array(tallies.goals_first) != 0
        reached = np.unique(self.goals_person[goals])
        return Measured(
            version=version,
            runs=int(starts.sum()),
            people=len(people),
            reached=len(np.unique(self.sends_person[sent])),
            intents=int(sends.sum()),
            statuses=self._statuses(sends),
            reasons=self._reasons(sends),
            without=self._without(number),
            responses={kind: self._response(sends, place) for place, kind in enumerate(RESPONSES)},
            goal_runs=int((goals & first).sum()),
            goal_people=len(reached),
            goal_events=len(self._distinct(goals)[0]),
            revenue=_money(self._distinct(goals)[1].sum()),
            groups=groups,
            crossed=crossed,
            control=control,
            conversion=_conversion(groups, control),
            revenue_per_person=_amounts(groups, control),
            from_due=_delays(self.ended_at[sent] - self.sends_due[sent]),
            from_start=_delays(self.ended_at[sent] - self.sends_started[sent]),
        )

    def sendings(self) -> Iterator[Sending]:
        """By step and message."""
        for (step, message), number in self._tallies.steps.items():
            own = self.sends_step == number
            sent = own & (self.status == STATUSES.index("sent"))
            people = len(np.unique(self.sends_person[sent]))
            responses = {kind: self._response(own, place) for place, kind in enumerate(RESPONSES)}
            yield Sending(step, message, int(own.sum()), int(sent.sum()), people, responses)

    def _statuses(self, sends: NDArray[np.bool_]) -> dict[str, int]:
        replayed = sends & (self.sends_replay != 0)
        found = {name: int((sends & ~replayed & (self.status == place)).sum()) for place, name in enumerate(STATUSES)}
        found["waiting"] = int((sends & ~replayed & (self.status == -1)).sum())
        found["replayed"] = int(replayed.sum())
        return {name: count for name, count in found.items() if count}

    def _reasons(self, sends: NDArray[np.bool_]) -> dict[str, int]:
        names = list(self._tallies.reasons)
        stopped = sends & (self.status > STATUSES.index("sent"))
        counts: dict[str, int] = {}
        pairs = np.stack((self.status[stopped], self.reason[stopped]), axis=1)
        for (status, reason), count in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
            counts[f"{STATUSES[status]}: {names[reason]}".removesuffix(": ")] = int(count)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def _without(self, version: int | None) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (_, number, what), count in self._tallies.daily.items():
            if version in (None, number):
                found[what] += count
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _response(self, sends: NDArray[np.bool_], kind: int) -> Response:
        meant = (self.response_kind == kind) & sends[self.response_intent]
        found = []
        for rows in (meant & ~self.response_machine, meant):
            intents = np.unique(self.response_intent[rows])
            found += [len(intents), len(np.unique(self.sends_person[intents]))]
        return Response(*found)

    # ---- people ------------------------------------------------------------------------------------------------

    def _groups(self, starts: NDArray[np.bool_], goals: NDArray[np.bool_]) -> tuple[Hashes, dict[str, Group], int]:
        """Everybody who entered, once, in the arm of the first start; what each of them spent."""
        person, arm, at = self.starts_person[starts], self.starts_arm[starts], self.starts_at[starts]
        order = np.lexsort((arm, at))
        people, first = np.unique(person[order], return_index=True)
        assigned = arm[order][first]
        crossed = len(np.unique(person[arm != assigned[np.searchsorted(people, person)]])) if len(people) else 0
        buyer, value = self._distinct(goals)
        rows, of = joined(buyer, people)
        spent = np.bincount(of, weights=value[rows], minlength=len(people))
        has_reached = np.zeros(len(people), np.bool_)
        has_reached[of] = True
        groups = {}
        for number, name in enumerate(ARMS):
            own = assigned == number
            amounts = spent[own]
            groups[name] = Group(
                people=int(own.sum()),
                reached_goal=int(has_reached[own].sum()),
                revenue=_money(amounts.sum()),
                paying=int((amounts != 0).sum()),
                squares=float((amounts**2).sum()),
            )
        return people, groups, crossed

    def _distinct(self, goals: NDArray[np.bool_]) -> tuple[Hashes, NDArray[np.float64]]:
        """Person and value of every event that counts, once for a person, in an order that is always the same."""
        refs = hashes(self._tallies.goals_ref)[goals]
        person, value = self.goals_person[goals], np.asarray(self._tallies.goals_value, np.float64)[goals]
        order = np.lexsort((person, refs))
        refs, person, value = refs[order], person[order], value[order]
        is_new = np.ones(len(refs), np.bool_)
        is_new[1:] = (refs[1:] != refs[:-1]) | (person[1:] != person[:-1])
        return person[is_new], value[is_new]


def _conversion(groups: dict[str, Group], control: str) -> Compared | None:
    if not control:
        return None
    treated, held_out = groups[""], groups[control]
    return compare_rates(Rate(treated.reached_goal, treated.people), Rate(held_out.reached_goal, held_out.people))


def _amounts(groups: dict[str, Group], control: str) -> Compared | None:
    if not control or not any(group.paying for group in groups.values()):
        return None
    treated, held_out = (
        Amounts(group.people, group.paying, group.revenue, group.squares) for group in (groups[""], groups[control])
    )
    return compare_amounts(treated, held_out)


def _daily(tallies: Tallies, columns: Columns, day: Callable[[int], str]) -> dict[str, dict[str, int]]:
    """Decisions by the day on which they fell."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (date, _, what), count in tallies.daily.items():
        found[date][what] += count
    names = list(tallies.reasons)
    ended = columns.status >= 0
    quarters = columns.ended_at[ended] // _QUARTER_US
    keys = np.stack((quarters, columns.status[ended], columns.reason[ended]), axis=1)
    for (quarter, status, reason), count in zip(*np.unique(keys, axis=0, return_counts=True), strict=True):
        what = STATUSES[status] if status == 0 else f"{STATUSES[status]}: {names[reason]}".removesuffix(": ")
        found[day(int(quarter) * _QUARTER_US)][what] += int(count)
    quarters, counts = np.unique(columns.sends_due // _QUARTER_US, return_counts=True)
    for quarter, count in zip(quarters, counts, strict=True):
        found[day(int(quarter) * _QUARTER_US)]["intents"] += int(count)
    return {date: dict(sorted(found[date].items())) for date in sorted(found)}


def _delays(delays: Whole) -> Delays:
    """Delays below zero (a clock set back) are none."""
    spent = np.maximum(delays, 0)
    bounds = np.array([bound for bound, _ in BUCKETS])
    counts = np.bincount(np.searchsorted(bounds, spent, side="right"), minlength=len(BUCKETS) + 1)
    half, most = np.quantile(spent, (0.5, 0.95), method="inverted_cdf") if len(spent) else (0, 0)
    return Delays(tuple(map(int, counts)), int(half), int(most))


def _money(amount: float) -> float:
    """Without the noise of adding up."""
    return round(float(amount), 6)
