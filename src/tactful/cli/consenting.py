"""Commands about the ledger of consent."""

from pathlib import Path

import click
import msgspec

from tactful.cli import lists
from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened, table
from tactful.operations.people.consenting import Checked, decisions, verify

_BROKEN = (
    "\nThe ledger is not as it was written: somebody was at it, or a file was damaged or put back from a backup. Keep "
    "the data\nfolder as it is, and compare it with a backup, or with what `verify --json` said before "
    "(docs/consent.md)."
)


def register(group: click.Group, build: Build) -> None:
    @group.group()
    def consent() -> None:
        """What people have agreed to, and the proof of it."""

    @consent.command()
    @click.argument("person")
    @data_option
    @json_option
    def show(person: str, data: Path, as_json: bool) -> None:
        """Everything that PERSON (by any identifier) has decided, oldest first."""
        house = opened(build, data)
        found = decisions(person, house.ledger, house.stores())
        if as_json:
            for one in found:
                echo_json(msgspec.to_builtins(one))
            return
        if not found:
            click.echo(f"{person} has decided nothing")
            return
        rows = [
            (
                one.decided_at,
                one.identifier,
                one.purpose,
                "yes" if one.granted else "no",
                one.text_version,
                one.source,
                one.origin,
                one.entry,
            )
            for one in found
        ]
        table(rows, ("when", "who", "purpose", "said", "text", "source", "how", "entry"))

    lists.register_consent(consent, build)

    @consent.command("verify")
    @data_option
    @json_option
    def verify_command(data: Path, as_json: bool) -> None:
        """Compute the chain of every decision again: was any altered, added or taken out?"""
        house = opened(build, data)
        is_whole = True
        for one in verify(house.ledger, house.stores(), house.log):
            is_whole = is_whole and one.fault is None
            if as_json:
                echo_json(msgspec.to_builtins(one))
            else:
                click.echo(_said(one))
        if not is_whole:
            if not as_json:
                click.echo(_BROKEN, err=True)
            raise SystemExit(1)


def _said(one: Checked) -> str:
    if one.fault is not None:
        return f"partition {one.partition}: entry {one.fault.number}: {one.fault.reason}"
    erased = f" ({one.erased} of people who were erased)" if one.erased else ""
    return f"partition {one.partition}: {counted(one.entries, 'decision')}, as written{erased}"
