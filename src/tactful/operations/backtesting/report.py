"""What a backtest found, as values for machines and pages, and as text for a terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tactful.operations.backtesting.running import Backtest
from tactful.operations.backtesting.tally import Difference, Line, Noted, Sent, Tally
from tactful.operations.people.telling_runs import in_words
from tactful.values import DAY_US, format_time

WHERE = {"start": "no run began", "run": "the run ended", "gate": "the gate refused"}
_BAR = 40
_SHOWN = 12
"""Reasons, segments and samples of each kind that a terminal shows; --json has all."""


def as_values(found: Backtest) -> dict[str, Any]:
    """All of it; times are ISO 8601, days are the workspace's."""
    wanted = found.wanted
    values: dict[str, Any] = {
        "journey": wanted.journey,
        "from": format_time(wanted.from_us),
        "to": format_time(wanted.until_us),
        "historyFrom": format_time(found.begin),
        "records": found.rows,
        "versions": [
            {"version": version.label, **_values(tally)}
            for version, tally in zip(wanted.versions, found.tallies, strict=True)
        ],
    }
    if found.difference is not None:
        values["difference"] = _difference(found.difference, [one.label for one in wanted.versions])
    return values


def _values(tally: Tally) -> dict[str, Any]:
    return {
        "messages": tally.messages,
        "people": tally.reached,
        "peopleKnown": tally.people,
        "runs": tally.starts.total(),
        "runsInside": tally.inside,
        "byDay": by_day(tally),
        "byHour": {str(hour): tally.hours[hour] for hour in range(24)},
        "messagesPerPerson": {str(number): people for number, people in sorted(tally.per_person.items())},
        "arms": {arm or "sent to": runs for arm, runs in sorted(tally.arms.items())},
        "reasons": [
            {"where": where, "reason": reason, "times": times} for where, reason, times in reasons_of(tally.reasons)
        ],
        "heldBack": _counted(tally.delays),
        "bySegment": _counted(tally.segments),
        "byChannel": _counted(tally.channels),
        "variants": [
            {"message": message, "variant": variant, "messages": number}
            for (message, variant), number in _split(tally.variants)
        ],
        "otherJourneys": [
            {
                "journey": name,
                "messages": tally.others[name],
                "peopleOfBoth": tally.both[name],
                "withinADay": tally.near[name],
            }
            for name in sorted(tally.others)
        ],
        "cameAnyway": {
            "before": tally.bought["before"],
            "after": tally.bought["after"],
            "both": tally.bought["both"],
            "windowStillOpen": tally.bought["open"],
        },
        "goals": {arm or "sent to": number for arm, number in sorted(tally.goals.items())},
        "coupons": _counted(tally.codes),
        "sentInFact": tally.history.total(),
        "samples": [sample(one) for one in tally.samples],
    }


def by_day(tally: Tally) -> list[dict[str, Any]]:
    """Messages by day and step, and the runs that began."""
    days: dict[int, dict[str, int]] = {}
    for (day, step, message), number in _split(tally.sent):
        steps = days.setdefault(int(day), {})
        steps[f"{step} {message}"] = steps.get(f"{step} {message}", 0) + number
    starts = {int(day): number for day, number in tally.starts.items()}
    return [
        {
            "day": format_time(day * DAY_US)[:10],
            "messages": sum(days.get(day, {}).values()),
            "runs": starts.get(day, 0),
            "steps": days.get(day, {}),
        }
        for day in sorted({*days, *starts})
    ]


def sample(one: Sent) -> dict[str, Any]:
    """One message."""
    return {
        "at": format_time(one.at),
        "person": one.person,
        "message": one.message,
        "step": one.step,
        "channel": one.channel,
        "variant": one.variant,
        "key": one.entry_key,
        "start": one.event,
        "due": format_time(one.due),
        "cameBefore": one.before,
        "cameAfter": one.after,
        "intent": one.intent,
        "segments": list(one.segments),
    }


def noted(one: Noted) -> dict[str, Any]:
    """What came to no message, or stands beside them."""
    return {
        "at": format_time(one.at),
        "person": one.person,
        "what": one.what,
        "text": one.text,
        "message": one.message,
        "step": one.step,
        "key": one.entry_key,
        "intent": one.intent,
    }


