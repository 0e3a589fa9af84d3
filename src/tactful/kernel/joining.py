"""Joining: what becomes of the runs of two people who turn out to be one (decision 0008). Pure.

Each half hears of what the other has done that is a goal of its runs, or ends them: an order may have been taken while
the sign-in was on its way, or before, by somebody who was a stranger then. Of each journey and entry key one run goes
on, that which began first. What the other half has been sent since a run began is not sent once more. Whoever hears of
it first, it comes out the same.
"""

from collections.abc import Mapping, Sequence

from tactful.aggregates.kinds import State
from tactful.events.derived import Row
from tactful.journeys.rules import JourneyRule, Sent
from tactful.journeys.runs import Pursuit, Run
from tactful.journeys.unwelcome import came_after
from tactful.kernel.acting import ALREADY_SENT
from tactful.kernel.following import count_reached
from tactful.kernel.fragments import Bundle
from tactful.kernel.looks import MOST_PURSUITS, Look, came_first, end, rule_of
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn

Known = Sequence[Mapping[int, State]]
"""What a half has counted, by fragment."""


def join(turn: Turn, profile: Profile, bundle: Bundle, known: Known, rows: list[Row]) -> None:
    """The profile takes in what came; `known` is what it had counted before. Runs that end here are told as its own."""
    came, sent = bundle.journeys, profile.sent
    theirs = [one.aggregates for one in bundle.fragments.values()]
    pairs = [(run, came.sent, theirs) for run in profile.runs] + [(run, sent, known) for run in came.runs]
    profile.runs = sorted([run for run, _, _ in pairs], key=_order)
    look = Look(turn, profile, turn.view(profile), turn.state.clock, rows)
    pursuing: list[tuple[Run | Pursuit, Known]] = [(run, known_by) for run, _, known_by in pairs if not run.intent]
    pursuing += [(one, theirs) for one in profile.pursuits] + [(one, known) for one in came.pursuits]
    for one, known_by in sorted(pursuing, key=lambda pair: (pair[0].started(), pair[0].journey, pair[0].entry_key)):
        count_reached(look, one, known_by)
    profile.pursuits = [*profile.pursuits, *came.pursuits]
    waiting: dict[tuple[str, str], Run] = {}
    for run, had_by, known_by in sorted(pairs, key=lambda pair: _order(pair[0])):
        rule = rule_of(turn.plan, run)
        ending = _ending(run, rule, known_by) if rule is not None else None
        if run.intent:
            if ending is not None:
                run.exited_by = run.exited_by or ending[1]
            continue
        had = _had(run, had_by)
        run.had = tuple(sorted({*run.had, *had}))
        if ending is not None:
            end(look, run, rule, *ending)
        elif had and (rule is None or all(one.name in run.had for one in rule.sends)):
            end(look, run, rule, ALREADY_SENT, run.started_ref)
        elif waiting.setdefault((run.journey, run.entry_key), run) is not run:
            end(look, run, rule, "merged", run.started_ref)
    profile.pursuits = sorted(profile.pursuits, key=lambda one: (one.started(), one.journey, one.entry_key))
    profile.pursuits = profile.pursuits[-MOST_PURSUITS:]
    profile.sent = _together(sent, came.sent)
    for name, entered in came.entered.items():
        mine = profile.entered.get(name, {})
        newest = {key: max(mine.get(key, at), at) for key, at in entered.items()}
        profile.entered[name] = dict(sorted({**mine, **newest}.items()))


def _order(run: Run) -> tuple[tuple[int, int, int], str, str, str]:
    return run.started(), run.journey, run.entry_key, run.intent


def _ending(run: Run, rule: JourneyRule, known: Known) -> tuple[str, int] | None:
    """Why the run is over by what the other half has counted, and the event behind it."""
    for one in rule.exits:
        if one.match is None:
            continue
        for states in known:
            newest = came_after(one, states, run.entry_key, (run.started_at, run.started_ref))
            if newest is not None:
                return came_first(one.match), newest[1]
    return None


def _had(run: Run, sent: dict[str, list[Sent]]) -> set[str]:
    """Steps whose message the other half had since the run began."""
    told = sent.get(run.journey, ())
    return {step for at, _, key, step in told if at >= run.started_at and key == run.entry_key}


def _together(mine: dict[str, list[Sent]], theirs: dict[str, list[Sent]]) -> dict[str, list[Sent]]:
    names = (*mine, *(name for name in theirs if name not in mine))
    return {name: sorted({*mine.get(name, ()), *theirs.get(name, ())}) for name in names}
