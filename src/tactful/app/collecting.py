"""The process that talks: takes calls, opens the doors that mails lead to, and hands on all else to the console."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import click
import uvloop
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tactful.adapters.bells import Door
from tactful.adapters.installation import Installation
from tactful.adapters.secrets import write_private
from tactful.app.answering import Answering
from tactful.app.doorkeeping import access_of
from tactful.app.parts import sources_of
from tactful.app.reading import reader
from tactful.app.rules import rules_of, salting
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, encode
from tactful.messages.links import unseal, unseal_confirm
from tactful.operations.people import identities
from tactful.runtime.intake import Bounds, Intake
from tactful.runtime.tokens import Tokens
from tactful.web.allowed import allowed
from tactful.web.api import OPEN_PATHS, probes
from tactful.web.clock import routes as clock
from tactful.web.collect import collect_app
from tactful.web.confirm import routes as confirm
from tactful.web.desk import Desk
from tactful.web.forwarding import Forwarding
from tactful.web.guard import Guard
from tactful.web.serving import server
from tactful.web.unsubscribe import routes as unsubscribe


def run(house: Installation, data: Path, host: str, port: int) -> None:
    """Until a signal comes."""
    workspace, limits = house.settings.workspace, house.settings.limits
    keys, tokens = house.link_keys(), Tokens(house.settings.identity.secrets)
    rules = rules_of(house, tokens)
    salted = salting(rules)
    intake = Intake(house.log, house.quarantine, house.bells, house.clock, Bounds(waiting_bytes=limits.waiting_bytes))
    desk = Desk(lambda: reader(house.clock, data))
    door = Door(data / "run", "console")
    console = Forwarding(lambda: door.address)

    async def submit(consent: Consent) -> None:
        await intake.submit([(partition_of(consent.key, house.partitions), encode(salted(consent)))])

    answering = Answering(house, keys, intake, salted)
    access = access_of(house, house.settings)
    own = allowed([*probes(desk, lambda: answering.responding.counts), *answering.guarded], access.note)
    guarded = Guard(Starlette(routes=own), access, OPEN_PATHS)
    outside = Starlette(
        routes=[
            *answering.doors,
            *clock(house.clock),
            *unsubscribe(lambda token: unseal(keys, token), answering.unsubscribe, house.clock, workspace.name),
            *confirm(lambda token: unseal_confirm(keys, token), submit, house.clock, workspace.name),
            *(Route(route.path, guarded) for route in own),
            Mount("/", console),
        ]
    )
    app = collect_app(intake, sources_of(house.settings), house.clock, outside, workspace.public_url, rules)

    async def serve() -> None:
        intake.start()
        noting = asyncio.create_task(_note_tokens(data / identities.TOKENS, tokens.counts))
        responding = asyncio.create_task(answering.run())
        await server(app, host, port).serve()
        noting.cancel()
        await console.close()
        await answering.stop(responding)
        await intake.stop()

    uvloop.run(serve())
    desk.close()
    door.close()


async def _note_tokens(path: Path, counts: Counter[str]) -> None:
    """Keeps count in a file, for the doctor; what came in the last seconds before a stop is not in it."""
    before, noted = identities.read_counts(path), 0
    while True:
        await asyncio.sleep(10)
        if counts.total() != noted:
            noted = counts.total()
            await asyncio.to_thread(_write_counts, path, before + counts)


def _write_counts(path: Path, counts: Counter[str]) -> None:
    try:
        write_private(path, json.dumps(counts))
    except OSError as error:
        click.echo(f"tactful: {path} could not be written: {error}", err=True)
