"""The oracle of journeys: what docs/journeys.md says of a whole history, sentence by sentence.

It reads the log once, in order. Before each record everybody is brought to that instant, through every instant at which
anything about them might change; nothing is indexed, compiled or put off. What the engine decides by a hash (splits,
holdouts) is told to it.
"""

from collections.abc import Iterable, Mapping

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
    unpack,
)
from tests.parity.oracle.lines import Happening
from tests.simulation.journeys import clocks
from tests.simulation.journeys.meeting import Meeting, pursued
from tests.simulation.journeys.people import key_text
from tests.simulation.journeys.reading import Journey, Match, Step, read
from tests.simulation.journeys.runs import GIVEN_BACK, NEWEST_EDITIONS, Person, Row, Run


class Oracle(Meeting):
    """`intents`: of each intent of the engine, the name of the send (Sent.name). `is_alone`: there is no engine, whose
    log has the events that write traits, so they come at once."""

    # ---- the log ------------------------------------------------------------------------------------------------

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
                self._happens(self._is_set(record), record)
            case Steer() | Launch():
                self.pass_time(record.received_at)
                if isinstance(record, Steer):
                    self._steer(record)
                else:
                    self._launch(record)
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
                self._happens(call, record)
            case Consent() | Score():
                everybody.enter(record, place)
                self._withdrawn(person, record)
                self._look(person, self.clock, "consent", fragment)

    def _happens(self, call: Happening, event: Event) -> None:
        """An event that is entered."""
        ties = self.everybody.ties
        fragment = ties.enter(event.key)
        self._event(self.person(self.everybody.person(fragment)), call, fragment)
        before = {one: ties.person(one) for one in ties.fragments()}
        self.everybody.meet(event)
        self._hand_over(before)

    def _write(self) -> None:
        """What journeys have set, where nobody else writes it into the log."""
        while self.is_alone and self.sets:
            event, call = self.sets.pop(0)
            self._happens(call, event)
            self.seen.add((event.key, event.message_id))

    def _is_set(self, event: Event) -> Happening:
        """Such an event has come: a journey has said so, of whoever it was then."""
        wanted = event.key, unpack(event.properties)
        for number, (one, call) in enumerate(self.sets):
            if (one.key, unpack(one.properties)) == wanted:
                del self.sets[number]
                return call
        raise AssertionError(f"no journey has set {wanted}: {self.sets}")

    # ---- time ---------------------------------------------------------------------------------------------------

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

    # ---- events -------------------------------------------------------------------------------------------------

    def _event(self, person: Person, call: Happening, fragment: tuple[str, int]) -> None:
        self._count_goals(person, call)
        self._stop(person, call)
        standing = [(run, self._stands(run)) for run in person.inside()]
        waiting = [
            (run, step)
            for run, step in standing
            if step is not None
            and step.match is not None
            and call.timestamp >= run.moment
            and self.everybody.fits(step.match, call, person.key, self.clock, run.key)
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
        self._begin(person, journey, key, call[:3], fragment, now)

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
            self._count_goal(person, run, call)

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

    def _outcome(self, outcome: Outcome) -> None:
        name = self.intents.get(outcome.intent)
        for person in self.people.values():
            for sent in person.sent:
                if sent.name() == name and not sent.is_over and outcome.status != "held":
                    sent.is_over = True
                    sent.counts = outcome.status not in GIVEN_BACK

    # ---- what somebody orders -----------------------------------------------------------------------------------

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
        known = [*self.journeys.values(), *(one for kept in self.editions.values() for one in kept)]
        watched = {self._watch(journey, one.match) for journey in known for one in journey.unless if one.match}
        watched |= {pursued(one.goal) for one in known if one.goal is not None}
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
