"""Counting: what one unit of people would have been sent, and why the rest was not.

Only what happens from the beginning of the period on counts. People are counted as whom they are at the end: whoever
was met as two and turned out to be one is one.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from tactful.events import zones
from tactful.events.derived import EventKept, GoalReached, Group, RunEnded, RunStarted, SendMessage, StepTaken
from tactful.events.reasons import reason_of
from tactful.events.records import Event, Record, unpack
from tactful.journeys.program import EventMatch
from tactful.journeys.rules import Told
from tactful.kernel.state import Profile
from tactful.kernel.walking import FINISHED
from tactful.language.compiled import View
from tactful.operations.backtesting.playing import Period
from tactful.operations.backtesting.stages import Stage
from tactful.operations.backtesting.tally import Difference, Line, Noted, Sent, Tally, What, sampled
from tactful.runtime.ports import Claimed, Verdict
from tactful.values import DAY_US

ORDER = "Order Completed"
GOAL_US = 7 * DAY_US
"""Where the journey names no goal: orders within seven days."""
NEAR_US = DAY_US
BY_NAME = frozenset(("track", "page", "screen"))


class _Anyway:
    """What the goal of the journey asks for, as it happened in history: by person, the instants in order."""

    def __init__(self, stage: Stage) -> None:
        rule = stage.plan.journeys.get(stage.journey)
        goal = rule.goal if rule is not None else None
        self.match = goal.match if goal is not None else EventMatch(frozenset((ORDER,)))
        self.within_us = goal.within_us if goal is not None else GOAL_US
        self._came: dict[str, list[tuple[int, Told]]] = defaultdict(list)

    def hear(self, key: str, event: Event) -> None:
        names = frozenset((event.name, "*") if event.kind in BY_NAME else (event.name,))
        if self.match.events.isdisjoint(names):
            return
        order = event.timestamp, event.received_at, 0
        told = Told(event.name, names, order, unpack(event.properties), unpack(event.context))
        self._came[key].append((event.timestamp, told))

    def settle(self, root: Mapping[str, str]) -> None:
        came: dict[str, list[tuple[int, Told]]] = defaultdict(list)
        for key, some in self._came.items():
            came[root.get(key, key)] += some
        self._came = {key: sorted(some, key=lambda one: one[0]) for key, some in came.items()}

    def around(self, person: str, entry_key: str, at: int) -> tuple[int, int]:
        """How many came within the window before the instant, and how many after it."""
        came = self._came.get(person, [])
        first = bisect_right(came, at - self.within_us, key=lambda one: one[0])
        last = bisect_left(came, at + self.within_us, key=lambda one: one[0])
        meant = [when for when, told in came[first:last] if told.fits(self.match, entry_key)]
        return sum(when <= at for when in meant), sum(when > at for when in meant)


class Counting:
    """The listener of one version (playing.py). `is_listing`: what stands behind the numbers is wanted, too."""

    def __init__(self, stage: Stage, period: Period, time_zone: str, *, is_listing: bool = False) -> None:
        self._stage, self._period = stage, period
        self._zone = zones.known(time_zone)
        self._anyway = _Anyway(stage)
        self._sent: list[tuple[str, Sent]] = []
        """With the person's key at that time."""
        self._others: list[tuple[str, str, int]] = []
        """Person, journey and instant."""
        self._tally = Tally()
        self._notes: list[Noted] | None = [] if is_listing else None

    # ---- listening -------------------------------------------------------------------------------------------------

    def groups(self, groups: Sequence[Group], record: Record) -> None:
        for group in groups:
            for row in group.rows:
                if type(row) is EventKept:
                    if row.name in self._anyway.match.events or "*" in self._anyway.match.events:
                        self._hear(group.key, record)
                elif getattr(row, "journey", None) == self._stage.journey and self._counts(row.at):
                    self._tell(group.key, row)

    def _hear(self, key: str, record: Record) -> None:
        if isinstance(record, Event):
            self._anyway.hear(key, record)

    def _counts(self, at: int) -> bool:
        return self._period.from_us <= at < self._period.until_us

    def _tell(self, key: str, row: object) -> None:
        tally = self._tally
        match row:
            case RunStarted():
                tally.starts[str(self._day(row.at))] += 1
                tally.arms[row.arm] += 1
                self._note(row.at, key, "began", row.arm, entry_key=row.entry_key)
            case RunEnded() if row.reason != FINISHED:
                where: What = "run" if row.step else "start"
                tally.reasons[f"{where}\t{reason_of(row.reason)}"] += 1
                self._note(row.at, key, where, row.reason, row.step, entry_key=row.entry_key)
            case StepTaken(what="withheld"):
                tally.reasons[f"run\t{reason_of(row.detail)}"] += 1
                self._note(row.at, key, "run", row.detail, row.step, entry_key=row.entry_key)
            case GoalReached() if row.nth == 1:
                tally.goals[row.arm] += 1
            case _:
                pass

    def claimed(self, claim: Claimed, view: View) -> None:
        intent, at = claim.intent, claim.claimed_at
        if not self._counts(at):
            return
        if intent.journey != self._stage.journey:
            self._others.append((intent.key, intent.journey, at))
            self._note_of(intent, "other", intent.journey, at)
            return
        tally = self._tally
        tally.sent[f"{self._day(at)}\t{intent.step}\t{intent.message}"] += 1
        tally.hours[zones.local_hour(self._zone, at)] += 1
        tally.channels[intent.channel] += 1
        if claim.variant:
            tally.variants[f"{intent.message}\t{claim.variant}"] += 1
        among = (rule for rule in self._stage.segments if rule.ready_at <= at)
        segments = tuple(sorted(rule.name for rule in among if rule.condition.holds(view, at)))
        tally.segments.update(segments)
        about = intent.step, intent.message, intent.channel, claim.variant, intent.entry_key, intent.due, intent.event
        self._sent.append((intent.key, Sent(at, intent.key, intent.intent, *about, segments=segments)))

    def refused(self, intent: SendMessage, verdict: Verdict, at: int) -> None:
        if intent.journey == self._stage.journey and self._counts(at):
            self._tally.reasons[f"gate\t{reason_of(verdict.reason)}"] += 1
            self._note_of(intent, "gate", verdict.reason, at)

    def postponed(self, intent: SendMessage, reason: str, at: int) -> None:
        if intent.journey == self._stage.journey and self._counts(at):
            self._tally.delays[reason_of(reason)] += 1
            self._note_of(intent, "held", reason, at)

    def was_sent(self, key: str, at: int, step: str, message: str) -> None:
        """What history says of this journey; told before it is finished."""
        if self._counts(at):
            self._tally.history[step] += 1
            self._note(at, key, "fact", "", step, message)

    def _note(
        self, at: int, key: str, what: What, text: str, step: str = "", message: str = "", entry_key: str = ""
    ) -> None:
        if self._notes is not None:
            self._notes.append(Noted(at, key, what, text, step, message, entry_key))

    def _note_of(self, intent: SendMessage, what: What, text: str, at: int) -> None:
        if self._notes is not None:
            about = intent.step, intent.message, intent.entry_key, intent.intent
            self._notes.append(Noted(at, intent.key, what, text, *about))

    def _day(self, at: int) -> int:
        return zones.local_date(self._zone, at)

    # ---- in the end ------------------------------------------------------------------------------------------------

    def finish(self, people: Mapping[str, Profile], codes: Iterable[str]) -> tuple[Tally, list[Sent], list[Noted]]:
        """What was counted; every message, and whatever else was noted, oldest first."""
        tally = self._tally
        roots = _roots(people)
        self._anyway.settle(roots)
        by_person: dict[str, list[int]] = defaultdict(list)
        for key, one in self._sent:
            by_person[roots.get(key, key)].append(one.at)
        beside = self._beside(by_person, roots)
        messages = sorted(self._whole(roots.get(key, key), one, by_person, beside) for key, one in self._sent)
        for one in messages:
            sides = (("before", one.before), ("after", one.after), ("both", one.before and one.after))
            tally.bought.update(name for name, number in sides if number)
            tally.bought["open"] += one.is_open
            tally.near.update(one.near)
        tally.reached = len(by_person)
        tally.per_person.update(map(len, by_person.values()))
        tally.people = sum(profile.owner() is None for profile in people.values())
        for key, profile in people.items():
            for run in profile.runs:
                if run.journey == self._stage.journey and not run.intent:
                    tally.inside += 1
                    self._note(run.started_at, key, "inside", "", run.step, entry_key=run.entry_key)
        tally.codes.update(codes)
        tally.samples = sampled(messages)
        notes = [replace(one, person=roots.get(one.person, one.person)) for one in self._notes or ()]
        return tally, messages, sorted(notes)

    def _whole(
        self,
        person: str,
        one: Sent,
        by_person: Mapping[str, list[int]],
        beside: Mapping[str, Mapping[str, list[int]]],
    ) -> Sent:
        before, after = self._anyway.around(person, one.entry_key, one.at)
        others = beside.get(person, {})
        return replace(
            one,
            person=person,
            before=before,
            after=after,
            is_open=one.at + self._anyway.within_us > self._period.until_us,
            others=tuple(sorted(others)),
            near=tuple(sorted(name for name, times in others.items() if _is_near(times, one.at))),
            of=len(by_person[person]),
        )

    def _beside(self, by_person: Mapping[str, list[int]], roots: Mapping[str, str]) -> dict[str, dict[str, list[int]]]:
        """What other journeys sent to the same people: by person and journey, when."""
        tally = self._tally
        found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for key, journey, at in self._others:
            tally.others[journey] += 1
            if (person := roots.get(key, key)) in by_person:
                found[person][journey].append(at)
        for others in found.values():
            tally.both.update(others.keys())
            for times in others.values():
                times.sort()
        return found


