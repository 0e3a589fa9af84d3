"""What was measured, as text for a terminal and as values for machines."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tactful.errors import UsageError
from tactful.operations.journeys.measuring import BUCKETS, Delays, Group, Measured, Report, Response
from tactful.operations.journeys.tallies import EVER
from tactful.operations.lift import Compared, Interval, Rate, wilson
from tactful.operations.people.telling_runs import HELD_OUT
from tactful.operations.reading.reader import Reader
from tactful.values import SECOND_US, parse_time

_BAR = 30
"""Signs of the longest bar of a histogram."""
_DAYS = 31
"""So many of the newest days are shown; --json has all."""
_VERDICTS = {
    "more": "more than chance",
    "less": "less, and not by chance",
    "not told apart": "could be chance",
}


def ask(reader: Reader, journey: str, first: str, until: str) -> Report:
    """The report of a journey by its name, of runs from one time to another (ISO 8601; "": without that bound). Raises
    UsageError for a journey that is neither published nor in the trail, and for a time that is none."""
    bounds = []
    for text, default in zip((first, until), EVER, strict=True):
        at = parse_time(text) if text else default
        if at is None:
            raise UsageError(f"{text!r} is no time; write it as 2025-03-12 or 2025-03-12T12:00:00Z")
        bounds.append(at)
    report = reader.measure(journey, *bounds)
    plan = reader.compiled()
    if not report.rows and journey not in plan.journeys:
        raise UsageError(
            f"there is no journey {journey!r}; published are: {', '.join(sorted(plan.journeys)) or 'none'}"
        )
    return report


def as_text(report: Report) -> str:
    """All versions together, then each by itself where there are several, then the days."""
    total = report.total
    if not report.rows:
        return f"the trail holds nothing of the journey {report.journey} yet\n"
    lines = [f"{report.journey}, all versions together" if len(report.versions) > 1 else report.journey, ""]
    lines += _measured(total)
    if len(report.versions) > 1:
        for one in report.versions:
            lines += ["", f"version {one.version or '(of before versions were told)'}", "", *_measured(one)]
    lines += [
        "",
        *_delays("from due to sent", total.from_due),
        "",
        *_delays("from the start to sent", total.from_start),
    ]
    if report.daily:
        lines += ["", "by day", *_days(report)]
    return "\n".join(lines) + "\n"


def _measured(one: Measured) -> list[str]:
    lines = [*_numbers(one), *_lift(one)]
    for what, whys in (("not sent, and why", one.reasons), ("no message, and why", one.without)):
        if whys:
            lines += ["", what, *(f"  {count:>9,}  {reason}" for reason, count in whys.items())]
    return lines


def _people(number: int) -> str:
    return _counted(number, "person", "people")


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _numbers(one: Measured) -> list[str]:
    statuses = ", ".join(f"{count:,} {name}" for name, count in one.statuses.items())
    rows = [
        ("runs", f"{one.runs:,}, by {_people(one.people)}"),
        ("messages", ": ".join(part for part in (f"{one.intents:,}", statuses) if part)),
        ("reached", _people(one.reached)),
    ]
    for kind, found in one.responses.items():
        if found.messages_raw:
            machines = found.messages_raw - found.messages
            by = f" (and {_counted(machines, 'message', 'messages')} by machines alone)" if machines else ""
            rows.append((kind, f"{_people(found.people)}, {_counted(found.messages, 'message', 'messages')}{by}"))
    rows.append(("goal", f"{_people(one.goal_people)}, {_counted(one.goal_runs, 'run', 'runs')}"))
    if one.revenue:
        rows.append(("revenue", f"{one.revenue:,.2f} from {_counted(one.goal_events, 'event', 'events')}"))
    return [f"  {name:14}{text}" for name, text in rows if text]


def _lift(one: Measured) -> list[str]:
    if not one.control:
        return ["", "  nobody is held out, so that nothing can be said of what would have happened without it"]
    lines = ["", f"  against {HELD_OUT[one.control]}"]
    for arm, name in (("", "could be sent to"), (one.control, "held out")):
        group = one.groups[arm]
        rate = wilson(Rate(group.reached_goal, group.people))
        spent = f", {group.revenue / group.people:,.2f} each" if group.people and one.revenue else ""
        share = f"{_percent(rate.value)} ({_percent(rate.low)} to {_percent(rate.high)})"
        lines.append(f"    {name:18}{group.people:>9,} people, {group.reached_goal:,} reached the goal: {share}{spent}")
    lines += _compared("goal", one.conversion, _points)
    lines += _compared("revenue a person", one.revenue_per_person, lambda value: f"{value:+,.2f}")
    if one.crossed:
        crossed = f"{one.crossed:,} people ({100 * one.crossed / max(1, one.people):.1f} %)"
        lines.append(f"    {crossed} were assigned otherwise later, and count where they were first:")
        lines.append("    with messages to all of one group and none of the other the difference would be larger")
    return lines


def _compared(what: str, compared: Compared | None, written: Any) -> Iterator[str]:
    if compared is None:
        return
    if compared.difference is None:
        yield f"    {what}: too few to say: {compared.why_not}"
        return
    yield f"    {what}: {_interval(compared.difference, written)}: {_VERDICTS[compared.verdict]}"
    if compared.ratio is not None:
        yield f"    {'':{len(what)}}  times {_interval(compared.ratio, lambda value: f'{value:.2f}')}"


def _interval(interval: Interval, written: Any) -> str:
    return f"{written(interval.value)} (95 %: {written(interval.low)} to {written(interval.high)})"


def _points(value: float) -> str:
    return f"{100 * value:+.2f} points"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _delays(name: str, delays: Delays) -> list[str]:
    number = sum(delays.counts)
    if not number:
        return [f"{name}: nothing was sent yet"]
    lines = [f"{name}: half within {_span(delays.half_us)}, 95 of 100 within {_span(delays.most_us)}"]
    names = [f"< {name}" for _, name in BUCKETS] + [f">= {BUCKETS[-1][1]}"]
    most = max(delays.counts)
    for bucket, count in zip(names, delays.counts, strict=True):
        if count:
            lines.append(f"  {bucket:>6} {count:>9,} {'#' * max(1, round(_BAR * count / most))}")
    return lines


def _span(span_us: int) -> str:
    """About so long, in one unit."""
    seconds = span_us / SECOND_US
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}{unit}"
    return f"{seconds:.1f}s" if seconds >= 1 else f"{1000 * seconds:.0f}ms"


def _days(report: Report) -> Iterator[str]:
    days = list(report.daily.items())
    if len(days) > _DAYS:
        yield f"  (the newest {_DAYS} of {len(days)} days)"
    for date, counts in days[-_DAYS:]:
        yield f"  {date}  " + ", ".join(f"{count:,} {what}" for what, count in counts.items())


# ---- for machines ----------------------------------------------------------------------------------------------------


def as_values(report: Report) -> dict[str, Any]:
    """JSON values; durations in seconds, rates as shares of one."""
    return {
        "journey": report.journey,
        "total": _values(report.total),
        "versions": [_values(one) for one in report.versions],
        "daily": report.daily,
        "steps": [
            {
                "step": one.step,
                "message": one.message,
                "intents": one.intents,
                "sent": one.sent,
                "people": one.people,
                "responses": _responses(one.responses),
            }
            for one in report.steps
        ],
    }


def _values(one: Measured) -> dict[str, Any]:
    return {
        "version": one.version,
        "runs": one.runs,
        "people": one.people,
        "reached": one.reached,
        "messages": {"intents": one.intents, **one.statuses},
        "reasons": one.reasons,
        "without": one.without,
        "responses": _responses(one.responses),
        "goal": {
            "people": one.goal_people,
            "runs": one.goal_runs,
            "events": one.goal_events,
            "revenue": one.revenue,
        },
        "groups": {arm or "treated": _group(group) for arm, group in one.groups.items()},
        "crossed": one.crossed,
        "lift": {
            "control": one.control or None,
            "conversion": _compared_values(one.conversion),
            "revenuePerPerson": _compared_values(one.revenue_per_person),
        },
        "delays": {"fromDue": _delay_values(one.from_due), "fromStart": _delay_values(one.from_start)},
    }


def _responses(responses: Mapping[str, Response]) -> dict[str, Any]:
    return {
        kind: {
            "people": found.people,
            "messages": found.messages,
            "peopleRaw": found.people_raw,
            "messagesRaw": found.messages_raw,
        }
        for kind, found in responses.items()
    }


def _group(group: Group) -> dict[str, Any]:
    rate = wilson(Rate(group.reached_goal, group.people))
    return {
        "people": group.people,
        "reachedGoal": group.reached_goal,
        "rate": msgspec.to_builtins(rate) if group.people else None,
        "revenue": group.revenue,
        "paying": group.paying,
    }


def _compared_values(compared: Compared | None) -> dict[str, Any] | None:
    if compared is None:
        return None
    return {
        "verdict": compared.verdict,
        "whyNot": compared.why_not or None,
        "difference": _interval_values(compared.difference),
        "ratio": _interval_values(compared.ratio),
        "level": 0.95,
    }


def _interval_values(interval: Interval | None) -> dict[str, Any] | None:
    """A limit that is beyond every number is null."""
    if interval is None:
        return None
    return {
        name: value if abs(value) != float("inf") else None for name, value in msgspec.to_builtins(interval).items()
    }


def _delay_values(delays: Delays) -> dict[str, Any]:
    names = [name for _, name in BUCKETS] + ["more"]
    return {
        "below": dict(zip(names, delays.counts, strict=True)),
        "half": delays.half_us / SECOND_US,
        "p95": delays.most_us / SECOND_US,
    }
