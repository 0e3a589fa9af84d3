"""Bugs that we might have made, planted one at a time: the simulation must catch each within a bounded number of seeds."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.store import MemoryStore
from tactful.aggregates import kinds
from tactful.aggregates.spec import AggregateSpec
from tactful.consent.permits import Permit
from tactful.events.records import Outcome, Threshold, Tick, decode, encode
from tactful.kernel import gate, instants, person, plan, starting, step
from tactful.kernel.looks import Look
from tactful.kernel.turn import Turn
from tactful.language.compiled import Condition
from tactful.people import seen, zones
from tactful.runtime import deliver, worker
from tactful.runtime.channels import Answer, Retry, Unknown
from tactful.runtime.claims import Claims
from tactful.runtime.deliver import Deliverer, Ended, Lane
from tactful.runtime.outcomes import outcome
from tactful.runtime.ports import Bells, Claimed, Clock, Commit, Log, Outbox
from tactful.runtime.worker import Worker
from tactful.segments import membership
from tactful.segments.membership import SegmentRule
from tests.simulation.drama import Drama
from tests.simulation.stage import played

SEEDS = 120
Patch = pytest.MonkeyPatch


def lost_wake_up_of_the_deliverer(patch: Patch) -> None:
    class Deaf:
        def __init__(self, bells: Bells) -> None:
            self._bells = bells

        def ring(self, name: str) -> None:
            if name != "deliver":
                self._bells.ring(name)

    make = Worker.__init__

    def init(self: Worker, *args: object, **others: object) -> None:
        make(self, *args[:7], Deaf(args[7]), *args[8:], **others)  # type: ignore[arg-type,call-arg]  # as they came

    patch.setattr(Worker, "__init__", init)


def lost_wake_up_of_a_timer(patch: Patch) -> None:
    patch.setattr(Worker, "next_wake", lambda self: None)


def nobody_is_rung_at_the_start(patch: Patch) -> None:
    def recover(self: Worker) -> None:
        ring, self._bells = self._bells, _NoBells()  # type: ignore[assignment]  # as much of it as is called
        original(self)
        self._bells = ring

    original = Worker._recover
    patch.setattr(Worker, "_recover", recover)
    patch.setattr(Deliverer, "_ring_workers", lambda self, partitions: None)


class _NoBells:
    def ring(self, name: str) -> None:
        """Nobody hears it."""


def begun_claims_are_begun_again(patch: Patch) -> None:
    def claimed(self: MemoryOutbox, channel: str, limit: int) -> list[Claimed]:
        return [row.claimed for row in self._table.in_flight(channel) if row.claimed]

    patch.setattr(MemoryOutbox, "claimed", claimed)
    patch.setattr(MemoryOutbox, "hand_off", lambda self, intents, deliverer: list(intents))


def hand_off_after_the_socket(patch: Patch) -> None:
    hand_off, send = MemoryOutbox.hand_off, Deliverer._deliver

    async def deliver(self: Deliverer, lane: Lane, claim: Claimed) -> None:
        await send(self, lane, claim)
        outbox: MemoryOutbox = self._outbox._port  # type: ignore[attr-defined]  # behind the guard
        hand_off(outbox, [claim.intent.intent], self._name)

    patch.setattr(MemoryOutbox, "hand_off", lambda self, intents, deliverer: list(intents))
    patch.setattr(Deliverer, "_deliver", deliver)


def an_unknown_outcome_is_tried_again(patch: Patch) -> None:
    judge = Deliverer._judge

    def again(self: Deliverer, lane: Lane, claim: Claimed, answer: Answer, sent: str) -> Ended:
        return judge(self, lane, claim, Retry("again") if isinstance(answer, Unknown) else answer, sent)

    patch.setattr(Deliverer, "_judge", again)


def orphans_wait_again(patch: Patch) -> None:
    patch.setattr(MemoryOutbox, "hold_orphans", MemoryOutbox.retry_orphans)


def a_window_is_closed_at_both_ends(patch: Patch) -> None:
    compile_condition: Callable[..., Condition] = plan.compile_condition  # type: ignore[attr-defined]  # imported there

    def late(*args: object) -> object:
        right = compile_condition(*args)
        return replace(right, holds=lambda view, now: right.holds(view, now - 1))

    patch.setattr(plan, "compile_condition", late)


def a_tick_overtakes_a_record(patch: Patch) -> None:
    apply = Worker._apply

    def swapped(self: Worker, records: Sequence[tuple[int, bytes]]) -> None:
        bodies = [body for _, body in records]
        for place in range(1, len(bodies)):
            if isinstance(decode(bodies[place]), Tick):
                bodies[place - 1 : place + 1] = [bodies[place], bodies[place - 1]]
        apply(self, [(position, body) for (position, _), body in zip(records, bodies, strict=True)])

    patch.setattr(Worker, "_apply", swapped)


def relay_forgets_after_a_crash(patch: Patch) -> None:
    def recover(self: Worker) -> None:
        for name in (*(f"work-{partition}" for partition in range(self._log.partitions)), "deliver"):
            self._bells.ring(name)

    patch.setattr(Worker, "_recover", recover)


def derived_rows_are_forgotten_before_the_trail_has_them(patch: Patch) -> None:
    def maintain(self: Worker) -> None:
        self._relayed = self.position

    patch.setattr(Worker, "maintain", maintain)


def another_partition_is_told_before_the_commit_only(patch: Patch) -> None:
    """What is to be told is forgotten, should the process die before it was told."""
    commit = MemoryStore.commit

    def forgetful(self: MemoryStore, made: Commit) -> None:
        commit(self, replace(made, outgoing=()))

    patch.setattr(MemoryStore, "commit", forgetful)


def repeats_are_not_dropped(patch: Patch) -> None:
    patch.setattr(seen, "is_repeat", lambda *_: False)


def limits_are_given_back_by_what_was_sent(patch: Patch) -> None:
    patch.setattr(person, "GIVEN_BACK", (*person.GIVEN_BACK, "sent"))


def limits_are_never_given_back(patch: Patch) -> None:
    patch.setattr(person, "GIVEN_BACK", ())


def a_held_outcome_is_noted_twice(patch: Patch) -> None:
    outcome = step._PASSES[Outcome]

    def again(turn: Turn, record: Outcome, position: int) -> None:
        profile = turn.known(record.key)
        for run in profile.runs if profile is not None else ():
            run.is_held = False
        outcome(turn, record, position)

    patch.setitem(step._PASSES, Outcome, again)


def the_store_fences_nobody(patch: Patch) -> None:
    commit = MemoryStore.commit

    def anyhow(self: MemoryStore, made: Commit) -> None:
        commit(self, replace(made, version=self.checkpoint().version))

    patch.setattr(MemoryStore, "commit", anyhow)


def unless_is_ignored_after_the_hand_over(patch: Patch) -> None:
    follow = person.follow  # type: ignore[attr-defined]  # imported there

    def blind(look: Look, *rest: Any) -> Any:
        waiting = follow(look, *rest)
        for run in look.profile.runs:
            run.exited_by = 0
        return waiting

    patch.setattr(person, "follow", blind)


def the_permit_is_not_asked_at_the_claim(patch: Patch) -> None:
    patch.setattr(gate, "permit", lambda purpose, *_: Permit(purpose, "it was there once"))


def the_sweep_skips_a_person(patch: Patch) -> None:
    keys_after = MemoryStore.keys_after
    patch.setattr(MemoryStore, "keys_after", lambda self, cursor, limit: keys_after(self, cursor, limit + 1)[1:])


def the_clock_goes_back(patch: Patch) -> None:
    go_on = step._go_on

    def back(turn: Turn, instant: int) -> None:
        go_on(turn, instant)
        turn.state.clock = instant

    patch.setattr(step, "_go_on", back)


def claims_before_the_log_was_read(patch: Patch) -> None:
    decide = Claims.decide

    def rash(self: Claims, *args: Any, is_behind: bool, **rest: Any) -> object:
        return decide(self, *args, is_behind=False, **rest)

    patch.setattr(Claims, "decide", rash)


def outcomes_are_forgotten(patch: Patch) -> None:
    """`reported` before the append: a crash between loses the outcome."""

    def hasty(outbox: Outbox, log: Log, clock: Clock) -> set[int]:
        rows = outbox.unreported(500)
        outbox.reported([(row.intent.intent, row.status, row.intent.key) for row in rows])
        for row in rows:
            log.append({row.partition: [encode(outcome(row, clock.now_us()))]})
        return {row.partition for row in rows}

    patch.setattr(worker, "report", hasty)
    patch.setattr(deliver, "report", hasty)


def a_threshold_is_told_to_nobody(patch: Patch) -> None:
    tell = Turn.tell
    patch.setattr(
        Turn, "tell", lambda self, to, record: None if isinstance(record, Threshold) else tell(self, to, record)
    )


def a_threshold_reaches_only_who_comes(patch: Patch) -> None:
    """Nobody else is swept."""
    threshold = step._PASSES_OF_PLANS[Threshold]

    def unswept(turn: Turn, record: Threshold, position: int, due: Sequence[str]) -> None:
        before = turn.state.sweep
        threshold(turn, record, position, due)
        turn.state.sweep = before

    patch.setitem(step._PASSES_OF_PLANS, Threshold, unswept)


def zones_of_calls_are_not_kept(patch: Patch) -> None:
    patch.setattr(zones, "see", lambda before, *_: before)


def what_only_the_clock_moves_is_forgotten(patch: Patch) -> None:
    evaluate = membership.evaluate

    def still(rules: Iterable[SegmentRule], members: Any, wakes: dict[int, int], *rest: Any) -> Any:
        every = list(rules)
        _, entered = evaluate(every, members, wakes, *rest)
        for rule in every:
            if not rule.condition.folds:
                wakes.pop(rule.number, None)
        return min(wakes.values(), default=None), entered

    patch.setattr(instants, "evaluate", still)


def what_a_count_was_about_is_forgotten(patch: Patch) -> None:
    patch.setattr(membership, "matched_text", lambda key: "")
    patch.setattr(starting, "matched_text", lambda key: "")


def late_events_of_a_window_in_the_past_are_let_go(patch: Patch) -> None:
    build = kinds.build

    def hasty(spec: AggregateSpec) -> object:
        made = build(spec)
        if spec.is_between:
            let_go = made.let_go
            made.let_go = lambda state, now: let_go(state, now + spec.newer_us)  # type: ignore[method-assign]  # the plant
        return made

    patch.setattr(kinds, "build", hasty)


BUGS: list[tuple[Callable[[Patch], None], str, int]] = [
    (lost_wake_up_of_the_deliverer, "no lost wake-up", 0),
    (lost_wake_up_of_a_timer, "no lost wake-up", 0),
    (nobody_is_rung_at_the_start, "no lost wake-up", 1),
    (begun_claims_are_begun_again, "I4", 3),
    (hand_off_after_the_socket, "I4", 3),
    (an_unknown_outcome_is_tried_again, "I4", 13),
    (orphans_wait_again, "I4", 58),
    (a_window_is_closed_at_both_ends, "I6", 0),
    (a_tick_overtakes_a_record, "", 5),
    (relay_forgets_after_a_crash, "", 0),
    (derived_rows_are_forgotten_before_the_trail_has_them, "I3", 4),
    (another_partition_is_told_before_the_commit_only, "every partition has the", 6),
    (repeats_are_not_dropped, "I3", 0),
    (limits_are_given_back_by_what_was_sent, "I3", 2),
    (limits_are_never_given_back, "I3", 1),
    (a_held_outcome_is_noted_twice, "I3", 151),
    (the_store_fences_nobody, "", 2),
    (unless_is_ignored_after_the_hand_over, "I7", 4),
    (the_permit_is_not_asked_at_the_claim, "I7", 0),
    (the_sweep_skips_a_person, "counts", 1),
    (the_clock_goes_back, "", 1),
    (claims_before_the_log_was_read, "nothing is claimed before the log was read", 154),
    (outcomes_are_forgotten, "every outcome stands in the log", 7),
    (a_threshold_is_told_to_nobody, "every partition has the thresholds", 0),
    (a_threshold_reaches_only_who_comes, "I", 30),
    (zones_of_calls_are_not_kept, "I", 0),
    (what_only_the_clock_moves_is_forgotten, "I", 0),
    (what_a_count_was_about_is_forgotten, "I", 56),
    (late_events_of_a_window_in_the_past_are_let_go, "I", 2),
]
"""Each with (a part of) the invariant that it breaks, and a seed to begin with: some take a rare coincidence, of which
one is known. A change of the engine may move it; then it is looked for, one in thirty seeds or more often."""


@pytest.mark.parametrize(("bug", "invariant", "begin"), BUGS, ids=[bug.__name__ for bug, _, _ in BUGS])
def test_a_planted_bug_is_caught(bug: Callable[[Patch], None], invariant: str, begin: int, monkeypatch: Patch) -> None:
    bug(monkeypatch)
    said = first_complaint(range(begin, begin + SEEDS))
    assert said is not None, f"not caught by {SEEDS} seeds"
    assert invariant in said


def first_complaint(seeds: range) -> str | None:
    for seed in seeds:
        try:
            played(Drama(seed))
        except AssertionError as error:
            return f"seed {seed}: {error}"
    return None
