"""Commands over what waits for somebody to look: the outbox, and the quarantine."""

import base64
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened, project_option, table
from tactful.errors import UsageError
from tactful.operations.messages import outbox as outbox_operations
from tactful.operations.people.finding import unknown
from tactful.operations.reading.reader import Reader
from tactful.operations.upkeep import quarantine as quarantine_operations
from tactful.runtime.ports import OutboxRow, Quarantined
from tactful.runtime.settings import naming_of
from tactful.values import format_time

_WORDS = re.compile(r"(?=[A-Z])")
"""Where a word begins in a name of JSON."""
_limit = click.option("--limit", default=50, show_default=True, help="How many at most.")
_intents = click.argument("intents", nargs=-1, required=True)


def register(group: click.Group, build: Build) -> None:
    _register_outbox(group, build)
    _register_quarantine(group, build)


def _register_outbox(group: click.Group, build: Build) -> None:
    @group.group()
    def outbox() -> None:
        """What waits to be sent, what was sent, and what is held because nobody knows."""

    @outbox.command("list")
    @data_option
    @json_option
    @click.option("--status", metavar="STATUS", help="Only these: " + ", ".join(outbox_operations.STATUSES) + ".")
    @click.option("--person", metavar="PERSON", help="Only of this person, by any identifier.")
    @_limit
    def list_command(data: Path, as_json: bool, status: str | None, person: str | None, limit: int) -> None:
        """Messages and webhooks, the newest first."""
        house = opened(build, data)
        box, reader = house.outbox, Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine)
        found = outbox_operations.rows(reader.messages, status, person or "", limit=limit)
        if person and not found and reader.find(person) is None:
            raise UsageError(unknown(person))
        if as_json:
            for row in found:
                echo_json(outbox_operations.as_values(row))
            return
        table([_shown(row) for row in found], ("due", "status", "journey", "message", "person", "intent", "reason"))
        counts = Counter(row.status for row in found) if person else box.counts()
        click.echo("\n" + (", ".join(f"{count} {name}" for name, count in counts.items() if count) or "empty"))

    @outbox.command()
    @click.argument("intent")
    @data_option
    @json_option
    def show(intent: str, data: Path, as_json: bool) -> None:
        """One message with everything that is known of it."""
        values = outbox_operations.as_values(outbox_operations.show(opened(build, data).outbox, intent))
        if as_json:
            echo_json(values)
            return
        for name, value in values.items():
            if value not in ("", None):
                click.echo(f"{_WORDS.sub(' ', name).lower():12} {value}")

    @outbox.command()
    @_intents
    @data_option
    def release(intents: tuple[str, ...], data: Path) -> None:
        """Let held messages go before the gate again (you have looked: they were not sent)."""
        house = opened(build, data, read_only=False)
        _tell(outbox_operations.release(house.outbox, house.bells, house.clock, intents), "released", "not held")

    @outbox.command()
    @_intents
    @data_option
    @click.option("--reason", default="", metavar="TEXT", help="Why; stands in the person's story.")
    def drop(intents: tuple[str, ...], data: Path, reason: str) -> None:
        """End held or waiting messages: they will not be sent."""
        house = opened(build, data, read_only=False)
        done = outbox_operations.drop(house.outbox, house.bells, house.clock, intents, reason)
        _tell(done, "dropped", "neither held nor waiting")


def _shown(row: OutboxRow) -> tuple[str, ...]:
    intent = row.intent
    return (
        format_time(intent.due), row.status, intent.journey, intent.message, intent.key, intent.intent, row.reason
    )  # fmt: skip


def _tell(done: outbox_operations.Done, word: str, otherwise: str) -> None:
    for intent in done.changed:
        click.echo(f"{word} {intent}")
    for intent in done.unchanged:
        click.echo(f"unchanged {intent}: {otherwise}", err=True)
    if done.unchanged:
        raise SystemExit(1)


def _register_quarantine(group: click.Group, build: Build) -> None:
    @group.group()
    def quarantine() -> None:
        """What could not be taken in, and why."""

    @quarantine.command("list")
    @data_option
    @json_option
    @_limit
    def list_command(data: Path, as_json: bool, limit: int) -> None:
        """The newest first."""
        box = opened(build, data).quarantine
        rows = box.rows(limit=limit)
        if as_json:
            for row in rows:
                echo_json(_values(row))
            return
        shown = [(str(row.id), format_time(row.received_at), row.source, row.code, row.message) for row in rows]
        table(shown, ("id", "received", "source", "code", "what is wrong"))
        click.echo("\n" + (", ".join(f"{count} {code}" for code, count in box.counts().items() if count) or "empty"))

    @quarantine.command()
    @click.argument("number", type=int)
    @data_option
    @json_option
    def show(number: int, data: Path, as_json: bool) -> None:
        """One call as it came."""
        row = quarantine_operations.show(opened(build, data).quarantine, number)
        if as_json:
            echo_json(_values(row))
            return
        field = f" (field {row.field})" if row.field else ""
        click.echo(f"{row.code}{field}: {row.message}\nfrom {row.source} at {format_time(row.received_at)}\n")
        click.echo(row.body.decode("utf-8", "backslashreplace"))

    @quarantine.command()
    @click.argument("numbers", type=int, nargs=-1, required=True)
    @project_option
    @data_option
    def replay(numbers: Sequence[int], project: Path, data: Path) -> None:
        """Try calls again, as received when they came; what is taken leaves the quarantine."""
        house = opened(build, data, read_only=False)
        sources, naming = build.sources(project), naming_of(build.settings(project).identity)
        boxes, salt_key = (house.quarantine, house.log, house.bells), secrets.token_bytes(32)
        for outcome in quarantine_operations.replay(*boxes, sources, numbers, naming, salt_key):
            click.echo(outcome)

    @quarantine.command()
    @click.argument("numbers", type=int, nargs=-1, required=True)
    @data_option
    def drop(numbers: Sequence[int], data: Path) -> None:
        """Throw calls away."""
        removed = quarantine_operations.drop(opened(build, data, read_only=False).quarantine, numbers)
        click.echo(f"dropped {removed} of {len(numbers)}")


def _values(row: Quarantined) -> dict[str, object]:
    try:
        body = {"body": row.body.decode("utf-8")}
    except UnicodeDecodeError:
        body = {"bodyBase64": base64.b64encode(row.body).decode()}
    return {
        "id": row.id,
        "receivedAt": format_time(row.received_at),
        "source": row.source,
        "code": row.code,
        "field": row.field,
        "message": row.message,
        "size": row.size,
        **body,
    }
