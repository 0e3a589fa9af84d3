"""The oracle of journeys: what docs/journeys.md says of a whole history, sentence by sentence.

It reads the log once, in order. Before each record everybody is brought to that instant, through every instant at which
anything about them might change; nothing is indexed, compiled or put off. What the engine decides by a hash (splits,
holdouts) is told to it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import yaml

from tactful.events.records import (
    Consent,
    Enter,
    Event,
    Forwarded,
    Launch,
    Outcome,
    Plan,
    Publish,
    Record,
    Score,
    Steer,
    Unmerge,
    decode_told,
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
    """The version by which it goes."""
    begun: Journey
    """The version with which it began."""
    key: str
    order: Order
    """Of what started it; the first is its moment then."""
    origin: tuple[str, int]
    """The fragment of the record that started it."""
    moment: int
    step: Step | None = None
    """Where it waits."""
    due: int = 0
    zone: str = ""
    """By whose clock it waits for a local time."""
    came: Happening | None = None
    """What it waited for, where that came while the journey was paused."""
    arm: str = ""
    goals: int = 0
    is_inside: bool = True
    had: set[str] = field(default_factory=set)
    """Steps whose message another half of the person has had."""

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
    """Whose it was then."""
    stopped: str = ""
    is_over: bool = False
    """Its outcome is known."""
    counts: bool = True
    number: int = 0
    """The same of the copy that somebody keeps who was the same person then."""

    def name(self) -> tuple[str, str, str, int, int, str]:
        return self.person, *self.run.name(), self.run.order[2], self.step


@dataclass(eq=False)
class Person:
    key: str
    now: int
    rows: list[Row] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    """Also those that have ended, for their goals."""
    sent: list[Sent] = field(default_factory=list)
    begun: list[tuple[str, str, int]] = field(default_factory=list)
    """Journey, key and moment of every start; it stays with all that were one person then."""

    def inside(self) -> list[Run]:
        return [run for run in self.runs if run.is_inside]


@dataclass
class Chance:
    """What hashes decide, as the engine's rows have it: of runs (person, journey, key, start) and of their splits."""

    arms: Mapping[tuple[str, str, str, int], str] = field(default_factory=dict)
    splits: Mapping[tuple[str, str, str, int, str], str] = field(default_factory=dict)