def _is_near(times: Sequence[int], at: int) -> bool:
    place = bisect_left(times, at - NEAR_US)
    return place < len(times) and times[place] <= at + NEAR_US


def _roots(people: Mapping[str, Profile]) -> dict[str, str]:
    """Whose each identifier is in the end, of those that are somebody else's."""
    found = {}
    for key, profile in people.items():
        owner = profile.owner()
        while owner is not None:
            found[key] = owner
            owner = people[owner].owner() if owner in people else None
    return found


def compare(first: Sequence[Sent], second: Sequence[Sent]) -> tuple[Difference, list[Sent], list[Sent]]:
    """Two versions over the same people, and the messages of each with what the other has not. They are the same where
    the same run of the same person would have sent them at the same step, however the journey was edited."""
    told = Difference()
    marked = _marked(first, second), _marked(second, first)
    for name, messages in zip(("first", "second"), marked, strict=True):
        told.messages[name] = sum(one.alone != "" for one in messages)
        told.people[name] = len({one.person for one in messages if one.alone == "person"})
    told.messages["same"] = sum(one.alone == "" for one in marked[0])
    told.people["both"] = len({sent.person for sent in first} & {sent.person for sent in second})
    return told, *marked


def _marked(mine: Sequence[Sent], theirs: Sequence[Sent]) -> list[Sent]:
    left, people = Counter(map(_about, theirs)), {one.person for one in theirs}
    found = []
    for one in mine:
        about = _about(one)
        if left[about]:
            left[about] -= 1
            found.append(one)
        else:
            found.append(replace(one, alone="message" if one.person in people else "person"))
    return found


def _about(one: Sent) -> tuple[str, str, str]:
    return one.person, one.entry_key, f"{one.message} {one.at // DAY_US}"


def lines(messages: Sequence[Sent], notes: Sequence[Noted]) -> list[Line]:
    """All of them, in order of time."""
    return sorted([*messages, *notes], key=in_order)


def in_order(one: Line) -> tuple[int, str]:
    return one.at, one.person
