"""Numbers of a journey's report as a page shows them: each with a sentence where it needs one, and with the address of
the people behind it (journey_people.py).
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from markupsafe import Markup
from msgspec import Struct

from tactful.operations.journeys.measuring import BUCKETS, Delays, Measured, Report, Sending
from tactful.operations.lift import Compared, Rate, wilson
from tactful.operations.people.telling_runs import HELD_OUT, in_words
from tactful.values import SECOND_US
from tactful.web.console import charts
from tactful.web.console.charts import Bar, Stage
from tactful.web.console.flowchart import Mark

DAYS = 31
_RESPONSES = ("opened", "clicked", "unsubscribed", "complained", "bounced")


class Link:
    """Addresses of the people behind numbers, with the filters of the page; "" for who may not see people."""

    def __init__(self, journey: str, filters: Mapping[str, str], *, is_allowed: bool) -> None:
        self._is_allowed = is_allowed
        self._path = f"/journeys/{quote(journey)}/people"
        self._filters = {name: text for name, text in filters.items() if text}

    def __call__(self, what: str, detail: str = "", **of: str) -> str:
        """`of`: the step and the message, where it counts messages of one."""
        if not self._is_allowed:
            return ""
        asked = {"what": what, **({"detail": detail} if detail else {}), **of, **self._filters}
        return f"{self._path}?{urlencode(asked)}"


# ---- the picture -------------------------------------------------------------------------------------------------


def marks(inside: Mapping[str, int], sendings: tuple[Sending, ...], link: Link) -> dict[str, Mark]:
    """What stands at the boxes of the flow: who waits there now, what they sent."""
    found: dict[str, Mark] = {}
    sent: dict[str, int] = {}
    for one in sendings:
        sent[one.step] = sent.get(one.step, 0) + one.sent
    for step in {*inside, *sent}:
        said = f"{sent[step]:,} sent" if step in sent else ""
        found[step] = Mark(inside.get(step, 0), link("inside", step), said, link("sends", step=step) if said else "")
    return found


# ---- the report ----------------------------------------------------------------------------------------------------


def funnel(one: Measured, link: Link) -> Markup:
    """From everybody who entered to a click, in people."""
    stages = [Stage("entered", one.people, link("entered"), f"{one.runs:,} runs" if one.runs != one.people else "")]
    held = sum(group.people for arm, group in one.groups.items() if arm)
    if held:
        stages.append(Stage("could be sent to", one.people - held, link("held", one.control), f"{held:,} held out"))
    stages.append(Stage("were sent something", one.reached, link("status", "sent"), f"{_sent(one):,} messages"))
    for kind in ("opened", "clicked"):
        response = one.responses[kind]
        if response.messages_raw:
            machines = _machines(response.people_raw - response.people)
            stages.append(Stage(kind, response.people, link("response", kind), machines))
    return charts.funnel(stages, "How far people came")


def _sent(one: Measured) -> int:
    return one.statuses.get("sent", 0)


def _machines(number: int) -> str:
    return f"and {number:,} by machines alone" if number else ""


class Lift(Struct, frozen=True):
    """What messages brought, against people who could have had them and did not."""

    sentence: str
    picture: Markup
    detail: str


def lifts(one: Measured) -> list[Lift]:
    """Of the goal, and of revenue; empty where nobody is held out."""
    found = []
    if one.conversion is not None:
        found.append(_lift(one.conversion, _GOAL))
    if one.revenue_per_person is not None:
        found.append(_lift(one.revenue_per_person, _REVENUE))
    return found


class _Said(Struct, frozen=True):
    """How a comparison is told."""

    of: str
    unit: str
    more: str
    less: str
    scale: float = 1.0


_GOAL = _Said(
    "Difference in the share of people who reached the goal",
    "percentage points",
    "It works: {value} more of them reach the goal",
    "It does harm: {value} of them reach the goal",
    100.0,
)
_REVENUE = _Said(
    "Difference in what a person spends",
    "a person",
    "It pays: people spend {value} more",
    "It costs: people spend {value}",
)


def _lift(compared: Compared, said: _Said) -> Lift:
    if compared.difference is None:
        return Lift(f"{said.of}: too few people to say", Markup(""), compared.why_not)
    found = compared.difference
    value, low, high = (said.scale * each for each in (found.value, found.low, found.high))
    number = f"{value:+.2f} {said.unit}"
    sentence = {"more": said.more, "less": said.less}.get(compared.verdict, "Not told apart from chance: {value}")
    detail = f"Between {low:+.2f} and {high:+.2f} {said.unit} in 95 of 100 such comparisons"
    if compared.ratio is not None and compared.ratio.high != float("inf"):
        detail += f", {compared.ratio.value:.2f} times as much ({compared.ratio.low:.2f} to {compared.ratio.high:.2f})"
    picture = charts.interval(value, low, high, said.of, said.unit)
    return Lift(sentence.format(value=number), picture, f"{detail}.")


class Row(Struct, frozen=True):
    """One group of the comparison."""

    name: str
    people: int
    reached: int
    rate: str
    each: str
    href: str


def groups(one: Measured, link: Link) -> list[Row]:
    if not one.control:
        return []
    found = []
    for arm, name in (("", "could be sent to"), (one.control, f"held out ({HELD_OUT[one.control]})")):
        group = one.groups[arm]
        rate = wilson(Rate(group.reached_goal, group.people))
        said = f"{100 * rate.value:.2f} % ({100 * rate.low:.2f} to {100 * rate.high:.2f})"
        each = f"{group.revenue / group.people:,.2f}" if group.people else ""
        found.append(Row(name, group.people, group.reached_goal, said, each, link("held", arm)))
    return found


def delays(found: Delays, title: str) -> Markup:
    if not sum(found.counts):
        return Markup("")
    names = [f"under {name}" for _, name in BUCKETS] + [f"over {BUCKETS[-1][1]}"]
    last = max(place for place, count in enumerate(found.counts) if count)
    bars = [Bar(name, count) for name, count in zip(names[: last + 1], found.counts, strict=False)]
    within = f"half within {span(found.half_us)}, 95 of 100 within {span(found.most_us)}"
    return charts.histogram(bars, f"{title}: {within}", "messages")


def span(span_us: int) -> str:
    """About so long, in one unit."""
    seconds = span_us / SECOND_US
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


class Reason(Struct, frozen=True):
    text: str
    count: int
    href: str


def reasons(one: Measured, link: Link) -> tuple[list[Reason], list[Reason]]:
    """Why messages did not leave, and why there were none."""
    stopped = [Reason(text, count, link("status", text)) for text, count in one.reasons.items()]
    without = [Reason(_in_words(text), count, link("without", text)) for text, count in one.without.items()]
    return stopped, without


def _in_words(text: str) -> str:
    kind, _, why = text.partition(": ")
    return f"{kind}: {in_words(why)}"


def by_day(report: Report) -> Markup:
    """What was sent on each of the newest days; all versions together."""
    days = list(report.daily.items())[-DAYS:]
    bars = [Bar(date[5:], counts.get("sent", 0)) for date, counts in days]
    return charts.columns(bars, "Sent by day", "messages") if any(bar.value for bar in bars) else Markup("")


class Came(Struct, frozen=True):
    """What came back, of one kind."""

    people: int
    share: str
    """Of those to whom it was sent."""
    href: str


class Message(Struct, frozen=True):
    """What one step sent."""

    step: str
    message: str
    sent: int
    people: int
    href: str
    responses: tuple[Came, ...]
    """Opened, and so on."""


def messages(report: Report, link: Link) -> list[Message]:
    found = []
    for one in report.steps:
        of = {"step": one.step, "message": one.message}
        responses = tuple(
            Came(each.people, share(each.people, one.people), link("response", kind, **of))
            for kind, each in ((kind, one.responses[kind]) for kind in _RESPONSES)
        )
        found.append(Message(one.step, one.message, one.sent, one.people, link("sends", **of), responses))
    return found


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
