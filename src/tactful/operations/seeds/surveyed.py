"""What waits for the process that asks the history: seeds and thresholds, as findings of `tactful doctor`."""

from collections.abc import Sequence

from tactful.events.records import TIME_ZONE
from tactful.kernel.definitions import read_published
from tactful.kernel.state import PartitionState, PlanState
from tactful.operations.doctor import Finding
from tactful.operations.seeds.seeding import wanted
from tactful.operations.seeds.thresholds import compared, scheduled
from tactful.runtime.settings_thresholds import ThresholdSettings
from tactful.values import DAY_US, HOUR_US

LATE_US = HOUR_US
"""What began longer ago and is not seeded, something holds up."""


def look_at_survey(
    plans: Sequence[PlanState | None],
    states: Sequence[PartitionState],
    settings: ThresholdSettings,
    now_us: int,
    *,
    is_running: bool,
    lost: Sequence[str] = (),
) -> list[Finding]:
    """Of the plans in force and the states of all partitions; `lost` are seeds that are not there any more."""
    if not plans or plans[0] is None:
        return []
    return [
        *_lost(lost),
        *_seeds(plans, states, now_us, is_running=is_running),
        *_thresholds(plans[0], states[0], settings, now_us),
    ]


def _lost(seeds: Sequence[str]) -> list[Finding]:
    if not seeds:
        return []
    text = f"seeds/{seeds[0]}.db is gone or damaged" + (f", and {len(seeds) - 1} more" if len(seeds) > 1 else "")
    text += (
        "; people's states may wait for it. The server counts it again, or `tactful seed`, which says what is missing"
    )
    return [Finding("bad", "seeds", text)]


def _seeds(
    plans: Sequence[PlanState | None], states: Sequence[PartitionState], now_us: int, *, is_running: bool
) -> list[Finding]:
    waiting = wanted(plans, [one.clock for one in states])
    if not waiting:
        return []
    number = sum(len(one.numbers) for one in waiting)
    text = "1 new aggregate waits" if number == 1 else f"{number} new aggregates wait"
    text += " to be counted from the history; what asks for it is warming"
    if not is_running:
        return [Finding("note", "seeds", f"{text}. The server counts when it runs, or `tactful seed`")]
    if now_us - min(one.since_us for one in waiting) > LATE_US:
        return [Finding("bad", "seeds", f"{text}, for more than an hour. The server's output says what holds it up")]
    return [Finding("good", "seeds", text)]


def _thresholds(plan: PlanState, state: PartitionState, settings: ThresholdSettings, now_us: int) -> list[Finding]:
    """Each that was worked out long before it should have been."""
    zone = plan.plan.publish.settings.get(TIME_ZONE, "UTC")
    found = compared(read_published(plan.plan.publish))
    late, missing = [], []
    for one in found:
        known = [state.thresholds.get(one.name, {}).get(percent) for percent in one.percents]
        if None in known:
            missing.append(one.name)
            continue
        due = [scheduled(settings, zone, each.received_at) for each in known if each is not None]
        if any(at is not None and at < now_us - DAY_US for at in due):
            late.append(one.name)
    findings = []
    if late:
        text = f"percentile() compares with old thresholds of {', '.join(late)}: they were due more than a day ago"
        findings.append(Finding("bad", "thresholds", f"{text}. `tactful thresholds` works them out now"))
    if missing:
        text = f"percentile() says nothing of {', '.join(missing)}: nobody has a value, or no threshold was worked out"
        findings.append(Finding("note", "thresholds", f"{text} yet. `tactful thresholds` does it now"))
    if found and not findings:
        names = ", ".join(one.name for one in found)
        findings.append(Finding("good", "thresholds", f"worked out in time: {names}"))
    return findings
