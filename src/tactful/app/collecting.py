"""The process that talks: takes calls, shows pages, answers the read API, opens the doors that mails lead to."""

import asyncio
import json
import os
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import click
import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.routing import Mount

from tactful.adapters import spool
from tactful.adapters.approvals import FileApprovals
from tactful.adapters.installation import Installation
from tactful.adapters.secrets import write_private
from tactful.app.answering import Answering
from tactful.app.parts import sources_of
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival
from tactful.events.records import Consent, encode
from tactful.messages.links import unseal, unseal_confirm
from tactful.operations import identities
from tactful.operations.patching import SOURCE as API
from tactful.operations.reading import Reader
from tactful.runtime.intake import Bounds, Intake
from tactful.runtime.ports import Clock
from tactful.runtime.settings import Settings, naming_of
from tactful.runtime.tokens import Tokens
from tactful.web.api import OPEN_PATHS
from tactful.web.api import routes as api
from tactful.web.campaigns import routes as campaigns
from tactful.web.changes import routes as change
from tactful.web.collect import collect_app
from tactful.web.collect_reading import Rules
from tactful.web.confirm import routes as confirm
from tactful.web.desk import Desk, News
from tactful.web.guard import Guard
from tactful.web.journeys import routes as steer
from tactful.web.pages import Frame
from tactful.web.pages import routes as pages
from tactful.web.serving import server
from tactful.web.unsubscribe import routes as unsubscribe

ADMIN_TOKEN = "TACTFUL_ADMIN_TOKEN"  # noqa: S105  (the variable's name)


def run(house: Installation, data: Path, host: str, port: int) -> None:
    """Until a signal comes."""
    workspace, limits, identity = house.settings.workspace, house.settings.limits, house.settings.identity
    keys, tokens = house.link_keys(), Tokens(identity.secrets)
    rules = Rules(naming_of(identity), tokens.prove if identity.secrets else None, _salt_key(keys))
    intake = Intake(house.log, house.quarantine, house.bells, house.clock, Bounds(waiting_bytes=limits.waiting_bytes))
    sources = sources_of(house.settings)
    address = workspace.public_url or f"http://{host}:{port}"
    key = next((source.write_key for source in sources if source.trust == "server"), "")
    desk, slow = Desk(lambda: _reader(house.clock, data)), Desk(lambda: _reader(house.clock, data))
    news = News(house.bells.bell("watch"))
    frame = Frame(workspace.name, workspace.time_zone, address, key)
    mails = pages(desk, news, lambda intent: spool.read(data / "mail", intent), frame)

    def arrive() -> Arrival:
        return rules.arrival(API, house.clock.now_us())

    changed = change(desk, intake.submit, arrive, house.partitions)
    steered = steer(desk, intake.submit, arrive, house.partitions, slow)
    launched = campaigns(
        desk, slow, intake.submit, arrive, FileApprovals(data), lambda reader, name: _previewed(house, reader, name)
    )

    def salted(consent: Consent) -> Consent:
        salt = rules.arrival(API, consent.received_at).salt(consent.message_id)
        return msgspec.structs.replace(consent, salt=salt)

    async def submit(consent: Consent) -> None:
        await intake.submit([(partition_of(consent.key, house.partitions), encode(salted(consent)))])

    answering = Answering(house, keys, intake, salted)
    shown = [*mails, *api(desk, lambda: answering.responding.counts)]
    guarded = Starlette(routes=[*shown, *changed, *steered, *launched, *answering.guarded])
    inside = Guard(guarded, [os.environ.get(ADMIN_TOKEN, "")], OPEN_PATHS)
    doors = [
        *answering.doors,
        *unsubscribe(lambda token: unseal(keys, token), answering.unsubscribe, house.clock, workspace.name),
        *confirm(lambda token: unseal_confirm(keys, token), submit, house.clock, workspace.name),
    ]
    outside = Starlette(routes=[*doors, Mount("/", inside)])
    app = collect_app(intake, sources, house.clock, outside, workspace.public_url, rules)

    async def serve() -> None:
        intake.start()
        noting = asyncio.create_task(_note_tokens(data / identities.TOKENS, tokens.counts))
        responding = asyncio.create_task(answering.run())
        await server(app, host, port, news).serve()
        noting.cancel()
        await answering.stop(responding)
        await intake.stop()

    uvloop.run(serve())
    desk.close()
    slow.close()


def _reader(clock: Clock, data: Path) -> Reader:
    """What pages and the read API ask; opened in the thread that asks."""
    house = Installation(data, Settings(), clock, read_only=True)
    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine)


def _previewed(house: Installation, reader: Reader, name: str) -> dict[str, object]:
    """Of a campaign; what it looks at is opened in the thread that asks."""
    from tactful.operations import previewed  # Renders messages, and is seldom wanted.

    own = Installation(house.data, house.settings, house.clock, read_only=True)
    try:
        return previewed.values(name, reader, own)
    finally:
        own.close()


def _salt_key(keys: dict[int, bytes]) -> bytes:
    """Of the ledger's salts; made from the key of links, which whoever may read the data folder's keys alone has."""
    return blake2b(key=keys[min(keys)][:64], digest_size=32, person=b"consent salts").digest()


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
