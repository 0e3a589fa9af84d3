"""How a run goes from step to step, and what brings it on (docs/journeys.md, "Steps")."""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from tactful.events.records import Event, pack
from tests.parity.oracle.lines import Happening
from tests.simulation.journeys import clocks
from tests.simulation.journeys.people import Everybody
from tests.simulation.journeys.reading import Ending, Journey, Step
from tests.simulation.journeys.runs import Chance, Person, Row, Run, Sent


class Walking:
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
        self.sets: list[tuple[Event, Happening]] = []
        """What journeys have written and nobody has read yet."""
        self.watched: dict[tuple[Any, ...], int] = {}
        """What `unless` names: the place in the log from which it is known."""

    # ---- what brings runs on -------------------------------------------------------------------------------------

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
        if step.kind == "until" and run.zone and run.zone != self._zone(person, at).key:
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

    # ---- steps ---------------------------------------------------------------------------------------------------

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
        """Seen at once; the event that writes them stands in the log behind this."""
        values = {}
        for name, said in step.values.items():
            value = self.everybody.value(said, person.key, at) if isinstance(said, str) else said
            if value is not None:
                values[name] = value
        self._say(person, run, at, "set", json.dumps(values, sort_keys=True))
        if values:
            said = "$identify", person.key, (person.key,), f"set {len(self.sets)} {at} {step.name}"
            event = Event(1, "tactful", "server", "identify", *said, at, self.clock, pack(values))
            call = self.everybody.enter(event, self.place)
            assert call is not None
            self.sets.append((event, call))

    def _end(self, person: Person, run: Run, at: int, reason: str) -> None:
        where = run.step.name if run.step is not None else ""
        run.is_inside, run.step = False, None
        if reason:  # Whose last step is a message ends with what becomes of it.
            person.rows.append((at, "ended", *run.name(), reason, where))

    def _holds(self, journey: Journey, person: Person, at: int) -> bool:
        return not journey.condition or self.everybody.holds(journey.condition, person.key, at)

    def _purpose(self, step: Step) -> str:
        return step.purpose if step.channel == "webhook" else self.purposes.get(step.target, "")
