"""Bugs that we might have made, planted one at a time: the simulation must catch each within a bounded number of seeds."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from msgspec.structs import replace

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.store import MemoryStore
from tactful.consent.permits import Permit
from tactful.events.derived import RunEnded
from tactful.events.records import Outcome, Tick, decode
from tactful.journeys.runs import Run
from tactful.kernel import gate, plan, step
from tactful.kernel.turn import Turn
from tactful.people import seen
from tactful.runtime import claims, worker
from tactful.runtime.channels import Answer, Retry, Unknown
from tactful.runtime.claims import Claims
from tactful.runtime.deliver import Deliverer, Ended, Lane
from tactful.runtime.outcomes import report
from tactful.runtime.ports import Claimed, Commit
from tactful.runtime.worker import Worker
from tests.simulation.drama import Drama

SEEDS = 60
Patch = pytest.MonkeyPatch


def lost_wake_up_of_the_deliverer(patch: Patch) -> None:
    class Deaf:
        def __init__(self, bells: object) -> None:
            self._bells = bells

        def ring(self, name: str) -> None:
            if name != "deliver":
                self._bells.ring(name)  # type: ignore[attr-defined]  # the port Bells

    make = Worker.__init__

    def init(self: Worker, *args: object) -> None:
        make(self, *args[:5], Deaf(args[5]), *args[6:])  # type: ignore[arg-type]  # as they came

    patch.setattr(Worker, "__init__", init)


def lost_wake_up_of_a_timer(patch: Patch) -> None:
    patch.setattr(Worker, "next_wake", lambda self: None)


def nobody_is_rung_at_the_start(patch: Patch) -> None:
    class Quiet(Worker):
        pass

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
    def claimed(self: MemoryOutbox, channel: str) -> list[Claimed]:
        return [row.claimed for row in self._table.in_flight(channel) if row.claimed]

    patch.setattr(MemoryOutbox, "claimed", claimed)
    patch.setattr(MemoryOutbox, "hand_off", lambda self, intents, deliverer: list(intents))


def hand_off_after_the_socket(patch: Patch) -> None:
    hand_off, send = MemoryOutbox.hand_off, Deliverer._deliver

    async def deliver(self: Deliverer, lane: Lane, claim: Claimed) -> None:
        await send(self, lane, claim)
        self._outbox._port = None if False else self._outbox._port  # type: ignore[attr-defined]  # the guarded outbox
        hand_off(self._outbox._port, [claim.intent.intent], self._name)  # type: ignore[attr-defined]  # likewise

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
    compile_condition = plan.compile_condition

    def late(*args: object) -> object:
        right = compile_condition(*args)  # type: ignore[arg-type]  # as they came
        return replace(right, holds=lambda newest, traits, now: right.holds(newest, traits, now - 1))

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
    patch.setattr(Worker, "_recover", lambda self: self._ring_everybody() if hasattr(self, "_ring_everybody") else None)


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
    patch.setattr(seen, "is_repeat", lambda marks, mark: False)


def limits_are_given_back_by_what_was_sent(patch: Patch) -> None:
    patch.setattr(step, "GIVEN_BACK", (*step.GIVEN_BACK, "sent"))


def limits_are_never_given_back(patch: Patch) -> None:
    patch.setattr(step, "GIVEN_BACK", ())


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
    stop = step.stop

    def blind(
        journeys: frozenset[str], runs: list[Run], event: tuple[int, int, int], name: str, now: int
    ) -> list[RunEnded]:
        rows = stop(journeys, runs, event, name, now)
        for run in runs:
            run.exited_by = 0
        return rows

    patch.setattr(step, "stop", blind)


def the_permit_is_not_asked_at_the_claim(patch: Patch) -> None:
    patch.setattr(gate, "permit", lambda purpose, consents: Permit(purpose, "it was there once"))


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

    def rash(self: Claims, *args: object, position: int, is_behind: bool) -> object:
        return decide(self, *args, position=position, is_behind=False)  # type: ignore[arg-type]  # as they came

    patch.setattr(Claims, "decide", rash)


def outcomes_are_forgotten(patch: Patch) -> None:
    """`reported` before the append: a crash between loses the outcome."""

    def hasty(outbox: MemoryOutbox, log: object, clock: object) -> set[int]:
        rows = outbox.unreported(500)
        outbox.reported([(row.intent.intent, row.status) for row in rows])
        for row in rows:
            log.append({row.partition: [worker.encode(_outcome(row, clock))]})  # type: ignore[attr-defined]  # the port
        return {row.partition for row in rows}

    from tactful.runtime import deliver
    from tactful.runtime.outcomes import outcome

    def _outcome(row: object, clock: object) -> Outcome:
        return outcome(row, clock.now_us())  # type: ignore[arg-type,attr-defined]  # as they came

    patch.setattr(worker, "report", hasty)
    patch.setattr(deliver, "report", hasty)


BUGS: list[Callable[[Patch], None]] = [
    lost_wake_up_of_the_deliverer,
    lost_wake_up_of_a_timer,
    nobody_is_rung_at_the_start,
    begun_claims_are_begun_again,
    hand_off_after_the_socket,
    an_unknown_outcome_is_tried_again,
    orphans_wait_again,
    a_window_is_closed_at_both_ends,
    a_tick_overtakes_a_record,
    relay_forgets_after_a_crash,
    derived_rows_are_forgotten_before_the_trail_has_them,
    another_partition_is_told_before_the_commit_only,
    repeats_are_not_dropped,
    limits_are_given_back_by_what_was_sent,
    limits_are_never_given_back,
    a_held_outcome_is_noted_twice,
    the_store_fences_nobody,
    unless_is_ignored_after_the_hand_over,
    the_permit_is_not_asked_at_the_claim,
    the_sweep_skips_a_person,
    the_clock_goes_back,
    claims_before_the_log_was_read,
    outcomes_are_forgotten,
]


def first_caught(seeds: range) -> tuple[int, Exception] | None:
    for seed in seeds:
        try:
            Drama(seed).play()
        except Exception as error:
            return seed, error
    return None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_caught(bug: Callable[[Patch], None], monkeypatch: Patch) -> None:
    logging.disable(logging.CRITICAL)
    with suppress(KeyError):
        monkeypatch.delenv("NOTHING")
    bug(monkeypatch)
    caught = first_caught(range(SEEDS))
    logging.disable(logging.NOTSET)
    assert caught is not None
    print(bug.__name__, "seed", caught[0], type(caught[1]).__name__, str(caught[1])[:120])
