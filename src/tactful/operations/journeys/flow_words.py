"""What a journey says of itself, step by step, in the words of whoever looks at its picture."""

from msgspec import Struct

from tactful.journeys.notation import WEEKDAYS
from tactful.journeys.program import (
    SHARES,
    Branch,
    EventMatch,
    Exit,
    Instruction,
    Schedule,
    Send,
    SetTraits,
    Split,
    Wait,
    WaitFor,
    WaitUntil,
)
from tactful.journeys.rules import NEVER_AGAIN, JourneyRule
from tactful.kernel.plan import CompiledPlan
from tactful.language.compiled import Valued
from tactful.operations.people.explain import plain
from tactful.operations.people.journeying import described
from tactful.values import format_duration

CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "push": "push message",
    "web_push": "web push",
    "chat": "chat message",
    "webhook": "webhook",
}


class Words(Struct, frozen=True):
    """Of one step: `kind` is start, wait, if, split, send, set, exit."""

    kind: str
    title: str
    text: str
    message: str = ""
    """The name of the message that is sent."""


def steps(rule: JourneyRule) -> dict[str, Words]:
    """By the name of the step."""
    return {one.name: _words(one) for one in rule.program}


def _words(one: Instruction) -> Words:
    match one:
        case Wait():
            return Words("wait", "Wait", described(one))
        case WaitUntil():
            return Words("wait", "Wait until", described(one))
        case WaitFor():
            text = described(one)
            is_condition = text.startswith("until ")
            return Words("wait", "Wait until" if is_condition else "Wait for", text.removeprefix("until "))
        case Branch():
            return Words("if", "If", one.when.condition.said)
        case Split():
            return Words("split", "Split by chance", ", ".join(name for name, _, _ in one.arms))
        case Send():
            message = one.target if one.channel != "webhook" else ""
            return Words("send", f"Send {CHANNELS[one.channel]}", one.target, message)
        case SetTraits():
            values = (
                f"{trait} = {value.text if isinstance(value, Valued) else plain(value)}" for trait, value in one.values
            )
            return Words("set", "Set", ", ".join(values))
        case Exit():
            return Words("exit", "Leave", one.reason)


def start(rule: JourneyRule, plan: CompiledPlan) -> Words:
    """What begins it."""
    return Words("start", *_start(rule, plan))


def _start(rule: JourneyRule, plan: CompiledPlan) -> tuple[str, str]:
    if rule.is_campaign:
        return "Launched by somebody", f"for {_segment(rule.audience, plan)}"
    if rule.schedule is not None:
        return scheduled(rule.schedule), f"for {_segment(rule.audience, plan)}"
    if rule.is_called:
        return "Called", "by another system, through the API"
    if rule.left is not None:
        return "Somebody leaves", _segment(rule.left, plan)
    if rule.segment is not None:
        return "Somebody enters", _segment(rule.segment, plan)
    where = f" where {rule.where.text}" if rule.where is not None else ""
    return "Somebody does", " or ".join(sorted(rule.events)) + where


def _segment(number: int | None, plan: CompiledPlan) -> str:
    if number is None:
        return "everybody"
    rule = plan.by_number.get(number)
    return rule.name if rule is not None else "a segment that is gone"


def scheduled(schedule: Schedule) -> str:
    """`Daily at 09:00`, `Monday, Friday at 10:00`, `On day 1 of the month at 09:00`."""
    clock = f"at {schedule.minute // 60:02}:{schedule.minute % 60:02}"
    if schedule.day:
        return f"On day {schedule.day} of the month {clock}"
    if schedule.weekdays:
        return f"{', '.join(WEEKDAYS[day - 1].capitalize() for day in sorted(schedule.weekdays))} {clock}"
    return f"Daily {clock}"


def conditions(rule: JourneyRule) -> list[tuple[str, str]]:
    """What holds for the whole journey, as pairs of a name and what it says; only what is said in its file."""
    found: list[tuple[str, str]] = []
    if rule.condition is not None:
        found.append(("Only if", rule.condition.said))
    if rule.exits:
        ends = [
            _match(one.match) if one.match is not None else one.when.condition.said if one.when is not None else ""
            for one in rule.exits
        ]
        found.append(("Ends as soon as", "; ".join(ends)))
    if rule.is_restarting:
        found.append(("Started again", "begins anew"))
    if rule.key is not None:
        found.append(("One run for each", rule.key.text))
    if rule.again_us:
        found.append(
            ("Comes again", "never" if rule.again_us == NEVER_AGAIN else f"after {format_duration(rule.again_us)}")
        )
    if rule.limit is not None:
        found.append(("At most", f"{rule.limit} in {format_duration(rule.per_us)} for a person"))
    if rule.goal is not None:
        worth = f", worth its {rule.goal.value.text}" if rule.goal.value is not None else ""
        found.append(("Goal", f"{_match(rule.goal.match)} within {format_duration(rule.goal.within_us)}{worth}"))
    if rule.holdout:
        found.append(("Held out", f"{100 * rule.holdout / SHARES:.4g} %"))
    if rule.group:
        found.append(("Group", f"{rule.group}, priority {rule.priority}"))
    return found


def _match(match: EventMatch) -> str:
    where = f" where {match.where.text}" if match.where is not None else ""
    same = f" with the same {match.same.text}" if match.same is not None else ""
    return " or ".join(sorted(match.events)) + where + same
