"""The oracle of journeys: what docs/journeys.md says of a whole history, sentence by sentence.

It reads the log once, in order. Before each record everybody is brought to that instant, through every instant at which
anything about them might change; nothing is indexed, compiled or put off. What the engine decides by a hash (splits,
holdouts) is told to it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tactful.events.records import (
    Consent,
    Enter,
    Event,
    Launch,
    Outcome,
    Publish,
    Record,
    Score,
    Steer,
    Unmerge,
    pack,
    unpack,
)
from tests.parity.oracle.lines import Happening
from tests.parity.oracle.values import is_number
from tests.simulation.journeys import clocks
from tests.simulation.journeys.people import Everybody, key_text
from tests.simulation.journeys.reading import DAY, NEVER, Ending, Journey, Match, Step, read

Row = tuple[Any, ...]
Order = tuple[int, int, int]
GIVEN_BACK = ("refused", "lapsed", "rejected", "dropped")
NEWEST_EDITIONS = 5
LATE_GOALS = DAY


@dataclass(eq=False)
class Run:
    journey: Journey
    key: str
    order: Order
    """Of what started it; the first is its moment then."""
    origin: tuple[str, int]
    """The fragment of the record that started it."""
    moment: int
    step: Step | None = None
    """Where it waits."""
    due: int = 0
    arm: str = ""
    goals: int = 0
    is_inside: bool = True
    ended: int = 0

    def name(self) -> tuple[str, str, int]:
        return self.journey.name, self.key, self.order[0]


@dataclass(eq=False)
class Sent:
    """A message that was handed over: what the gate is asked about."""

    run: Run
    step: str
    at: int
    valid_until: int
    channel: str
    target: str
    purpose: str
    person: str
    stopped: str = ""
    is_over: bool = False
    """Its outcome is known."""
    counts: bool = True

    def name(self) -> tuple[str, str, int, str]:
        return *self.run.name(), self.step


@dataclass(eq=False)
class Person:
    key: str
    now: int
    rows: list[Row] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    """Also those that have ended, for their goals."""
    sent: list[Sent] = field(default_factory=list)
    is_settled: bool = True

    def inside(self) -> list[Run]:
        return [run for run in self.runs if run.is_inside]


@dataclass
class Chance:
    """What hashes decide, as the engine's rows have it: of runs (person, journey, key, start) and of their splits."""

    arms: Mapping[tuple[str, str, str, int], str] = field(default_factory=dict)
    splits: Mapping[tuple[str, str, str, int, str], str] = field(default_factory=dict)


