"""Pulse: what happened in a span of hours, and whether people are bothered by it.

Summed from what the trail counts by hour (events/mentions.py), so that a page need not look at what was counted. How
much is too much is what mailbox providers say of bulk senders: complaints below 0.1 %, never 0.3 % (Google, Yahoo);
bounces and people who leave have no such line, and 2 % is where deliverability handbooks begin to worry.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from tactful.events.mentions import EVERYBODY, Tally
from tactful.events.responses import EMAIL_BOUNCED, EMAIL_SPAM, MESSAGE_FAILED, UNSUBSCRIBED
from tactful.operations.upkeep.health import Concern, Level

COMPLAINTS, MANY_COMPLAINTS = 0.001, 0.003
LOSSES = 0.02
"""Of what was sent: bounced, or unsubscribed from."""
ENOUGH = 50
"""Messages below which a share says nothing."""
_CAPS = ("cap:", "limit:")
"""How reasons begin that mean: this person has had enough."""


class Pulse(Struct, frozen=True):
    events: int
    by_hour: Mapping[int, int]
    """Events kept, by hour counted from 1970."""
    by_name: Mapping[str, int]
    refused_events: int
    met: int
    """People and visitors who were seen for the first time."""
    entered: int
    left: int
    started: int
    """Runs of journeys."""
    sent: int
    unsent: Mapping[str, int]
    """Messages that did not leave, by reason."""
    responses: Mapping[str, int]
    """By event name; what a machine did is not counted."""
    goals: int
    by_journey: Mapping[str, tuple[int, int, int]]
    """Runs started, messages sent, and goals reached (holdouts not counted), by journey."""

    def share(self, name: str) -> float:
        """Of responses among what was sent; 0 where nothing was."""
        return self.responses.get(name, 0) / self.sent if self.sent else 0.0

    @property
    def bounced(self) -> int:
        return self.responses.get(EMAIL_BOUNCED, 0) + self.responses.get(MESSAGE_FAILED, 0)

    @property
    def capped(self) -> int:
        """Messages that were not sent since the person had had enough of them."""
        return sum(number for reason, number in self.unsent.items() if reason.startswith(_CAPS))

    @property
    def quiet(self) -> int:
        return sum(number for reason, number in self.unsent.items() if reason.startswith("quiet"))


def pulse(tallies: Iterable[Tally]) -> Pulse:
    by_hour: Counter[int] = Counter()
    by_name: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    unsent: Counter[str] = Counter()
    responses: Counter[str] = Counter()
    journeys: dict[str, list[int]] = {}
    for hour, definition, what, name, detail, number in tallies:
        if definition == EVERYBODY:
            if what == "kept":
                by_hour[hour] += number
                by_name[name] += number
            whole[f"event {what}"] += number
        elif definition.startswith("segment/"):
            whole[what] += number
        elif definition.startswith("journey/"):
            mine = journeys.setdefault(definition.removeprefix("journey/"), [0, 0, 0])
            if what == "started":
                mine[0] += number
            elif what == "outcome" and name == "sent":
                mine[1] += number
            elif what == "outcome":
                unsent[detail] += number
            elif what == "goal" and not name and not detail:
                mine[2] += number
            elif what == "response" and detail != "machine":
                responses[name] += number
    return Pulse(
        events=by_hour.total(),
        by_hour=by_hour,
        by_name=by_name,
        refused_events=whole["event refused"],
        met=whole["event met"],
        entered=whole["entered"],
        left=whole["left"],
        started=sum(one[0] for one in journeys.values()),
        sent=sum(one[1] for one in journeys.values()),
        unsent=unsent,
        responses=responses,
        goals=sum(one[2] for one in journeys.values()),
        by_journey={name: (one[0], one[1], one[2]) for name, one in journeys.items()},
    )


def bothers(week: Pulse) -> list[Concern]:
    """What people say by leaving, where enough was sent that a share means something."""
    if week.sent < ENOUGH:
        return []
    found = []
    if (complaints := week.share(EMAIL_SPAM)) >= COMPLAINTS:
        level: Level = "bad" if complaints >= MANY_COMPLAINTS else "warn"
        text = (
            f"{100 * complaints:.2f} % of the messages of a week were called spam; mailboxes begin to refuse at 0.3 %"
        )
        found.append(Concern(level, text, "/outbox?status=sent"))
    if (left := week.share(UNSUBSCRIBED)) >= LOSSES:
        text = f"{100 * left:.1f} % of the messages of a week made somebody unsubscribe"
        found.append(Concern("warn", text, "/journeys"))
    if week.bounced / week.sent >= LOSSES:
        text = f"{100 * week.bounced / week.sent:.1f} % of the messages of a week could not be delivered"
        found.append(Concern("warn", text, "/outbox?status=rejected"))
    return found
