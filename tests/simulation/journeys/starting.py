"""What begins a run, and the order in which a start is looked at (docs/journeys.md, "Starts")."""

import re
from typing import Any

from tactful.events.records import Enter, Launch, unpack
from tests.simulation.journeys.reading import NEVER, Journey, Match
from tests.simulation.journeys.runs import Order, Person, Run
from tests.simulation.journeys.walking import Walking

LOOKS_BACK = 31 * 86_400_000_000
"""With `same`, so long at least what `unless` names is known, whatever the journey's validity."""

WORD = re.compile(r"\w+")


class Starting(Walking):
    def _look(self, person: Person, at: int, cause: str, fragment: tuple[str, int] | None) -> None:
        """Segments flip, and start what they start; then runs go on that wait for a condition, or are due."""
        self._flip(person, at, cause, fragment)
        self._go_on(person, at)

    def _flip(self, person: Person, at: int, cause: str, fragment: tuple[str, int] | None) -> None:
        if not self.published:
            return
        everybody = self.everybody
        awaited = self._awaited(person)
        holds = {
            name
            for name, text in everybody.segments.items()
            if (name in person.members if awaited & set(WORD.findall(text)) else everybody.holds(text, person.key, at))
        }
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

    def _awaited(self, person: Person) -> set[str]:
        """Traits that journeys have set, of which the event is on its way: segments that read them wait for it."""
        ties, home = self.everybody.ties, self.everybody.person
        mine = [event for event, _ in self.sets if home(ties.enter(event.key)) == person.key]
        return {name for event in mine for name in unpack(event.properties)}

    def by_priority(self) -> list[Journey]:
        """In which they are started: the higher first, then by name."""
        return sorted(self.journeys.values(), key=lambda journey: (-journey.priority, journey.name))

    def _begin(
        self,
        person: Person,
        journey: Journey,
        key: str,
        order: Order,
        origin: tuple[str, int],
        now: int,
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
        late = max(journey.first_wait() + journey.validity, LOOKS_BACK) if match.same else 0
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

    def _is_steered(self, name: str) -> bool:
        return self.steering.get(name) in ("pause", "drain", "stop")
