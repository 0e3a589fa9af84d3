"""Joining: what becomes of the runs of two people who turn out to be one (decision 0008). Pure.

Of each journey and entry key one run goes on, that which began first. What the other half has been sent since a run
began is not sent once more. Whoever hears of it first, it comes out the same.
"""

from tactful.events.derived import Row
from tactful.journeys.rules import Sent
from tactful.journeys.runs import Run
from tactful.kernel.acting import ALREADY_SENT
from tactful.kernel.fragments import Journeys
from tactful.kernel.looks import MOST_PURSUITS, Look, end, rule_of
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn


def join(turn: Turn, profile: Profile, came: Journeys, rows: list[Row]) -> None:
    """The profile takes in what came. Runs that end here are told as its own."""
    sent = profile.sent
    pairs = [(run, came.sent) for run in profile.runs] + [(run, sent) for run in came.runs]
    profile.runs = sorted([run for run, _ in pairs], key=_order)
    profile.pursuits = [*profile.pursuits, *came.pursuits]
    look = Look(turn, profile, turn.view(profile), turn.state.clock, rows)
    waiting: dict[tuple[str, str], Run] = {}
    for run, theirs in sorted(pairs, key=lambda pair: _order(pair[0])):
        if run.intent:
            continue
        rule = rule_of(turn.plan, run)
        had = _had(run, theirs)
        run.had = tuple(sorted({*run.had, *had}))
        if had and (rule is None or all(one.name in run.had for one in rule.sends)):
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


def _had(run: Run, sent: dict[str, list[Sent]]) -> set[str]:
    """Steps whose message the other half had since the run began."""
    told = sent.get(run.journey, ())
    return {step for at, _, key, step in told if at >= run.started_at and key == run.entry_key}


def _together(mine: dict[str, list[Sent]], theirs: dict[str, list[Sent]]) -> dict[str, list[Sent]]:
    names = (*mine, *(name for name in theirs if name not in mine))
    return {name: sorted({*mine.get(name, ()), *theirs.get(name, ())}) for name in names}