class Oracle:
    """`intents`: of each intent of the engine, the name of the send (Sent.name). `is_alone`: there is no engine, whose
    log has the events that write traits, so they come at once."""

    def __init__(
        self,
        chance: Chance | None = None,
        intents: Mapping[str, tuple[Any, ...]] | None = None,
        *,
        is_alone: bool = False,
    ) -> None:
        self.is_alone = is_alone
        self.everybody = Everybody()
        self.people: dict[str, Person] = {}
        self.stories: dict[str, list[Row]] = defaultdict(list)
        """Rows by key, also of those who became somebody else."""
        self.journeys: dict[str, Journey] = {}
        self.editions: dict[str, list[Journey]] = {}
        """Of each name earlier versions on which runs finish, newest last."""
        self.expressions: set[str] = set()
        self.purposes: dict[str, str] = {}
        """Of messages."""
        self.steering: dict[str, str] = {}
        self.launched: set[tuple[str, str]] = set()
        self.clock = 0
        self.place = 0
        self.number = 0
        """Of messages."""
        self.published = False
        self.chance = chance or Chance()
        self.intents = intents or {}
        self.seen: set[tuple[str, str]] = set()
        self.heard: dict[int, int] = {}
        """Of each partition, the number of its last record."""
        self.sets: list[tuple[str, dict[str, Any]]] = []
        """What journeys have written and nobody has read yet."""
        self.watched: dict[tuple[Any, ...], int] = {}
        """What `unless` names: the place in the log from which it is known."""

    # ---- the log -------------------------------------------------------------------------------------------------

    def read(self, place: int, record: Record) -> None:
        self.place = place
        if not isinstance(record, Plan):
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
            case Forwarded():
                self._told(record, place)
            case Event() | Consent() | Score() | Enter():
                if (record.key, record.message_id) not in self.seen:
                    self.seen.add((record.key, record.message_id))
                    self._of_person(record, place)
        self._write()

    def _told(self, forwarded: Forwarded, place: int) -> None:
        """What another partition says, each once; or this one to itself."""
        if forwarded.seq <= self.heard.get(forwarded.src, 0):
            return
        self.heard[forwarded.src] = forwarded.seq
        self.pass_time(forwarded.clock)
        record = decode_told(forwarded.record)
        match record:
            case Plan():
                self._publish(record.publish)
            case Event():
                self._is_set(record)
                self._of_person(record, place)
            case Steer() | Launch():
                self.pass_time(record.received_at)
                (self._steer if isinstance(record, Steer) else self._launch)(record)  # type: ignore[arg-type]  # as it is
            case _:
                raise AssertionError(record)

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
                everybody.meet(record)
                self._hand_over()
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
        self._write()

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
        """In which they are started: the higher first, then by name."""
        return sorted(self.journeys.values(), key=lambda journey: (-journey.priority, journey.name))

    def _go_on(self, person: Person, at: int) -> None:
        """What ends runs, what is due, what has come to hold."""
        for run in list(person.runs):
            ending = next((one for one in run.journey.unless if self._has_come_true(person, one, at)), None)
            if ending is not None:
                self._stop_messages(person, run, "unless")
                if run.is_inside:
                    self._end(person, run, at, "unless")
        for run in person.inside():
            if run.journey.name not in self.journeys:
                if run.due <= at:
                    self._end(person, run, at, "unpublished")
            elif self._may_move(run):
                step = self._stands(run)
                if step is None:
                    self._end(person, run, at, "edited")
                else:
                    self._go_on_with(person, run, step, at)

    def _stands(self, run: Run) -> Step | None:
        """The step at which it waits, in the version by which it goes."""
        return run.journey.step(run.step.name) if run.step is not None else None

    def _has_come_true(self, person: Person, ending: Ending, at: int) -> bool:
        return bool(ending.when) and self.everybody.holds(ending.when, person.key, at)

    def _stop_messages(self, person: Person, run: Run, why: str) -> None:
        for sent in person.sent:
            if sent.run is run and not sent.is_over:
                # That an event came first is the first thing that the gate asks.
                sent.stopped = why if why == "came first" else sent.stopped or why

    def _may_move(self, run: Run) -> bool:
        return self.steering.get(run.journey.name) != "pause"

    def _go_on_with(self, person: Person, run: Run, step: Step, at: int) -> None:
        """One run, where it waits."""
        if run.came is not None:
            self._has_come(person, run, step, run.came, at)
            return
        if step.kind == "until" and run.zone != self._zone(person, at).key:
            self._wait_until(person, run, step, at)
            if run.due > at:
                self._say(person, run, at, "wait")
        if run.due <= at:
            self._is_over(person, run, step, at)
        elif step.kind == "when" and self.everybody.holds(step.condition, person.key, at):
            self._say(person, run, at, "came")
            run.moment = at
            self._walk(person, run, self._into(run, step, "then"), at)

    def _zone(self, person: Person, at: int) -> Any:
        return self.everybody.world(person.key, at).zone

    def _wait_until(self, person: Person, run: Run, step: Step, at: int) -> None:
        zone = self._zone(person, at)
        run.zone, run.due = zone.key, clocks.until(run.moment, step.minute, step.days, zone)

    def _is_over(self, person: Person, run: Run, step: Step, at: int) -> None:
        """The time for which it waited."""
        run.moment = run.due
        if not step.waits():  # The step of this name does something else since the journey was edited.
            self._walk(person, run, step, at)
            return
        if step.kind in ("for", "when"):
            self._say(person, run, at, "over")
        self._walk(person, run, self._into(run, step, "else"), at)

    def _has_come(self, person: Person, run: Run, step: Step, call: Happening, at: int) -> None:
        run.came, run.moment = None, call.timestamp
        self._say(person, run, at, "came")
        self._walk(person, run, self._into(run, step, "then"), at)

    def _say(self, person: Person, run: Run, at: int, what: str, detail: str = "", step: Step | None = None) -> None:
        at_step = step or run.step
        assert at_step is not None
        person.rows.append((at, "step", *run.name(), at_step.name, what, detail))

    # ---- walking -------------------------------------------------------------------------------------------------

    def _into(self, run: Run, step: Step, branch: str) -> Step | None:
        """The first step of the branch, or what is behind the step."""
        steps = step.branches.get(branch, ())
        return steps[0] if steps else run.journey.behind(step)

    def _walk(self, person: Person, run: Run, step: Step | None, at: int, *, is_beginning: bool = False) -> None:
        """From this step on, until the run waits or ends. What is due already goes on at once."""
        holds = partial(self.everybody.holds, key=person.key, now=at)
        withheld = ""
        while step is not None:
            run.step, run.zone = step, ""
            behind = run.journey.behind(step)
            match step.kind:
                case "if":
                    branch = "then" if holds(step.condition) else "else"
                    self._say(person, run, at, "branch", branch)
                    step = self._into(run, step, branch)
                case "split":
                    branch = self._arm(person, run, step)
                    self._say(person, run, at, "split", branch)
                    step = self._into(run, step, branch)
                case "send":
                    if not self._holds(run.journey, person, at):
                        self._end(person, run, at, "no longer true")
                        return
                    withheld = self._send(person, run, step, at)
                    if behind is None:
                        self._end(person, run, at, withheld)
                        return
                    if withheld:
                        self._say(person, run, at, "withheld", withheld)
                    step = behind
                case "set":
                    self._set(person, run, step, at)
                    step = behind
                case "exit":
                    self._end(person, run, at, step.reason)
                    return
                case _:
                    if step.kind == "until":
                        self._wait_until(person, run, step, at)
                    else:
                        run.due = run.moment + step.length
                    if run.due <= at:
                        run.moment = run.due
                        if step.kind in ("for", "when"):
                            self._say(person, run, at, "over")
                        step = self._into(run, step, "else")
                    elif step.kind == "when" and holds(step.condition):
                        self._say(person, run, at, "came")
                        step = self._into(run, step, "then")
                    else:
                        if not (is_beginning and step.kind == "wait"):
                            self._say(person, run, at, "wait")
                        return
            is_beginning = False
        self._end(person, run, at, "finished")

    def _arm(self, person: Person, run: Run, step: Step) -> str:
        if sum(weight > 0 for _, weight in step.arms) == 1:
            return next(arm for arm, weight in step.arms if weight > 0)
        return self.chance.splits.get((person.key, *run.name(), step.name), "?")

    def _send(self, person: Person, run: Run, step: Step, at: int) -> str:
        """Hand a message over; the reason where none is sent."""
        journey = run.journey
        if run.arm:
            return f"holdout: {run.arm}"
        if step.name in run.had:
            return "already sent"
        if self._is_used(person, journey, at):
            return "limit"
        valid_until = run.moment + (step.length or journey.validity)
        what = step.channel, step.target, self._purpose(step), person.key
        self.number += 1
        person.sent.append(Sent(run, step.name, at, valid_until, *what, number=self.number))
        person.rows.append((at, "send", *run.name(), step.name, step.channel, step.target, valid_until))
        return ""

    def _is_used(self, person: Person, journey: Journey, at: int) -> bool:
        if journey.limit is None:
            return False
        most, per = journey.limit
        mine = [one for one in person.sent if one.counts and one.run.journey.name == journey.name]
        return len({one.number for one in mine if at - per < one.at <= at}) >= most

    def _set(self, person: Person, run: Run, step: Step, at: int) -> None:
        """The event that writes them stands in the log behind this."""
        values = {}
        for name, said in step.values.items():
            value = self.everybody.value(said, person.key, at) if isinstance(said, str) else said
            if value is not None:
                values[name] = value
        self._say(person, run, at, "set", json.dumps(values, sort_keys=True))
        if values:
            self.sets.append((person.key, values))

    def _write(self) -> None:
        """What journeys have set, where nobody else writes it into the log."""
        while self.is_alone and self.sets:
            key, values = self.sets[0]
            at, name = self.clock, f"set {len(self.seen)}"
            event = Event(1, "tactful", "server", "identify", "$identify", key, (key,), name, at, at, pack(values))
            self._is_set(event)
            self._of_person(event, self.place)
            self.seen.add((key, name))

    def _is_set(self, event: Event) -> None:
        """Such an event has come: a journey has said so, of whoever it was then."""
        values = event.key, unpack(event.properties)
        assert values in self.sets, f"no journey has set {values}: {self.sets}"
        self.sets.remove(values)

    def _end(self, person: Person, run: Run, at: int, reason: str) -> None:
        where = run.step.name if run.step is not None else ""
        run.is_inside, run.step = False, None
        if reason:  # Whose last step is a message ends with what becomes of it.
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
        if now > moment + journey.first_wait() + journey.validity:
            no("too late")
            return
        unwelcome = self._has_ended_already(person, journey, key, order, now, is_record=order[2] > 0)
        if unwelcome:
            no(unwelcome)
            return
        same = [run for run in person.inside() if (run.journey.name, run.key) == (journey.name, key)]
        if any(not journey.restarts or run.order[0] > moment for run in same):
            return
        others = self._others(person, journey)
        first = journey.first_message()
        if self._is_again(person, journey, key, moment):
            no("again")
        elif first is not None and self._is_used(person, journey, max(moment + first, now)):
            no("limit")
        elif any(other.journey.priority >= journey.priority for other in others):
            no("group")
        else:
            for run in same:
                self._end(person, run, now, "restarted")
            for other in others:
                self._end(person, other, now, "gave way")
            arm = self.chance.arms.get((person.key, journey.name, key, moment), "")
            run = Run(journey, journey, key, order, origin, moment, arm=arm)
            person.runs.append(run)
            person.begun.append(run.name())
            person.rows.append((now, "started", *run.name(), arm))
            self._walk(person, run, journey.first(), now, is_beginning=True)

    def _has_ended_already(
        self, person: Person, journey: Journey, key: str, order: Order, now: int, *, is_record: bool
    ) -> str:
        """What `unless` names has happened behind a record that starts it; or holds already."""
        everybody = self.everybody
        for one in journey.unless:
            if one.when:
                if everybody.holds(one.when, person.key, now):
                    return "unless"
            elif one.match is not None and is_record:
                calls = everybody.world(person.key, now).calls
                since = self.watched[self._watch(journey, one.match)]
                for call in calls:
                    is_behind = (call.timestamp, call.place) > (order[0], order[2]) and call.place > since
                    if is_behind and everybody.fits(one.match, call, person.key, now, key):
                        return "came first"
        return ""

    def _watch(self, journey: Journey, match: Match) -> tuple[Any, ...]:
        """What keeps the newest of such events: once a journey asks for it, what came before is not known."""
        late = journey.first_wait() + journey.validity if match.same else 0
        return tuple(sorted(match.events)), match.where, match.same, late

    def _is_again(self, person: Person, journey: Journey, key: str, moment: int) -> bool:
        if not journey.again:
            return False
        before = [at for name, of, at in person.begun if (name, of) == (journey.name, key)]
        return bool(before) and (journey.again == NEVER or moment < max(before) + journey.again)

    def _others(self, person: Person, journey: Journey) -> list[Run]:
        if not journey.group:
            return []
        return [
            run for run in person.inside() if run.journey.group == journey.group and run.journey.name != journey.name
        ]

    def _call(self, person: Person, record: Enter, fragment: tuple[str, int], place: int) -> None:
        journey, at = self.journeys.get(record.journey), record.received_at
        if journey is not None and journey.start.call:
            self._begin(person, journey, record.entry_key, (at, at, place), fragment, self.clock)
        else:
            person.rows.append((self.clock, "ended", record.journey, record.entry_key, at, "no call", ""))
        self._go_on(person, self.clock)

    def _launch(self, record: Launch) -> None:
        journey = self.journeys.get(record.journey)
        if journey is None or not journey.start.campaign or self._is_steered(journey.name):
            return
        if (record.journey, journey.text) in self.launched:
            return
        self.launched.add((record.journey, journey.text))
        for person in list(self.people.values()):
            self._begin_for_all(person, journey, self.clock)

    def _begin_for_all(self, person: Person, journey: Journey, at: int) -> None:
        if self._is_steered(journey.name):
            return
        if journey.start.audience and journey.start.audience not in person.members:
            return
        self._begin(person, journey, "", (at, at, 0), self.everybody.ties.now(person.key), at)

    # ---- events --------------------------------------------------------------------------------------------------

    def _event(self, person: Person, call: Happening, fragment: tuple[str, int]) -> None:
        self._count_goals(person, call)
        self._stop(person, call)
        standing = [(run, self._stands(run)) for run in person.inside()]
        waiting = [(run, step) for run, step in standing if step is not None and step.match is not None]
        waiting = [
            (run, step)
            for run, step in waiting
            if call.timestamp >= run.moment and self.everybody.fits(step.match, call, person.key, self.clock, run.key)
        ]
        self._flip(person, self.clock, "event", fragment)
        for journey in self.by_priority():
            self._start_by(person, journey, call, fragment)
        for run, step in waiting:
            self._came(person, run, step, call)
        self._go_on(person, self.clock)

    def _start_by(self, person: Person, journey: Journey, call: Happening, fragment: tuple[str, int]) -> None:
        start, everybody, now = journey.start, self.everybody, self.clock
        if not start.events:
            return
        if not everybody.fits(Match(start.events, start.where), call, person.key, now):
            return
        key: str | None = ""
        if journey.key:
            key = key_text(everybody.of_event(journey.key, call, person.key, now))
        if key is None:
            return
        self._begin(person, journey, key, call[:3], fragment, now, call)

    def _came(self, person: Person, run: Run, step: Step, call: Happening) -> None:
        if not run.is_inside or self._stands(run) is not step:
            return
        if self._may_move(run):
            self._has_come(person, run, step, call, self.clock)
        elif self.clock < run.due:  # Later the time was over, although nobody moved.
            run.came = run.came or call

    def _stop(self, person: Person, call: Happening) -> None:
        """What `unless` names ends runs that began before it, and stops what waits to leave."""
        for run in person.runs:
            matches = [one.match for one in run.journey.unless if one.match is not None]
            if run.order >= call[:3]:
                continue
            if any(self.everybody.fits(match, call, person.key, self.clock, run.key) for match in matches):
                self._stop_messages(person, run, "came first")
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
        """A run none of whose messages may be sent any more ends; what waits to leave without consent does not."""
        if not isinstance(record, Consent) or record.granted:
            return
        decisions = self.everybody.world(person.key, self.clock).decisions
        for run in list(person.runs):
            purposes = [self._purpose(step) for step in run.journey.all_steps() if step.kind == "send"]
            is_allowed = any(not one or decisions.get(one, False) for one in purposes)
            if run.is_inside and record.purpose in purposes and not is_allowed:
                self._end(person, run, self.clock, "consent withdrawn")
        for sent in person.sent:
            if sent.purpose == record.purpose and not decisions.get(sent.purpose, False) and not sent.is_over:
                sent.stopped = sent.stopped if sent.stopped == "came first" else "consent withdrawn"

    def _purpose(self, step: Step) -> str:
        return step.purpose if step.channel == "webhook" else self.purposes.get(step.target, "")

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
                for run in [run for run in person.runs if run.journey.name == name]:
                    self._stop_messages(person, run, "steering: stop")
                    if run.is_inside:
                        self._end(person, run, self.clock, "steering: stop")
            self._go_on(person, self.clock)

    def _is_steered(self, name: str) -> bool:
        return self.steering.get(name) in ("pause", "drain", "stop")

    def _publish(self, record: Publish) -> None:
        texts = dict(record.files)
        segments = {
            path.removeprefix("segments/").removesuffix(".yaml"): _when(text)
            for path, text in texts.items()
            if path.startswith("segments/")
        }
        journeys = {
            name: read(name, text)
            for path, text in texts.items()
            if path.startswith("journeys/") and (name := path.removeprefix("journeys/").removesuffix(".yaml"))
        }
        self.purposes = {
            path.removeprefix("messages/").removesuffix(".yaml"): yaml.load(text, yaml.BaseLoader).get("purpose", "")
            for path, text in texts.items()
            if path.startswith("messages/")
        }
        for name, journey in journeys.items():
            self._edit(name, journey)
        self.journeys = journeys
        self.expressions |= {text for one in journeys.values() for text in one.expressions()}
        watched = {
            self._watch(journey, one.match) for journey in self.journeys.values() for one in journey.unless if one.match
        }
        self.watched = {what: self.watched.get(what, self.place if self.published else 0) for what in watched}
        self.everybody.publish(segments, self.expressions, record.settings.get("time_zone", "UTC"))
        self.published = True
        for person in list(self.people.values()):
            for run in person.runs:
                run.journey = self._edition(run.begun)
            self._look(person, self.clock, "publish", None)

    def _edit(self, name: str, journey: Journey) -> None:
        """As long as a journey says `finish` the versions before it stay, the newest five."""
        before, kept = self.journeys.get(name), self.editions.get(name, [])
        if before is not None and before.text != journey.text:
            kept = [one for one in kept if one.text != before.text] + [before]
        kept = [one for one in kept if one.text != journey.text]
        self.editions[name] = kept[-NEWEST_EDITIONS:] if journey.finishes else []

    def _edition(self, begun: Journey) -> Journey:
        """By which version a run goes that began with this one."""
        kept = next((one for one in self.editions.get(begun.name, []) if one.text == begun.text), None)
        return kept or self.journeys.get(begun.name, begun)

    # ---- who is who ----------------------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        """Whoever is somebody else by now gives all that they have."""
        ties = self.everybody.ties
        for key in sorted(self.people):
            owner = ties.person(ties.now(key))
            if owner != key:
                self._give(key, owner)

    def _give(self, giver: str, taker: str) -> None:
        going, mine = self.people.pop(giver), self.person(taker)
        self._join(mine, going)
        self._look(mine, self.clock, "merge", None)

    def _join(self, mine: Person, going: Person) -> None:
        """Of each journey and key the run that began first goes on; what the other half has had is not sent again."""
        pairs = [(run, going.sent) for run in mine.runs] + [(run, mine.sent) for run in going.runs]
        pairs.sort(key=lambda pair: (pair[0].order, pair[0].journey.name, pair[0].key))
        goes_on: set[tuple[str, str]] = set()
        for run, sent in pairs:
            if not run.is_inside:
                continue
            about = run.journey.name, run.key
            others = [one for one in sent if one.counts and (one.run.journey.name, one.run.key) == about]
            had = {one.step for one in others if one.at >= run.order[0]}
            run.had |= had
            if had and all(step.name in run.had for step in run.journey.all_steps() if step.kind == "send"):
                self._end(mine, run, self.clock, "already sent")
            elif about in goes_on:
                self._end(mine, run, self.clock, "merged")
            else:
                goes_on.add(about)
        mine.runs = [run for run, _ in pairs]
        mine.sent = [*mine.sent, *going.sent]
        mine.begun = [*mine.begun, *going.begun]

    def _unmerge(self, record: Unmerge) -> None:
        """What came through the identifier goes back, with the runs that it started. What was sent stays with both."""
        ties, key = self.everybody.ties, record.key
        owner = ties.person(ties.now(key)) if key in ties.known else key
        if owner == key:
            return
        person = self.person(owner)
        self.everybody.undo(key)
        back = self.person(key)
        back.runs += [run for run in person.runs if ties.person(run.origin) == key]
        person.runs = [run for run in person.runs if run not in back.runs]
        for sent in list(person.sent):
            copy = replace(sent, is_over=True)
            back.sent.append(sent if sent.run in back.runs else copy)
            if sent.run in back.runs:
                person.sent[person.sent.index(sent)] = copy
        back.begun = [*back.begun, *person.begun]
        self._look(person, self.clock, "merge", None)
        self._look(back, self.clock, "merge", None)


def _when(text: str) -> str:
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
