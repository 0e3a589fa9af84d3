"""Home: what happens now, is anything wrong, are we bothering people. What one opens every morning."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.events.mentions import EVERYBODY
from tactful.kernel.state import PartitionState
from tactful.operations.doctor import Finding
from tactful.operations.journeys.steering import Journeys
from tactful.operations.reading.reader import Reader
from tactful.operations.stories import Overview
from tactful.operations.upkeep.health import Concern, PartitionHealth, concerns
from tactful.operations.upkeep.pulse import Pulse, bothers, pulse
from tactful.runtime.machine import Machine
from tactful.values import DAY_US, HOUR_US
from tactful.web import wording
from tactful.web.console.charts import Bar, columns
from tactful.web.console.health import Health, Looks
from tactful.web.console.reports import age, passing
from tactful.web.console.room import Console

KEPT = "kept"
MOST = 5
"""Messages per person from which on people are counted together."""


class Now(Struct, frozen=True):
    """What a page shows at once."""

    overview: Overview
    health: list[PartitionHealth]
    day: Pulse
    before: Pulse
    """The 24 hours before those of `day`."""
    journeys: Journeys
    inside: dict[str, int]


class Week(Struct, frozen=True):
    """What takes longer, and is kept for a while."""

    pulse: Pulse
    per_person: dict[int, int]


def routes(console: Console) -> list[BaseRoute]:
    looks = Looks(console)
    return [
        console.route("/", Home(console, looks).page),
        console.route("/health", Health(console, looks).page),
    ]


class Home:
    def __init__(self, console: Console, looks: Looks) -> None:
        self._console = console
        self._looks = looks

    async def page(self, request: Request) -> Response:
        console = self._console
        now_us = console.house.clock.now_us()
        now, stands = await console.desk.ask(lambda reader: (_now(reader, now_us), passing(reader, now_us)))
        shown = await console.reports.answer("home", stands, lambda reader: _week(reader, now_us))
        week, looks = shown.kept.report if shown.kept is not None else None, self._looks
        machine, findings = await looks.machine.get(0), await looks.findings.get(0)
        wrong = _wrong(now, week, machine, findings or [])
        return await console.page(
            request,
            "home.html",
            now=now,
            week=week,
            shown=shown,
            age=age(now_us - shown.kept.at) if shown.kept is not None else "",
            wrong=wrong,
            events=self._events(now, now_us),
            per_person=_per_person(week) if week else None,
            mean=_mean(week) if week else 0,
            **await console.taught(is_empty=not now.overview.events),
        )

    def _events(self, now: Now, now_us: int) -> object:
        last = now_us // HOUR_US
        hours = range(last - 23, last + 1)
        zone = self._console.zone
        bars = [Bar(f"{wording.local(hour * HOUR_US, zone):%H:00}", now.day.by_hour.get(hour, 0)) for hour in hours]
        return columns(bars, "Events by hour", "the last 24 hours, the present one so far")


def _now(reader: Reader, now_us: int) -> Now:
    until_us = now_us - now_us % HOUR_US + HOUR_US
    today, yesterday = until_us - DAY_US, until_us - 2 * DAY_US
    by_hour = reader.sums(range(today, until_us + 1, HOUR_US), EVERYBODY, (KEPT,))
    whole = reader.sums([yesterday, today, until_us])
    return Now(
        reader.overview(),
        reader.health(now_us),
        pulse(by_hour + [one for one in whole if one.hour == today // HOUR_US and one.what != KEPT]),
        pulse(one for one in whole if one.hour != today // HOUR_US),
        reader.journeys(counts=False),
        _inside(reader.partitions()),
    )


def _week(reader: Reader, now_us: int) -> Week:
    since_us = now_us - 7 * DAY_US
    return Week(pulse(reader.sums([since_us, now_us + 1])), reader.outbox.per_person(since_us))


def _inside(states: list[PartitionState]) -> dict[str, int]:
    """Runs that wait, by journey."""
    inside: dict[str, int] = {}
    for state in states:
        for journey, steps in state.inside.items():
            inside[journey] = inside.get(journey, 0) + sum(steps.values())
    return inside


def _wrong(now: Now, week: Week | None, machine: Machine | None, findings: list[Finding]) -> list[Concern]:
    found = concerns(now.health, now.overview.messages, now.overview.quarantined, machine, findings)
    if not now.journeys.is_sending:
        said = f", {now.journeys.author} says: {now.journeys.reason}" if now.journeys.reason else ""
        found.insert(0, Concern("bad", f"All sending is switched off{said}", "/journeys"))
    for each in now.journeys.journeys:
        if each.state == "paused":
            address = f"/journeys/{wording.path(each.journey)}"
            found.append(Concern("note", f"The journey {each.journey} is paused", address))
    found += bothers(week.pulse) if week else []
    return sorted(found, key=lambda one: ("bad", "warn", "note").index(one.level))


def _per_person(week: Week) -> object:
    few = [Bar(str(number), week.per_person.get(number, 0)) for number in range(1, MOST)]
    many = sum(people for number, people in week.per_person.items() if number >= MOST)
    return columns(
        [*few, Bar(f"{MOST} or more", many, tone="warn" if many else "")],
        "Messages per person",
        "people by how many they got in seven days",
    )


def _mean(week: Week) -> float:
    people = sum(week.per_person.values())
    return sum(number * each for number, each in week.per_person.items()) / people if people else 0.0
