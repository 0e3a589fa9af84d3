"""People who have fragments, by the oracle of identity: what a record does once it has come to somebody, what a decision
covers, what becomes of runs when two are one. Everything else is the plain oracle's."""

from collections import defaultdict

from tactful.events.records import Consent, Outcome, Score, unpack
from tests.simulation.definitions import Journey, Segment
from tests.simulation.identity.parts import (
    Body,
    Content,
    Decision,
    Fragment,
    FragmentRun,
    Identifier,
    Passing,
    Send,
)
from tests.simulation.identity.shop import STARTS_BY_MERGE
from tests.simulation.oracle import GIVES_BACK, Oracle
from tests.simulation.people import Kept, Order, Person, Row, Run


class Bodies(Oracle):
    def __init__(self, partition: int) -> None:
        super().__init__(partition)
        self.identifiers: dict[str, Identifier] = {}
        self.stories: dict[str, list[Row]] = defaultdict(list)
        self.sends: list[Send] = []
        self.origin = ""
        """The fragment of the event that is looked at."""

    def run_of(self, intent: str) -> FragmentRun:
        """The run behind an intent."""
        raise NotImplementedError

    @property
    def bodies(self) -> dict[str, Body]:
        return self.people  # type: ignore[return-value]  # they are ours

    def identifier(self, key: str) -> Identifier:
        return self.identifiers.setdefault(key, Identifier(key))

    def body(self, key: str) -> Body:
        body = self.bodies.get(key)
        if body is None:
            body = self.bodies[key] = Body(key, self.thresholds, rows=self.stories[key], now=self.clock)
            one = self.identifier(key)
            if not one.is_begun:
                one.is_begun = True
                body.fragments[f"{key}#1"] = Fragment(f"{key}#1", [])
        return body

    # ---- one person --------------------------------------------------------------------------------------------

    def _tell(self, body: Body, passing: Passing) -> None:
        """A record that entered anywhere reaches the person."""
        record, here = passing.record, passing.ref
        if isinstance(record, Outcome):
            self._ended_by(body, record)
            return
        self._pass_time(body, self.clock)
        name = passing.fragment
        fragment = body.fragments.setdefault(name, Fragment(name, list(passing.path)))
        if isinstance(record, Score):
            fragment.said.append((record.received_at, here, record.model, record.value))
            body.gather()
            self._look(body, self.clock, "import" if record.is_import else "score")
        elif isinstance(record, Consent):
            self._decide(body, fragment, record, here)
            if not record.granted:
                self._withdrawn(body, record.purpose)
            self._look(body, self.clock, "import" if record.is_import else "consent")
        else:
            fragment.kept.append(Kept(record, here, unpack(record.properties)))
            body.gather()
            self._happened(body, fragment.kept[-1], name)
        self._fire(body, self.clock)

    def _decide(self, body: Body, fragment: Fragment, record: Consent, here: int) -> None:
        order = (record.timestamp, record.received_at, here)
        decision = Decision(order, record.purpose, record.granted, fragment.name, body.names())
        for one in body.fragments.values():
            one.decisions.append(decision)
        body.rows.append((self.clock, "consent", record.purpose, record.granted, record.key))

    def _withdrawn(self, body: Body, purpose: str) -> None:
        """What waits for a message that is no longer allowed ends."""
        if body.has_consented(purpose):
            return
        asked = {journey.name for journey in self._journeys() if journey.purpose == purpose}
        for run in [run for run in body.runs if run.journey in asked and run.sent_at is None]:
            body.runs.remove(run)
            body.rows.append((self.clock, "ended", run.journey, "consent withdrawn"))

    def _happened(self, body: Body, kept: Kept, name: str) -> None:
        is_own = name == f"{body.key}#{self.identifier(body.key).epoch}"
        body.rows.append((kept.event.timestamp, "kept", kept.event.name, kept.position, "" if is_own else name))
        self.origin = name
        for journey in self._journeys():
            if any(kept.is_named(each) for each in journey.unless):
                for run in [run for run in body.runs if run.journey == journey.name and run.sent_at is None]:
                    if run.start < kept.order:
                        body.runs.remove(run)
                        self._ended(body, self.clock, journey, "came first")
        self._look(body, self.clock, "import" if kept.event.is_import else "event")
        for journey in self._journeys() if not kept.event.is_import else ():
            if journey.event and kept.is_named(journey.event) and journey.where(kept.properties):
                self._start(body, journey, kept.order, self.clock)
        self.origin = ""

    def _ended_by(self, body: Body, outcome: Outcome) -> None:
        """What became of a message. Nobody is looked for who has not got the run any more."""
        self._pass_time(body, self.clock)
        run = self.run_of(outcome.intent)
        if run not in body.runs or (run.is_held and outcome.status == "held"):
            return
        if outcome.status == "held":
            run.is_held = True
        else:
            body.runs.remove(run)
        if outcome.status in GIVES_BACK:
            run.is_given_back = True
            body.counted = [one for one in body.counted if one[2] is not run]
        body.rows.append((self.clock, "outcome", run.journey, outcome.status))

    def _join(self, body: Body, content: Content, giver: str, cause: str, *, is_import: bool) -> None:
        self._pass_time(body, self.clock)
        body.rows.append((self.clock, "came", cause, giver, *sorted(content.fragments)))
        theirs_happened = [kept for one in content.fragments.values() for kept in one.kept]
        for run in [run for run in body.runs if run.sent_at is None]:
            if any(self._ends(kept, run) for kept in theirs_happened):
                body.runs.remove(run)
                body.rows.append((self.clock, "ended", run.journey, "came first"))
        for coming in [run for run in content.runs if run.sent_at is None]:
            if any(self._ends(kept, coming) for kept in body.kept):
                content.runs.remove(coming)
                body.rows.append((self.clock, "ended", coming.journey, "came first"))
        body.fragments |= content.fragments
        if cause == "unmerge":
            self._own(body)
        body.gather()
        for mine, theirs in ((body.runs, content.counted), (content.runs, body.counted)):
            for run in [run for run in mine if run.sent_at is None]:
                if any((of, other.key) == (run.journey, run.key) and at >= run.start[0] for of, at, other in theirs):
                    mine.remove(run)  # type: ignore[arg-type]  # our runs
                    body.rows.append((self.clock, "ended", run.journey, "already sent"))
        together = sorted([*body.runs, *content.runs], key=lambda run: run.start)
        body.runs = []
        for run in together:
            waiting = [one for one in body.runs if one.sent_at is None]
            if run.sent_at is None and any((one.journey, one.key) == (run.journey, run.key) for one in waiting):
                body.rows.append((self.clock, "ended", run.journey, "merged"))
            else:
                body.runs.append(run)
        body.counted = [*body.counted, *(one for one in content.counted if one not in body.counted)]
        self._look(body, self.clock, "import" if is_import else "merge")

    def _own(self, body: Body) -> None:
        """Whoever is a person has a fragment of their own, if only an empty one."""
        if not any(name.rpartition("#")[0] == body.key for name in body.fragments):
            name = f"{body.key}#{self.identifier(body.key).epoch}"
            body.fragments[name] = Fragment(name, [])

    def _ends(self, kept: Kept, run: Run) -> bool:
        """Whether it is an event that ends the run, and happened behind its start."""
        names = [name for journey in self._journeys() if journey.name == run.journey for name in journey.unless]
        is_behind = (kept.event.timestamp, kept.position) > (run.start[0], run.start[2])
        return is_behind and any(kept.is_named(name) for name in names)

    # ---- as the plain oracle, with fragments -------------------------------------------------------------------

    def _flip(self, person: Person, segment: Segment, at: int, cause: str) -> None:
        is_entry = segment.name not in person.members
        person.rows.append((at, "entered" if is_entry else "left", segment.name, cause))
        person.members ^= {segment.name}
        for journey in self._journeys() if is_entry and cause != "import" else ():
            if journey.segment == segment.name and (cause != "merge" or journey.name in STARTS_BY_MERGE):
                self._start(person, journey, (at, at, 0), at, segment.key(person, at))

    def _start(self, person: Person, journey: Journey, start: Order, now: int, key: str = "") -> None:
        before = set(map(id, person.runs))
        super()._start(person, journey, start, now, key)
        assert isinstance(person, Body)
        for place, run in enumerate(person.runs):
            if id(run) not in before:
                origin = self.origin or f"{person.key}#{self.identifier(person.key).epoch}"
                person.runs[place] = FragmentRun(
                    run.journey, run.start, run.due, run.key, origin=origin, mates=person.names()
                )

    def _unwelcome(self, person: Person, journey: Journey) -> list[Kept]:
        return [each for each in person.kept if any(each.is_named(name) for name in journey.unless)]

    def _fire(self, person: Person, at: int) -> None:
        assert isinstance(person, Body)
        waiting = [run for run in person.runs if run.sent_at is None]
        super()._fire(person, at)
        for run in waiting:
            if run.sent_at is not None and isinstance(run, FragmentRun):
                self.sends.append(Send(person.key, run, at, person.names()))
