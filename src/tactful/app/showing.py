"""The process that shows: the console, the read API, and what changes something by either of them.

It reads beside the workers, and what it changes is a record in the log or a row of the office. It listens on a socket
in the data folder only; the process that talks (collecting.py) hands on to it whatever is no tracking call.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tactful.adapters import machine, spool
from tactful.adapters.approvals import FileApprovals
from tactful.adapters.bells import Door
from tactful.adapters.installation import Installation
from tactful.app.doorkeeping import access_of, provider_of
from tactful.app.parts import sources_of
from tactful.app.reading import reader
from tactful.app.rules import rules_of
from tactful.errors import TransientError, UsageError
from tactful.events.intake import Arrival
from tactful.operations.backtesting.bench import Bench, Progress
from tactful.operations.definitions.saving import held
from tactful.operations.doctor import Finding
from tactful.operations.messages.proofs import Said
from tactful.operations.people import identities
from tactful.operations.people.consenting import check as check_consent
from tactful.operations.people.patching import SOURCE as API
from tactful.operations.reading.reader import Reader
from tactful.runtime.intake import Bounds, Intake
from tactful.runtime.ports import Claimed
from tactful.runtime.settings import Settings
from tactful.runtime.tokens import Tokens
from tactful.web.allowed import allowed
from tactful.web.api import OPEN_PATHS
from tactful.web.api import routes as api
from tactful.web.backtests import routes as backtests
from tactful.web.campaigns import routes as campaigns
from tactful.web.changes import routes as change
from tactful.web.console.hands import Hands
from tactful.web.console.room import Console, Frame
from tactful.web.console.rooms import doors
from tactful.web.console.rooms import routes as rooms
from tactful.web.desk import Desk, News
from tactful.web.feeds import routes as follow
from tactful.web.forwarding import Peered
from tactful.web.guard import Guard
from tactful.web.journeys import routes as steer
from tactful.web.previews import routes as foresee
from tactful.web.recalling import Recall
from tactful.web.recalling import routes as recalled
from tactful.web.serving import server

if TYPE_CHECKING:
    from tactful.operations.backtesting.behind import Behind
    from tactful.operations.backtesting.preparing import Asked  # Stands on Arrow, likewise.
    from tactful.operations.journeys.previewing import Preview  # Renders messages, and is seldom wanted.

SWITCH_S = 0.001
"""After so long a thread that works out something lets another go on. A page asks some eighty questions of small files,
and after each waits for its turn again: beside a report that is being counted, 5 ms each time would be most of it."""


def run(house: Installation, project: Path, address: str) -> None:
    """Until a signal comes. `address` is where browsers find it."""
    sys.setswitchinterval(SWITCH_S)
    _finish_saving(project)
    data, rules = house.data, rules_of(house, Tokens(house.settings.identity.secrets))
    intake = Intake(
        house.log, house.quarantine, house.bells, house.clock, Bounds(waiting_bytes=house.settings.limits.waiting_bytes)
    )
    desk, slow, counting, past = (Desk(lambda: reader(house.clock, data, house.settings)) for _ in range(4))
    news = News(house.bells.bell("watch"))

    def arrive() -> Arrival:
        return rules.arrival(API, house.clock.now_us())

    def mail(intent: str) -> bytes | None:
        return spool.read(data / "mail", intent)

    hands = _hands(house, project)
    frame = _frame(house.settings, address)
    told = intake.submit, arrive, mail, hands, counting, past
    console = Console(desk, slow, news, house, house.office, project, frame, *told)
    access = access_of(house, house.settings)
    recall = Recall(past, house.clock)
    for_programs = [
        *api(desk, recall.profile),
        *recalled(recall),
        *change(desk, intake.submit, arrive, house.partitions),
        *follow(desk, mail),
        *foresee(past, house.clock),
        *backtests(hands.bench, project, house.clock, house.settings.workspace.time_zone),
        *steer(desk, intake.submit, arrive, house.partitions, slow),
        *campaigns(
            desk,
            slow,
            intake.submit,
            arrive,
            hands.approvals,
            lambda reader, name: _values(*hands.previewed(reader, name)),
        ),
    ]
    routes = [
        *rooms(console),
        *doors(console, access, provider_of(house.settings)),
        *allowed(for_programs, access.note),
    ]

    app = Starlette(routes=routes, exception_handlers={TransientError: _trouble(console)})
    guarded = Guard(app, access, OPEN_PATHS)

    async def serve() -> None:
        intake.start()
        door, warming = Door(data / "run", "console"), asyncio.create_task(console.warm())
        await server(Peered(guarded), "", 0, news).serve([door.listen()])
        warming.cancel()
        door.close()
        await intake.stop()

    uvloop.run(serve())
    for each in (desk, slow, counting, past, hands.bench):
        each.close()


def _trouble(console: Console) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What whoever asks sees where the world fails."""

    async def trouble(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"code": "trouble", "message": str(error)}, 503, {"Retry-After": "5"})
        is_act = request.method not in ("GET", "HEAD")
        return await console.page(request, "trouble.html", 503, error=str(error), is_act=is_act)

    return trouble


def _finish_saving(project: Path) -> None:
    """What whoever was here before was killed in the middle of."""
    try:
        with held(project):
            pass
    except (UsageError, TransientError) as error:  # Nothing can be saved then either, and the page says so.
        click.echo(f"tactful: {error}", err=True)


def _hands(house: Installation, project: Path) -> Hands:
    return Hands(
        FileApprovals(house.data),
        lambda reader, name: _previewed(house, reader, name),
        lambda claim, source: _proved(house, project, claim, source),
        sources_of(house.settings),
        lambda: machine.look(house.data, os.getppid()),
        Bench(lambda *asked: _backtested(house, project, *asked)),
        lambda: _findings(house, project),
    )


def _frame(settings: Settings, address: str) -> Frame:
    key = next((source.write_key for source in settings.sources.values() if source.trust == "server"), "")
    workspace = settings.workspace
    return Frame(workspace.name, workspace.time_zone, workspace.public_url or address, key)


def _findings(house: Installation, project: Path) -> list[Finding]:
    """What the doctor says of the settings that this process runs with."""
    from tactful.app import examining  # All channels, and seldom wanted.

    found = identities.check(house.settings.identity, house.settings.sources) + check_consent(house.settings.consent)
    return found + examining.channels(house.settings, project, house.data, house.clock)


def _previewed(house: Installation, reader: Reader, name: str) -> "tuple[str, Preview]":
    """Of a campaign; what it looks at is opened in the thread that asks."""
    from tactful.operations.reading import previewed  # Likewise.

    own = Installation(house.data, house.settings, house.clock, read_only=True)
    try:
        return previewed.preview(name, reader, own)
    finally:
        own.close()


def _backtested(
    house: Installation, project: Path, asked: "Asked", progress: Progress, behind: "Behind"
) -> dict[str, Any]:
    from tactful.app import backtesting  # Likewise.

    return backtesting.play(house, project, asked, progress, behind)


def _values(version: str, preview: "Preview") -> dict[str, object]:
    from tactful.operations.reading.previewed import as_values  # Likewise.

    return as_values(version, preview)


def _proved(house: Installation, project: Path, claim: Claimed, source: bytes) -> Said:
    """What it opens belongs to the thread that asks."""
    from tactful.app.proving import proof  # All channels, and seldom wanted.

    own = Installation(house.data, house.settings, house.clock, read_only=True)
    try:
        return proof(own, project, house.data, claim, source)
    finally:
        own.close()
