"""What becomes of runs where people turn out to be one, or two again (docs/journeys.md, "Two who turn out to be one")."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tactful.events.records import Unmerge
from tests.parity.oracle.lines import Happening
from tests.parity.oracle.ties import Fragment
from tests.parity.oracle.values import is_number
from tests.simulation.journeys.reading import Goal
from tests.simulation.journeys.runs import LATE_GOALS, Person, Run
from tests.simulation.journeys.starting import Starting


class Meeting(Starting):
    def person(self, key: str) -> Person:
        if key not in self.people:
            self.people[key] = Person(key, self.clock, self.stories[key])
        return self.people[key]

    def _count_goal(self, person: Person, run: Run, call: Happening) -> None:
        goal = run.journey.goal
        if goal is None or not run.order < call[:3] or not call.timestamp < run.order[0] + goal.within:
            return
        if self.clock > run.order[0] + goal.within + LATE_GOALS:
            return
        if self.everybody.fits(goal.match, call, person.key, self.clock, run.key):
            run.goals += 1
            value = self.everybody.of_event(goal.value, call, person.key, self.clock) if goal.value else None
            number = float(value) if value is not None and is_number(value) else None
            person.rows.append((self.clock, "goal", *run.name(), run.goals, number))

    # ---- who is who ---------------------------------------------------------------------------------------------

    def _hand_over(self, whose: dict[Fragment, str]) -> None:
        """Whoever is somebody else by now gives all that they have; `whose` says whom fragments belonged to before."""
        ties = self.everybody.ties
        for key in sorted(self.people):
            owner = ties.person(ties.now(key))
            if owner != key:
                self._meet_halves(key, owner, whose)
                self._give(key, owner)

    def _meet_halves(self, giver: str, taker: str, whose: dict[Fragment, str]) -> None:
        """What either half has done counts for the runs of the other: for their goals, and it ends them."""
        mine = self.person(taker)
        for person, other in ((self.people[giver], taker), (mine, giver)):
            fragments = {one for one, key in whose.items() if key == other}
            said = sorted(
                [one.call for one in self.everybody.sayings if one.fragment in fragments and one.call is not None],
                key=lambda call: call[:3],
            )
            for run in person.runs:
                if run.journey.name in self.journeys:
                    self._hear_of_goals(mine, run, said)
            for run in person.runs:
                if run.journey.name in self.journeys and any(self._is_over_by(mine, run, call) for call in said):
                    self._stop_messages(person, run, "came first")
                    if run.is_inside:
                        self._end(mine, run, self.clock, "came first")
        whose.update({one: taker for one, key in whose.items() if key == giver})

    def _hear_of_goals(self, mine: Person, run: Run, said: Iterable[Happening]) -> None:
        goal = run.journey.goal
        if goal is not None:
            since = self.watched[pursued(goal)]
            for call in said:
                if call.place > since:
                    self._count_goal(mine, run, call)

    def _is_over_by(self, mine: Person, run: Run, call: Happening) -> bool:
        """Those of one instant are told apart by their places."""
        matches = [one.match for one in run.journey.unless if one.match is not None]
        if (call.timestamp, call.place) <= (run.order[0], run.order[2]):
            return False
        fits = [one for one in matches if self.everybody.fits(one, call, mine.key, self.clock, run.key)]
        return any(call.place > self.watched[self._watch(run.journey, one)] for one in fits)

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


def pursued(goal: Goal) -> tuple[Any, ...]:
    """What keeps events that count for goals, from when it is asked for."""
    match = goal.match
    return "goal", tuple(sorted(match.events)), match.where, match.same, goal.value, goal.within
