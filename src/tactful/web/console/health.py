"""Health: does every partition keep up, what do the processes and the disk say, and what does the doctor."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from tactful.operations.reading.reader import Reader
from tactful.operations.stories import Overview
from tactful.operations.upkeep.health import PartitionHealth, concerns
from tactful.runtime.machine import Machine
from tactful.web.console.kept import Kept
from tactful.web.console.room import Console, wants_csv

MACHINE_LASTS_S = 10.0
FINDINGS_LAST_S = 600.0
"""The doctor calls on mail servers, which should not hear from us each time somebody reloads a page."""


class Looks:
    """What is looked at outside of the data, kept for as long as it may be old."""

    def __init__(self, console: Console) -> None:
        clock, hands = console.house.clock, console.hands
        self.machine = Kept(lambda: asyncio.to_thread(hands.machine), clock, MACHINE_LASTS_S)
        self.findings = Kept(lambda: asyncio.to_thread(hands.doctor), clock, FINDINGS_LAST_S)


class Health:
    def __init__(self, console: Console, looks: Looks) -> None:
        self._console = console
        self._looks = looks

    async def page(self, request: Request) -> Response:
        console, clock = self._console, self._console.house.clock
        now_us = clock.now_us()
        overview, health, published = await console.desk.ask(lambda reader: _asked(reader, now_us))
        if wants_csv(request):
            columns = ("partition", "log ends at", "read to", "lag", "seconds late", "people", "plan")
            rows = [
                (one.partition, one.end, one.position, one.lag, one.late_us / 1e6, one.people, one.plan)
                for one in health
            ]
            return console.csv(request, "partitions", columns, rows)
        machine, findings = await self._looks.machine.get(0.3), await self._looks.findings.get()
        return await console.page(
            request,
            "health.html",
            overview=overview,
            health=health,
            published=published,
            machine=machine,
            findings=findings,
            wrong=concerns(health, overview.messages, overview.quarantined, machine, findings or []),
            memory=_memory(machine),
            now_us=now_us,
            speed=clock.speed,
            away_us=now_us - clock.real_us(),
        )


def _asked(reader: Reader, now_us: int) -> tuple[Overview, list[PartitionHealth], tuple[int, str]]:
    overview = reader.overview()
    plan = reader.plan_state() if overview.plan else None
    published = (plan.published_at, plan.plan.publish.author) if plan is not None else (0, "")
    return overview, reader.health(now_us), published


def _memory(machine: Machine | None) -> int:
    return sum(one.memory_bytes for one in machine.processes) if machine is not None else 0
