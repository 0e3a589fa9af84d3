"""Bugs planted in how runs begin and wait."""

from typing import Any

from msgspec.structs import replace

from tactful.events import zones
from tactful.journeys import unwelcome
from tactful.journeys.rules import Told
from tactful.journeys.runs import Run
from tactful.kernel import (
    following,
    instants,
    launching,
    looks,
    plan,
    readers,
    starting,
    state,
    turn,
    walking,
)
from tactful.values import DAY_US, MINUTE_US
from tests.simulation.journeys.planting import Patch, bug

# ---- starts ----------------------------------------------------------------------------------------------------------


@bug("plain", 5)
def a_late_start_ignores_unless(patch: Patch) -> None:
    patch.setattr(starting, "_unwelcome", lambda *_: None)


@bug("cases", 0)
def an_edited_validity_forgets_what_unless_names(patch: Patch) -> None:
    patch.setattr(unwelcome, "LOOKS_BACK_US", 0)


@bug("plain", 2)
def a_start_is_never_too_late(patch: Patch) -> None:
    patch.setattr(starting, "_late", lambda *_: None)


@bug("plain", 36)
def again_counts_from_the_end(patch: Patch) -> None:
    end = looks.end

    def ends(look: Any, run: Run, *rest: Any) -> None:
        end(look, run, *rest)
        entered = look.profile.entered.get(run.journey, {})
        if run.entry_key in entered:
            entered[run.entry_key] = look.at

    for module in (walking, starting, following, launching):
        patch.setattr(module, "end", ends)


@bug("plain", 22)
def a_group_knows_no_priorities(patch: Patch) -> None:
    patch.setattr(starting, "_crowded", lambda others, rule: ("group g: inside", 0) if others else None)


@bug("plain", 2)
def nobody_gives_way(patch: Patch) -> None:
    patch.setattr(starting, "_others", lambda look, rule: [])


@bug("plain", 17)
def journeys_start_in_the_order_of_their_names(patch: Patch) -> None:
    event_reader = readers.event_reader

    def by_name(*of: Any) -> Any:
        reader = event_reader(*of)
        return reader._replace(starts=tuple(sorted(reader.starts, key=lambda rule: rule.name)))

    patch.setattr(plan, "event_reader", by_name)
    patch.setattr(instants, "_first", lambda rule: (0, rule.name))


@bug("plain", 2)
def a_restarted_run_goes_on(patch: Patch) -> None:
    end = looks.end
    patch.setattr(
        starting, "end", lambda look, run, rule, why, *ref: why == "restarted" or end(look, run, rule, why, *ref)
    )


@bug("cases", 0)
def a_schedule_enters_people_who_came_later(patch: Patch) -> None:
    new = state.new_profile
    patch.setattr(turn, "new_profile", lambda key, generation, *more: new(key, max(0, generation - 1), *more))


@bug("plain", 2)
def a_schedule_goes_by_the_clock_of_greenwich(patch: Patch) -> None:
    def next_(of: Any, rule: Any) -> int:
        schedule, after = rule.schedule, of.state.scheduled.get(rule.name, of.state.clock)
        found: int = zones.next_time(zones.known("UTC"), after + 1, schedule.minute, schedule.weekdays, schedule.day)
        return found

    patch.setattr(launching, "_next", next_)


@bug("plain", 77)
def a_campaign_may_be_launched_twice(patch: Patch) -> None:
    launch = launching.launch

    def forgetful(of: Any, told: Any) -> None:
        of.state.campaigns = {}
        launch(of, told)

    patch.setattr(launching, "launch", forgetful)


# ---- waits -----------------------------------------------------------------------------------------------------------


@bug("plain", 3)
def a_wait_counts_from_the_look(patch: Patch) -> None:
    walk = walking.walk

    def late(look: Any, run: Run, rule: Any, index: int, moment: int, **rest: Any) -> None:
        walk(look, run, rule, index, max(moment, look.at), **rest)

    for module in (walking, starting):
        patch.setattr(module, "walk", late)


@bug("plain", 0)
def at_most_is_a_microsecond_more(patch: Patch) -> None:
    stand = Run.stand
    patch.setattr(Run, "stand", lambda self, moment, due: stand(self, moment, due + 1))


@bug("plain", 23)
def the_moment_is_when_the_event_was_received(patch: Patch) -> None:
    came = walking.came

    def received(look: Any, run: Run, rule: Any, step: Any, timestamp: int, ref: int, name: str) -> None:
        came(look, run, rule, step, look.at, ref, name)

    patch.setattr(following, "came", received)


@bug("plain", 23)
def what_happened_before_the_moment_is_waited_for(patch: Patch) -> None:
    waiting = following._waiting

    def any_time(look: Any, told: Told) -> Any:
        far = replace(told, order=(told.order[0] + DAY_US, *told.order[1:]))
        return waiting(look, far)

    patch.setattr(following, "_waiting", any_time)


@bug("plain", 4)
def same_is_not_asked(patch: Patch) -> None:
    fits = Told.fits
    patch.setattr(Told, "fits", lambda self, match, key: fits(self, replace(match, same=None), key))


@bug("plain", 21)
def a_skipped_time_is_before_the_gap(patch: Patch) -> None:
    shows = zones._shows

    def naive(zone: Any, day: int, minute: int) -> int:
        found: int = shows(zone, day, minute)
        shown = (found + zones.offset_us(zone, found)) // MINUTE_US % 1440
        return found if shown == minute else found - 30 * MINUTE_US

    patch.setattr(zones, "_shows", naive)


@bug("plain", 0)
def a_change_of_zone_is_not_heard(patch: Patch) -> None:
    go_on = walking._go_on

    def deaf(look: Any, run: Run, rule: Any) -> None:
        run.zone = look.view.zone if run.zone else ""
        go_on(look, run, rule)

    patch.setattr(walking, "_go_on", deaf)