def as_line(one: Line) -> dict[str, Any]:
    """A line behind a number."""
    return {"what": "message", **sample(one)} if isinstance(one, Sent) else noted(one)


def _counted(counter: Counter[str]) -> dict[str, int]:
    """The most first."""
    return dict(sorted(counter.items(), key=lambda one: (-one[1], one[0])))


def _split(counter: Counter[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    for key, number in sorted(counter.items()):
        yield tuple(key.split("\t")), number


def reasons_of(counter: Counter[str]) -> list[tuple[str, str, int]]:
    """Where it was decided, why, and how often; the most first."""
    found = [(*key.partition("\t")[::2], number) for key, number in counter.items()]
    return sorted(found, key=lambda one: (-one[2], one))


def _difference(told: Difference, labels: Sequence[str]) -> dict[str, Any]:
    first, second = labels
    return {
        "people": {"both": told.people["both"], first: told.people["first"], second: told.people["second"]},
        "messages": {"same": told.messages["same"], first: told.messages["first"], second: told.messages["second"]},
    }


# ---- for a terminal --------------------------------------------------------------------------------------------------


def as_text(found: Backtest) -> str:
    wanted = found.wanted
    period = f"from {format_time(wanted.from_us)} to {format_time(wanted.until_us)}"
    lines = [f"{wanted.journey}, {period} ({found.rows:,} records since {format_time(found.begin)})"]
    for version, tally in zip(wanted.versions, found.tallies, strict=True):
        lines += ["", *([version.label, ""] if len(wanted.versions) > 1 else []), *_lines(tally)]
    if found.difference is not None:
        first, second = (version.label for version in wanted.versions)
        lines += ["", "side by side"]
        for what, same, counted in (
            ("people", "both", found.difference.people),
            ("messages", "same", found.difference.messages),
        ):
            alone = f"{counted['first']:,} by {first} alone, {counted['second']:,} by {second} alone"
            lines.append(f"  {what:<8}  {counted[same]:,} by both, {alone}")
    return "\n".join(lines) + "\n"


def _lines(tally: Tally) -> Iterator[str]:
    yield f"  messages  {tally.messages:,} to {tally.reached:,} of {tally.people:,} people"
    yield f"  runs      {tally.starts.total():,} began, {tally.inside:,} are still inside"
    if tally.history:
        yield f"  in fact   {tally.history.total():,} messages of this journey were sent then"
    if tally.codes:
        yield f"  coupons   {', '.join(f'{number:,} of {pool}' for pool, number in _counted(tally.codes).items())}"
    yield from _days(tally)
    yield from _table(
        "why not", [(f"{WHERE[where]}: {in_words(why)}", times) for where, why, times in reasons_of(tally.reasons)]
    )
    yield from _table("held back for a while", list(_counted(tally.delays).items()))
    yield from _table("messages to people in", list(_counted(tally.segments).items()))
    if tally.messages:
        yield from _anyway(tally)
    for name in sorted(tally.others):
        both, near = tally.both[name], tally.near[name]
        yield (
            f"  beside {name}: {both:,} {'person gets' if both == 1 else 'people get'} both,"
            f" {near:,} message{'' if near == 1 else 's'} within a day of one of its {tally.others[name]:,}"
        )


def _days(tally: Tally) -> Iterator[str]:
    days = by_day(tally)
    most = max((one["messages"] for one in days), default=0)
    if most:
        yield "  a day"
    for one in days if most else ():
        bar = "█" * round(_BAR * one["messages"] / most)
        yield f"    {one['day']}  {one['messages']:>7,}  {bar}".rstrip()


def _table(title: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    if rows:
        yield f"  {title}"
    shown = rows if len(rows) <= _SHOWN + 1 else rows[:_SHOWN]
    for name, number in shown:
        yield f"    {number:>9,}  {name}"
    if left := rows[len(shown) :]:
        yield f"    {sum(number for _, number in left):>9,}  in {len(left):,} more"


def _anyway(tally: Tally) -> Iterator[str]:
    """What came without the message."""
    of = tally.messages
    yield "  what the journey is for came anyway"
    for name, text in (("before", "within the window before"), ("after", "within the window after")):
        number = tally.bought[name]
        yield f"    {number:>9,}  of {of:,} messages ({number / of:.0%}) {text}"
    if tally.bought["open"]:
        yield f"    {tally.bought['open']:>9,}  have a window that goes beyond the period"