class Oracle:
    """`intents`: of each intent of the engine, the name of the send (Sent.name)."""

    def __init__(self, chance: Chance | None = None, intents: Mapping[str, tuple[Any, ...]] | None = None) -> None:
        self.everybody = Everybody()
        self.people: dict[str, Person] = {}
        self.stories: dict[str, list[Row]] = defaultdict(list)
        """Rows by key, also of those who became somebody else."""
        self.journeys: dict[str, Journey] = {}
        self.editions: dict[str, list[Journey]] = {}
        """Of each name all versions, newest last."""
        self.steering: dict[str, str] = {}
        self.launched: set[tuple[str, str]] = set()
        self.clock = 0
        self.published = False
        self.chance = chance or Chance()
        self.intents = intents or {}
        self.seen: set[tuple[str, str]] = set()
        self.sets: list[tuple[str, int, dict[str, Any]]] = []
        """What journeys have written and nobody has read yet."""
        self.written = 0

    # ---- the log -------------------------------------------------------------------------------------------------

    def read(self, place: int, record: Record) -> None:
        self.pass_time(record.received_at)
        match record:
            case Publish():
                self._publish(record)
            case Steer():
                self._steer(record)
            case Launch():
                self._launch(record)
            case Outcome():
                self._outcome(record)
            case Unmerge():
                self._unmerge(record)
            case Event() | Consent() | Score() | Enter():
                if (record.key, record.message_id) not in self.seen:
                    self.seen.add((record.key, record.message_id))
                    self._of_person(record, place)
        self._read_sets()

    def _read_sets(self) -> None:
        while self.sets:
            key, at, values = self.sets.pop(0)
            self.written += 1
            name, properties = f"set {self.written}", pack(values)
            said = Event(1, "journey", "server", "identify", "$identify", key, (key,), name, at, at, properties)
            fragment = self.everybody.ties.enter(key)
            call = self.everybody.enter(said, 0)
            assert call is not None
            self._event(self.person(self.everybody.person(fragment)), call, fragment)

    def _of_person(self, record: Event | Consent | Score | Enter, place: int) -> None:
        everybody = self.everybody
        fragment = everybody.ties.enter(record.key)
        key = everybody.person(fragment)
        person = self.person(key)
        match record:
            case Enter():
                self._call(person, record, fragment, place)
            case Event():
                call = everybody.enter(record, place)
                assert call is not None
                self._event(person, call, fragment)
                before = self._whose()
                everybody.meet(record)
                self._moved(before)
            case Consent() | Score():
                everybody.enter(record, place)
                self._withdrawn(person, record)
                self._look(person, self.clock, "consent", fragment)

    def person(self, key: str) -> Person:
        if key not in self.people:
            self.people[key] = Person(key, self.clock, self.stories[key])
        return self.people[key]

    # ---- time ----------------------------------------------------------------------------------------------------

    def pass_time(self, until: int) -> None:
        """Everybody is brought to the instant, schedules on the way."""
        self.clock = max(self.clock, until)
        for person in list(self.people.values()):
            self._live(person, self.clock)

    def _live(self, person: Person, until: int) -> None:
        while True:
            instants = self.everybody.instants(person.key, person.now, until)
            instants |= {run.due for run in person.inside() if run.step is not None and self._may_move(run)}
            instants |= {at for name in self.journeys for at in self._scheduled(name, person.now, until)}
            due = [at for at in instants if person.now < at <= until]
            if not due:
                break
            at = min(due)
            person.now = at
            self._look(person, at, "time", None)
            for name in self.journeys:
                if at in self._scheduled(name, at - 1, at):
                    self._begin_for_all(person, self.journeys[name], at)
            self._read_sets()
        person.now = until

    def _scheduled(self, name: str, after: int, up_to: int) -> list[int]:
        schedule = self.journeys[name].start.schedule
        if schedule is None or up_to <= after:
            return []
        return clocks.scheduled(schedule, after, up_to, self.everybody.zone())

    # ---- looking -------------------------------------------------------------------------------------------------

    def _look(self, person: Person, at: int, cause: str, fragment: tuple[str, int] | None) -> None:
        """Segments flip, and start what they start; then runs go on that wait for a condition, or are due."""
        self._flip(person, at, cause, fragment)
        self._go_on(person, at)

    def _flip(self, person: Person, at: int, cause: str, fragment: tuple[str, int] | None) -> None:
        if not self.published:
            return
        everybody = self.everybody
        holds = {name for name, text in everybody.segments.items() if everybody.holds(text, person.key, at)}
        entered = [name for name in everybody.segments if name in holds - person.members]
        left = [name for name in everybody.segments if name in person.members - holds]
        person.members = holds
        if cause == "publish":
            return
        origin = fragment or everybody.ties.now(person.key)
        for journey in self.by_priority():
            start = journey.start
            if start.segment in entered or start.left in left:
                if cause == "merge" and not journey.on_merge:
                    continue
                self._begin(person, journey, "", (at, at, 0), origin, at)

    def by_priority(self) -> list[Journey]:
        return sorted(self.journeys.values(), key=lambda journey: -journey.priority)

    def _go_on(self, person: Person, at: int) -> None:
        for run in person.inside():
            ending = next((one for one in run.journey.unless if self._has_come_true(person, run, one, at)), None)
            if ending is not None:
                self._end(person, run, at, f"unless {ending.when}")
        while run := next((one for one in person.inside() if self._is_ready(person, one, at)), None):
            self._wake(person, run, at)

    def _has_come_true(self, person: Person, run: Run, ending: Ending, at: int) -> bool:
        return bool(ending.when) and run.is_inside and self.everybody.holds(ending.when, person.key, at)

    def _may_move(self, run: Run) -> bool:
        return self.steering.get(run.journey.name) != "pause"

    def _is_ready(self, person: Person, run: Run, at: int) -> bool:
        step = run.step
        if not run.is_inside or step is None or not self._may_move(run):
            return False
        if step.kind == "until":
            run.due = self._until(person, run, step, at)
        if run.due <= at:
            return True
        return step.kind == "when" and self.everybody.holds(step.condition, person.key, at)

    def _until(self, person: Person, run: Run, step: Step, at: int) -> int:
        zone = self.everybody.world(person.key, at).zone
        return clocks.until(run.moment, step.minute, step.days, zone)

    def _wake(self, person: Person, run: Run, at: int) -> None:
        """The wait is over."""
        step = run.step
        assert step is not None
        if step.kind == "when" and self.everybody.holds(step.condition, person.key, at) and run.due > at:
            run.moment = at
            self._say(person, run, at, "came", "")
            self._walk(person, run, self._into(run, step, "then"), at)
            return
        run.moment = run.due
        if step.kind in ("for", "when"):
            self._say(person, run, at, "over", "")
        self._walk(person, run, self._into(run, step, "else"), at)

    def _say(self, person: Person, run: Run, at: int, what: str, detail: str, step: Step | None = None) -> None:
        at_step = step or run.step
        assert at_step is not None
        person.rows.append((at, "step", *run.name(), at_step.name, what, detail))

    # ---- walking -------------------------------------------------------------------------------------------------

    def _into(self, run: Run, step: Step, branch: str) -> Step | None:
        """The first step of the branch, or what is behind the step."""
        steps = step.branches.get(branch, ())
        return steps[0] if steps else run.journey.behind(step)

    def _walk(self, person: Person, run: Run, step: Step | None, at: int) -> None:
        """From this step on, until the run waits or ends."""
        withheld = ""
        while run.is_inside:
            run.step = step
            if step is None:
                self._end(person, run, at, withheld or "finished")
                return
            withheld = ""
            match step.kind:
                case "wait":
                    run.due = run.moment + step.length
                case "until":
                    run.due = self._until(person, run, step, at)
                case "for" | "when":
                    run.due = run.moment + step.length
                case "if":
                    holds = self.everybody.holds(step.condition, person.key, at)
                    self._say(person, run, at, "branch", "then" if holds else "else")
                    step = self._into(run, step, "then" if holds else "else")
                    continue
                case "split":
                    arm = self._arm(person, run, step)
                    self._say(person, run, at, "split", arm)
                    step = self._into(run, step, arm)
                    continue
                case "send":
                    withheld = self._send(person, run, step, at)
                    step = run.journey.behind(step)
                    continue
                case "set":
                    self._set(person, run, step, at)
                    step = run.journey.behind(step)
                    continue
                case "exit":
                    self._end(person, run, at, step.reason)
                    return
            if not self._is_ready(person, run, at):
                self._say(person, run, at, "wait", "")
                return
            # What is due already goes on at once.
            if step.kind == "when" and self.everybody.holds(step.condition, person.key, at) and run.due > at:
                self._say(person, run, at, "came", "")
                step = self._into(run, step, "then")
                continue
            run.moment = run.due
            if step.kind in ("for", "when"):
                self._say(person, run, at, "over", "")
            step = self._into(run, step, "else")

    def _arm(self, person: Person, run: Run, step: Step) -> str:
        if sum(weight > 0 for _, weight in step.arms) == 1:
            return next(arm for arm, weight in step.arms if weight > 0)
        return self.chance.splits.get((person.key, *run.name(), step.name), "?")

    def _send(self, person: Person, run: Run, step: Step, at: int) -> str:
        """Hand a message over; the reason where none is sent."""
        journey = run.journey
        if not self._holds(journey, person, at):
            self._end(person, run, at, "no longer true")
            return ""
        if run.arm:
            why = f"holdout: {run.arm}"
        elif self._is_used(person, journey, at):
            why = "limit"
        else:
            valid_until = run.moment + (step.length or journey.validity)
            what = step.channel, step.target, step.purpose
            person.sent.append(Sent(run, step.name, at, valid_until, *what, person.key))
            person.rows.append((at, "send", *run.name(), step.name, step.channel, step.target, valid_until))
            return ""
        self._say(person, run, at, "withheld", why, step)
        return why

    def _is_used(self, person: Person, journey: Journey, at: int) -> bool:
        if journey.limit is None:
            return False
        most, per = journey.limit
        mine = [one for one in person.sent if one.counts and one.run.journey.name == journey.name]
        return sum(at - per < one.at <= at for one in mine) >= most

    def _set(self, person: Person, run: Run, step: Step, at: int) -> None:
        """As an identify of a server at that instant."""
        values = {
            name: self.everybody.value(said, person.key, at) if isinstance(said, str) else said
            for name, said in step.values.items()
        }
        self._say(person, run, at, "set", json.dumps(values, sort_keys=True), step)
        self.sets.append((person.key, at, values))

    def _end(self, person: Person, run: Run, at: int, reason: str) -> None:
        where = run.step.name if run.step is not None else ""
        run.is_inside, run.ended, run.step = False, at, None
        person.rows.append((at, "ended", *run.name(), reason, where))

    # ---- starts --------------------------------------------------------------------------------------------------

    def _holds(self, journey: Journey, person: Person, at: int) -> bool:
        return not journey.condition or self.everybody.holds(journey.condition, person.key, at)

    def _begin(
        self,
        person: Person,
        journey: Journey,
        key: str,
        order: Order,
        origin: tuple[str, int],
        now: int,
        cause: Happening | None = None,
    ) -> None:
        """In the order in which a start is looked at; the first no is the reason."""
        moment = order[0]

        def no(reason: str) -> None:
            person.rows.append((now, "ended", journey.name, key, moment, reason, ""))

        if not self._holds(journey, person, now):
            return
        steering = self.steering.get(journey.name)
        if steering in ("pause", "drain", "stop"):
            no(f"steering: {steering}")
            return
        first = moment + journey.first_wait()
        if now > first + journey.validity:
            no("too late")
            return
        if cause is not None and self._has_ended_already(person, journey, key, order, now):
            no("came first")
            return
        inside = [run for run in person.inside() if run.journey.name == journey.name]
        for run in [run for run in inside if run.key == key]:
            if not journey.restarts or run.order[0] > moment:
                return
            self._end(person, run, now, "restarted")
        if self._is_again(person, journey, key, moment):
            no("again")
            return
        if self._is_used(person, journey, max(first, now)):
            no("limit")
            return
        others = self._others(person, journey)
        if any(other.journey.priority >= journey.priority for other in others):
            no("group")
            return
        for other in others:
            self._end(person, other, now, "gave way")
        arm = (
            self.chance.arms.get((person.key, journey.name, key, moment), "") if self._may_be_held_out(journey) else ""
        )
        run = Run(journey, key, order, origin, moment, arm=arm)
        person.runs.append(run)
        person.rows.append((now, "started", *run.name(), arm))
        self._walk(person, run, journey.first(), now)

    def _may_be_held_out(self, journey: Journey) -> bool:
        return True

    def _has_ended_already(self, person: Person, journey: Journey, key: str, order: Order, now: int) -> bool:
        calls = self.everybody.world(person.key, now).calls
        matches = [one.match for one in journey.unless if one.match is not None]
        return any(
            call[:3] > order and self.everybody.fits(match, call, person.key, now, key)
            for call in calls
            for match in matches
        )

    def _is_again(self, person: Person, journey: Journey, key: str, moment: int) -> bool:
        if not journey.again:
            return False
        before = [run.order[0] for run in person.runs if run.journey.name == journey.name and run.key == key]
        return bool(before) and (journey.again == NEVER or moment < max(before) + journey.again)

    def _others(self, person: Person, journey: Journey) -> list[Run]:
        if not journey.group:
            return []
        return [
            run for run in person.inside() if run.journey.group == journey.group and run.journey.name != journey.name
        ]

    def _call(self, person: Person, record: Enter, fragment: tuple[str, int], place: int) -> None:
        journey = self.journeys.get(record.journey)
        if journey is not None and journey.start.call:
            at = record.received_at
            self._begin(person, journey, record.entry_key, (at, at, place), fragment, self.clock)
        self._go_on(person, self.clock)

    def _launch(self, record: Launch) -> None:
        journey = self.journeys.get(record.journey)
        if journey is None or (record.journey, record.version) in self.launched:
            return
        self.launched.add((record.journey, record.version))
        for person in list(self.people.values()):
            self._begin_for_all(person, journey, self.clock)

    def _begin_for_all(self, person: Person, journey: Journey, at: int) -> None:
        if journey.start.audience and journey.start.audience not in person.members:
            return
        self._begin(person, journey, "", (at, at, 0), self.everybody.ties.now(person.key), at)

    # ---- events --------------------------------------------------------------------------------------------------

    def _event(self, person: Person, call: Happening, fragment: tuple[str, int]) -> None:
        self._count_goals(person, call)
        self._stop(person, call)
        waiting = [run for run in person.inside() if run.step is not None and run.step.kind == "for"]
        self._flip(person, self.clock, "event", fragment)
        for journey in self.by_priority():
            self._start_by(person, journey, call, fragment)
        for run in waiting:
            self._came(person, run, call)
        self._go_on(person, self.clock)

    def _start_by(self, person: Person, journey: Journey, call: Happening, fragment: tuple[str, int]) -> None:
        start, everybody, now = journey.start, self.everybody, self.clock
        if not start.events:
            return
        if not everybody.fits(Match(start.events, start.where), call, person.key, now):
            return
        key = ""
        if journey.key:
            key = key_text(everybody.of_event(journey.key, call, person.key, now))
            if not key:
                return
        self._begin(person, journey, key, call[:3], fragment, now, call)

    def _came(self, person: Person, run: Run, call: Happening) -> None:
        step = run.step
        if step is None or not run.is_inside or step.match is None or not self._may_move(run):
            return
        if call.timestamp < run.moment:
            return
        if self.everybody.fits(step.match, call, person.key, self.clock, run.key):
            run.moment = call.timestamp
            self._say(person, run, self.clock, "came", call.name)
            self._walk(person, run, self._into(run, step, "then"), self.clock)

    def _stop(self, person: Person, call: Happening) -> None:
        """What `unless` names ends runs that began before it, and stops what waits to leave."""
        for run in person.runs:
            matches = [one.match for one in run.journey.unless if one.match is not None]
            if run.order >= call[:3]:
                continue
            if any(self.everybody.fits(match, call, person.key, self.clock, run.key) for match in matches):
                for sent in person.sent:
                    if sent.run is run and not sent.is_over:
                        sent.stopped = sent.stopped or "came first"
                if run.is_inside:
                    self._end(person, run, self.clock, "came first")

    def _count_goals(self, person: Person, call: Happening) -> None:
        for run in person.runs:
            goal = run.journey.goal
            if goal is None or not run.order < call[:3] or not call.timestamp < run.order[0] + goal.within:
                continue
            if self.clock > run.order[0] + goal.within + LATE_GOALS:
                continue
            if self.everybody.fits(goal.match, call, person.key, self.clock, run.key):
                run.goals += 1
                value = self.everybody.of_event(goal.value, call, person.key, self.clock) if goal.value else None
                number = float(value) if is_number(value) else None
                person.rows.append((self.clock, "goal", *run.name(), run.goals, number))

    def _withdrawn(self, person: Person, record: Consent | Score) -> None:
        """Without the consent that its messages need no run waits on."""

    def _outcome(self, outcome: Outcome) -> None:
        name = self.intents.get(outcome.intent)
        for person in self.people.values():
            for sent in person.sent:
                if sent.name() == name and not sent.is_over and outcome.status != "held":
                    sent.is_over = True
                    sent.counts = outcome.status not in GIVEN_BACK

    # ---- what somebody orders ------------------------------------------------------------------------------------

    def _steer(self, record: Steer) -> None:
        name, order = record.journey, record.order
        self.steering[name] = order
        for person in list(self.people.values()):
            if order == "stop":
                for run in [run for run in person.inside() if run.journey.name == name]:
                    self._end(person, run, self.clock, "steering: stop")
                for sent in person.sent:
                    if sent.run.journey.name == name and not sent.is_over:
                        sent.stopped = sent.stopped or "steering: stop"
            self._go_on(person, self.clock)

    def _publish(self, record: Publish) -> None:
        texts = {path: text for path, text in record.files.items()}
        segments = {
            path.removeprefix("segments/").removesuffix(".yaml"): _when(text)
            for path, text in texts.items()
            if path.startswith("segments/")
        }
        before = self.journeys
        self.journeys = {
            name: read(name, text)
            for path, text in texts.items()
            if path.startswith("journeys/") and (name := path.removeprefix("journeys/").removesuffix(".yaml"))
        }
        for name, journey in self.journeys.items():
            known = self.editions.setdefault(name, [])
            if not known or known[-1].text != journey.text:
                known.append(journey)
        expressions = [text for one in self.editions.values() for each in one for text in each.expressions()]
        self.everybody.publish(segments, expressions, record.settings.get("time_zone", "UTC"))
        self.published = True
        for person in list(self.people.values()):
            self._move_all(person, before)
            self._look(person, self.clock, "publish", None)

    def _move_all(self, person: Person, before: Mapping[str, Journey]) -> None:
        """Runs inside go over to the new version, or stay in theirs."""
        for run in person.inside():
            name = run.journey.name
            new = self.journeys.get(name)
            if new is None:
                self._end(person, run, self.clock, "unpublished")
                continue
            if new.text == run.journey.text:
                run.journey = new
                continue
            newest = self.editions[name][-1 - NEWEST_EDITIONS : -1]
            if new.finishes and any(one.text == run.journey.text for one in newest):
                continue
            assert run.step is not None
            step = new.step(run.step.name)
            if step is None or not step.waits():
                self._end(person, run, self.clock, "edited")
                continue
            run.journey, run.step = new, step

    # ---- who is who ----------------------------------------------------------------------------------------------

    def _whose(self) -> dict[tuple[str, int], str]:
        ties = self.everybody.ties
        return {fragment: ties.person(fragment) for fragment in ties.fragments()}

    def _moved(self, before: Mapping[tuple[str, int], str]) -> None:
        """Fragments have gone to somebody else, with what they have."""
        after = self._whose()
        moves = {(before[one], after[one]) for one in before if before[one] != after[one]}
        for giver, taker in sorted(moves):
            self._give(giver, taker)

    def _give(self, giver: str, taker: str) -> None:
        if giver not in self.people:
            return
        going, mine = self.people.pop(giver), self.person(taker)
        self._join(mine, going)
        self._look(mine, self.clock, "merge", None)

    def _join(self, mine: Person, going: Person) -> None:
        for one, other in ((mine, going), (going, mine)):
            for run in one.inside():
                if any(self._is_about(sent, run) and sent.at >= run.order[0] for sent in other.sent):
                    self._end_for(mine, one, run, "already sent")
        for run in mine.inside():
            for other in going.inside():
                if (run.journey.name, run.key) == (other.journey.name, other.key):
                    later = max(run, other, key=lambda each: each.order)
                    self._end_for(mine, mine if later in mine.runs else going, later, "merged")
        mine.runs = sorted([*mine.runs, *going.runs], key=lambda run: (run.order, run.journey.name, run.key))
        mine.sent = [*mine.sent, *going.sent]

    def _is_about(self, sent: Sent, run: Run) -> bool:
        return (sent.run.journey.name, sent.run.key) == (run.journey.name, run.key) and sent.counts

    def _end_for(self, teller: Person, whose: Person, run: Run, reason: str) -> None:
        if run.is_inside:
            where = run.step.name if run.step is not None else ""
            run.is_inside, run.ended, run.step = False, self.clock, None
            teller.rows.append((self.clock, "ended", *run.name(), reason, where))

    def _unmerge(self, record: Unmerge) -> None:
        before = self._whose()
        self.everybody.undo(record.key)
        after = self._whose()
        moves = sorted({(before[one], after[one]) for one in before if before[one] != after[one]})
        for old, new in moves:
            person, back = self.person(old), self.person(new)
            for run in [run for run in person.runs if self.everybody.person(run.origin) == new]:
                person.runs.remove(run)
                back.runs.append(run)
            back.sent = list(person.sent)
            self._look(person, self.clock, "merge", None)
            self._look(back, self.clock, "merge", None)


def _when(text: str) -> str:
    import yaml

    return str(yaml.load(text, yaml.BaseLoader)["when"])


def difference(ours: Mapping[str, Iterable[Row]], truth: Mapping[str, Iterable[Row]]) -> list[str]:
    """Rows that only one of the two has, in words."""
    found = []
    for key in sorted({*ours, *truth}):
        mine, right = sorted(ours.get(key, ()), key=repr), sorted(truth.get(key, ()), key=repr)
        for row in list(mine):
            if row in right:
                mine.remove(row)
                right.remove(row)
        found += [f"{key} engine only: {row}" for row in mine] + [f"{key} oracle only: {row}" for row in right]
    return found


Told = Callable[[Record], None]
__all__ = ["Chance", "Oracle", "difference", "pack", "unpack"]
