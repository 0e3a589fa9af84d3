"""Bugs planted in messages, goals, ends, orders, editions, merges and the gate."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from msgspec.structs import replace

from tactful.adapters.memory.claiming import MemoryClaiming
from tactful.consent.permits import Permit
from tactful.events import zones
from tactful.journeys.program import END, Wait, WaitUntil
from tactful.journeys.rules import Told
from tactful.journeys.runs import Run
from tactful.kernel import (
    acting,
    following,
    gate,
    instants,
    joining,
    launching,
    looks,
    person,
    sending,
    starting,
    ties,
    walking,
)
from tactful.runtime import claims
from tactful.values import DAY_US, MINUTE_US
from tests.simulation.journeys.planting import Patch, bug

# ---- messages, goals, ends -------------------------------------------------------------------------------------------


@bug("plain", 2)
def a_message_behind_which_something_stands_waits_for_its_outcome(patch: Patch) -> None:
    def the_same(run: Run, **values: Any) -> Run:
        for name, value in values.items():
            setattr(run, name, value)
        return run

    patch.setattr(acting, "replace", the_same)


@bug("plain", 9)
def a_step_has_no_validity_of_its_own(patch: Patch) -> None:
    send = acting.send
    patch.setattr(
        walking,
        "send",
        lambda look, run, rule, step, moment: send(
            look, run, rule, replace(step, validity_us=rule.validity_us), moment
        ),
    )


@bug("plain", 2)
def the_held_out_are_written_to(patch: Patch) -> None:
    send = acting.send

    def to_everybody(look: Any, run: Run, rule: Any, step: Any, moment: int) -> str:
        arm, run.arm = run.arm, ""
        why: str = send(look, run, rule, step, moment)
        run.arm = arm
        return why

    patch.setattr(walking, "send", to_everybody)


@bug("plain", 9)
def a_withheld_message_ends_the_run(patch: Patch) -> None:
    send = acting.send

    def strict(look: Any, run: Run, rule: Any, step: Any, moment: int) -> str:
        why: str = send(look, run, rule, step, moment)
        if why and step.next != END:
            looks.end(look, run, rule, why)
        return why

    patch.setattr(walking, "send", strict)


@bug("plain", 21)
def if_is_asked_once(patch: Patch) -> None:
    patch.setattr(walking, "is_still_true", lambda *_: True)


@bug("plain", 32)
def what_was_refused_counts_against_the_limit(patch: Patch) -> None:
    patch.setattr(person, "GIVEN_BACK", ())


@bug("plain", 0)
def goals_of_the_held_out_are_not_counted(patch: Patch) -> None:
    count = following._count
    patch.setattr(
        following, "_count", lambda look, goal, one, event: None if one.arm else count(look, goal, one, event)
    )


@bug("plain", 0)
def goals_of_ended_runs_are_not_counted(patch: Patch) -> None:
    for module in (looks, acting):
        patch.setattr(module, "pursue", lambda *_: None)


@bug("cases", 0)
def a_goal_is_counted_however_late_it_is_heard_of(patch: Patch) -> None:
    for module in (following, looks, instants):
        patch.setattr(module, "LATE_GOALS_US", 1 << 60)


@bug("plain", 6)
def unless_counts_what_happened_before_the_start(patch: Patch) -> None:
    stop = following._stop

    def any_time(look: Any, journeys: Any, told: Told) -> None:
        stop(look, journeys, replace(told, order=(look.at + 1, *told.order[1:])))

    patch.setattr(following, "_stop", any_time)


@bug("plain", 7)
def a_condition_of_unless_is_not_asked(patch: Patch) -> None:
    patch.setattr(walking, "_has_ended", lambda *_: False)


# ---- orders and editions ---------------------------------------------------------------------------------------------


@bug("plain", 13)
def a_pause_lets_timers_fire(patch: Patch) -> None:
    patch.setattr(walking, "stands_still", lambda *_: False)


@bug("cases", 0)
def what_came_during_a_pause_is_forgotten(patch: Patch) -> None:
    went = following.go_on_with

    def deaf(look: Any, waiting: Any, told: Told) -> None:
        still = looks.stands_still
        went(look, [one for one in waiting if not still(look.turn.state, one[0].journey, look.at)], told)

    patch.setattr(person, "go_on_with", deaf)


@bug("plain", 2)
def drained_journeys_let_people_in(patch: Patch) -> None:
    patch.setattr(starting, "STEERED", {name: why for name, why in starting.STEERED.items() if name != "drain"})


@bug("plain", 12)
def a_stop_ends_nobody(patch: Patch) -> None:
    patch.setattr(launching, "_stop", lambda *_: None)


@bug("plain", 47)
def after_a_pause_nobody_goes_on_at_once(patch: Patch) -> None:
    announce = launching._announce
    patch.setattr(launching, "_announce", lambda of, name, at, what: what == "resume" or announce(of, name, at, what))


@bug("plain", 8)
def an_edited_wait_is_counted_anew(patch: Patch) -> None:
    go_on = walking._go_on

    def anew(look: Any, run: Run, rule: Any) -> None:
        index = rule.place(run.step)
        if index is not None and isinstance(rule.program[index], Wait):
            run.stand(run.moment, run.moment + rule.program[index].us)
        go_on(look, run, rule)

    patch.setattr(walking, "_go_on", anew)


@bug("cases", 0)
def a_wait_that_became_a_local_time_is_looked_up_anew(patch: Patch) -> None:
    go_on = walking._go_on

    def anew(look: Any, run: Run, rule: Any) -> None:
        index = rule.place(run.step)
        if index is not None and isinstance(rule.program[index], WaitUntil) and not run.zone:
            walking._wait_until(look, run, rule.program[index], run.moment)
        go_on(look, run, rule)

    patch.setattr(walking, "_go_on", anew)


@bug("plain", 5)
def nobody_finishes_on_an_edition(patch: Patch) -> None:
    for module in (looks, walking, following, launching, starting, joining):
        patch.setattr(module, "rule_of", lambda of, run: of.journeys.get(run.journey))


# ---- people who become one -------------------------------------------------------------------------------------------


@bug("tied", 34)
def merged_runs_double(patch: Patch) -> None:
    def both(of: Any, profile: Any, bundle: Any, known: Any, rows: Any) -> None:
        came = bundle.journeys
        profile.runs = sorted([*profile.runs, *came.runs], key=joining._order)
        profile.pursuits = [*profile.pursuits, *came.pursuits]
        profile.sent = joining._together(profile.sent, came.sent)

    patch.setattr(ties, "join", both)


@bug("tied", 34)
def what_the_other_half_has_done_ends_nothing(patch: Patch) -> None:
    patch.setattr(joining, "_ending", lambda *_: None)


@bug("tied", 34)
def what_the_other_half_has_done_is_no_goal(patch: Patch) -> None:
    patch.setattr(joining, "count_reached", lambda *_: None)


@bug("tied", 104)
def what_the_other_half_had_is_sent_again(patch: Patch) -> None:
    patch.setattr(joining, "_had", lambda *_: set())


@bug("tied", 6)
def a_merge_starts_every_journey(patch: Patch) -> None:
    flip = instants.flip

    def starting_all(
        of: Any, profile: Any, view: Any, rules: Any, at: int, cause: str, rows: Any, origin: str = ""
    ) -> None:
        flip(of, profile, view, rules, at, "event" if cause == "merge" else cause, rows, origin)

    patch.setattr(ties, "flip", starting_all)


@bug("plain", 2)
def the_id_of_an_intent_changes_on_replay(patch: Patch) -> None:
    identity, numbers = acting._identity, count()
    patch.setattr(acting, "_identity", lambda *of: (*identity(*of), str(next(numbers))))


# ---- the gate --------------------------------------------------------------------------------------------------------


@bug("gated", 48)
def an_exit_after_the_handing_over_is_not_honoured(patch: Patch) -> None:
    stop = following._stop

    def forgiving(look: Any, journeys: Any, told: Told) -> None:
        stop(look, journeys, told)
        for run in look.profile.runs:
            run.exited_by = 0

    patch.setattr(following, "_stop", forgiving)


@bug("gated", 2)
def the_end_of_quiet_hours_is_quiet(patch: Patch) -> None:
    until = sending.quiet_until

    def a_minute_more(hours: Any, zone: Any, at: int) -> int | None:
        found: int | None = until(hours, zone, at)
        if found is None and until(hours, zone, at - MINUTE_US) is not None:
            return at + MINUTE_US
        return found

    patch.setattr(gate, "quiet_until", a_minute_more)


@bug("gated", 1)
def hours_and_days_are_those_of_greenwich(patch: Patch) -> None:
    patch.setattr(gate, "_zone", lambda case: zones.known("UTC"))


@bug("gated", 11)
def a_day_is_24_hours(patch: Patch) -> None:
    patch.setattr(sending.Cap, "since", lambda self, zone, at: at - (self.per_us or DAY_US) + 1)


@bug("gated", 18)
def caps_count_what_was_rejected(patch: Patch) -> None:
    def decided(self: MemoryClaiming) -> Iterator[Any]:
        for row in self._table.by_intent.values():
            if row.claimed is not None:
                yield row.shown, row.claimed

    patch.setattr(MemoryClaiming, "_decided", decided)


@bug("gated", 19)
def consent_is_not_asked_at_the_claim(patch: Patch) -> None:
    patch.setattr(gate, "_permit", lambda case: Permit("", "somebody said so"))


@bug("gated", 13)
def what_is_no_longer_valid_leaves(patch: Patch) -> None:
    over = gate._over

    def late(*of: Any) -> Any:
        found = over(*of)
        return None if found is not None and found.status == "lapsed" else found

    patch.setattr(gate, "_over", late)


@bug("gated", 13)
def what_is_paused_leaves(patch: Patch) -> None:
    patch.setattr(claims, "is_paused", lambda *_: "")
